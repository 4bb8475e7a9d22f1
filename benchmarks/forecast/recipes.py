"""What the accounts are like: nineteen families, each a recipe drawn from a seed.

Money is in the account's own unit, times in hours or days as each name says. A family fixes what
it is about; the rest (rate, policy, poll interval) is drawn like everybody's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

POLL_SECONDS = (60, 120, 300, 600, 900, 1800, 3600)
PRICES = (25.0, 30.0, 40.0, 50.0, 75.0, 100.0, 150.0, 200.0, 300.0)
PACKS = (1e3, 2e3, 3e3, 5e3, 1e4, 2e4, 3e4, 5e4)


@dataclass(frozen=True, slots=True)
class Recipe:
    """One account: its demand, how it is paid for, how it is polled."""

    # demand
    rate: float  # money per hour, on average
    cluster: float  # jobs that come together, mean of a geometric
    cluster_seconds: float
    fail: float  # share of jobs refunded
    days: float = 35.0
    prices: tuple[float, ...] = PRICES
    even_prices: bool = False  # each price takes the same share of the money
    daily: float = 0.0  # 0 flat .. 1 all of it follows the working day
    night: float = 0.3
    weekly: float = 0.0  # > 0: share lost on weekends; < 0: gained
    growth: float = 0.0  # a week
    noise: float = 0.15  # of a day's level, as a standard deviation of the log
    batch: float = 0.0  # share run by one nightly job
    spikes: int = 0
    shifts: int = 0
    onset_day: float | None = None
    stop_day: float | None = None
    month_end: float = 1.0  # factor in the last three days of a month
    holiday: tuple[float, float, float] | None = None  # day, days, factor
    days_off: float = 0.0  # chance of a day without any use
    price_change: tuple[float, float] | None = None  # day, factor
    posted_at: float | None = None  # hour at which the day's charges are booked at once
    # paying
    policy: str = "late"  # late, low, auto, auto_small, scheduled, scheduled_often
    pack_days: tuple[float, float] = (0.5, 9.0)  # how long a top-up lasts
    packs: tuple[float, ...] = PACKS
    overdraft: bool = False
    reset_days: float = 0.0  # plan renewed every so many days
    renew_day: int = 0  # plan renewed on this day of the month
    expiry_days: float = 0.0  # what is left of old credits lapses every so many days
    # polling
    poll_seconds: int = 300
    job_max: float | None = 300.0  # what the estimator is told; None: nothing
    shown_in: float = 1.0  # the step of the balance that is shown
    outages: int = 0
    outage_hours: tuple[float, float] = (1.5, 8.0)
    lost: float = 0.01
    zeros: float = 0.0
    wrong: float = 0.0
    freezes: int = 0
    lag_seconds: float = 0.0
    replica_seconds: float = 0.0  # every other answer, at random, is this old
    jitter: float = 0.02


Change = Callable[[Random, Recipe], Recipe]


def common(rng: Random, seed: int) -> Recipe:
    """What every account draws before its family changes it."""
    return Recipe(
        rate=log_uniform(rng, 15, 1200),
        cluster=rng.uniform(1, 4),
        cluster_seconds=rng.uniform(60, 900),
        fail=rng.uniform(0.005, 0.03),
        policy=rng.choice(("late", "late", "low", "scheduled")),
        outages=poisson(rng, 0.7),
        poll_seconds=POLL_SECONDS[seed % len(POLL_SECONDS)],
    )


def log_uniform(rng: Random, low: float, high: float) -> float:
    """Evenly spread over the orders of magnitude between the two."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def poisson(rng: Random, mean: float) -> int:
    """How many events of a unit clock fall within `mean`."""
    count, clock = 0, rng.expovariate(1)
    while clock < mean:
        count, clock = count + 1, clock + rng.expovariate(1)
    return count


def _steady(rng: Random, r: Recipe) -> Recipe:
    return replace(r, cluster=1.0, noise=0.0, outages=0)


def _diurnal(rng: Random, r: Recipe) -> Recipe:
    return replace(r, daily=1.0, night=rng.uniform(0, 0.1))


def _weekly(rng: Random, r: Recipe) -> Recipe:
    sign = rng.choice((1, 1, -1))
    return replace(r, daily=0.9, night=0.05, weekly=sign * rng.uniform(0.7, 0.97))


def _growth(rng: Random, r: Recipe) -> Recipe:
    return replace(r, daily=0.5, weekly=0.3, growth=rng.uniform(0.1, 0.4), rate=r.rate / 2)


def _decline(rng: Random, r: Recipe) -> Recipe:
    return replace(r, daily=0.5, growth=-rng.uniform(0.15, 0.5), rate=r.rate * 2)


def _spike(rng: Random, r: Recipe) -> Recipe:
    return replace(r, daily=0.6, spikes=rng.randint(2, 4))


def _bursty(rng: Random, r: Recipe) -> Recipe:
    size, seconds = rng.uniform(15, 60), rng.uniform(300, 3600)
    return replace(r, cluster=size, cluster_seconds=seconds, daily=0.5, noise=0.3)


def _slow(rng: Random, r: Recipe) -> Recipe:
    return replace(r, rate=rng.uniform(4, 25), cluster=1.5, daily=0.5, pack_days=(2, 16))


def _idle(rng: Random, r: Recipe) -> Recipe:
    if rng.random() < 0.5:
        return replace(r, onset_day=rng.uniform(4, 20), daily=0.6)
    return replace(r, stop_day=rng.uniform(8, 24), daily=0.6)


def _topups(rng: Random, r: Recipe) -> Recipe:
    policy = rng.choice(("auto", "auto_small", "scheduled_often"))
    rate = rng.uniform(150, 900)
    return replace(r, rate=rate, policy=policy, daily=0.5, pack_days=(0.15, 1.5))


def _refunds(rng: Random, r: Recipe) -> Recipe:
    return replace(r, fail=rng.uniform(0.12, 0.3), daily=0.5)


def _resets(rng: Random, r: Recipe) -> Recipe:
    return replace(r, reset_days=rng.choice((7.0, 10.0, 30.0)), daily=0.5, weekly=0.4)


def _gaps(rng: Random, r: Recipe) -> Recipe:
    return replace(r, outages=rng.randint(7, 13), outage_hours=(2, 30), lost=0.05, daily=0.6)


def _dirty(rng: Random, r: Recipe) -> Recipe:
    lag, zeros = rng.choice((0.0, 120.0, 600.0)), rng.uniform(0.002, 0.01)
    freezes = rng.randint(8, 24)
    return replace(
        r, lost=0.12, zeros=zeros, wrong=0.002, freezes=freezes, lag_seconds=lag, daily=0.5
    )


def _negative(rng: Random, r: Recipe) -> Recipe:
    return replace(r, overdraft=True, cluster=rng.uniform(3, 8), daily=0.4)


def _level_shift(rng: Random, r: Recipe) -> Recipe:
    return replace(r, shifts=rng.randint(2, 3), daily=0.5)


def _nightly_batch(rng: Random, r: Recipe) -> Recipe:
    return replace(r, batch=rng.uniform(0.6, 0.95), noise=0.25, daily=0.3)


def _cold_start(rng: Random, r: Recipe) -> Recipe:
    days, daily = rng.uniform(0.6, 3), rng.choice((0.0, 0.7))
    return replace(r, days=days, daily=daily, pack_days=(0.2, 3.0), outages=0)


def _kitchen_sink(rng: Random, r: Recipe) -> Recipe:
    demand = replace(
        r, daily=0.8, night=0.08, weekly=0.6, growth=rng.uniform(-0.1, 0.25), noise=0.3,
        spikes=rng.randint(1, 2), shifts=rng.randint(0, 1), fail=0.05,
        cluster=rng.uniform(2, 12), cluster_seconds=rng.uniform(120, 1800),
    )  # fmt: skip
    return replace(
        demand, policy=rng.choice(("late", "low", "auto", "scheduled")), outages=rng.randint(2, 5),
        outage_hours=(1.5, 16), lost=0.03, zeros=0.001, freezes=5,
    )  # fmt: skip


FAMILIES: dict[str, Change] = {
    "steady": _steady,
    "diurnal": _diurnal,
    "weekly": _weekly,
    "growth": _growth,
    "decline": _decline,
    "spike": _spike,
    "bursty": _bursty,
    "slow": _slow,
    "idle": _idle,
    "topups": _topups,
    "refunds": _refunds,
    "resets": _resets,
    "gaps": _gaps,
    "dirty": _dirty,
    "negative": _negative,
    "level_shift": _level_shift,
    "nightly_batch": _nightly_batch,
    "cold_start": _cold_start,
    "kitchen_sink": _kitchen_sink,
}
