"""Further families, which nothing was tuned on: what the nineteen leave out."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from benchmarks.forecast.recipes import PACKS, Change, Recipe, log_uniform

_TOKENS = (0.0004, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05)  # dollars a call


def _dollars(rng: Random, r: Recipe) -> Recipe:
    """A dollar account, token prices, shown to four decimals; nobody told it a price."""
    return replace(
        r, rate=log_uniform(rng, 0.05, 0.6), prices=_TOKENS, packs=tuple(p / 200 for p in PACKS),
        job_max=None, shown_in=0.0001, daily=0.6, cluster=rng.uniform(1, 8),
    )  # fmt: skip


def _dollar_cents(rng: Random, r: Recipe) -> Recipe:
    """The same, shown in whole cents, as most dashboards do."""
    return replace(_dollars(rng, r), shown_in=0.01, rate=log_uniform(rng, 0.02, 0.4))


def _hundreds(rng: Random, r: Recipe) -> Recipe:
    """The balance is shown in whole hundreds."""
    return replace(r, shown_in=100.0, daily=0.5)


def _posted_nightly(rng: Random, r: Recipe) -> Recipe:
    """The provider books the day's charges in one go at night, into debt if need be."""
    return replace(
        r, posted_at=rng.uniform(0, 24), overdraft=True, daily=0.5, pack_days=(2.0, 9.0)
    )


def _two_sizes(rng: Random, r: Recipe) -> Recipe:
    """Half of the money goes into jobs of 2, half into jobs of 300."""
    rate = log_uniform(rng, 15, 150)
    return replace(r, prices=(2.0, 300.0), even_prices=True, rate=rate, daily=0.5)


def _auto_many(rng: Random, r: Recipe) -> Recipe:
    """Auto-recharge in small packs, several times a day."""
    rate = rng.uniform(400, 1200)
    return replace(r, policy="auto_small", rate=rate, pack_days=(0.08, 0.3), daily=0.7)


def _month_end(rng: Random, r: Recipe) -> Recipe:
    """The last three days of a month take several times the rest."""
    return replace(r, month_end=rng.uniform(3, 6), daily=0.6, weekly=0.4)


def _replicas(rng: Random, r: Recipe) -> Recipe:
    """Two replicas answer in turn; one of them is minutes behind."""
    return replace(r, replica_seconds=rng.uniform(300, 2700), daily=0.5)


def _fixed_day(rng: Random, r: Recipe) -> Recipe:
    """A plan, set to its quota on the same day of every month."""
    return replace(r, renew_day=rng.randint(1, 28), daily=0.5, weekly=0.4)


def _price_doubles(rng: Random, r: Recipe) -> Recipe:
    """Every price doubles overnight; the work stays the same. Dearest job told: the old one."""
    day = rng.uniform(8, 26)
    return replace(r, price_change=(day, 2.0), daily=0.5, prices=r.prices[:6])


def _holiday(rng: Random, r: Recipe) -> Recipe:
    """Two quiet weeks in the middle, and all of it back after them."""
    pause = (rng.uniform(7, 18), rng.uniform(8, 15), rng.uniform(0.05, 0.3))
    return replace(r, holiday=pause, daily=0.8, weekly=0.6)


def _days_off(rng: Random, r: Recipe) -> Recipe:
    """A hobby: on every third day or so nothing at all happens."""
    return replace(r, days_off=rng.uniform(0.2, 0.5), daily=0.7, night=0.02)


def _expiry(rng: Random, r: Recipe) -> Recipe:
    """Promotional credits lapse: at times most of the balance is simply gone."""
    return replace(r, expiry_days=rng.uniform(5, 14), daily=0.5)


FURTHER: dict[str, Change] = {
    "dollars": _dollars,
    "dollar_cents": _dollar_cents,
    "hundreds": _hundreds,
    "posted_nightly": _posted_nightly,
    "two_sizes": _two_sizes,
    "auto_many": _auto_many,
    "month_end": _month_end,
    "replicas": _replicas,
    "fixed_day": _fixed_day,
    "price_doubles": _price_doubles,
    "holiday": _holiday,
    "days_off": _days_off,
    "expiry": _expiry,
}
