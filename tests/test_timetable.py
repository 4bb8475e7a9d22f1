"""Hours of the week and moments that come again, on the clocks of people, across DST."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config.timetables import parse_moment, parse_stretch
from monitor.core.inhibit import covered
from monitor.core.timetable import Hours, Recurrence, instant

BERLIN = ZoneInfo("Europe/Berlin")  # forward 2026-03-29 01:00 UTC, back 2026-10-25 01:00 UTC
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")


def utc(text: str) -> datetime:
    """`2026-03-29 01:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def hours(*texts: str, zone: str = "Europe/Berlin") -> Hours:
    return Hours(tuple(parse_stretch(t) for t in texts), ZoneInfo(zone))


def comes(*texts: str, zone: str = "Europe/Berlin") -> Recurrence:
    return Recurrence(tuple(parse_moment(t) for t in texts), ZoneInfo(zone))


def said(spans: list[tuple[datetime, datetime]]) -> str:
    """`27 22:00-28 05:00`: days of the month, UTC."""
    return ", ".join(f"{b:%d %H:%M}-{u:%d %H:%M}" for b, u in spans)


@pytest.mark.parametrize(("day", "minutes", "last", "at"), [
    ("2026-03-28", 150, False, "2026-03-28 01:30"),  # an ordinary night
    ("2026-03-29", 150, False, "2026-03-29 01:00"),  # jumped over: the moment of the jump
    ("2026-03-29", 120, False, "2026-03-29 01:00"),
    ("2026-03-29", 150, True, "2026-03-29 01:00"),
    ("2026-03-29", 180, False, "2026-03-29 01:00"),
    ("2026-10-25", 150, False, "2026-10-25 00:30"),  # comes twice
    ("2026-10-25", 150, True, "2026-10-25 01:30"),
    ("2026-10-25", 1440, False, "2026-10-25 23:00"),
])  # fmt: skip
def test_a_clock_time_is_one_moment(day: str, minutes: int, last: bool, at: str) -> None:
    found = instant(date.fromisoformat(day), minutes, BERLIN, last=last)
    assert found == utc(at)


def test_a_day_that_is_skipped_as_a_whole_begins_where_the_clock_lands() -> None:
    apia = ZoneInfo("Pacific/Apia")  # had no 30 December 2011
    assert instant(date(2011, 12, 30), 600, apia) == utc("2011-12-30 10:00")
    assert instant(date(2011, 12, 31), 0, apia) == utc("2011-12-30 10:00")


@pytest.mark.parametrize(("texts", "start", "end", "spans"), [
    (["Mon-Fri 08:00-18:00"], "2026-11-20 00:00", "2026-11-24 00:00",  # a Friday
     "20 07:00-20 17:00, 23 07:00-23 17:00"),
    (["22:00-07:00"], "2026-11-20 00:00", "2026-11-20 23:00",
     "19 21:00-20 06:00, 20 21:00-21 06:00"),
    (["Fri 22:00-02:00"], "2026-11-20 00:00", "2026-11-23 00:00", "20 21:00-21 01:00"),
    (["Sat,Sun"], "2026-11-20 00:00", "2026-11-25 00:00", "20 23:00-21 23:00, 21 23:00-22 23:00"),
    (["Sat-Mon 09:00-24:00"], "2026-11-22 00:00", "2026-11-23 00:00",
     "22 08:00-22 23:00"),
    (["22:00-07:00"], "2026-03-28 12:00", "2026-03-29 12:00", "28 21:00-29 05:00"),  # 8 h
    (["22:00-07:00"], "2026-10-24 12:00", "2026-10-25 12:00", "24 20:00-25 06:00"),  # 10 h
    (["02:10-02:40"], "2026-03-29 00:00", "2026-03-29 12:00", ""),  # no such time that day
    (["02:00-02:30"], "2026-10-24 12:00", "2026-10-25 12:00", "25 00:00-25 01:30"),
])  # fmt: skip
def test_hours_of_the_week_are_spans(texts: list[str], start: str, end: str, spans: str) -> None:
    assert said(hours(*texts).spans(utc(start), utc(end))) == spans


def test_they_begin_and_end_when_they_say() -> None:
    office = hours("Mon-Fri 08:00-18:00")
    assert not office.holds(utc("2026-11-20 06:59"))
    assert office.holds(utc("2026-11-20 07:00"))
    assert not office.holds(utc("2026-11-20 17:00"))
    assert office.next_begin(utc("2026-11-20 07:00")) == utc("2026-11-23 07:00")
    assert office.next_end(utc("2026-11-20 07:00")) == utc("2026-11-20 17:00")


def test_hours_that_the_clocks_skip_begin_a_week_later() -> None:
    never_that_day = hours("Sun 02:10-02:40")
    assert never_that_day.next_begin(utc("2026-03-22 12:00")) == utc("2026-04-05 00:10")
    assert never_that_day.next_end(utc("2026-03-22 12:00")) == utc("2026-04-05 00:40")


STRETCHES = st.lists(
    st.builds(
        lambda days, begin, end: f"{days} {begin:02}:00-{end:02}:00",
        st.sampled_from(["Mon", "Mon-Fri", "Sat,Sun", "daily", "Fri-Mon", "Wed,Fri"]),
        st.integers(0, 23), st.integers(0, 24),
    ).filter(lambda t: t[-11:-6] != t[-5:]),
    min_size=1, max_size=3,
)  # fmt: skip
MINUTES = st.integers(0, 366 * 24 * 60)


@given(STRETCHES, st.sampled_from(ZONES), MINUTES, st.integers(1, 20 * 24 * 60))
def test_spans_and_gaps_leave_no_moment_out_and_tell_what_holds(
    texts: list[str], zone: str, minute: int, length: int
) -> None:
    start = utc("2026-01-01 00:00") + timedelta(minutes=minute)
    end = start + timedelta(minutes=length)
    when = hours(*texts, zone=zone)
    spans, gaps = when.spans(start, end), when.gaps(start, end)
    assert covered(start, end, [*spans, *gaps])
    for begin, until in gaps:
        assert not when.holds(begin)
        assert not when.holds(until - timedelta(microseconds=1))
    assert when.holds(start) is not any(begin == start for begin, _ in gaps)


@given(STRETCHES, st.sampled_from(ZONES), MINUTES)
def test_nothing_changes_before_the_next_begin_and_end(
    texts: list[str], zone: str, minute: int
) -> None:
    now = utc("2026-01-01 00:00") + timedelta(minutes=minute)
    when = hours(*texts, zone=zone)
    if when.holds(now):
        assert when.next_end(now) > now
        assert when.holds(when.next_end(now) - timedelta(microseconds=1))
    else:
        begin = when.next_begin(now)
        assert not when.spans(now, begin)
        assert when.holds(begin)


@pytest.mark.parametrize(("texts", "start", "end", "moments"), [
    (["Sun 02:00"], "2026-03-20 00:00", "2026-04-07 00:00", "22 01:00, 29 01:00, 05 00:00"),
    (["daily 02:30"], "2026-10-24 00:00", "2026-10-27 00:00", "24 00:30, 25 00:30, 26 01:30"),
    (["daily 02:30"], "2026-03-28 00:00", "2026-03-31 00:00", "28 01:30, 29 01:00, 30 00:30"),
    (["1st 02:00"], "2026-11-01 00:00", "2027-02-01 00:00", "01 01:00, 01 01:00, 01 01:00"),
    (["31st 12:00"], "2026-01-01 00:00", "2026-06-01 00:00", "31 11:00, 31 10:00, 31 10:00"),
    (["last 12:00"], "2026-01-01 00:00", "2026-04-01 00:00", "31 11:00, 28 11:00, 31 10:00"),
    (["Mon,Thu 09:00", "Mon 09:00"], "2026-11-16 00:00", "2026-11-21 00:00", "16 08:00, 19 08:00"),
    (["daily 02:10", "daily 02:40"], "2026-03-29 00:00", "2026-03-29 12:00", "29 01:00"),
])  # fmt: skip
def test_moments_come_again(texts: list[str], start: str, end: str, moments: str) -> None:
    found = comes(*texts).between(utc(start), utc(end))
    assert ", ".join(f"{at:%d %H:%M}" for at in found) == moments


EVERY = st.lists(
    st.builds(
        lambda day, hour, minute: f"{day} {hour:02}:{minute:02}",
        st.sampled_from(["Sun", "daily", "1st", "31st", "last", "Mon,Thu", "Fri-Mon", "29th"]),
        st.integers(0, 23), st.sampled_from([0, 10, 59]),
    ),
    min_size=1, max_size=2, unique=True,
)  # fmt: skip


@given(EVERY, st.sampled_from(ZONES), MINUTES)
def test_the_last_and_the_next_moment_have_none_between(
    texts: list[str], zone: str, minute: int
) -> None:
    now = utc("2026-01-01 00:00") + timedelta(minutes=minute)
    again = comes(*texts, zone=zone)
    last, following = again.last(now), again.next(now)
    assert last is not None
    assert following is not None
    assert last <= now < following
    assert again.between(last, following) == [last]
    assert again.last(following) == following
