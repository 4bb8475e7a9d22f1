"""That a soak leaves nothing behind but history: rows, memory, bytes and statements."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.soak.month import Soak
from benchmarks.soak.script import DAY, HOUR
from benchmarks.soak.seen import Weight
from benchmarks.soak.watched import BACKUP
from monitor.store.usage import LONGER

LOOKED_BACK = LONGER.total_seconds()
_LINEAR = ("samples", "hours")  # what grows with the days, as it should
_PER_WEEK = ("incidents", "acks", "told", "silences", "notices", "alerts")  # kept for 7 days


def growth(soak: Soak) -> Iterator[str]:
    """Between the first third and the last nothing grows but history, and that by the sample."""
    yield from _tables(soak, *soak.weights)
    yield from _sizes(*soak.weights)
    yield from _file(*soak.weights)


def _tables(soak: Soak, first: Weight, second: Weight, last: Weight) -> Iterator[str]:
    for name, most in _week(soak, last).items():
        if last.rows[name] > most:
            yield f"{last.rows[name]} rows of {name}, and there was cause for {most}"
    for name in ("incidents", "told", "silences"):
        if last.memory[name] > last.rows[name]:
            yield f"memory has {last.memory[name]} {name}, the database {last.rows[name]}"
    for what, before, after in (
        ("rows", (first.rows, second.rows), last.rows),
        ("entries in memory", (first.memory, second.memory), last.memory),
    ):
        for name in after.keys() - {*_LINEAR, *_PER_WEEK}:
            if after[name] > max(table[name] for table in before):
                yield f"{name}: {before[0][name]} {what}, then {after[name]}"


def _sizes(first: Weight, second: Weight, last: Weight) -> Iterator[str]:
    if last.checkpoint > 1.25 * max(first.checkpoint, second.checkpoint):
        yield f"checkpoints: {first.checkpoint} bytes, then {last.checkpoint}"
    if last.statements > 1.02 * first.statements + 0.05:
        yield f"{first.statements:.2f} statements for a probe, then {last.statements:.2f}"
    if last.objects > 1.05 * max(first.objects, second.objects):
        yield f"{first.objects} objects, then {last.objects}"


def _week(soak: Soak, last: Weight) -> dict[str, int]:
    """What the last week has had of each, and what is open: rows that may be there."""
    edge = last.day * DAY - 7 * DAY - 2 * HOUR
    kept = {n for n, e in soak.episodes.items() if e.closed is None or e.closed >= edge}
    told = [s for s in soak.mail.said if s.incident in kept or s.t >= edge]
    silences = [s for s in soak.script.silences if s.end >= edge]
    windows = 2 * len(BACKUP.targets)
    # The weekly digest and the page look back: incidents stay for longer than what was told.
    edge = last.day * DAY - 7 * DAY - LOOKED_BACK - 2 * HOUR
    incidents = [e for e in soak.episodes.values() if e.closed is None or e.closed >= edge]
    return {
        "incidents": len(incidents),
        "acks": len(incidents),
        "told": len(told),
        "silences": len(silences) + windows,
    }


def _file(first: Weight, second: Weight, last: Weight) -> Iterator[str]:
    early = (second.file - first.file) / (second.probes - first.probes)
    latest = (last.file - second.file) / (last.probes - second.probes)
    if latest > 1.25 * early + 8:
        yield f"{early:.0f} bytes of the file for a probe, then {latest:.0f}"
