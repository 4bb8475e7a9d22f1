"""Killed at any instruction, the store holds all that it acknowledged and nothing half."""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import store_process
from store_process import START, TARGET

from monitor.store import Stored
from monitor.store.sqlite import SqliteStore

SCRIPT = store_process.__file__


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - chance that can be repeated, not a secret


async def _read(path: Path) -> tuple[Stored, set[int]]:
    store = SqliteStore(path)
    stored = await store.load(START)
    samples = await store.samples(TARGET)
    await store.close()
    assert stored.troubles == ()
    return stored, {int(s.balance) for s in samples if s.balance is not None}


def read(path: Path) -> tuple[Stored, set[int]]:
    return asyncio.run(_read(path))


def whole_batches(stored: Stored, samples: set[int]) -> set[int]:
    """The numbers of the batches that are there; all parts of each, or it is half."""
    incidents = {int(i.id[1:]) for i in stored.incidents}
    told = {int(t.incident[1:]) for t in stored.told}
    assert incidents == told == samples
    if incidents:
        (alert,), record = stored.alerts, stored.targets[TARGET]
        assert alert.breaches == record.failures == record.balance == max(incidents)
    return incidents


def kill_after(path: Path, first: int, lines: int, bytes_more: int) -> list[int]:
    """What a process acknowledged before SIGKILL reached it at some odd moment."""
    command = [sys.executable, SCRIPT, "commit", str(path), str(first), str(first + 100_000)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = b"".join(process.stdout.readline() for _ in range(lines))
        said += process.stdout.read(bytes_more)  # ends within a line: between two commits' calls
        process.kill()
        said += process.stdout.read()
    return [int(line) for line in said.decode().splitlines()]


def test_every_batch_acknowledged_before_a_kill_is_there_and_none_is_half(
    tmp_path: Path,
) -> None:
    chance, path, acknowledged = seeded(20261120), tmp_path / "m.db", set[int]()
    for _ in range(25):
        first = max(acknowledged, default=-1) + 2  # the one after the last may be kept or not
        said = kill_after(path, first, chance.randint(0, 60), chance.randint(0, 20))
        acknowledged |= set(said)
        found = whole_batches(*read(path))
        assert acknowledged <= found
        assert len(found - acknowledged) <= 25  # at most the one that was on its way, per round
    assert len(acknowledged) > 100


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    """A database as a killed process leaves it: with its log beside it."""
    path = tmp_path / "crashed" / "m.db"
    path.parent.mkdir()
    kill_after(path, 0, 40, 0)
    assert Path(f"{path}-wal").stat().st_size > 0
    return path


def test_a_log_cut_off_anywhere_leaves_a_beginning_of_whole_batches(
    tmp_path: Path, crashed: Path
) -> None:
    log = Path(f"{crashed}-wal").read_bytes()
    chance = seeded(7)
    cuts = [0, 1, 31, 32, 33, len(log) - 1, *(chance.randrange(len(log)) for _ in range(12))]
    kept = []
    for number, cut in enumerate(sorted(cuts)):
        path = tmp_path / f"{number}.db"
        shutil.copy(crashed, path)
        Path(f"{path}-wal").write_bytes(log[:cut])
        found = whole_batches(*read(path))
        assert found == set(range(len(found)))
        kept.append(len(found))
    assert kept == sorted(kept)
    assert kept[-1] >= 39


_HEADER, _FRAME = 32, 24 + 4096  # bytes of the log's header, and of a page with its own


def test_a_log_cut_off_at_any_page_leaves_a_beginning_of_whole_batches(tmp_path: Path) -> None:
    crashed = tmp_path / "crashed.db"
    kill_after(crashed, 0, 6, 0)
    log = Path(f"{crashed}-wal").read_bytes()
    pages = (len(log) - _HEADER) // _FRAME
    assert pages > 50
    path, kept = tmp_path / "m.db", []
    for page in range(pages + 1):
        shutil.copy(crashed, path)
        Path(f"{path}-wal").write_bytes(log[: _HEADER + page * _FRAME])
        found = whole_batches(*read(path))
        assert found == set(range(len(found))), f"cut off after page {page}"
        kept.append(len(found))
    assert kept == sorted(kept)
    assert kept[0] == 0
    assert kept[-1] >= 5


def test_a_log_scribbled_over_leaves_a_beginning_of_whole_batches(
    tmp_path: Path, crashed: Path
) -> None:
    log = Path(f"{crashed}-wal").read_bytes()
    chance = seeded(8)
    for number in range(8):
        path, at = tmp_path / f"{number}.db", chance.randrange(64, len(log) - 64)
        shutil.copy(crashed, path)
        Path(f"{path}-wal").write_bytes(log[:at] + chance.randbytes(64) + log[at + 64 :])
        found = whole_batches(*read(path))
        assert found == set(range(len(found)))
