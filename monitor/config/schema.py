"""The config's JSON Schema (draft-07), from the same blocks the config is read with."""

from __future__ import annotations

from typing import cast

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from monitor.config.accounts import NAME as ACCOUNT_NAME
from monitor.config.blocks import Block, ConfigBlock
from monitor.config.declared import account_block, receiver_block
from monitor.config.kinds import FLAG, SchemaDict
from monitor.core.spec import Catalogue

_REF = "#/definitions/"


class _Generator(GenerateJsonSchema):
    """Without generated titles, and without null beside everything that may be left out."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """With what the values are called, which pydantic drops and the reference needs."""
        values = schema.get("values_schema")
        found = super().dict_schema(schema)
        return found | {"additionalProperties": self.generate_inner(values)} if values else found


def schema(catalogue: Catalogue) -> SchemaDict:
    """The schema of a config file, with what the catalogue's providers and channels declare."""
    definitions: SchemaDict = {}
    root = block_schema(ConfigBlock, definitions)
    receiver = block_schema(receiver_block(catalogue.channels), definitions)
    names = list(catalogue.channels)
    receiver["oneOf"] = [{"required": [name]} for name in names]
    for name, spec in catalogue.providers.items():
        definitions[f"account-{name}"] = block_schema(account_block(spec), definitions)
    definitions |= {"receiver": receiver, "account": _any_account(catalogue)}
    properties = cast("dict[str, SchemaDict]", root["properties"])
    properties["accounts"] |= _accounts(catalogue)
    flapping = properties["flapping"].pop("$ref")
    properties["flapping"]["anyOf"] = [{"$ref": flapping}, FLAG, {"const": "off"}]
    properties["receivers"]["additionalProperties"] = _ref("receiver")
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "monitor's config"}
    definitions = dict(sorted(definitions.items()))
    return {**head, **root, "required": ["accounts"], "definitions": definitions}


def block_schema(block: type[Block], definitions: SchemaDict) -> SchemaDict:
    """One block's schema; the blocks within it go to `definitions`."""
    found = block.model_json_schema(ref_template=_REF + "{model}", schema_generator=_Generator)
    for name, inner in found.pop("$defs", {}).items():
        definitions[name] = _plain(inner)
    return cast("SchemaDict", _plain(found))


def _plain(value: object) -> object:
    """Without the titles pydantic gives to objects: the key above says what it is."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    drop = "title" if value.get("type") == "object" and "properties" in value else ""
    return {key: _plain(item) for key, item in value.items() if key != drop}


def _ref(name: str) -> SchemaDict:
    return {"$ref": _REF + name}


def _any_account(catalogue: Catalogue) -> SchemaDict:
    """An account whose name says nothing: its `provider` chooses what it may hold."""
    names = list(catalogue.providers)
    return {
        "type": "object",
        "required": ["provider"],
        "properties": {"provider": {"enum": names}},
        "allOf": [
            {"if": {"properties": {"provider": {"const": name}}}, "then": _ref(f"account-{name}")}
            for name in names
        ],
    }


def _accounts(catalogue: Catalogue) -> SchemaDict:
    """An account named like a provider is one of that provider, unless it says otherwise."""
    by_name = {
        name: {
            "if": {"type": "object", "required": ["provider"]},
            "then": _ref("account"),
            "else": {"anyOf": [_ref(f"account-{name}"), {"type": "null"}]},
        }
        for name in catalogue.providers
    }
    return {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": f"^{ACCOUNT_NAME.pattern}$"},
        "properties": by_name,
        "additionalProperties": _ref("account"),
    }
