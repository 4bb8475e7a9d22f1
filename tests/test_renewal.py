"""A renewal the provider announces: neither burn nor a purchase, and known to the forecast."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.book import Book
from monitor.core.forecast import Forecast
from monitor.core.forecast_outlook import Standing, outlook
from monitor.core.ledger import EntryKind, Ledger, Pace
from monitor.core.model import Outlook
from monitor.core.renewal import Renewal

T0 = 1_770_000_000.0 // 86400 * 86400
HOUR, DAY = 3600.0, 86400.0
JOB = 30.0
PACE = Pace(slow=60.0, lump=30.0, job=JOB)
PLAN = 10_000.0


def enter(ledger: Ledger, minutes: float, balance: object, renewal: Renewal | None) -> EntryKind:
    return ledger.enter(T0 + minutes * 60, Decimal(str(balance)), PACE, renewal).kind


def story(*told: tuple[float, object], renewal: Renewal | None) -> tuple[str, Ledger]:
    """Minutes from the renewal and balances in, kinds out."""
    ledger = Ledger()
    kinds = [enter(ledger, minutes, balance, renewal).value for minutes, balance in told]
    t = ledger.totals(None)
    assert t.start - t.spent + t.refunded + t.topped_up + t.adjusted == t.end
    return " ".join(kinds), ledger


@pytest.mark.parametrize(
    ("told", "kinds"),
    [
        ([(-5, 400), (0, 10_000)], "first adjusted"),
        ([(-5, 400), (5, 9_970), (10, 9_940)], "first adjusted spent"),
        ([(-5, 400), (5, 10_500)], "first adjusted"),  # some was left over
        ([(-5, 80_000), (5, 10_000)], "first adjusted"),  # what was left lapses, with no suspect
        ([(-5, -50), (5, 10_000)], "first adjusted"),
        ([(-5, 9_990), (5, 10_000)], "first adjusted"),  # hardly used
        ([(-5, 9_990), (5, 9_960)], "first spent"),
        ([(-5, 400), (5, 370), (10, 10_000)], "first spent adjusted"),  # a late answer
        ([(-5, 400), (5, 370), (100, 10_000)], "first spent topped_up"),  # too late to be it
        ([(-5, 400), (5, 5_400)], "first topped_up"),  # another amount
        ([(-5, 400), (5, 10_000), (10, 20_000)], "first adjusted topped_up"),
        ([(-5, 400), (5, 10_000), (10, 9_940), (15, 9_970)], "first adjusted spent refunded"),
        ([(-10, 400), (-5, 10_000)], "first topped_up"),  # before its time
        ([(-10, 4_000), (-5, 0), (5, 10_000)], "first suspect adjusted"),
        ([(-10, 4_000), (5, 0), (10, 3_990)], "first suspect spent"),  # a misread one, at the time
        ([(-300, 400), (2880, 8_000)], "first adjusted"),  # two days in which nobody looked
    ],
)
def test_a_renewal_is_booked_as_one_at_once(told: list[tuple[float, object]], kinds: str) -> None:
    assert story(*told, renewal=Renewal(T0, PLAN))[0] == kinds


def test_a_renewal_to_an_unknown_amount_is_known_by_its_day() -> None:
    renewal = Renewal(T0)
    assert story((-5, 400), (5, 10_000), renewal=renewal)[0] == "first adjusted"
    assert story((-5, 400), (5, 340), (10, 370), renewal=renewal)[0] == "first spent refunded"
    assert (
        story((-5, 400), (5, 400), (10, 5_000), renewal=renewal)[0] == "first unchanged topped_up"
    )


def test_a_renewal_is_neither_burn_nor_a_purchase() -> None:
    _, ledger = story((-5, 400), (5, 9_970), renewal=Renewal(T0, PLAN))
    entry = ledger.enter(T0 + 600, Decimal(9_970), PACE, Renewal(T0, PLAN))
    assert ledger.adjusted == 9_570
    assert ledger.topped_up == ledger.spent == 0
    assert entry.kind is EntryKind.UNCHANGED
    assert ledger.enter(T0 + 900, None, PACE, Renewal(T0, PLAN)).kind is EntryKind.UNREAD


def test_the_floor_is_taken_from_what_it_renews_to() -> None:
    assert Renewal(T0, PLAN, DAY).above(135.0) == Renewal(T0, PLAN - 135.0, DAY)
    assert Renewal(T0).above(135.0) == Renewal(T0)


def learned(pace: float = 60.0) -> tuple[Forecast, float]:
    forecast, at = Forecast(), T0
    for n in range(20 * 24 * 6):
        forecast.learn(at, at + 600.0, pace / 6 if n % 3 else 0.0, job=JOB)
        at += 600.0
    return forecast, at


FORECAST, END = learned()


def told(left: float, renewal: Renewal | None, *, now: float = 0.0) -> Outlook:
    standing = Standing(at=END, left=left, low=None, drops=9, job=JOB, plan=0.0, renewal=renewal)
    return outlook(FORECAST, standing, END + now * HOUR)


def hours(o: Outlook) -> list[float]:
    return [h for h in (o.p10, o.p25, o.p50, o.p90) if h is not None]


def test_what_ends_before_the_renewal_stands() -> None:
    plain = told(1000.0, None)
    assert told(1000.0, Renewal(END + 10 * DAY, PLAN, 30 * DAY)) == plain


def test_what_lasts_until_the_renewal_goes_on_with_what_it_renews_to() -> None:
    found = told(4000.0, Renewal(END + 10 * HOUR, 4000.0))
    fresh = told(4000.0, None)
    for renewed, alone in zip(hours(found), hours(fresh), strict=True):
        assert renewed == pytest.approx(alone + 10, rel=0.03)


def test_each_percentile_decides_for_itself() -> None:
    plain = told(4000.0, None)
    assert plain.p10 is not None
    assert plain.p50 is not None
    between = (plain.p10 + plain.p50) / 2
    found = told(4000.0, Renewal(END + between * HOUR, 4000.0, 40 * HOUR))
    assert found.p10 == plain.p10
    assert found.p50 == math.inf
    assert found.p90 == math.inf


def test_a_plan_that_lasts_its_period_has_no_end_and_one_that_does_not_has() -> None:
    assert hours(told(4000.0, Renewal(END + HOUR, 4 * PLAN, 5 * DAY))) == [math.inf] * 4
    short = hours(told(4000.0, Renewal(END + HOUR, PLAN, 30 * DAY)))
    assert short == pytest.approx([h + 1 for h in hours(told(PLAN, None))], rel=0.03)


def test_a_renewal_to_nothing_is_the_end() -> None:
    found = told(4000.0, Renewal(END + 10 * HOUR, -135.0, 30 * DAY))
    assert hours(found) == pytest.approx([10.0] * 4)


@pytest.mark.parametrize(
    "renewal", [Renewal(END - HOUR, 9e9), Renewal(END, 9e9), Renewal(END + 9.0)]
)
def test_a_renewal_that_is_past_or_unknown_changes_nothing(renewal: Renewal) -> None:
    assert told(4000.0, renewal) == told(4000.0, None)


def test_nothing_left_is_no_runway_whatever_will_be_renewed() -> None:
    assert hours(told(0.0, Renewal(END + 60.0, PLAN))) == [0.0] * 4


def test_waiting_for_an_answer_uses_up_the_renewed_runway_too() -> None:
    renewal = Renewal(END + 10 * HOUR, 4000.0)
    early, late = told(900.0, renewal), told(900.0, renewal, now=5.0)
    for soon, then in ((early.p10, late.p10), (early.p50, late.p50), (early.p90, late.p90)):
        assert soon is not None
        assert then == pytest.approx(soon - 5.0)


@settings(deadline=None)
@given(
    st.floats(1.0, 30_000.0), st.floats(1.0, 30_000.0), st.floats(1.0, 3.0),
    st.floats(0.01, 800.0), st.sampled_from([None, DAY, 30 * DAY]),
)  # fmt: skip
def test_more_now_or_more_renewed_is_never_less_runway(
    left: float, to: float, more: float, due: float, every: float | None
) -> None:
    renewal = Renewal(END + due * HOUR, to, every)
    plain = hours(told(left, renewal))
    assert plain == sorted(plain)
    richer = hours(told(left * more, renewal))
    renewed = hours(told(left, replace(renewal, to=to * more)))
    for less, a, b in zip(plain, richer, renewed, strict=True):
        assert a >= less * (1 - 1e-9)
        assert b >= less * (1 - 1e-9)


NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


def renewing() -> Book:
    """A week of 5 credits an hour, with 600 left eleven hours before the plan renews to 1000."""
    book = Book(floor=Decimal(0), job_max=Decimal(5), planned_burn=Decimal(0))
    for hour in range(168):
        book.update(NEW_YEAR - timedelta(hours=178 - hour), Decimal(1435 - 5 * hour))
        book.renew(Renewal.told({"renews_at": "2027-01-01T00:00:00Z", "renews_to": "1000"}))
    return book


def test_a_book_knows_the_renewal_a_reading_told_of() -> None:
    book, eve = renewing(), NEW_YEAR - timedelta(hours=11)
    told = book.outlook(eve).p50
    book.renew(None)
    alone = book.outlook(eve).p50
    assert alone == pytest.approx(600 / 5, rel=0.1)
    assert told == pytest.approx(11 + 1000 / 5, rel=0.1)


@pytest.mark.parametrize("late", [timedelta(minutes=1), timedelta(minutes=50)])
def test_the_renewal_is_booked_though_the_next_one_is_told_already(late: timedelta) -> None:
    """An answer may name the next date before it shows what the last one brought."""
    book = renewing()
    following = Renewal.told({"renews_at": "2027-02-01T00:00:00Z", "renews_to": "1000"})
    book.renew(following)
    entry = book.update(NEW_YEAR + late, Decimal(998))
    assert entry.kind is EntryKind.ADJUSTED
    assert book.totals.topped_up == 0


def test_facts_without_a_date_tell_of_no_renewal() -> None:
    assert Renewal.told({"plan": "PRO"}) is None
