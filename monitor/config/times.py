"""When a receiver is told: its hours, its quiet hours, its digest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import TypedDict

from monitor.config.blocks import ReceiverBlock
from monitor.config.context import Context
from monitor.config.faults import PathTuple
from monitor.core.causes import Severity
from monitor.core.inhibit import covered
from monitor.core.timetable import Hours, Recurrence, Stretch

_MONDAY = datetime(2001, 1, 1, tzinfo=UTC)  # of some week: clock times are the same in all
_WEEK = timedelta(days=7)


class Times(TypedDict):
    """What `ReceiverSettings` holds of them."""

    hours: Hours | None
    quiet_hours: Hours | None
    digest: Recurrence | None


def times_of(block: ReceiverBlock, zone: tzinfo) -> Times:
    """A receiver's times, in its time zone."""
    return {
        "hours": _hours(block.hours, zone),
        "quiet_hours": _hours(block.quiet_hours, zone),
        "digest": Recurrence(tuple(block.digest), zone) if block.digest else None,
    }


def _hours(stretches: list[Stretch] | None, zone: tzinfo) -> Hours | None:
    return Hours(tuple(stretches), zone) if stretches else None


def check_times(context: Context, at: PathTuple, block: ReceiverBlock) -> None:
    """Note what can never be told, or was hardly meant."""
    if block.severities == [] and not context.written((*at, "digest")):
        message = "is an empty list: only a receiver with a `digest` may hear of no alerts"
        context.fault((*at, "severities"), message)
    if block.quiet_hours and not _told_at_all(block):
        within = "all its hours" if block.hours else "the whole week"
        critical = Severity.CRITICAL in (block.severities or Severity)
        told = "only what is critical is ever told" if critical else "no alert is ever told"
        context.doubt((*at, "quiet_hours"), f"cover {within}: {told} here")


def _told_at_all(block: ReceiverBlock) -> bool:
    """Whether there is a moment of the week within its hours and without its quiet ones."""
    quiet, hours = times_of(block, UTC)["quiet_hours"], times_of(block, UTC)["hours"]
    end = _MONDAY + _WEEK
    mute = quiet.spans(_MONDAY, end) if quiet else []
    mute += hours.gaps(_MONDAY, end) if hours else []
    return not covered(_MONDAY, end, mute)
