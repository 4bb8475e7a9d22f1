"""Blocks made of what providers and notifiers declare, and what such a block holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, cast

from pydantic import (
    AfterValidator,
    BeforeValidator,
    GetJsonSchemaHandler,
    PlainValidator,
    WithJsonSchema,
    create_model,
)
from pydantic import Field as BlockField
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from monitor.config import kinds
from monitor.config.blocks import (
    AccountBlock,
    BalanceBlock,
    Block,
    CheckBlock,
    ModelsBlock,
    ReceiverBlock,
)
from monitor.config.context import Context
from monitor.config.document import Scalar, Tag
from monitor.config.faults import PathTuple
from monitor.config.readers import Wrong, choice, not_empty, several
from monitor.config.secrets import resolve_secret
from monitor.core.durations import format_duration
from monitor.core.model import Check
from monitor.core.spec import ChannelSpec, Field, FieldKind, ProviderSpec

Entries = dict[str, Any]  # what pydantic's create_model takes: name to (type, FieldInfo)

_KINDS: Mapping[FieldKind, object] = {
    FieldKind.TEXT: kinds.Text,
    FieldKind.WORDS: kinds.Words,
    FieldKind.INTEGER: kinds.Integer,
    FieldKind.NUMBER: kinds.Number,
    FieldKind.FLAG: kinds.Flag,
    FieldKind.DURATION: kinds.Duration,
    FieldKind.PATH: kinds.File,
    FieldKind.URL: kinds.Url,
    FieldKind.SECRET: kinds.SecretText,
    FieldKind.TEXTS: kinds.Texts,
    FieldKind.MEMBER: kinds.Member,
    FieldKind.MEMBERS: kinds.Members,
    FieldKind.PATTERN: kinds.Pattern,
    FieldKind.VALUE: kinds.Value,
    FieldKind.MAP: dict[str, kinds.SecretText],  # a header's value may be a credential
}


_SEVERAL = (FieldKind.TEXTS, FieldKind.MEMBERS)
TABLED = (FieldKind.TABLE, FieldKind.TABLES, FieldKind.RELAYS)


class _OneOrMore:
    """In the schema, a table or a list of such."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        several = handler(schema)
        return {"anyOf": [several["items"], {**several, "minItems": 1}]}


def _listed(declared: Field) -> Callable[[object], object]:
    """One table as a list of one; where a text stands, which key it is the value of."""
    first = next((f for f in declared.fields if f.required), declared)
    wanted = f"must be a mapping such as {{{first.name}: {first.example}}}, or a list of such"

    def read(value: object) -> object:
        if isinstance(value, Scalar) and value.tag is not Tag.NOTHING:
            raise Wrong(f"{wanted}, not {value.tag.value}")
        return [value] if isinstance(value, dict) else value

    return read


def check_key(check: Check) -> str:
    """The key of a check's own block: `key` is the credential, so its check is `key_check`."""
    return "key_check" if check is Check.KEY else check.value


@lru_cache(maxsize=256)
def _one_of(names: tuple[str, ...]) -> object:
    def read(value: object) -> str:
        return choice(value, names)

    return Annotated[str, PlainValidator(read), WithJsonSchema(kinds.options(*names))]


def _some_of(names: tuple[str, ...]) -> object:
    schema = kinds.listed(kinds.options(*names), f"list of {', '.join(names)}")
    return Annotated[
        list[_one_of(names)],  # type: ignore[misc]  # a type made at run time
        BeforeValidator(several),
        AfterValidator(not_empty),
        WithJsonSchema(schema),
    ]


# Making a block takes milliseconds, and declarations hold mappings, which cannot be hashed: kept
# by identity, beside what they were made of, so that no identity is given anew.
_MADE: dict[tuple[int, ...], tuple[object, type[Block]]] = {}


def account_block(spec: ProviderSpec) -> type[AccountBlock]:
    """What an account at this provider may hold."""
    if (id(spec),) not in _MADE:
        _MADE[(id(spec),)] = (spec, _account_block(spec))
    return cast("type[AccountBlock]", _MADE[(id(spec),)][1])


def _account_block(spec: ProviderSpec) -> type[Block]:
    own = {f.name for f in spec.fields}
    entries = _entries(spec.name, spec.fields)
    entries["checks"] = _entry(
        _some_of(tuple(c.value for c in Check if c in spec.checks)),
        AccountBlock.model_fields["checks"].description or "",
    )
    for name, origin in spec.urls.items():
        entries[f"url_{name}"] = _entry(
            kinds.Url if origin else kinds.WholeUrl,
            "a proxy or a test server in its place" if origin else "where it is asked; required",
            alias=name,
            default=origin or None,
        )
    for check, declared in spec.checks.items():
        if check_key(check) not in own:
            help_text = declared.help or f"schedule of its `{check.value}` check"
            entries[f"check_{check.value}"] = _entry(CheckBlock, help_text, alias=check_key(check))
    return create_model(f"account at {spec.name}", __base__=_bases(spec), **entries)


def _bases(spec: ProviderSpec) -> tuple[type[Block], ...]:
    bases: list[type[Block]] = []
    if Check.BALANCE in spec.checks:
        bases.append(BalanceBlock)
    if {Check.MODEL, Check.INFERENCE} & spec.checks.keys():
        bases.append(ModelsBlock)
    return (*bases, AccountBlock)


def receiver_block(channels: Mapping[str, ChannelSpec]) -> type[ReceiverBlock]:
    """What a receiver may hold."""
    made_of = tuple(channels.values())
    key = tuple(id(spec) for spec in made_of)
    if key not in _MADE:
        _MADE[key] = (made_of, _receiver_block(channels))
    return cast("type[ReceiverBlock]", _MADE[key][1])


def _receiver_block(channels: Mapping[str, ChannelSpec]) -> type[Block]:
    entries: Entries = {
        f"channel_{name}": _entry(table_block(name, spec.fields), spec.title, alias=name)
        for name, spec in channels.items()
    }
    return create_model("receiver", __base__=ReceiverBlock, **entries)


def table_block(name: str, fields: tuple[Field, ...]) -> type[Block]:
    """A nested mapping."""
    required = [f.name for f in fields if f.required and f.kind is not FieldKind.SECRET]
    config = {**Block.model_config, "json_schema_extra": {"required": required}}
    entries = _entries(name, fields)
    if not required:
        return create_model(name, __base__=Block, **entries)
    base = type(f"{name} base", (Block,), {"model_config": config, "__module__": __name__})
    return create_model(name, __base__=base, **entries)


def _entries(owner: str, fields: tuple[Field, ...]) -> Entries:
    found: Entries = {}
    for declared in fields:
        words = declared.help + ("; required" if declared.required else "")
        found[f"own_{declared.name}"] = _entry(
            _type_of(owner, declared),
            words,
            alias=declared.name,
            default=_spelled_default(declared),
        )
        if declared.kind is FieldKind.SECRET:
            words = f"a file that holds `{declared.name}`"
            found[f"file_{declared.name}"] = _entry(
                kinds.File, words, alias=f"{declared.name}_file"
            )
    return found


def _entry(
    kind: Any, help_text: str, *, alias: str | None = None, default: object = None
) -> tuple[object, object]:
    extra: Any = None if default is None else {"default": default}
    info = BlockField(None, alias=alias, description=help_text, json_schema_extra=extra)
    return (kind | None, info)


def _type_of(owner: str, declared: Field) -> object:
    if declared.kind in TABLED:
        table = table_block(f"{owner}-{declared.name}", declared.fields)
        several = list[table]  # type: ignore[valid-type]  # made at run time
        relays = Annotated[
            several, BeforeValidator(_listed(declared)), AfterValidator(not_empty), _OneOrMore
        ]
        return {FieldKind.TABLE: table, FieldKind.RELAYS: relays}.get(declared.kind, several)
    if declared.choices:
        one = _one_of(declared.choices)
        return _some_of(declared.choices) if declared.kind is FieldKind.TEXTS else one
    if declared.name == "port":
        return kinds.Port
    return _KINDS[declared.kind]


def _spelled_default(declared: Field) -> object:
    """The default as a config would write it."""
    value = declared.default
    if declared.kind is FieldKind.DURATION and isinstance(value, (int, float)):
        return format_duration(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return list(value) if isinstance(value, tuple) else value


def values_of(
    context: Context, at: PathTuple, fields: tuple[Field, ...], block: Block | None
) -> dict[str, object]:
    """What a block holds of the declared fields, with their defaults, as core values."""
    return {f.name: _value(context, (*at, f.name), f, block) for f in fields}


def _value(context: Context, at: PathTuple, declared: Field, block: Block | None) -> object:
    given = getattr(block, f"own_{declared.name}", None)
    if declared.kind is FieldKind.SECRET:
        file = getattr(block, f"file_{declared.name}", None)
        return resolve_secret(context, at, given=given, file=file, required=declared.required)
    if given is None and declared.required:
        context.missing(at[:-1], declared.name)
    if declared.kind is FieldKind.TABLE:
        return _table(context, at, declared, given)
    if given is None:
        return _default(declared)
    if declared.kind is FieldKind.RELAYS and isinstance(context.document.get(*at), dict):
        return tuple(values_of(context, at, declared.fields, one) for one in given)
    if declared.kind in (FieldKind.TABLES, FieldKind.RELAYS):
        each = enumerate(given)
        return tuple(values_of(context, (*at, i), declared.fields, one) for i, one in each)
    if declared.kind is FieldKind.PATH:
        return str(context.path(given))
    return tuple(given) if declared.kind in _SEVERAL else given


def _table(
    context: Context, at: PathTuple, declared: Field, given: Block | None
) -> dict[str, object] | None:
    """A table that is not there is all defaults, unless something in it would be required."""
    if given is None and any(f.required for f in declared.fields):
        return None
    return values_of(context, at, declared.fields, given)


def _default(declared: Field) -> object:
    value = declared.default
    if value is None:
        several = (*_SEVERAL, FieldKind.TABLES, FieldKind.RELAYS)
        return {FieldKind.MAP: {}, **dict.fromkeys(several, ())}.get(declared.kind)
    if declared.kind is FieldKind.DURATION and isinstance(value, (int, float)):
        return float(value)
    return value
