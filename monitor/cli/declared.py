"""`monitor providers` and `monitor schema`: what the code declares about itself."""

from __future__ import annotations

import json
import sys

from monitor.core.durations import format_duration
from monitor.core.spec import ProviderSpec


def show_providers(output_format: str) -> int:
    """Every provider with its checks, intervals and where its facts come from."""
    from monitor.build import catalogue

    specs = catalogue().providers
    if output_format == "json":
        document = {name: _as_json(spec) for name, spec in sorted(specs.items())}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return 0
    for name, spec in sorted(specs.items()):
        sys.stdout.write(f"{name}: {spec.title}\n")
        for check, declared in spec.checks.items():
            every = format_duration(declared.interval) if declared.interval else "defaults"
            least = f", at least {format_duration(declared.minimum)}" if declared.minimum else ""
            asked = "" if declared.default else "  (only if named in checks:)"
            sys.stdout.write(f"  {check.value:<10} every {every}{least}{asked}  {declared.help}\n")
        sys.stdout.write(f"  facts: {spec.docs}\n")
    return 0


def _as_json(spec: ProviderSpec) -> dict[str, object]:
    return {
        "title": spec.title,
        "unit": spec.unit,
        "docs": spec.docs,
        "urls": dict(spec.urls),
        "checks": {
            check.value: {
                "interval_seconds": declared.interval,
                "minimum_seconds": declared.minimum,
                "default": declared.default,
                "help": declared.help,
            }
            for check, declared in spec.checks.items()
        },
    }


def show_schema() -> int:
    """The JSON Schema of the config."""
    from monitor.build import catalogue
    from monitor.config import schema

    sys.stdout.write(json.dumps(schema(catalogue()), indent=2) + "\n")
    return 0
