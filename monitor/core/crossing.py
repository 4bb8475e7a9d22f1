"""How likely a balance falls to a line within a while, by how much and how unevenly is spent."""

from __future__ import annotations

import math
from dataclasses import dataclass

_TAIL = 900.0  # seconds in which a batch of jobs dies down
_AGAIN = 0.5  # of what went lately, what the same batch will still spend
_EXACT = 1e-9  # relative
_NOTHING = 1e-12
_SMOOTH = 200.0  # lumps, beyond which nothing is uneven


@dataclass(frozen=True, slots=True)
class Ahead:
    """What may become of a balance above the next line that somebody watches. Credits, seconds."""

    left: float  # credits above the line
    pace: float = 0.0  # credits per second that are expected
    batch: float = 0.0  # credits that the jobs under way will still spend, in the end
    lump: float = 0.0  # variance by mean of what is spent: the size of what goes at once
    p10: float | None = None  # seconds until the line, at P10; None: not known

    def chance(self, seconds: float) -> float:
        """The chance that the line is crossed within `seconds`: grows with them.

        What is spent is taken as a gamma process, as by the forecast: its mean is what is
        expected, its variance the lump times that.
        """
        if self.left <= 0:
            return 1.0
        expected = self.pace * seconds + self.batch * -math.expm1(-seconds / _TAIL)
        if expected <= 0 or self.lump <= _NOTHING * self.left:  # it all goes evenly
            return float(expected >= self.left)
        return _beyond(self.left / self.lump, expected / self.lump)


@dataclass(slots=True)
class Batch:
    """Jobs come together: what went lately, of which a part is still to follow.

    Mutable, two numbers. It is no part of a book's stored state: after a quarter of an hour
    nothing is left of it.
    """

    spent: float = 0.0  # credits, fading
    at: float = -math.inf  # Unix seconds that they have faded to

    def add(self, since: float, until: float, burn: float) -> None:
        """Credits went between two Unix times, none knows when; what came back is no matter."""
        if burn > 0 and until > since:
            width = (until - since) / _TAIL
            self.spent = self._faded(until) - burn * math.expm1(-width) / width
            self.at = until

    def to_come(self, now: float) -> float:
        """Credits that the jobs under way will still spend."""
        return _AGAIN * self._faded(now)

    def _faded(self, now: float) -> float:
        return self.spent * math.exp(-abs(now - self.at) / _TAIL)  # a clock may be put back


def _beyond(x: float, shape: float) -> float:
    """The chance that a gamma variable of scale 1 exceeds `x`: incomplete gamma, regularized.

    Its series under the mean, its continued fraction (Lentz) above; where there are hundreds of
    lumps, and either would take hundreds of steps, Wilson and Hilferty's normal approximation.
    """
    if x < _NOTHING or shape < _NOTHING:
        return float(x < _NOTHING)
    if shape > _SMOOTH:
        root = (x / shape) ** (1 / 3) - 1.0 + 1.0 / (9.0 * shape)
        return 0.5 * math.erfc(root * math.sqrt(4.5 * shape))
    weight = shape * math.log(x) - x - math.lgamma(shape)
    if x >= shape + 1.0:
        return math.exp(weight) * _fraction(x, shape)
    return max(0.0, 1.0 - math.exp(weight) * _series(x, shape))


def _series(x: float, shape: float) -> float:
    term = total = 1.0 / shape
    while term > total * _EXACT:
        shape += 1.0
        term *= x / shape
        total += term
    return total


def _fraction(x: float, shape: float) -> float:
    b = x + 1.0 - shape
    c, d, step, n = math.inf, 1.0 / b, 0.0, 0
    found = d
    while abs(step - 1.0) > _EXACT:
        n += 1
        a = n * (shape - n)
        b += 2.0
        d, c = 1.0 / (a * d + b), b + a / c
        step = c * d
        found *= step
    return found
