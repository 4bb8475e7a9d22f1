"""`monitor providers` and `monitor schema`: what the code declares about itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from monitor.core.durations import format_duration
from monitor.core.spec import Limit, ProviderSpec


def show_providers(output_format: str) -> int:
    """Every provider with its checks, intervals and where its facts come from."""
    from monitor.build import catalogue

    specs = catalogue().providers
    if output_format == "json":
        document = {name: _as_json(spec) for name, spec in sorted(specs.items())}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return 0
    for name, spec in sorted(specs.items()):
        unit = f", in {spec.unit}" if spec.unit else ""
        sys.stdout.write(f"{name}: {spec.title}{unit}\n")
        for check, declared in spec.checks.items():
            every = format_duration(declared.interval) if declared.interval else "defaults"
            least = f", at least {format_duration(declared.minimum)}" if declared.minimum else ""
            asked = "" if declared.default else "  (only if named in checks:)"
            asked = f"  (where {declared.field} is set)" if declared.field else asked
            sys.stdout.write(f"  {check.value:<10} every {every}{least}{asked}  {declared.help}\n")
        for line in _told(spec):
            sys.stdout.write(f"  {line}\n")
    return 0


def _told(spec: ProviderSpec) -> Iterator[str]:
    """What else there is to know: the key, the fields, what is knowable, limits, the source."""
    if spec.key:
        yield f"key: {spec.key}"
    for own in spec.fields:
        yield f"{own.name}: {own.help}{'; required' if own.required else ''}"
    if spec.knows:
        yield f"knows: {spec.knows}"
    for limit in dict.fromkeys(check.limit for check in spec.checks.values()):
        if limit is not None:
            yield f"limit: {limit.calls} in {format_duration(limit.seconds)}, {limit.source}"
    yield f"facts: {spec.docs}"


def _as_json(spec: ProviderSpec) -> dict[str, object]:
    return {
        "title": spec.title,
        "unit": spec.unit,
        "docs": spec.docs,
        "key": spec.key,
        "knows": spec.knows,
        "fields": [
            {"name": own.name, "kind": own.kind.value, "help": own.help, "required": own.required}
            for own in spec.fields
        ],
        "urls": dict(spec.urls),
        "checks": {
            check.value: {
                "interval_seconds": declared.interval,
                "minimum_seconds": declared.minimum,
                "default": declared.default,
                "help": declared.help,
                "field": declared.field or None,
                "limit": _limit(declared.limit),
            }
            for check, declared in spec.checks.items()
        },
    }


def _limit(limit: Limit | None) -> dict[str, object] | None:
    if limit is None:
        return None
    return {"calls": limit.calls, "seconds": limit.seconds, "source": limit.source}


def show_schema() -> int:
    """The JSON Schema of the config."""
    from monitor.build import catalogue
    from monitor.config.schema import schema

    sys.stdout.write(json.dumps(schema(catalogue()), indent=2) + "\n")
    return 0
