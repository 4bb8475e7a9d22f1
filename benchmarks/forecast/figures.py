"""A tally in figures, and the bars they are held against."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from benchmarks.forecast.scorer import BANDS, WARN, Alarms, Tally

Weighted = list[tuple[float, float]]  # value, weight


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure of the table, what is demanded of it and where it should go."""

    row: str
    figure: str
    words: str
    demand: tuple[float, float] | None  # the least and the most that is allowed
    stretch: tuple[float, float] | None = None
    scale: str = ".3f"


def _most(x: float) -> tuple[float, float]:
    return -math.inf, x


def _least(x: float) -> tuple[float, float]:
    return x, math.inf


_ERROR, _ALARM = "error, abs ln", "alarm"
BARS = (
    Bar(_ERROR, "median", "median", _most(0.36), _most(0.30)),
    Bar(_ERROR, "p90", "90 % within", _most(1.40), _most(1.15)),
    Bar(_ERROR, "6-24 h", "median, true runway 6-24 h", _most(0.43), _most(0.35)),
    Bar(_ERROR, "1-3 d", "median, true runway 1-3 d", _most(0.34), _most(0.27)),
    Bar(_ERROR, "bias", "bias (median ln)", (-0.05, 0.05), None, "+.3f"),
    Bar(_ERROR, "answered", "answered", _least(0.98), None, ".1%"),
    Bar("range", "inside", "P10-P90 holds the truth", (0.75, 0.85)),
    Bar("range", "below", "truth below P10", (0.07, 0.13)),
    Bar("range", "above", "truth above P90", (0.07, 0.13)),
    Bar("range", "width", "median width, ln", _most(1.5), _most(1.2)),
    Bar("warn < 24 h @p25", "p25 warn recall 4", "told >= 4 h ahead", _least(0.94)),
    Bar("warn < 24 h @p25", "p25 warn recall 12", "told >= 12 h ahead", _least(0.92)),
    Bar("warn < 24 h @p25", "p25 warn lead", "median lead, h", _least(24), None, ".1f"),
    Bar("warn < 24 h @p25", "p25 warn false", "false a month", _most(1.2), _most(0.6)),
    Bar("warn < 24 h @p25", "p25 warn time", "false time", _most(0.14), _most(0.08)),
    Bar("critical < 4 h @p25", "p25 crit recall 0.5", "told >= 0.5 h ahead", _least(0.80)),
    Bar("critical < 4 h @p25", "p25 crit recall 1", "told >= 1 h ahead", _least(0.77)),
    Bar("critical < 4 h @p25", "p25 crit false", "false a month", _most(2.6), _most(1.2)),
    Bar("critical < 4 h @p25", "p25 crit time", "false time", _most(0.05)),
    Bar("critical < 4 h @p10", "p10 crit recall 1", "told >= 1 h ahead", _least(0.88)),
    Bar("critical < 4 h @p10", "p10 crit lead", "median lead, h", _least(6), None, ".1f"),
    Bar("right after", "after top-up", "a top-up, median", _most(0.31)),
    Bar("right after", "after gap", "an outage, median", _most(0.38)),
    Bar("right after", "at wrong value", "a wrong value, median", _most(0.42)),
    Bar("right after", "cried", "a wrong value, false critical", _most(0.06), _most(0.02), ".1%"),
    Bar("in a spike", "in spike", "median", _most(1.4), _most(0.7)),
)


def met(value: float, bounds: tuple[float, float]) -> bool:
    """Whether a figure, as precise as it is printed, lies within its bounds."""
    return bounds[0] - 5e-4 <= value <= bounds[1] + 5e-4


def quantile(values: Weighted, share: float) -> float:
    """A weighted quantile, each value at the middle of its weight; NaN of nothing."""
    total = sum(weight for _, weight in values)
    if not total:
        return math.nan
    before, last = 0.0, None
    for value, weight in sorted(values):
        place = (before + weight / 2) / total
        if place >= share:
            if last is None:
                return value
            return last[1] + (value - last[1]) * (share - last[0]) / (place - last[0])
        last, before = (place, value), before + weight
    assert last is not None
    return last[1]


def plain(values: Iterable[float], share: float = 0.5) -> float:
    """An unweighted quantile."""
    return quantile([(value, 1.0) for value in values], share)


def errors(tally: Tally, band: str | None = None, family: str | None = None) -> Weighted:
    """Signed errors of a band or a family or all; every family weighs the same."""
    by_family: dict[str, list[float]] = {}
    for (its_band, its_family), found in tally.errors.items():
        if band in (None, its_band) and family in (None, its_family):
            by_family.setdefault(its_family, []).extend(found)
    return [(e, 1 / len(found)) for found in by_family.values() for e in found]


def figures(tally: Tally) -> dict[str, float]:
    """Every figure there is of one estimator; NaN where it has none."""
    signed = errors(tally)
    sizes = _sizes(signed)
    out = {
        "median": quantile(sizes, 0.5),
        "p90": quantile(sizes, 0.9),
        "bias": quantile(signed, 0.5),
        "answered": tally.answered / tally.asked if tally.asked else math.nan,
    }
    out |= {band: quantile(_sizes(errors(tally, band)), 0.5) for _, band in BANDS}
    out |= _range(tally)
    names = ("AFTER_TOPUP", "AFTER_GAP", "AT_WRONG_VALUE", "spike")
    labels = ("after top-up", "after gap", "at wrong value", "in spike")
    out |= {label: plain(tally.moments.get(n, [])) for n, label in zip(names, labels, strict=True)}
    out["cried"] = sum(tally.cried) / len(tally.cried) if tally.cried else math.nan
    for (series, threshold), alarms in tally.alarms.items():
        out |= {f"{series} {key}": value for key, value in _alarm(alarms, threshold).items()}
    return out


def _sizes(signed: Weighted) -> Weighted:
    return [(abs(e), weight) for e, weight in signed]


def _range(tally: Tally) -> dict[str, float]:
    weighted = [(r, 1 / len(found)) for found in tally.ranges.values() for r in found]
    total = sum(weight for _, weight in weighted)
    if not total:
        return dict.fromkeys(("inside", "below", "above", "width"), math.nan)
    share = {
        name: sum(weight for (side, _), weight in weighted if side == where) / total
        for name, where in (("inside", 0), ("below", -1), ("above", 1))
    }
    return share | {"width": quantile([(width, w) for (_, width), w in weighted], 0.5)}


def _alarm(alarms: Alarms, threshold: float) -> dict[str, float]:
    name, hours = ("warn", (4, 12)) if threshold == WARN else ("crit", (0.5, 1))
    out = {f"{name} recall {h:g}": recall(alarms.ends, h) for h in hours}
    lead = [ahead for had, ahead in alarms.ends if had >= 2 * threshold]
    return out | {
        f"{name} lead": median(lead) if lead else math.nan,
        f"{name} false": alarms.false / alarms.months if alarms.months else math.nan,
        f"{name} time": alarms.firing / max(alarms.safe, 1),
    }


def recall(ends: list[tuple[float, float]], hours: float) -> float:
    """Of the ends that had an hour more than `hours`, the share told at least `hours` ahead."""
    fair = [ahead for had, ahead in ends if had >= hours + 1]
    return sum(ahead >= hours for ahead in fair) / len(fair) if fair else math.nan
