"""A course in a few characters."""

from __future__ import annotations

from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_LEVEL = 3  # of what does not move


def spark(values: Sequence[float | None]) -> str:
    """One bar for each value, from the lowest to the highest; a blank for what is not known."""
    known = [value for value in values if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    return "".join(" " if value is None else _bar(value, low, high) for value in values)


def _bar(value: float, low: float, high: float) -> str:
    if high <= low:
        return _BARS[_LEVEL]
    return _BARS[round((value - low) / (high - low) * (len(_BARS) - 1))]
