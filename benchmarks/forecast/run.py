"""The forecast benchmark: `python -m benchmarks.forecast.run`; see benchmarks/README.md."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks.forecast import cost, tables
from benchmarks.forecast.causality import faults
from benchmarks.forecast.figures import figures
from benchmarks.forecast.implementations import ORACLE, OURS, build, names
from benchmarks.forecast.more import FURTHER
from benchmarks.forecast.recipes import FAMILIES
from benchmarks.forecast.scorer import Tally, answers, decisions, tally
from benchmarks.forecast.traces import generate

SALTS = ("alder", "birch", "cedar")
RESULTS = Path(__file__).resolve().parent.parent / "RESULTS.md"
_MARKS = ("<!-- forecast: written by `make bench-forecast` -->", "<!-- end of forecast -->")


@dataclass(frozen=True, slots=True)
class Job:
    """One trace, and who is asked about it."""

    family: str
    seed: int
    salt: str
    every: float
    estimators: tuple[str, ...]
    files: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Scored:
    """What one trace gave."""

    job: Job
    tallies: dict[str, Tally]
    decisions: int


def work(job: Job) -> Scored:
    """Make a trace and ask everybody about it."""
    trace = generate(job.family, job.seed, job.salt)
    asked = decisions(trace, job.every)
    tallies = {}
    for name in job.estimators:
        estimator = build(name, dict(job.files), trace)
        tallies[name] = tally(trace, asked, answers(estimator, trace, asked))
    return Scored(job, tallies, len(asked))


def score(jobs: list[Job], processes: int) -> list[Scored]:
    """All traces, several at a time; progress goes to stderr."""
    if processes <= 1:
        found = _shown(map(work, jobs), len(jobs))
    else:
        with multiprocessing.Pool(processes) as pool:
            found = _shown(pool.imap_unordered(work, jobs), len(jobs))
    return sorted(found, key=lambda s: (s.job.salt, s.job.family, s.job.seed))


def _shown(coming: Iterable[Scored], count: int) -> list[Scored]:
    found = []
    for scored in coming:
        found.append(scored)
        if len(found) % 50 == 0 or len(found) == count:
            print(f"{len(found)} of {count} traces", file=sys.stderr, flush=True)
    return found


def summed(found: Iterable[Scored], name: str) -> Tally:
    """One estimator's tally over traces."""
    total = Tally()
    for scored in found:
        total.add(scored.tallies[name])
    return total


def report(found: list[Scored], estimators: tuple[str, ...], judged: str) -> str:
    """The tables of the nineteen families and of the further ones, whichever were scored."""
    parts = []
    for title, group in (("The nineteen families", FAMILIES), ("Further families", FURTHER)):
        part = [scored for scored in found if scored.job.family in group]
        if part:
            parts.append(_section(title, part, estimators, judged))
    return "\n\n".join(parts)


def _section(title: str, found: list[Scored], estimators: tuple[str, ...], judged: str) -> str:
    tallies = {name: summed(found, name) for name in estimators}
    all_figures = {name: figures(tally) for name, tally in tallies.items()}
    asked = sum(scored.decisions for scored in found)
    ends = len(tallies[estimators[0]].alarms["p50", 24.0].ends)
    lines = [
        f"## {title}",
        f"{len(found)} traces, {asked} decisions, {ends} exhaustions.",
        tables.side_by_side(all_figures),
    ]
    if judged in tallies:
        lines += [f"### {judged} against the bars: {tables.verdict(all_figures[judged])}",
                  tables.against_bars(judged, all_figures[judged], _by_salt(found, judged),
                                      all_figures.get(ORACLE))]  # fmt: skip
    ranged = {n: f for n, f in all_figures.items() if n in (judged, ORACLE, "EWMA 72h")}
    lines += ["### The rules on each quantile", tables.quantile_rules(ranged)]
    shown = {n: t for n, t in tallies.items() if n in ("EWMA 72h", "increase 7d", judged, ORACLE)}
    lines += ["### Median / 90 % of the error by family", tables.by_family(shown or tallies)]
    return "\n\n".join(lines)


def _by_salt(found: list[Scored], name: str) -> list[dict[str, float]]:
    salts = dict.fromkeys(scored.job.salt for scored in found)
    return [figures(summed((s for s in found if s.job.salt == salt), name)) for salt in salts]


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(prog="python -m benchmarks.forecast.run", description=__doc__)
    p.add_argument("--salt", action="append", metavar="TEXT", help="any text: fresh traces")
    p.add_argument(
        "--seeds", type=int, default=7, metavar="N", help="accounts per family and salt"
    )
    p.add_argument("--every", type=float, default=30, metavar="MINUTES", help="between decisions")
    p.add_argument("--only", default="", metavar="A,B", help=f"of: {', '.join(names())}")
    p.add_argument("--impl", action="append", default=[], metavar="NAME=PATH:CLASS")
    p.add_argument("--families", default="all", metavar="A,B", help="or nineteen, further, all")
    p.add_argument("--jobs", type=int, default=2, metavar="N", help="processes")
    p.add_argument("--quick", action="store_true", help="one salt, four seeds: under a minute")
    p.add_argument("--check-causality", action="store_true", help="nothing may know what comes")
    p.add_argument("--write", action="store_true", help=f"put the tables into {RESULTS.name}")
    return p


def chosen(text: str) -> list[str]:
    """Families by name or by group. Raises ValueError for others."""
    groups = {"nineteen": [*FAMILIES], "further": [*FURTHER], "all": [*FAMILIES, *FURTHER]}
    found = [family for word in text.split(",") for family in groups.get(word.strip(), [word])]
    unknown = [family for family in found if family not in groups["all"]]
    if unknown:
        raise ValueError(f"no family {unknown[0]!r}; there are: {', '.join(groups['all'])}")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Score, print, perhaps write. 0 done, 1 a look into the future, 64 a wrong call."""
    p = parser()
    args = p.parse_args(arguments)
    try:
        families, files = chosen(args.families), dict(map(_named, args.impl))
        estimators = _estimators(args.only, files)
    except ValueError as fault:
        print(f"{p.prog}: {fault}", file=sys.stderr)
        return 64
    if args.check_causality:
        return _causality(estimators, files)
    text = _run(args, families, estimators, files)
    print(text)
    if args.write:
        _write(text)
    return 0


def _named(spec: str) -> tuple[str, str]:
    name, found, place = spec.partition("=")
    if not found:
        raise ValueError(f"--impl {spec!r} is not NAME=PATH:CLASS")
    return name, place


def _estimators(only: str, files: dict[str, str]) -> tuple[str, ...]:
    """Whom to ask. Raises UnknownEstimator before an hour has been spent."""
    wanted = [name.strip() for name in only.split(",") if name.strip()] or names()
    found = tuple(dict.fromkeys([*wanted, *files]))
    for name in found:
        build(name, files, generate("cold_start", 0))
    return found


def _run(
    args: argparse.Namespace,
    families: list[str],
    estimators: tuple[str, ...],
    files: dict[str, str],
) -> str:
    salts, seeds = args.salt or list(SALTS), max(args.seeds, 1)
    if args.quick:
        salts, seeds = salts[:1], min(seeds, 4)
    jobs = [
        Job(family, seed, salt, args.every, estimators, tuple(files.items()))
        for seed in range(seeds)  # dear ones first: the poll interval goes by the seed
        for salt in salts
        for family in families
    ]
    began = time.monotonic()
    found = score(jobs, args.jobs)
    head = _head(salts, seeds, args.every, time.monotonic() - began)
    parts = [head, report(found, estimators, next(iter(files), OURS))]
    if OURS in estimators:
        parts.append(cost.section())
    return "\n\n".join(parts)


def _causality(estimators: tuple[str, ...], files: dict[str, str]) -> int:
    found = [
        f"{name}: {fault}"
        for name in estimators
        if name != ORACLE
        for fault in faults(partial(build, name, files))
    ]
    print("\n".join(found) or "causality: ok")
    return 1 if found else 0


def _head(salts: list[str], seeds: int, every: float, seconds: float) -> str:
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {machine}. Salts {', '.join(salts)}; seeds 0-{seeds - 1}; "
        f"a decision every {every:g} minutes; {seconds:.0f} s."
    )


def _write(text: str) -> None:
    """Between the marks; the rest of the page is left as it is."""
    page = RESULTS.read_text()
    before, _, rest = page.partition(_MARKS[0])
    _, _, after = rest.partition(_MARKS[1])
    RESULTS.write_text(f"{before}{_MARKS[0]}\n\n{text}\n\n{_MARKS[1]}{after}")


if __name__ == "__main__":
    sys.exit(main())
