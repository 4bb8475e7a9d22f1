"""Keeping memory and store the same, and going on from memory when the store cannot."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from monitor.clock import Clock
from monitor.core.counts import Counts
from monitor.core.lease import called
from monitor.core.maintenance import to_keep
from monitor.core.model import Ack, Silence, Told
from monitor.core.settings import Settings
from monitor.hourly import thin
from monitor.judging import Changes
from monitor.logs import Log
from monitor.memory import KEPT, Memory
from monitor.restoring import Restoring, fold_samples
from monitor.store import Batch, LeaseLostError, Store, StoreError, StoreReplacedError
from monitor.writing import Writing

__all__ = ["Keeper", "fold_samples"]

log = Log("monitor.store")

_PRUNE_EVERY = 3600.0
_GOODBYE = 2.0  # seconds for the last words to a store that may be locked


class Keeper:
    """Keeps what this process has seen and said, and heeds what other processes have written."""

    def __init__(self, store: Store | None, memory: Memory, clock: Clock) -> None:
        self._store, self._memory, self._clock = store, memory, clock
        self._writing = Writing(store, memory, clock)
        self._restoring = Restoring(self._writing, memory, clock)
        self._pruned = self._thinned = -math.inf  # soon after a start, then once an hour
        self.hourly = self._writing.hourly
        self.unkept: set[str] = set()  # what is on its way to the disk: not to be told yet
        self.changed: Callable[[], None] = lambda: None  # another process has written something

    # -- a start, another config ------------------------------------------------------------

    async def restore(self, now: datetime) -> None:
        """Load what an earlier process left; fold the samples after each checkpoint again.

        Raises NewerSchemaError. With any other trouble the daemon begins empty and loads later.
        """
        await self._restoring.load(now)
        self._memory.refresh_all(now)

    async def fold_new(self) -> None:
        """After a reload: what is known of books that have just been begun."""
        await self._restoring.fold_new()

    async def rename(self, settings: Settings) -> None:
        """`was: OLDNAME`: what an account or a receiver had goes on under its new name."""
        await self._restoring.rename(settings)

    # -- keeping ----------------------------------------------------------------------------

    async def keep(self, changes: Changes, batch: Batch) -> None:
        """One transaction: the batch with what judging changed, and due checkpoints."""
        full = replace(
            batch,
            checkpoints=self._writing.due_checkpoints(t.target for t in batch.targets),
            alerts=tuple(changes.alerts.values()),
            incidents=tuple(changes.incidents.values()),
            forget_alerts=tuple(changes.forgotten),
            notices=tuple(changes.notices.values()),
        )
        said = (*changes.incidents, *changes.notices)
        on_the_way = {i for i in said if i not in self.unkept}
        self.unkept |= on_the_way
        try:
            await self._writing.commit(full)
        finally:
            self.unkept -= on_the_way

    def checkpoint_next(self, target: str) -> None:
        """The book has taken in what no sample will tell a start: it goes with the next one."""
        self._writing.checkpoint_next(target)

    async def tell(self, told: tuple[Told, ...]) -> None:
        """Put to the log what people know now, before anything else is said."""
        self._memory.tell(told)
        await self._writing.commit(Batch(told=told))

    async def count(self, counts: Counts) -> None:
        """Keep what applications have reported."""
        await self._writing.commit(Batch(counts=counts))

    async def meet(self, seen: dict[str, datetime]) -> None:
        """Remember since when addresses are configured as they are."""
        self._memory.seen.update(seen)
        await self._writing.commit(Batch(seen=seen))

    async def silence(self, silence: Silence) -> None:
        """Add or end a silence."""
        self._memory.silences[silence.id] = silence
        await self._writing.commit(Batch(silences=(silence,)))

    async def plan(self, now: datetime) -> None:
        """Put down what the maintenance windows mute, so that a later config knows of it."""
        windows = self._memory.settings.maintenance
        found = to_keep(self._memory.silences, windows, now)
        if found:
            self._memory.silences.update({s.id: s for s in found})
            await self._writing.commit(Batch(silences=found))

    async def acknowledge(self, incident: str, ack: Ack) -> None:
        """Put an acknowledgement to an incident; its other columns may be another process's."""
        self._heed(incident, ack)
        if self._store is None:
            return
        try:
            await self._store.acknowledge(incident, ack)
        except StoreError as error:
            self._writing.failed(error)
            self._writing.owed.incidents.add(incident)

    # -- time passes ------------------------------------------------------------------------

    async def beat(self, now: datetime) -> None:
        """Show that this process lives and leads. Raises LeaseLostError: another leads now.

        A store that fails costs nobody the lead; but where it can still be read, it is.
        """
        if self._store is None:
            return
        try:
            await self._store.heartbeat(now)
        except LeaseLostError:
            raise
        except StoreReplacedError as error:
            await self._writing.write_all_again(error)
        except StoreError as error:
            self._writing.failed(error)
            await self._look_who_leads(self._store)

    async def _look_who_leads(self, store: Store) -> None:
        try:
            found = await store.lease()
        except StoreError:
            return
        if found is not None and store.epoch is not None and found.epoch > store.epoch:
            raise LeaseLostError(f"{called(found.holder)} leads with epoch {found.epoch}")

    async def refresh(self, now: datetime) -> None:
        """Heartbeat, what is owed, what other processes have written, pruning once an hour."""
        if self._store is None:
            return
        if not self._writing.loaded:
            await self._load_late(now)
        try:
            await self._store.heartbeat(now)
            await self._writing.commit(Batch())
            await self._heed_others(self._store, now)
            if self._clock.monotonic() - self._pruned >= _PRUNE_EVERY:
                self._pruned = self._clock.monotonic()
                await self._store.prune(now - KEPT)
            await self._tend(self._store, now)
            if self._writing.loaded and not self._writing.owed:  # a beat may find room yet
                self._writing.recovered()
        except StoreReplacedError as error:
            await self._writing.write_all_again(error)
        except StoreError as error:
            self._writing.failed(error)
        self._memory.prune(now)

    async def _load_late(self, now: datetime) -> None:
        """What could not be read at the start, as soon as it can be."""
        await self._restoring.load(now)
        if self._writing.loaded:
            self._memory.refresh_all(now)

    async def _tend(self, store: Store, now: datetime) -> None:
        """History: hours of old samples, and deleting what is too old."""
        if not self._writing.loaded:
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

    async def flush(self) -> None:
        """Last checkpoints, and what is owed."""
        await self._writing.commit(self._writing.standing(self._memory.books))

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
