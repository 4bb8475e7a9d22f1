"""How wrong the forecasts were: what was said is kept until it is known what came.

Once an hour a mark is made of what the forecast says. When the balance has reached its floor, or
when credit came, the marks of about 24, 12 and 4 h before are scored against what was true.

- It ran out: the truth is the time from the mark to the floor; what was said is P50.
- Credit came: what would have come is not known. What was really spent since the mark is taken for
  a balance, and the question is how long the forecast of then would have given it. The truth is
  the time that it took.

`held` says whether P10 to P90 of then held the truth, in both cases of the same distribution.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from monitor.core.figures import estimate, second
from monitor.core.forecast import Forecast, amounts
from monitor.core.forecast_outlook import Standing
from monitor.core.model import Outlook

HORIZONS = (24, 12, 4)  # hours before an ending
KEPT = 20  # scores of each horizon
MARKS_FOR = 26 * 3600.0  # seconds for which a mark is kept
_NEAR = 2700.0  # seconds by which a mark may miss its horizon
_BLURRED = 0.25  # part of the horizon within which the ending has to be known
_LEAST_LUMPS = 3.0  # spent or expected, before spending says anything of a forecast
_LEAST_SAID, _MOST_SAID = 1 / 60, 60 * 24.0  # hours a forecast is taken for
_LARGEST = 3e38  # of a number in single precision


class Ended(StrEnum):
    """What ended the time a forecast spoke of."""

    RAN_OUT = "ran_out"  # the floor was reached by spending
    TOPPED_UP = "topped_up"  # credit came: a top-up, or a reset upwards


@dataclass(frozen=True, slots=True)
class Mark:
    """What the forecast said at one moment. Hours and credits; single precision from `p10` on."""

    at: float  # Unix seconds
    left: float  # above the floor
    p10: float
    p50: float
    p90: float
    expected: tuple[float, ...]  # to be spent within each of HORIZONS
    lump: float
    doubt: float


@dataclass(frozen=True, slots=True)
class Score:
    """One forecast against what happened. Hours, counted from when it was made."""

    at: datetime  # of the ending
    ended: Ended
    before: int  # the horizon
    said: float
    true: float
    held: bool

    @property
    def ratio(self) -> float:
        """`said / true`: above 1 it lasted shorter than was said."""
        return self.said / self.true


@dataclass(frozen=True, slots=True)
class Ending:
    """A balance ran out, or was topped up, and the scores that came of it."""

    at: datetime
    ended: Ended
    scores: tuple[Score, ...]


@dataclass(frozen=True, slots=True)
class Hindsight:
    """How the forecasts of one horizon have done, by the last scores (at most KEPT)."""

    before: int  # hours
    last: Score
    scores: int
    held: int  # of them, those whose P10 to P90 held the truth
    factor: float  # the median factor by which they were off, either way; never under 1
    scored_total: int  # since the ledger began
    held_total: int


def mark(forecast: Forecast, standing: Standing, outlook: Outlook) -> Mark | None:
    """What `outlook`, asked at the standing's own moment, says; None where it says nothing."""
    burn, low, mid, high = outlook.burn_per_hour, outlook.p10, outlook.p50, outlook.p90
    if burn is None or low is None or mid is None or high is None:
        return None
    levels = forecast.levels(standing.plan, standing.job)
    path = forecast.path(standing.at, levels)
    scale = 1.0
    if standing.plan > 0:  # the path gives the hours their shape; their level may be the plan's
        scale = burn / (path.mean(0.0) or math.inf)
    rates = (burn, *(path.mean(0.0, hours) * scale for hours in HORIZONS[1:]))
    expected = [rate * hours for rate, hours in zip(rates, HORIZONS, strict=True)]
    doubt = forecast.doubt(levels, forecast.plan_share if standing.plan > 0 else 0.0)
    numbers = (*(min(h, _MOST_SAID) for h in (low, mid, high)), *expected, levels.lump, doubt)
    return mark_of(standing.at, standing.left, _single(numbers))


def _single(numbers: Sequence[float]) -> tuple[float, ...]:
    """In single precision: what is kept and what is read back must be the same."""
    form = f"<{len(numbers)}f"
    return struct.unpack(form, struct.pack(form, *(min(_LARGEST, x) for x in numbers)))


def mark_of(at: float, left: float, numbers: Sequence[float]) -> Mark:
    """A mark of its numbers in the order of its members."""
    low, mid, high, *expected, lump, doubt = numbers
    return Mark(at, left, low, mid, high, tuple(expected), lump, doubt)


@dataclass(frozen=True, slots=True)
class Turn:
    """What has happened to a balance, for the marks made before. Times in Unix seconds."""

    at: float  # when it was booked
    seen: float  # when it was first seen
    since: float  # when the balance was last accepted before
    left: float  # above the floor, before any credit

    def known_within(self, hours: float) -> bool:
        """Whether its moment is known to `hours`."""
        return self.seen - self.since <= hours * 3600


def ran_out(marks: Iterable[Mark], turn: Turn) -> tuple[Score, ...]:
    """The scores of a balance that has reached its floor."""
    found = []
    for before, near, true in _nearest(marks, turn):
        held = near.p10 <= true <= near.p90
        found.append(_score(turn, Ended.RAN_OUT, before, near.p50, true, held))
    return tuple(found)


def topped_up(marks: Iterable[Mark], turn: Turn) -> tuple[Score, ...]:
    """The scores of a balance that had `left` when credit came."""
    found = []
    for before, near, true in _nearest(marks, turn):
        spent = max(0.0, near.left - turn.left)
        expected = near.expected[HORIZONS.index(before)] * true / before
        if near.lump <= 0 or max(spent, expected) < _LEAST_LUMPS * near.lump:
            continue
        # The moment was not chosen by a lump that reached the amount: no half lump is added.
        low, mid, high = amounts(max(0.0, spent - near.lump / 2), near.lump, near.doubt)
        said = true * mid / expected if expected > 0 else math.inf
        held = low <= expected <= high
        found.append(_score(turn, Ended.TOPPED_UP, before, said, true, held))
    return tuple(found)


def _nearest(marks: Iterable[Mark], turn: Turn) -> Iterable[tuple[int, Mark, float]]:
    """Of each horizon that can be scored: the mark, and the hours from it to the ending."""
    known = tuple(marks)
    for before in HORIZONS:
        wanted = turn.seen - before * 3600
        near = min(known, key=lambda m: abs(m.at - wanted), default=None)
        if near is None or abs(near.at - wanted) > _NEAR:
            continue
        if turn.known_within(before * _BLURRED):
            yield before, near, (turn.seen - near.at) / 3600


def _score(turn: Turn, ended: Ended, before: int, said: float, true: float, held: bool) -> Score:
    said, true = _single((min(_MOST_SAID, max(_LEAST_SAID, said)), true))
    return Score(moment(turn.seen), ended, before, said, true, held)


def moment(seconds: float) -> datetime:
    """Unix seconds as a time."""
    return datetime.fromtimestamp(seconds, UTC)


def hindsight(scores: Sequence[Score], scored_total: int, held_total: int) -> Hindsight:
    """The sum of one horizon's scores, of which there is at least one, the newest last."""
    off = sorted(abs(math.log(s.ratio)) for s in scores)
    half = len(off) // 2
    middle = off[half] if len(off) % 2 else (off[half - 1] + off[half]) / 2
    held = sum(s.held for s in scores)
    last = scores[-1]
    return Hindsight(
        last.before, last, len(scores), held, math.exp(middle), scored_total, held_total
    )


def figures(found: Iterable[Hindsight]) -> dict[str, dict[str, object]] | None:
    """By horizon (`24h`), ready for strict JSON; None where nothing was ever scored."""
    return {f"{h.before}h": _figures(h) for h in found} or None


def _figures(found: Hindsight) -> dict[str, object]:
    return {
        "last": {"at": second(found.last.at), "ended": found.last.ended.value}
        | score_figures(found.last),
        "scores": found.scores,
        "within_p10_p90": found.held,
        "median_factor": estimate(found.factor),
        "scored_total": found.scored_total,
        "within_p10_p90_total": found.held_total,
    }


def score_figures(score: Score) -> dict[str, object]:
    """One score, without what it was that ended."""
    return {
        "said_hours": estimate(score.said),
        "true_hours": estimate(score.true),
        "ratio": estimate(score.ratio),
        "within_p10_p90": score.held,
    }
