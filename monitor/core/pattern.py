"""When a balance is spent: by hour of day and day of week, by month, since the last top-up.

Hours are those of a time zone that is handed in. A week's cell is the mean over the hours that
were watched, net of refunds: a failed job that was given back has cost nothing in the end. An
hour nobody watched is unknown, not zero. What went while nobody looked for a few hours is spread
over them evenly; what went in a longer gap is known in sum only: months have it, the week has not.
In a zone that is off by a part of an hour, an hour counts where it begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal

from monitor.core.hours import Hour

_ZERO = Decimal(0)
_HOUR = timedelta(hours=1)
_GAP = 3  # hours; as the forecast has it: what happened within a longer gap is known in sum only
_SEEN = 2.0  # watched hours before a cell, or a sum of cells, can be called the busiest

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Rate:
    """What went in a kind of hour."""

    spent: float = 0.0  # credits, net of refunds
    watched: float = 0.0  # hours

    @property
    def per_hour(self) -> float | None:
        """Credits per watched hour; None: nobody ever watched one."""
        return self.spent / self.watched if self.watched > 0 else None


@dataclass(frozen=True, slots=True)
class Month:
    """One month of the time zone, as far as it has come."""

    month: date  # its first day
    spent: Decimal = _ZERO  # gross
    topped_up: Decimal = _ZERO
    refunded: Decimal = _ZERO
    adjusted: Decimal = _ZERO
    watched: float = 0.0  # share of its hours so far in which something was read, 0 to 1


@dataclass(frozen=True, slots=True)
class ToppedUp:
    """The last top-up, and what became of it."""

    at: datetime  # when it was seen
    amount: Decimal
    spent: Decimal  # since then, net of refunds

    def days(self, now: datetime) -> float:
        """Days since then."""
        return max(0.0, (now - self.at).total_seconds() / 86400)

    def per_day(self, now: datetime) -> float | None:
        """Credits a day since then; None within the first hour, which says nothing yet."""
        days = self.days(now)
        return float(self.spent) / days if days > 1 / 24 else None


@dataclass(frozen=True, slots=True)
class Pattern:
    """When a balance is spent."""

    zone: str  # the time zone's name
    since: datetime  # the week is drawn from the hours from here on
    week: tuple[tuple[Rate, ...], ...]  # 7 days, Monday first, of 24 hours
    months: tuple[Month, ...]  # in their order; one in which nothing was read has none
    top_up: ToppedUp | None  # None: none is known

    @property
    def hours(self) -> tuple[Rate, ...]:
        """By hour of day, 24 of them."""
        return tuple(_sum(day[hour] for day in self.week) for hour in range(24))

    @property
    def days(self) -> tuple[Rate, ...]:
        """By day of the week, Monday first."""
        return tuple(_sum(day) for day in self.week)

    @property
    def mean(self) -> float | None:
        """Credits an hour over the whole week, each cell counting alike."""
        known = [r for cell in self.week for c in cell if (r := c.per_hour) is not None]
        return sum(known) / len(known) if known else None

    @property
    def busiest_hour(self) -> int | None:
        """The hour of the day in which most goes; None: nothing went, or too little was seen."""
        return _busiest(self.hours)

    @property
    def busiest_day(self) -> int | None:
        """The day of the week, 0 for Monday, on which most goes an hour; None as above."""
        return _busiest(self.days)


def pattern(hours: Sequence[Hour], zone: tzinfo, *, now: datetime, since: datetime) -> Pattern:
    """Fold hours in time order. The week begins at `since`; months and the top-up use them all.

    Takes time and room in proportion to `hours`.
    """
    return Pattern(
        zone=str(zone),
        since=since,
        week=_week(hours, zone, since),
        months=_months(hours, zone, now),
        top_up=_last_top_up(hours),
    )


def watched(hour: Hour) -> bool:
    """Whether anything was read in it."""
    return hour.samples > hour.unread


def month_of(at: datetime, zone: tzinfo) -> datetime:
    """When the month of `at` begins in `zone`, in UTC."""
    first = at.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first.astimezone(UTC)


def _week(hours: Iterable[Hour], zone: tzinfo, since: datetime) -> tuple[tuple[Rate, ...], ...]:
    spent, seen = [0.0] * 168, [0.0] * 168
    for at, net in _spread(hours):
        if at >= since:
            local = at.astimezone(zone)
            cell = local.weekday() * 24 + local.hour
            spent[cell] += net
            seen[cell] += 1.0
    cells = [Rate(*both) for both in zip(spent, seen, strict=True)]
    return tuple(tuple(cells[day * 24 : day * 24 + 24]) for day in range(7))


def _spread(hours: Iterable[Hour]) -> Iterator[tuple[datetime, float]]:
    """Each hour of which it is known what it spent."""
    before: datetime | None = None
    for hour in hours:
        if not watched(hour):
            continue
        gap = 1 if before is None else round((hour.at - before) / _HOUR)
        before = hour.at
        if 1 <= gap <= _GAP:
            share = float(hour.spent - hour.refunded) / gap
            yield from ((hour.at - n * _HOUR, share) for n in range(gap))


def _months(hours: Iterable[Hour], zone: tzinfo, now: datetime) -> tuple[Month, ...]:
    by_month: dict[tuple[int, int], list[Hour]] = {}
    for hour in hours:
        local = hour.at.astimezone(zone)
        by_month.setdefault((local.year, local.month), []).append(hour)
    found = (_month(date(*key, 1), part, zone, now) for key, part in by_month.items())
    return tuple(month for month in found if month is not None)


def _month(first: date, hours: list[Hour], zone: tzinfo, now: datetime) -> Month | None:
    seen = sum(map(watched, hours))
    if not seen:
        return None
    begin = datetime(first.year, first.month, 1, tzinfo=zone).astimezone(UTC)
    end = month_of(begin + timedelta(days=40), zone)
    length = max(1.0, (min(end, now) - begin) / _HOUR)
    return Month(
        first,
        spent=sum((h.spent for h in hours), _ZERO),
        topped_up=sum((h.topped_up for h in hours), _ZERO),
        refunded=sum((h.refunded for h in hours), _ZERO),
        adjusted=sum((h.adjusted for h in hours), _ZERO),
        watched=min(1.0, seen / length),
    )


def _last_top_up(hours: Sequence[Hour]) -> ToppedUp | None:
    """Known to the hour: what else was spent in its hour is taken to be from before it."""
    spent = _ZERO
    for hour in reversed(hours):
        if hour.topped_up > 0:
            return ToppedUp(hour.at, hour.topped_up, spent)
        spent += hour.spent - hour.refunded
    return None


def _sum(rates: Iterable[Rate]) -> Rate:
    spent = seen = 0.0
    for rate in rates:
        spent += rate.spent
        seen += rate.watched
    return Rate(spent, seen)


def _busiest(rates: Sequence[Rate]) -> int | None:
    """The place of the highest rate; the first of equals is no busier than the next."""
    known = [
        (rate.spent / rate.watched, place)
        for place, rate in enumerate(rates)
        if rate.watched >= _SEEN
    ]
    if len(known) < 2:
        return None
    most, place = max(known)
    return place if most > 0 and sum(value == most for value, _ in known) == 1 else None
