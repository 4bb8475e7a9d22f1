"""What the operator's page shows, as values; the template only arranges them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

from monitor.core.causes import Severity, Status, worst
from monitor.core.louder import Louder, louder
from monitor.core.maintenance import WindowState, is_planned
from monitor.core.model import AlertState, Check, Silence
from monitor.core.pattern import Pattern
from monitor.core.settings import Account
from monitor.core.snapshot import Snapshot
from monitor.web.accounts import AccountCard, Badge, account_card
from monitor.web.entries import Entry, entries
from monitor.web.episodes import Episode, Heard, episodes, lately
from monitor.web.heat import Heat, heat
from monitor.web.services import ServiceLine, lines

ACCOUNTS, INCIDENTS, RECENT, SERVICES, SILENCES = 60, 60, 20, 200, 20  # shown at most
TOLD = 12  # lines of what was told lately
DRAWN = 24  # accounts: of more, those that are fine have no charts until they are filtered for
FEW = 6  # accounts: so many are shown whole; of more, those that are fine are folded

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Capped:
    """A heading, how many there are, and how many of them the page leaves out."""

    total: int
    hidden: int


@dataclass(frozen=True, slots=True)
class Page:
    """The operator's page."""

    at: datetime
    badge: Badge
    headline: str
    trouble: str  # of the house itself: the database, the config
    services: tuple[ServiceLine, ...]
    services_cap: Capped
    incidents: tuple[Episode, ...]
    incidents_cap: Capped
    accounts: tuple[AccountCard, ...]
    accounts_cap: Capped
    accounts_all: int  # before a filter
    wanted: str  # the filter: a part of names
    told: tuple[Heard, ...]  # lately, about anything
    recent: tuple[Episode, ...]
    silences: tuple[Silence, ...]  # that people made
    windows: tuple[WindowState, ...]  # that the config plans: what is on, what comes next
    standbys: tuple[str, ...]  # daemons that would take over
    heats: Mapping[str, Heat]  # when an account's balance is spent, by the account's name
    runbooks: frozenset[str]  # the alerts that have a page of what to do


def capped(
    items: Sequence[_Item], limit: int, badness: Callable[[_Item], int]
) -> tuple[tuple[_Item, ...], Capped]:
    """At most `limit` items in their order; the worst are the last to be left out."""
    order = sorted(range(len(items)), key=lambda i: -badness(items[i]))
    kept = sorted(order[:limit])
    return tuple(items[i] for i in kept), Capped(len(items), max(0, len(items) - limit))


def operators_page(
    snapshot: Snapshot,
    document: Mapping[str, object],
    patterns: Mapping[str, Pattern] = MappingProxyType({}),
    *,
    wanted: str = "",
) -> Page:
    """The page of `snapshot`, with the statuses and words of its status document.

    `patterns`: when a balance is spent, by its target. `wanted`: a part of the name of the
    accounts, their providers or their models.
    """
    found, loud = entries(document), _louder(snapshot, document)
    accounts, accounts_cap = _accounts(snapshot, found, wanted)
    services, services_cap = capped(lines(snapshot.services), SERVICES, lambda s: s.badness)
    every = episodes(snapshot, found)
    incidents, incidents_cap = capped(_open(every), INCIDENTS, _rank)
    return Page(
        at=snapshot.at,
        badge=Badge.of(loud.status),
        headline=_headline(found, incidents_cap.total, loud.words),
        trouble=_trouble(snapshot),
        services=services,
        services_cap=services_cap,
        incidents=incidents,
        incidents_cap=incidents_cap,
        accounts=accounts,
        accounts_cap=accounts_cap,
        accounts_all=len(snapshot.settings.accounts),
        wanted=wanted,
        told=lately(snapshot, TOLD),
        recent=tuple(_closed(every)[:RECENT]),
        silences=tuple(_silences(snapshot))[:SILENCES],
        windows=snapshot.maintenance[:SILENCES],
        standbys=() if snapshot.leading is None else snapshot.leading.standbys,
        heats=_heats(snapshot, patterns),
        runbooks=frozenset(r.name for r in snapshot.settings.rules if r.builtin),
    )


def _rank(episode: Episode) -> int:
    return Severity(episode.severity).rank


def _open(every: Iterable[Episode]) -> list[Episode]:
    """The worst first, of those the oldest."""
    still = (e for e in every if e.closed_at is None)
    return sorted(still, key=lambda e: (-_rank(e), e.opened_at, e.id))


def _closed(every: Iterable[Episode]) -> list[Episode]:
    """The last one first."""
    ended = [(e.closed_at, e.id, e) for e in every if e.closed_at is not None]
    return [e for _, _, e in sorted(ended, key=lambda end: end[:2], reverse=True)]


def _silences(snapshot: Snapshot) -> Iterable[Silence]:
    """Those in force that somebody made, and may end."""
    return (s for s in snapshot.silences if s.active(snapshot.at) and not is_planned(s))


def _whole(document: Mapping[str, object]) -> Status:
    return next((s for s in Status if s.value == document.get("status")), Status.UNKNOWN)


def _accounts(
    snapshot: Snapshot, found: Mapping[str, Entry], wanted: str
) -> tuple[tuple[AccountCard, ...], Capped]:
    """Only what is shown is drawn: a chart for each of a thousand accounts would take seconds.

    Of many, what needs somebody comes first, and what is fine is folded.
    """
    by_account = _by_account(found)
    shown, cap = _shown(snapshot, by_account, wanted)
    few = cap.total <= DRAWN
    cards = []
    for account in shown:
        own = by_account[account.name]
        cards.append(account_card(account, own, snapshot, drawn=few or not _fine(own)))
    if cap.total > FEW:
        cards.sort(key=lambda card: -card.badge.badness)
        cards = [replace(card, open=card.badge.colour != "ok") for card in cards]
    return tuple(cards), cap


def _fine(found: Sequence[Entry]) -> bool:
    return worst([e.status for e in found]) is Status.OK


def _by_account(found: Mapping[str, Entry]) -> Mapping[str, list[Entry]]:
    by_account: dict[str, list[Entry]] = defaultdict(list)
    for entry in found.values():
        by_account[entry.account].append(entry)
    return by_account


def _shown(
    snapshot: Snapshot, by_account: Mapping[str, list[Entry]], wanted: str
) -> tuple[tuple[Account, ...], Capped]:
    def badness(account: Account) -> int:
        return worst([e.status for e in by_account[account.name]]).badness

    meant = [a for a in snapshot.settings.accounts if _meant(a, wanted.casefold())]
    return capped(meant, ACCOUNTS, badness)


def _meant(account: Account, wanted: str) -> bool:
    names = (account.name, account.provider, *account.models)
    return any(wanted in name.casefold() for name in names)


def shown_balances(
    snapshot: Snapshot, document: Mapping[str, object], wanted: str = ""
) -> tuple[str, ...]:
    """The balances of the accounts that are shown: whose patterns `operators_page` wants."""
    accounts, _ = _shown(snapshot, _by_account(entries(document)), wanted)
    targets = (t.target for a in accounts for t in a.targets)
    return tuple(t.name for t in targets if t.check is Check.BALANCE)


def _heats(snapshot: Snapshot, patterns: Mapping[str, Pattern]) -> Mapping[str, Heat]:
    found = {}
    for target, pattern in patterns.items():
        view = snapshot.views.get(target)
        drawn = None if view is None else heat(pattern, view.unit, snapshot.at)
        if view is not None and drawn is not None:
            found[view.account] = drawn
    return found


def _louder(snapshot: Snapshot, document: Mapping[str, object]) -> Louder:
    firing = ((a.rule, a.severity) for a in snapshot.alerts if a.state is AlertState.FIRING)
    return louder(firing, _whole(document))


def _headline(found: Mapping[str, Entry], incidents: int, loud: str) -> str:
    bad = sum(e.status is not Status.OK for e in found.values())
    targets = _count(len(found), "target")
    fine = f"{targets} ok, but {loud}" if loud else f"{targets}, all ok"
    state = f"{bad} of {targets} not ok{f', and {loud}' if loud else ''}" if bad else fine
    return f"{state}; {_count(incidents, 'open incident') if incidents else 'no open incident'}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _trouble(snapshot: Snapshot) -> str:
    counts = snapshot.counts
    config = "" if counts.reload_ok else _broken(counts.reload_fault)
    store = f"The database: {counts.store_failed}." if counts.store_failed else ""
    return " ".join(part for part in (config, store) if part)


def _broken(fault: str) -> str:
    where = f" at {fault}" if fault else ""
    kept = "the one before it is in use. What is wrong: monitor check-config"
    return f"The config is broken{where}: {kept}."
