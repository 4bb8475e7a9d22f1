"""A full disk, a damaged file, a newer schema, a lock: said in one line, survived, never half."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import store_process
from disks import AS_ROOT, small_disk, stuff
from store_process import START, TARGET, batch

from monitor.store import Batch, NewerSchemaError, Stored, StoreError, StoreReplacedError
from monitor.store.connection import migrations
from monitor.store.sqlite import SqliteStore

SCRIPT = store_process.__file__
NOW = datetime(2026, 11, 20, 10, 31, 28, tzinfo=UTC)
NOBODY = 65534
# From 3.12 on Python warns of forking beside threads; the child here runs one coroutine and ends.
FORKS = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def store(path: Path, **options: object) -> SqliteStore:
    return SqliteStore(path, now=lambda: NOW, **options)  # type: ignore[arg-type]


async def _fill(path: Path, batches: int, filler: str) -> None:
    made = store(path)
    await asyncio.gather(*(made.commit(batch(n, filler)) for n in range(batches)))
    await made.close()


def filled(path: Path, batches: int, filler: str = "x" * 500) -> Path:
    asyncio.run(_fill(path, batches, filler))
    return path


async def _load(path: Path, **options: object) -> Stored:
    made = store(path, **options)
    try:
        return await made.load(START)
    finally:
        await made.close()


def load(path: Path, **options: object) -> Stored:
    return asyncio.run(_load(path, **options))


async def _commit(path: Path, *batches: Batch) -> None:
    made = store(path)
    try:
        for one in batches:
            await made.commit(one)
    finally:
        await made.close()


def commit(path: Path, *batches: Batch) -> None:
    asyncio.run(_commit(path, *batches))


def run(*arguments: object, **options: object) -> list[str]:
    """What a store in a process of its own says."""
    command = [sys.executable, SCRIPT, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, **options)  # type: ignore[call-overload]
    assert done.stderr == b""
    return done.stdout.decode().splitlines()


def one_line(error: BaseException, path: Path) -> str:
    said = str(error)
    assert "\n" not in said
    assert str(path) in said
    return said


async def until_it_fails(made: SqliteStore, first: int = 0) -> tuple[int, StoreError]:
    """The number of the first batch that was not kept, and why."""
    for number in range(first, first + 2000):
        try:
            await made.commit(batch(number, "x" * 3000))
            await made.samples(TARGET)
        except StoreError as error:
            return number, error
    raise AssertionError("nothing failed")


# -- a full disk --------------------------------------------------------------------------------


def test_a_file_that_may_not_grow_is_said_and_the_store_works_again_when_it_may(
    tmp_path: Path,
) -> None:
    path = tmp_path / "m.db"
    *kept, fault, again = run("starve", path, 400_000)
    assert kept == [str(n) for n in range(len(kept))]
    assert len(kept) > 5
    assert fault.startswith(f"StoreError: database {path}: ")
    assert "space" in fault
    assert again == str(len(kept))
    found = load(path)
    assert {i.id for i in found.incidents} == {f"I{n:06}" for n in range(len(kept) + 1)}
    assert len(found.told) == len(kept) + 1


@pytest.mark.skipif(not AS_ROOT, reason="mounting a small disk takes root")
def test_on_a_full_disk_nothing_kept_is_lost_and_what_is_remembered_can_be_read() -> None:
    async def story(path: Path) -> tuple[int, str, Stored]:
        made = store(path)
        kept, fault = await until_it_fails(made)
        found = await made.load(START)
        await made.close()
        return kept, one_line(fault, path), found

    with small_disk(1408) as folder:
        path, others = folder / "m.db", folder / "others"
        others.write_bytes(b"\0" * 256 * 1024)  # what somebody deletes at last
        kept, said, found = asyncio.run(story(path))
        assert "full" in said
        assert kept > 20
        assert {i.id for i in found.incidents} == {f"I{n:06}" for n in range(kept)}

        stuff(folder / "filler")
        after_restart = load(path)
        assert {i.id for i in after_restart.incidents} == {f"I{n:06}" for n in range(kept)}
        (folder / "filler").unlink()
        others.unlink()
        commit(path, batch(kept))
        assert len(load(path).incidents) == kept + 1


# -- what may not be written --------------------------------------------------------------------


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that another user may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def as_nobody(path: Path) -> list[str]:
    """What another user's store says; forked, because that user may not read our Python."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os.dup2(writing, 1)
        with suppress(BaseException):
            asyncio.run(store_process.once(str(path)))
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        said = pipe.read().decode().splitlines()
    os.waitpid(child, 0)
    return said


@FORKS
@pytest.mark.skipif(not AS_ROOT, reason="becoming another user takes root")
@pytest.mark.parametrize("file_mode", [0o444, 0o644])
@pytest.mark.parametrize("folder_mode", [0o555, 0o755])
def test_a_file_that_may_only_be_read_is_read_and_the_reason_is_said(
    shared: Path, file_mode: int, folder_mode: int
) -> None:
    path = filled(shared / "m.db", 3)
    path.chmod(file_mode)
    shared.chmod(folder_mode)
    loaded, fault = as_nobody(path)
    assert loaded.startswith(f"loaded 3 ('database {path}: ")
    assert fault.startswith(f"StoreError: database {path}: Permission denied; ")


@FORKS
@pytest.mark.skipif(not AS_ROOT, reason="becoming another user takes root")
def test_a_folder_that_may_not_be_written_is_said(shared: Path) -> None:
    (fault,) = as_nobody(shared / "m.db")
    assert fault.startswith(f"StoreError: database {shared}/m.db: Permission denied; check")


@FORKS
@pytest.mark.skipif(not AS_ROOT, reason="becoming another user takes root")
def test_a_file_that_may_not_even_be_read_is_said(shared: Path) -> None:
    path = filled(shared / "m.db", 3)
    (fault,) = as_nobody(path)
    assert fault.startswith(f"StoreError: database {path}: Permission denied; check")


@pytest.mark.parametrize("read_only", [False, True])
def test_a_missing_folder_is_said(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "none" / "such" / "m.db"
    with pytest.raises(StoreError) as fault:
        load(path, read_only=read_only)
    assert "check" in one_line(fault.value, path)
    assert not (tmp_path / "none").exists()


def test_a_folder_in_the_place_of_the_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    path.mkdir()
    with pytest.raises(StoreError) as fault:
        load(path)
    assert "directory" in one_line(fault.value, path)


# -- a damaged file -----------------------------------------------------------------------------


def aside(path: Path) -> list[str]:
    return sorted(f.name for f in path.parent.iterdir() if ".corrupt-" in f.name)


@pytest.mark.parametrize(
    "damage",
    [b"this was a text file\n" * 300, b"\0" * 8192, b"SQLite format 3\0" + b"\xff" * 9000],
    ids=["text", "zeros", "header"],
)
def test_what_is_no_database_is_set_aside_and_a_new_one_begun(
    tmp_path: Path, damage: bytes
) -> None:
    path = tmp_path / "m.db"
    path.write_bytes(damage)
    found = load(path)
    assert found.incidents == ()
    (trouble,) = found.troubles
    assert "set aside" in trouble
    assert aside(path) == ["m.db.corrupt-20261120T103128Z"]
    assert (tmp_path / aside(path)[0]).read_bytes() == damage
    commit(path, batch(1))
    assert [i.id for i in load(path).incidents] == ["I000001"]
    assert load(path).troubles == ()


def test_damage_twice_within_a_second_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    for word in (b"first", b"second", b"third"):
        path.write_bytes(word * 1000)
        load(path)
    assert [(tmp_path / name).read_bytes()[:5] for name in aside(path)] == [
        b"first",
        b"secon",
        b"third",
    ]


def test_scribbled_pages_are_noticed_at_the_start_and_set_aside_with_their_log(
    tmp_path: Path,
) -> None:
    path, noticed = tmp_path / "m.db", 0
    original = filled(tmp_path / "original", 200).read_bytes()
    chance = random.Random(3)  # noqa: S311 - chance that can be repeated, not a secret
    for number in range(10):
        at = chance.randrange(100, len(original) - 3000)
        path.write_bytes(original[:at] + chance.randbytes(2500) + original[at + 2500 :])
        found = load(path)
        if aside(path):
            noticed += 1
            assert found.incidents == ()
            assert len(found.troubles) == 1
            for name in aside(path):
                (tmp_path / name).unlink()
        else:  # within one value: SQLite cannot know
            assert len(found.incidents) + len(found.troubles) > 0
        commit(path, batch(500 + number))
        assert f"I{500 + number:06}" in {i.id for i in load(path).incidents}
        path.unlink()
    assert noticed >= 5


def test_a_row_that_makes_no_sense_costs_itself_alone(tmp_path: Path) -> None:
    path = filled(tmp_path / "m.db", 5)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE incidents SET cause = 'bananas' WHERE id = 'I000002'")
        other.execute("UPDATE targets SET balance = 'many'")
        other.execute("UPDATE samples SET at = 9000000000000000000 WHERE balance = '4'")
    found = load(path)
    assert {i.id for i in found.incidents} == {"I000000", "I000001", "I000003", "I000004"}
    assert found.targets == {}
    assert [t.split(" of ")[0] for t in found.troubles] == ["1 row(s)", "1 row(s)"]


def test_damage_while_in_use_is_said_and_a_new_file_takes_over(tmp_path: Path) -> None:
    path = filled(tmp_path / "m.db", 900, "x" * 5000)  # more than SQLite keeps in memory

    async def story() -> None:
        made = store(path)
        await made.load(START)
        with path.open("r+b") as file:
            for page in range(1, path.stat().st_size // 4096):
                file.seek(page * 4096)
                file.write(b"\xa5" * 4096)
        _, fault = await until_it_fails(made, 2000)
        assert isinstance(fault, StoreReplacedError)
        assert "set aside" in one_line(fault, path)
        assert made.troubles == (str(fault),)
        await made.commit(batch(900))
        assert [i.id for i in (await made.load(START)).incidents] == ["I000900"]
        await made.close()

    asyncio.run(story())
    assert "m.db.corrupt-20261120T103128Z" in aside(path)


def empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def test_a_database_deleted_while_in_use_is_noticed_before_anything_is_lost(
    tmp_path: Path,
) -> None:
    path = tmp_path / "m.db"

    async def story() -> None:
        made = store(path)
        await made.commit(batch(1))
        empty(tmp_path)
        with pytest.raises(StoreReplacedError, match="deleted"):
            await made.commit(batch(2))
        await made.commit(batch(2))
        await made.close()

    asyncio.run(story())
    assert [i.id for i in load(path).incidents] == ["I000002"]


def test_a_reader_says_what_is_wrong_and_moves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreError) as fault:
        load(path, read_only=True)
    assert "not a database" in one_line(fault.value, path)
    assert [f.name for f in tmp_path.iterdir()] == ["m.db"]


# -- schemas ------------------------------------------------------------------------------------


@pytest.mark.parametrize("read_only", [False, True])
def test_a_newer_schema_is_refused_and_left_as_it_is(tmp_path: Path, read_only: bool) -> None:
    path = filled(tmp_path / "m.db", 3)
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA user_version={len(migrations()) + 1}")
    before = path.read_bytes()
    with pytest.raises(NewerSchemaError) as fault:
        load(path, read_only=read_only)
    assert "newer" in one_line(fault.value, path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("read_only", [False, True])
def test_another_programs_database_is_not_touched(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "places.sqlite"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreError) as fault:
        load(path, read_only=read_only)
    assert "another program" in one_line(fault.value, path)
    assert path.read_bytes() == before


def test_a_migration_that_fails_half_way_leaves_nothing_and_is_tried_again(
    tmp_path: Path, shared: Path
) -> None:
    path = tmp_path / "m.db"
    *_, fault, again = run("starve", path, 20_000)  # too small for the first schema
    assert fault.startswith("StoreError: ")
    assert again == "0"
    assert len(load(path).incidents) == 1


# -- two processes ------------------------------------------------------------------------------


def test_a_lock_that_stays_is_said_and_one_that_goes_is_waited_for(tmp_path: Path) -> None:
    path = filled(tmp_path / "m.db", 1)

    async def story() -> None:
        made, patient = store(path, busy_timeout=0.05), store(path, busy_timeout=30)
        await made.load(START)
        await patient.load(START)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError) as fault:
                await made.commit(batch(1))
            assert "locked" in one_line(fault.value, path)
            assert len((await made.load(START)).incidents) == 1  # reading goes on
            waiting = asyncio.ensure_future(patient.commit(batch(2)))
            other.execute("ROLLBACK")
            await waiting
        await made.commit(batch(1))
        await made.close()
        await patient.close()

    asyncio.run(story())
    assert {i.id for i in load(path).incidents} == {"I000000", "I000001", "I000002"}


def test_a_lock_that_stays_is_waited_for_once_and_not_by_every_call(tmp_path: Path) -> None:
    path = filled(tmp_path / "m.db", 1)

    async def story() -> float:
        made = store(path, busy_timeout=1.0)
        await made.load(START)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            for number in range(1, 6):
                with pytest.raises(StoreError):
                    await made.commit(batch(number))
            took = time.monotonic() - began
            other.execute("ROLLBACK")
        await made.commit(batch(9))
        await made.close()
        return took

    assert 1.0 <= asyncio.run(story()) < 4.0
    assert {i.id for i in load(path).incidents} == {"I000000", "I000009"}


def test_two_processes_on_a_new_database_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    commands = [
        [sys.executable, SCRIPT, "commit", str(path), str(first), str(first + 40)]
        for first in (0, 1000, 2000)
    ]
    processes = [subprocess.Popen(c, stdout=subprocess.PIPE) for c in commands]
    said = [p.communicate(timeout=60)[0].decode().split() for p in processes]
    assert [p.returncode for p in processes] == [0, 0, 0]
    assert [len(s) for s in said] == [40, 40, 40]
    assert len(load(path).incidents) == 120
    assert load(path).targets[TARGET].failures in {39, 1039, 2039}


async def test_a_users_own_file_is_not_taken_for_a_damaged_database(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("what I must not lose\n" * 100)
    store = SqliteStore(notes)
    with pytest.raises(StoreError, match="no database and is left as it is"):
        await store.load(datetime(2026, 11, 20, tzinfo=UTC))
    await store.close()
    assert notes.read_text().startswith("what I must not lose")
    assert os.listdir(tmp_path) == ["notes.txt"]
