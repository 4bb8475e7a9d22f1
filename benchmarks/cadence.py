"""What probing faster as the runway shortens saves, against a fixed interval as quick to notice.

    .venv/bin/python -m benchmarks.cadence [--salt S ...] [--seeds N] [--interval 1m..15m]

Plays the made-up accounts of benchmarks/forecast: the balance is read whenever core/cadence.py
says, through core/book.py, as the daemon does. Noted are the calls, and for each crossing (of the
floor, of a rule on the balance) how long it stood before a reading showed it. Then the same with
fixed intervals; the one whose mean delay is the same says what a fixed interval would have cost.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

from benchmarks.forecast.polling import step_at
from benchmarks.forecast.recipes import FAMILIES
from benchmarks.forecast.traces import Trace, generate
from monitor.core.book import Book
from monitor.core.cadence import next_delay, next_line
from monitor.core.causes import Severity
from monitor.core.conditions import Compare
from monitor.core.durations import parse_duration
from monitor.core.rules import Rule
from monitor.core.secret import Secret
from monitor.core.settings import Account, Interval

FIXED = (30, 60, 90, 120, 180, 240, 300, 420, 600, 900, 1800, 3600)  # seconds
_GAP = 3600.0  # seconds above the line before falling under it counts as another crossing


@dataclass(frozen=True, slots=True)
class Played:
    """One account on one schedule."""

    calls: int
    days: float
    delays: tuple[float, ...]  # seconds from each crossing to the reading that showed it


def lines(trace: Trace) -> tuple[float, float]:
    """What is watched: the floor (the dearest job), and a rule at a sixth of the usual fill."""
    _, values = trace.steps
    peaks = [v for v in values[:: max(1, len(values) // 500)] if v > 0]
    return trace.dearest, max(trace.dearest * 2, statistics.median(peaks) / 6)


def crossings(trace: Trace, line: float) -> list[float]:
    """When the true balance fell under a line it had been above for an hour."""
    found, above_since, below = [], trace.start, False
    for at, value in zip(*trace.steps, strict=True):
        if value >= line:
            above_since = at if below else above_since
            below = False
        elif not below:
            below = True
            if at - above_since >= _GAP:
                found.append(at)
    return found


def play(trace: Trace, pace: Callable[[float, float], float]) -> Played:
    """Probe as `pace(time, balance)` says; it gives the seconds to the next probe."""
    at, probes = trace.start, list[float]()
    while at < trace.end:
        probes.append(at)
        at += pace(at, step_at(*trace.steps, at))
    delays = []
    for line in lines(trace):
        for crossing in crossings(trace, line):
            seen = bisect_right(probes, crossing)
            if seen < len(probes):
                delays.append(probes[seen] - crossing)
    return Played(len(probes), (trace.end - trace.start) / 86400, tuple(delays))


def adaptive(trace: Trace, interval: Interval) -> Callable[[float, float], float]:
    """The daemon's own pace."""
    floor, line = (Decimal(str(round(x, 6))) for x in lines(trace))
    account = Account("a", "kie", Secret(""), (), floor=floor)
    rules = (Rule("low", "*", Compare("balance", "<", float(line)), Severity.WARNING),)
    book = Book(floor=floor, job_max=Decimal(str(trace.dearest)), planned_burn=Decimal(0))

    out: list[float] = []  # since when it is under the floor

    def pace(at: float, balance: float) -> float:
        moment, amount = datetime.fromtimestamp(at, UTC), Decimal(str(round(balance, 6)))
        book.update(moment, amount)
        shown = book.accepted or Decimal(0)
        ahead = book.ahead(next_line(account, rules, shown), moment)
        if shown >= floor:
            out.clear()
        elif not out:
            out.append(at)
        return next_delay(interval, ahead=ahead, out_for=at - out[0] if out else None)

    return pace


def played(task: tuple[str, int, str, Interval]) -> tuple[Played, list[Played]]:
    """An account of a family, seed and salt: on our schedule, and on each of the fixed ones."""
    family, seed, salt, interval = task
    trace = generate(family, seed=seed, salt=salt)
    ours = play(trace, adaptive(trace, interval))
    return ours, [play(trace, lambda _at, _b, s=s: float(s)) for s in FIXED]


def together(some: Sequence[Played]) -> tuple[float, float]:
    """Mean delay in seconds, calls a day."""
    delays = [d for p in some for d in p.delays]
    return statistics.fmean(delays), sum(p.calls for p in some) / sum(p.days for p in some)


def calls_for(delay: float, fixed: Sequence[tuple[float, float]]) -> float:
    """Calls a day of the fixed interval with this mean delay, between those that were played."""
    for (d0, c0), (d1, c1) in pairwise(fixed):
        if d0 <= delay <= d1:
            return 1 / (1 / c0 + (1 / c1 - 1 / c0) * (delay - d0) / (d1 - d0))
    return fixed[0][1] if delay < fixed[0][0] else fixed[-1][1]


def compared(found: Sequence[tuple[Played, list[Played]]]) -> tuple[float, float, float]:
    """Mean delay in seconds, calls a day, and those of a fixed interval with that delay."""
    delay, calls = together([ours for ours, _ in found])
    fixed = [together([each[n] for _, each in found]) for n in range(len(FIXED))]
    return delay, calls, calls_for(delay, fixed)


def main() -> None:
    """Play and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--salt", nargs="+", default=["cadence"])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--interval", default="1m..15m")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    low, high = (parse_duration(part) for part in args.interval.split(".."))
    drawn = [(s, salt) for s in range(args.seeds) for salt in args.salt]
    tasks = [(f, s, salt, Interval(low, high)) for f in FAMILIES for s, salt in drawn]
    with multiprocessing.Pool(args.jobs) as pool:
        found = pool.map(played, tasks, chunksize=1)
    print(f"{len(found)} accounts, {sum(len(o.delays) for o, _ in found)} crossings")
    print(
        f"| accounts, {args.interval} | mean delay, s | calls a day | a fixed interval's | times |"
    )
    print("|---|---:|---:|---:|---:|")
    times = [
        _row(f, [x for x, t in zip(found, tasks, strict=True) if t[0] == f]) for f in FAMILIES
    ]
    _row("all together", found)
    each = [t for t in times if t is not None]
    print(f"| every family alike | | | | {statistics.fmean(each):.1f} |")


def _row(name: str, found: Sequence[tuple[Played, list[Played]]]) -> float | None:
    """Print one line; how many times our calls a fixed interval as quick makes."""
    if not any(ours.delays for ours, _ in found):
        return None
    delay, calls, same = compared(found)
    print(f"| {name} | {delay:.0f} | {calls:.0f} | {same:.0f} | {same / calls:.1f} |")
    return same / calls


if __name__ == "__main__":
    main()
