"""Hours as rows, and how history is thinned: samples go first, then their hours."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from monitor.core.hours import Hour
from monitor.store.cells import Cells, decimal, micros, moment, money, text

CHUNK = 500  # rows that one transaction looks at and deletes
_HOUR = 3_600_000_000  # microseconds
_SUMS = ("spent", "refunded", "topped_up", "adjusted")
_LEVELS = ("low", "high", "last")
COLUMNS = " ".join(("samples", "unread", *_LEVELS, *_SUMS))


def hour_cells(pair: tuple[str, Hour]) -> Cells:
    """The row of one hour of one target."""
    target, hour = pair
    return {
        "target": text(target),
        "at": micros(hour.at),
        "samples": hour.samples,
        "unread": hour.unread,
        **{name: money(getattr(hour, name)) for name in (*_LEVELS, *_SUMS)},
    }


def hour_of_row(row: sqlite3.Row) -> tuple[str, Hour]:
    """The target, and what its row says of one hour."""
    target, at, samples, unread, *amounts = row
    return target, Hour(moment(at), samples, unread, *map(decimal, amounts))  # type: ignore[arg-type]  # the sums are NOT NULL


def put_filled(connection: sqlite3.Connection, targets: tuple[str, ...]) -> None:
    """Their hours hold all their samples."""
    connection.executemany("DELETE FROM unfilled WHERE target = ?", [(t,) for t in targets])


def carry_over(connection: sqlite3.Connection, old: str, new: str) -> bool:
    """Copy samples and hours; False where `new` has its own, or `old` has none."""
    for table in ("samples", "hours"):
        there = f"SELECT 1 FROM {table} WHERE target = ? LIMIT 1"  # noqa: S608 - names of ours
        if connection.execute(there, (new,)).fetchone():
            return False
    before = connection.total_changes
    for table, columns in _CARRIED:
        connection.execute(
            f"INSERT INTO {table} (target, {columns})"  # noqa: S608 - names of ours
            f" SELECT ?, {columns} FROM {table} WHERE target = ?",
            (new, old),
        )
    connection.execute(
        "INSERT INTO unfilled SELECT ? FROM unfilled WHERE target = ? ON CONFLICT DO NOTHING",
        (new, old),
    )
    return connection.total_changes > before


_CARRIED = (
    ("samples", "at, balance"),
    ("hours", f"at, {COLUMNS.replace(' ', ', ')}"),
    ("series", "since, unit"),
)


_ABOUT_TARGETS = ("targets", "checkpoints", "series", "top_ups", "unfilled")


def forget_gone(connection: sqlite3.Connection, edge: int) -> int:
    """Forget some targets not asked since `edge`, of which no sample and no hour is kept.

    Such as are no longer in the config; one that is would begin anew after as long a pause.
    """
    gone = connection.execute(
        "SELECT target FROM targets AS t WHERE read_at < ?"
        " AND NOT EXISTS (SELECT 1 FROM samples WHERE target = t.target)"
        " AND NOT EXISTS (SELECT 1 FROM hours WHERE target = t.target) LIMIT ?",
        (edge, CHUNK),
    ).fetchall()
    before = connection.total_changes
    for table in _ABOUT_TARGETS:
        connection.executemany(f"DELETE FROM {table} WHERE target = ?", map(tuple, gone))  # noqa: S608 - names of ours
    return connection.total_changes - before


@dataclass(slots=True)
class Thinning:
    """Deletes what lies before an edge, chunk by chunk, each chunk a transaction of its own.

    It goes through the table once, from one target to the next: what must stay is looked at once
    as well, so that every chunk is as short as the others.
    """

    table: str  # "samples" or "hours"
    edge: int  # microseconds: what is earlier goes
    target: str = ""  # where it is
    at: int = -(2**63)
    done: bool = False

    def chunk(self, connection: sqlite3.Connection) -> int:
        """Delete some rows; how many."""
        query = (
            f"SELECT at FROM {self.table} WHERE target = ? AND at > ? AND at < ?"  # noqa: S608 - names of ours
            " ORDER BY at LIMIT ?"
        )
        values = (self.target, self.at, self.edge, CHUNK)
        rows = connection.execute(query, values).fetchall()
        deleted = self._delete(connection, rows[-1]["at"]) if rows else 0
        self._move_on(connection, rows)
        return deleted

    def _delete(self, connection: sqlite3.Connection, last: int) -> int:
        """Of the rows that were looked at; a sample only where its hour is kept."""
        where = "target = :target AND at > :at AND at <= :last"
        if self.table == "samples":
            where += (
                " AND EXISTS (SELECT 1 FROM hours WHERE target = :target"
                " AND at = samples.at - samples.at % :hour)"
                " AND NOT EXISTS (SELECT 1 FROM unfilled WHERE target = :target)"
            )
        values = {"target": self.target, "at": self.at, "last": last, "hour": _HOUR}
        return connection.execute(f"DELETE FROM {self.table} WHERE {where}", values).rowcount  # noqa: S608 - ours

    def _move_on(self, connection: sqlite3.Connection, rows: list[sqlite3.Row]) -> None:
        if len(rows) == CHUNK:
            self.at = rows[-1]["at"]
            return
        query = f"SELECT min(target) FROM {self.table} WHERE target > ?"  # noqa: S608 - names of ours
        following = connection.execute(query, (self.target,)).fetchone()[0]
        self.target, self.at, self.done = following or "", -(2**63), following is None
