"""The balances of a soak: the forecast benchmark's demand, played over as many days as wanted."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from random import Random

from benchmarks.forecast.account import Account
from benchmarks.forecast.demand import DAY, HOUR, events, intensity
from benchmarks.forecast.polling import step_at
from benchmarks.forecast.recipes import FAMILIES, common


@dataclass(frozen=True, slots=True)
class Truth:
    """What really became of one balance; times in seconds since the soak began."""

    times: list[float]
    values: list[float]
    net_times: list[float]  # of the demand, the top-ups aside
    net: list[float]  # spent less refunded, so far
    end: float

    def balance(self, t: float) -> Decimal:
        """What the provider would tell."""
        return Decimal(str(round(step_at(self.times, self.values, t), 2)))

    def lowest(self, since: float, until: float) -> float:
        """The lowest balance between two moments."""
        low, high = bisect_right(self.times, since), bisect_right(self.times, until)
        return min([step_at(self.times, self.values, since), *self.values[low:high]])

    def spent(self, until: float) -> float:
        """Spent less refunded, from the beginning on."""
        seen = bisect_right(self.net_times, until)
        return self.net[seen - 1] if seen else 0.0

    def per_hour(self, since: float, until: float) -> float:
        """What was spent for each hour between two moments."""
        return (self.spent(until) - self.spent(since)) / max((until - since) / HOUR, 1e-9)


def truth(family: str, seed: int, start: datetime, days: int) -> Truth:
    """An account of a family of the forecast benchmark, from `start` on."""
    rng = Random(f"soak|{family}|{seed}")  # noqa: S311 - a made-up account
    drawn = FAMILIES[family](rng, common(rng, seed))
    recipe = replace(drawn, days=float(days), policy="low", pack_days=(5.0, 12.0))
    begin, end = start.timestamp(), start.timestamp() + days * DAY
    rates = intensity(recipe, rng, begin, end)
    demand = events(recipe, rng, rates)
    account = Account(recipe, rng, max(rates.mean(begin, end), 2.0))
    account.play(demand, begin, end)
    credited = {(c.at, c.change) for c in account.credits}
    net_times, net, spent = [], [], 0.0
    for n in range(1, len(account.times)):
        at, change = account.times[n], account.values[n] - account.values[n - 1]
        if not any(math.isclose(change, c, abs_tol=1e-6) for t, c in credited if t == at):
            spent -= change
            net_times.append(at - begin)
            net.append(spent)
    return Truth([t - begin for t in account.times], account.values, net_times, net, days * DAY)
