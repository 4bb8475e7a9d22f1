"""Accounts as they are found outside: no absurd runway, no wrong alert, whatever their habits."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from monitor.core.book import Book
from monitor.core.ledger import EntryKind

T0 = datetime(2026, 2, 2, tzinfo=UTC)
STEP = 600.0  # seconds between two samples
DAYS = 28
SEEN = 10 * 86400.0  # seconds from which on an account is judged

Life = Callable[[random.Random], Iterator[tuple[float, Decimal]]]


def life(
    spend: Callable[[random.Random, float], float],
    *,
    start: float,
    top_up: Callable[[float, float], float] = lambda _t, _b: 0.0,
    digits: int = 0,
) -> Life:
    """Seconds and balances: `spend(r, t)` within a step, `top_up(t, balance)`, rounded."""

    def tell(r: random.Random) -> Iterator[tuple[float, Decimal]]:
        balance, t = start, 0.0
        while t < DAYS * 86400.0:
            yield t, Decimal(repr(round(balance, digits)))
            balance += top_up(t, balance) - spend(r, t)
            t += STEP

    return tell


def jobs(per_step: float, *prices: float) -> Callable[[random.Random, float], float]:
    def spend(r: random.Random, _t: float) -> float:
        return sum(r.choice(prices) for _ in range(12) if r.random() < per_step / 12)

    return spend


def nightly(r: random.Random, t: float) -> float:
    return r.uniform(900.0, 1100.0) if t % 86400 == 3 * 3600 else 0.0


def month_end(r: random.Random, t: float) -> float:
    return jobs(1.5 if t >= 25 * 86400 else 0.5, 30.0)(r, t)


def dearer(r: random.Random, t: float) -> float:
    return jobs(0.5, 30.0 if t < 14 * 86400 else 60.0)(r, t)


def holidays(r: random.Random, t: float) -> float:
    return 0.0 if 14 <= t / 86400 < 18 else jobs(0.5, 30.0)(r, t)


def when_low(level: float, amount: float) -> Callable[[float, float], float]:
    return lambda _t, balance: amount if balance < level else 0.0


def on_day(day: float, amount: float) -> Callable[[float, float], float]:
    return lambda t, _b: amount if t == day * 86400 else 0.0


@dataclass(frozen=True)
class Account:
    """A life, its dearest job if it is known, and the least and most it spends in an hour."""

    life: Life
    job: float | None
    least: float
    most: float


ACCOUNTS = {
    "tokens at 0.0003 dollars": Account(
        life(jobs(3.0, 0.0003), start=5.0, digits=6), None, 0.0054 * 0.8, 0.0054 * 1.2
    ),
    "rounded to hundreds": Account(life(jobs(0.6, 30.0), start=80_000, digits=-2), 30.0, 70, 160),
    "one charge a night": Account(life(nightly, start=60_000), None, 28, 60),
    "two very different jobs": Account(
        life(jobs(0.5, 1.0, 1.0, 1.0, 1.0, 400.0), start=300_000), 400.0, 110, 440
    ),
    "recharged several times a day": Account(
        life(jobs(2.0, 30.0), start=900, top_up=when_low(300.0, 1000.0)), 30.0, 250, 480
    ),
    "a peak at the end of the month": Account(life(month_end, start=90_000), 30.0, 60, 300),
    "prices that double": Account(life(dearer, start=110_000), 60.0, 60, 220),
    "holidays": Account(life(holidays, start=70_000), 30.0, 15, 140),
}


@pytest.mark.parametrize("name", ACCOUNTS)
@pytest.mark.parametrize("seed", [1, 2])
def test_every_account_is_forecast_without_absurdity(name: str, seed: int) -> None:
    account = ACCOUNTS[name]
    job = None if account.job is None else Decimal(repr(account.job))
    book = Book(floor=Decimal(0), job_max=job, planned_burn=Decimal(0))
    for t, balance in account.life(random.Random(seed)):  # noqa: S311 - the same story each time
        at = T0 + timedelta(seconds=t)
        kind = book.update(at, balance).kind
        if t < SEEN or t % 7200:
            continue
        now = book.outlook(at)
        assert kind is not EntryKind.SUSPECT
        assert now.burn_per_hour is not None
        assert account.least <= now.burn_per_hour <= account.most
        assert now.p25 is not None
        slowest = float(balance) / account.most
        if slowest > 60:
            assert now.p25 > 24, f"warned at {t / 86400} days"
        if slowest > 10:
            assert now.p25 > 4, f"critical at {t / 86400} days"
        assert now.p50 is not None
        assert slowest * 0.7 <= now.p50 or slowest < 2
        assert now.p50 <= float(balance) / account.least * 1.5 + 30


def test_the_end_of_a_busy_day_is_no_spike() -> None:
    """What was spent of late is held against what is usual for just these hours."""
    begin = datetime(2026, 11, 2, tzinfo=UTC)
    book = Book(floor=Decimal(0), job_max=Decimal(25), planned_burn=Decimal(0))
    left, ratios = Decimal(900_000), []
    for step in range(21 * 24 * 12):
        at = begin + timedelta(minutes=5 * step)
        left -= 25 if 8 <= at.hour < 20 or step % 24 == 0 else 0
        book.update(at, left)
        now = book.outlook(at)
        if step > 14 * 24 * 12 and now.recent_burn_per_hour and now.usual_burn_per_hour:
            ratios.append(now.recent_burn_per_hour / now.usual_burn_per_hour)
    assert max(ratios) < 1.6
