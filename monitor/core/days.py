"""A balance over a while, hour by hour and day by day: from samples, and from the hours kept
where the samples are no longer there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal

from monitor.core.book import Book
from monitor.core.hours import Hour, hour_of
from monitor.core.model import Sample
from monitor.core.pattern import ToppedUp

_ZERO = Decimal(0)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Span:
    """What an hour, a day, a month or all of a history made of a balance, from `at` on."""

    at: datetime  # in the history's time zone
    spent: Decimal = _ZERO
    refunded: Decimal = _ZERO
    topped_up: Decimal = _ZERO
    adjusted: Decimal = _ZERO


@dataclass(frozen=True, slots=True)
class History:
    """A balance over a while. `start - spent + refunded + topped_up + adjusted = end`."""

    target: str
    unit: str | None
    floor: Decimal
    zone: tzinfo
    samples: tuple[Sample, ...]
    hours: tuple[Hour, ...]  # the whole while, in UTC; where nobody looked there is none
    filled: int  # so many of the hours stand for samples that are no longer kept: the first ones
    start: Decimal | None
    end: Decimal | None
    top_ups: tuple[ToppedUp, ...]  # oldest first

    @property
    def older(self) -> tuple[Hour, ...]:
        """The hours before the samples begin."""
        return self.hours[: self.filled]

    @property
    def total(self) -> Span | None:
        """All of it in one; None where nothing was read."""
        if self.start is None:
            return None
        return _sum(self.hours[0].at.astimezone(self.zone), self.hours)

    def by(self, begin_of: Callable[[datetime], datetime]) -> tuple[Span, ...]:
        """Span by span: `begin_of` gives the begin of the one that a local hour belongs to.

        An hour in which nothing was read is in none of them.
        """
        spans: dict[datetime, list[Hour]] = {}
        for hour in self.hours:
            if hour.last is not None or _change(hour):
                spans.setdefault(begin_of(hour.at.astimezone(self.zone)), []).append(hour)
        return tuple(_sum(at, hours) for at, hours in spans.items())

    @property
    def days(self) -> tuple[Span, ...]:
        """Day by day."""
        return self.by(midnight)


def midnight(local: datetime) -> datetime:
    """The begin of a day."""
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def first_of_month(local: datetime) -> datetime:
    """The begin of a month."""
    return midnight(local).replace(day=1)


def history(
    target: str,
    samples: Sequence[Sample],
    book: Book,
    *,
    since: datetime,
    kept: Iterable[Hour] = (),
    samples_from: datetime | None = None,
    unit: str | None = None,
    floor: Decimal = _ZERO,
    zone: tzinfo = UTC,
) -> History:
    """Fold samples in time order; those up to `since` only teach the ledger what is usual.

    `kept` hours stand for what lies between `since` and the first sample, or `samples_from`. No
    hour is taken from both: samples count from the first whole hour on that no kept one covers.
    """
    older = _chained(_older(samples, kept, since, samples_from))
    edge = older[-1].at + _HOUR if older else since
    fold = _Fold(book, older)
    for sample in samples:
        fold.take(sample, shown=sample.at > since and sample.at >= edge)
    return History(
        target=target,
        unit=unit,
        floor=floor,
        zone=zone,
        samples=tuple(fold.shown),
        hours=(*older, *fold.hours.values()),
        filled=len(older),
        start=fold.start,
        end=fold.end,
        top_ups=fold.top_ups(),
    )


def _older(
    samples: Sequence[Sample],
    kept: Iterable[Hour],
    since: datetime,
    samples_from: datetime | None,
) -> list[Hour]:
    """The kept hours that fill in; none where the samples reach back as far as anything does."""
    hours = [h for h in kept if h.at >= since]
    if not samples:
        return hours
    first = hour_of(max(samples[0].at, samples_from or samples[0].at))
    older = [h for h in hours if h.at <= first]
    return older if older and older[0].at < first else []


def _chained(hours: list[Hour]) -> list[Hour]:
    """Where an hour does not begin as the one before it ended, the difference was adjusted."""
    out: list[Hour] = []
    stood: Decimal | None = None
    for hour in hours:
        if hour.last is not None:
            off = _ZERO if stood is None else hour.last - _change(hour) - stood
            stood = hour.last
            out.append(replace(hour, adjusted=hour.adjusted + off) if off else hour)
        elif stood is not None:
            stood += _change(hour)
            out.append(hour)
    return out


def _change(hour: Hour) -> Decimal:
    return hour.refunded + hour.topped_up + hour.adjusted - hour.spent


class _Fold:
    """Samples to hours, in one pass, going on from the hours before them."""

    def __init__(self, book: Book, older: Sequence[Hour]) -> None:
        self._book = book
        self.shown: list[Sample] = []
        self.hours: dict[datetime, Hour] = {}
        self.start: Decimal | None = None
        self.end: Decimal | None = None
        self._net = _ZERO  # spent without refunds, so far
        self._top_ups: list[tuple[datetime, Decimal, Decimal]] = []  # at, amount, net until then
        for hour in older:
            self._older(hour)

    def _older(self, hour: Hour) -> None:
        if self.start is None and hour.last is not None:
            self.start = hour.last - _change(hour)
        if self.start is not None:
            self.end = (self.end if self.end is not None else self.start) + _change(hour)
        self._count(hour.at, hour.spent - hour.refunded, hour.topped_up)

    def take(self, sample: Sample, *, shown: bool) -> None:
        """Fold one sample in; one that is not shown only teaches."""
        book = self._book
        stood, before = book.accepted, book.totals
        book.update(sample.at, sample.balance)
        if not shown:
            return
        self.shown.append(sample)
        after, at = book.totals, hour_of(sample.at)
        read = None if sample.balance is None else book.accepted
        hour = self.hours.get(at, Hour(at)).plus(read, before, after)
        self.hours[at] = hour
        self._count(
            sample.at,
            after.spent - before.spent - (after.refunded - before.refunded),
            after.topped_up - before.topped_up,
        )
        if book.accepted is not None:
            self._stands(at, book.accepted if stood is None else stood, book.accepted)

    def _stands(self, at: datetime, before: Decimal, after: Decimal) -> None:
        """What an hour's ledger and this one's say of the same moment may differ at the seam."""
        if self.start is None:
            self.start = before
        elif self.end is not None and self.end != before:
            hour = self.hours[at]
            self.hours[at] = replace(hour, adjusted=hour.adjusted + before - self.end)
        self.end = after

    def _count(self, at: datetime, net: Decimal, topped_up: Decimal) -> None:
        self._net += net
        if topped_up > 0:
            self._top_ups.append((at, topped_up, self._net))

    def top_ups(self) -> tuple[ToppedUp, ...]:
        """Each with what was spent since then."""
        return tuple(ToppedUp(at, amount, self._net - net) for at, amount, net in self._top_ups)


def _sum(at: datetime, hours: Iterable[Hour]) -> Span:
    spent = refunded = topped_up = adjusted = _ZERO
    for hour in hours:
        spent += hour.spent
        refunded += hour.refunded
        topped_up += hour.topped_up
        adjusted += hour.adjusted
    return Span(at, spent, refunded, topped_up, adjusted)
