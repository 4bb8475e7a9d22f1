"""Two replicas a constant amount apart, in turn or as it comes: one account, not two."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from monitor.core.book import Book, EntryKind
from monitor.core.builtin import BUILTIN
from monitor.core.model import Sample
from monitor.core.replay import Replay, plain_account
from monitor.core.replicas import Swing

T0 = datetime(2026, 11, 1, tzinfo=UTC)
DAYS, PRICE, EVERY = 5, 25, 25  # a job of 25 about every 25 minutes


def answers(apart: int, minutes: int, order: str) -> tuple[list[Sample], int]:
    """What a monitor reads, and what was really spent."""
    rng = random.Random(f"{apart}/{minutes}/{order}")  # noqa: S311 - the same on every machine
    left, found = 40_000, []
    for n in range(DAYS * 1440 // minutes):
        left -= PRICE if rng.random() < minutes / EVERY else 0
        high = n % 2 == (order == "low first") if order != "random" else rng.random() < 0.5
        found.append(Sample(T0 + timedelta(minutes=n * minutes), Decimal(left + apart * high)))
    return found, 40_000 - left


@pytest.mark.parametrize("order", ["high first", "low first", "random"])
@pytest.mark.parametrize("minutes", [1, 5])
@pytest.mark.parametrize("apart", [1000, 5000, 20_000])
def test_who_disagrees_with_himself_raises_no_alert_and_spends_no_more(
    apart: int, minutes: int, order: str
) -> None:
    account = plain_account()
    replay = Replay(account, account.targets[0], BUILTIN)
    samples, truly = answers(apart, minutes, order)
    for sample in samples:
        replay.step(sample)
    found = replay.result()
    assert found.incidents == ()
    spent = found.totals.spent - found.totals.refunded
    assert truly - PRICE <= spent <= truly + apart / 50
    assert found.totals.spent < truly + 3 * apart
    assert found.outlook.burn_per_hour == pytest.approx(60, rel=0.35)
    assert found.balance is not None
    assert found.balance <= 40_000 - truly + apart / 50  # the lower one: the careful answer


def test_a_credit_as_large_as_the_swing_is_believed_once_it_stays() -> None:
    book = Book(floor=Decimal(0), job_max=Decimal(25), planned_burn=Decimal(0))
    told = [10_000, 15_000, 10_000, 15_000, 10_000, *[15_000] * 30]
    for n, balance in enumerate(told):
        entry = book.update(T0 + timedelta(minutes=n), Decimal(balance))
        if n > 4 and entry.kind is not EntryKind.UNCHANGED:
            believed = n
    assert (book.accepted, believed) == (15_000, 25)


def test_a_swing_that_is_over_for_a_day_is_forgotten() -> None:
    swing = Swing()
    swing.begin(0.0, Decimal(5000), high=False)
    assert swing.level(60.0, Decimal(15_000), Decimal(10_000)) == 10_000
    assert swing.level(120.0, Decimal(9_975), Decimal(10_000)) == 9_975
    assert swing.level(90_000.0, Decimal(14_975), Decimal(9_975)) == 9_975  # it changes sides
    swing.begin(0.0, Decimal(5000), high=False)
    assert swing.level(90_000.0, Decimal(9_950), Decimal(9_975)) == 9_950
    assert not swing.apart


def test_how_far_they_are_apart_is_learned_to_the_credit() -> None:
    swing = Swing()
    swing.begin(0.0, Decimal(4950), high=False)  # a job of 50 went in between
    assert swing.level(60.0, Decimal(15_000), Decimal(10_000)) == 10_000
    assert swing.apart == 5000
    swing.begin(0.0, Decimal(5050), high=True)
    assert swing.level(60.0, Decimal(10_000), Decimal(9_950)) == 10_000
    assert swing.apart == 5000


def test_what_is_neither_replica_is_judged_as_it_comes() -> None:
    swing = Swing()
    swing.begin(0.0, Decimal(5000), high=True)
    assert swing.level(60.0, Decimal(65_000), Decimal(10_000)) == 60_000


def test_an_end_that_the_higher_replica_tells_is_nothing_left_and_not_less() -> None:
    swing = Swing()
    swing.begin(0.0, Decimal(5000), high=True)
    assert swing.level(60.0, Decimal(0), Decimal(10_000)) == 0
    assert not swing.high
