"""Opening a database file: migrating it, refusing a newer one, setting a damaged one aside."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from importlib import resources
from pathlib import Path

from monitor.core.database_file import MAGIC, may_be_set_aside
from monitor.store import NewerSchemaError, StoreError

_OURS = 0x6D6F6E69  # "moni": application_id, so that nobody else's database is written to
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_WHY = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space",
    sqlite3.SQLITE_IOERR: "the disk does not take or give the data (full, over quota, or failing);"
    " check its space and its health",
    sqlite3.SQLITE_READONLY: "it may not be written; check the owner and mode of the file and its"
    " folder, and that the disk is not mounted read-only",
    sqlite3.SQLITE_PERM: "access is denied; check the owner and mode of the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened or made; check that the folder exists and may be"
    " written by this user",
    sqlite3.SQLITE_BUSY: "another process holds it locked; end that process or wait for it",
    sqlite3.SQLITE_LOCKED: "another process holds it locked; end that process or wait for it",
    sqlite3.SQLITE_CORRUPT: "it is damaged; the daemon sets it aside when it next writes to it",
    sqlite3.SQLITE_NOTADB: "it is not a database: name another in `database`",
    sqlite3.SQLITE_TOOBIG: "a value is too big to be kept",
    sqlite3.SQLITE_NOMEM: "there is not enough memory",
}


class DamagedError(sqlite3.DatabaseError):
    """The file can be opened, but its pages contradict each other."""


def damaged(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken, not the way to it."""
    return isinstance(error, DamagedError) or primary(error) in _DAMAGED


def primary(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 where the fault is not SQLite's."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def explain(path: Path, error: sqlite3.Error | OSError) -> StoreError:
    """One line for people."""
    if isinstance(error, OSError):
        why = f"{os.strerror(error.errno or 0)}; check that the folder exists and may be written"
    else:
        why = _WHY.get(primary(error), str(error))
    return StoreError(f"database {path}: {why}")


def connect(path: Path, *, busy_timeout: float) -> sqlite3.Connection:
    """Open for writing, mode 0600 where it is new. Raises StoreError, sqlite3.Error, OSError."""
    _refuse_directory(path)
    if not (path.is_file() and os.access(path, os.R_OK | os.W_OK)):
        _make(path)
    return _connect(f"{path.as_uri()}?mode=rw", busy_timeout)


def _refuse_directory(path: Path) -> None:
    if path.is_dir():
        inside = f"`database: {path.name}/monitor.db`"
        raise StoreError(f"database {path}: it is a directory; name a file in it, {inside}")


def _make(path: Path) -> None:
    """Make the file, or learn why not. One that works is left alone: to close it would take all
    locks on it from whatever else in this process has it open."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def connect_read_only(path: Path, *, busy_timeout: float) -> sqlite3.Connection:
    """Open for reading beside a daemon, or after one has left."""
    _refuse_directory(path)
    if not path.exists():
        raise StoreError(
            f"database {path}: there is none yet; start the daemon, or check the path"
        )
    connection = _connect(f"{path.as_uri()}?mode=ro", busy_timeout)
    try:
        connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        if Path(f"{path}-wal").exists():
            raise
        # Without a log nobody writes; where the folder is read-only SQLite cannot make its
        # shared memory and must be told that it needs none.
        return _connect(f"{path.as_uri()}?immutable=1", busy_timeout)
    return connection


def _connect(uri: str, busy_timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=busy_timeout)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA temp_store=MEMORY")
    return connection


def prepare(connection: sqlite3.Connection, path: Path, *, check: bool) -> None:
    """Check, set to WAL, migrate. Raises DamagedError, StoreError, sqlite3.Error."""
    version = accept(connection, path)
    if check:
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise DamagedError(str(verdict))
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA journal_size_limit=67108864")
    if version < len(migrations()):
        _migrate(connection)


def accept(connection: sqlite3.Connection, path: Path) -> int:
    """The schema's version, where it is ours and known; else StoreError."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    if owner != _OURS and (tables or owner):
        raise StoreError(
            f"database {path}: it belongs to another program; give another file in `database`"
        )
    if version > len(migrations()):
        raise NewerSchemaError(
            f"database {path}: a newer monitor wrote it (schema {version}, this one knows"
            f" {len(migrations())}); install that version, or give another file in `database`"
        )
    return version


def migrations() -> tuple[str, ...]:
    """The scripts in order; the first makes version 1."""
    folder = resources.files("monitor.store") / "migrations"
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return tuple(f.read_text("utf-8") for f in found)


def statements(script: str) -> Iterator[str]:
    """The single statements: `executescript` would commit behind the migration's back."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""


def _migrate(connection: sqlite3.Connection) -> None:
    """Each script in a transaction of its own, together with the version it makes."""
    for number, script in enumerate(migrations(), start=1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            # asked anew under the lock: another process may have been quicker
            if connection.execute("PRAGMA user_version").fetchone()[0] < number:
                for statement in statements(script):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id={_OURS}")
                connection.execute(f"PRAGMA user_version={number}")
            connection.execute("COMMIT")
        except sqlite3.Error:
            undo(connection)
            raise


def undo(connection: sqlite3.Connection) -> None:
    """Roll back what is open; SQLite may have done it already, or be unable to do anything."""
    with suppress(sqlite3.Error):
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def identity(path: Path) -> tuple[int, int] | None:
    """Which file stands at `path`; None: none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def looks_ours(path: Path) -> bool:
    """Whether a file may be set aside."""
    try:
        with path.open("rb") as file:
            return may_be_set_aside(path.suffix, file.read(len(MAGIC)))
    except OSError:
        return may_be_set_aside(path.suffix, b"?")


def set_aside(path: Path, now: datetime) -> Path:
    """Rename a damaged database and what belongs to it; returns its new name. Raises OSError."""
    base = f"{path}.corrupt-{now:%Y%m%dT%H%M%SZ}"
    aside = next(a for a in _names(base) if not os.path.lexists(a))
    # The database first: after a crash between the two SQLite drops a log without a database,
    # but it would believe a database without its log.
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
    return aside


def _names(base: str) -> Iterator[Path]:
    yield Path(base)
    number = 2
    while True:
        yield Path(f"{base}-{number}")
        number += 1
