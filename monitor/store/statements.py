"""What is done to the database inside one transaction: a batch, an acknowledgement, a deletion."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import TypeVar

from monitor.core.model import Ack
from monitor.store import Batch
from monitor.store.happened import NOTICES, SERIES, TOP_UPS
from monitor.store.hours import put_filled
from monitor.store.rows import (
    ACKS,
    ADD_SAMPLE,
    ALERTS,
    CHECKPOINTS,
    HOURS,
    INCIDENTS,
    SEEN,
    SILENCES,
    TARGETS,
    TOLD,
    Table,
    sample_cells,
)
from monitor.store.usage import JOBS, REPORTS, SHIFT, USED, delete_old

T = TypeVar("T")
_CHUNK = 500  # rows that one transaction of `prune` deletes


def acknowledge(incident: str, ack: Ack, connection: sqlite3.Connection) -> bool:
    """Put an acknowledgement to an open incident; False if there is none such."""
    query = "SELECT 1 FROM incidents WHERE id = ? AND closed_at IS NULL"
    if connection.execute(query, (incident,)).fetchone() is None:
        return False
    connection.execute(ACKS.put, ACKS.cells((incident, ack)))
    return True


def put_batch(connection: sqlite3.Connection, batch: Batch) -> None:
    """Everything a batch holds."""
    _put(connection, TARGETS, batch.targets)
    connection.executemany(ADD_SAMPLE, map(sample_cells, batch.samples))
    _put(connection, HOURS, batch.hours)
    put_filled(connection, batch.filled)
    _put(connection, CHECKPOINTS, batch.checkpoints)
    _put(connection, ALERTS, batch.alerts)
    _put(connection, INCIDENTS, batch.incidents)
    _put(connection, ACKS, [(i.id, i.ack) for i in batch.incidents if i.ack is not None])
    _put(connection, TOLD, batch.told)
    _put(connection, SILENCES, batch.silences)
    _put(connection, SEEN, batch.seen.items())
    _put(connection, NOTICES, batch.notices)
    _put(connection, SERIES, batch.series)
    _put(connection, TOP_UPS, batch.top_ups)
    _put(connection, USED, batch.counts.used)
    _put(connection, JOBS, batch.counts.jobs)
    _put(connection, REPORTS, batch.counts.known)
    connection.executemany("DELETE FROM alerts WHERE rule = ? AND target = ?", batch.forget_alerts)


def _put(connection: sqlite3.Connection, table: Table[T], values: Collection[T]) -> None:
    if values:  # most batches have nothing for most tables, and asking costs as much as a row
        connection.executemany(table.put, map(table.cells, values))


def delete_chunk(edge: int, connection: sqlite3.Connection) -> int:
    """Delete some rows of what ended before `edge`; 0 when nothing is left."""
    before = connection.total_changes
    ended = "SELECT id FROM incidents WHERE closed_at < ? ORDER BY id LIMIT ?"
    gone = [(row["id"],) for row in connection.execute(ended, (edge - SHIFT, _CHUNK))]
    connection.executemany("DELETE FROM acks WHERE incident = ?", gone)
    connection.executemany("DELETE FROM incidents WHERE id = ?", gone)
    connection.execute(
        "DELETE FROM silences WHERE id IN (SELECT id FROM silences WHERE ends_at < ? LIMIT ?)",
        (edge, _CHUNK),
    )
    connection.execute(
        "DELETE FROM notices WHERE id IN (SELECT id FROM notices WHERE at < ? LIMIT ?)",
        (edge, _CHUNK),
    )
    connection.execute(
        "DELETE FROM told WHERE (incident, kind, round, receiver, address) IN (SELECT incident,"
        " kind, round, receiver, address FROM told WHERE at < :edge AND incident NOT IN"
        " (SELECT id FROM incidents) OR incident IN (SELECT id FROM incidents"
        " WHERE closed_at < :edge) LIMIT :most)",
        {"edge": edge, "most": _CHUNK},
    )
    delete_old(connection, edge, _CHUNK)
    return connection.total_changes - before
