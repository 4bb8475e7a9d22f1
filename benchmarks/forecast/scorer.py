"""How far off, how well ranged, how well alarmed: one trace's answers against its truth.

`decisions` says when an estimator is asked, `answers` asks it, `tally` compares. Tallies of many
traces are added together; `figures.py` makes the numbers of a table from the sum.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import pairwise

from benchmarks.forecast.baselines import Estimator
from benchmarks.forecast.demand import DAY, HOUR
from benchmarks.forecast.oracle import CausalOracle
from benchmarks.forecast.traces import Trace

WARN, CRITICAL = 24.0, 4.0  # hours of runway
LEAST, MOST = 1.0, 14 * 24.0  # true runways that are scored
_CLIP = (1 / 60, 60 * 24.0)  # answers are compared within a minute and sixty days
_APART = 6 * HOUR  # alarms closer than this are one episode
_TO_P25 = 0.526  # of the way from P50 to P10, in logarithms
BANDS = ((1.0, "1-6 h"), (6.0, "6-24 h"), (24.0, "1-3 d"), (72.0, "3-14 d"))


class Moment(IntEnum):
    """Why an estimator is asked."""

    GRID = 0
    AFTER_TOPUP = 1
    AFTER_GAP = 2
    AT_WRONG_VALUE = 3


@dataclass(frozen=True, slots=True)
class Decision:
    """One moment at which the answer matters, and what was true then."""

    at: float
    moment: Moment
    true: float  # hours, inf: beyond what is known
    refused: bool
    expected: float  # the causal oracle's hours
    in_spike: bool

    @property
    def scored(self) -> bool:
        """Whether the error counts."""
        return not self.refused and LEAST <= self.true <= MOST


@dataclass(frozen=True, slots=True)
class Answered:
    """An estimator's hours; None where it abstained."""

    p50: float | None
    p10: float | None = None
    p90: float | None = None

    @property
    def p25(self) -> float | None:
        """Log-linear between P50 and P10."""
        if self.p50 is None or self.p10 is None:
            return None
        middle, low = (math.log(min(max(p, 1e-3), 1e5)) for p in (self.p50, self.p10))
        return math.exp(middle - _TO_P25 * (middle - low))


@dataclass(slots=True)
class Alarms:
    """One rule on one series, over many traces."""

    ends: list[tuple[float, float]] = field(default_factory=list)  # hours there were, hours ahead
    false: int = 0
    episodes: int = 0
    firing: int = 0  # of the safe decisions
    safe: int = 0
    months: float = 0.0

    def add(self, other: Alarms) -> None:
        """Take another's counts."""
        self.ends += other.ends
        self.false, self.episodes = self.false + other.false, self.episodes + other.episodes
        self.firing, self.safe = self.firing + other.firing, self.safe + other.safe
        self.months += other.months


@dataclass(slots=True)
class Tally:
    """One estimator over many traces. Errors are signed: ln(answered / true)."""

    errors: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    asked: int = 0
    answered: int = 0
    ranges: dict[str, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))
    moments: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    cried: list[bool] = field(default_factory=list)  # critical at a wrong value, though safe
    alarms: dict[tuple[str, float], Alarms] = field(default_factory=lambda: defaultdict(Alarms))

    def add(self, other: Tally) -> None:
        """Take another's counts."""
        for key, errors in other.errors.items():
            self.errors[key] += errors
        for family, ranges in other.ranges.items():
            self.ranges[family] += ranges
        for name, found in other.moments.items():
            self.moments[name] += found
        for series, alarms in other.alarms.items():
            self.alarms[series].add(alarms)
        self.asked, self.answered = self.asked + other.asked, self.answered + other.answered
        self.cried += other.cried


def decisions(trace: Trace, every: float = 30.0) -> list[Decision]:
    """Each `every` minutes, and right after top-ups, outages and wrong values; in order."""
    moments = [(t, Moment.GRID) for t in _grid(trace, every * 60)]
    topups = (credit.at for credit in trace.credits if credit.change > 0)
    moments += [(t, Moment.AFTER_TOPUP) for t in _next_polls(trace, topups)]
    moments += [
        (t, Moment.AFTER_GAP) for t in _next_polls(trace, (b for _, b in trace.polls.outages))
    ]
    wrong = sorted(trace.polls.wrong)
    wrong = wrong[:: len(wrong) // 60 + 1] if len(wrong) > 60 else wrong
    moments += [(trace.polls.times[i] + 0.5, Moment.AT_WRONG_VALUE) for i in wrong]
    oracle = CausalOracle(trace)
    return [
        Decision(
            at=t,
            moment=moment,
            true=trace.runway(t),
            refused=trace.refused(t),
            expected=oracle.estimate(t)["runway_hours_p50"] or 0.0,
            in_spike=any(s.start <= t < s.end < math.inf for s in trace.shocks),
        )
        for t, moment in sorted(moments, key=lambda m: m[0])
        if t < trace.end
    ]


def _grid(trace: Trace, step: float) -> Iterable[float]:
    first = trace.start + 1800
    return (first + k * step for k in range(max(math.ceil((trace.end - first) / step), 0)))


def _next_polls(trace: Trace, times: Iterable[float]) -> list[float]:
    """Just after the first poll that follows each time."""
    polls = trace.polls.times
    places = (bisect_right(polls, t) for t in times)
    return [polls[i] + 0.5 for i in places if i < len(polls)]


def answers(estimator: Estimator, trace: Trace, asked: list[Decision]) -> list[Answered]:
    """Feed the polls up to each decision, then ask."""
    found, i = [], 0
    times, balances = trace.polls.times, trace.polls.balances
    for decision in asked:
        while i < len(times) and times[i] <= decision.at:
            estimator.update(times[i], balances[i])
            i += 1
        given = estimator.estimate(decision.at)
        found.append(Answered(given["runway_hours_p50"], given["p10"], given["p90"]))
    return found


def log_error(answered: float, true: float) -> float:
    """ln(answered / true), the answer clipped."""
    return math.log(min(max(answered, _CLIP[0]), _CLIP[1]) / true)


def tally(trace: Trace, asked: list[Decision], found: list[Answered]) -> Tally:
    """Everything that is counted of one estimator on one trace."""
    out = Tally()
    for decision, given in zip(asked, found, strict=True):
        _count_error(out, trace.family, decision, given)
        _count_range(out, trace.family, decision, given)
    series = {"p50": [a.p50 for a in found], "half": [a.p50 and a.p50 / 2 for a in found]}
    if any(a.p10 is not None for a in found):
        series |= {"p25": [a.p25 for a in found], "p10": [a.p10 for a in found]}
    for name, hours in series.items():
        for threshold in (WARN, CRITICAL):
            out.alarms[name, threshold] = alarms(trace, asked, hours, threshold)
    return out


def _count_error(out: Tally, family: str, decision: Decision, given: Answered) -> None:
    if not decision.scored:
        return
    on_grid = decision.moment is Moment.GRID
    out.asked += on_grid
    if given.p50 is None:
        return
    error = log_error(given.p50, decision.true)
    if on_grid:
        out.answered += 1
        out.errors[_band(decision.true), family].append(error)
        if decision.in_spike:
            out.moments["spike"].append(abs(error))
        return
    out.moments[decision.moment.name].append(abs(error))
    if decision.moment is Moment.AT_WRONG_VALUE and decision.true > 2 * CRITICAL:
        out.cried.append(given.p50 < CRITICAL)


def _band(true: float) -> str:
    return next(name for least, name in reversed(BANDS) if true >= least)


def _count_range(out: Tally, family: str, decision: Decision, given: Answered) -> None:
    """Where the oracle expects 1 h - 14 d: choosing by the truth would bend what is inside."""
    if decision.moment is not Moment.GRID or decision.refused:
        return
    if given.p10 is None or given.p90 is None or not LEAST <= decision.expected <= MOST:
        return
    side = -1 if decision.true < given.p10 else 1 if decision.true > given.p90 else 0
    out.ranges[family].append((side, log_error(given.p90, 1) - log_error(given.p10, 1)))


def alarms(
    trace: Trace, asked: list[Decision], hours: list[float | None], threshold: float
) -> Alarms:
    """Fires under the threshold, clears above 1.25 times it; an abstention clears."""
    on, firing = [], False
    for value in hours:
        value = math.inf if value is None else value
        firing = value < threshold or (firing and value <= 1.25 * threshold)
        on.append(firing)
    out = Alarms(months=(trace.end - trace.start) / DAY / 30)
    fired = [d for d, is_on in zip(asked, on, strict=True) if is_on]
    out.ends = [_ahead(trace, fired, end, threshold) for end, _ in trace.exhausted]
    for group in _episodes([d for d in fired if not d.refused]):
        out.episodes += 1
        out.false += min(d.true for d in group) > 2 * threshold
    out.safe = sum(_safe(d, threshold) for d in asked)
    out.firing = sum(_safe(d, threshold) for d in fired)
    return out


def _safe(decision: Decision, threshold: float) -> bool:
    return not decision.refused and decision.true > 2 * threshold


def _ahead(
    trace: Trace, fired: list[Decision], end: float, threshold: float
) -> tuple[float, float]:
    """Hours there were since the last credit, and hours ahead that the alarm first stood."""
    credits = [credit.at for credit in trace.credits if credit.at < end]
    since = max(credits[-1] if credits else trace.start, trace.start + 1800)
    from_ = max(since, end - 2 * threshold * HOUR)
    first = next((d.at for d in fired if from_ <= d.at <= end), end)
    return (end - since) / HOUR, (end - first) / HOUR


def _episodes(fired: list[Decision]) -> list[list[Decision]]:
    if not fired:
        return []
    groups = [[fired[0]]]
    for before, after in pairwise(fired):
        if after.at - before.at > _APART:
            groups.append([])
        groups[-1].append(after)
    return groups
