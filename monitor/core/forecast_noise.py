"""How unevenly credit goes: in what lumps, and how much one day differs from another."""

from __future__ import annotations

from dataclasses import dataclass

_HOURLY = 0.5 ** (1.0 / 168.0)  # what an hour's weight keeps in an hour: halved in a week
_DAILY = 0.9
_DAY = 23.0  # watched hours that make a day
_PRIOR = 10.0 / 3.0  # jobs that are believed to go at once before anything is seen
_PRIOR_HOURS = 6.0
_LEAST = 1.0 / 12.0  # jobs
_CLIP = 25.0  # no single hour says more than five standard deviations


@dataclass(slots=True, kw_only=True)
class Noise:
    """Squared surprises against what was expected, by hour and by day. Mutable, bounded."""

    surprise: float = 0.0  # by hour: sum of squares
    expected: float = 0.0  # and of what was expected
    day_surprise: float = 0.0
    day_expected: float = 0.0
    day_square: float = 0.0  # sum of squares of what was expected
    today_spent: float = 0.0
    today_expected: float = 0.0
    today_watched: float = 0.0

    def lump(self, slow: float, job: float) -> float:
        """phi: variance by mean of what is spent, in credits. Scales with the prices."""
        weight = _PRIOR_HOURS * slow
        if weight + self.expected <= 0:
            return _PRIOR * job
        seen = (self.surprise + _PRIOR * job * weight) / (self.expected + weight)
        return max(_LEAST * job, seen)

    def day(self, lump: float) -> float:
        """Relative variance of a day beyond what lumps explain."""
        if self.day_square <= 0:
            return 0.0
        return max(0.0, (self.day_surprise - lump * self.day_expected) / self.day_square)

    def add(self, spent: float, expected: float, watched: float, lump: float) -> None:
        """Fold one finished hour in."""
        square = (spent - expected) ** 2
        most = _CLIP * (lump * expected + lump * lump)
        self.surprise = self.surprise * _HOURLY + min(square, most)
        self.expected = self.expected * _HOURLY + expected
        self.today_spent += spent
        self.today_expected += expected
        self.today_watched += watched
        if self.today_watched >= _DAY:
            self._end_day()

    def _end_day(self) -> None:
        expected = self.today_expected
        square = min((self.today_spent - expected) ** 2, 4.0 * expected * expected)
        self.day_surprise = self.day_surprise * _DAILY + square
        self.day_expected = self.day_expected * _DAILY + expected
        self.day_square = self.day_square * _DAILY + expected * expected
        self.today_spent = self.today_expected = self.today_watched = 0.0
