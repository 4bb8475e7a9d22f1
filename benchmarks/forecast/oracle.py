"""The floor of the task: an estimator that knows everything but the future's chance.

It knows the true balance, the true intensity as far as shocks have begun (not the noise of days,
not shocks to come) and the size of the lumps; what it cannot know is when the jobs arrive.
"""

from __future__ import annotations

import math
from bisect import bisect_right

from benchmarks.forecast.baselines import Answer
from benchmarks.forecast.demand import DAY, HOUR, SLOT
from benchmarks.forecast.traces import Trace

_Z = 1.2815515655446004  # of P90
_WEEK = int(7 * DAY / SLOT)


class CausalOracle:
    """Made from the trace itself; samples tell it nothing."""

    def __init__(self, trace: Trace) -> None:
        """Keep the trace."""
        self._trace = trace
        self._starts = [shock.start for shock in trace.shocks]

    def update(self, t: float, balance: float) -> None:
        """Nothing to learn."""

    def estimate(self, now: float) -> Answer:
        """First passage of a gamma process in expected demand, walked back to hours."""
        trace = self._trace
        sums = trace.expected[bisect_right(self._starts, now)]
        left, phi = trace.balance(now), trace.demand.phi
        here = self._spent_by(sums, now)
        burn = (self._spent_by(sums, now + DAY) - here) / 24
        if left <= 0:
            return {"burn_per_hour": burn, "runway_hours_p50": 0.0, "p10": 0.0, "p90": 0.0}
        low, middle, high = (
            self._hours(sums, here + passage(left, phi, z), now) for z in (-_Z, 0.0, _Z)
        )
        return {"burn_per_hour": burn, "runway_hours_p50": middle, "p10": low, "p90": high}

    def _spent_by(self, sums: list[float], t: float) -> float:
        place = min(max((t - self._trace.first_slot) / SLOT, 0.0), len(sums) - 1.0)
        i = min(int(place), len(sums) - 2)
        return sums[i] + (sums[i + 1] - sums[i]) * (place - i)

    def _hours(self, sums: list[float], target: float, now: float) -> float:
        i = bisect_right(sums, target)
        if i < len(sums):
            place = i - 1 + (target - sums[i - 1]) / (sums[i] - sums[i - 1])
            return (self._trace.first_slot + place * SLOT - now) / HOUR
        tail = (sums[-1] - sums[-1 - _WEEK]) / (_WEEK * SLOT / HOUR)
        if tail <= 1e-6:
            return math.inf
        end = self._trace.first_slot + (len(sums) - 1) * SLOT
        return (end - now) / HOUR + (target - sums[-1]) / tail


def passage(balance: float, phi: float, z: float) -> float:
    """Expected demand at first passage, at a normal quantile (Wilson-Hilferty)."""
    mean = balance + phi / 2
    k = mean * mean / (phi * balance + phi * phi / 4)
    root = max(1 - 1 / (9 * k) + z / (3 * math.sqrt(k)), 0.02)
    return mean * root * root * root
