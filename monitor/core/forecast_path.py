"""From an expected pace, hour by hour, to the time at which an amount will be spent."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitor.core.profile import BLOCK, WEEK, Profile

_SLOW, _DAY = 160.0, 24.0  # hours in which what the 90 h and 18 h levels know wears off
_FINE = 12  # hours walked one by one; then in blocks, by when the fast term is all but gone
_END = 336  # hours; what lies beyond is reached at the long level's pace
_SLOWER, _DAILY = math.exp(-1.0 / _SLOW), math.exp(-1.0 / _DAY)
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
        for at, width, credits_ in self._steps():
            reached = spent + credits_
            while reached >= goal:
                share = (goal - spent) / credits_ if goal > spent else 0.0
                found.append(u + (share * width if width <= 1.0 else self._into(at, share)))
                if len(found) == len(amounts):
                    return found
                goal = amounts[len(found)]
            spent = reached
            u += width
        rest = amounts[len(found) :]
        return found + [u + (a - spent) / self.long if self.long > 0 else math.inf for a in rest]

    def spent_by(self, hours: float) -> float:
        """Credits expected to go within `hours` of the start."""
        spent = u = 0.0
        for at, width, credits_ in self._steps():
            if u + width >= hours:
                reach, part = self.profile.reach, hours - u
                if width <= 1.0:
                    return spent + credits_ * part / width
                n = at + int(part)
                passed = reach[n] - reach[at] + (reach[n + 1] - reach[n]) * (part % 1.0)
                return spent + credits_ * passed / (reach[at + BLOCK] - reach[at])
            spent += credits_
            u += width
        return spent + self.long * (hours - u)

    def mean(self, begin: float, hours: int = 24) -> float:
        """Credits per hour expected over `hours` from `begin` (hours after the start) on."""
        week, reach, at = self.profile.week, self.profile.reach, self.start + begin
        first, part, fine = int(at) % WEEK, at % 1.0, hours % BLOCK or BLOCK
        slow, day, fast = self._fading(begin)
        faster, total = math.exp(-1.0 / self.fade), 0.0
        for n in range(first, first + fine):
            shape = week[n % WEEK] * (1.0 - part) + week[(n + 1) % WEEK] * part
            total += shape * (self.long + slow + day + fast)
            slow, day, fast = slow * _SLOWER, day * _DAILY, fast * faster
        for n in range(fine, hours, BLOCK):
            k = (first + n) % WEEK
            shape = (reach[k + BLOCK] - reach[k]) * (1.0 - part)
            shape += (reach[k + BLOCK + 1] - reach[k + 1]) * part
            total += shape * (self.long + sum(self._fading(begin + n, BLOCK)))
        return total / hours

    def _fading(self, u: float, width: float = 1.0) -> tuple[float, float, float]:
        """What slow, day and fast add to the pace over `width` hours that begin at `u`."""
        middle, fade = u + width / 2, self.fade
        fast = self.fast * math.exp(-u / fade) * fade / width * -math.expm1(-width / fade)
        return self.slow * math.exp(-middle / _SLOW), self.day * math.exp(-middle / _DAY), fast

    def _into(self, at: int, share: float) -> float:
        """Hours into the block that begins at the week's hour `at` when `share` of it is spent."""
        reach = self.profile.reach
        goal = reach[at] + share * (reach[at + BLOCK] - reach[at])
        n = bisect_left(reach, goal, at + 1, at + BLOCK)
        return n - 1 - at + (goal - reach[n - 1]) / (reach[n] - reach[n - 1])

    def _steps(self) -> Iterator[tuple[int, float, float]]:
        """Each step of the way: hour of the week, width in hours, credits expected in it."""
        week, reach, long = self.profile.week, self.profile.reach, self.long
        begun, first = int(self.start) % WEEK, 1.0 - self.start % 1.0
        yield begun, first, first * week[begun] * (long + sum(self._fading(0.0, first)))
        slow, day, fast = self._fading(first)
        faster = math.exp(-1.0 / self.fade)
        for at in range(begun + 1, begun + _FINE):
            yield at, 1.0, week[at % WEEK] * (long + slow + day + fast)
            slow, day, fast = slow * _SLOWER, day * _DAILY, fast * faster
        slow, day, fast = self._fading(first + _FINE - 1, BLOCK)
        slower, daily = _SLOWER**BLOCK, _DAILY**BLOCK
        faster **= BLOCK
        for n in range(begun + _FINE, begun + _END, BLOCK):
            at = n % WEEK
            yield at, BLOCK, (reach[at + BLOCK] - reach[at]) * (long + slow + day + fast)
            slow, day, fast = slow * slower, day * daily, fast * faster
