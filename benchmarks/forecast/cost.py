"""What the forecast costs: `python -m benchmarks.forecast.cost`.

A year of one balance, polled every minute, with jobs at random and a top-up when it runs low.
Times are of the processor, medians of batches on this machine; they must not grow with what was
seen.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from random import Random
from statistics import median
from types import ModuleType

from benchmarks.forecast.recipes import PRICES
from benchmarks.forecast.tables import table
from monitor.core.book import Book

Sample = tuple[datetime, Decimal]
_START = datetime(2026, 1, 1, tzinfo=UTC)
_STAGES = (("a day", 1), ("a week", 7), ("a month", 30), ("a quarter", 91), ("a year", 365))
_BATCH, _ASKED = 480, 20
_A_DAY = 24 * 60


def minutes(seed: int = 1) -> Iterator[Sample]:
    """One balance, minute by minute, for ever."""
    rng = Random(seed)  # noqa: S311 - a made-up account
    at, balance = _START, Decimal(20_000)
    while True:
        if rng.random() < 0.1:
            balance -= int(rng.choice(PRICES))
        if balance < 500:
            balance += 20_000
        yield at, balance
        at += timedelta(minutes=1)


def measured(stages: tuple[tuple[str, int], ...] = _STAGES) -> list[list[str]]:
    """Rows of: after how long, us per update, us per estimate, bytes stored, kB in memory."""
    book = Book(floor=Decimal(0), job_max=Decimal(300), planned_burn=Decimal(0))
    samples, seen, rows = minutes(), 0, []
    for name, days in stages:
        updates, estimates = [], []
        while seen < days * _A_DAY:
            batch = list(islice(samples, _BATCH))
            updates.append(_updated(book, batch))
            estimates.append(_asked(book, batch[-1][0]))
            seen += _BATCH
        times = [f"{median(found[-40:]) * 1e6:.1f}" for found in (updates, estimates)]
        rows.append([name, *times, str(len(book.dump())), f"{held(book) / 1024:.1f}"])
    return rows


def _updated(book: Book, batch: list[Sample]) -> float:
    """Seconds for each of a batch."""
    began = time.process_time()
    for at, balance in batch:
        book.update(at, balance)
    return (time.process_time() - began) / len(batch)


def _asked(book: Book, now: datetime) -> float:
    """Seconds for each of some estimates, each of another second."""
    moments = [now + timedelta(seconds=k) for k in range(1, _ASKED + 1)]
    began = time.process_time()
    for at in moments:
        book.outlook(at)
    return (time.process_time() - began) / _ASKED


def held(root: object) -> int:
    """Bytes of an object and of all it refers to, code aside."""
    seen: dict[int, object] = {}
    waiting = [root]
    while waiting:
        found = waiting.pop()
        if id(found) in seen or isinstance(found, (type, ModuleType)) or callable(found):
            continue
        seen[id(found)] = found
        waiting += gc.get_referents(found)
    return sum(sys.getsizeof(found) for found in seen.values())


def section() -> str:
    """The table under its heading."""
    head = ["after", "us per update", "us per estimate", "bytes stored", "kB in memory"]
    return "## What it costs\n\n" + table(head, measured())


if __name__ == "__main__":
    print(section())
