"""The chance that a balance falls to a line within a while, against what is known of it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.crossing import Ahead, Batch


def chance(left: float, expected: float) -> float:
    """With a lump of one: that a gamma variable of this mean and variance exceeds `left`."""
    return Ahead(left, pace=expected, lump=1.0).chance(1.0)


@pytest.mark.parametrize("left", [1e-6, 0.1, 0.9, 1.5, 2.5, 8.0, 40.0])
def test_the_chance_is_that_of_a_gamma_variable(left: float) -> None:
    assert chance(left, 1.0) == pytest.approx(math.exp(-left), rel=1e-5)
    assert chance(left, 2.0) == pytest.approx((1 + left) * math.exp(-left), rel=1e-5)
    assert chance(left, 0.5) == pytest.approx(math.erfc(math.sqrt(left)), rel=1e-5)


def test_where_little_is_spent_a_whole_lump_has_to_come() -> None:
    exponential_integral = 0.2193839343  # E1(1)
    assert chance(1.0, 1e-5) == pytest.approx(1e-5 * exponential_integral, rel=1e-4)


@pytest.mark.parametrize("expected", [199.0, 201.0, 1e4, 1e9])
def test_of_many_lumps_it_is_the_sum_that_counts(expected: float) -> None:
    wide = math.sqrt(expected)
    assert chance(expected, expected) == pytest.approx(0.5, abs=0.011)
    assert chance(expected + 2 * wide, expected) == pytest.approx(0.0228, abs=0.005)
    assert chance(expected - 2 * wide, expected) == pytest.approx(0.9772, abs=0.005)


@pytest.mark.parametrize(
    ("ahead", "known"),
    [
        (Ahead(0.0), 1.0),
        (Ahead(-5.0), 1.0),
        (Ahead(10.0), 0.0),
        (Ahead(10.0, pace=1.0), 1.0),  # evenly: 60 go in a minute
        (Ahead(61.0, pace=1.0), 0.0),
        (Ahead(1e12, pace=1.0, lump=300.0), 0.0),
        (Ahead(5e-324, pace=1.0, lump=300.0), 1.0),
        (Ahead(10.0, pace=5e-324, lump=300.0), 0.0),
    ],
)
def test_what_is_certain(ahead: Ahead, known: float) -> None:
    assert ahead.chance(60.0) == known


MONEY = st.floats(0, 1e9)


@given(MONEY, MONEY, MONEY, st.floats(0, 1e6), st.floats(1, 1e6), st.floats(1, 1e3))
def test_it_grows_with_time_and_with_what_is_spent_and_shrinks_with_what_is_left(
    left: float, pace: float, batch: float, lump: float, seconds: float, times: float
) -> None:
    ahead = Ahead(left, pace, batch, lump)
    here = ahead.chance(seconds)
    assert 0.0 <= here <= 1.0 + 1e-6
    more = here - 1e-4 * here - 1e-6
    assert ahead.chance(seconds * times) >= more
    assert replace(ahead, pace=pace * times).chance(seconds) >= more
    assert replace(ahead, batch=batch * times).chance(seconds) >= more
    assert replace(ahead, left=left / times).chance(seconds) >= more


def test_what_went_lately_says_that_as_much_again_by_half_is_to_come_and_fades() -> None:
    batch = Batch()
    batch.add(0.0, 1.0, 300.0)
    assert batch.to_come(1.0) == pytest.approx(150.0, rel=1e-3)
    assert batch.to_come(1801.0) == pytest.approx(150.0 * math.exp(-2.0), rel=1e-3)
    batch.add(901.0, 902.0, 300.0)
    assert batch.to_come(902.0) == pytest.approx(150.0 * (1 + math.exp(-1.0)), rel=1e-2)


def test_a_fall_seen_after_hours_may_be_hours_old() -> None:
    batch = Batch()
    batch.add(0.0, 4 * 3600.0, 1600.0)
    assert batch.to_come(4 * 3600.0) == pytest.approx(50.0, rel=1e-3)


def test_a_refund_an_empty_time_and_a_clock_put_back_are_no_batch() -> None:
    batch = Batch()
    batch.add(0.0, 60.0, -300.0)
    batch.add(60.0, 60.0, 300.0)
    assert batch.to_come(60.0) == 0.0
    batch.add(60.0, 120.0, 300.0)
    assert batch.to_come(-1e9) == 0.0 < batch.to_come(120.0)


def test_nothing_is_left_of_a_batch_after_a_while() -> None:
    batch = Batch()
    batch.add(0.0, 60.0, 1e6)
    assert batch.to_come(86400.0) < 1e-6
