"""A process of its own with a store, for the tests that kill it, starve it or lock it out.

`python store_process.py commit PATH FIRST LAST`: numbered durable batches, each printed when kept.
`python store_process.py once PATH [BYTES]`: one load and one commit, with a file size limit.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from monitor.core.causes import Cause, Severity
from monitor.core.model import Alert, AlertState, Incident, Kind, Sample, TargetRecord, Told
from monitor.store import Batch, StoreError
from monitor.store.sqlite import SqliteStore

START = datetime(2026, 11, 20, tzinfo=UTC)
TARGET = "kie/balance"


def batch(number: int, filler: str = "") -> Batch:
    """One batch whose parts all bear the same number."""
    at, name = START + timedelta(seconds=number), f"I{number:06}"
    money = Decimal(number)
    warning = Severity.WARNING
    return Batch(
        targets=(TargetRecord(TARGET, None, failures=number, balance=money),),
        samples=((TARGET, Sample(at, money)),),
        alerts=(Alert("low", TARGET, AlertState.FIRING, at, breaches=number, incident=name),),
        incidents=(
            Incident(
                name, "low", TARGET, "kie", "kie", at, warning, Cause.OK, warning, Cause.OK, filler
            ),
        ),
        told=(Told(name, Kind.OPENED, 0, "oncall", "oncall@example.com", at, warning),),
    )


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


async def commit(path: str, first: int, last: int) -> None:
    store = SqliteStore(path, busy_timeout=20)
    for number in range(first, last):
        await store.commit(batch(number, "x" * 300))
        say(str(number))
    await store.close()


async def once(path: str) -> None:
    store = SqliteStore(path, busy_timeout=0.2)
    try:
        stored = await store.load(START)
        say(f"loaded {len(stored.incidents)} {stored.troubles}")
        await store.commit(batch(999_999))
        say("kept")
    except StoreError as error:
        say(f"{type(error).__name__}: {error}")
    finally:
        await store.close()


async def starve(path: str, limit: int) -> None:
    """Commit under a limit until it fails, then again without it."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    store, number = SqliteStore(path), 0
    try:
        while True:
            await store.commit(batch(number, "x" * 3000))
            say(str(number))
            number += 1
    except StoreError as error:
        say(f"{type(error).__name__}: {error}")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await store.commit(batch(number, "x" * 3000))
    say(str(number))
    await store.close()


if __name__ == "__main__":
    what, path, *rest = sys.argv[1:]
    numbers = [int(r) for r in rest]
    asyncio.run({"commit": commit, "once": once, "starve": starve}[what](path, *numbers))
