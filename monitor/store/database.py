"""One SQLite file as the writer thread sees it: opened when needed, replaced when damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from monitor.store import NewerSchemaError, Stored, StoreError, StoreReplacedError
from monitor.store import connection as files
from monitor.store.cells import Cell
from monitor.store.lease import Fence
from monitor.store.reading import read_all, read_rows

T = TypeVar("T")
Watch = Callable[[str], object]  # handed every statement before it is executed
_HURRIED = 100  # milliseconds to wait for a lock that has outlasted the patience once already
_GOODBYE = 500  # milliseconds that closing waits for readers before it leaves the log as it is
_OURS = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)  # a value no table takes: a fault of the caller's, and nothing wrong with the file


class Database:
    """Every method runs on the one thread that owns the connection, and raises StoreError."""

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], datetime],
        read_only: bool,
        busy_timeout: float,
        watch: Watch | None = None,
    ) -> None:
        self._path, self._now, self._watch = path, now, watch
        self._read_only, self._busy_timeout = read_only, busy_timeout
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._checked = self._hurried = False
        self.fence: Fence | None = None  # of a daemon that leads
        self.troubles: tuple[str, ...] = ()

    def load(self, since: int) -> Stored:
        """Everything remembered; of a file that cannot be written, what can be read."""
        try:
            return self._load(since)
        except StoreReplacedError:
            return self._load(since)  # nothing was held yet that could be missing

    def _load(self, since: int) -> Stored:
        try:
            connection = self._opened()
        except (NewerSchemaError, StoreReplacedError):
            raise
        except StoreError as error:
            return self._load_unwritable(since, error)
        return self._guarded(lambda: read_all(connection, since, self.troubles))

    def _load_unwritable(self, since: int, error: StoreError) -> Stored:
        """On a full or read-only disk what is remembered is worth having all the same."""
        try:
            connection = files.connect_read_only(self._path, busy_timeout=self._busy_timeout)
        except (StoreError, sqlite3.Error, OSError):
            raise error from None
        try:
            files.accept(connection, self._path)
            return read_all(connection, since, (*self.troubles, str(error)))
        except sqlite3.Error:
            raise error from None
        finally:
            connection.close()

    def read(self, value: Callable[[sqlite3.Row], T], query: str, *values: Cell) -> tuple[T, ...]:
        """The values of the rows that a query finds."""
        connection = self._opened()
        return self._guarded(lambda: read_rows(connection, value, query, values)[0])

    def _guarded(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def transaction(self, write: Callable[[sqlite3.Connection], T], *, durable: bool) -> T:
        """All that `write` does, or nothing; `durable`: flushed to the disk before it returns."""
        if self._read_only:
            raise StoreError(f"database {self._path}: it was opened for reading only")
        connection = self._opened()
        try:
            connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            if self.fence is not None:
                self.fence.check(connection)
            result = write(connection)
            connection.execute("COMMIT")
            self._hurry(False)
        except sqlite3.Error as error:
            if not isinstance(error, _OURS):
                raise self._failed(error) from error
            files.undo(connection)
            raise
        except BaseException:
            files.undo(connection)
            raise
        return result

    def _hurry(self, hurried: bool) -> None:
        """Whether a lock is held for long: then every job waits a little only, so that the lease,
        what may be read and the telling of people do not queue behind jobs that wait."""
        if hurried != self._hurried and self._connection is not None:
            self._hurried = hurried
            self._connection.execute(f"PRAGMA busy_timeout={self._patience() * 1000:.0f}")

    def _patience(self) -> float:
        """Seconds to wait for a lock."""
        short = min(_HURRIED / 1000, self._busy_timeout)
        return short if self._hurried else self._busy_timeout

    def close(self) -> None:
        """Fold the log in where that can be done at once, and close."""
        if self._connection is not None and not self._read_only:
            # What cannot be folded in now (readers, a full disk) is folded in at the next start.
            with suppress(sqlite3.Error):
                self._connection.execute(f"PRAGMA busy_timeout={_GOODBYE}")
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._drop()

    # -- the file ---------------------------------------------------------------------------

    def _opened(self) -> sqlite3.Connection:
        """The connection, made anew where there is none or another file stands in its place."""
        if self._connection is not None:
            if files.identity(self._path) == self._identity:
                return self._connection
            self._drop()
            if not self._read_only:
                raise self._replaced("it was moved or deleted while in use")
        try:
            return self._open()
        except (sqlite3.Error, OSError) as error:
            raise self._failed(error) from error
        except StoreError:
            self._drop()
            raise

    def _open(self) -> sqlite3.Connection:
        timeout = self._patience()
        if self._read_only:
            self._connection = files.connect_read_only(self._path, busy_timeout=timeout)
            self._identity = files.identity(self._path)
            files.accept(self._connection, self._path)
            return self._connection
        self._connection = files.connect(self._path, busy_timeout=timeout)
        self._connection.set_trace_callback(self._watch)
        self._identity = files.identity(self._path)
        files.prepare(self._connection, self._path, check=not self._checked)
        self._checked = True
        return self._connection

    def _failed(self, error: sqlite3.Error | OSError) -> StoreError:
        """What to raise; the transaction is undone, a doubtful connection closed."""
        if isinstance(error, sqlite3.Error) and files.damaged(error) and not self._read_only:
            return self._set_aside(error)
        busy = isinstance(error, sqlite3.Error) and files.primary(error) == sqlite3.SQLITE_BUSY
        if busy and self._connection is not None and self._checked:
            files.undo(self._connection)
            self._hurry(True)
        else:
            self._hurried = busy
            self._drop()
        return files.explain(self._path, error)

    def _set_aside(self, error: sqlite3.Error) -> StoreError:
        same = files.identity(self._path) == self._identity
        self._drop()
        self._checked = False
        if same and not files.looks_ours(self._path):
            return StoreError(
                f"database {self._path}: this file is no database and is left as it is; set"
                " `database` to another path"
            )
        if not same:  # another process has set it aside already
            return self._replaced("it was damaged and has been replaced")
        try:
            aside = files.set_aside(self._path, self._now())
        except OSError as fault:
            return StoreError(
                f"database {self._path}: it is damaged ({error}) and cannot be set aside"
                f" ({fault.strerror}); move it away by hand"
            )
        return self._replaced(f"it was damaged ({error}) and is set aside as {aside}")

    def _replaced(self, what: str) -> StoreReplacedError:
        line = f"database {self._path}: {what}; a new one is begun"
        self.troubles = (*self.troubles, line)
        return StoreReplacedError(line)

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = self._identity = None
