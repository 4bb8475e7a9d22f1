"""A planned usage carries the forecast from the first probe, and gives way to history smoothly."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from monitor.core.book import Book
from monitor.core.model import Outlook

START = datetime(2026, 11, 2, tzinfo=UTC)
PRICE, PLANNED = 135, 40  # credits, jobs a day
PLAN = PRICE * PLANNED / 24  # credits per hour


def fortnight(per_day: int) -> list[tuple[float, Outlook]]:
    """Credits above the floor and the outlook, hour by hour; jobs go evenly, read every 10 min."""
    book = Book(floor=Decimal(PRICE), job_max=Decimal(PRICE), planned_burn=Decimal(PLAN))
    full, found = 100_000 + PRICE * per_day * 14, []
    for step in range(14 * 144 + 1):
        at, left = START + timedelta(minutes=10 * step), full - PRICE * (step * per_day // 144)
        book.update(at, Decimal(left + PRICE))
        if step % 6 == 0:
            found.append((left, book.outlook(at)))
    return found


def paces(per_day: int) -> list[float]:
    """What P50 takes the pace to be, credits per hour: what is left over P50."""
    return [left / outlook.p50 for left, outlook in fortnight(per_day) if outlook.p50]


# Jobs a day in truth; the largest change between two hours, as a factor.
CASES = [(80, 1.09), (PLANNED, 1.03), (5, 1.12), (200, 1.25)]


@pytest.mark.parametrize(("per_day", "most"), CASES)
def test_the_runway_moves_from_the_plan_to_what_is_true_without_a_jump(
    per_day: int, most: float
) -> None:
    found, truth = paces(per_day), PRICE * per_day / 24
    assert len(found) == 14 * 24 + 1
    assert found[0] == pytest.approx(PLAN, rel=0.01)
    assert abs(math.log(found[-1] / truth)) < 0.05 + 0.02 * abs(math.log(PLAN / truth))
    assert max(max(a / b, b / a) for a, b in pairwise(found)) < most


@pytest.mark.parametrize("per_day", [80, 5])
def test_it_moves_one_way(per_day: int) -> None:
    """An even day is no reason to turn back: but for the last few hundredths."""
    sign = 1 if per_day > PLANNED else -1
    best = 0.0
    for pace in paces(per_day):
        gone = sign * math.log(pace / PLAN)
        assert gone > best - 0.03
        best = max(best, gone)


@pytest.mark.parametrize("per_day", [80, 5])
def test_after_three_days_what_is_true_weighs_more_than_the_plan(per_day: int) -> None:
    truth = PRICE * per_day / 24
    pace = paces(per_day)[72]
    assert abs(math.log(pace / truth)) < abs(math.log(pace / PLAN))


def test_a_plan_that_is_true_is_never_left() -> None:
    assert all(0.9 < pace / PLAN < 1.1 for pace in paces(PLANNED))


def test_from_the_first_probe_every_percentile_is_known() -> None:
    (left, first), *_ = fortnight(PLANNED)
    assert first.burn_per_hour == pytest.approx(PLAN)
    assert first.p50 == pytest.approx(left / PLAN, rel=0.01)
    known = [first.p10, first.p25, first.p50, first.p90]
    assert None not in known
    assert known == sorted(known)
