"""A month, or a year, of the real pipeline on a stepped clock, and whether all of it held.

    .venv/bin/python -m benchmarks.soak [--seed N] [--days 30] [--folder DIR]

Two accounts with the forecast benchmark's demand and one with models are watched through outages,
revoked keys, misread balances, mail that does not go, silences, restarts, kills, reloads and clock
steps. Exit code 1 where a law does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

import structlog

from benchmarks.soak.month import Soak
from benchmarks.soak.seen import Weight
from benchmarks.soak.verdict import against


def table(weights: list[Weight]) -> str:
    """What it weighed, at each third."""
    head = ["day", "probes", "samples", "incidents", "told", "objects", "kB in memory",
            "checkpoint bytes", "file kB", "statements a probe"]  # fmt: skip
    lines = [f"| {' | '.join(head)} |", f"|{' ---: |' * len(head)}"]
    for w in weights:
        cells = [f"{w.day:.0f}", w.probes, w.rows["samples"], w.rows["incidents"], w.rows["told"],
                 w.objects, f"{w.held / 1024:.0f}", w.checkpoint, f"{w.file / 1024:.0f}",
                 f"{w.statements:.2f}"]  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def progress(soak: Soak, day: int) -> None:
    """A line for each tenth of it; on a terminal one that is written over every day."""
    live = sys.stderr.isatty()
    if live or day % max(1, soak.days // 10) == 0:
        words = (f"day {day} of {soak.days}: {soak.done['probes']} probes,"
                 f" {len(soak.episodes)} incidents, {len(soak.mail.said)} messages,"
                 f" {time.process_time():.0f} s of CPU")  # fmt: skip
        print(f"\r{words}\033[K" if live else words, end="" if live else "\n",
              file=sys.stderr, flush=True)  # fmt: skip
    if live and day == soak.days - 1:
        print(file=sys.stderr)


def main() -> None:
    """Live, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--folder", help="keep the database there")
    args = parser.parse_args()
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)
    began = time.process_time()
    with tempfile.TemporaryDirectory() as spare:
        soak = Soak(Path(args.folder or spare), args.seed, args.days)
        soak.at_dawn = partial(progress, soak)
        asyncio.run(soak.run())
    print(table(soak.weights) + "\n")
    names = Counter(t.kind.name for t in soak.script.troubles)
    print("troubles: " + ", ".join(f"{name} {n}" for name, n in sorted(names.items())))
    print("done: " + ", ".join(f"{name} {n}" for name, n in sorted(soak.done.items())))
    print(f"{len(soak.episodes)} incidents, {len(soak.mail.said)} messages,"
          f" {time.process_time() - began:.0f} s of CPU")  # fmt: skip
    wrong = against(soak)
    for words in wrong:
        print(f"WRONG: {words}")
    print("wrong" if wrong else "all of it held")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
