"""What a start finds, out of the tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from monitor.core.counts import Counts
from monitor.core.model import Ack, Incident
from monitor.store import Stored
from monitor.store.cells import Cell
from monitor.store.happened import LATEST_SERIES, NOTICES, SERIES, TOP_UPS
from monitor.store.rows import (
    ACKS,
    ALERTS,
    CHECKPOINTS,
    INCIDENTS,
    SEEN,
    SILENCES,
    TARGETS,
    TOLD,
    UNFILLED,
    Table,
)
from monitor.store.usage import IN_ORDER, JOBS, REPORTS, USED

T = TypeVar("T")
_UNREADABLE = (ValueError, ArithmeticError, LookupError, TypeError)
_LIVING = "(closed_at IS NULL OR closed_at >= :since)"
_OPEN_OR_RECENT = f"SELECT * FROM incidents WHERE {_LIVING} ORDER BY opened_at, id"  # noqa: S608 - ours
_TOLD_OF_THEM = (
    f"SELECT * FROM told WHERE incident IN (SELECT id FROM incidents WHERE {_LIVING})"  # noqa: S608 - ours
    " OR (at > :since AND incident NOT IN (SELECT id FROM incidents)) ORDER BY at"
)


def read_rows(
    connection: sqlite3.Connection,
    value: Callable[[sqlite3.Row], T],
    query: str,
    values: Sequence[Cell] | dict[str, int] = (),
) -> tuple[tuple[T, ...], int]:
    """The values, and how many rows made no sense: one bad row must not cost the others."""
    good, bad = [], 0
    for row in connection.execute(query, values):
        try:
            good.append(value(row))
        except _UNREADABLE:
            bad += 1
    return tuple(good), bad


class _Reader:
    """Reads one table after another and counts what could not be understood."""

    def __init__(self, connection: sqlite3.Connection, since: int) -> None:
        self._connection, self._since = connection, since
        self.bad: dict[str, int] = {}
        # A reader may come before the daemon that brings the database up to date.
        names = "SELECT name FROM sqlite_schema WHERE type = 'table'"
        self._there = {row["name"] for row in connection.execute(names)}

    def rows(self, table: Table[T], query: str = "") -> tuple[T, ...]:
        """All rows of a table, or those of `query`, which may speak of `:since`."""
        if table.name not in self._there:
            return ()
        query = query or f"SELECT * FROM {table.name}"  # noqa: S608 - names of ours
        since = {"since": self._since}
        found, bad = read_rows(self._connection, table.value, query, since)
        if bad:
            self.bad[table.name] = bad
        return found


def read_all(connection: sqlite3.Connection, since: int, troubles: tuple[str, ...]) -> Stored:
    """Everything, as of one moment; `since` in microseconds."""
    connection.execute("BEGIN")
    try:
        reader = _Reader(connection, since)
        acks = dict(reader.rows(ACKS))
        stored = Stored(
            targets={r.target: r for r in reader.rows(TARGETS)},
            checkpoints={c.target: c for c in reader.rows(CHECKPOINTS)},
            alerts=reader.rows(ALERTS),
            incidents=tuple(_with(acks, i) for i in reader.rows(INCIDENTS, _OPEN_OR_RECENT)),
            told=reader.rows(TOLD, _TOLD_OF_THEM),
            silences=reader.rows(SILENCES, "SELECT * FROM silences WHERE ends_at > :since"),
            seen=dict(reader.rows(SEEN)),
            notices=reader.rows(NOTICES, "SELECT * FROM notices WHERE at >= :since ORDER BY at"),
            series={s.target: s for s in reader.rows(SERIES, LATEST_SERIES)},
            top_ups={t.target: t for t in reader.rows(TOP_UPS)},
            unfilled=frozenset(reader.rows(UNFILLED)),
            counts=Counts(reader.rows(USED), reader.rows(JOBS), reader.rows(REPORTS, IN_ORDER)),
        )
    finally:
        connection.execute("ROLLBACK")
    unread = (f"{n} row(s) of `{t}` could not be understood" for t, n in reader.bad.items())
    return replace(stored, troubles=(*troubles, *unread))


def _with(acks: dict[str, Ack], incident: Incident) -> Incident:
    return replace(incident, ack=acks.get(incident.id))
