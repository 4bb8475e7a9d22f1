"""The chart of a balance as values: what is shown, and that it says the same in words."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.causes import Cause
from monitor.core.chart import POINTS, Chart, balance_chart, sparkline
from monitor.core.model import Check, Finding, Outlook, Reading
from monitor.core.view import View

NOW = datetime(2026, 11, 20, 13, 53, 20, tzinfo=UTC)
CRITICAL = Outlook(1450.0, 2.2, 4.0, 7.0, 15.0)
WORDS = (
    "Balance over the last 30 h: from 25700 to 20400 credits now, lowest 650, highest 25700."
    " It rose by 21550 credits about 2 h ago. The floor of 135 credits is reached in about 40 h as"
    " likely as not, most likely between about 10 h and never."
)
NEVER = Outlook(0.0, math.inf, math.inf, math.inf, math.inf)


def view(
    balance: float = 10485.25, outlook: Outlook | None = CRITICAL, *, cause: Cause = Cause.OK,
    unit: str = "credits", floor: int = 135,
) -> View:  # fmt: skip
    money = Decimal(str(balance))
    reading = Reading("kie/balance", NOW, 0.1, Finding(cause, balance=money, unit=unit))
    return View(
        "kie/balance", "kie", "kie", Check.BALANCE, cause=cause, reading=reading,
        balance=money, unit=unit, floor=Decimal(floor), outlook=outlook,
    )  # fmt: skip


def falling(
    hours: float, *, to: float = 10485.25, every: float = 10.0
) -> list[tuple[datetime, float]]:
    count = int(hours * 60 / every)
    return [(NOW - timedelta(minutes=every * n), to + 150.0 * n) for n in range(count, 0, -1)]


def made(seen: View, points: list[tuple[datetime, float]], **more: datetime) -> Chart:
    found = balance_chart(seen, points, NOW, **more)
    assert found is not None
    return found


def test_three_runways_of_the_past_are_shown_and_the_moment_of_the_floor() -> None:
    chart = made(view(), falling(100))
    assert chart.first == pytest.approx(-21, abs=0.1)
    assert chart.last > 7.0
    assert chart.points[0][0] == chart.first
    assert chart.points[-1] == (0.0, 10485.25)
    assert chart.end_words == "about 7 h"


@pytest.mark.parametrize(
    ("hours", "topped_up", "first"),
    [
        (400, None, 7 * 24),  # nothing ends: a week
        (400, 30, 7 * 24),  # a top-up within what is shown changes nothing
        (400, 200, 210),  # one a little before it is shown as well
        (400, 399, 7 * 24),  # one long ago is not: it would squeeze the rest
        (5, None, 5),  # no more than there is
    ],
)
def test_where_nothing_ends_a_week_is_shown_or_to_the_last_top_up(
    hours: float, topped_up: float | None, first: float
) -> None:
    since = None if topped_up is None else NOW - timedelta(hours=topped_up)
    chart = balance_chart(view(outlook=NEVER), falling(hours), NOW, topped_up=since)
    assert chart is not None
    assert -chart.first == pytest.approx(first, rel=0.01)


def test_never_more_than_thirty_days() -> None:
    slow = Outlook(1.0, 3000.0, 4000.0, 5000.0, 9000.0)
    assert made(view(outlook=slow), falling(2000, every=60)).first == -30 * 24


def test_a_past_of_less_than_a_minute_is_not_given_a_length() -> None:
    words = made(view(), [(NOW - timedelta(seconds=n), 10485.25) for n in (10, 5)]).words
    assert words.startswith("Balance: from 10485 to 10485.25 credits now, ")


def test_a_young_past_still_shows_when_the_floor_is_reached() -> None:
    chart = made(view(), falling(6))
    assert chart.last > 7.0


@pytest.mark.parametrize(
    "seen",
    [
        view(cause=Cause.CREDITS_EXHAUSTED),  # the provider refuses: no forecast holds
        view(100),  # under the floor
        view(outlook=None),
        view(outlook=Outlook(None, None, None, None, None)),
    ],
)
def test_no_forecast_is_drawn_where_none_holds(seen: View) -> None:
    chart = made(seen, falling(50))
    assert chart.ahead is None
    assert chart.end_words == ""
    assert "likely" not in chart.words


def test_there_is_no_chart_of_what_is_not_known() -> None:
    assert balance_chart(None, falling(50), NOW) is None
    assert balance_chart(view(cause=Cause.PROVIDER_ERROR), falling(50), NOW) is None
    assert balance_chart(view(), falling(0.2), NOW) is None  # one point is no course


def test_the_words_say_what_the_drawing_shows() -> None:
    points = [(at + timedelta(hours=-2), value) for at, value in falling(28, to=500)]
    points += [(at, value + 20000) for at, value in falling(2, to=400)]
    chart = made(view(20400, Outlook(500.0, 10.0, 30.0, 40.0, math.inf)), points)
    assert chart.words == WORDS
    assert [by for _, by in chart.rises] == [21550.0]


def test_all_who_are_told_within_a_minute_are_shown_one_chart() -> None:
    points = falling(50)
    assert balance_chart(view(), points, NOW) == balance_chart(
        view(), points, NOW + timedelta(seconds=30)
    )


values = st.floats(-1e6, 1e9, allow_nan=False)


@given(st.lists(values, min_size=2, max_size=2000), values, st.integers(0, 10**6))
def test_few_points_and_no_dip_is_lost(course: list[float], now: float, floor: int) -> None:
    points = [(NOW - timedelta(minutes=n), v) for n, v in enumerate(course, 1)][::-1]
    chart = made(view(now, NEVER, floor=floor), points)
    shown = [v for _, v in chart.points]
    times = [h for h, _ in chart.points]
    assert len(shown) <= POINTS
    assert times == sorted(times)
    assert (min(shown), max(shown)) == (min(*course, shown[-1]), max(*course, shown[-1]))
    assert {h for h, _ in chart.rises} <= set(times)  # each mark stands on the line
    assert len(sparkline(chart)) == 40
    assert chart.first < 0 < chart.last
    assert 1 <= len(chart.ticks) <= 7


def test_a_sparkline_falls_as_the_balance_does() -> None:
    line = sparkline(made(view(10, floor=0), falling(21, to=10)), 20)
    assert line[0] == "█"
    assert line[-1] == "▁"
    assert list(line) == sorted(line, reverse=True)
