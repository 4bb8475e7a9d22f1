"""When a balance is spent: cells, months and the last top-up, in whatever zone people live."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.days import history
from monitor.core.hours import Hour
from monitor.core.past import document, past, pattern_document
from monitor.core.pattern import Pattern, Rate, pattern
from monitor.core.replay import new_book, plain_account
from monitor.core.sayings import busiest

BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)


def hour(at: datetime, spent: object = 0, **more: object) -> Hour:
    """An hour in which something was read."""
    facts = {"samples": 4, "last": Decimal(1000), **more}
    return Hour(at, spent=Decimal(str(spent)), **facts)  # type: ignore[arg-type]  # a test names fields it knows


def row(start: datetime, *spent: object) -> list[Hour]:
    return [hour(start + n * HOUR, s) for n, s in enumerate(spent)]


def drawn(hours: list[Hour], zone: object = UTC, now: datetime | None = None) -> Pattern:
    first = hours[0].at if hours else MONDAY
    last = hours[-1].at if hours else MONDAY
    return pattern(hours, zone, now=now or last + HOUR, since=first)  # type: ignore[arg-type]  # a tzinfo


def cells(found: Pattern) -> dict[tuple[int, int], Rate]:
    """What is known, by day and hour."""
    return {
        (d, h): rate
        for d, day in enumerate(found.week)
        for h, rate in enumerate(day)
        if rate.watched
    }


# -- the week -------------------------------------------------------------------------------


def test_a_cell_is_the_mean_over_its_watched_hours() -> None:
    weeks = [row(MONDAY + timedelta(days=7 * n) - HOUR, 0, 10 * (n + 1)) for n in range(3)]
    assert drawn([h for week in weeks for h in week]).week[0][0] == Rate(60.0, 3.0)


def test_an_hour_nobody_watched_is_unknown_and_not_zero() -> None:
    blind = Hour(MONDAY + HOUR, samples=4, unread=4)
    found = drawn([hour(MONDAY, 5), blind])
    assert found.week[0][0].per_hour == 5
    assert found.week[0][1].per_hour is None
    assert found.week[3][12].per_hour is None


def test_a_watched_hour_in_which_nothing_went_is_zero() -> None:
    assert drawn(row(MONDAY, 5, 0)).week[0][1].per_hour == 0


def test_a_refund_takes_back_what_was_spent() -> None:
    found = drawn([hour(MONDAY, 135), hour(MONDAY + HOUR, 135, refunded=Decimal(135))])
    assert [r.spent for r in found.week[0][:2]] == [135, 0]


@pytest.mark.parametrize("gap", [2, 3])
def test_what_went_while_nobody_looked_for_a_few_hours_is_spread_over_them(gap: int) -> None:
    found = drawn([hour(MONDAY, 0), hour(MONDAY + gap * HOUR, 60)])
    assert [r.per_hour for r in found.week[0][1 : gap + 1]] == [60 / gap] * gap
    assert found.week[0][gap + 1].per_hour is None


def test_what_went_in_a_longer_gap_is_known_in_sum_only() -> None:
    found = drawn([hour(MONDAY, 0), hour(MONDAY + 9 * HOUR, 900)])
    assert list(cells(found)) == [(0, 0)]
    assert found.months[0].spent == 900


def test_hours_before_since_are_in_the_months_and_not_in_the_week() -> None:
    hours = row(MONDAY, 1, 2, 4)
    found = pattern(hours, UTC, now=MONDAY + 3 * HOUR, since=MONDAY + HOUR)
    assert [r.spent for r in found.week[0][:3]] == [0, 2, 4]
    assert found.months[0].spent == 7


def test_hours_and_days_are_those_of_the_time_zone() -> None:
    found = drawn(row(MONDAY + 22 * HOUR, 1, 2, 4), BERLIN)
    assert {k: r.spent for k, r in cells(found).items()} == {(0, 23): 1, (1, 0): 2, (1, 1): 4}


def test_an_hour_counts_where_it_begins_in_a_zone_that_is_half_an_hour_off() -> None:
    found = drawn(row(MONDAY, 7), KOLKATA)  # 05:30
    assert list(cells(found)) == [(0, 5)]


def test_the_hour_that_autumn_has_twice_counts_twice_for_its_mean() -> None:
    night = datetime(2026, 10, 24, 23, tzinfo=UTC)  # 01:00 in Berlin; 02:00 comes twice
    found = drawn(row(night, 10, 20, 40, 80), BERLIN)
    sunday = list(found.week[6][1:4])
    assert sunday == [Rate(10.0, 1.0), Rate(60.0, 2.0), Rate(80.0, 1.0)]


def test_the_hour_that_spring_leaves_out_is_unknown() -> None:
    night = datetime(2026, 3, 29, 0, tzinfo=UTC)  # 01:00 in Berlin; then 03:00
    found = drawn(row(night, 10, 20), BERLIN)
    assert {k: r.spent for k, r in cells(found).items()} == {(6, 1): 10, (6, 3): 20}


def test_the_same_local_hour_is_one_cell_in_summer_and_in_winter() -> None:
    summer = datetime(2026, 7, 6, 7, tzinfo=UTC)  # Mondays, 09:00 in Berlin
    winter = datetime(2026, 11, 16, 8, tzinfo=UTC)
    hours = [*row(summer - HOUR, 0, 10), *row(winter - HOUR, 0, 30)]
    assert drawn(hours, BERLIN).week[0][9] == Rate(40.0, 2.0)


amounts = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 500), st.booleans()), max_size=200)


@given(amounts, st.sampled_from([UTC, BERLIN, KOLKATA, timezone(timedelta(hours=-9.5))]))
def test_without_long_gaps_the_week_holds_all_that_was_spent(
    steps: list[tuple[int, int, bool]], zone: object
) -> None:
    at, hours = datetime(2026, 3, 20, tzinfo=UTC), []
    for gap, spent, back in steps:
        at += gap * HOUR
        hours.append(hour(at, spent, refunded=Decimal(spent if back else 0)))
    found = drawn(hours, zone)
    net = float(sum((h.spent - h.refunded for h in hours), Decimal(0)))
    assert sum(r.spent for r in cells(found).values()) == pytest.approx(net)
    assert sum(r.spent for r in found.hours) == pytest.approx(net)
    assert sum(r.watched for r in found.days) == sum(r.watched for r in found.hours)
    first = 1 if hours else 0
    assert sum(r.watched for r in found.hours) == first + sum(g for g, _, _ in steps[1:])
    assert sum((m.spent for m in found.months), Decimal(0)) == sum(h.spent for h in hours)
    json.dumps(pattern_document(found, at), allow_nan=False)


# -- months ---------------------------------------------------------------------------------


def test_a_month_has_its_sums_and_the_share_of_it_that_was_watched() -> None:
    hours = [
        hour(datetime(2026, 10, 31, 22, tzinfo=UTC), 5, topped_up=Decimal(100)),
        hour(datetime(2026, 10, 31, 23, tzinfo=UTC), 7, refunded=Decimal(2), adjusted=Decimal(-1)),
    ]
    october, november = drawn(hours, BERLIN, now=datetime(2026, 11, 1, 9, tzinfo=UTC)).months
    assert (october.month, october.spent, october.topped_up) == (date(2026, 10, 1), 5, 100)
    assert october.watched == pytest.approx(1 / 745)  # an hour longer than 31 days
    assert (november.spent, november.refunded, november.adjusted) == (7, 2, -1)
    assert november.watched == pytest.approx(1 / 10)  # of its hours so far


def test_a_month_in_which_nothing_was_read_has_none() -> None:
    blind = [Hour(datetime(2026, 9, 5, tzinfo=UTC), samples=3, unread=3)]
    found = drawn([*blind, hour(MONDAY, 1)])
    assert [m.month for m in found.months] == [date(2026, 11, 1)]


def test_a_month_watched_all_through_is_watched_wholly() -> None:
    start = datetime(2026, 3, 1, tzinfo=BERLIN).astimezone(UTC)
    hours = [hour(start + n * HOUR, 1) for n in range(743)]
    (march,) = drawn(hours, BERLIN, now=datetime(2026, 5, 1, tzinfo=UTC)).months
    assert (march.watched, march.spent) == (1.0, 743)


# -- the last top-up ------------------------------------------------------------------------


def test_since_the_last_top_up_counts_from_the_hour_after_it() -> None:
    hours = row(MONDAY, 10, 20, 40)
    hours[0] = hour(MONDAY, 10, topped_up=Decimal(5000))
    now = MONDAY + timedelta(days=2)
    top_up = drawn(hours, now=now).top_up
    assert top_up is not None
    assert (top_up.at, top_up.amount, top_up.spent) == (MONDAY, 5000, 60)
    assert (top_up.days(now), top_up.per_day(now)) == (2.0, 30.0)
    assert top_up.per_day(MONDAY + HOUR / 2) is None


def test_without_a_top_up_none_is_named() -> None:
    assert drawn(row(MONDAY, 1, 2)).top_up is None


# -- in words -------------------------------------------------------------------------------


def working_week() -> list[Hour]:
    """Four weeks: 9 to 18 h a job's price, Tuesdays twice as much."""
    out = []
    for n in range(24 * 28):
        at = MONDAY + n * HOUR
        busy = 9 <= at.hour < 18
        much = (2 if at.weekday() == 1 else 1) * (2 if at.hour == 14 else 1)
        out.append(hour(at, 135 * much if busy else 0))
    return out


def test_the_busiest_hour_and_day_are_named() -> None:
    found = drawn(working_week())
    assert (found.busiest_hour, found.busiest_day) == (14, 1)
    said = list(busiest(found))
    assert said[0].startswith("busiest hour: 14:00 to 15:00, 309 an hour, 4.8 times the mean")
    assert said[1].startswith("busiest day: Tuesday, 2700 a day, ")


def test_where_all_is_alike_nothing_stands_out() -> None:
    found = drawn([hour(MONDAY + n * HOUR, 5) for n in range(24 * 14)])
    assert (found.busiest_hour, found.busiest_day) == (None, None)
    assert list(busiest(found)) == ["no hour and no day stands out: 5 an hour"]


@pytest.mark.parametrize("hours", [[], row(MONDAY, 0, 0, 0), [Hour(MONDAY, samples=1, unread=1)]])
def test_where_nothing_went_nothing_is_said(hours: list[Hour]) -> None:
    found = drawn(hours)
    assert (found.busiest_hour, found.busiest_day) == (None, None)
    assert list(busiest(found)) == []


def test_an_hour_seen_once_is_no_habit() -> None:
    assert drawn(row(MONDAY, 0, 500, 0)).busiest_hour is None


# -- together with a history ----------------------------------------------------------------


def test_kept_hours_make_the_pattern_and_the_document_says_all_of_it() -> None:
    kept = tuple(working_week())
    now = kept[-1].at + HOUR
    since = now - timedelta(days=7)
    found = history("kie/balance", [], new_book(plain_account()), since=since, kept=kept)
    it = past(found, kept, since=since, now=now, outlook=None)
    made = document(it)
    assert made["forecast"] is None
    shown = made["pattern"]
    assert isinstance(shown, dict)
    assert (shown["busiest_hour"], shown["busiest_weekday"]) == (14, "Tuesday")
    assert len(shown["week"]["Monday"]) == 24
    assert shown["by_weekday"]["Tuesday"] == 112.5
    assert [m["month"] for m in shown["months"]] == ["2026-11", "2026-12"]
    assert shown["since_top_up"] is None
