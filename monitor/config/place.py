"""Of a broken config what a shell needs to reach the daemon: where its database is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo

from monitor.config.blocks import ConfigBlock
from monitor.config.build import database_of, without_nothing
from monitor.config.compose import parse
from monitor.config.context import Context
from monitor.config.faults import ConfigFaults
from monitor.config.source import read_source
from monitor.config.validate import checked
from monitor.core.settings import Settings, WebSettings
from monitor.core.spec import Catalogue


def place(path: str, env: Mapping[str, str]) -> Settings:
    """Settings of nothing but the database and the timezone that a broken config names.

    Raises ConfigFaults where not even the database is sure: no YAML, or a fault of its own.
    """
    document = parse(path, read_source(path), env, need_variables=False)
    context = Context(document, Catalogue({}), need_secrets=False)
    found = checked(document, ConfigBlock, without_nothing(document.root), ())
    database = database_of(context, found.block)
    if "database" in found.bad or any(f.path == "database" for f in document.faults):
        raise ConfigFaults(tuple(document.faults))
    return bare(path, database, found.block.timezone or UTC)


def bare(path: str, database: str, zone: tzinfo = UTC) -> Settings:
    """Settings that know nothing but where the database is."""
    return Settings(
        file=path,
        accounts=(),
        services=(),
        rules=(),
        receivers=(),
        web=WebSettings(),
        database=database,
        timezone=zone,
    )
