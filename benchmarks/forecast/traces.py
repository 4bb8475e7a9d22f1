"""A trace: one made-up account's polls, and the truth behind them.

    from benchmarks.forecast.traces import generate
    trace = generate("kitchen_sink", seed=3, salt="any")
    trace.polls.times, trace.polls.balances     # what an estimator sees
    trace.runway(t)                             # hours it really had left, had nobody paid

Demand does not depend on the balance, so the truth is defined at every instant: the first moment
at which net demand since then exceeds the balance then. All of it follows from family, seed and
salt by `random.Random`, on every machine alike.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from random import Random

from benchmarks.forecast.account import Account, Credit
from benchmarks.forecast.demand import DAY, HOUR, SLOT, Events, Intensity, Shock, events, intensity
from benchmarks.forecast.more import FURTHER
from benchmarks.forecast.polling import Polls, poll, step_at
from benchmarks.forecast.recipes import FAMILIES, Recipe, common

_EPOCH = 1735516800.0  # 2024-12-30, a Monday


@dataclass
class Trace:
    """One account. Times in Unix seconds, money in its own unit."""

    family: str
    seed: int
    start: float
    end: float
    polls: Polls
    demand: Events
    steps: tuple[list[float], list[float]]  # the true balance: times, values
    credits: list[Credit] = field(default_factory=list)
    exhausted: list[tuple[float, float]] = field(default_factory=list)
    shocks: list[Shock] = field(default_factory=list)
    first_slot: float = 0.0
    known: list[list[float]] = field(default_factory=list)  # see Intensity
    job_max: float | None = 300.0  # what our estimator is told
    dearest: float = 300.0  # the dearest price there is at the start; the baselines are told this

    @property
    def name(self) -> str:
        """Family and seed."""
        return f"{self.family}/{self.seed}"

    def balance(self, t: float) -> float:
        """The true balance at a time."""
        return step_at(*self.steps, t)

    def runway(self, t: float) -> float:
        """Hours until demand exceeds the balance of `t`, nothing more credited; inf: beyond."""
        seen = bisect_right(self.demand.times, t)
        target = self._net[seen] + max(self.balance(t), 0.0)
        first = max(bisect_right(self._peaks, target), seen + 1)
        if first >= len(self._net):
            return math.inf
        return max(self.demand.times[first - 1] - t, 0.0) / HOUR

    def refused(self, t: float) -> bool:
        """Whether demand is being refused at a time, so that nothing can be foretold."""
        return self.balance(t) <= 0 or any(a <= t < b for a, b in self.exhausted)

    @cached_property
    def _net(self) -> list[float]:
        """Net demand before each event, and after the last."""
        return [0.0, *accumulate(self.demand.amounts)]

    @cached_property
    def _peaks(self) -> list[float]:
        return list(accumulate(self._net, max))

    @cached_property
    def expected(self) -> list[list[float]]:
        """[k]: the integral of `known[k]` at each slot's border, a hair steeper than flat."""
        return [
            [0.0, *accumulate(rate * SLOT / HOUR + 1e-9 for rate in rates)] for rates in self.known
        ]


def generate(family: str, seed: int, salt: str = "") -> Trace:
    """The trace of a family, a seed and a salt. Raises KeyError for an unknown family."""
    change = (FAMILIES | FURTHER)[family]
    rng = Random(f"{family}|{seed}|{salt}")  # noqa: S311 - made-up accounts, not secrets
    recipe = change(rng, common(rng, seed))
    start = _EPOCH + rng.randrange(365) * DAY + rng.uniform(0, DAY)
    end = start + recipe.days * DAY
    rates = intensity(recipe, rng, start, end)
    demand = events(recipe, rng, rates)
    account = Account(recipe, rng, _usual(recipe, rates, start, end))
    account.play(demand, start, end)
    polls = poll(recipe, rng, (account.times, account.values), start, end)
    return Trace(
        family=family,
        seed=seed,
        start=start,
        end=end,
        polls=polls,
        demand=demand,
        steps=(account.times, account.values),
        credits=account.credits,
        exhausted=account.exhausted,
        shocks=rates.shocks,
        first_slot=rates.first,
        known=rates.known,
        job_max=recipe.job_max,
        dearest=max(recipe.prices),
    )


def _usual(recipe: Recipe, rates: Intensity, start: float, end: float) -> float:
    """What top-ups are measured by; an account that hardly burns is still paid for."""
    return max(rates.mean(start, end), 2 * max(recipe.prices) / 300)
