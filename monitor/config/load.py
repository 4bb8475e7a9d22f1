"""The ways in: a file to settings, or to the effective config as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.config.build import build
from monitor.config.compose import parse
from monitor.config.context import Context
from monitor.config.document import Scalar, Tree
from monitor.config.faults import ConfigFaults, Fault
from monitor.config.needs import Needs
from monitor.config.source import read_source
from monitor.core.settings import Settings
from monitor.core.spec import Catalogue


def load(
    path: str,
    catalogue: Catalogue,
    env: Mapping[str, str],
    *,
    need_secrets: bool = True,
    needs: Needs | None = None,
) -> Settings:
    """Read the config at `path`. Raises ConfigFaults with every fault at once.

    Without `need_secrets` an unset variable is no fault and no secret's file is read: accounts
    come out as not configured. With `needs` that holds for all but the parts it names.
    """
    text = read_source(path)
    return loads(path, text, catalogue, env, need_secrets=need_secrets, needs=needs)


@dataclass(frozen=True, slots=True)
class Examined:
    """What is to be said of a config: `faults` stop it, `doubts` do not."""

    faults: tuple[Fault, ...]
    doubts: tuple[Fault, ...] = ()


def examine(
    path: str, catalogue: Catalogue, env: Mapping[str, str], *, need_secrets: bool = True
) -> Examined:
    """Everything that is wrong or unwise in the config at `path`, each with its place."""
    try:
        document = parse(path, read_source(path), env, need_variables=need_secrets)
        build(Context(document, catalogue, need_secrets))
    except ConfigFaults as wrong:
        return Examined(wrong.faults)
    return Examined((), tuple(sorted(dict.fromkeys(document.doubts))))


def loads(
    path: str,
    text: str,
    catalogue: Catalogue,
    env: Mapping[str, str],
    *,
    need_secrets: bool = True,
    needs: Needs | None = None,
) -> Settings:
    """What `text` would mean in the file `path`. Raises ConfigFaults."""
    document = parse(path, text, env, need_variables=need_secrets)
    return build(Context(document, catalogue, need_secrets), needs)


def variables(path: str, text: str) -> tuple[str, ...]:
    """The environment variables that `text` takes values from, in its order."""
    found: dict[str, None] = {}
    trees: list[Tree] = [parse(path, text, {}, need_variables=False).root]
    while trees:
        tree = trees.pop(0)
        if isinstance(tree, Scalar):
            found |= dict.fromkeys(tree.variables)
        else:
            trees[:0] = tree.values() if isinstance(tree, dict) else tree
    return tuple(found)


def effective(path: str, catalogue: Catalogue, env: Mapping[str, str]) -> str:
    """What the config at `path` means, as YAML with every default in and every secret masked.

    What needs a variable that is not set is left out. Raises ConfigFaults for any other fault.
    """
    from monitor.config.effective import effective_text

    try:
        settings = load(path, catalogue, env)
    except ConfigFaults:
        settings = load(path, catalogue, env, need_secrets=False)
    return effective_text(settings, catalogue)
