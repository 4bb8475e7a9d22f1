"""From an expected pace, hour by hour, to the time at which an amount will be spent."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitor.core.profile import WEEK, Profile

_SLOW, _DAY = 160.0, 24.0  # hours in which what the 90 h and 18 h levels know wears off
_FINE = 48  # hours walked one by one; then in blocks, by when the fast terms are gone
_BLOCK = 6
_END = 336  # hours; what lies beyond is reached at the long level's pace
_SLOWER, _DAILY = math.exp(-1.0 / _SLOW), math.exp(-1.0 / _DAY)
_SLOWER6, _DAILY6 = _SLOWER**_BLOCK, _DAILY**_BLOCK
Z10 = 1.2815515655446004  # the normal distribution's 10 % point


@dataclass(frozen=True, slots=True)
class Path:
    """The expected pace from one moment on, in credits per hour: levels that fade into another.

    `shape(t) * (long + slow e^(-u/160) + day e^(-u/24) + fast e^(-u/fade))`, u hours from `start`.
    Never negative, as each level that fades gives way to another level.
    """

    start: float  # hours since the epoch
    long: float
    slow: float
    day: float
    fast: float
    fade: float  # hours
    profile: Profile

    def hours_until(self, amounts: Sequence[float]) -> list[float]:
        """Hours from the start until each of the rising `amounts` is spent; inf: never."""
        found: list[float] = []
        spent = u = 0.0
        goal = amounts[0]
        for width, rate in self._steps():
            reached = spent + rate * width
            while reached >= goal:
                found.append(u + (goal - spent) / rate if goal > spent else u)
                if len(found) == len(amounts):
                    return found
                goal = amounts[len(found)]
            spent = reached
            u += width
        rest = amounts[len(found) :]
        return found + [u + (a - spent) / self.long if self.long > 0 else math.inf for a in rest]

    def mean(self, begin: float, hours: int = 24) -> float:
        """Credits per hour expected over `hours` from `begin` (hours after the start) on."""
        week, at = self.profile.week, self.start + begin
        first, part = int(at), at % 1.0
        slow, day, fast = self._fading(begin)
        faster, total = math.exp(-1.0 / self.fade), 0.0
        for n in range(first, first + hours):
            shape = week[n % WEEK] * (1.0 - part) + week[(n + 1) % WEEK] * part
            total += shape * (self.long + slow + day + fast)
            slow, day, fast = slow * _SLOWER, day * _DAILY, fast * faster
        return total / hours

    def shape(self, begin: float) -> float:
        """The profile's factor `begin` hours after the start."""
        return self.profile.week[int(self.start + begin) % WEEK]

    def _fading(self, u: float, width: float = 1.0) -> tuple[float, float, float]:
        """What slow, day and fast add to the pace over `width` hours that begin at `u`."""
        middle, fade = u + width / 2, self.fade
        fast = self.fast * math.exp(-u / fade) * fade / width * -math.expm1(-width / fade)
        return self.slow * math.exp(-middle / _SLOW), self.day * math.exp(-middle / _DAY), fast

    def _steps(self) -> Iterator[tuple[float, float]]:
        """Width in hours and mean rate of each step of the way."""
        week, reach, long = self.profile.week, self.profile.reach, self.long
        begun, first = int(self.start) % WEEK, 1.0 - self.start % 1.0
        yield first, week[begun] * (long + sum(self._fading(0.0, first)))
        slow, day, fast = self._fading(first)
        faster = math.exp(-1.0 / self.fade)
        for at in range(begun + 1, begun + _FINE):
            yield 1.0, week[at % WEEK] * (long + slow + day + fast)
            slow, day, fast = slow * _SLOWER, day * _DAILY, fast * faster
        slow, day = slow * _SLOWER**2.5, day * _DAILY**2.5
        for at in range(begun + _FINE, begun + _END, _BLOCK):
            at %= WEEK
            yield 6.0, (reach[at + _BLOCK] - reach[at]) / _BLOCK * (long + slow + day)
            slow, day = slow * _SLOWER6, day * _DAILY6
