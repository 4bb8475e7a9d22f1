"""What a digest tells of: a while of one balance, and what was wrong within it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from monitor.core.causes import CAUSES, Severity, Standing
from monitor.core.digest import Digest
from monitor.core.hours import Hour, hour_of
from monitor.core.model import Incident, key_target, models_target, provider_target
from monitor.core.settings import Service
from monitor.core.timetable import Span
from monitor.core.view import View

_HOUR = timedelta(hours=1)
_WHOLE = 0.9  # of a while that has to be watched to be told without saying how much was


@dataclass(frozen=True, slots=True)
class Spell:
    """What became of a balance within a while, hour by hour."""

    spent: Decimal  # without what was refunded
    topped_up: Decimal
    top_ups: int  # hours in which credit came
    watched: timedelta
    of: timedelta

    @property
    def whole(self) -> bool:
        """Whether so much of it was watched that it can be compared."""
        return self.watched >= self.of * _WHOLE


def spell(hours: Iterable[Hour], start: datetime, end: datetime) -> Spell | None:
    """The sum of the hours from `start` to `end`; None where nobody looked."""
    first, last = hour_of(start), hour_of(end)
    found = [h for h in hours if first <= h.at < last and h.samples > 0]
    if not found:
        return None
    return Spell(
        spent=sum((h.spent - h.refunded for h in found), Decimal(0)),
        topped_up=sum((h.topped_up for h in found), Decimal(0)),
        top_ups=sum(h.topped_up > 0 for h in found),
        watched=len(found) * _HOUR,
        of=last - first,
    )


@dataclass(frozen=True, slots=True)
class Balance:
    """One account's money: as it stands, and what became of it in this while and the last."""

    view: View
    spell: Spell | None
    before: Spell | None


@dataclass(frozen=True, slots=True)
class Downtime:
    """How long what a service needs could not be used, as far as incidents tell."""

    service: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Retrospect:
    """All that a digest tells."""

    digest: Digest
    zone: tzinfo
    balances: tuple[Balance, ...] = ()
    incidents: tuple[Incident, ...] = ()  # open at some moment of the while, oldest first
    views: tuple[View, ...] = ()  # every target the receiver hears of, as it stands
    downtimes: tuple[Downtime, ...] = ()
    trouble: str = ""  # why the past is not known


def of_the_while(incidents: Iterable[Incident], digest: Digest) -> tuple[Incident, ...]:
    """The incidents that were open at some moment of a digest's while."""
    found = [
        i
        for i in incidents
        if i.opened_at < digest.at and (i.closed_at is None or i.closed_at > digest.since)
    ]
    return tuple(sorted(found, key=lambda i: (i.opened_at, i.id)))


def within(incident: Incident, digest: Digest) -> Span:
    """What of an incident lies in a digest's while."""
    return max(incident.opened_at, digest.since), min(incident.closed_at or digest.at, digest.at)


def downtime(
    service: Service, views: Iterable[View], incidents: Iterable[Incident], digest: Digest
) -> Downtime:
    """For how long critical incidents stood whose cause makes unusable what a service needs."""
    names = {*service.needs, *service.any_of}
    for view in views:
        if view.target in names:
            names |= {key_target(view.account), provider_target(view.provider)}
            names |= {models_target(view.account)} if view.subject else set()
    spans = [within(i, digest) for i in incidents if i.target in names and _unusable(i)]
    return Downtime(service.name, _together(spans))


def _unusable(incident: Incident) -> bool:
    critical = Severity.CRITICAL in (incident.opening_severity, incident.severity)
    return critical and CAUSES[incident.opening_cause].standing is Standing.UNUSABLE


def _together(spans: Iterable[Span]) -> float:
    """Seconds that any of the spans covers."""
    total, reached = timedelta(0), None
    for begin, end in sorted(spans):
        start = begin if reached is None else max(begin, reached)
        if end > start:
            total, reached = total + (end - start), end
    return total.total_seconds()
