"""Keeping memory and store the same, and going on from memory when the store cannot."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

import structlog

from monitor.clock import Clock
from monitor.core.counts import Counts, gathered
from monitor.core.model import Ack, Incident, Kind, Silence, Told
from monitor.core.settings import Settings
from monitor.hourly import Hourly, thin
from monitor.judging import Changes
from monitor.memory import KEPT, Memory
from monitor.owing import Owed, hours_by_key, joined
from monitor.store import (
    Batch,
    Checkpoint,
    NewerSchemaError,
    Store,
    Stored,
    StoreError,
    StoreReplacedError,
)

log = structlog.get_logger("monitor.store")

_CHECKPOINT_EVERY = 300.0  # seconds of the story between two checkpoints of a book
_PRUNE_EVERY = 3600.0
_GOODBYE = 2.0  # seconds for the last words to a store that may be locked


async def fold_samples(store: Store, memory: Memory, names: Iterable[str]) -> None:
    """Bring books up to the last stored sample. Raises StoreError."""
    for name in names:
        book = memory.books[name]
        for sample in await store.samples(name, since=book.last_at):
            book.update(sample.at, sample.balance)


class Keeper:
    """Writes batches; a store that fails is said aloud once and tried again with every batch."""

    def __init__(self, store: Store | None, memory: Memory, clock: Clock) -> None:
        self._store, self._memory, self._clock = store, memory, clock
        self._checkpointed: dict[str, float] = {}
        self._pruned, self._thinned = clock.monotonic(), -math.inf
        self.hourly = Hourly(memory, store)
        self._owed = Owed()
        self._loaded = store is None
        self.unkept: set[str] = set()  # what is on its way to the disk: not to be told yet
        self.changed: Callable[[], None] = lambda: None  # another process has written something

    # -- a start ----------------------------------------------------------------------------

    async def restore(self, now: datetime) -> None:
        """Load what an earlier process left; fold the samples after each checkpoint again.

        Raises NewerSchemaError. With any other trouble the daemon begins empty and loads later.
        """
        await self._load(now)
        self._memory.refresh_all(now)

    async def _load(self, now: datetime) -> None:
        if self._store is None:
            return
        try:
            stored = await self._store.load(now - KEPT)
            self._take(stored, now)
            self._loaded = True
            await self.rename(self._memory.settings)
            await self.fold()
        except NewerSchemaError:
            raise
        except StoreError as error:
            self._failed(error)

    def _take(self, stored: Stored, now: datetime) -> None:
        """What the store knows goes under what this process has seen meanwhile, if anything."""
        memory = self._memory
        alerts, incidents, told = dict(memory.alerts), dict(memory.incidents), dict(memory.told)
        notices, series = dict(memory.notices), dict(memory.series)
        top_ups = dict(memory.top_ups)
        counted = self._counted()
        memory.restore(stored)
        for key in alerts:
            old = memory.alerts.get(key)
            if old is not None and old.incident in memory.incidents:
                self._supersede(memory.incidents[old.incident], now)
        memory.alerts.update(alerts)
        memory.incidents.update(incidents)
        memory.told.update(told)
        memory.notices.update(notices)
        memory.series.update(series)
        memory.top_ups.update(top_ups)
        self._owed.add(
            Batch(
                alerts=tuple(alerts.values()),
                incidents=tuple(incidents.values()),
                told=tuple(told.values()),
                notices=tuple(notices.values()),
                series=tuple(series.values()),
                top_ups=tuple(top_ups.values()),
                counts=counted,
            )
        )
        self.hourly.unfilled = set(stored.unfilled)
        self._note_troubles(stored.troubles)

    def _supersede(self, incident: Incident, now: datetime) -> None:
        """The same alert was opened anew while nothing could be loaded: the new one speaks."""
        closed = replace(incident, closed_at=now, close_reason="continued under another id")
        self._memory.incidents[incident.id] = closed
        heard = [t for t in self._memory.told.values() if t.incident == incident.id]
        silently = [replace(t, kind=Kind.RESOLVED, round=0, at=now) for t in heard]
        self._memory.tell(silently)
        self._owed.add(Batch(incidents=(closed,), told=tuple(silently)))

    def _note_troubles(self, troubles: tuple[str, ...]) -> None:
        """What a start found wrong with the file, and survived."""
        for trouble in troubles:
            log.error("the database was not as it should be", why=trouble)
        if troubles:
            self._memory.store_lost = "; ".join(troubles)
            self._memory.store_lost_at = self._clock.now()

    async def fold(self, *, only_new: bool = False) -> None:
        """Bring every book up to the last stored sample. Raises StoreError."""
        if self._store is None:
            return
        books = self._memory.books
        names = [n for n, b in books.items() if not only_new or b.last_at is None]
        await fold_samples(self._store, self._memory, names)
        for name in names:
            trail = self._memory.trails[name]
            for sample in await self._store.samples(name, since=self._clock.now() - KEPT):
                if sample.balance is not None:
                    trail.add(sample.at, float(sample.balance))
        await self.hourly.open(self._clock.now())

    async def fold_new(self) -> None:
        """After a reload: what is known of books that have just been begun."""
        try:
            await self.fold(only_new=True)
        except StoreError as error:
            self._failed(error)
        self._memory.refresh_all(self._clock.now())

    # -- keeping ----------------------------------------------------------------------------

    async def keep(self, changes: Changes, batch: Batch) -> None:
        """One transaction: the batch with what judging changed, and due checkpoints."""
        full = replace(
            batch,
            checkpoints=self._due_checkpoints(t.target for t in batch.targets),
            alerts=tuple(changes.alerts.values()),
            incidents=tuple(changes.incidents.values()),
            forget_alerts=tuple(changes.forgotten),
            notices=tuple(changes.notices.values()),
        )
        said = (*changes.incidents, *changes.notices)
        on_the_way = {i for i in said if i not in self.unkept}
        self.unkept |= on_the_way
        try:
            await self._commit(full)
        finally:
            self.unkept -= on_the_way

    async def _commit(self, batch: Batch) -> None:
        """Commit with all that is owed; what is not taken is owed on."""
        if self._store is None:
            return
        if not self._loaded:  # what is there must be read before it is written over
            self._owed.add(batch)
            return
        owed, self._owed = self._owed, Owed()
        owing = owed.batch(self._memory)
        late = self._standing(dict.fromkeys(target for target, _ in owed.hours))
        whole = self._everything() if owed.everything else joined(late, batch)
        full = joined(owing, whole)
        if full == Batch():
            return
        try:
            await self._store.commit(full)
            self._recovered()
        except StoreReplacedError as error:
            self._owed.hours |= hours_by_key(full)
            await self._write_all_again(error)
        except StoreError as error:
            self._failed(error)
            self._owed.add(full)
            self._owed.everything |= owed.everything
        except asyncio.CancelledError:
            self._owed.add(full)
            raise

    async def _write_all_again(self, error: StoreReplacedError) -> None:
        """The file was lost and an empty one stands there: memory fills it."""
        log.error("the database was lost; memory is written to a new one", why=str(error))
        self._memory.store_lost, self._memory.store_lost_at = str(error), self._clock.now()
        self._owed.everything = True
        try:
            if self._store is not None:
                hours = Owed(hours=self._owed.hours).batch(self._memory)
                await self._store.commit(joined(hours, self._everything()))
                self._owed = Owed()
                self._recovered()
        except StoreError as again:
            self._failed(again)

    def _everything(self) -> Batch:
        memory = self._memory
        return replace(
            self._standing(memory.books),
            targets=tuple(memory.records.values()),
            alerts=tuple(memory.alerts.values()),
            incidents=tuple(memory.incidents.values()),
            told=tuple(memory.told.values()),
            silences=tuple(memory.silences.values()),
            seen=dict(memory.seen),
            notices=tuple(memory.notices.values()),
            series=tuple(memory.series.values()),
            top_ups=tuple(memory.top_ups.values()),
            counts=self._counted(),
        )

    def _counted(self) -> Counts:
        """All that applications have reported, as memory has it."""
        return gathered(tally.everything() for tally in self._memory.tallies.values())

    def _failed(self, error: StoreError) -> None:
        if self._memory.store_failed != str(error):
            log.error("the database cannot be used; alerting goes on from memory", why=str(error))
        self._memory.store_failed = str(error)

    def _recovered(self) -> None:
        if self._memory.store_failed:
            log.info("the database works again")
        self._memory.store_failed = ""

    def checkpoint_next(self, target: str) -> None:
        """The book has taken in what no sample will tell a start: it goes with the next one."""
        self._checkpointed.pop(target, None)

    def _due_checkpoints(self, targets: Iterable[str]) -> tuple[Checkpoint, ...]:
        edge = self._clock.monotonic() - _CHECKPOINT_EVERY
        books = self._memory.books
        return self._checkpoints(
            n for n in targets if n in books and self._checkpointed.get(n, edge) <= edge
        )

    def _standing(self, targets: Iterable[str]) -> Batch:
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

    async def tell(self, told: tuple[Told, ...]) -> None:
        """Put to the log what people know now, before anything else is said."""
        self._memory.tell(told)
        await self._commit(Batch(told=told))

    async def count(self, counts: Counts) -> None:
        """Keep what applications have reported."""
        await self._commit(Batch(counts=counts))

    async def meet(self, seen: dict[str, datetime]) -> None:
        """Remember since when addresses are configured as they are."""
        self._memory.seen.update(seen)
        await self._commit(Batch(seen=seen))

    async def silence(self, silence: Silence) -> None:
        """Add or end a silence."""
        self._memory.silences[silence.id] = silence
        await self._commit(Batch(silences=(silence,)))

    async def acknowledge(self, incident: str, ack: Ack) -> None:
        """Put an acknowledgement to an incident; its other columns may be another process's."""
        self._heed(incident, ack)
        if self._store is None:
            return
        try:
            await self._store.acknowledge(incident, ack)
        except StoreError as error:
            self._failed(error)
            self._owed.incidents.add(incident)

    # -- time passes ------------------------------------------------------------------------

    async def refresh(self, now: datetime) -> None:
        """Heartbeat, what is owed, what other processes have written, pruning once an hour."""
        if self._store is None:
            return
        if not self._loaded:
            await self._load(now)
        try:
            await self._store.heartbeat(now)
            await self._commit(Batch())
            await self._heed_others(self._store, now)
            if self._clock.monotonic() - self._pruned >= _PRUNE_EVERY:
                self._pruned = self._clock.monotonic()
                await self._store.prune(now - KEPT)
            await self._tend(self._store, now)
            if self._loaded:
                self._recovered()
        except StoreReplacedError as error:
            await self._write_all_again(error)
        except StoreError as error:
            self._failed(error)
        self._memory.prune(now)

    async def _tend(self, store: Store, now: datetime) -> None:
        """History: hours of old samples, and deleting what is too old."""
        if not self._loaded:
            return
        await self.hourly.open(now)
        await self.hourly.fill()
        if self._clock.monotonic() - self._thinned >= _PRUNE_EVERY:
            self._thinned = self._clock.monotonic()
            await thin(store, self._memory.settings.history, now)

    async def _heed_others(self, store: Store, now: datetime) -> None:
        before = dict(self._memory.silences)
        for silence in await store.silences(now - KEPT):
            self._memory.silences[silence.id] = silence
        heeded = [self._heed(*found) for found in (await store.acks()).items()]
        if before != self._memory.silences or any(heeded):
            self.changed()

    def _heed(self, incident: str, ack: Ack) -> bool:
        """An acknowledgement, by whatever process; False where it is known or too late."""
        known = self._memory.incidents.get(incident)
        if known is None or not known.open or (known.ack is not None and known.ack.at >= ack.at):
            return False
        self._memory.incidents[incident] = replace(known, ack=ack)
        return True

    async def rename(self, settings: Settings) -> None:
        """`was: OLDNAME`: an account's history goes on under its new name."""
        for account in settings.accounts:
            for target in account.targets if account.was is not None else ():
                new = target.target.name
                old = f"{account.was}{new.removeprefix(account.name)}"
                try:
                    await self._carry_over(old, new)
                except StoreError as error:
                    self._failed(error)

    async def _carry_over(self, old: str, new: str) -> None:
        carried = self._store is not None and await self._store.carry_over(old, new)
        series = self._memory.series.get(old)
        if carried and series is not None:
            self._memory.series[new] = replace(series, target=new)
        if carried and old in self.hourly.unfilled:
            self.hourly.unfilled.add(new)

    async def flush(self) -> None:
        """Last checkpoints, and what is owed."""
        await self._commit(self._standing(self._memory.books))

    async def close(self) -> None:
        """Last checkpoints, what is owed, goodbye, close; within seconds whatever holds it."""
        if self._store is None:
            return
        try:
            async with asyncio.timeout(_GOODBYE):
                await self.flush()
                await self._store.goodbye()
                await self._store.close()
        except (StoreError, TimeoutError) as error:
            log.error("the database was not closed in good order", why=str(error) or "it is busy")  # noqa: TRY400 - one line is what a user can use
