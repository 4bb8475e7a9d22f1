"""When, as people say it: hours of the week, and moments that come again; right across DST.

A clock time that is jumped over in spring is the moment of the jump. One that comes twice in
autumn begins something when it comes first, and ends something when it comes last.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

DAY = timedelta(days=1)
LAST = -1  # of a month's days
MIDNIGHT = 24 * 60  # at the end of a day, in minutes
_FARTHEST = 62  # days between two moments that come again: a 31st has none in the next month
_SURELY = timedelta(days=15)  # within which any hours begin and end, though DST may skip them once

Span = tuple[datetime, datetime]  # the end is exclusive


def instant(day: date, minutes: int, zone: tzinfo, *, last: bool = False) -> datetime:
    """When the clocks of a zone show a time, in UTC; `last`: of two such moments the later."""
    local = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)  # noqa: DTZ001 - the zone comes next
    first = local.replace(tzinfo=zone).astimezone(UTC)
    second = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first > second:  # no clock shows it
        return _jump(second, first, zone)
    return second if last else first


def _jump(low: datetime, high: datetime, zone: tzinfo) -> datetime:
    """When between two moments the clock was put forward, to the second."""
    before = low.astimezone(zone).utcoffset()

    def after(seconds: int) -> bool:
        return (low + timedelta(seconds=seconds)).astimezone(zone).utcoffset() != before

    within = range(round((high - low).total_seconds()))
    return low + timedelta(seconds=bisect_left(within, True, key=after))


# -- hours of the week ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stretch:
    """The same hours of some weekdays; they belong to the day they begin on."""

    days: frozenset[int]  # Monday is 0
    begin: int  # minutes from midnight
    end: int  # not after `begin`: on the next day
    text: str  # as it is written in the config

    def of(self, day: date, zone: tzinfo) -> Span:
        """The span of a day."""
        until = day if self.end > self.begin else day + DAY
        return instant(day, self.begin, zone), instant(until, self.end, zone, last=True)


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of the week in one time zone."""

    stretches: tuple[Stretch, ...]
    zone: tzinfo

    def __str__(self) -> str:
        return f"{', '.join(s.text for s in self.stretches)} {self.zone}"

    def spans(self, start: datetime, end: datetime) -> list[Span]:
        """Those that share a moment with [start, end), in order; they may overlap."""
        found = [
            span
            for day in _days(start - 2 * DAY, end, self.zone)
            for stretch in self.stretches
            if day.weekday() in stretch.days
            for span in (stretch.of(day, self.zone),)
            if span[0] < span[1] and span[0] < end and span[1] > start
        ]
        return sorted(found)

    def gaps(self, start: datetime, end: datetime) -> list[Span]:
        """What of [start, end) lies outside, in order."""
        found, reached = [], start
        for begin, until in self.spans(start, end):
            if begin > reached:
                found.append((reached, begin))
            reached = max(reached, until)
        return [*found, (reached, end)] if reached < end else found

    def holds(self, at: datetime) -> bool:
        """Whether a moment lies within."""
        return _holds(self, at)

    def next_begin(self, now: datetime) -> datetime:
        """When they next begin after `now`."""
        return min(begin for begin, _ in self.spans(now, now + _SURELY) if begin > now)

    def next_end(self, now: datetime) -> datetime:
        """When they next end after `now`; others may go on."""
        return min(until for _, until in self.spans(now, now + _SURELY) if until > now)


@lru_cache(maxsize=64)  # asked for every incident of one moment
def _holds(hours: Hours, at: datetime) -> bool:
    return bool(hours.spans(at, at + timedelta(microseconds=1)))


def _days(start: datetime, end: datetime, zone: tzinfo) -> Iterator[date]:
    """The local days from that of `start` to that of `end`."""
    day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    while day <= last:
        yield day
        day += DAY


# -- moments that come again ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of day on some days of the week, or on one of the month."""

    weekdays: frozenset[int]  # Monday is 0
    month_day: int | None  # 1 to 31, or LAST; a month without it has none
    minutes: int  # from midnight
    text: str  # as it is written in the config

    def on(self, day: date) -> bool:
        """Whether it comes on a day."""
        if self.month_day == LAST:
            return (day + DAY).day == 1
        return day.weekday() in self.weekdays or day.day == self.month_day


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Moments that come again, in one time zone."""

    moments: tuple[Moment, ...]
    zone: tzinfo

    def __str__(self) -> str:
        return f"{', '.join(m.text for m in self.moments)} {self.zone}"

    def _of(self, day: date) -> Iterable[datetime]:
        return (instant(day, m.minutes, self.zone) for m in self.moments if m.on(day))

    def between(self, start: datetime, end: datetime) -> list[datetime]:
        """Those from `start` to `end`, in order, each once; `end` is exclusive."""
        found = {at for day in _days(start - DAY, end, self.zone) for at in self._of(day)}
        return sorted(at for at in found if start <= at < end)

    def last(self, now: datetime) -> datetime | None:
        """The latest one, not after `now`."""
        today = now.astimezone(self.zone).date()
        for back in range(-1, _FARTHEST):
            found = [at for at in self._of(today - back * DAY) if at <= now]
            if found:
                return max(found)
        return None

    def next(self, now: datetime) -> datetime | None:
        """The earliest one after `now`."""
        today = now.astimezone(self.zone).date()
        for on in range(-1, _FARTHEST):
            found = [at for at in self._of(today + on * DAY) if at > now]
            if found:
                return min(found)
        return None
