"""The forecast's parts: levels, lumps, profile and path, each by the law it must keep."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.forecast import Forecast, amounts
from monitor.core.forecast_noise import Noise
from monitor.core.forecast_outlook import Standing, between, outlook
from monitor.core.forecast_path import Path
from monitor.core.profile import HOURS, WEEK, Profile

T0 = 1_770_000_000.0 // 86400 * 86400
HOUR, DAY = 3600.0, 86400.0
JOB = 300.0


def path(
    *,
    start: float = 0.0,
    levels: tuple[float, ...] = (10.0, 0.0, 0.0, 0.0),
    fade: float = 0.5,
    profile: Profile | None = None,
) -> Path:
    long, slow, day, fast = levels
    return Path(
        start=start,
        long=long,
        slow=slow,
        day=day,
        fast=fast,
        fade=fade,
        profile=profile or Profile(),
    )


def standing(at: float, left: float, *, drops: int = 9, plan: float = 0.0) -> Standing:
    return Standing(at=at, left=left, low=None, drops=drops, job=JOB, plan=plan)


def fold(forecast: Forecast, pace: float, *, hours: float, begin: float = T0) -> float:
    """Feed an even pace in steps of ten minutes; returns the end."""
    at = begin
    for _ in range(round(hours * 6)):
        forecast.learn(at, at + 600.0, pace / 6, job=JOB)
        at += 600.0
    return at


def daily() -> Profile:
    """Learned from ten weeks of spending by day only."""
    profile = Profile()
    for hour in range(10 * WEEK):
        profile.add(hour, 2.0 if 6 <= hour % HOURS < 18 else 0.0, 1.0)
    profile.derive(0.1)
    return profile


@pytest.mark.parametrize("amount", [0.5, 9.0, 470.0, 500.0, 3000.0, 50_000.0])
@pytest.mark.parametrize("start", [0.0, 0.25, 491_000.75])
def test_an_even_pace_takes_amount_by_pace(amount: float, start: float) -> None:
    assert path(start=start).hours_until([amount]) == [pytest.approx(amount / 10.0)]


def test_where_nothing_burns_nothing_is_ever_reached() -> None:
    assert path(levels=(0.0, 0.0, 0.0, 0.0)).hours_until([1.0, 2.0]) == [math.inf, math.inf]
    assert path(levels=(0.0, 0.0, 0.0, 0.0)).mean(0.0) == 0.0


def test_a_surge_fades_into_the_long_level() -> None:
    surge = path(levels=(10.0, 0.0, 0.0, 90.0), fade=6.0)
    assert surge.mean(0.0) == pytest.approx(10.0 + 90.0 * 6.0 * (1 - math.exp(-4.0)) / 24.0)
    assert surge.mean(200.0) == pytest.approx(10.0, rel=1e-6)
    hours = surge.hours_until([540.0])[0]
    assert 10.0 * hours + 540.0 * (1 - math.exp(-hours / 6.0)) == pytest.approx(540.0, rel=0.01)


def test_the_night_is_waited_out() -> None:
    profile = daily()
    evening = path(start=WEEK + 18.0, profile=profile)
    assert evening.hours_until([20.0])[0] == pytest.approx(13.0, abs=0.2)
    assert evening.mean(0.0) == pytest.approx(10.0, rel=0.02)


@given(
    st.floats(0.0, 1e6),
    st.lists(st.floats(0.0, 1e3), min_size=4, max_size=4),
    st.lists(st.floats(1e-3, 1e6), min_size=2, max_size=5),
)
def test_more_takes_longer_on_every_path(
    start: float, paces: list[float], amounts_: list[float]
) -> None:
    long, slow, day, fast = paces
    p = path(start=start, levels=(long, slow - long, day - slow, fast - day), profile=daily())
    found = p.hours_until(sorted(amounts_))
    assert found == sorted(found)
    assert found[0] >= 0
    assert p.mean(0.0) >= 0


@given(
    st.floats(0.0, 1e4),
    st.floats(0.5, 6000.0),
    st.lists(st.floats(0.1, 1e2), min_size=4, max_size=4),
)
def test_what_is_spent_when_an_amount_is_reached_is_that_amount(
    start: float, amount: float, paces: list[float]
) -> None:
    long, slow, day, fast = paces
    p = path(start=start, levels=(long, slow - long, day - slow, fast - day), profile=daily())
    assert p.spent_by(p.hours_until([amount])[0]) == pytest.approx(amount, rel=1e-6)


@pytest.mark.parametrize("start", [0.0, 17.5, 100.25])
@pytest.mark.parametrize("amount", [5.0, 130.0, 500.0, 1700.0, 3300.0, 9000.0])
def test_far_ahead_each_hour_still_counts_by_its_place_in_the_day(
    start: float, amount: float
) -> None:
    p, spent, u = path(start=start, profile=daily()), 0.0, 0.0
    while spent < amount and u < 1000:
        spent += p.profile.week[int(start + u) % WEEK] * 10.0 / 100
        u += 0.01
    assert p.hours_until([amount])[0] == pytest.approx(u, abs=0.1 if u < 336 else 12.0)
    assert p.mean(7.0) == pytest.approx(10.0, rel=1e-6)


@given(st.floats(0.01, 1e6), st.floats(0.1, 1e4), st.floats(0.0, 1.2), st.floats(1.0, 10.0))
def test_more_balance_is_never_reached_sooner(
    balance: float, lump: float, doubt: float, more: float
) -> None:
    low, mid, high = amounts(balance, lump, doubt)
    assert 0 < low < mid < high
    for a, b in zip(
        amounts(balance, lump, doubt), amounts(balance * more, lump, doubt), strict=True
    ):
        assert b >= a * (1 - 1e-9)


def test_many_lumps_left_make_the_end_certain() -> None:
    low, mid, high = amounts(1e6, 100.0, 0.0)
    assert mid == pytest.approx(1e6, rel=0.001)
    assert high / low < 1.05


def test_a_quarter_lies_between_the_tenth_and_the_half() -> None:
    assert between(10.0, 100.0) == pytest.approx(100.0 * 10**-0.526)
    assert between(0.0, 0.0) == 0.0
    assert between(40.0, math.inf) < 1e5
    assert between(2e5, math.inf) == 2e5
    assert 0.0 < between(0.0, 100.0) < 1.0


def test_even_use_is_learned_exactly_whatever_the_steps() -> None:
    fine, coarse = Forecast(), Forecast()
    end = fold(fine, 60.0, hours=240)
    coarse.learn(T0, T0 + 2.5 * HOUR, 150.0, job=JOB)
    for n in range(95):
        begin = T0 + 2.5 * HOUR + n * 2.5 * HOUR
        coarse.learn(begin, begin + 2.5 * HOUR, 150.0, job=JOB)
    for forecast in (fine, coarse):
        now = outlook(forecast, standing(end, 6000.0), end)
        assert now.burn_per_hour == pytest.approx(60.0, rel=0.02)
        assert now.p50 == pytest.approx(100.0, rel=0.06)


def test_time_that_nobody_watched_ages_nothing() -> None:
    forecast = Forecast()
    end = fold(forecast, 60.0, hours=100)
    before = list(forecast.watched)
    forecast.learn(end, end + 400 * DAY, 5.0, job=JOB)  # no gap as long as that tells anything
    forecast.learn(end, end, 5.0, job=JOB)
    forecast.learn(end, end - HOUR, 5.0, job=JOB)
    assert forecast.watched == before
    assert forecast.age == pytest.approx(100.0)


def test_a_gap_feeds_the_levels_and_not_the_profile() -> None:
    forecast = Forecast()
    end = fold(forecast, 60.0, hours=48)
    seen = sum(forecast.profile.hour_watched)
    forecast.learn(end, end + 30 * HOUR, 1800.0, job=JOB)
    assert sum(forecast.profile.hour_watched) - seen < 2.0
    assert forecast.age == pytest.approx(78.0)
    assert forecast.recent(end + 30 * HOUR) == pytest.approx(60.0)


def test_money_back_is_taken_from_what_was_spent() -> None:
    forecast = Forecast()
    end = fold(forecast, 60.0, hours=10)
    forecast.learn(end, end + 60.0, 300.0, job=JOB)
    forecast.learn(end + 60.0, end + 120.0, -300.0, job=JOB)
    other = Forecast()
    fold(other, 60.0, hours=10)
    assert forecast.spent == pytest.approx(other.spent, rel=0.03)
    forecast.learn(end + 120.0, end + 180.0, -1e6, job=JOB)
    now = outlook(forecast, standing(end, 6000.0), end + 180.0)
    assert (now.burn_per_hour, now.recent_burn_per_hour) == (0.0, 0.0)
    assert now.p50 == math.inf


def test_a_surge_is_believed_by_its_own_evidence() -> None:
    forecast = Forecast()
    end = fold(forecast, 60.0, hours=240)
    calm = outlook(forecast, standing(end, 20_000.0), end)
    end = fold(forecast, 900.0, hours=3, begin=end)
    surge = outlook(forecast, standing(end, 20_000.0), end)
    assert forecast.levels(0.0, JOB).surge > 3
    assert (surge.burn_per_hour or 0.0) > 2 * (calm.burn_per_hour or 0.0)
    assert surge.recent_burn_per_hour == pytest.approx(900.0)
    assert surge.usual_burn_per_hour == pytest.approx(60.0, rel=0.5)


def test_the_quiet_before_use_began_is_forgotten() -> None:
    late, early = Forecast(), Forecast()
    begin = fold(late, 0.0, hours=14 * 24)
    fold(late, 120.0, hours=72, begin=begin)
    fold(early, 120.0, hours=72, begin=begin)
    assert late.age == pytest.approx(72.0)
    assert late.levels(0.0, JOB).long == pytest.approx(early.levels(0.0, JOB).long, rel=0.05)


def test_a_quiet_that_a_slow_account_would_show_is_kept() -> None:
    forecast = Forecast()
    at = fold(forecast, 0.0, hours=60)
    for _ in range(6):
        forecast.learn(at, at + 60.0, 25.0, job=25.0)
        at = fold(forecast, 0.0, hours=40, begin=at + 60.0)
    assert forecast.age > 290
    assert forecast.levels(0.0, 25.0).long == pytest.approx(150 / 300, rel=0.3)


@pytest.mark.parametrize("lump", [25.0, 300.0, 3000.0])
def test_lumps_are_found_by_how_unevenly_credit_goes(lump: float) -> None:
    noise = Noise()
    every = int(lump / 25.0)
    for hour in range(2000):
        # What is not spent for hours comes at once: expected 25 an hour.
        noise.add(lump if hour % every == 0 and every > 1 else 25.0, 25.0, 1.0, lump)
    found = noise.lump(25.0, JOB)
    assert found == pytest.approx(max(25.0, lump), rel=0.5)


def test_no_lump_is_smaller_than_a_twelfth_of_the_dearest_job() -> None:
    noise = Noise()
    for _ in range(1000):
        noise.add(25.0, 25.0, 1.0, 25.0)
    assert noise.lump(25.0, JOB) == 25.0
    assert Noise().lump(0.0, JOB) == pytest.approx(1000.0)


def test_days_that_differ_are_told_from_lumps() -> None:
    even, uneven = Noise(), Noise()
    for hour in range(24 * 60):
        even.add(100.0, 100.0, 1.0, 25.0)
        uneven.add(160.0 if hour // 23 % 2 else 40.0, 100.0, 1.0, 25.0)
    assert even.day(25.0) == 0.0
    assert uneven.day(25.0) == pytest.approx(0.36, rel=0.1)
    assert Noise().day(25.0) == 0.0


def test_a_profile_is_flat_until_it_has_seen_a_day_and_its_mean_is_one() -> None:
    profile = Profile()
    for hour in range(18):
        profile.add(hour, 1.0, 1.0)
    profile.derive(1.0)
    assert list(profile.week) == [1.0] * WEEK
    learned = daily()
    assert sum(learned.week) / WEEK == pytest.approx(1.0)
    assert min(learned.week) > 0
    assert learned.reach[WEEK] == pytest.approx(WEEK)


def test_a_quiet_weekend_is_learned() -> None:
    profile = Profile()
    for hour in range(10 * WEEK):
        profile.add(hour, 0.0 if hour // HOURS % 7 in (2, 3) else 1.4, 1.0)
    profile.derive(0.5)
    assert profile.days[2] < 0.2
    assert profile.days[5] == pytest.approx(1.4, rel=0.05)


def test_lumpy_use_leaves_the_profile_nearly_flat() -> None:
    profile = Profile()
    for hour in range(WEEK):
        profile.add(hour, 40.0 if hour % 40 == 0 else 0.0, 1.0)
    profile.derive(40.0)
    assert max(profile.hours) < 3.2  # an even one in 40 would make it 24
    assert max(profile.days) < 1.5


def test_nothing_is_said_before_half_an_hour_and_two_drops() -> None:
    forecast = Forecast()
    end = fold(forecast, 60.0, hours=0.4)
    assert outlook(forecast, standing(end, 600.0), end).p50 is None
    end = fold(forecast, 60.0, hours=0.4, begin=end)
    assert outlook(forecast, standing(end, 600.0, drops=1), end).p50 is None
    assert outlook(forecast, standing(end, 600.0, drops=2), end).p50 is not None
    assert outlook(forecast, standing(end, 600.0, drops=1, plan=10.0), end).p50 is not None


def test_a_burn_that_is_the_plans_alone_is_told_from_one_that_was_seen() -> None:
    forecast = Forecast()
    at = fold(forecast, 60.0, hours=0.8)
    said = [
        outlook(forecast, standing(at, 600.0, drops=drops, plan=plan), at)
        for drops, plan in ((0, 0.0), (1, 0.0), (0, 10.0), (1, 10.0), (2, 10.0), (2, 0.0))
    ]
    assert [now.planned for now in said] == [False, False, True, True, False, False]
