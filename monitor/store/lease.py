"""The lease as a row, and the fence: whoever does not lead any more writes nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from monitor.core.lease import Lease, called
from monitor.store import LeaseLostError
from monitor.store.cells import moment_or_none, text
from monitor.store.connection import connect

READ = "SELECT * FROM lease"
_TOUCH = "UPDATE lease SET beat = beat"
_PUT = (
    "INSERT INTO lease VALUES (1, :epoch, :holder, :locked, 0, :at) ON CONFLICT DO UPDATE SET"
    " epoch = :epoch, holder = :holder, locked = :locked, beat = beat + 1, at = :at"
)
_NOBODY = "nobody"


def lease_of(row: sqlite3.Row) -> Lease:
    """A row's value."""
    at = moment_or_none(row["at"])
    return Lease(row["epoch"], row["holder"], bool(row["locked"]), row["beat"], at)


def standing(connection: sqlite3.Connection) -> Lease | None:
    """What stands there now."""
    row = connection.execute(READ).fetchone()
    return None if row is None else lease_of(row)


def writable(path: Path) -> bool:
    """Whether anybody could write now, without waiting: tried with what changes nothing."""
    if not path.exists():
        return False
    try:
        with closing(connect(path, busy_timeout=0.0)) as connection:
            return connection.execute(_TOUCH).rowcount == 1
    except (sqlite3.Error, OSError):
        return False


@dataclass(slots=True)
class Fence:
    """A leader's claim. `epoch` None: to be claimed with the first transaction that works."""

    holder: str
    locked: bool
    epoch: int | None = None
    at: int | None = None  # of its last beat, in microseconds

    def take(self, connection: sqlite3.Connection, expected: Lease | None, at: int) -> bool:
        """Claim the next epoch if nothing has moved since `expected` was seen."""
        found = standing(connection)
        if found != expected:
            return False
        self.epoch = (0 if found is None else found.epoch) + 1
        self.beat(connection, at)
        return True

    def check(self, connection: sqlite3.Connection) -> None:
        """Within every transaction: raises LeaseLostError where another has taken over."""
        found = standing(connection)
        if self.epoch is None:
            self.epoch = (0 if found is None else found.epoch) + 1
        if found is None or found.epoch < self.epoch:  # a new file, or an older one put back
            self.beat(connection, self.at)
        elif (found.epoch, found.holder) != (self.epoch, self.holder):
            raise LeaseLostError(f"{called(found.holder)} leads with epoch {found.epoch}")

    def beat(self, connection: sqlite3.Connection, at: int | None) -> None:
        """Show that it lives; without a time, that it has left."""
        self.at = at
        values = {"epoch": self.epoch, "holder": text(self.holder), "locked": self.locked}
        connection.execute(_PUT, {**values, "at": at})


def beat(connection: sqlite3.Connection, at: int | None) -> None:
    """Where nobody has claimed: that a daemon lives on this database, or has left."""
    found = standing(connection)
    epoch, holder = (0, _NOBODY) if found is None else (found.epoch, found.holder)
    Fence(holder, locked=False, epoch=epoch).beat(connection, at)
