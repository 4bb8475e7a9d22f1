"""One incident's page: what it is, since when, what to do, who knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.core.lines import fitting, to_do
from monitor.core.message import Runbook, claims
from monitor.core.model import Check, Incident
from monitor.core.phrases import sentence
from monitor.core.settings import Account
from monitor.core.snapshot import Snapshot
from monitor.core.view import View
from monitor.web.accounts import BalanceCard, account_card
from monitor.web.entries import Entry, entries
from monitor.web.episodes import Episode, episodes

_TOLD = 100  # lines of who was told
_BY_CHECK = {Check.BALANCE: "runway-short", Check.QUOTA: "quota-high"}  # for a user's rule


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """One incident as people read it who have just been woken by it."""

    at: datetime
    episode: Episode
    first_severity: str  # of the opening
    balance: BalanceCard | None  # of its target
    runbook: Runbook | None
    todo: str  # as the mail has it, where that is more than the first step; else empty
    steps: tuple[str, ...]
    links: tuple[tuple[str, str], ...]  # the vendor's own pages, and those for everybody
    others: tuple[Episode, ...]  # what else is open on the account


def incident_page(
    snapshot: Snapshot,
    document: Mapping[str, object],
    name: str,
    runbook: Callable[[str], Runbook | None],
) -> IncidentPage:
    """The page of the incident of that ID, which the snapshot has."""
    found = entries(document)
    incident = next(i for i in snapshot.incidents if i.id == name)
    view = snapshot.views.get(incident.target) or snapshot.derived.get(incident.target)
    book, told = _runbook(incident, view, runbook), episodes(snapshot, found, lines=_TOLD)
    steps = _steps(book, incident, view)
    return IncidentPage(
        at=snapshot.at,
        episode=next(e for e in told if e.id == name),
        first_severity=incident.opening_severity.value,
        balance=_balance(snapshot, found, incident),
        runbook=book,
        todo=_todo(snapshot, incident, view, steps),
        steps=steps,
        links=_links(book, incident.provider) if book else (),
        others=tuple(
            e for e in told if e.id != name and not e.closed_at and _same(e, incident, snapshot)
        ),
    )


def _runbook(
    incident: Incident, view: View | None, page: Callable[[str], Runbook | None]
) -> Runbook | None:
    """The present cause's, which knows best; else the opening's, the rule's, the check's."""
    check = _BY_CHECK.get(view.check) if view and view.check else None
    names = (incident.cause.value, incident.opening_cause.value, incident.alert, check)
    return next((book for n in names if n and (book := page(n)) is not None), None)


def _steps(book: Runbook | None, incident: Incident, view: View | None) -> tuple[str, ...]:
    if book is None or not incident.open:
        return ()
    return fitting(book.steps_for(incident.provider), incident, view)


def _todo(
    snapshot: Snapshot, incident: Incident, view: View | None, steps: tuple[str, ...]
) -> str:
    if not steps:
        return ""
    here = {i.alert for i in snapshot.incidents if i.open and i.target == incident.target}
    rules = [r for r in snapshot.settings.rules if r.name in here]
    said = to_do(incident, claims(view), steps[0], rules)
    return "" if said == sentence(steps[0]) else said


def _links(book: Runbook, provider: str) -> tuple[tuple[str, str], ...]:
    """Without those of other vendors, which stand on the runbook's own page as well."""
    theirs = {link for vendor, own in book.vendors.items() if vendor != provider for link in own}
    mine = set(book.vendors.get(provider, ()))
    found = dict.fromkeys(book.links_for(provider))
    return tuple(link for link in found if link in mine or link not in theirs)


def _same(episode: Episode, incident: Incident, snapshot: Snapshot) -> bool:
    return any(i.id == episode.id and i.account == incident.account for i in snapshot.incidents)


def _balance(
    snapshot: Snapshot, found: Mapping[str, Entry], incident: Incident
) -> BalanceCard | None:
    """Of the target's account, where the incident is about its balance."""
    entry = found.get(incident.target)
    account: Account | None = next(
        (a for a in snapshot.settings.accounts if a.name == incident.account), None
    )
    if entry is None or account is None or entry.check != "balance":
        return None
    return account_card(account, [entry], snapshot).balance
