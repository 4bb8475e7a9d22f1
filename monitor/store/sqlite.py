"""The store in one SQLite file: WAL, one writer thread, one transaction per batch."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from monitor.core.counts import JobHour
from monitor.core.hours import Hour, hour_of
from monitor.core.lease import Lease
from monitor.core.model import Ack, Incident, Sample, Silence
from monitor.store import Batch, Stored, StoreError
from monitor.store.cells import micros
from monitor.store.database import Database, Watch
from monitor.store.happened import first_of_series
from monitor.store.hours import Thinning, carry_over, forget_gone
from monitor.store.lease import READ, Fence, beat, lease_of, writable
from monitor.store.rows import ACKS, HOURS, INCIDENTS, SILENCES, sample_of
from monitor.store.statements import acknowledge, delete_chunk, put_batch
from monitor.store.usage import JOBS
from monitor.store.writer import Writer

T = TypeVar("T")
_HOUR = 3_600_000_000  # microseconds
_LOWEST = -(2**63)
_PAGE = 2000  # rows of history that are read at once


def _wall() -> datetime:
    return datetime.now(UTC)


class SqliteStore:
    """A `Store` in the file `path`, opened at the first call and again after a fault.

    `now` names a damaged file that is set aside. With `read_only` it reads beside a daemon and
    refuses to write. `thread`: where all of it happens, by default one of its own; `watch` is
    handed every statement before it is executed: the seams for tests. `gather`: seconds that what
    nobody depends on may wait for others to share its transaction.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        now: Callable[[], datetime] = _wall,
        read_only: bool = False,
        busy_timeout: float = 5.0,
        thread: Executor | None = None,
        watch: Watch | None = None,
        gather: float = 0.0,
    ) -> None:
        self._path, self._closed = Path(path).absolute(), False
        self._read_only = read_only
        self._database = Database(
            self._path, now=now, read_only=read_only, busy_timeout=busy_timeout, watch=watch
        )
        self._writer = Writer(self._write, thread, gather=gather)

    @property
    def troubles(self) -> tuple[str, ...]:
        """What went wrong with the file and was survived, one line each, for people."""
        return self._database.troubles

    # -- the protocol -----------------------------------------------------------------------

    async def load(self, since: datetime) -> Stored:
        """What is remembered; from a file that may not be written as well, see `troubles`."""
        return await self._run(lambda: self._database.load(micros(since)))

    async def commit(self, batch: Batch) -> None:
        """Keep a batch. StoreReplacedError: the file was lost, an empty one stands."""
        self._refuse_where_closed()
        await self._writer.commit(batch)

    async def samples(
        self,
        target: str,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        most: int | None = None,
    ) -> tuple[Sample, ...]:
        """Points in time order, `since` exclusive, `until` inclusive, the first `most`."""
        low = _LOWEST if since is None else micros(since)
        low = max(low, await self._first(target) - 1)
        return await self._paged("samples", sample_of, target, low, until, most)

    async def hours(
        self, target: str, since: datetime | None = None, until: datetime | None = None
    ) -> tuple[Hour, ...]:
        """Hours in time order, from the one `since` lies in to the one `until` lies in."""
        if self._read_only and not await self._has("hours"):
            return ()
        low = _LOWEST if since is None else micros(hour_of(since)) - 1
        first = await self._first(target)
        low = max(low, first - first % _HOUR - 1)
        found = await self._paged("hours", HOURS.value, target, low, until)
        return tuple(hour for _, hour in found)

    async def _paged(
        self,
        table: str,
        value: Callable[[sqlite3.Row], T],
        target: str,
        low: int,
        until: datetime | None,
        most: int | None = None,
    ) -> tuple[T, ...]:
        """Rows after `low`, so few at once that a commit never waits for years of them."""
        high = 2**63 - 1 if until is None else micros(until)
        size, found = min(_PAGE, most or _PAGE), list[T]()
        where = f"FROM {table} WHERE target = ? AND at > ? AND at <= ? ORDER BY at"

        def page(low: int) -> tuple[tuple[T, ...], int | None]:
            edge = self._database.read(
                lambda row: int(row["at"]),
                f"SELECT at {where} LIMIT 1 OFFSET {size - 1}",
                *(target, low, high),
            )
            last = edge[0] if edge else high
            rows = self._database.read(value, f"SELECT * {where}", target, low, last)
            return rows, last if edge else None

        while True:
            rows, edge = await self._run(partial(page, low))
            found += rows
            if edge is None or (most is not None and len(found) >= most):
                return tuple(found[:most])
            low = edge

    async def _has(self, table: str) -> bool:
        """A reader may come before the daemon that brings the database up to date."""
        query = "SELECT name FROM sqlite_schema WHERE name = ?"
        return bool(await self._run(lambda: self._database.read(tuple, query, table)))

    async def _first(self, target: str) -> int:
        """Of the present series, microseconds: what is older is counted in another unit."""
        return await self._run(lambda: first_of_series(self._database.read, target))

    async def jobs_reported(self, account: str, since: datetime) -> tuple[JobHour, ...]:
        """The jobs applications have reported of an account, from the hour of `since` on."""
        if self._read_only and not await self._has("jobs_reported"):
            return ()
        query = "SELECT * FROM jobs_reported WHERE account = ? AND at >= ? ORDER BY at"
        edge = micros(hour_of(since))
        return await self._run(lambda: self._database.read(JOBS.value, query, account, edge))

    async def carry_over(self, old: str, new: str) -> bool:
        """Give `new` a copy of the samples and hours of `old`; False where it has its own."""

        def write(connection: sqlite3.Connection) -> bool:
            return carry_over(connection, old, new)

        return await self._run(lambda: self._database.transaction(write, durable=False))

    async def acknowledge(self, incident: str, ack: Ack) -> bool:
        """Put an acknowledgement to an open incident; False if there is none such."""
        work = partial(acknowledge, incident, ack)
        return await self._run(lambda: self._database.transaction(work, durable=True))

    async def acks(self) -> Mapping[str, Ack]:
        """Acknowledgements of open incidents (another process may have made them)."""
        query = "SELECT acks.* FROM acks JOIN incidents ON id = incident WHERE closed_at IS NULL"
        return dict(await self._run(lambda: self._database.read(ACKS.value, query)))

    async def silences(self, since: datetime) -> tuple[Silence, ...]:
        """Silences that end after `since`."""
        query, edge = "SELECT * FROM silences WHERE ends_at > ?", micros(since)
        return await self._run(lambda: self._database.read(SILENCES.value, query, edge))

    async def incidents(self, since: datetime) -> tuple[Incident, ...]:
        """Incidents that are open or closed after `since`, oldest first."""
        query = "SELECT * FROM incidents WHERE closed_at IS NULL OR closed_at > ? ORDER BY id"
        edge = micros(since)
        return await self._run(lambda: self._database.read(INCIDENTS.value, query, edge))

    async def lease(self) -> Lease | None:
        """Which daemon leads; None: none ever has, or the daemon is older than leases."""
        if self._read_only and not (self._path.exists() and await self._has("lease")):
            return None
        found = await self._run(lambda: self._database.read(lease_of, READ))
        return found[0] if found else None

    async def writable(self) -> bool:
        """Whether anybody could write now; tried, and nothing is changed by it."""
        return await self._run(partial(writable, self._path))

    async def claim(
        self, holder: str, expected: Lease | None, at: datetime, *, locked: bool
    ) -> bool:
        """Lead from now on; False where the lease has moved since `expected` was seen."""
        fence, now = Fence(holder, locked), micros(at)

        def write(connection: sqlite3.Connection) -> bool:
            return fence.take(connection, expected, now)

        taken = await self._run(lambda: self._database.transaction(write, durable=True))
        self._database.fence = fence if taken else None
        return taken

    def insist(self, holder: str, *, locked: bool) -> None:
        """Lead with a file that cannot be used: the first transaction that works claims it."""
        self._database.fence = Fence(holder, locked)

    @property
    def epoch(self) -> int | None:
        """Of what was claimed; None: not claimed, or not yet."""
        fence = self._database.fence
        return None if fence is None else fence.epoch

    def lock_is_held(self) -> None:
        """The lock beside the file has become free, and is this leader's now."""
        if self._database.fence is not None:
            self._database.fence.locked = True

    async def heartbeat(self, at: datetime) -> None:
        """A daemon lives on this database."""
        await self._beat(micros(at))

    async def last_heartbeat(self) -> datetime | None:
        """When a daemon last lived on this database; None: never, or it said goodbye."""
        found = await self.lease()
        return None if found is None else found.at

    async def goodbye(self) -> None:
        """The daemon leaves in good order: clears the heartbeat."""
        await self._beat(None)

    async def _beat(self, at: int | None) -> None:
        def write(connection: sqlite3.Connection) -> None:
            fence = self._database.fence
            beat(connection, at) if fence is None else fence.beat(connection, at)

        await self._run(lambda: self._database.transaction(write, durable=False))

    async def prune(self, before: datetime) -> int:
        """Delete what ended before `before`, in chunks between which others get their turn."""
        deleted, edge = 0, micros(before)
        work = partial(delete_chunk, edge)
        while chunk := await self._run(lambda: self._database.transaction(work, durable=False)):
            deleted += chunk
        return deleted

    async def retain(self, samples_before: datetime, hours_before: datetime) -> int:
        """Delete samples and hours of before, then targets that nothing is left of, in chunks
        between which others get their turn."""
        deleted = 0
        for table, edge in (("samples", samples_before), ("hours", hours_before)):
            thinning = Thinning(table, micros(edge))
            while not thinning.done:
                deleted += await self._run(partial(self._transaction, thinning.chunk))
        forget = partial(forget_gone, edge=micros(samples_before))
        while gone := await self._run(partial(self._transaction, forget)):
            deleted += gone
        return deleted

    async def close(self) -> None:
        """Checkpoint and close; further calls raise StoreError."""
        if self._closed:
            return
        self._closed = True
        await self._writer.run(self._database.close)
        self._writer.stop()

    def _write(self, batches: Sequence[Batch]) -> None:
        """On the writer thread: all of them or none."""

        def write(connection: sqlite3.Connection) -> None:
            for batch in batches:
                put_batch(connection, batch)

        self._database.transaction(write, durable=any(b.durable for b in batches))

    def _transaction(self, write: Callable[[sqlite3.Connection], T]) -> T:
        return self._database.transaction(write, durable=False)

    async def _run(self, work: Callable[[], T]) -> T:
        self._refuse_where_closed()
        return await self._writer.run(work)

    def _refuse_where_closed(self) -> None:
        if self._closed:
            raise StoreError(f"database {self._path}: it is closed")
