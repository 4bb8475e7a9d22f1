"""The balance: demand played against top-ups, plans and refusals."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from benchmarks.forecast.demand import DAY, HOUR, Events
from benchmarks.forecast.recipes import Recipe


@dataclass(frozen=True, slots=True)
class Credit:
    """A change of the balance that no job made."""

    at: float
    change: float
    kind: str  # topup, reset, lapse


@dataclass(slots=True)
class Account:
    """What happens to one balance from `start` to `end`; filled by `play`."""

    recipe: Recipe
    rng: Random
    usual: float  # money per hour, which top-ups are measured by
    balance: float = 0.0
    times: list[float] = field(default_factory=list)  # the true balance, as steps
    values: list[float] = field(default_factory=list)
    credits: list[Credit] = field(default_factory=list)
    exhausted: list[tuple[float, float]] = field(
        default_factory=list
    )  # first refusal, next credit
    _refused: set[int] = field(default_factory=set)
    _out_since: float | None = None
    _due: float = math.inf  # when the ordered top-up arrives
    _pack: float = 0.0
    _threshold: float = 0.0  # auto-recharge below this
    _low: float = 0.0  # somebody notices below this

    def play(self, demand: Events, start: float, end: float) -> None:
        """Everything in order of time; charges before `start` never were."""
        self._open(start)
        planned = self._planned(start, end)
        i, p = 0, 0
        while i < len(demand.times) and demand.times[i] < start:
            i += 1
        while True:
            job = demand.times[i] if i < len(demand.times) else math.inf
            plan = planned[p][0] if p < len(planned) else math.inf
            now = min(job, plan, self._due)
            if now >= end:
                break
            if now == self._due:
                auto = self.recipe.policy.startswith("auto")
                self._credit(now, "topup", self._pack if auto else self._amount())
            elif now == plan:
                self._planned_credit(*planned[p])
                p += 1
            else:
                self._charge(now, demand.amounts[i], demand.jobs[i])
                i += 1
        if self._out_since is not None:
            self.exhausted.append((self._out_since, end))

    def _open(self, start: float) -> None:
        self.balance = self._amount() * self.rng.uniform(0.3, 1.2)
        self._pack = self._amount()
        self._threshold = self._pack * self.rng.uniform(0.1, 0.4)
        self._low = self._amount() * self.rng.uniform(0.05, 0.3)
        self.times.append(start)
        self.values.append(self.balance)

    def _amount(self) -> float:
        """The pack nearest to some days of the usual burn."""
        low, high = self.recipe.pack_days
        days = math.exp(self.rng.uniform(math.log(low), math.log(high)))
        want = self.usual * 24 * days
        return min(self.recipe.packs, key=lambda pack: abs(math.log(pack / want)))

    def _planned(self, start: float, end: float) -> list[tuple[float, str, float]]:
        found: list[tuple[float, str, float]] = []
        recipe = self.recipe
        if recipe.policy.startswith("scheduled"):
            often = recipe.policy == "scheduled_often"
            step = 0.3 if often else sum(recipe.pack_days) / 2
            at = start
            while at < end:
                at += self.rng.expovariate(1 / (step * 0.9)) * DAY
                found.append((at, "topup", 0.0))
        found += [(at, "reset", quota) for at, quota in self._resets(start, end)]
        if recipe.expiry_days:
            at = start + self.rng.uniform(1, recipe.expiry_days) * DAY
            while at < end:
                found.append((at, "lapse", self.rng.uniform(0.4, 0.9)))
                at += recipe.expiry_days * DAY
        return sorted(found)

    def _resets(self, start: float, end: float) -> list[tuple[float, float]]:
        days = self.recipe.reset_days or (30 if self.recipe.renew_day else 0)
        if not days:
            return []
        quota = self.usual * 24 * days * self.rng.uniform(0.6, 1.5)
        quota = math.ceil(quota / 1000) * 1000.0
        if self.recipe.renew_day:
            hours = int((end - start) / HOUR)
            dates = [start + h * HOUR for h in range(hours)]
            return [(t, quota) for t in dates if _renews(t, self.recipe.renew_day)]
        first = start + self.rng.uniform(0.2, min(days, 12)) * DAY
        count = math.ceil((end - first) / (days * DAY))
        return [(first + k * days * DAY, quota) for k in range(count)]

    def _planned_credit(self, at: float, kind: str, amount: float) -> None:
        if kind == "lapse":
            self._credit(at, kind, -max(self.balance, 0) * amount)
        elif kind == "reset":
            self._credit(at, kind, amount - self.balance)
        else:
            self._credit(at, kind, self._amount())

    def _credit(self, at: float, kind: str, change: float) -> None:
        self._step(at, change)
        self.credits.append(Credit(at, change, kind))
        if self._out_since is not None and self.balance > 0:
            self.exhausted.append((self._out_since, at))
            self._out_since = None
        if kind == "topup":
            self._due = math.inf

    def _step(self, at: float, change: float) -> None:
        self.balance += change
        self.times.append(at)
        self.values.append(self.balance)

    def _charge(self, at: float, amount: float, job: int) -> None:
        if amount < 0:
            if job not in self._refused:
                self._step(at, -amount)
            return
        serves = self.balance > 0 if self.recipe.overdraft else self.balance >= amount
        if serves:
            self._step(at, -amount)
        else:
            self._refused.add(job)
        gone = not serves or (self.recipe.overdraft and self.balance <= 0)
        if gone and self._out_since is None:
            self._out_since = at
        if self._due == math.inf:
            self._order(at, gone=gone)

    def _order(self, at: float, *, gone: bool) -> None:
        """Whoever pays notices: a machine in seconds, people in hours."""
        policy, rng = self.recipe.policy, self.rng
        if policy.startswith("auto"):
            if self.balance < self._threshold:
                self._due = at + (
                    rng.uniform(2, 40) if policy == "auto" else rng.uniform(30, 1200)
                )
        elif policy == "low" and self.balance < self._low:
            self._due = at + rng.expovariate(1 / 10) * HOUR
        elif gone:
            self._due = at + min(max(rng.lognormvariate(math.log(3), 0.9), 0.2), 30) * HOUR


def _renews(t: float, day: int) -> bool:
    """Whether the first hour of the plan's day of the month has just begun."""
    at = datetime.fromtimestamp(t, UTC)
    return at.day == day and at.hour == 0
