"""A pattern in words."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.core.pattern import DAYS, Pattern
from monitor.core.words import amount

_PLAIN = 1.25  # times the mean, from which the busiest is worth a word


def busiest(drawn: Pattern) -> Iterator[str]:
    """When most goes; or that no hour or day stands out. Nothing where nothing goes."""
    mean = drawn.mean
    if mean is None or mean <= 0:
        return
    hour, day = drawn.busiest_hour, drawn.busiest_day
    said = False
    if hour is not None and (pace := drawn.hours[hour].per_hour) and pace >= _PLAIN * mean:
        said = True
        yield (
            f"busiest hour: {hour:02}:00 to {(hour + 1) % 24:02}:00, {_rough(pace)} an hour,"
            f" {amount(round(pace / mean, 1))} times the mean"
        )
    if day is not None and (pace := drawn.days[day].per_hour) and pace >= _PLAIN * mean:
        said = True
        yield (
            f"busiest day: {DAYS[day]}, {_rough(pace * 24)} a day,"
            f" {amount(round(pace / mean, 1))} times the mean"
        )
    if not said:
        yield f"no hour and no day stands out: {_rough(mean)} an hour"


def _rough(value: float) -> str:
    """Three digits: a mean is no more exact than that."""
    return amount(float(f"{value:.3g}"))
