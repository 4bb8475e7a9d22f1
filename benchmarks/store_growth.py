"""How history grows and what it costs: a year of minutes of one account, hours of five years.

    .venv/bin/python -m benchmarks.store_growth [FOLDER]

Prints what a sample adds to the file and what one probe's commit takes after a day, a week, a
month, a quarter and a year, both of which must stay as they are; then the size of the file with
five years of hours, the time of reading these, and of deleting a year of samples in chunks, with
the longest single chunk.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from benchmarks.forecast.tables import table
from monitor.core.hours import Hour
from monitor.core.model import Sample, TargetRecord
from monitor.store import Batch
from monitor.store.sqlite import SqliteStore

TARGET = "kie/balance"
END = datetime(2026, 11, 20, tzinfo=UTC)
YEAR, FIVE_YEARS = timedelta(days=365), timedelta(days=1825)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_STAGES = (("a day", 1), ("a week", 7), ("a month", 30), ("a quarter", 91), ("a year", 365))
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def hour(at: datetime, number: int) -> Hour:
    """An hour such as a busy account's."""
    high = Decimal(80_000) - number % 60_000
    return Hour(at, 60, 1, high - Decimal("41.25"), high, high - 41, spent=Decimal("41.25"))


async def fill(store: SqliteStore) -> None:
    """A year of minutes, five years of hours."""
    at, number = END - FIVE_YEARS, 0
    while at < END:
        hours = tuple((TARGET, hour(at + n * HOUR, number + n)) for n in range(24))
        minutes = [at + n * MINUTE for n in range(1440)] if at >= END - YEAR else []
        samples = ((TARGET, Sample(m, Decimal(80_000) - m.minute)) for m in minutes)
        await store.commit(Batch(samples=tuple(samples), hours=hours))
        at, number = at + DAY, number + 24


async def by_stage(path: Path) -> str:
    """Bytes that a sample has added since the stage before, and a commit's milliseconds."""
    rows, day, size = [], 0, 0
    for name, days in _STAGES:
        store, began = SqliteStore(path), day
        while day < days:
            at = END - YEAR + day * DAY
            samples = ((TARGET, Sample(at + n * MINUTE, Decimal(80_000) - n)) for n in range(1440))
            hours = ((TARGET, hour(at + n * HOUR, 24 * day + n)) for n in range(24))
            await store.commit(Batch(samples=tuple(samples), hours=tuple(hours)))
            day += 1
        took = await commits(store, at=END - YEAR + day * DAY)
        await store.close()  # which writes the log back into the file
        before, size = size, os.stat(path).st_size
        each = (size - before) / ((day - began) * 1440 + len(took))
        rows.append([name, f"{size / 1e6:.2f}", f"{each:.1f}", f"{took[len(took) // 2]:.2f}"])
    return table(["after", "MB", "bytes a sample", "ms a commit"], rows)


async def commits(store: SqliteStore, count: int = 500, at: datetime = END) -> list[float]:
    """Milliseconds of one probe's commit: its record, its sample, its hour."""
    took, first = [], at
    for n in range(count):
        at, balance = first + n * MINUTE, Decimal(70_000) - n
        batch = Batch(
            targets=(TargetRecord(TARGET, None, balance=balance),),
            samples=((TARGET, Sample(at, balance)),),
            hours=((TARGET, hour(first, n)),),
        )
        began = time.perf_counter()
        await store.commit(batch)
        took.append(1000 * (time.perf_counter() - began))
    return sorted(took)


class Timed(SqliteStore):
    """A store that notes how long each job had the writer's thread."""

    jobs: list[float]

    async def _run(self, work: Callable[[], object]) -> object:  # type: ignore[override]
        def timed() -> object:
            began = time.perf_counter()
            try:
                return work()
            finally:
                self.jobs.append(1000 * (time.perf_counter() - began))

        return await super()._run(timed)


async def main(folder: str) -> None:
    """Measure, and say it."""
    print(await by_stage(Path(folder) / "stages.db") + "\n")
    path = Path(folder) / "growth.db"
    store = Timed(path)
    store.jobs = []
    await fill(store)
    await store.close()
    print(f"a year of minutes, five years of hours: {path.stat().st_size / 1e6:.1f} MB")
    store = Timed(path)
    store.jobs = []
    took = await commits(store)
    print(f"one commit: median {took[250]:.2f} ms, 99 of 100 under {took[495]:.2f} ms")
    began = time.perf_counter()
    found = await store.hours(TARGET, END - FIVE_YEARS, END)
    print(f"hours() over 5 years: {len(found)} in {1000 * (time.perf_counter() - began):.0f} ms")
    store.jobs.clear()
    began = time.perf_counter()
    deleted = await store.retain(END, _LONG_AGO)
    jobs = sorted(store.jobs)
    print(
        f"retain: {deleted} rows in {time.perf_counter() - began:.1f} s, {len(jobs)} chunks,"
        f" median {jobs[len(jobs) // 2]:.1f} ms, longest {jobs[-1]:.1f} ms"
    )
    await store.close()
    print(f"file afterwards: {path.stat().st_size / 1e6:.1f} MB, the space is used again")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", nargs="?", help="keep the databases there")
    kept = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as made:
        Path(kept or made).mkdir(parents=True, exist_ok=True)
        asyncio.run(main(kept or made))
