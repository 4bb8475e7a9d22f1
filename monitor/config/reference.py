"""The config's reference as Markdown, written from the same blocks the config is read with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from monitor.config.blocks import (
    AccountBlock,
    AlertBlock,
    BalanceBlock,
    Block,
    CheckBlock,
    ConfigBlock,
    DefaultsBlock,
    FlappingBlock,
    HeartbeatBlock,
    HistoryBlock,
    JobBlock,
    MaintenanceBlock,
    ModelsBlock,
    PrometheusBlock,
    QuotaBlock,
    ReceiverBlock,
    ServiceBlock,
    WebBlock,
)
from monitor.config.declared import TABLED, table_block
from monitor.config.kinds import SchemaDict
from monitor.config.prose import (
    ACCOUNTS,
    ALERTS,
    FAULTS,
    FLAPPING,
    HEARTBEAT,
    INTRODUCTION,
    MAINTENANCE,
    ONCE,
    QUOTAS,
    RECEIVERS,
    SERVICES,
    WEB,
)
from monitor.config.schema import block_schema
from monitor.core.builtin import BUILTIN, NOTICES, OPTIONAL
from monitor.core.durations import format_duration
from monitor.core.model import Check
from monitor.core.spec import Catalogue, ChannelSpec, CheckSpec, Field, ProviderSpec


def reference(catalogue: Catalogue) -> str:
    """Every key there is: what it takes, its default, what it means."""
    parts = [
        INTRODUCTION,
        "## The file",
        _keys(ConfigBlock),
        "## `defaults`",
        _keys(DefaultsBlock),
        *_accounts(catalogue),
        "## `services`",
        SERVICES,
        _keys(ServiceBlock),
        *_alerts(),
        "## `flapping`",
        FLAPPING,
        _keys(FlappingBlock),
        "## `receivers`",
        RECEIVERS,
        _keys(ReceiverBlock),
        *(part for spec in catalogue.channels.values() for part in _channel(spec)),
        "## `maintenance`",
        MAINTENANCE,
        _keys(MaintenanceBlock),
        "## `web`",
        WEB,
        _keys(WebBlock),
        "## `prometheus`",
        _keys(PrometheusBlock),
        "## `heartbeat`",
        HEARTBEAT,
        _keys(HeartbeatBlock),
        "## `history`",
        _keys(HistoryBlock),
        FAULTS,
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _accounts(catalogue: Catalogue) -> list[str]:
    return [
        "## `accounts`",
        ACCOUNTS,
        _keys(AccountBlock),
        "Where the provider can be asked about models:",
        _keys(ModelsBlock),
        "Where the provider can be asked for a balance:",
        _keys(BalanceBlock),
        "A job takes its price alone, or a block:",
        _keys(JobBlock),
        "Each of `quotas` takes:",
        _keys(QuotaBlock),
        QUOTAS,
        "A check's own block (`key_check`, and the others by their check's name) takes:",
        _keys(CheckBlock),
        "### Providers",
        *(part for spec in catalogue.providers.values() for part in _provider(spec)),
    ]


def _alerts() -> list[str]:
    lasting = [r for r in BUILTIN if r.name not in NOTICES]
    rows = [(f"`{r.name}`", f"`{r.on}`", r.severity.value, r.summary) for r in lasting]
    notices = [
        (f"`{r.name}`", f"`{r.on}`", r.severity.value, "off" if r in OPTIONAL else "on", r.summary)
        for r in NOTICES.values()
    ]
    return [
        "## `alerts`",
        ALERTS,
        _keys(AlertBlock),
        "### Built-in rules",
        _table(("rule", "on", "severity", "fires when"), rows),
        "### Notices",
        ONCE,
        _table(("rule", "on", "severity", "by itself", "told when"), notices),
    ]


def _provider(spec: ProviderSpec) -> list[str]:
    parts = [f"#### `{spec.name}`", f"{spec.title}. Source: {spec.docs}"]
    rows = [
        (
            f"`{check.value}`",
            _duration(declared.interval, "`defaults`"),
            _duration(declared.minimum, "none"),
            _when(declared),
            declared.help,
        )
        for check, declared in sorted(
            spec.checks.items(), key=lambda item: list(Check).index(item[0])
        )
    ]
    parts.append(_table(("check", "interval", "minimum", "asked", "what"), rows))
    urls = [(f"`{name}`", f"`{origin}`" if origin else "") for name, origin in spec.urls.items()]
    parts.append(_table(("URL", "default"), urls))
    return [*parts, *_fields(spec.name, spec.fields)]


def _when(declared: CheckSpec) -> str:
    if declared.field:
        return f"where `{declared.field}` is set"
    return "" if declared.default else "only where `checks` or its own block asks for it"


def _duration(seconds: float | None, otherwise: str) -> str:
    return format_duration(seconds) if seconds else otherwise


def _channel(spec: ChannelSpec) -> list[str]:
    return [f"### `{spec.name}`", f"{spec.title}.", *_fields(spec.name, spec.fields)]


def _fields(name: str, fields: tuple[Field, ...]) -> list[str]:
    """The declared keys, and those of the tables within them."""
    if not fields:
        return []
    parts = [_keys(table_block(name, fields))]
    for declared in fields:
        if declared.kind in TABLED:
            inner = f"{name}.{declared.name}"
            parts += [f"`{inner}` takes:", *_fields(inner, declared.fields)]
    return parts


def _keys(block: type[Block]) -> str:
    found = block_schema(block, {})
    properties = cast("Mapping[str, SchemaDict]", found["properties"])
    rows = [
        (f"`{name}`", _kind(value), _default(value), str(value.get("description", "")))
        for name, value in properties.items()
    ]
    return _table(("key", "value", "default", "meaning"), rows)


def _kind(value: SchemaDict) -> str:
    """What a key takes, in a few words."""
    if "title" in value:
        return str(value["title"])
    if "anyOf" in value:
        return "block, or list of blocks"
    if value.get("type") == "array":
        return "list of blocks"
    inner = value.get("additionalProperties")
    if isinstance(inner, dict) and "title" in inner:
        return f"names to {inner['title']}"
    return "names to blocks" if "additionalProperties" in value else "block"


def _default(value: SchemaDict) -> str:
    default = value.get("default")
    if default is None:
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, list):
        return f"`[{', '.join(repr(item) for item in default)}]`"
    return f"`{default}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(c) for c in cells)} |" for cells in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
