"""Draws the pictures of runway.md from an account of the benchmark: `make pictures`.

Needs matplotlib, which nothing else does: `.venv/bin/python -m pip install matplotlib`.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.forecast.baselines import Ewma, PredictLinear  # noqa: E402
from benchmarks.forecast.traces import Trace, generate  # noqa: E402
from monitor.core.book import Book, EntryKind  # noqa: E402
from monitor.core.model import Outlook  # noqa: E402

try:
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt
except ImportError:
    sys.exit("matplotlib is missing: .venv/bin/python -m pip install matplotlib")

IMAGES = Path(__file__).parent / "images"
FAMILY, SEED, SALT = "dirty", 4, "runway"
DAY = 86400.0
FIRST, LAST = 14.0, 28.0  # days of the trace that are shown
OURS, TRUTH, LINE, AVERAGE, BAD = "#1a6fb5", "#222222", "#c8501e", "#8a6bb5", "#b00020"


@dataclass
class Seen:
    """What the ledger and the estimators said along the way. Days, credits, hours."""

    balance: list[tuple[float, float]] = field(default_factory=list)
    entries: list[tuple[float, EntryKind, float]] = field(default_factory=list)
    said: list[tuple[float, Outlook]] = field(default_factory=list)
    others: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    true: list[tuple[float, float]] = field(default_factory=list)


def watch(trace: Trace) -> Seen:
    """Feed an account's polls to the ledger, the forecast and two others."""
    book = Book(floor=Decimal(0), job_max=Decimal(300), planned_burn=Decimal(0))
    others: dict[str, Any] = {
        "straight line, 6 h (predict_linear)": PredictLinear(6),
        "moving average, 24 h (EWMA)": Ewma(300.0, 24.0),
    }
    seen, asked = Seen(others={name: [] for name in others}), 0.0
    for t, balance in zip(trace.polls.times, trace.polls.balances, strict=True):
        if balance is None:
            continue
        now = datetime.fromtimestamp(t, UTC)
        entry = book.update(now, Decimal(str(balance)))
        for other in others.values():
            other.update(t, balance)
        day = (t - trace.start) / DAY
        if not FIRST <= day <= LAST:
            continue
        seen.balance.append((day, balance))
        seen.entries.append((day, entry.kind, balance))
        if t - asked >= 1800:
            asked = t
            seen.said.append((day, book.outlook(now)))
            for name, other in others.items():
                seen.others[name].append((day, hours_of(other.estimate(t))))
            seen.true.append((day, math.nan if trace.refused(t) else trace.runway(t)))
    return seen


def hours_of(answer: dict[str, float | None]) -> float:
    """P50 in hours, drawn up to 60 days; a gap where it abstained."""
    p50 = answer["runway_hours_p50"]
    return math.nan if p50 is None else min(p50, 1440.0)


def ledger(seen: Seen) -> None:
    """A balance, what became of it, and where it goes."""
    figure, axes = plt.subplots(figsize=(9, 3.6))
    kept = [(d, b) for d, k, b in seen.entries if k not in (EntryKind.SUSPECT, EntryKind.MISREAD)]
    axes.plot(
        *zip(*kept, strict=True), color=OURS, lw=1.3, drawstyle="steps-post", label="balance"
    )
    for kinds, mark, colour, words in (
        ({EntryKind.TOPPED_UP}, "^", "#2a8a3e", "topped up"),
        ({EntryKind.REFUNDED}, ".", "#e0a000", "refunded"),
        ({EntryKind.SUSPECT, EntryKind.MISREAD}, "x", BAD, "not believed"),
    ):
        at = [
            (d, max(0.0, min(b, 1.15 * max(x for _, x in kept))))
            for d, k, b in seen.entries
            if k in kinds
        ]
        if at:
            axes.plot(
                *zip(*at, strict=True), mark, color=colour, ms=6 if mark != "." else 4, label=words
            )
    day, last = seen.said[-1]
    left = kept[-1][1]
    ends = [day + h / 24 for h in (last.p10, last.p50, last.p90) if h is not None and h < 1e4]
    axes.fill([day, ends[0], ends[2]], [left, 0, 0], color=OURS, alpha=0.18, label="P10 to P90")
    axes.plot([day, ends[1]], [left, 0], color=OURS, lw=1, ls="--", label="P50")
    axes.axvline(day, color="#999999", lw=0.8)
    axes.annotate("now", (day, axes.get_ylim()[1]), ha="center", va="bottom", fontsize=8)
    finish(figure, axes, "credits", "runway-ledger.svg")


def compared(seen: Seen) -> None:
    """What was said and what was true, in hours of runway."""
    figure, axes = plt.subplots(figsize=(9, 3.8))
    days = [d for d, _ in seen.said]
    low, mid, high = (
        [math.nan if (h := getattr(o, name)) is None else min(h, 1440.0) for _, o in seen.said]
        for name in ("p10", "p50", "p90")
    )
    axes.fill_between(days, low, high, color=OURS, alpha=0.18, lw=0, label="monitor, P10 to P90")
    for (name, line), colour in zip(seen.others.items(), (LINE, AVERAGE), strict=True):
        axes.plot(*zip(*line, strict=True), color=colour, lw=0.9, label=name)
    axes.plot(days, mid, color=OURS, lw=1.4, label="monitor, P50")
    axes.plot(*zip(*seen.true, strict=True), color=TRUTH, lw=1.4, ls=":", label="the truth")
    axes.set_yscale("log")
    axes.set_ylim(1, 1500)
    axes.set_yticks([1, 4, 24, 72, 336], ["1 h", "4 h", "1 d", "3 d", "14 d"])
    axes.minorticks_off()
    finish(figure, axes, "runway", "runway-compared.svg")


def finish(figure: Any, axes: Any, what: str, name: str) -> None:
    """The same frame for all."""
    axes.set_xlabel("day")
    axes.set_ylabel(what)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(visible=True, color="#e6e6e6", lw=0.6)
    axes.set_axisbelow(True)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.2), ncol=6, fontsize=8, frameon=False)
    figure.savefig(IMAGES / name, bbox_inches="tight", metadata={"Date": None})
    print(IMAGES / name)


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    mpl.rcParams["svg.hashsalt"] = "runway"  # the same picture from the same figures
    mpl.rcParams["svg.fonttype"] = "none"
    found = watch(generate(FAMILY, seed=SEED, salt=SALT))
    ledger(found)
    compared(found)
