"""When in the week an account spends: one factor for each hour of the day and day of the week."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate

HOURS, DAYS, WEEK = 24, 7, 168
BLOCK = 12  # hours: `reach` may be read this far, and one, past the week's end
_SEEN = 20.0  # watched hours before there is anything to derive
_HOUR_MEMORY = 0.98  # an hour of the day comes round daily: about 50 days are remembered
_DAY_MEMORY = 0.9942  # a day of the week gets 24 visits: about 7 weeks are remembered
_DAY_VARIANCE = 0.08  # how far apart weekdays are believed to be before they are seen
# Lumps of spending an hour of the day must show before it counts. A profile that believes single
# bursts moves the runway across its thresholds once a day, and every time that is a false alarm.
_HOUR_LUMPS = 0.75
_LEAST = 0.005


def _drawn(factors: Iterable[float]) -> tuple[Sequence[float], Sequence[float]]:
    """`week` and `reach`, as arrays: a list's floats are three times their size."""
    week = array("d", factors)
    return week, array("d", accumulate([*week, *week[: BLOCK + 1]], initial=0.0))


_FLAT = _drawn([1.0] * WEEK)  # shared by all who know nothing yet; nobody changes one in place


class Profile:
    """Relative intensity by hour of the week, mean 1; UTC, as no time zone is known.

    Spending is kept in hours at the account's own mean pace, so it has no unit. Mutable, bounded:
    93 numbers are its state; `week` and `reach` are derived from them.
    """

    __slots__ = (
        "day_spent",
        "day_watched",
        "days",
        "hour_spent",
        "hour_watched",
        "hours",
        "reach",
        "week",
    )

    def __init__(self) -> None:
        """Know nothing: every hour is like every other."""
        self.hour_spent = [0.0] * HOURS
        self.hour_watched = [0.0] * HOURS
        self.day_spent = [0.0] * DAYS
        self.day_watched = [0.0] * DAYS
        self.hours = [1.0] * HOURS  # the factors
        self.days = [1.0] * DAYS
        # Their products, from Thursday 00:00 UTC, where the epoch's weeks begin; the running sum.
        self.week: Sequence[float]
        self.reach: Sequence[float]
        self.week, self.reach = _FLAT

    def add(self, hour: int, spent: float, watched: float) -> None:
        """Fold one hour in. `hour` counts from the epoch; both amounts are in hours.

        An hour counts for its weekday as much as the hour of the day is usually worth, and the
        other way round, so that an hour missed on one day does not look like a quiet day.
        """
        h, d = hour % HOURS, hour // HOURS % DAYS
        self.hour_spent[h] = self.hour_spent[h] * _HOUR_MEMORY + spent
        self.hour_watched[h] = self.hour_watched[h] * _HOUR_MEMORY + watched * self.days[d]
        self.day_spent[d] = self.day_spent[d] * _DAY_MEMORY + spent
        self.day_watched[d] = self.day_watched[d] * _DAY_MEMORY + watched * self.hours[h]

    def derive(self, lump: float) -> None:
        """Work the factors out anew.

        `lump`: how many hours of spending come at once. Few or lumpy data leave the profile
        flat by themselves.
        """
        seen, spent = sum(self.hour_watched), sum(self.hour_spent)
        if seen < _SEEN or spent <= 0:
            return
        pace = spent / seen
        k = lump * _HOUR_LUMPS
        rows = zip(self.hour_spent, self.hour_watched, strict=True)
        self.hours = _level([(c / pace + k) / (e + k) for c, e in rows])
        k = lump / _DAY_VARIANCE
        rows = zip(self.day_spent, self.day_watched, strict=True)
        pace = sum(self.day_spent) / sum(self.day_watched)
        self.days = _level([(c / pace + k) / (e + k) for c, e in rows])
        self._multiply()

    def _multiply(self) -> None:
        flat = all(factor == 1.0 for factor in (*self.hours, *self.days))
        factors = (d * h for d in self.days for h in self.hours)
        self.week, self.reach = _FLAT if flat else _drawn(factors)

    def dump(self) -> list[float]:
        """The numbers that are its state."""
        return [x for kept in self._state() for x in kept]

    @classmethod
    def load(cls, numbers: list[float]) -> Profile:
        """The profile whose state `numbers` are."""
        self, rest = cls(), iter(numbers)
        for kept in self._state():
            kept[:] = [next(rest) for _ in kept]
        self._multiply()
        return self

    def _state(self) -> tuple[list[float], ...]:
        spent_and_watched = self.hour_spent, self.hour_watched, self.day_spent, self.day_watched
        return (*spent_and_watched, self.hours, self.days)


def _level(factors: list[float]) -> list[float]:
    """The factors, none under the least and their mean 1."""
    kept = [max(_LEAST, f) for f in factors]
    mean = sum(kept) / len(kept)
    return [f / mean for f in kept]
