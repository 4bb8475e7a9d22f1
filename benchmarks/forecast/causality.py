"""Nothing may know what is still to come, and asking may change nothing."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace

from benchmarks.forecast.baselines import Estimator
from benchmarks.forecast.polling import Polls
from benchmarks.forecast.scorer import Answered, answers, decisions
from benchmarks.forecast.traces import Trace, generate

Build = Callable[[Trace], Estimator]
_FAMILIES = ("kitchen_sink", "dirty")


def faults(make: Build) -> list[str]:
    """What changed that must not have, in words; empty: nothing."""
    found = []
    for family in _FAMILIES:
        trace = generate(family, 2)
        asked = decisions(trace, 360)
        whole = answers(make(trace), trace, asked)
        half = len(asked) // 2
        short = cut(trace, asked[half].at)
        if not same(whole[: half + 1], answers(make(short), short, asked[: half + 1])):
            found.append(f"{family}: other answers when what came after is cut off")
        if not same(whole[::7], answers(make(trace), trace, asked[::7])):
            found.append(f"{family}: other answers when asked less often")
    return found


def cut(trace: Trace, at: float) -> Trace:
    """The same account, of which nothing was polled after a time."""
    count = bisect_right(trace.polls.times, at)
    polls = Polls(trace.polls.times[:count], trace.polls.balances[:count])
    return replace(trace, polls=polls)


def same(some: list[Answered], others: list[Answered]) -> bool:
    """Whether two runs answered alike."""
    pairs = zip(some, others, strict=True)
    return all(_same(a.p50, b.p50) and _same(a.p10, b.p10) for a, b in pairs)


def _same(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=1e-9)
