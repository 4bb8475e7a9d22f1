"""Keeping memory and store the same, and going on from memory when the store cannot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import structlog

from monitor.clock import Clock
from monitor.core.model import Ack, Silence, Told
from monitor.core.settings import Settings
from monitor.judging import Changes
from monitor.memory import KEPT, Memory
from monitor.store import (
    Batch,
    Checkpoint,
    NewerSchemaError,
    Store,
    StoreError,
    StoreReplacedError,
)

log = structlog.get_logger("monitor.store")

_CHECKPOINT_EVERY = 300.0  # seconds of the story between two checkpoints of a book
_PRUNE_EVERY = 3600.0


class Keeper:
    """Writes batches; a store that fails is said aloud once and tried again with every batch."""

    def __init__(self, store: Store | None, memory: Memory, clock: Clock) -> None:
        self._store, self._memory, self._clock = store, memory, clock
        self._checkpointed: dict[str, float] = {}
        self._pruned = clock.monotonic()
        self.unkept: set[str] = set()  # incidents on their way to the disk: not to be told yet
        self._owed = Batch()  # alerts, incidents and told that a failing store has not taken

    async def restore(self, now: datetime) -> None:
        """Load what an earlier process left; fold the samples after each checkpoint again."""
        if self._store is None:
            return
        try:
            stored = await self._store.load(now - KEPT)
            self._memory.restore(stored)
            self._note_troubles(stored.troubles)
            await self.rename(self._memory.settings)
            await self._fold_again()
        except NewerSchemaError:
            raise
        except StoreError as error:
            self._failed(error)
        self._memory.refresh_all(now)

    def _note_troubles(self, troubles: tuple[str, ...]) -> None:
        """What a start found wrong with the file, and survived."""
        for trouble in troubles:
            log.error("the database was not as it should be", why=trouble)
        if troubles:
            self._memory.store_lost = "; ".join(troubles)
            self._memory.store_lost_at = self._clock.now()

    async def _fold_again(self) -> None:
        if self._store is None:
            return
        for name, book in self._memory.books.items():
            trail = self._memory.trails[name]
            for sample in await self._store.samples(name, since=book.last_at):
                book.update(sample.at, sample.balance)
            for sample in await self._store.samples(name, since=self._clock.now() - KEPT):
                if sample.balance is not None:
                    trail.add(sample.at, float(sample.balance))

    async def keep(self, changes: Changes, batch: Batch) -> None:
        """One transaction: the batch with what judging changed, and due checkpoints."""
        full = Batch(
            targets=batch.targets,
            samples=batch.samples,
            checkpoints=self._due_checkpoints(t.target for t in batch.targets),
            alerts=tuple(changes.alerts.values()),
            incidents=tuple(changes.incidents.values()),
            told=batch.told,
            silences=batch.silences,
            seen=batch.seen,
            forget_alerts=tuple(changes.forgotten),
        )
        on_the_way = {i for i in changes.incidents if i not in self.unkept}
        self.unkept |= on_the_way
        try:
            await self._commit(full)
        finally:
            self.unkept -= on_the_way

    async def _commit(self, batch: Batch) -> None:
        if self._store is None or batch == Batch():
            return
        try:
            if self._owed != Batch():
                await self._store.commit(self._owed)
                self._owed = Batch()
            await self._store.commit(batch)
            self._recovered()
        except StoreReplacedError as error:
            await self._write_all_again(error)
        except StoreError as error:
            self._failed(error)
            self._owed = _joined(self._owed, batch)

    async def _write_all_again(self, error: StoreReplacedError) -> None:
        """The file was lost and an empty one stands there: memory fills it."""
        log.error("the database was lost; memory is written to a new one", why=str(error))
        self._memory.store_lost, self._memory.store_lost_at = str(error), self._clock.now()
        self._owed = Batch()
        try:
            if self._store is not None:
                await self._store.commit(self._everything())
                self._recovered()
        except StoreError as again:
            self._failed(again)
            self._owed = self._everything()

    def _everything(self) -> Batch:
        memory = self._memory
        return Batch(
            targets=tuple(memory.records.values()),
            checkpoints=self._checkpoints(memory.books),
            alerts=tuple(memory.alerts.values()),
            incidents=tuple(memory.incidents.values()),
            told=tuple(memory.told.values()),
            silences=tuple(memory.silences.values()),
            seen=dict(memory.seen),
        )

    def _failed(self, error: StoreError) -> None:
        if self._memory.store_failed != str(error):
            log.error("the database cannot be used; alerting goes on from memory", why=str(error))
        self._memory.store_failed = str(error)

    def _recovered(self) -> None:
        if self._memory.store_failed:
            log.info("the database works again")
        self._memory.store_failed = ""

    def _due_checkpoints(self, targets: Iterable[str]) -> tuple[Checkpoint, ...]:
        edge = self._clock.monotonic() - _CHECKPOINT_EVERY
        books = self._memory.books
        return self._checkpoints(
            n for n in targets if n in books and self._checkpointed.get(n, edge) <= edge
        )

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

    async def meet(self, seen: dict[str, datetime]) -> None:
        """Remember since when addresses are configured as they are."""
        self._memory.seen.update(seen)
        await self._commit(Batch(seen=seen))

    async def silence(self, silence: Silence) -> None:
        """Add or end a silence."""
        self._memory.silences[silence.id] = silence
        await self._commit(Batch(silences=(silence,)))

    async def acknowledge(self, incident: str, ack: Ack) -> None:
        """Put an acknowledgement to an incident."""
        known = self._memory.incidents[incident]
        self._memory.incidents[incident] = acked = replace(known, ack=ack)
        await self._commit(Batch(incidents=(acked,)))

    async def refresh(self, now: datetime) -> None:
        """Heartbeat, what other processes have written, and pruning once an hour."""
        if self._store is None:
            return
        try:
            await self._store.heartbeat(now)
            for silence in await self._store.silences(now - KEPT):
                self._memory.silences[silence.id] = silence
            for incident, ack in (await self._store.acks()).items():
                self._heed(incident, ack)
            if self._clock.monotonic() - self._pruned >= _PRUNE_EVERY:
                self._pruned = self._clock.monotonic()
                await self._store.prune(now - KEPT)
            self._recovered()
        except StoreError as error:
            self._failed(error)
        self._memory.prune(now)

    def _heed(self, incident: str, ack: Ack) -> None:
        """An acknowledgement that another process has written."""
        known = self._memory.incidents.get(incident)
        if known is not None and known.open and (known.ack is None or known.ack.at < ack.at):
            self._memory.incidents[incident] = replace(known, ack=ack)

    async def rename(self, settings: Settings) -> None:
        """`was: OLDNAME`: an account's history goes on under its new name."""
        for account in settings.accounts:
            if account.was is None or self._store is None:
                continue
            for target in account.targets:
                new = target.target.name
                old = account.was + new.removeprefix(account.name)
                await self._carry_over(old, new)

    async def _carry_over(self, old: str, new: str) -> None:
        if self._store is None or await self._store.samples(new):
            return
        samples = await self._store.samples(old)
        if samples:
            await self._commit(Batch(samples=tuple((new, s) for s in samples)))

    async def close(self) -> None:
        """Last checkpoints, goodbye, close."""
        if self._store is None:
            return
        await self._commit(Batch(checkpoints=self._checkpoints(self._memory.books)))
        try:
            await self._store.goodbye()
            await self._store.close()
        except StoreError as error:
            self._failed(error)


def _joined(owed: Batch, batch: Batch) -> Batch:
    """What must not be lost while the store fails: the latest of each alert and incident."""
    forgotten = {*owed.forget_alerts, *batch.forget_alerts} - {a.key for a in batch.alerts}
    alerts = {a.key: a for a in (*owed.alerts, *batch.alerts) if a.key not in forgotten}
    incidents = {i.id: i for i in (*owed.incidents, *batch.incidents)}
    return Batch(
        alerts=tuple(alerts.values()),
        incidents=tuple(incidents.values()),
        told=(*owed.told, *batch.told),
        silences=(*owed.silences, *batch.silences),
        seen={**owed.seen, **batch.seen},
        forget_alerts=tuple(forgotten),
    )
