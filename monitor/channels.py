"""Putting together what tells people: channels, runbooks, charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from monitor.build import catalogue
from monitor.clock import Clock
from monitor.core.message import Runbook
from monitor.core.settings import ReceiverSettings, Settings
from monitor.http import Door
from monitor.memory import Memory
from monitor.notifiers import channel_specs, load_notifiers
from monitor.notifiers._charts import Charts, missing
from monitor.refreshing import Refresher
from monitor.runbooks import load_runbooks, with_links
from monitor.telling import Teller


def teller(door: Door, clock: Clock) -> Teller:
    """Tell people, by every channel there is."""
    return Teller(load_notifiers(door), runbooks(), clock, None if missing() else Charts())


def without_charts(receivers: Iterable[ReceiverSettings]) -> str:
    """Why somebody's messages lack their charts, and what helps; empty if nobody's do."""
    specs = channel_specs()
    wanted = (r for r in receivers if r.options.get("chart") is not False)
    shown = any(r.channel in specs and specs[r.channel].pictures for r in wanted)
    return missing() if shown else ""


def refresher(door: Door, clock: Clock, memory: Memory, teller: Teller) -> Refresher:
    """Tell anew what still stands, to channels that forget."""
    return Refresher(
        memory,
        load_notifiers(door),
        clock,
        compose=teller.compose,
        may_tell=lambda: teller.may_tell(),
    )


@lru_cache(maxsize=1)
def runbooks() -> Mapping[str, Runbook]:
    """Every page by its name, with the vendors' own pages it sends somebody to."""
    return with_links(load_runbooks(), catalogue().providers)


def runbook_page(name: str, settings: Settings) -> Runbook | None:
    """A page for whoever asks for it by name: it links to every vendor that is configured."""
    page = runbooks().get(name)
    if page is None:
        return None
    vendors = dict.fromkeys(account.provider for account in settings.accounts)
    theirs = [link for vendor in vendors for link in page.vendors.get(vendor, ())]
    return replace(page, links=(*theirs, *page.links))
