"""What the monitor sees of a balance: late, lost, stale and wrong answers among the right ones."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from random import Random

from benchmarks.forecast.demand import DAY, HOUR
from benchmarks.forecast.recipes import Recipe, poisson


@dataclass(slots=True)
class Polls:
    """Samples in order of time; `wrong` holds the places of values that never were the balance."""

    times: list[float]
    balances: list[float]
    wrong: set[int] = field(default_factory=set)
    outages: list[tuple[float, float]] = field(default_factory=list)


def step_at(times: list[float], values: list[float], t: float) -> float:
    """A right-continuous step function; before its first step its first value."""
    return values[max(bisect_right(times, t) - 1, 0)]


def poll(
    recipe: Recipe,
    rng: Random,
    steps: tuple[list[float], list[float]],
    start: float,
    end: float,
) -> Polls:
    """One account's polls from `start` to `end`; `steps`: the true balance."""
    outages = sorted(_outages(recipe, rng, start))
    times = _times(recipe, rng, outages, start, end)
    looks = _looks(recipe, rng, times, start)
    unit = recipe.shown_in
    shown = [round(step_at(*steps, look) / unit) * unit for look in looks]
    polls = Polls(times, shown, outages=outages)
    _spoil(recipe, rng, polls, recipe.zeros, wild=False)
    _spoil(recipe, rng, polls, recipe.wrong, wild=True)
    return polls


def _outages(recipe: Recipe, rng: Random, start: float) -> list[tuple[float, float]]:
    begins = [
        start + rng.uniform(0.3, max(0.4, recipe.days - 1)) * DAY for _ in range(recipe.outages)
    ]
    return [(begin, begin + rng.uniform(*recipe.outage_hours) * HOUR) for begin in begins]


def _times(
    recipe: Recipe, rng: Random, outages: list[tuple[float, float]], start: float, end: float
) -> list[float]:
    step, found = recipe.poll_seconds, []
    for k in range(int((end - start) / step)):
        t = start + k * step + rng.uniform(0, recipe.jitter * step)
        lost = rng.random() < recipe.lost or any(a <= t < b for a, b in outages)
        if k == 0 or not lost:
            found.append(t)
    return found


def _looks(recipe: Recipe, rng: Random, times: list[float], start: float) -> list[float]:
    """The moment each answer is really about."""
    old = recipe.replica_seconds
    looks = [t - rng.uniform(0, recipe.lag_seconds) - (old if old and rng.random() < 0.5 else 0)
             for t in times]  # fmt: skip
    for _ in range(recipe.freezes):
        begin = start + rng.uniform(0, recipe.days) * DAY
        end = begin + rng.uniform(300, 5400)
        for i in range(bisect_right(times, begin), len(times)):
            if times[i] >= end:
                break
            looks[i] = begin
    return looks


def _spoil(recipe: Recipe, rng: Random, polls: Polls, rate: float, *, wild: bool) -> None:
    """Wrong answers, one to three in a row: zeros, or wild ones."""
    if not rate or len(polls.times) < 2:
        return
    often = min(1.0, 5 * recipe.poll_seconds / HOUR + 0.2)
    for _ in range(poisson(rng, rate * len(polls.times) * often)):
        first = rng.randint(1, len(polls.times) - 1)
        run = 1
        while run < 3 and rng.random() < 0.3:
            run += 1
        for i in range(first, min(first + run, len(polls.times))):
            polls.wrong.add(i)
            polls.balances[i] = _wild(rng, polls.balances[i]) if wild else 0.0


def _wild(rng: Random, balance: float) -> float:
    return rng.choice((-1.0, 99999999.0, float(round(balance * rng.uniform(0.02, 0.3)))))
