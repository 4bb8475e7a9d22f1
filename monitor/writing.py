"""One transaction after another; what a failing store does not take is owed and goes later."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from monitor.clock import Clock
from monitor.core.counts import Counts, gathered
from monitor.hourly import Hourly
from monitor.logs import Log
from monitor.memory import Memory
from monitor.owing import Owed, hours_by_key, joined
from monitor.store import (
    Batch,
    Checkpoint,
    LeaseLostError,
    Store,
    StoreError,
    StoreReplacedError,
)

log = Log("monitor.store")

_NOTHING = Batch()
_CHECKPOINT_EVERY = 300.0  # seconds of the story between two checkpoints of a book


class Writing:
    """Writes batches; a store that fails is said aloud once and tried again with every batch."""

    def __init__(self, store: Store | None, memory: Memory, clock: Clock) -> None:
        self.store, self._memory, self._clock = store, memory, clock
        self._checkpointed: dict[str, float] = {}
        self.hourly = Hourly(memory, store)
        self.owed = Owed()
        self.loaded = store is None  # what is stored has been read: it may be written over

    async def commit(self, batch: Batch) -> None:
        """Commit with all that is owed; what is not taken is owed on."""
        if self.store is None:
            return
        if not self.loaded:  # what is there must be read before it is written over
            self.owed.add(batch)
            return
        owed = self.owed
        full = batch
        if owed:
            self.owed = Owed()
            full = self._with(owed, batch)
        if full == _NOTHING:
            return
        try:
            await self.store.commit(full)
        except StoreReplacedError as error:
            self.owed.hours |= hours_by_key(full)
            await self.write_all_again(error)
        except StoreError as error:
            self.failed(error)
            self.owed.add(full)
            self.owed.everything |= owed.everything
        except asyncio.CancelledError:
            self.owed.add(full)
            raise
        else:
            await self._works()

    async def _works(self) -> None:
        """The store took something: also what it refused meanwhile, before that is said."""
        if self.owed:
            await self.commit(_NOTHING)
        else:
            self.recovered()

    def _with(self, owed: Owed, batch: Batch) -> Batch:
        """A batch and all that is owed."""
        late = self.standing(dict.fromkeys(target for target, _ in owed.hours))
        whole = self._everything() if owed.everything else joined(late, batch)
        return joined(owed.batch(self._memory), whole)

    async def write_all_again(self, error: StoreReplacedError) -> None:
        """The file was lost and an empty one stands there: memory fills it."""
        log.error("the database was lost; memory is written to a new one", why=str(error))
        self._memory.store_lost, self._memory.store_lost_at = str(error), self._clock.now()
        self.owed.everything = True
        try:
            if self.store is not None:
                hours = Owed(hours=self.owed.hours).batch(self._memory)
                await self.store.commit(joined(hours, self._everything()))
                self.owed = Owed()
                self.recovered()
        except StoreError as again:
            self.failed(again)

    def _everything(self) -> Batch:
        standing = self.standing(self._memory.books)
        return replace(
            self.known(),
            targets=tuple(self._memory.records.values()),
            checkpoints=standing.checkpoints,
            hours=standing.hours,
        )

    def known(self) -> Batch:
        """All that memory has but how the targets stand, and what follows from readings alone."""
        memory = self._memory
        return Batch(
            alerts=tuple(memory.alerts.values()),
            incidents=tuple(memory.incidents.values()),
            told=tuple(memory.told.values()),
            silences=tuple(memory.silences.values()),
            seen=dict(memory.seen),
            notices=tuple(memory.notices.values()),
            series=tuple(memory.series.values()),
            top_ups=tuple(memory.top_ups.values()),
            counts=self.counted(),
        )

    def counted(self) -> Counts:
        """All that applications have reported, as memory has it."""
        return gathered(tally.everything() for tally in self._memory.tallies.values())

    def failed(self, error: StoreError) -> None:
        """Say once that the store cannot be used, and why."""
        if isinstance(error, LeaseLostError):
            return  # nothing is wrong with it; whoever keeps the lease ends this term
        if self._memory.store_failed != str(error):
            log.error("the database cannot be used; alerting goes on from memory", why=str(error))
        self._memory.store_failed = str(error)

    def recovered(self) -> None:
        """The store has taken something again."""
        if self._memory.store_failed:
            log.info("the database works again")
        self._memory.store_failed = ""

    def checkpoint_next(self, target: str) -> None:
        """The book has taken in what no sample will tell a start: it goes with the next one."""
        self._checkpointed.pop(target, None)

    def due_checkpoints(self, targets: Iterable[str]) -> tuple[Checkpoint, ...]:
        """Of those of these books whose last one is five minutes old."""
        edge = self._clock.monotonic() - _CHECKPOINT_EVERY
        books = self._memory.books
        return self._checkpoints(
            n for n in targets if n in books and self._checkpointed.get(n, edge) <= edge
        )

    def standing(self, targets: Iterable[str]) -> Batch:
        """Books, and the hours that hold all these have booked: never one without the other."""
        names = [t for t in targets if t in self._memory.books]
        hours = self.hourly.settled(names)
        return Batch(checkpoints=self._checkpoints(names), hours=hours)

    def _checkpoints(self, targets: Iterable[str]) -> tuple[Checkpoint, ...]:
        out = []
        for name in targets:
            book = self._memory.books[name]
            if book.last_at is not None:
                self._checkpointed[name] = self._clock.monotonic()
                out.append(Checkpoint(name, book.last_at, book.dump()))
        return tuple(out)
