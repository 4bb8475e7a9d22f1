"""The ways in: a file to settings, or to the effective config as text."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.config.build import build
from monitor.config.compose import parse
from monitor.config.context import Context
from monitor.config.effective import effective_text
from monitor.config.faults import ConfigFaults
from monitor.config.source import read_source
from monitor.core.settings import Settings
from monitor.core.spec import Catalogue


def load(
    path: str, catalogue: Catalogue, env: Mapping[str, str], *, need_secrets: bool = True
) -> Settings:
    """Read the config at `path`. Raises ConfigFaults with every fault at once.

    Without `need_secrets` an unset variable is no fault and no secret's file is read: accounts
    come out as not configured.
    """
    document = parse(path, read_source(path), env, need_variables=need_secrets)
    return build(Context(document, catalogue, need_secrets))


def effective(path: str, catalogue: Catalogue, env: Mapping[str, str]) -> str:
    """What the config at `path` means, as YAML with every default in and every secret masked.

    What needs a variable that is not set is left out. Raises ConfigFaults for any other fault.
    """
    try:
        settings = load(path, catalogue, env)
    except ConfigFaults:
        settings = load(path, catalogue, env, need_secrets=False)
    return effective_text(settings, catalogue)
