"""Quotas nobody tells: windows, counting, the pace, and which job burns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.burners import jobs_reported
from monitor.core.causes import Cause
from monitor.core.conditions import Compare, measure
from monitor.core.counts import Counts, JobHour, Report, gathered
from monitor.core.limits import breach_words, declared_words
from monitor.core.model import Check, Finding, Quota, Reading
from monitor.core.tally import KEPT, MOST_IDS, Tally
from monitor.core.view import View
from monitor.core.when import parse_when
from monitor.core.windows import DeclaredQuota, Per, window

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ZONES = [UTC, BERLIN, NEW_YORK, ZoneInfo("Asia/Kathmandu"), ZoneInfo("Pacific/Apia"),
         ZoneInfo("Australia/Lord_Howe")]  # fmt: skip


def quota(per: Per = Per.DAY, limit: int = 1000, **more: object) -> DeclaredQuota:
    return DeclaredQuota("calls", Decimal(limit), per, **more)  # type: ignore[arg-type]  # a test names fields it knows


def report(name: str, at: datetime = NOON, calls: int = 1, **more: object) -> Report:
    return Report(name, at, {"calls": Decimal(calls)}, **more)  # type: ignore[arg-type]  # as above


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# -- windows --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("per", "more", "at", "begin", "end"),
    [
        (Per.MINUTE, {}, "2026-11-20T12:00:59.9", "2026-11-20T12:00", "2026-11-20T12:01"),
        (Per.HOUR, {}, "2026-11-20T12:59:59", "2026-11-20T12:00", "2026-11-20T13:00"),
        (Per.DAY, {}, "2026-11-20T00:00", "2026-11-20T00:00", "2026-11-21T00:00"),
        (Per.DAY, {"resets_at": time(17, 30)}, "2026-11-20T17:29", "2026-11-19T17:30",
         "2026-11-20T17:30"),
        (Per.DAY, {"timezone": NEW_YORK}, "2026-11-20T04:59", "2026-11-19T05:00",
         "2026-11-20T05:00"),
        (Per.WEEK, {}, "2026-11-22T23:59", "2026-11-16T00:00", "2026-11-23T00:00"),
        (Per.WEEK, {"resets_at": time(9)}, "2026-11-23T08:59", "2026-11-16T09:00",
         "2026-11-23T09:00"),
        (Per.MONTH, {}, "2026-12-31T23:59", "2026-12-01T00:00", "2027-01-01T00:00"),
        (Per.MONTH, {"resets_at": time(6)}, "2026-03-01T05:59", "2026-02-01T06:00",
         "2026-03-01T06:00"),
        # The clocks go forward on 29 March and back on 25 October 2026.
        (Per.DAY, {"timezone": BERLIN}, "2026-03-29T12:00", "2026-03-28T23:00",
         "2026-03-29T22:00"),
        (Per.DAY, {"timezone": BERLIN}, "2026-10-25T12:00", "2026-10-24T22:00",
         "2026-10-25T23:00"),
        # 02:30 is left out: the day begins when the clocks have been put forward.
        (Per.DAY, {"timezone": BERLIN, "resets_at": time(2, 30)}, "2026-03-29T01:30",
         "2026-03-29T01:30", "2026-03-30T00:30"),
        # 02:30 comes twice: the first time counts, the second is of the day that has begun.
        (Per.DAY, {"timezone": BERLIN, "resets_at": time(2, 30)}, "2026-10-25T01:30",
         "2026-10-25T00:30", "2026-10-26T01:30"),
        (Per.MONTH, {"timezone": BERLIN}, "2026-10-31T22:59", "2026-09-30T22:00",
         "2026-10-31T23:00"),
    ],
)  # fmt: skip
def test_a_window_begins_and_ends_when_its_clock_says(
    per: Per, more: dict[str, object], at: str, begin: str, end: str
) -> None:
    found = window(quota(per, **more), utc(at))
    assert (found.begin, found.end) == (utc(begin), utc(end))


@given(
    st.sampled_from(Per),
    st.sampled_from(ZONES),
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.integers(0, 10**9).map(lambda n: datetime(2011, 1, 1, tzinfo=UTC) + timedelta(seconds=n)),
)
def test_every_moment_lies_in_one_window_and_windows_meet(
    per: Per, zone: ZoneInfo, resets_at: time, at: datetime
) -> None:
    declared = quota(per, timezone=zone, resets_at=resets_at)
    found = window(declared, at)
    assert found.begin <= at < found.end
    assert window(declared, found.begin) == found
    assert window(declared, found.end).begin == found.end
    assert window(declared, found.end - timedelta(microseconds=1)) == found


# -- counting -------------------------------------------------------------------------------


def told(tally: Tally, *reports: Report, now: datetime = NOON) -> Tally:
    for one in reports:
        tally.count(one, now)
    return tally


def test_a_late_report_lands_in_its_own_window() -> None:
    yesterday = NOON - timedelta(days=1)
    tally = told(Tally("a"), report("1", calls=5), report("2", yesterday, calls=70))
    assert tally.used(quota(), NOON) == 5
    assert tally.used(quota(), yesterday) == 70
    assert tally.used(quota(), NOON) == 5


def test_the_same_request_counts_once() -> None:
    tally = told(Tally("a"), report("1", calls=5))
    assert tally.count(report("1", calls=5), NOON + timedelta(hours=23)) is None
    assert tally.used(quota(), NOON) == 5


def test_at_the_reset_nothing_is_used() -> None:
    tally = told(Tally("a"), report("1", calls=5))
    midnight = utc("2026-11-21T00:00")
    assert tally.used(quota(), midnight - timedelta(microseconds=1)) == 5
    assert tally.look(quota(), midnight).used == 0


def test_before_the_first_report_the_use_is_unknown_and_not_0() -> None:
    assert Tally("a").look(quota(), NOON).used is None


def test_ids_are_bounded_and_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.core.tally.MOST_IDS", 3)
    tally = told(Tally("a"), *(report(str(n)) for n in range(4)))
    assert tally.count(report("3"), NOON) is None
    assert tally.count(report("0"), NOON) is not None
    assert MOST_IDS >= 31 * 1000


def test_what_is_older_than_it_is_kept_is_forgotten() -> None:
    tally = told(Tally("a"), report("1", job="video", calls=5))
    tally.forget(NOON + KEPT)
    assert tally.used(quota(), NOON) == 5
    tally.forget(NOON + KEPT + timedelta(hours=1))
    assert not tally.everything()


_REPORTS = st.lists(
    st.builds(
        Report,
        id=st.sampled_from("abcdefgh"),
        at=st.integers(0, 3 * 1440).map(lambda n: NOON - timedelta(minutes=n)),
        amounts=st.integers(0, 50).map(lambda n: {"calls": Decimal(n) / 4}),
        job=st.sampled_from([None, "video", "image"]),
        credits=st.sampled_from([None, Decimal("1.5"), Decimal(30)]),
    ),
    unique_by=lambda one: one.id,
    max_size=8,
)


@given(_REPORTS, st.randoms(use_true_random=False), st.sampled_from(Per))
def test_the_order_of_reports_and_their_repeats_do_not_matter(
    reports: list[Report], random: object, per: Per
) -> None:
    again = [*reports, *reports]
    random.shuffle(again)  # type: ignore[attr-defined]  # hypothesis' own Random
    one, other = told(Tally("a"), *reports), told(Tally("a"), *again)
    assert one.look(quota(per), NOON) == other.look(quota(per), NOON)
    assert sorted(one.hours(), key=lambda h: h.key) == sorted(other.hours(), key=lambda h: h.key)


@given(_REPORTS, st.integers(0, 8))
def test_a_restart_in_the_middle_changes_nothing(reports: list[Report], at: int) -> None:
    kept = gathered(c for one in reports[:at] if (c := _keep(one, reports[:at])) is not None)
    after = Tally("a")
    after.restore(kept)
    told(after, *reports)  # what was kept is sent once more
    assert after.look(quota(), NOON) == told(Tally("a"), *reports).look(quota(), NOON)


def _keep(last: Report, reports: Sequence[Report]) -> Counts | None:
    """What keeping a report made of the rows, after those before it."""
    tally = Tally("a")
    made = None
    for one in reports[: reports.index(last) + 1]:
        made = tally.count(one, NOON)
    return made


@given(_REPORTS)
def test_the_use_of_a_window_is_the_sum_of_its_reports(reports: list[Report]) -> None:
    tally = told(Tally("a"), *reports)
    for day in range(4):
        at = NOON - timedelta(days=day)
        mine = [r.amounts["calls"] for r in reports if r.at in window(quota(), at)]
        assert tally.used(quota(), at) == sum(mine)


# -- the pace -------------------------------------------------------------------------------


def test_it_is_gone_when_the_last_hours_pace_has_used_the_rest() -> None:
    """810 used, of which 60 in the last hour: the 190 left last 3 h 10 min."""
    tally = told(Tally("a"), report("1", NOON - timedelta(hours=4), calls=750))
    for n in range(60):
        tally.count(report(f"m{n}", NOON - timedelta(minutes=n)), NOON)
    found = tally.look(quota(), NOON)
    assert found.exhausted_at == NOON + timedelta(hours=3, minutes=10)
    assert declared_words(found) == (
        "1,000 calls a day: 810 used, gone at 15:10 at this pace, resets at 00:00 UTC"
    )


def test_what_lasts_until_the_reset_has_no_such_time() -> None:
    tally = told(Tally("a"), report("1", calls=10))
    found = tally.look(quota(), NOON)
    assert found.exhausted_at is None
    assert declared_words(found) == "1,000 calls a day: 10 used, resets at 00:00 UTC"


def test_what_is_used_up_says_since_when() -> None:
    ago = NOON - timedelta(hours=2)
    tally = told(Tally("a"), report("1", ago, 990), report("2", ago + timedelta(minutes=7), 10))
    tally.count(report("3", calls=5), NOON)
    found = tally.look(quota(), NOON)
    assert found.exhausted_at == ago + timedelta(minutes=7)
    assert "1,005 used, used up at 10:07" in declared_words(found)


def test_a_month_names_the_day() -> None:
    declared = quota(Per.MONTH, 5000)
    tally = told(Tally("a"), report("1", NOON - timedelta(hours=20), 2400))
    words = declared_words(tally.look(declared, NOON))
    expected = "gone on 21 Nov at 14:00 at this pace, resets on 1 Dec at 00:00 UTC"
    assert words == f"5,000 calls a month: 2,400 used, {expected}"


@given(_REPORTS, st.sampled_from(Per))
def test_it_is_never_gone_after_its_reset_nor_before_it_is_used(
    reports: list[Report], per: Per
) -> None:
    found = told(Tally("a"), *reports).look(quota(per, 40), NOON)
    if found.exhausted_at is None or found.used is None or found.limit is None:
        return
    assert found.resets_at is not None
    assert found.exhausted_at < found.resets_at
    assert (found.exhausted_at <= NOON) == (found.used >= found.limit)


# -- rules ----------------------------------------------------------------------------------


def view(*quotas: Quota, cause: Cause = Cause.OK) -> View:
    reading = Reading("a/quota", NOON, 0.1, Finding(cause))
    return View("a/quota", "a", "a", Check.QUOTA, cause=cause, reading=reading, quotas=quotas)


def used(text: str, seen: View) -> float | None:
    condition = parse_when(text)
    assert isinstance(condition, Compare)
    return measure(condition, seen, now=NOON)


def minutes(*calls: int) -> Quota:
    """Of a limit of 10 a minute: so many calls in each of the last whole minutes."""
    tally = Tally("a")
    for n, count in enumerate(calls, 1):
        tally.count(report(str(n), NOON - timedelta(minutes=n), count), NOON)
    tally.count(report("now", calls=10), NOON)
    return tally.look(quota(Per.MINUTE, 10), NOON)


def test_one_full_minute_is_a_burst_and_five_are_a_breach() -> None:
    burst, lasting = minutes(10, 10, 0, 10, 10), minutes(9, 10, 9, 10, 12)
    assert burst.used == lasting.used == 10
    assert used("quota_used >= 80%", view(burst)) == 0
    assert used("quota_used >= 80%", view(lasting)) == pytest.approx(0.9)
    assert breach_words(lasting) == (
        "10 calls a minute: at least 9 used in each of the last 5 minutes"
    )


def test_what_is_counted_here_is_known_when_the_provider_cannot_be_asked() -> None:
    own = Quota("calls", Decimal(810), Decimal(1000), "calls", per="day")
    told_by_api = Quota("credits", Decimal(99), Decimal(100), "USD")
    assert used("quota_used > 1%", view(own, told_by_api)) == pytest.approx(0.99)
    silent = view(own, told_by_api, cause=Cause.TIMED_OUT)
    assert used("quota_used > 1%", silent) == pytest.approx(0.81)
    assert used("quota_left < 20%", silent) == pytest.approx(0.19)


# -- queries --------------------------------------------------------------------------------


def test_what_a_query_says_is_what_is_used_and_its_moves_are_the_pace() -> None:
    tally, declared = Tally("a"), quota(query="sum(x)")
    hour_ago = NOON - timedelta(minutes=59)
    tally.set(declared, Decimal(700), hour_ago - timedelta(hours=1))
    tally.set(declared, Decimal(760), NOON)
    found = tally.look(declared, NOON)
    assert found.used == 760
    assert found.exhausted_at == NOON + timedelta(hours=4)
    tally.set(declared, Decimal(3), NOON)
    assert tally.look(declared, NOON).used == 3


def test_a_query_that_says_0_is_known_and_one_that_fails_is_not() -> None:
    tally, declared = Tally("a"), quota(query="sum(x)")
    tally.set(declared, Decimal(0), NOON)
    assert tally.look(declared, NOON).used == 0
    tally.unread["calls"] = "no answer"
    assert tally.look(declared, NOON).used is None


# -- which job burns ------------------------------------------------------------------------


def hour(job: str, ago: int, count: int, credits: int | None) -> JobHour:
    at = NOON - timedelta(hours=ago)
    return JobHour("a", job, at, count, None if credits is None else Decimal(credits))


def test_shares_are_of_the_burn_and_the_rest_was_not_reported() -> None:
    hours = [hour("video", 0, 4, 540), hour("video", 1, 1, 60), hour("image", 1, 9, 200)]
    spending = {NOON - timedelta(hours=n): Decimal(n * 100 + 450) for n in range(5)}
    found = jobs_reported(hours, spending, since=NOON - timedelta(days=1))
    assert found is not None
    assert found.since == NOON - timedelta(hours=1)  # what came before anybody told is not theirs
    assert found.spent == 1000
    assert found.not_reported == 200
    assert [(u.job, u.count, u.credits, u.share) for u in found.jobs] == [
        ("video", 5, 600, 0.6), ("image", 9, 200, 0.2),
    ]  # fmt: skip


def test_without_a_ledger_shares_are_of_what_was_reported() -> None:
    found = jobs_reported([hour("video", 0, 4, None), hour("image", 0, 1, 5)], None, since=NOON)
    assert found is not None
    assert (found.spent, found.not_reported) == (None, None)
    assert {u.job: u.share for u in found.jobs} == {"image": 1.0, "video": None}


def test_more_reported_than_spent_leaves_no_negative_rest() -> None:
    found = jobs_reported([hour("video", 0, 4, 540)], {NOON: Decimal(400)}, since=NOON)
    assert found is not None
    assert found.not_reported == 0
    assert found.jobs[0].share == 1.0


def test_nothing_reported_says_nothing() -> None:
    assert jobs_reported([hour("video", 30, 1, 1)], {}, since=NOON - timedelta(days=1)) is None
