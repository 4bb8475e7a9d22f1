"""What each day made of a balance: spent, topped up, refunded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal

from monitor.core.book import Book
from monitor.core.figures import instant, number
from monitor.core.model import Sample, Totals

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Day:
    """One day in UTC, or the sum of several. A day on which nothing was read has none."""

    day: date
    spent: Decimal = _ZERO
    topped_up: Decimal = _ZERO
    refunded: Decimal = _ZERO
    adjusted: Decimal = _ZERO

    def plus(self, before: Totals, after: Totals) -> Day:
        """With what the ledger has booked between."""
        return replace(
            self,
            spent=self.spent + after.spent - before.spent,
            topped_up=self.topped_up + after.topped_up - before.topped_up,
            refunded=self.refunded + after.refunded - before.refunded,
            adjusted=self.adjusted + after.adjusted - before.adjusted,
        )


@dataclass(frozen=True, slots=True)
class History:
    """A balance over a while. `start - spent + refunded + topped_up + adjusted = end`."""

    target: str
    unit: str | None
    floor: Decimal
    samples: tuple[Sample, ...]
    days: tuple[Day, ...]
    start: Decimal | None
    end: Decimal | None

    @property
    def total(self) -> Day | None:
        """All days in one; None where nothing was read."""
        if not self.days:
            return None
        return Day(
            self.days[0].day,
            sum((d.spent for d in self.days), _ZERO),
            sum((d.topped_up for d in self.days), _ZERO),
            sum((d.refunded for d in self.days), _ZERO),
            sum((d.adjusted for d in self.days), _ZERO),
        )


def history(
    target: str,
    samples: Iterable[Sample],
    book: Book,
    *,
    since: datetime,
    unit: str | None = None,
    floor: Decimal = _ZERO,
) -> History:
    """Fold samples in time order; those up to `since` only teach the ledger what is usual.

    What a day spent is booked on the day on which it was seen.
    """
    shown: list[Sample] = []
    days: dict[date, Day] = {}
    start: Decimal | None = None
    for sample in samples:
        read_before, before = book.accepted, book.totals
        book.update(sample.at, sample.balance)
        if sample.at <= since:
            continue
        shown.append(sample)
        if book.accepted is None:
            continue
        if start is None:
            start = book.accepted if read_before is None else read_before
        day = sample.at.astimezone(UTC).date()
        days[day] = days.get(day, Day(day)).plus(before, book.totals)
    end = book.accepted if start is not None else None
    return History(target, unit, floor, tuple(shown), tuple(days.values()), start, end)


def document(found: History) -> dict[str, object]:
    """A history, ready for strict JSON."""
    samples, total = found.samples, found.total
    return {
        "target": found.target,
        "unit": found.unit,
        "floor": number(found.floor),
        "from": instant(samples[0].at) if samples else None,
        "to": instant(samples[-1].at) if samples else None,
        "start": number(found.start),
        "end": number(found.end),
        "total": None if total is None else _figures(total),
        "days": [{"day": d.day.isoformat(), **_figures(d)} for d in found.days],
        "samples": [{"at": instant(s.at), "balance": number(s.balance)} for s in samples],
    }


def _figures(day: Day) -> dict[str, object]:
    return {
        "spent": number(day.spent),
        "topped_up": number(day.topped_up),
        "refunded": number(day.refunded),
        "adjusted": number(day.adjusted),
    }
