"""From a document to settings: each part in its turn, so that all faults are found at once."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC
from typing import cast

from monitor.config.accounts import Read, read_accounts
from monitor.config.alerts import read_alerts
from monitor.config.blocks import (
    AlertBlock,
    ConfigBlock,
    DefaultsBlock,
    HistoryBlock,
    MaintenanceBlock,
    WebBlock,
)
from monitor.config.context import Context
from monitor.config.document import Document, Scalar, Tag, Tree
from monitor.config.doubts import note_doubts
from monitor.config.faults import ConfigFaults, Fault, PathTuple
from monitor.config.flapping import read_flapping
from monitor.config.heartbeat import read_heartbeat
from monitor.config.history import read_history
from monitor.config.maintenance import read_maintenance
from monitor.config.needs import Needs, is_needed
from monitor.config.quotas import read_prometheus
from monitor.config.receivers import read_receivers
from monitor.config.references import targets_of
from monitor.config.services import read_services
from monitor.config.validate import checked
from monitor.config.web import read_web
from monitor.core.settings import LEASE, Settings

DATABASE = "monitor.db"


def build(context: Context, needs: Needs | None = None) -> Settings:
    """The settings of a document. Raises ConfigFaults with every fault, in the file's order.

    `needs` says of which parts a variable or a file that is not there is a fault; else of all.
    """
    document = context.document
    written = without_nothing(document.root)
    block = checked(document, ConfigBlock, written, ()).block
    accounts = _accounts(context, block)
    targets = targets_of(accounts, block.receivers or ())
    zone = block.timezone or UTC
    rules = read_alerts(context, _alerts(context, block), targets)
    settings = Settings(
        file=document.file,
        accounts=tuple(r.account for r in accounts if r.account and r.enabled),
        services=read_services(context, block.services or {}, targets),
        rules=rules,
        flapping=read_flapping(context, block.flapping),
        receivers=read_receivers(context, _trees(block.receivers), targets, zone),
        web=read_web(context, block.web or WebBlock.absent()),
        database=database_of(context, block),
        canary_url=block.canary,
        history=read_history(context, block.history or HistoryBlock.absent()),
        timezone=zone,
        prometheus=read_prometheus(context, block.prometheus),
        maintenance=read_maintenance(context, _windows(context, block), targets, rules, zone),
        lease=LEASE if block.lease is None else block.lease,
        heartbeat=read_heartbeat(context, block.heartbeat),
    )
    faults = (*document.faults, *_lacks(document, settings, needs))
    if faults:
        raise ConfigFaults(tuple(sorted(dict.fromkeys(faults))))
    note_doubts(context, settings, targets)
    doubts = tuple(str(doubt) for doubt in sorted(dict.fromkeys(document.doubts)))
    return replace(settings, doubts=doubts)


def _lacks(document: Document, settings: Settings, needs: Needs | None) -> list[Fault]:
    """What is not there and needed; all of it where the config is at fault anyway."""
    if needs is None or document.faults or not document.lacks:
        return [fault for _, fault in document.lacks]
    needed = needs(settings)
    return [fault for path, fault in document.lacks if is_needed(path, needed)]


def database_of(context: Context, block: ConfigBlock) -> str:
    """Where it is; what stands there and is no database is set aside, which no config survives."""
    path = context.database_path(block.database or DATABASE)
    if os.path.realpath(path) == os.path.realpath(context.document.file):
        context.fault(("database",), "is the config itself: name another file")
    return path


def without_nothing(root: Tree) -> dict[str, Tree]:
    """A top-level block whose lines are all commented out is as good as absent."""
    items = root.items() if isinstance(root, dict) else ()
    return {k: v for k, v in items if not (isinstance(v, Scalar) and v.tag is Tag.NOTHING)}


def _trees(values: dict[str, object] | None) -> dict[str, Tree]:
    return cast("dict[str, Tree]", values or {})


def _accounts(context: Context, block: ConfigBlock) -> tuple[Read, ...]:
    trees = _trees(block.accounts)
    written = context.document.get("accounts")
    if written is None:
        context.missing((), "accounts", "is missing: name at least one account to watch")
    elif not trees and (context.nothing("accounts") or isinstance(written, dict)):
        context.fault(("accounts",), "is empty: name at least one account to watch")
    return read_accounts(context, trees, block.defaults or DefaultsBlock.absent())


def _alerts(context: Context, block: ConfigBlock) -> list[tuple[PathTuple, AlertBlock]]:
    return list(zip(_places(context, "alerts"), block.alerts or [], strict=False))


def _windows(context: Context, block: ConfigBlock) -> list[tuple[PathTuple, MaintenanceBlock]]:
    return list(zip(_places(context, "maintenance"), block.maintenance or [], strict=False))


def _places(context: Context, key: str) -> list[PathTuple]:
    """The paths of a list's entries; those that are no mappings have their fault already."""
    written = context.document.get(key)
    items = written if isinstance(written, list) else []
    return [(key, i) for i, item in enumerate(items) if isinstance(item, dict)]
