"""A week by weekday and hour of day, in shades that are told apart without colour."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.cli.drawing import Paint
from monitor.core.pattern import DAYS, Pattern, Rate
from monitor.core.words import amount

_SHADES = "░▒▓█"
_QUIET, _UNKNOWN = "·", " "
_LABEL = 6  # columns before the first hour


def heat_map(drawn: Pattern, *, width: int, paint: Paint) -> Iterator[str]:
    """Seven days of 24 hours, all days together below, what a day spends on the right."""
    most = highest(drawn)
    sums = [_a_day(day) for day in drawn.days]
    room = max([len("a day"), *map(len, sums)])
    cell = max(1, min(3, (width - _LABEL - room - 1) // 24))
    marks = "".join(f"{hour:<{cell * 3}}" for hour in range(0, 24, 3))
    yield f"{'':{_LABEL}}{marks} {'a day':>{room}}"
    for name, day, said in zip(DAYS, drawn.week, sums, strict=True):
        cells = "".join(shade(rate, most) * cell for rate in day)
        yield f"  {name[:3]} {paint(cells, 'heat')} {said:>{room}}".rstrip()
    cells = "".join(shade(rate, most) * cell for rate in drawn.hours)
    yield f"  all {paint(cells, 'heat')}".rstrip()


def heat_legend(drawn: Pattern, width: int) -> Iterator[str]:
    """What the shades mean, in credits an hour, on as many lines as it takes."""
    most = highest(drawn)
    shades = [
        f"{mark} to {amount(_rounded(most * n / len(_SHADES)))}"
        for n, mark in enumerate(_SHADES, 1)
    ]
    parts = [f"{_QUIET} nothing", *(shades if most > 0 else [])]
    unknown = any(rate.per_hour is None for day in drawn.week for rate in day)
    parts += ["blank: not watched"] if unknown else []
    line = "  an hour:"
    for part in parts:
        if len(line) + 2 + len(part) > width:
            yield line
            line = " " * 10
        line += f"  {part}"
    yield line


def highest(drawn: Pattern) -> float:
    """The most that any hour of the week spends."""
    return max((rate.per_hour or 0.0 for day in drawn.week for rate in day), default=0.0)


def shade(rate: Rate, most: float) -> str:
    """One of four shades; a dot where nothing went, a blank where nobody looked."""
    value = rate.per_hour
    if value is None:
        return _UNKNOWN
    if value <= 0 or most <= 0:
        return _QUIET
    return _SHADES[min(len(_SHADES) - 1, int(value / most * len(_SHADES)))]


def _a_day(rate: Rate) -> str:
    return "" if rate.per_hour is None else amount(_rounded(max(0.0, rate.per_hour) * 24))


def _rounded(value: float) -> float:
    """To three digits: a mean is no more exact than that."""
    return float(f"{value:.3g}")
