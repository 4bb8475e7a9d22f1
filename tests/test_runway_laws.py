"""What holds for every balance whatever it lives through: the laws of burn, runway and sums."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.book import Book
from monitor.core.model import Outlook

T0 = datetime(2026, 2, 2, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
JOB = Decimal(300)
START = Decimal(20_000)


@dataclass(frozen=True)
class Step:
    """So many minutes later, this happens to the true balance, and this is what is answered."""

    minutes: float
    change: int
    answer: Decimal | str = ""  # "": the truth; "-": none


TRUE = st.one_of(
    st.just(0),
    st.sampled_from([-30, -135, -300, -300, -600]),
    st.sampled_from([30, 300]),  # refunds
    st.integers(-15_000, -1_000),
    st.sampled_from([1_000, 5_000, 20_000]),  # top-ups
)
ANSWERS = st.sampled_from(["", "", "", "", "", "-", Decimal(0), Decimal(-1), Decimal(99_999_999)])
STEPS = st.builds(Step, st.sampled_from([1, 5, 5, 5, 60, 60, 600, 6000]), TRUE, ANSWERS)
LIVES = st.lists(STEPS, max_size=60)


def book(
    *, job: Decimal | None = JOB, floor: Decimal = Decimal(0), plan: Decimal = Decimal(0)
) -> Book:
    return Book(floor=floor, job_max=job, planned_burn=plan)


def samples(
    life: list[Step], scale: Decimal = Decimal(1)
) -> list[tuple[datetime, Decimal | None]]:
    """When each answer came, and what it was."""
    at, true, found = T0, START, [(T0, START * scale)]
    heard: list[tuple[datetime, Decimal | None]] = [*found]
    for step in life:
        at, true = at + step.minutes * MINUTE, true + step.change
        told = true if step.answer == "" else None if step.answer == "-" else step.answer
        heard.append((at, told * scale if isinstance(told, Decimal) else None))
    return heard


def tell(b: Book, heard: list[tuple[datetime, Decimal | None]]) -> datetime:
    for at, value in heard:
        b.update(at, value)
    return heard[-1][0] if heard else T0


def hours(o: Outlook) -> list[float]:
    """P10, P25, P50 and P90; empty where nothing is said."""
    return [h for h in (o.p10, o.p25, o.p50, o.p90) if h is not None]


def adds_up(b: Book) -> bool:
    t = b.totals
    return t.start - t.spent + t.refunded + t.topped_up + t.adjusted == t.end


@settings(deadline=None)
@given(
    LIVES, st.sampled_from([None, JOB]), st.sampled_from([0, 90]), st.sampled_from([-500, 0, 135])
)
def test_at_every_moment_burn_is_not_negative_percentiles_rise_and_sums_add_up(
    life: list[Step], job: Decimal | None, plan: int, floor: int
) -> None:
    b = book(job=job, plan=Decimal(plan), floor=Decimal(floor))
    for at, value in samples(life):
        b.update(at, value)
        for now in (at, at + 3 * MINUTE, at + 40 * DAY):
            found = b.outlook(now)
            assert hours(found) == sorted(hours(found))
            assert all(h >= 0 for h in hours(found))
            assert len(hours(found)) in (0, 4)
            assert (found.burn_per_hour or 0.0) >= 0
            assert math.isfinite(found.burn_per_hour or 0.0)
        assert adds_up(b)


@settings(deadline=None)
@given(LIVES, st.integers(1, 100_000), st.sampled_from([0, 90]))
def test_more_balance_is_never_less_runway(life: list[Step], more: int, plan: int) -> None:
    b = book(floor=Decimal(50_000), plan=Decimal(plan))
    at = tell(b, samples(life))
    low = hours(b.outlook(at))
    b.configure(floor=Decimal(50_000 - more), job_max=JOB, planned_burn=Decimal(plan))
    for less, greater in zip(low, hours(b.outlook(at)), strict=False):
        assert greater >= less * (1 - 1e-12)


@settings(deadline=None)
@given(LIVES, st.integers(601, 200_000), st.sampled_from([0, 90]))
def test_a_top_up_neither_raises_burn_nor_shortens_the_runway(
    life: list[Step], amount: int, plan: int
) -> None:
    b = book(plan=Decimal(plan))
    at, value = tell(b, samples(life)), b.accepted or START
    for _ in range(5):  # whatever was doubted is settled
        at += MINUTE
        b.update(at, value)
    before, topped_up = b.outlook(at), b.totals.topped_up
    b.update(at + MINUTE, value + amount)
    after = b.outlook(at + MINUTE)
    if b.totals.topped_up == topped_up:
        return  # taken for a refund, or doubted
    if before.burn_per_hour is not None and after.burn_per_hour is not None:
        # A minute later in the day is as much as may be seen of it.
        assert after.burn_per_hour <= before.burn_per_hour * 1.01 + 1e-9
    for less, greater in zip(hours(before), hours(after), strict=False):
        assert greater >= less * 0.98 - 2 / 60


@settings(deadline=None)
@given(LIVES, st.integers(1, 600), st.integers(1, 99))
def test_a_drop_seen_in_two_parts_changes_little(
    life: list[Step], drop: int, percent: int
) -> None:
    whole, parts = book(), book()
    at = tell(whole, samples(life))
    tell(parts, samples(life))
    value = whole.accepted or START
    for n, (one, other) in enumerate([(0, 0), (0, percent), (100, 100)], start=1):
        whole.update(at + n * MINUTE, value - drop * one / Decimal(100))
        parts.update(at + n * MINUTE, value - drop * other / Decimal(100))
    if whole.accepted != parts.accepted or whole.totals != parts.totals:
        return  # so near to nothing that a part of it is believed where the whole is not
    a, b = whole.outlook(at + 3 * MINUTE), parts.outlook(at + 3 * MINUTE)
    for one_, other_ in zip(hours(a), hours(b), strict=False):
        assert other_ == pytest.approx(one_, rel=0.1, abs=1 / 60)


@settings(deadline=None)
@given(LIVES, st.floats(-3, 3), st.booleans())
def test_another_unit_scales_burn_and_changes_no_runway(
    life: list[Step], power: float, priced: bool
) -> None:
    factor = Decimal(repr(10**power))
    one, other = book(job=JOB if priced else None), book(job=JOB * factor if priced else None)
    at = tell(one, samples(life))
    tell(other, samples(life, factor))
    a, b = one.outlook(at), other.outlook(at)
    assert hours(b) == pytest.approx(hours(a), rel=1e-6, abs=1e-9)
    if a.burn_per_hour is not None:
        assert b.burn_per_hour == pytest.approx(a.burn_per_hour * float(factor), rel=1e-6)


@settings(deadline=None)
@given(LIVES, LIVES, st.sampled_from([None, JOB]))
def test_a_restart_at_any_moment_is_exact_and_folding_goes_on_the_same(
    before: list[Step], after: list[Step], job: Decimal | None
) -> None:
    heard = samples([*before, *after])
    cut = 1 + len(before)
    b = book(job=job)
    tell(b, heard[:cut])
    again = Book.load(b.dump(), floor=Decimal(0), job_max=job, planned_burn=Decimal(0))
    assert again.dump() == b.dump()
    twice = Book.load(b.dump(), floor=Decimal(0), job_max=job, planned_burn=Decimal(0))
    tell(twice, heard[max(0, cut - 3) :])  # the last ones a second time
    tell(again, heard[cut:])
    tell(b, heard[cut:])
    assert again.dump() == b.dump()
    assert twice.totals == b.totals
    assert twice.outlook(heard[-1][0]) == b.outlook(heard[-1][0])
    assert again.totals == b.totals
    assert again.outlook(heard[-1][0]) == b.outlook(heard[-1][0])
