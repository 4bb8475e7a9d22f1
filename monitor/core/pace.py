"""When somebody hears again: reminders of what is open, and of what has stayed resolved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from monitor.core.causes import Severity
from monitor.core.incident import RESOLVED, Incident, Kind, Told
from monitor.core.settings import Interval

_DOUBLINGS = 40  # more would be years, whatever the shortest is


def reminder_due(paces: Iterable[Interval], log: Sequence[Told], now: datetime) -> datetime | None:
    """When one receiver is owed the next reminder of one incident; None without any pace.

    `log`: all that this receiver was told of it. A fixed pace has one gap; in a range each gap is
    twice as long as the last, from its shortest to its longest, and an escalation starts it again.
    What was told more than a gap after `now` was dated by a clock that has jumped back since: it
    does not count.
    """
    reminded = _reminders(log)
    return min((_next(_gap(pace, reminded), log, now) for pace in paces), default=None)


def _gap(pace: Interval, reminded: int) -> timedelta:
    grown = pace.shortest * 2.0 ** min(reminded, _DOUBLINGS)
    return timedelta(seconds=min(grown, pace.longest))


def _next(gap: timedelta, log: Sequence[Told], now: datetime) -> datetime:
    last = max((t.at for t in log if t.at - now <= gap), default=None)
    return now if last is None else last + gap


def _reminders(log: Sequence[Told]) -> int:
    """Rounds of reminding since the last escalation began."""
    began: dict[tuple[Kind, int], datetime] = {}
    for told in log:
        key = told.kind, told.round
        began[key] = min(told.at, began.get(key, told.at))
    escalations = [number for kind, number in began if kind is Kind.ESCALATED]
    since = began[Kind.ESCALATED, max(escalations)] if escalations else None
    rounds = [at for (kind, _), at in began.items() if kind is Kind.REMINDER]
    return sum(since is None or at >= since for at in rounds)


def followed(incidents: Iterable[Incident]) -> frozenset[str]:
    """The incidents of which somebody may say that they have stayed resolved.

    Those that were critical at any time, and after which the same alert has not opened again.
    """
    last: dict[tuple[str, str], Incident] = {}
    for incident in incidents:
        key = incident.alert, incident.target
        if key not in last or _order(last[key]) < _order(incident):
            last[key] = incident
    return frozenset(i.id for i in last.values() if _critical(i))


def _order(incident: Incident) -> tuple[bool, datetime, str]:
    return incident.open, incident.opened_at, incident.id


def _critical(incident: Incident) -> bool:
    return incident.close_reason == RESOLVED and incident.ever is Severity.CRITICAL
