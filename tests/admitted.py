"""What the JSON Schema admits, read as an editor reads it."""

from __future__ import annotations

import re

import jsonschema
import yaml
from catalogue import CATALOGUE

from monitor.config.schema import schema
from monitor.core.spec import Catalogue


class Loader(yaml.SafeLoader):
    """Reads `on:` as text, as YAML 1.2 and every editor's language server do."""


Loader.yaml_implicit_resolvers = {  # a copy: the parent's are shared by the whole process
    first: [(tag, regex) for tag, regex in pairs if not tag.endswith((":bool", ":timestamp"))]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), ["t", "f"])


def errors(text: str, catalogue: Catalogue = CATALOGUE) -> list[str]:
    """What the schema has against a config."""
    validator = jsonschema.Draft7Validator(schema(catalogue))
    tree = yaml.load(text, Loader)  # noqa: S506 - a SafeLoader of ours
    return [error.message for error in validator.iter_errors(tree)]
