"""Taking up what an earlier process left: at a start, or as soon as the store can be read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from monitor.clock import Clock
from monitor.core.model import Incident, Kind
from monitor.core.routing import carried_seen, carried_told
from monitor.core.settings import Settings
from monitor.core.views import continued
from monitor.logs import Log
from monitor.memory import KEPT, Memory, told_key
from monitor.store import Batch, NewerSchemaError, Store, Stored, StoreError
from monitor.writing import Writing

log = Log("monitor.store")


_PAGE = 2_000  # samples: some tens of milliseconds, after which others get their turn


async def fold_samples(store: Store, memory: Memory, names: Iterable[str]) -> None:
    """Bring books up to the last stored sample, a page at a time. Raises StoreError."""
    for name in names:
        book = memory.books[name]
        since = book.last_at
        while page := await store.samples(name, since, most=_PAGE):
            for sample in page:
                book.update(sample.at, sample.balance)
            since = page[-1].at


class Restoring:
    """Memory takes what is stored; the samples after each checkpoint are folded again."""

    def __init__(self, writing: Writing, memory: Memory, clock: Clock) -> None:
        self._writing, self._memory, self._clock = writing, memory, clock
        self._store = writing.store

    async def load(self, now: datetime) -> None:
        """Load, rename and fold. Raises NewerSchemaError; of other faults the store is failed."""
        if self._store is None:
            return
        try:
            stored = await self._store.load(now - KEPT)
            self._take(stored, now)
            self._writing.loaded = True
            await self.rename(self._memory.settings)
            await self.fold()
        except NewerSchemaError:
            raise
        except StoreError as error:
            self._writing.failed(error)

    def _take(self, stored: Stored, now: datetime) -> None:
        """What the store knows goes under what this process has seen meanwhile, if anything."""
        memory, records, own = self._memory, dict(self._memory.records), self._writing.known()
        memory.restore(stored)
        memory.records |= {n: continued(memory.records[n], seen) for n, seen in records.items()}
        for alert in own.alerts:
            old = memory.alerts.get(alert.key)
            if old is not None and old.incident in memory.incidents:
                self._supersede(memory.incidents[old.incident], now)
        memory.alerts |= {a.key: a for a in own.alerts}
        memory.incidents |= {i.id: i for i in own.incidents}
        memory.tell(own.told)
        memory.silences |= {s.id: s for s in own.silences}
        memory.notices |= {n.id: n for n in own.notices}
        memory.series |= {s.target: s for s in own.series}
        memory.top_ups |= {t.target: t for t in own.top_ups}
        memory.seen = {**own.seen, **memory.seen}
        self._writing.owed.add(own)
        self._writing.hourly.unfilled = set(stored.unfilled)
        self._note_troubles(stored.troubles)

    def _supersede(self, incident: Incident, now: datetime) -> None:
        """The same alert was opened anew while nothing could be loaded: the new one speaks."""
        closed = replace(incident, closed_at=now, close_reason="continued under another id")
        self._memory.incidents[incident.id] = closed
        heard = [t for t in self._memory.told.values() if t.incident == incident.id]
        silently = [replace(t, kind=Kind.RESOLVED, round=0, at=now) for t in heard]
        self._memory.tell(silently)
        self._writing.owed.add(Batch(incidents=(closed,), told=tuple(silently)))

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
        await self._writing.hourly.open(self._clock.now())

    async def fold_new(self) -> None:
        """After a reload: what is known of books that have just been begun."""
        try:
            await self.fold(only_new=True)
        except StoreError as error:
            self._writing.failed(error)
        self._memory.refresh_all(self._clock.now())

    async def rename(self, settings: Settings) -> None:
        """`was: OLDNAME`: an account's history goes on under its new name, as does what a
        receiver was told."""
        for account in settings.accounts:
            for target in account.targets if account.was is not None else ():
                new = target.target.name
                old = f"{account.was}{new.removeprefix(account.name)}"
                try:
                    await self._carry_over(old, new)
                except StoreError as error:
                    self._writing.failed(error)
        await self._carry_told(settings)

    async def _carry_told(self, settings: Settings) -> None:
        """Put down under a receiver's new name what it was told before; once is enough.

        Nothing is awaited once the old entries are gone, for want of which it would be told anew.
        """
        memory = self._memory
        while (batch := self._carried(settings)) != Batch():  # more may be told meanwhile
            memory.tell(batch.told)
            memory.seen.update(batch.seen)
            await self._writing.commit(batch)
        gone = {r.was: r.name for r in settings.receivers if r.was is not None}
        for key, old in [(k, t) for k, t in memory.told.items() if t.receiver in gone]:
            del memory.told[key]  # on the page it would be told twice
            if old.kind is Kind.OPENED:
                memory.opened_as[old.incident, gone[old.receiver]] = old.receiver

    def _carried(self, settings: Settings) -> Batch:
        """What has not been put down under a new name yet."""
        memory = self._memory
        told = carried_told(settings.receivers, memory.told.values())
        seen = carried_seen(settings.receivers, memory.seen)
        return Batch(
            told=tuple(t for t in told if told_key(t) not in memory.told),
            seen={key: at for key, at in seen.items() if key not in memory.seen},
        )

    async def _carry_over(self, old: str, new: str) -> None:
        carried = self._store is not None and await self._store.carry_over(old, new)
        series = self._memory.series.get(old)
        if carried and series is not None:
            self._memory.series[new] = replace(series, target=new)
        if carried and old in self._writing.hourly.unfilled:
            self._writing.hourly.unfilled.add(new)
