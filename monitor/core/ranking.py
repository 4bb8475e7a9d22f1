"""Which of many values is the highest, while they change one by one."""

from __future__ import annotations

from bisect import bisect_left, insort
from datetime import datetime
from typing import Generic, TypeVar

Value = TypeVar("Value", datetime, float)


class Ranking(Generic[Value]):
    """Values by place; a change costs the logarithm of their number."""

    def __init__(self) -> None:
        self._of: dict[int, Value] = {}
        self._sorted: list[tuple[Value, int]] = []  # of equal values the first place comes last

    def put(self, place: int, value: Value | None) -> None:
        """Now this stands at that place; None: nothing does."""
        old = self._of.pop(place, None)
        if old is not None:
            del self._sorted[bisect_left(self._sorted, (old, -place))]
        if value is not None:
            self._of[place] = value
            insort(self._sorted, (value, -place))

    def get(self, place: int) -> Value | None:
        """What stands at that place."""
        return self._of.get(place)

    @property
    def highest(self) -> Value | None:
        """The highest value; None where there is none."""
        return self._sorted[-1][0] if self._sorted else None

    @property
    def leader(self) -> int | None:
        """The first place that has the highest value."""
        return -self._sorted[-1][1] if self._sorted else None
