"""The store in one SQLite file: WAL, one writer thread, one transaction per batch."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from monitor.core.model import Ack, Sample, Silence
from monitor.store import Batch, Stored, StoreError
from monitor.store.cells import Cell, micros, moment
from monitor.store.database import Database
from monitor.store.rows import (
    ACKS,
    ADD_SAMPLE,
    ALERTS,
    CHECKPOINTS,
    INCIDENTS,
    SEEN,
    SILENCES,
    TARGETS,
    TOLD,
    Table,
    sample_cells,
    sample_of,
)
from monitor.store.writer import Writer

T = TypeVar("T")
_CHUNK = 500  # rows that one transaction of `prune` deletes


def _wall() -> datetime:
    return datetime.now(UTC)


class SqliteStore:
    """A `Store` in the file `path`, opened at the first call and again after a fault.

    `now` names a damaged file that is set aside. With `read_only` it reads beside a daemon and
    refuses to write.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        now: Callable[[], datetime] = _wall,
        read_only: bool = False,
        busy_timeout: float = 5.0,
    ) -> None:
        self._path, self._closed = Path(path).absolute(), False
        self._database = Database(
            self._path, now=now, read_only=read_only, busy_timeout=busy_timeout
        )
        self._writer = Writer(self._write)

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
        self, target: str, since: datetime | None = None, until: datetime | None = None
    ) -> tuple[Sample, ...]:
        """Points in time order, `since` exclusive, `until` inclusive."""
        low = -(2**63) if since is None else micros(since)
        high = 2**63 - 1 if until is None else micros(until)
        query = (
            "SELECT at, balance FROM samples WHERE target = ? AND at > ? AND at <= ? ORDER BY at"
        )
        return await self._run(lambda: self._database.read(sample_of, query, target, low, high))

    async def acknowledge(self, incident: str, ack: Ack) -> bool:
        """Put an acknowledgement to an open incident; False if there is none such."""
        work = partial(_acknowledge, incident, ack)
        return await self._run(lambda: self._database.transaction(work, durable=True))

    async def acks(self) -> Mapping[str, Ack]:
        """Acknowledgements of open incidents (another process may have made them)."""
        query = "SELECT acks.* FROM acks JOIN incidents ON id = incident WHERE closed_at IS NULL"
        return dict(await self._run(lambda: self._database.read(ACKS.value, query)))

    async def silences(self, since: datetime) -> tuple[Silence, ...]:
        """Silences that end after `since`."""
        query, edge = "SELECT * FROM silences WHERE ends_at > ?", micros(since)
        return await self._run(lambda: self._database.read(SILENCES.value, query, edge))

    async def heartbeat(self, at: datetime) -> None:
        """A daemon lives on this database."""
        put = "INSERT INTO heartbeat VALUES (1, ?) ON CONFLICT DO UPDATE SET at = excluded.at"
        await self._execute(put, micros(at))

    async def last_heartbeat(self) -> datetime | None:
        """When a daemon last lived on this database; None: never, or it said goodbye."""
        query = "SELECT at FROM heartbeat"
        found = await self._run(lambda: self._database.read(lambda row: moment(row["at"]), query))
        return found[0] if found else None

    async def goodbye(self) -> None:
        """The daemon leaves in good order: clears the heartbeat."""
        await self._execute("DELETE FROM heartbeat")

    async def prune(self, before: datetime) -> int:
        """Delete what ended before `before`, in chunks between which others get their turn."""
        deleted, edge = 0, micros(before)
        work = partial(_delete_chunk, edge)
        while chunk := await self._run(lambda: self._database.transaction(work, durable=False)):
            deleted += chunk
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
                _put_batch(connection, batch)

        self._database.transaction(write, durable=any(b.durable for b in batches))

    async def _execute(self, statement: str, *values: Cell) -> None:
        def write(connection: sqlite3.Connection) -> None:
            connection.execute(statement, values)

        await self._run(lambda: self._database.transaction(write, durable=False))

    async def _run(self, work: Callable[[], T]) -> T:
        self._refuse_where_closed()
        return await self._writer.run(work)

    def _refuse_where_closed(self) -> None:
        if self._closed:
            raise StoreError(f"database {self._path}: it is closed")


def _acknowledge(incident: str, ack: Ack, connection: sqlite3.Connection) -> bool:
    query = "SELECT 1 FROM incidents WHERE id = ? AND closed_at IS NULL"
    if connection.execute(query, (incident,)).fetchone() is None:
        return False
    connection.execute(ACKS.put, ACKS.cells((incident, ack)))
    return True


def _put_batch(connection: sqlite3.Connection, batch: Batch) -> None:
    _put(connection, TARGETS, batch.targets)
    connection.executemany(ADD_SAMPLE, map(sample_cells, batch.samples))
    _put(connection, CHECKPOINTS, batch.checkpoints)
    _put(connection, ALERTS, batch.alerts)
    _put(connection, INCIDENTS, batch.incidents)
    _put(connection, ACKS, [(i.id, i.ack) for i in batch.incidents if i.ack is not None])
    _put(connection, TOLD, batch.told)
    _put(connection, SILENCES, batch.silences)
    _put(connection, SEEN, batch.seen.items())
    connection.executemany("DELETE FROM alerts WHERE rule = ? AND target = ?", batch.forget_alerts)


def _put(connection: sqlite3.Connection, table: Table[T], values: Iterable[T]) -> None:
    connection.executemany(table.put, map(table.cells, values))


def _delete_chunk(edge: int, connection: sqlite3.Connection) -> int:
    """Delete some rows of what ended before `edge`; 0 when nothing is left."""
    before = connection.total_changes
    ended = "SELECT id FROM incidents WHERE closed_at < ? ORDER BY id LIMIT ?"
    gone = [(row["id"],) for row in connection.execute(ended, (edge, _CHUNK))]
    for owner in ("told", "acks"):
        connection.executemany(f"DELETE FROM {owner} WHERE incident = ?", gone)  # noqa: S608 - names of ours
    connection.executemany("DELETE FROM incidents WHERE id = ?", gone)
    connection.execute(
        "DELETE FROM silences WHERE id IN (SELECT id FROM silences WHERE ends_at < ? LIMIT ?)",
        (edge, _CHUNK),
    )
    connection.execute(
        "DELETE FROM told WHERE (incident, kind, round, receiver, address) IN (SELECT incident,"
        " kind, round, receiver, address FROM told WHERE at < ? AND incident NOT IN"
        " (SELECT id FROM incidents) LIMIT ?)",
        (edge, _CHUNK),
    )
    return connection.total_changes - before
