"""One balance end to end: samples in, what rules may say of it out; the laws it must keep."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.book import Book, EntryKind, UnknownState
from monitor.core.model import Outlook

T0 = datetime(2026, 2, 2, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
JOB = Decimal(300)


def book(*, floor: object = 0, job: Decimal | None = JOB, plan: object = 0) -> Book:
    return Book(floor=Decimal(str(floor)), job_max=job, planned_burn=Decimal(str(plan)))


def spend(
    b: Book,
    *,
    begin: datetime = T0,
    balance: object = 100_000,
    days: float = 5.0,
    per_hour: float = 90.0,
    scale: Decimal = Decimal(1),
    seed: int = 1,
    step: timedelta = 5 * MINUTE,
) -> tuple[datetime, Decimal]:
    """Feed random jobs of 30, 135 and 300 at this mean pace; returns the last sample."""
    r = random.Random(seed)  # noqa: S311 - a story that is the same each time
    at, value = begin, Decimal(str(balance))
    chance = per_hour * step.total_seconds() / 3600 / 155
    while at < begin + days * DAY:
        b.update(at, value * scale)
        for _ in range(8):
            if r.random() < chance / 8:
                value -= r.choice((30, 135, 300))
        at += step
    b.update(at, value * scale)
    return at, value


def runway(outlook: Outlook) -> tuple[float, float, float, float]:
    found = outlook.p10, outlook.p25, outlook.p50, outlook.p90
    assert None not in found
    return tuple(h for h in found if h is not None)  # type: ignore[return-value]  # four of them


def near(a: float | None, b: float, *, within: float = 0.02) -> bool:
    return a is not None and abs(math.log(a / b)) <= within


def test_steady_use_is_forecast_to_its_end() -> None:
    b = book()
    at, value = spend(b, days=10)
    now = b.outlook(at)
    assert near(now.burn_per_hour, 100, within=0.25)  # it happens to be 100, seen from the end
    assert near(now.p50, float(value) / 100, within=0.15)
    assert now.p10 < now.p25 < now.p50 < now.p90


def test_before_anything_is_known_nothing_is_said() -> None:
    b = book()
    assert b.accepted is None
    assert b.outlook(T0) == Outlook(None, None, None, None, None)
    assert b.last_at is None
    b.update(T0, Decimal(1000))
    assert b.last_at == T0
    assert b.accepted == 1000
    assert b.outlook(T0).p50 is None
    assert b.outlook(T0).burn_per_hour is None


def test_a_plan_carries_the_forecast_from_the_first_sample() -> None:
    b = book(floor=135, plan=225)
    b.update(T0, Decimal("5916.25"))
    now = b.outlook(T0)
    assert now.burn_per_hour == pytest.approx(225)
    assert now.p50 == pytest.approx((5916.25 - 135) / 225)
    assert 0 < now.p10 < now.p25 < now.p50 < now.p90


def test_a_plan_gives_way_to_history_without_a_jump() -> None:
    b = book(plan=450)
    shown = []
    at, balance = T0, Decimal(200_000)
    for day in range(1, 22):
        at, balance = spend(b, begin=at, balance=balance, days=1, seed=day)
        shown.append(b.outlook(at).burn_per_hour or 0.0)
    assert 60 < shown[0] < 300
    assert near(shown[-1], 90, within=0.25)
    for earlier, later in pairwise(shown):
        assert abs(math.log(later / earlier)) < 0.6


def test_a_plan_nobody_follows_ends_as_no_use_at_all() -> None:
    b = book(plan=225)
    for hour in range(24 * 21):
        b.update(T0 + hour * HOUR, Decimal(5000))
    now = b.outlook(T0 + 21 * DAY)
    assert now.burn_per_hour == 0
    assert now.p50 == math.inf


def test_without_use_nothing_will_run_out_and_p10_still_grows_with_the_silence() -> None:
    b = book()
    for hour in range(25):
        b.update(T0 + hour * HOUR, Decimal(5000))
    day = b.outlook(T0 + DAY)
    assert day.burn_per_hour == 0
    assert (day.p50, day.p90) == (math.inf, math.inf)
    assert day.p10 == pytest.approx(5000 * 24 / 300)


@pytest.mark.parametrize("left", ["135", "134.99", "0", "-20"])
def test_at_or_under_the_floor_there_is_no_runway(left: str) -> None:
    b = book(floor=135)
    at, _ = spend(b, balance=12_000, days=5)
    value = b.accepted or Decimal(0)
    while value > Decimal(left):
        value = max(Decimal(left), value - 300)
        at += 5 * MINUTE
        b.update(at, value)
    assert b.accepted == Decimal(left)
    assert runway(b.outlook(at)) == (0.0, 0.0, 0.0, 0.0)


def test_the_floor_takes_away_what_is_not_there_to_be_spent() -> None:
    low, high = book(floor=0), book(floor=5000)
    at, _ = spend(low, balance=20_000)
    spend(high, balance=25_000)
    assert runway(low.outlook(at)) == pytest.approx(runway(high.outlook(at)), rel=1e-6)


def test_after_a_top_up_the_runway_is_right_at_once() -> None:
    b = book()
    at, value = spend(b, balance=16_000)
    before = b.outlook(at)
    entry = b.update(at + 5 * MINUTE, value + 20_000)
    after = b.outlook(at + 5 * MINUTE)
    assert entry.kind is EntryKind.TOPPED_UP
    assert entry.amount == 20_000
    assert near(after.burn_per_hour, before.burn_per_hour or 0.0)
    assert near(after.p50, float(value + 20_000) / (after.burn_per_hour or 1.0), within=0.15)


def test_a_refund_is_spending_taken_back() -> None:
    b = book()
    at, value = spend(b)
    before = b.outlook(at)
    b.update(at + 5 * MINUTE, value - 300)
    assert b.update(at + 10 * MINUTE, value).kind is EntryKind.REFUNDED
    assert near(b.outlook(at + 10 * MINUTE).p50, before.p50 or 0.0)


def test_a_gap_is_neither_a_burst_nor_a_silence() -> None:
    b = book()
    at, value = spend(b)
    before = b.outlook(at)
    b.update(at + 30 * HOUR, value - 30 * 90)
    after = b.outlook(at + 30 * HOUR)
    assert near(after.burn_per_hour, before.burn_per_hour or 0.0, within=0.15)
    assert near(after.p50, (before.p50 or 0.0) - 30, within=0.15)


def test_waiting_for_an_answer_uses_up_the_runway() -> None:
    b = book()
    at, _ = spend(b)
    before, after = b.outlook(at), b.outlook(at + 10 * HOUR)
    assert after.p50 == pytest.approx((before.p50 or 0.0) - 10)
    assert b.outlook(at + 3650 * DAY).p50 == 0.0


@pytest.mark.parametrize("wrong", ["0", "-1", "99999999", "3300", "900"])
def test_one_misread_value_changes_nothing(wrong: str) -> None:
    b, clean = book(), book()
    at, value = spend(b)
    spend(clean)
    before = b.outlook(at)
    kind = b.update(at + 5 * MINUTE, Decimal(wrong)).kind
    assert kind is EntryKind.SUSPECT
    during = b.outlook(at + 5 * MINUTE)
    assert during.p50 == pytest.approx((before.p50 or 0.0) - 1 / 12)
    assert during.p10 == pytest.approx((before.p10 or 0.0) - 1 / 12)
    for each in (b, clean):
        each.update(at + 10 * MINUTE, value)
    assert b.outlook(at + 10 * MINUTE) == clean.outlook(at + 10 * MINUTE)
    assert b.totals.misread == 1
    assert b.totals.spent == clean.totals.spent


@pytest.mark.parametrize(
    ("accepted", "next_one", "suspect"),
    [
        (10_000, 0, True),
        (10_000, -1, True),
        (10_000, 900, False),  # low but not gone: the ledger doubts it, alerting does not wait
        (10_000, 3_000, False),  # it fell to a third: that is told at once
        (10_000, 99_999_999, True),
        (10_000, 60_000, False),
        (10_000, 10_000, False),
        (250, 0, False),  # the last job
        (301, 0, True),
        (0, -300, False),
    ],
)
def test_what_alerting_asks_again_about(accepted: int, next_one: int, suspect: bool) -> None:
    b = book()
    b.update(T0, Decimal(accepted))
    assert b.suspect(T0 + 5 * MINUTE, Decimal(next_one)) is suspect


@pytest.mark.parametrize("read", [0, 99_999_999])
def test_what_was_read_last_is_doubted_until_it_is_believed_or_disproved(read: int) -> None:
    b = book()
    b.update(T0, Decimal(10_000))
    assert b.doubted is None
    b.update(T0 + 5 * MINUTE, Decimal(read))
    assert b.doubted == (read, T0 + 5 * MINUTE)
    again = Book.load(b.dump(), floor=Decimal(135), job_max=JOB, planned_burn=Decimal(100))
    assert again.doubted == b.doubted
    b.believe(T0 + 5 * MINUTE, Decimal(read))
    assert b.doubted is None
    b.update(T0 + 10 * MINUTE, Decimal(9_990))
    assert b.doubted is None


def test_a_fall_that_is_told_at_once_is_not_doubted_aloud() -> None:
    b = book()
    b.update(T0, Decimal(10_000))
    b.update(T0 + 5 * MINUTE, Decimal(900))
    assert (b.accepted, b.doubted) == (900, None)


def test_nothing_is_suspect_before_anything_was_read() -> None:
    assert not book().suspect(T0, Decimal(0))


def test_a_provider_that_alternates_is_suspect_each_time() -> None:
    b = book()
    b.update(T0, Decimal(10_000))
    for n in range(1, 40, 2):
        assert b.suspect(T0 + n * MINUTE, Decimal(0))
        b.update(T0 + n * MINUTE, Decimal(0))
        assert b.accepted == 10_000
        assert not b.suspect(T0 + (n + 1) * MINUTE, Decimal(10_000))
        b.update(T0 + (n + 1) * MINUTE, Decimal(10_000))
    assert b.totals.misread == 20
    assert b.totals.spent == 0


def test_what_alerting_believes_is_shown_at_once_and_learned_slowly() -> None:
    b = book()
    at, value = spend(b)
    burn = b.outlook(at).burn_per_hour
    for seconds in (0, 5, 15, 35):
        at += timedelta(seconds=seconds)
        b.update(at, Decimal(0))
        assert b.accepted == value
    b.believe(at, Decimal(0))
    assert b.accepted == 0
    assert runway(b.outlook(at)) == (0.0, 0.0, 0.0, 0.0)
    assert near(b.outlook(at).burn_per_hour, burn or 0.0)
    assert b.totals.end == 0
    assert b.totals.spent == 100_000 - value


def test_it_may_be_believed_before_it_is_folded_in() -> None:
    b = book()
    b.update(T0, Decimal(10_000))
    b.believe(T0 + MINUTE, Decimal(0))
    assert b.accepted == 0
    b.update(T0 + 2 * MINUTE, Decimal(-5))
    assert b.accepted == -5
    b.update(T0 + 3 * MINUTE, Decimal(9_900))
    assert b.accepted == 9_900
    assert b.totals.misread == 2


def test_a_rise_that_was_believed_is_there_to_be_spent() -> None:
    b = book()
    at, _ = spend(b, balance=20_000)
    before = b.outlook(at).p50 or 0.0
    b.believe(at + MINUTE, Decimal(5_000_000))
    assert b.accepted == 5_000_000
    assert (b.outlook(at + MINUTE).p50 or 0.0) > 100 * before


def test_a_great_fall_that_is_not_suspect_is_shown_while_the_forecast_holds() -> None:
    b = book()
    at, value = spend(b, balance=30_000)
    before = b.outlook(at)
    b.update(at + 5 * MINUTE, value / 3)
    assert b.accepted == value / 3
    assert near(b.outlook(at + 5 * MINUTE).p50, before.p50 or 0.0)
    b.update(at + 10 * MINUTE, Decimal(0))
    assert b.accepted == value / 3  # but nothing at all is asked about again
    b.update(at + 15 * MINUTE, value)
    assert b.accepted == value


def test_p10_listens_to_a_low_value_before_it_is_believed() -> None:
    b = book()
    at, _ = spend(b)
    before = b.outlook(at)
    for n in range(1, 4):
        b.update(at + 5 * n * MINUTE, Decimal(3_000))
    after = b.outlook(at + 15 * MINUTE)
    assert near(after.p50, (before.p50 or 0.0) - 0.25)
    assert (after.p10 or 0.0) < 0.1 * (before.p10 or 0.0)
    b.update(at + 20 * MINUTE, Decimal(3_000))
    assert (b.outlook(at + 20 * MINUTE).p50 or 0.0) < 0.1 * (before.p50 or 0.0)
    assert b.totals.adjusted < 0


def test_p10_listens_to_a_zero_too_and_p50_does_not() -> None:
    b = book()
    at, _ = spend(b)
    before = b.outlook(at)
    for n in range(1, 4):
        b.update(at + 5 * n * MINUTE, Decimal(0))
    after = b.outlook(at + 15 * MINUTE)
    assert after.p10 == 0.0
    assert near(after.p50, (before.p50 or 0.0) - 0.25)


def test_a_restart_changes_nothing_at_all() -> None:
    b = book(floor=135, plan=100)
    at, value = spend(b, days=12.3)
    for wrong in (Decimal(0), Decimal("0.00")):
        again = Book.load(b.dump(), floor=Decimal(135), job_max=JOB, planned_burn=Decimal(100))
        assert again.outlook(at) == b.outlook(at)
        assert again.totals == b.totals
        assert again.dump() == b.dump()
        at += 5 * MINUTE
        for each in (b, again):
            each.update(at, wrong)
        assert again.outlook(at) == b.outlook(at)
        assert again.suspect(at, Decimal(0)) == b.suspect(at, Decimal(0))
    b.believe(at, Decimal("0.00"))
    again = Book.load(b.dump(), floor=Decimal(135), job_max=JOB, planned_burn=Decimal(100))
    assert again.accepted == 0
    again.update(at + 5 * MINUTE, value)
    assert again.accepted == value


def test_an_empty_book_survives_a_restart() -> None:
    again = Book.load(book().dump(), floor=Decimal(0), job_max=None, planned_burn=Decimal(0))
    assert again.accepted is None


@pytest.mark.parametrize(
    "data",
    [b"", b"BOOK", b"JUNK" + bytes(100), book().dump()[:-1], book().dump() + b"x"],
)
def test_what_is_not_a_book_is_refused_so_that_history_is_folded_again(data: bytes) -> None:
    with pytest.raises(UnknownState):
        Book.load(data, floor=Decimal(0), job_max=None, planned_burn=Decimal(0))


def test_a_book_of_another_version_is_refused() -> None:
    data = bytearray(book().dump())
    data[4] += 1
    with pytest.raises(ValueError, match="version"):
        Book.load(bytes(data), floor=Decimal(0), job_max=None, planned_burn=Decimal(0))


def test_the_state_is_small_and_does_not_grow_with_the_years() -> None:
    b = book(job=None)
    at, balance = T0, Decimal(1_000_000)
    sizes = []
    for year in range(3):
        for day in range(365 if year else 30):
            at += DAY
            balance -= 100 + day % 7
            b.update(at, balance)
        sizes.append(len(b.dump()))
    assert max(sizes) < 5000
    assert max(sizes) - min(sizes) < 100
    assert b.update(at + 3650 * DAY, balance - 5).kind is EntryKind.SPENT
    assert near(b.outlook(at + 3650 * DAY).burn_per_hour, 103 / 24, within=0.2)


def test_new_settings_after_a_reload_count_at_once() -> None:
    b = book()
    at, value = spend(b, balance=20_000)
    b.configure(floor=value, job_max=JOB, planned_burn=Decimal(0))
    assert b.outlook(at).p50 == 0.0
    b = book()
    b.update(T0, Decimal(1000))
    b.configure(floor=Decimal(0), job_max=None, planned_burn=Decimal(10))
    assert b.outlook(T0).p50 == pytest.approx(100)


def test_recent_burn_is_what_the_last_hour_or_two_have_spent() -> None:
    b = book()
    at, value = spend(b, days=5)
    for n in range(24):
        value -= 300
        b.update(at + (n + 1) * 5 * MINUTE, value)
    now = b.outlook(at + 2 * HOUR)
    assert now.recent_burn_per_hour == pytest.approx(3600, rel=0.01)
    assert 60 < (now.usual_burn_per_hour or 0.0) < 360
    assert b.outlook(at + 5 * HOUR).recent_burn_per_hour is None


def test_a_daily_rhythm_is_learned() -> None:
    b = book()
    at, value = T0, Decimal(200_000)
    for n in range(24 * 28):
        at = T0 + n * HOUR
        if 8 <= at.hour < 18:
            value -= 300
        b.update(at, value)
    night = b.outlook(T0 + 28 * DAY - HOUR)
    assert near(night.burn_per_hour, 3000 / 24, within=0.15)
    assert (night.usual_burn_per_hour or 0.0) < 60


@pytest.mark.parametrize("scale", ["0.001", "0.01", "7.3", "1000"])
def test_money_in_another_unit_has_the_same_runway(scale: str) -> None:
    factor = Decimal(scale)
    one, other = book(floor=135), book(floor=135 * factor, job=JOB * factor)
    at, value = spend(one, balance=30_000)
    spend(other, balance=30_000, scale=factor)
    for balance in (Decimal(0), value - 30, value + 4970, value + 4835, Decimal(0), value):
        at += 5 * MINUTE
        a, b = one.update(at, balance), other.update(at, balance * factor)
        assert (a.kind, a.amount * factor) == (b.kind, b.amount)
        assert runway(one.outlook(at)) == pytest.approx(runway(other.outlook(at)), rel=1e-9)


@pytest.mark.parametrize("scale", ["0.001", "7.3", "1000"])
def test_prices_nobody_configured_scale_too(scale: str) -> None:
    factor = Decimal(scale)
    one, other = book(job=None), book(job=None)
    at, _ = spend(one, balance=30_000)
    spend(other, balance=30_000, scale=factor)
    assert runway(one.outlook(at)) == pytest.approx(runway(other.outlook(at)), rel=1e-9)


CHANGES = st.lists(st.tuples(st.integers(1, 400), st.integers(-600, 400)), min_size=2, max_size=80)


def fold(b: Book, changes: list[tuple[int, int]], start: int = 20_000) -> datetime:
    at, value = T0, Decimal(start)
    b.update(at, value)
    for minutes, change in changes:
        at, value = at + minutes * MINUTE, value + change
        b.update(at, value)
    return at


def is_lawful(outlook: Outlook) -> bool:
    hours = (outlook.p10, outlook.p25, outlook.p50, outlook.p90)
    burn = (outlook.burn_per_hour, outlook.usual_burn_per_hour, outlook.recent_burn_per_hour)
    known = [h for h in hours if h is not None]
    return (
        len(known) in (0, 4)
        and known == sorted(known)
        and all(x is None or (x >= 0 and not math.isnan(x)) for x in (*hours, *burn))
    )


@given(CHANGES)
def test_burn_and_runway_are_never_negative_and_percentiles_rise(
    changes: list[tuple[int, int]],
) -> None:
    b = book(floor=135)
    assert is_lawful(b.outlook(fold(b, changes)))


WILD = st.lists(
    st.tuples(
        st.floats(-1e5, 3e5, allow_nan=False),
        st.one_of(
            st.none(),
            st.sampled_from([Decimal(0), Decimal(-1), Decimal(99_999_999), Decimal("1e14")]),
            st.decimals(-5000, 1_000_000, places=3),
        ),
    ),
    max_size=60,
)


@settings(max_examples=200)
@given(WILD, st.sampled_from([None, JOB, Decimal("0.001")]), st.sampled_from([0, 100]))
def test_no_sequence_of_answers_breaks_it(
    samples: list[tuple[float, Decimal | None]], job: Decimal | None, plan: int
) -> None:
    b, at, spent = book(job=job, plan=plan), T0, Decimal(0)
    for seconds, balance in samples:
        at = max(datetime(2000, 1, 1, tzinfo=UTC), at + timedelta(seconds=seconds))
        if balance is not None and b.suspect(at, balance) and seconds > 0:
            b.believe(at, balance)
        b.update(at, balance)
        assert is_lawful(b.outlook(at))
        t = b.totals
        assert t.start - t.spent + t.refunded + t.topped_up + t.adjusted == t.end
        assert t.spent >= spent
        assert b.accepted is None or t.end == b.accepted
        spent = t.spent
    again = Book.load(b.dump(), floor=Decimal(0), job_max=job, planned_burn=Decimal(plan))
    assert again.outlook(at) == b.outlook(at)


@given(CHANGES, st.integers(1, 100_000))
def test_more_balance_is_never_less_runway(changes: list[tuple[int, int]], more: int) -> None:
    less = book(floor=50_000)
    at = fold(less, changes, start=60_000)
    low = less.outlook(at)
    less.configure(floor=Decimal(50_000 - more), job_max=JOB, planned_burn=Decimal(0))
    high = less.outlook(at)
    for a, b in zip(
        (low.p10, low.p25, low.p50, low.p90), (high.p10, high.p25, high.p50, high.p90), strict=True
    ):
        assert a is None or b is None or b >= a


@given(CHANGES, st.integers(2_000, 150_000), st.booleans(), st.sampled_from([0, 50]))
def test_a_top_up_never_raises_burn(
    changes: list[tuple[int, int]], amount: int, priced: bool, plan: int
) -> None:
    b = book(job=JOB if priced else None, plan=plan)
    at = fold(b, changes)
    before = b.outlook(at)
    b.believe(at + MINUTE, (b.accepted or Decimal(0)) + amount)
    after = b.outlook(at + MINUTE)
    if before.burn_per_hour is not None and after.burn_per_hour is not None:
        assert after.burn_per_hour <= before.burn_per_hour * 1.001 + 1e-9


@given(st.integers(2, 6), st.integers(1, 8))
def test_splitting_a_drop_changes_little(parts: int, jobs: int) -> None:
    whole, split = book(), book()
    at, value = spend(whole, days=3)
    spend(split, days=3)
    drop = Decimal(30 * jobs)
    for n in range(1, parts + 1):
        split.update(at + n * MINUTE, value - drop * n / parts)
        whole.update(at + n * MINUTE, value - (drop if n == parts else 0))
    a, b = whole.outlook(at + parts * MINUTE), split.outlook(at + parts * MINUTE)
    assert near(a.burn_per_hour, b.burn_per_hour or 0.0)
    assert near(a.p50, b.p50 or 0.0)


@given(CHANGES, st.integers(-3, 3))
def test_scaling_money_scales_burn(changes: list[tuple[int, int]], power: int) -> None:
    factor = Decimal(10) ** power
    one, other = book(), book(job=JOB * factor)
    at, value = T0, Decimal(20_000)
    for minutes, change in changes:
        at, value = at + minutes * MINUTE, value + change
        one.update(at, value)
        other.update(at, value * factor)
    a, b = one.outlook(at), other.outlook(at)
    assert (a.burn_per_hour is None) == (b.burn_per_hour is None)
    if a.burn_per_hour is not None:
        assert b.burn_per_hour == pytest.approx(a.burn_per_hour * float(factor), rel=1e-6)


@pytest.mark.parametrize("quiet_hours", [0.1, 1, 5])
def test_one_batch_is_not_yet_a_pace_that_overrules_the_plan(quiet_hours: float) -> None:
    book = Book(floor=Decimal(135), job_max=Decimal(135), planned_burn=Decimal(225))
    at, step = datetime(2026, 2, 2, tzinfo=UTC), timedelta(seconds=60)
    for _ in range(int(quiet_hours * 60)):
        book.update(at, Decimal(12000))
        at += step
    book.update(at, Decimal(9975))  # fifteen videos at once
    outlook = book.outlook(at)
    assert outlook.burn_per_hour is not None
    assert outlook.burn_per_hour < 1000
    assert outlook.p25 is not None
    assert outlook.p25 > 4


def test_what_lies_ahead_is_known_with_the_first_balance_and_never_before() -> None:
    b = book(floor=300)
    assert b.ahead(Decimal(300), T0) is None
    b.update(T0, Decimal(900))
    first = b.ahead(Decimal(300), T0)
    assert first is not None
    assert (first.left, first.p10) == (600.0, None)
    assert first.chance(900) > 0.01  # nobody knows yet what this account spends


def test_an_account_that_spends_nothing_is_trusted_the_more_the_longer_it_is_watched() -> None:
    b, chances = book(floor=300), []
    for hour in range(200):
        b.update(T0 + hour * HOUR, Decimal(900))
        ahead = b.ahead(Decimal(300), T0 + hour * HOUR)
        assert ahead is not None
        chances.append(ahead.chance(900))
    assert chances == sorted(chances, reverse=True)
    assert chances[-1] < chances[0] / 20


def test_a_batch_under_way_brings_the_line_nearer_and_one_that_is_over_does_not() -> None:
    b = book()
    at, balance = spend(b, balance=20_000)
    line = balance - 1500

    def chance(moment: datetime) -> float:
        ahead = b.ahead(line, moment)
        assert ahead is not None
        return ahead.chance(600)

    before = chance(at)
    b.update(at + MINUTE, balance - 300)
    during = chance(at + MINUTE)
    for n in range(2, 60):
        b.update(at + n * MINUTE, balance - 300)
    assert before < chance(at + HOUR) < during / 2


def test_while_a_reading_is_doubted_nothing_is_left() -> None:
    b = book(floor=300)
    at, _ = spend(b, balance=100_000)
    b.update(at + MINUTE, Decimal(1000))
    doubted = b.ahead(Decimal(300), at + MINUTE)
    assert doubted is not None
    assert doubted.chance(1) == 1
