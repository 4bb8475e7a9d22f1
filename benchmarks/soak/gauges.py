"""What a running process holds, looked at again and again, and whether it grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import median

POOLED = 4  # connections that are kept open come and go: one for each target of an origin
MOST_MB = 2.0  # resident memory that the second half may gain: the allocator's noise


@dataclass(frozen=True, slots=True)
class Gauge:
    """One look at a process and its database."""

    seconds: float  # since the start
    rss: float  # MB
    children: int  # processes of its own: the one that draws charts
    fds: int
    threads: int
    database: float  # kB, with its log
    probes: int


def look(pid: int, database: Path, *, seconds: float, probes: int) -> Gauge:
    """What `/proc` says of a process now."""
    status = dict(
        line.split(":\t", 1)
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if ":\t" in line
    )
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    files = (database, database.with_name(database.name + "-wal"))
    return Gauge(
        seconds,
        int(status["VmRSS"].split()[0]) / 1024,
        len(children),
        len(list(Path(f"/proc/{pid}/fd").iterdir())),
        int(status["Threads"]),
        sum(f.stat().st_size for f in files if f.exists()) / 1024,
        probes,
    )


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Theil and Sen's: the median of the slopes of all pairs, which a few peaks do not move."""
    pairs = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(points, 2) if a[0] != b[0]]
    return median(pairs) if pairs else 0.0


def grown(gauges: Sequence[Gauge]) -> list[str]:
    """What the second half of a soak has gained beyond noise, in words; empty: nothing.

    Descriptors come and go with connections: their lower quartile must not rise by more than a
    pool of these; one left behind by each reload, fault or page would be dozens. The process that
    draws charts is begun when it is needed; its two pipes and the thread that waits for it are no
    leak.
    """
    first, second = gauges[: len(gauges) // 2], gauges[len(gauges) // 2 :]
    span = second[-1].seconds - second[0].seconds
    gained = slope([(g.seconds, g.rss) for g in second]) * span
    found = []
    if gained > MOST_MB:
        found.append(f"resident memory gains {gained:.1f} MB in {span:.0f} s")
    for name, count, most in (("descriptors", _descriptors, POOLED), ("threads", _threads, 0)):
        before, after = (_resting([count(g) for g in half]) for half in (first, second))
        if after > before + most:
            found.append(f"{name} at rest were {before} and are {after}")
    return found


def _descriptors(gauge: Gauge) -> int:
    return gauge.fds - 2 * gauge.children


def _threads(gauge: Gauge) -> int:
    return gauge.threads - gauge.children


def _resting(values: Sequence[int]) -> int:
    return sorted(values)[len(values) // 4]


def table(gauges: Sequence[Gauge], rows: int = 20) -> str:
    """Some of the looks, evenly spread, the last one among them."""
    step = max(1, len(gauges) // rows)
    shown = [*gauges[:-1:step], gauges[-1]]
    lines = [
        "| s | probes | RSS MB | children | fds | threads | database kB |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {g.seconds:.0f} | {g.probes} | {g.rss:.1f} | {g.children} | {g.fds} | {g.threads}"
        f" | {g.database:.0f} |"
        for g in shown
    ]
    return "\n".join(lines)
