"""A provider that is down at all its accounts at once: CPU per probe, by their number.

    .venv/bin/python -m benchmarks.outage [--accounts 10,100,1000] [--rounds 10]

In one process, with a real database and nobody to tell; no request is sent, so that what is
measured is what a reading costs once it is there. Each number of accounts is healthy for five
rounds, then down for the rest.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import structlog

from monitor.clock import SteppedClock
from monitor.core.builtin import BUILTIN
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding, Target
from monitor.core.secret import Secret
from monitor.core.settings import Account, Interval, Settings, TargetSettings, WebSettings
from monitor.pipeline import Pipeline
from monitor.store.sqlite import SqliteStore

_HEALTHY = 5  # rounds before the outage


def _account(n: int) -> Account:
    target = Target(f"a{n}", "kie", Check.BALANCE)
    each = TargetSettings(target, Interval(10, 10), timeout=5.0)
    return Account(name=f"a{n}", provider="kie", key=Secret(f"key-{n}"), targets=(each,))


async def measure(accounts: int, rounds: int, folder: Path) -> tuple[float, float]:
    """Milliseconds of CPU a probe, healthy and down."""
    down = False

    async def probe(account: Account, target: Target, now: datetime, timeout: float) -> Finding:
        del account, target, now, timeout
        if down:
            return Finding(Cause.PROVIDER_ERROR, "HTTP 502")
        return Finding(Cause.OK, balance=Decimal(54321), unit="credits")

    settings = Settings(
        file="monitor.yaml", accounts=tuple(_account(n) for n in range(accounts)), services=(),
        rules=BUILTIN, receivers=(), web=WebSettings(), database="",
    )  # fmt: skip
    clock = SteppedClock(datetime(2026, 11, 20, 10, tzinfo=UTC))
    store = SqliteStore(str(folder / f"{accounts}.db"))
    pipeline = Pipeline(settings, store=store, clock=clock, probe=probe)
    await pipeline.start()

    async def round_() -> None:
        names, step = list(pipeline.memory.targets), timedelta(seconds=10) / accounts
        for at in range(0, len(names), 50):  # as they come: some of them at a time
            await asyncio.gather(*(pipeline.observe(n) for n in names[at : at + 50]))
            clock.step(step.total_seconds() * 50)

    spent = []
    for _ in range(_HEALTHY):
        began = time.process_time()
        await round_()
        spent.append(time.process_time() - began)
    down = True
    for _ in range(rounds):
        began = time.process_time()
        await round_()
        spent.append(time.process_time() - began)
    await pipeline.keeper.close()
    healthy, ill = spent[2:_HEALTHY], spent[_HEALTHY + 3 :]
    return (
        sum(healthy) / len(healthy) / accounts * 1000,
        sum(ill) / len(ill) / accounts * 1000,
    )


def main() -> None:
    """Measure and print."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--accounts", default="10,100,1000")
    parser.add_argument("--rounds", type=int, default=8, help="down, three of them to settle")
    args = parser.parse_args()
    for count in (int(n) for n in args.accounts.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            healthy, down = asyncio.run(measure(count, args.rounds, Path(folder)))
        print(f"{count} accounts: {healthy:.2f} ms of CPU a probe, {down:.2f} ms while down")


if __name__ == "__main__":
    main()
