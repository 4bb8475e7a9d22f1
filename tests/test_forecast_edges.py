"""The forecast figure by figure: what it learns and forgets, worked out by hand; lives retold."""

from __future__ import annotations

import math

import pytest

from monitor.core.forecast import Forecast, amounts
from monitor.core.forecast_outlook import Standing, outlook
from monitor.core.profile import WEEK

T0 = 1_770_000_000.0 // 604_800 * 604_800  # a full hour, and the first one of a week
HOUR = 3600.0
JOB = 100.0


def hourly(*burns: float, begin: float = T0, forecast: Forecast | None = None) -> Forecast:
    """A forecast that was told this much for each hour."""
    made = forecast or Forecast()
    for n, burn in enumerate(burns):
        made.learn(begin + n * HOUR, begin + (n + 1) * HOUR, burn, job=JOB)
    return made


@pytest.mark.parametrize(("level", "half"), [(0, 2), (1, 18), (2, 90), (3, 360)])
def test_each_level_forgets_half_in_its_own_time(level: int, half: int) -> None:
    forecast = hourly(100.0)
    assert (forecast.spent[level], forecast.watched[level]) == (100.0, 1.0)
    for n in range(half):
        forecast.learn(T0 + (n + 1) * HOUR, T0 + (n + 2) * HOUR, 0.0, job=JOB)
        forecast.profile.week = [1.0] * WEEK  # an hour weighs an hour
    assert forecast.spent[level] == pytest.approx(50.0)


@pytest.mark.parametrize(
    ("hours", "learned", "in_full"),
    [(0.0, False, False), (3.0, True, True), (3.01, True, False), (336.0, True, False),
     (336.01, False, False)],
)  # fmt: skip
def test_how_long_a_step_may_be(hours: float, learned: bool, in_full: bool) -> None:
    forecast = Forecast()
    forecast.learn(T0, T0 + hours * HOUR, 60.0, job=JOB)
    assert forecast.age == (hours if learned else 0.0)
    assert (forecast.spent != [0.0] * 4) is learned
    assert (forecast.hour_watched > 0) is in_full


def test_a_step_is_shared_among_its_hours_by_their_length() -> None:
    forecast = Forecast()
    forecast.learn(T0 + 0.75 * HOUR, T0 + 2.5 * HOUR, 70.0, job=JOB)
    assert (forecast.before_spent, forecast.before_watched) == pytest.approx((40.0, 1.0))
    assert (forecast.late_spent, forecast.late_watched) == pytest.approx((20.0, 0.5))
    assert (forecast.hour_spent, forecast.hour_watched) == pytest.approx((20.0, 0.5))
    kept = [2 ** (-hours / 2) for hours in (1.5, 0.5, 0.0)]
    assert forecast.spent[0] == pytest.approx(10 * kept[0] + 40 * kept[1] + 20 * kept[2])
    assert forecast.watched[0] == pytest.approx(kept[0] / 4 + kept[1] + kept[2] / 2)
    assert forecast.finished == 2


def test_a_step_to_the_full_hour_is_of_the_hour_it_ends() -> None:
    forecast = hourly(60.0)
    assert (forecast.hour, forecast.late_spent) == (T0 // HOUR, 60.0)
    forecast.learn(T0 + HOUR, T0 + 3 * HOUR, 60.0, job=JOB)
    assert (forecast.hour, forecast.late_spent) == (T0 // HOUR + 2, 30.0)


@pytest.mark.parametrize(
    ("later", "recent"), [(0.0, 60.0), (1.0, 60.0), (2.99, 60.0), (3.0, None), (10.0, None)]
)
def test_two_hours_later_nothing_is_recent(later: float, recent: float | None) -> None:
    assert hourly(40.0, 80.0).recent(T0 + (1 + later) * HOUR) == recent


@pytest.mark.parametrize(("hours", "recent"), [(0.24, None), (0.25, 100.0), (0.5, 50.0)])
def test_a_quarter_of_an_hour_is_watched_before_anything_is_recent(
    hours: float, recent: float | None
) -> None:
    forecast = Forecast()
    forecast.learn(T0, T0 + hours * HOUR, 25.0, job=JOB)
    assert forecast.recent(T0 + hours * HOUR) == recent


def test_an_hour_that_nobody_watched_lies_between_and_is_not_the_one_before() -> None:
    forecast = hourly(40.0)
    forecast.learn(T0 + 2 * HOUR, T0 + 3 * HOUR, 80.0, job=JOB)
    assert forecast.recent(T0 + 3 * HOUR) == 80.0
    assert (forecast.before_spent, forecast.before_watched) == (0.0, 0.0)


@pytest.mark.parametrize(("minutes", "finished"), [(12, 0), (13, 1)])
def test_an_hour_watched_for_a_fifth_tells_of_lumps_and_of_the_time_of_day(
    minutes: int, finished: int
) -> None:
    forecast = Forecast()
    forecast.learn(T0, T0 + minutes * 60.0, 25.0, job=JOB)
    forecast.learn(T0 + HOUR, T0 + 1.5 * HOUR, 0.0, job=JOB)
    assert forecast.finished == finished
    assert sum(forecast.profile.hour_watched) == pytest.approx(finished * minutes / 60)


def test_what_recent_speaks_of_is_held_against_its_own_hours() -> None:
    forecast = hourly(10.0)
    forecast.learn(T0 + HOUR, T0 + 1.5 * HOUR, 10.0, job=JOB)
    forecast.profile.week = [2.0, 5.0, 7.0, 11.0, *[1.0] * (WEEK - 4)]
    assert forecast.recent_shape(T0 + 1.5 * HOUR) == pytest.approx((2 * 1 + 5 * 0.5) / 1.5)
    assert forecast.recent_shape(T0 + (3.5 + WEEK) * HOUR) == 11.0  # silent: of the present hour
    assert forecast.recent_noise(40.0) == pytest.approx(2 * math.sqrt(40 * 20) / 1.5)
    assert Forecast().recent_noise(40.0) == 0.0


def test_no_money_that_came_back_makes_a_pace_below_nothing() -> None:
    forecast = hourly(10.0, -30.0)
    assert forecast.recent(T0 + 2 * HOUR) == 0.0
    assert forecast.recent_noise(40.0) == 0.0
    assert forecast.pace(JOB).slow == 0.0
    assert forecast.levels(0.0, JOB).long == 0.0
    assert hourly(10.0, -30.0, 0.0, 0.0).noise.expected == pytest.approx(10.0, rel=0.01)


def test_use_begins_with_the_first_fraction_of_a_credit() -> None:
    assert hourly(0.0, 0.0, 0.5).quiet == 2.0


def test_a_plan_weighs_a_day_and_half_of_that_three_days_on() -> None:
    forecast = Forecast()
    assert forecast.levels(10.0, JOB).long == pytest.approx(10.0)
    assert forecast.plan_share == 1.0
    forecast.learn(T0, T0 + 72 * HOUR, 0.0, job=JOB)
    watched = forecast.watched[3]
    assert forecast.plan_share == pytest.approx(12 / (12 + watched))
    assert forecast.levels(10.0, JOB).long == pytest.approx(120 / (12 + watched))
    assert forecast.levels(0.0, JOB).long == 0.0


def test_lumps_are_measured_by_what_was_expected_at_each_hour() -> None:
    forecast = hourly(50.0, 50.0, 50.0, 0.0)
    assert forecast.noise.expected == pytest.approx(50 * (1 + 2 ** (-1 / 168) + 2 ** (-2 / 168)))
    assert forecast.pace(JOB).lump < 250


def test_one_batch_after_a_quiet_is_taken_over_an_hour_and_not_less() -> None:
    forecast = hourly(*[0.0] * 60)
    at = T0 + 60.5 * HOUR
    forecast.learn(at, at + 0.5 * HOUR, 5000.0, job=JOB)
    assert forecast.watched[3] > 50
    forecast.learn(at + 0.5 * HOUR, at + 0.75 * HOUR, 0.0, job=JOB)
    assert forecast.age == 1.0
    assert forecast.quiet == 0.0
    assert forecast.watched[3] == pytest.approx(1.25, rel=1e-3)


def test_of_nothing_nothing_is_said_and_half_an_hour_is_a_pace() -> None:
    nothing = Forecast().levels(0.0, JOB)
    assert (nothing.long, nothing.fast, nothing.surge) == (0.0, 0.0, 0.0)
    forecast = Forecast()
    forecast.learn(T0, T0 + 0.5 * HOUR, 10.0, job=JOB)
    assert forecast.levels(0.0, JOB).long == pytest.approx(20.0)
    assert forecast.recent_noise(40.0) == pytest.approx(2 * math.sqrt(40 * 10) / 0.5)
    assert (forecast.pace(JOB).slow, Forecast().pace(JOB).slow) == (20.0, 0.0)


def test_a_plan_of_less_than_one_or_without_a_price_is_a_plan() -> None:
    assert Forecast().levels(0.5, JOB).long == pytest.approx(0.5)
    assert Forecast().levels(10.0, 0.0).fast == pytest.approx(10.0)
    forecast = Forecast()
    forecast.learn(T0, T0 + 0.25 * HOUR, 0.0, job=JOB)
    levels = forecast.levels(1e5, JOB)
    assert levels.slow < 0.5 * levels.long  # a quarter of an hour without 75 jobs tells much


def test_a_halt_is_believed_by_its_own_evidence() -> None:
    forecast = hourly(*[50.0] * 240, *[0.0] * 12)
    levels = forecast.levels(0.0, JOB)
    assert levels.surge < -1
    assert levels.day == pytest.approx(33.3407, rel=1e-4)


def test_an_hour_of_quiet_is_forgotten_too_where_many_jobs_go_in_it() -> None:
    forecast = Forecast()
    forecast.learn(T0, T0 + 0.9 * HOUR, 0.0, job=1.0)
    for n in range(600):
        at = T0 + (0.9 + n / 60) * HOUR
        forecast.learn(at, at + 60.0, 2.0, job=1.0)
    assert forecast.quiet == 0.0
    assert forecast.age == pytest.approx(10.0)


def test_no_hour_says_more_of_the_time_of_day_than_twenty_usual_ones() -> None:
    forecast = hourly(*[2400.0 if n % 24 == 3 else 0.0 for n in range(24 * 21)])
    night = forecast.profile.hour_spent[3]
    hourly(*[2400.0 if n % 24 == 15 else 0.0 for n in range(24 * 3)], 0.0,
           begin=T0 + 504 * HOUR, forecast=forecast)  # fmt: skip
    assert night > 350  # of its own usual ones, where it is a busy hour
    assert 20 * (1 + 0.98 + 0.98**2) - 1e-6 < forecast.profile.hour_spent[15] < 65


def test_half_an_hour_says_no_more_than_ten_usual_ones() -> None:
    forecast = hourly(*[50.0] * 240)
    seen, at = forecast.profile.hour_spent[0], T0 + 240 * HOUR
    forecast.learn(at, at + 0.5 * HOUR, 50_000.0, job=JOB)
    forecast.learn(at + HOUR, at + 2 * HOUR, 0.0, job=JOB)
    assert forecast.profile.hour_spent[0] - 0.98 * seen == pytest.approx(10.0, rel=0.1)


@pytest.mark.parametrize(
    ("balance", "lump", "doubt", "expected"),
    [
        (1000.0, 100.0, 0.0, (649.454, 1014.612, 1496.006)),
        (1000.0, 100.0, 0.5, (228.575, 852.998, 2123.490)),
        (1.0, 1e6, 1.2, (450.548, 206_285.05, 1_349_491.4)),
    ],
)
def test_what_is_expected_to_go_until_an_amount_is_spent(
    balance: float, lump: float, doubt: float, expected: tuple[float, float, float]
) -> None:
    assert amounts(balance, lump, doubt) == pytest.approx(expected, rel=1e-5)


def life(
    hours: float, *, quiet: float = 0.0, surge: float = 0.0, back: float = 0.0
) -> tuple[Forecast, float]:
    """Lumps by day, more on some days; long steps, short ones, gaps. Returns when it ends, too.

    `quiet` hours before it, and after it four hours of a `surge` or an hour in which money came
    `back`.
    """
    made, at = Forecast(), T0
    for n in range(-int(quiet), int(hours)):
        busy = n >= 0 and 6 <= n % 24 < 18 and n * 7 % 5 < 3
        width = 5.5 if n % 50 == 49 else 0.5 if n % 17 == 3 else 1.0
        made.learn(at, at + width * HOUR, 120.0 * (1 + n // 24 % 3) if busy else 0.0, job=JOB)
        at += (width + 30 * (n % 90 == 89)) * HOUR
    for burn in [surge] * (4 if surge else 0) + [-back] * (1 if back else 0):
        made.learn(at, at + HOUR, burn, job=JOB)
        at += HOUR
    return made, at


def figures(forecast: Forecast, at: float, plan: float) -> list[float]:
    """Levels, surge and lump; doubt and recent noise; burn, usual burn, P10, P50 and P90."""
    standing = Standing(at=at, left=5000.0, low=None, drops=9, job=JOB, plan=plan)
    levels, now = forecast.levels(standing.plan, JOB), outlook(forecast, standing, at)
    paces = [levels.long, levels.slow, levels.day, levels.fast, levels.surge, levels.lump]
    told = [now.burn_per_hour, now.usual_burn_per_hour, now.p10, now.p50, now.p90]
    noise = now.recent_noise_per_hour
    found = [*paces, forecast.doubt(levels, forecast.plan_share), noise, *told]
    return [x for x in found if x is not None]


LIVES: dict[str, tuple[dict[str, float], float, list[float]]] = {
    "twelve hours": (
        {"hours": 12},
        0.0,
        [
            *(41.9751, 42.1308, 42.7345, 47.8725, 0.635901, 247.126),
            *(0.389634, 281.213),
            *(42.6068, 41.9751, 20.6217, 94.2163, 257.012),
        ],
    ),
    "two days, with a plan": (
        {"hours": 40},
        80.0,
        [
            *(64.3838, 61.3328, 64.6787, 76.798, 0.787375, 201.158),
            *(0.283133, 206.78),
            *(64.6809, 64.6922, 31.6831, 74.074, 147.249),
        ],
    ),
    "five days": (
        {"hours": 110},
        0.0,
        [
            *(62.2948, 62.6427, 63.7126, 82.6117, 1.54344, 193.781),
            *(0.298463, 219.516),
            *(63.7524, 33.5274, 29.7035, 65.4913, 137.513),
        ],
    ),
    "a money-back after nine days": (
        {"hours": 220, "back": 150.0},
        0.0,
        [
            *(65.9929, 66.3743, 64.3474, 51.9216, -0.893157, 234.279),
            *(0.1323, 0),
            *(60.5937, 50.2575, 40.1008, 75.0283, 121.448),
        ],
    ),
    "six weeks": (
        {"hours": 1000},
        0.0,
        [
            *(68.0732, 68.5802, 71.908, 56.7249, -0.824104, 192.864),
            *(0.0680509, 0),
            *(76.8622, 94.0871, 45.7857, 68.819, 106.941),
        ],
    ),
    "a surge": (
        {"hours": 400, "surge": 900.0},
        0.0,
        [
            *(78.1546, 89.4544, 128.805, 348.196, 3.60105, 345.72),
            *(0.0610611, 788.857),
            *(144, 129.157, 19.9846, 42.7385, 71.4607),
        ],
    ),
    "a small surge": (
        {"hours": 400, "surge": 450.0},
        0.0,
        [
            *(71.9954, 77.1284, 92.2908, 153.984, 2.222, 227.88),
            *(0.126629, 452.871),
            *(96.5798, 118.978, 27.8373, 60.0112, 101.497),
        ],
    ),
    "late to begin": (
        {"hours": 60, "quiet": 200},
        0.0,
        [
            *(67.2579, 67.6444, 69.7953, 80.3147, 0.770544, 400.284),
            *(1.2, 379.608),
            *(69.1902, 67.2579, 3.8179, 47.7656, 185.11),
        ],
    ),
    "a short quiet before": (
        {"hours": 40, "quiet": 20},
        0.0,
        [
            *(69.4199, 70.0523, 73.1904, 84.5793, 0.667956, 230.016),
            *(0.307936, 221.518),
            *(72.2202, 69.4199, 21.1404, 61.8963, 136.477),
        ],
    ),
    "a longer quiet before": (
        {"hours": 30, "quiet": 60},
        0.0,
        [
            *(35.1902, 34.8203, 33.8221, 31.2151, -0.518743, 366.562),
            *(0.363961, 0),
            *(34.1639, 35.1902, 34.2269, 122.142, 297.612),
        ],
    ),
    "a great surge": (
        {"hours": 400, "surge": 90000},
        0.0,
        [
            *(1314.38, 2891.77, 12211, 61002.8, 11.972, 5204.47),
            *(0.0601761, 30607.3),
            *(21531.8, 1314.38, 0.0246712, 0.104766, 0.276814),
        ],
    ),
    "hardly begun": (
        {"hours": 8, "quiet": 60},
        0.0,
        [
            *(1.71362, 1.71796, 1.72803, 1.76115, 0.932833, 1235.34),
            *(0.731168, 385.021),
            *(1.72468, 1.71362, 319.373, 2298.38, 7479.43),
        ],
    ),
}


# Whoever means to change one of these figures runs the benchmark first: benchmarks/README.md.
@pytest.mark.parametrize("name", LIVES)
def test_a_life_retold_is_forecast_as_it_was(name: str) -> None:
    told, plan, expected = LIVES[name]
    forecast, at = life(**told)
    assert figures(forecast, at, plan) == pytest.approx(expected, rel=1e-4)


def test_a_surge_stands_out_alike_in_dear_and_in_cheap_units() -> None:
    surges = []
    for unit in (1.0, 1e-6):
        forecast = Forecast()
        for n, burn in enumerate([10.0] * 48 + [400.0] * 3):
            forecast.learn(T0 + n * HOUR, T0 + (n + 1) * HOUR, burn * unit, job=JOB * unit)
        surges.append(forecast.levels(0.0, JOB * unit).surge)
    assert surges[0] == pytest.approx(surges[1])
    assert surges[0] > 2
