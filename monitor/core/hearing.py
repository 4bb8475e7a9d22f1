"""Whether a receiver is to be told at this time of day, and when it will be."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from monitor.core.causes import Severity
from monitor.core.settings import ReceiverSettings
from monitor.core.timetable import Span

_MOMENT = timedelta(microseconds=1)


def hears(receiver: ReceiverSettings, severity: Severity, now: datetime) -> bool:
    """Whether something of a severity is told now; else it waits."""
    if receiver.hours is not None and not receiver.hours.holds(now):
        return False
    return _loud(receiver, severity) or not _quiet(receiver, now)


def _loud(receiver: ReceiverSettings, severity: Severity) -> bool:
    return receiver.quiet_hours is None or severity is Severity.CRITICAL


def _quiet(receiver: ReceiverSettings, now: datetime) -> bool:
    return receiver.quiet_hours is not None and receiver.quiet_hours.holds(now)


def deaf(
    receiver: ReceiverSettings, severity: Severity, start: datetime, end: datetime
) -> list[Span]:
    """When between two moments nothing of a severity is told; of one moment, whether then."""
    end = max(end, start + _MOMENT)
    found = [] if receiver.hours is None else receiver.hours.gaps(start, end)
    if receiver.quiet_hours is not None and not _loud(receiver, severity):
        found += receiver.quiet_hours.spans(start, end)
    return found


def next_hearing(receiver: ReceiverSettings, now: datetime) -> Iterable[datetime]:
    """When after `now` its hours begin next, and its quiet hours end: what waits is told then."""
    if receiver.hours is not None:
        yield receiver.hours.next_begin(now)
    if receiver.quiet_hours is not None:
        yield receiver.quiet_hours.next_end(now)
