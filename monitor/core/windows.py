"""When a limit resets: windows of a minute, an hour, a day, a week, a month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum

_MINUTE = timedelta(minutes=1)


class Per(StrEnum):
    """How long a window is."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class DeclaredQuota:
    """A limit as the config declares it."""

    name: str
    limit: Decimal
    per: Per
    unit: str = "calls"
    resets_at: time = time(0)  # of a day, a week (on Monday) and a month (on the 1st)
    timezone: tzinfo = UTC  # in which it resets
    query: str | None = None  # PromQL: what is used in the present window


@dataclass(frozen=True, slots=True)
class Window:
    """From one reset, inclusive, to the next one, exclusive."""

    begin: datetime
    end: datetime

    def __contains__(self, at: datetime) -> bool:
        return self.begin <= at < self.end


def window(quota: DeclaredQuota, at: datetime) -> Window:
    """The window that `at` lies in, in UTC; days are as long as the clocks make them."""
    if quota.per in (Per.MINUTE, Per.HOUR):
        begin = at.astimezone(UTC).replace(second=0, microsecond=0)
        hour = quota.per is Per.HOUR
        begin = begin.replace(minute=0) if hour else begin
        return Window(begin, begin + (timedelta(hours=1) if hour else _MINUTE))
    first = _first_day(quota.per, at.astimezone(quota.timezone).date())
    while _reset(quota, first) > at:
        first = _first_day(quota.per, first - timedelta(days=1))
    while _reset(quota, following := _next(quota.per, first)) <= at:
        first = following
    return Window(_reset(quota, first), _reset(quota, following))


def _reset(quota: DeclaredQuota, day: date) -> datetime:
    """When it resets on that day. Of an hour that comes twice the first counts; one that is left
    out is reached when the clocks have been put forward."""
    return datetime.combine(day, quota.resets_at, quota.timezone).astimezone(UTC)


def _first_day(per: Per, day: date) -> date:
    if per is Per.MONTH:
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if per is Per.WEEK else day


def _next(per: Per, first: date) -> date:
    if per is Per.MONTH:
        return (first + timedelta(days=32)).replace(day=1)
    return first + timedelta(days=7 if per is Per.WEEK else 1)


def minute_of(at: datetime) -> datetime:
    """The begin of its minute: every reset is at the begin of one."""
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def hour_of(at: datetime) -> datetime:
    """The begin of its hour, in UTC."""
    return minute_of(at).replace(minute=0)
