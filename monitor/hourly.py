"""The hour each balance is in: booked with every probe, kept with it, made of old samples once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from monitor.core.book import Book
from monitor.core.hours import Hour, hour_of
from monitor.core.model import Reading, Sample, Totals
from monitor.core.replay import new_book
from monitor.core.settings import HistorySettings
from monitor.logs import Log
from monitor.memory import Memory
from monitor.store import Batch, Store, StoreError, StoreReplacedError

log = Log("monitor.store")

_AT_ONCE = 20_000  # samples folded between two looks at everything else
_PAGE = 2_000  # of them read at once
_PATIENCE = 2.0  # seconds that thinning may take; what it has not done it does next time
_SLICE = 200  # of them folded before others get their turn: some milliseconds

Hours = tuple[tuple[str, Hour], ...]


class Hourly:
    """The only writer of `Memory.hours` and `Memory.booked`.

    A balance has its hour in memory from when what the store holds of it is known. Until then its
    probes are not booked on any; the ledger's sums wait, and are booked with the next one.
    """

    def __init__(self, memory: Memory, store: Store | None) -> None:
        self._memory, self._store = memory, store
        self._latest: dict[str, datetime] = {}  # the last hour there is of each target
        self._filling: _Filling | None = None
        self.unfilled: set[str] = set()  # see Stored.unfilled

    def book(self, reading: Reading) -> Hours:
        """Book a probe whose balance has just been folded in; what is to be kept with it."""
        memory, target = self._memory, reading.target
        book, hour = memory.books[target], self._hour(target, hour_of(reading.at))
        read = reading.finding.balance is not None
        if hour is None:
            return ()
        known, before = memory.booked.get(target, (book, Totals()))
        if known is not book:  # another unit: the whole hour is counted in it
            hour, before = Hour(hour.at), Totals()
        after = book.totals
        if not read and after != before:  # asked again, and only the last time in vain
            hour, before = hour.moved(book.accepted, before, after), after
        hour = hour.plus(book.accepted if read else None, before, after)
        memory.hours[target], memory.booked[target] = hour, (book, after)
        return ((target, hour),)

    def _hour(self, target: str, begins: datetime) -> Hour | None:
        """The hour to book on; None while it is not known what is stored of it."""
        hour = self._memory.hours.get(target)
        if hour is not None and hour.at == begins:
            return hour
        if self._store is None:
            return Hour(begins)
        if hour is None:
            return None
        if begins > self._latest[target]:
            self._latest[target] = begins
            return Hour(begins)
        del self._memory.hours[target]  # the clock was set back: this hour may have a row
        return None

    def settled(self, targets: Iterable[str]) -> Hours:
        """The hours of these, with all that their books have taken in: kept with a checkpoint."""
        memory, found = self._memory, []
        for name in targets:
            hour, book = memory.hours.get(name), memory.books.get(name)
            if hour is None or book is None:
                continue
            known, before = memory.booked.get(name, (book, Totals()))
            if known is book and before != book.totals:
                hour = hour.moved(book.accepted, before, book.totals)
                memory.hours[name], memory.booked[name] = hour, (book, book.totals)
            if hour != Hour(hour.at):
                found.append((name, hour))
        return tuple(found)

    # -- a start ----------------------------------------------------------------------------

    async def open(self, now: datetime) -> None:
        """Go on with the hours that are stored, where that is not done yet. Raises StoreError."""
        for name in list(self._memory.books):
            if name not in self._memory.hours and name not in self.unfilled:
                await self._open(name, now)

    async def _open(self, name: str, now: datetime) -> None:
        if self._store is None:
            return
        memory, present, book = self._memory, hour_of(now), self._memory.books[name]
        seen = hour_of(book.last_at or now)
        stored = {h.at: h for h in await self._store.hours(name, min(present, seen))}
        if memory.books.get(name) is not book:
            return  # a reload or another unit; next time
        memory.hours[name] = stored.get(present, Hour(present))
        self._latest[name] = max((present, *stored))
        if name not in memory.booked:
            last = stored[seen].last if seen in stored else None
            memory.booked[name] = (book, _reconciled(book.totals, last))

    # -- samples from before there were hours -----------------------------------------------

    async def fill(self) -> None:
        """Make hours of some more old samples, while everything else goes on. Raises StoreError.

        What a kill interrupts begins again: rows are replaced by the same, and only when a target
        is done its hours are open to be booked on.
        """
        room = _AT_ONCE
        while self._store is not None and self.unfilled and room > 0:
            name = min(self.unfilled)
            if self._filling is None or self._filling.name != name:
                self._filling = _Filling(name, self._empty(name))
            taken = await self._fill(self._store, self._filling)
            if not taken and name in self.unfilled:
                return  # a probe's sample is on its way to the store
            room -= taken

    def _empty(self, name: str) -> Book:
        if name in self._memory.books:
            return new_book(self._memory.account_of(name))
        return Book(floor=Decimal(0), job_max=None, planned_burn=Decimal(0))

    async def _fill(self, store: Store, filling: _Filling) -> int:
        """One page; 0 where there are no more."""
        try:
            samples = await store.samples(filling.name, filling.at, most=_PAGE)
            if not samples:
                await self._finish(store, filling)
            for start in range(0, len(samples), _SLICE):
                filling.take(samples[start : start + _SLICE])
                await asyncio.sleep(0)
            if filling.done:
                await store.commit(Batch(hours=filling.give()))
        except StoreError:
            self._filling = None
            raise
        return len(samples)

    async def _finish(self, store: Store, filling: _Filling) -> None:
        """Hand the last hour over to the probes, where none of theirs is missing in it."""
        name, memory, hour = filling.name, self._memory, filling.hour
        book = memory.books.get(name)
        if book is not None and filling.misses(book):
            return
        if book is not None and hour is not None:
            memory.hours[name], memory.booked[name] = hour, (book, book.totals)
            self._latest[name] = hour.at
        self.unfilled.discard(name)
        try:
            await store.commit(Batch(hours=((name, hour),) if hour else (), filled=(name,)))
        except StoreError:
            self.unfilled.add(name)
            memory.hours.pop(name, None)
            raise
        self._filling = None
        log.info("hours are made of the samples there were", target=name)


@dataclass(slots=True)
class _Filling:
    """How far the hours of one target are made of its samples."""

    name: str
    book: Book
    at: datetime | None = None  # the last sample taken
    hour: Hour | None = None
    done: list[tuple[str, Hour]] = field(default_factory=list)

    def take(self, samples: Iterable[Sample]) -> None:
        for sample in samples:
            begins = hour_of(sample.at)
            if self.hour is not None and self.hour.at != begins:
                self.done.append((self.name, self.hour))
            hour = Hour(begins) if self.hour is None or self.hour.at != begins else self.hour
            before = self.book.totals
            self.book.update(sample.at, sample.balance)
            self.hour = hour.plus(self.book.accepted, before, self.book.totals)
            self.at = sample.at

    def give(self) -> Hours:
        """The hours that are complete."""
        done, self.done = tuple(self.done), []
        return done

    def misses(self, book: Book) -> bool:
        """Whether a sample that is not stored yet is in the other book."""
        if book.last_at is None:
            return False
        return self.book.last_at is None or self.book.last_at < book.last_at


async def thin(store: Store, kept: HistorySettings, now: datetime) -> None:
    """Delete what is older than the config keeps it; a slow or locked store waits till next time.

    Raises StoreReplacedError.
    """
    samples, hours = now - timedelta(seconds=kept.samples), now - timedelta(seconds=kept.hours)
    try:
        async with asyncio.timeout(_PATIENCE):
            deleted = await store.retain(samples, hours)
    except StoreReplacedError:
        raise
    except (StoreError, TimeoutError) as error:
        why = str(error) or "it takes long"
        log.info("old history is not all deleted yet; the rest goes next time", why=why)
        return
    if deleted:
        log.info("old history deleted", rows=deleted)


def _reconciled(totals: Totals, last: Decimal | None) -> Totals:
    """A ledger's sums up to the balance that the hours end with.

    They differ where a ledger had to be made anew of fewer samples than it had seen.
    """
    if last is None:
        return totals
    return replace(totals, adjusted=totals.adjusted + last - totals.end, end=last)
