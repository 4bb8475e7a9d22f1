"""How wrong the forecasts were: known once a balance has reached its floor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from monitor.core.model import Outlook, Totals

_APART = 1800.0  # seconds between two forecasts that are put to the test
_MOST = 672  # of them: 14 days; beyond, every second one goes
_LEAST_TRUE, _MOST_TRUE = 1.0, 14 * 24.0  # hours of true runway that are scored
_LEAST_SAID, _MOST_SAID = 1 / 60, 60 * 24.0  # hours a forecast is taken for


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """One time a balance reached its floor, and what had been said of it before.

    `off_by` is the median of how many times too long or too short the middle forecast (P50) was,
    over the forecasts made 1 h to 14 days before and since the last top-up; `within` the share of
    them whose P10 to P90 held the truth. None where there were no such forecasts.
    """

    at: datetime
    forecasts: int
    off_by: float | None
    within: float | None


@dataclass(frozen=True, slots=True)
class _Said:
    at: datetime
    low: float
    mid: float
    high: float

    def hours(self, end: datetime) -> float:
        return (end - self.at).total_seconds() / 3600


class Hindsight:
    """Remembers what was forecast until it is known what came. Bounded."""

    __slots__ = ("_added", "_apart", "_said", "exhaustions")

    def __init__(self) -> None:
        self.exhaustions: list[Exhaustion] = []
        self._added = Decimal(0)
        self._forget()

    def see(self, at: datetime, outlook: Outlook, totals: Totals) -> bool:
        """Take one more moment; True where the balance has just reached its floor."""
        before, self._added = self._added, totals.topped_up + totals.adjusted
        if self._added > before:  # what would have come without it will never be known
            self._forget()
        if outlook.p50 is None or outlook.p10 is None or outlook.p90 is None:
            return False
        if outlook.p50 > 0:
            self._remember(_Said(at, outlook.p10, outlook.p50, outlook.p90))
            return False
        if not self._said:
            return False
        self.exhaustions.append(_exhaustion(at, self._said))
        self._forget()
        return True

    def _forget(self) -> None:
        self._said: list[_Said] = []
        self._apart = _APART

    def _remember(self, said: _Said) -> None:
        if self._said and (said.at - self._said[-1].at).total_seconds() < self._apart:
            return
        self._said.append(said)
        if len(self._said) > _MOST:
            self._said = self._said[::2]
            self._apart *= 2


def _exhaustion(at: datetime, said: list[_Said]) -> Exhaustion:
    scored = [s for s in said if _LEAST_TRUE <= s.hours(at) <= _MOST_TRUE]
    if not scored:
        return Exhaustion(at, 0, None, None)
    errors = sorted(abs(math.log(_clipped(s.mid) / s.hours(at))) for s in scored)
    held = sum(s.low <= s.hours(at) <= s.high for s in scored)
    return Exhaustion(at, len(scored), math.exp(errors[len(errors) // 2]), held / len(scored))


def _clipped(hours: float) -> float:
    return min(_MOST_SAID, max(_LEAST_SAID, hours))
