"""A week by weekday and hour of day as a drawing, and a sentence that says the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from monitor.core.durations import about
from monitor.core.pattern import DAYS, Pattern, Rate
from monitor.core.phrases import money
from monitor.core.sayings import busiest
from monitor.core.words import amount

_LEFT, _TOP, _CELL, _ROW = 40, 4, 25, 17
_SMALL_CELL = 12  # on a phone: the same rows, so that their names stay readable
WIDTH, HEIGHT = _LEFT + 24 * _CELL, _TOP + 7 * _ROW + 18
_SHADES = 4
UNKNOWN, QUIET = "unknown", "s0"  # names of classes; above them s1 to s4


@dataclass(frozen=True, slots=True)
class Heat:
    """Coordinates in a box of WIDTH by HEIGHT, ready for SVG."""

    shades: tuple[tuple[str, str], ...]  # class, path of all its cells
    rows: tuple[tuple[float, str], ...]  # y, day
    columns: tuple[tuple[float, str], ...]  # x, hour
    legend: tuple[tuple[str, str], ...]  # class, what it means
    words: str  # the whole drawing in a sentence, for who cannot see it
    zone: str
    notes: tuple[str, ...]  # the busiest, the last top-up

    width: int = WIDTH
    height: int = HEIGHT
    name: str = "wide"  # of the class that shows it where it fits
    narrow: Heat | None = None  # the same for a phone


def heat(drawn: Pattern, unit: str | None, now: datetime) -> Heat | None:
    """The drawing; None where not one hour was watched."""
    if drawn.mean is None:
        return None
    most = max(rate.per_hour or 0.0 for day in drawn.week for rate in day)
    notes = [*busiest(drawn), *_topped_up(drawn, unit, now)]
    wide = Heat(
        shades=_shades(drawn, most, _CELL),
        rows=tuple((_TOP + n * _ROW + 12, day[:3]) for n, day in enumerate(DAYS)),
        columns=tuple((_LEFT + h * _CELL, f"{h:02}") for h in range(0, 24, 3)),
        legend=_legend(drawn, most),
        words=_words(drawn),
        zone=drawn.zone,
        notes=tuple(notes),
    )
    narrow = replace(
        wide,
        shades=_shades(drawn, most, _SMALL_CELL),
        columns=tuple((_LEFT + h * _SMALL_CELL, f"{h:02}") for h in range(0, 24, 6)),
        width=_LEFT + 24 * _SMALL_CELL,
        name="narrow",
    )
    return replace(wide, narrow=narrow)


def _shade(rate: Rate, most: float) -> str:
    value = rate.per_hour
    if value is None:
        return UNKNOWN
    if value <= 0 or most <= 0:
        return QUIET
    return f"s{min(_SHADES, 1 + int(value / most * _SHADES))}"


def _shades(drawn: Pattern, most: float, size: int) -> tuple[tuple[str, str], ...]:
    """One path for each shade: a page of sixty balances has ten thousand cells."""
    paths: dict[str, list[str]] = {}
    for row, day in enumerate(drawn.week):
        for hour, rate in enumerate(day):
            x, y = _LEFT + hour * size, _TOP + row * _ROW
            cell = f"M{x} {y}h{size - 2}v{_ROW - 2}h-{size - 2}z"
            paths.setdefault(_shade(rate, most), []).append(cell)
    return tuple((name, "".join(cells)) for name, cells in sorted(paths.items()))


def _legend(drawn: Pattern, most: float) -> tuple[tuple[str, str], ...]:
    found = [(QUIET, "nothing")]
    if most > 0:
        found += [(f"s{n}", f"to {_rough(most * n / _SHADES)}") for n in range(1, _SHADES + 1)]
    if any(rate.per_hour is None for day in drawn.week for rate in day):
        found.append((UNKNOWN, "not watched"))
    return tuple(found)


def _words(drawn: Pattern) -> str:
    a_day = [
        f"{day} {_rough(max(0.0, pace) * 24)} a day"
        for day, rate in zip(DAYS, drawn.days, strict=True)
        if (pace := rate.per_hour) is not None
    ]
    return "; ".join([f"spent by weekday and hour, {drawn.zone}", *a_day, *busiest(drawn)])


def _topped_up(drawn: Pattern, unit: str | None, now: datetime) -> tuple[str, ...]:
    it = drawn.top_up
    if it is None:
        return ()
    pace = it.per_day(now)
    a_day = "" if pace is None else f", {_rough(pace)} a day"
    ago = about(it.days(now) * 86400).removeprefix("about ")
    amount_ = money(it.amount, unit)
    return (f"topped up by {amount_} {ago} ago; since then {amount(it.spent)} spent{a_day}",)


def _rough(value: float) -> str:
    """Three digits: a mean is no more exact than that."""
    return amount(float(f"{value:.3g}"))
