"""What others use to foretell a balance, each behind the two calls of an estimator.

They keep all they have seen, with running sums, so that any window costs one search. Corrected
ones are told the dearest price of the account: a smaller rise is a refund, a larger one a top-up
and skipped. None knows wrong values from right ones, as none does in the field.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from typing import Protocol

from benchmarks.forecast.demand import HOUR

Answer = dict[str, float | None]
_DAMP = 48.0  # hours over which a trend ahead fades


class Estimator(Protocol):
    """What is scored."""

    def update(self, t: float, balance: float) -> None:
        """One sample, Unix seconds, in order."""

    def estimate(self, now: float) -> Answer:
        """`burn_per_hour`, `runway_hours_p50`, `p10`, `p90`; None abstains, inf never ends."""


def answer(burn: float | None, hours: float | None) -> Answer:
    """A figure without a range."""
    return {"burn_per_hour": burn, "runway_hours_p50": hours, "p10": None, "p90": None}


def runway(balance: float, burn: float) -> float:
    """Hours; 0 when nothing is left, inf when nothing burns."""
    if balance <= 0:
        return 0.0
    return balance / burn if burn > 1e-9 else math.inf


class PredictLinear:
    """Prometheus' predict_linear over a window: least squares through the raw gauge."""

    def __init__(self, hours: float) -> None:
        """Begin empty."""
        self._window = hours
        self._x: list[float] = []  # hours since the first sample
        self._y: list[float] = []
        self._changes = [0]  # how often the value has changed up to each sample
        self._sums = [(0.0, 0.0, 0.0, 0.0)]  # x, y, xx, xy; y from the first value on

    def update(self, t: float, balance: float) -> None:
        """Add to the sums."""
        if not self._x:
            self._first, self._base = t, balance
        x, y = (t - self._first) / HOUR, balance - self._base
        if self._y:
            self._changes.append(self._changes[-1] + (balance != self._y[-1]))
        a, b, c, d = self._sums[-1]
        self._sums.append((a + x, b + y, c + x * x, d + x * y))
        self._x.append(x)
        self._y.append(balance)

    def estimate(self, now: float) -> Answer:
        """Where the line meets zero."""
        high = len(self._x)
        at = (now - self._first) / HOUR if high else 0.0
        low = bisect_right(self._x, at - self._window)
        if high - low < 2:
            return answer(None, None)
        slope, value = self._line(low, high, at)
        if value <= 0:
            return answer(-slope, 0.0)
        return answer(-slope, value / -slope if slope < -1e-9 else math.inf)

    def _line(self, low: int, high: int, at: float) -> tuple[float, float]:
        if self._changes[high - 1] == self._changes[low]:
            return 0.0, self._y[high - 1]
        n = high - low
        a, b, c, d = (q - p for p, q in zip(self._sums[low], self._sums[high], strict=True))
        x = a - n * at
        spread = c - 2 * at * a + n * at * at - x * x / n
        slope = (d - at * b - x * b / n) / spread if spread > 1e-12 else 0.0
        return slope, b / n - slope * x / n + self._base


class Increase:
    """Corrected consumption over a window: increase() on a counter of what was spent."""

    def __init__(self, dearest: float, hours: float) -> None:
        """Begin empty."""
        self._window, self._dearest = hours, dearest
        self._t: list[float] = []
        self._spent: list[float] = []
        self._balance = 0.0

    def update(self, t: float, balance: float) -> None:
        """Add what was spent since the last sample."""
        spent = (
            self._spent[-1] + burned(self._balance, balance, self._dearest) if self._spent else 0.0
        )
        self._t.append(t)
        self._spent.append(spent)
        self._balance = balance

    def estimate(self, now: float) -> Answer:
        """Balance over the mean rate, from the sample just before the window on."""
        last = len(self._t) - 1
        low = max(min(bisect_right(self._t, now - self._window * HOUR), last) - 1, 0)
        hours = (self._t[-1] - self._t[low]) / HOUR if self._t else 0.0
        if hours <= 0:
            return answer(None, 0.0 if self._t and self._balance <= 0 else None)
        burn = max(self._spent[-1] - self._spent[low], 0.0) / hours
        return answer(burn, runway(self._balance, burn))


def burned(before: float, after: float, dearest: float) -> float:
    """Spent between two samples; a refund counts against it, a top-up not at all."""
    return before - after if after - before <= dearest else 0.0


class Ewma:
    """Corrected consumption, exponentially forgotten."""

    def __init__(self, dearest: float, half_life: float) -> None:
        """Hours after which a burn counts half."""
        self._dearest = dearest
        self._decay = math.log(2) / (half_life * HOUR)
        self._spent = self._hours = 0.0
        self._last: tuple[float, float] | None = None

    def update(self, t: float, balance: float) -> None:
        """Decay, then add."""
        if self._last is not None:
            seconds = t - self._last[0]
            keep = math.exp(-self._decay * seconds)
            self._spent = self._spent * keep + burned(self._last[1], balance, self._dearest)
            self._hours = self._hours * keep + seconds / HOUR
        self._last = (t, balance)

    def estimate(self, now: float) -> Answer:
        """Balance over the decayed rate."""
        if self._last is None or self._hours <= 0:
            return answer(None, None)
        burn = max(self._spent / self._hours, 0.0)
        return answer(burn, runway(self._last[1], burn))


class HoltRaw:
    """Double exponential smoothing of the raw gauge, a step per sample."""

    def __init__(self, level: float = 0.3, trend: float = 0.1) -> None:
        """The two smoothing factors."""
        self._level, self._trend = level, trend
        self._state: tuple[float, float] | None = None
        self._count, self._first, self._last = 0, 0.0, 0.0

    def update(self, t: float, balance: float) -> None:
        """One step of level and trend."""
        if self._state is None:
            self._state, self._first = (balance, 0.0), t
        else:
            level, trend = self._state
            if self._count == 1:
                trend = balance - level
            new = self._level * balance + (1 - self._level) * (level + trend)
            self._state = new, self._trend * (new - level) + (1 - self._trend) * trend
        self._count, self._last = self._count + 1, t

    def estimate(self, now: float) -> Answer:
        """Level over trend."""
        if self._state is None or self._count < 2:
            return answer(None, None)
        step = (self._last - self._first) / (self._count - 1) / HOUR
        burn = -self._state[1] / step
        return answer(burn, runway(self._state[0], burn))


class HoltBurn:
    """Level and damped trend of the corrected burn, in steps of an hour."""

    def __init__(self, dearest: float, level: float = 12, trend: float = 72) -> None:
        """Half-lives of level and trend, in hours."""
        self._dearest = dearest
        self._level, self._trend = 0.5 ** (1 / level), 0.5 ** (1 / trend)
        self._state: tuple[float, float] | None = None
        self._spent = self._hours = 0.0
        self._last: tuple[float, float] | None = None
        self._start = 0.0

    def update(self, t: float, balance: float) -> None:
        """Gather an hour, then step."""
        if self._last is None:
            self._last, self._start = (t, balance), t
            return
        before = int((self._last[0] - self._start) // HOUR)
        self._spent += burned(self._last[1], balance, self._dearest)
        self._hours += (t - self._last[0]) / HOUR
        self._last = (t, balance)
        if int((t - self._start) // HOUR) != before and self._hours > 0.5:
            self._step(self._spent / self._hours, self._hours)
            self._spent = self._hours = 0.0

    def _step(self, rate: float, hours: float) -> None:
        if self._state is None:
            self._state = rate, 0.0
            return
        level, trend = self._state
        keep, keep_trend = self._level**hours, self._trend**hours
        new = (1 - keep) * rate + keep * (level + trend * hours)
        self._state = new, (1 - keep_trend) * (new - level) / hours + keep_trend * trend

    def estimate(self, now: float) -> Answer:
        """Balance over the level, leaning on the trend as far as it reaches."""
        if self._state is None or self._last is None:
            return answer(None, None)
        level, balance = max(self._state[0], 0.0), self._last[1]
        first = min(balance / level, 1e4) if level > 0 else 1e4
        reach = _DAMP * (1 - math.exp(-max(first, 0.0) / _DAMP)) / 2
        burn = max(level + self._state[1] * reach, 0.1 * level)
        return answer(burn, runway(balance, burn))


BASELINES: dict[str, Callable[[float], Estimator]] = {  # told the dearest price
    "predict_linear 1h": lambda _: PredictLinear(1),
    "predict_linear 6h": lambda _: PredictLinear(6),
    "predict_linear 24h": lambda _: PredictLinear(24),
    "predict_linear 7d": lambda _: PredictLinear(168),
    "increase 24h": lambda dearest: Increase(dearest, 24),
    "increase 7d": lambda dearest: Increase(dearest, 168),
    "EWMA 24h": lambda dearest: Ewma(dearest, 24),
    "EWMA 72h": lambda dearest: Ewma(dearest, 72),
    "Holt raw gauge": lambda _: HoltRaw(),
    "Holt corrected burn": HoltBurn,
}
