"""Figures as Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable

from benchmarks.forecast.figures import BARS, Bar, errors, met, quantile
from benchmarks.forecast.scorer import Tally

Figures = dict[str, float]


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """A Markdown table; the first column is text."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def show(value: float, form: str = ".2f") -> str:
    """A figure, `-` where there is none."""
    return "-" if math.isnan(value) else format(value, form)


def side_by_side(all_figures: dict[str, Figures]) -> str:
    """Estimators in rows: errors, range, and the two rules on each one's median."""
    head = ["estimator", "median", "p90", "bias", "answered", "after top-up", "after gap",
            "at wrong value", "in spike", "inside / below / above, width", *_RULES]  # fmt: skip
    return table(head, (_row(name, f) for name, f in all_figures.items()))


_RULES = ("warn: 4 h / 12 h / lead / false / time", "critical: 0.5 h / 1 h / lead / false / time")


def _row(name: str, f: Figures) -> list[str]:
    errors_ = [show(f["median"], ".3f"), show(f["p90"]), show(f["bias"], "+.2f")]
    after = [show(f[k]) for k in ("after top-up", "after gap", "at wrong value", "in spike")]
    parts = [show(f[k]) for k in ("inside", "below", "above", "width")]
    held = "-" if parts[0] == "-" else f"{' / '.join(parts[:3])}, {parts[3]}"
    return [name, *errors_, show(f["answered"], ".1%"), *after, held, *_rules(f, "p50")]


def _rules(f: Figures, series: str) -> list[str]:
    cells = []
    for rule, hours in (("warn", ("4", "12")), ("crit", ("0.5", "1"))):
        keys = [*(f"recall {h}" for h in hours), "lead", "false", "time"]
        forms = (".2f", ".2f", ".1f", ".2f", ".3f")
        values = [f.get(f"{series} {rule} {key}", math.nan) for key in keys]
        cells.append(" / ".join(show(v, form) for v, form in zip(values, forms, strict=True)))
    return cells


def quantile_rules(all_figures: dict[str, Figures]) -> str:
    """The two rules on every series an estimator has."""
    series = (("p50", "p50"), ("half", "p50 / 2"), ("p25", "p25"), ("p10", "p10"))
    rows = [
        [f"{name} @ {label}", *_rules(f, key)]
        for name, f in all_figures.items()
        for key, label in series
        if f"{key} warn time" in f
    ]
    return table(["series", *_RULES], rows)


def against_bars(name: str, f: Figures, spread: list[Figures], floor: Figures | None) -> str:
    """One estimator held against what is demanded; `spread`: the same, salt by salt."""
    head = ["", "figure", name, "salt by salt", "demand", "", "stretch", "", "causal oracle"]
    return table(head, (_bar(bar, f, spread, floor or {}) for bar in BARS))


def _bar(bar: Bar, f: Figures, spread: list[Figures], floor: Figures) -> list[str]:
    value = f.get(bar.figure, math.nan)
    each = sorted(v for s in spread if not math.isnan(v := s.get(bar.figure, math.nan)))
    span = f"{show(each[0], bar.scale)} - {show(each[-1], bar.scale)}" if len(each) > 1 else "-"
    return [
        bar.row, bar.words, show(value, bar.scale), span,
        _bounds(bar.demand, bar.scale), _mark(value, bar.demand),
        _bounds(bar.stretch, bar.scale), _mark(value, bar.stretch),
        show(floor.get(bar.figure, math.nan), bar.scale),
    ]  # fmt: skip


def _bounds(bounds: tuple[float, float] | None, form: str) -> str:
    if bounds is None:
        return ""
    form = form.lstrip("+")
    low, high = bounds
    if low == -math.inf:
        return f"<= {high:{form}}"
    return f">= {low:{form}}" if high == math.inf else f"{low:{form}} - {high:{form}}"


def _mark(value: float, bounds: tuple[float, float] | None) -> str:
    if bounds is None or math.isnan(value):
        return ""
    return "met" if met(value, bounds) else "**missed**"


def by_family(tallies: dict[str, Tally]) -> str:
    """Median and 90 % of the error, family by family."""
    families = dict.fromkeys(key[1] for tally in tallies.values() for key in tally.errors)
    rows = [
        [family, *(_spread(tally, family) for tally in tallies.values())] for family in families
    ]
    return table(["family", *tallies], rows)


def _spread(tally: Tally, family: str) -> str:
    found = [(abs(e), weight) for e, weight in errors(tally, family=family)]
    return f"{show(quantile(found, 0.5))} / {show(quantile(found, 0.9))}"


def verdict(f: Figures) -> str:
    """How many bars are met, in one line; those there are no figures for do not count."""
    counts = []
    for kind in ("demand", "stretch"):
        pairs = [(f.get(b.figure, math.nan), getattr(b, kind)) for b in BARS]
        asked = [met(value, bounds) for value, bounds in pairs if bounds and not math.isnan(value)]
        counts.append(f"{kind} {sum(asked)} of {len(asked)}")
    return ", ".join(counts)
