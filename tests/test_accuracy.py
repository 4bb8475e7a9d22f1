"""How wrong the forecasts were: what is scored, what is not, and that it survives a restart."""

from __future__ import annotations

import math
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_book import CHANGES, WILD, fold

from monitor.cli.formats.accuracy import forecasts, off
from monitor.cli.formats.report import accuracy
from monitor.cli.formats.rows import AccuracyRow
from monitor.core import accuracy as core
from monitor.core.accuracy import (
    HORIZONS,
    KEPT,
    Ended,
    Mark,
    Score,
    Turn,
    figures,
    hindsight,
    moment,
    ran_out,
    topped_up,
)
from monitor.core.book import Book, EntryKind

T0 = datetime(2026, 2, 2, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
JOB = Decimal(135)
# Four samples of a book of version 1, compressed: 5000 credits, three jobs of 135 an hour apart.
VERSION_1 = """
    78da73f2f7f76664e8619066c00bceb024dc7244a2b1000e0730d5b119957e90804a030113639484cceb7228ff
    c37fece6c1c4613487038af48122181f4c7b30c939a2daf3c11e854617c750c7c0707b42aea3f4f50207bc21f1
    002aff00aecec1a587ed48e4fc2207390e8f9f5e71150efe166fda33e52a1d3ebc3928d1ed5ce9f0f9dcfc99ea
    2b181d1edc6fcabc2cc5eee073d2eef0ef0bec0e26bfeb8a0cbeb0c3ddc188e69ea105d0c27b18819477514e76
    2ffe93ecaf64bcfad0c36bf8d3ba5ca60606065c2606a65c066068626a69caa50b64e8020090377aa3
"""


def book(*, floor: int = 0, plan: int = 0) -> Book:
    return Book(floor=Decimal(floor), job_max=JOB, planned_burn=Decimal(plan))


def again(b: Book, *, floor: int = 0) -> Book:
    return Book.load(b.dump(), floor=Decimal(floor), job_max=JOB, planned_burn=Decimal(0))


def spend(b: Book, start: int, hours: float, *, begin: datetime = T0) -> tuple[datetime, int]:
    """One job of 135 each hour, on the hour, polled every 10 minutes; the last sample."""
    at, value = begin, start
    for n in range(int(hours * 6) + 1):
        at, value = begin + n * 10 * MINUTE, start - 135 * (n // 6)
        b.update(at, Decimal(value))
    return at, value


def to_the_end(b: Book, start: int = 13_500) -> datetime:
    """Spend until nothing is left, in the moment in which nothing is left."""
    return spend(b, start, start // 135)[0]


def last(b: Book) -> dict[int, Score]:
    return {h.before: h.last for h in b.hindsight}


# -- the arithmetic, by hand ----------------------------------------------------------------

NOON = 1_770_000_000.0


def a_mark(hours_before: float, **more: object) -> Mark:
    base = Mark(NOON - hours_before * 3600, 5000.0, 10.0, 20.0, 40.0, (2400.0, 1200.0, 400.0),
                lump=100.0, doubt=0.1)  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]  # a typo is a TypeError


def turn(left: float = 0.0, gap: float = 600.0) -> Turn:
    return Turn(NOON, NOON, NOON - gap, left)


RAN_OUT = [
    (24.0, 20.0, True),
    (24.7, 20.0, True),
    (12.0, 20.0, True),
    (4.0, 20.0, False),  # under P10
]


@pytest.mark.parametrize(("hours", "said", "held"), RAN_OUT)
def test_of_a_balance_that_ran_out_p50_is_what_was_said(
    hours: float, said: float, held: bool
) -> None:
    (score,) = ran_out([a_mark(hours)], turn())
    assert (score.before, score.ended) == (min(HORIZONS, key=lambda h: abs(h - hours)),
                                           Ended.RAN_OUT)  # fmt: skip
    assert score.true == pytest.approx(hours)
    assert (score.said, score.held) == (said, held)
    assert score.ratio == pytest.approx(said / hours)


@pytest.mark.parametrize("hours", [26.0, 24.8, 23.2, 18.0, 12.8, 8.0, 4.8, 3.2, 0.5, -4.0])
def test_a_mark_too_far_from_every_horizon_is_not_scored(hours: float) -> None:
    assert ran_out([a_mark(hours)], turn()) == ()
    assert topped_up([a_mark(hours)], turn(2600)) == ()


def test_the_nearest_mark_is_scored() -> None:
    (score,) = ran_out([a_mark(h) for h in (13.7, 12.6, 11.6, 10.6)], turn())
    assert score.true == pytest.approx(11.6)


@pytest.mark.parametrize(("gap", "scored"), [(3600, 3), (3601, 2), (10_801, 1), (21_601, 0)])
def test_an_ending_in_a_gap_is_not_known_well_enough(gap: float, scored: int) -> None:
    marks = [a_mark(h) for h in HORIZONS]
    assert len(ran_out(marks, turn(gap=gap))) == scored
    assert len(topped_up(marks, turn(2600, gap=gap))) == scored


TOPPED_UP = [
    (2600, 1.0, True),  # spent 2400 as expected
    (200, 2.0, False),  # spent 4800: it would have lasted half as long
    (3800, 0.5, False),  # spent 1200
    (3300, 0.7, True),
    (5000, 0.02, False),  # nothing was spent where much was expected
    (5400, 0.02, False),  # more came back than went
]


@pytest.mark.parametrize(("left", "ratio", "held"), TOPPED_UP)
def test_of_a_top_up_what_was_spent_is_what_was_to_be_forecast(
    left: float, ratio: float, held: bool
) -> None:
    (score,) = topped_up([a_mark(24)], turn(left))
    assert score.ratio == pytest.approx(ratio, rel=0.15, abs=0.01)
    assert (score.true, score.held, score.ended) == (24, held, Ended.TOPPED_UP)


def test_what_was_expected_is_expected_for_as_long_as_it_took() -> None:
    sooner, later = (topped_up([a_mark(h)], turn(2600))[0] for h in (23.5, 24.5))
    assert sooner.said == pytest.approx(later.said)


@pytest.mark.parametrize(
    ("left", "expected", "scored"),
    [(4800, 299, 0), (4800, 301, 1), (4700, 0, 1), (4701, 299, 0), (5000, 0, 0)],
)
def test_too_little_money_says_nothing_of_a_forecast(
    left: float, expected: float, scored: int
) -> None:
    said = a_mark(24, expected=(expected, 0.0, 0.0))
    assert len(topped_up([said], turn(left))) == scored


def test_a_forecast_of_no_end_is_taken_for_sixty_days() -> None:
    (score,) = ran_out([a_mark(24, p50=math.inf, p90=math.inf)], turn())
    assert (score.said, score.held) == (1440, True)
    (score,) = topped_up([a_mark(24, expected=(0.0, 0.0, 0.0))], turn(2600))
    assert (score.said, score.held) == (1440, False)


def test_the_middle_factor_is_off_either_way() -> None:
    scores = [Score(moment(NOON), Ended.RAN_OUT, 4, said, 4.0, said < 8) for said in (2, 4, 8, 5)]
    found = hindsight(scores, 9, 8)
    assert found.factor == pytest.approx(math.sqrt(1.25 * 2))
    assert (found.scores, found.held, found.last.said) == (4, 3, 5)
    assert figures([found]) == {"4h": {
        "last": {"at": "2026-02-02T02:40:00Z", "ended": "ran_out", "said_hours": 5,
                 "true_hours": 4, "ratio": 1.25, "within_p10_p90": True},
        "scores": 4, "within_p10_p90": 3, "median_factor": 1.58114,
        "scored_total": 9, "within_p10_p90_total": 8,
    }}  # fmt: skip
    assert figures(()) is None


# -- a book's life --------------------------------------------------------------------------


def test_a_steady_account_that_runs_out_was_forecast_well() -> None:
    b = book()
    at = to_the_end(b)
    assert list(last(b)) == [24, 12, 4]
    for before, score in last(b).items():
        assert (score.at, score.ended, score.true) == (at, Ended.RAN_OUT, before)
        assert 0.8 < score.ratio < 1.25


def test_a_top_up_is_scored_by_what_was_spent_and_the_marks_begin_anew() -> None:
    b = book()
    at, value = spend(b, 20_000, 60)
    b.update(at + 10 * MINUTE, Decimal(value + 10_000))
    assert b.ending is not None
    assert (b.ending.ended, b.ending.at) == (Ended.TOPPED_UP, at + 10 * MINUTE)
    assert [s.before for s in b.ending.scores] == [24, 12, 4]
    assert all(0.75 < s.ratio < 1.3 for s in b.ending.scores)
    scored = b.hindsight
    at, value = spend(b, value + 10_000, 2, begin=at + 20 * MINUTE)
    b.update(at + 10 * MINUTE, Decimal(value + 5_000))
    assert b.hindsight == scored  # nothing was said four hours before, since the last credit


def test_a_pace_that_doubles_was_said_to_last_too_long() -> None:
    b = book()
    at, value = spend(b, 40_000, 72)
    for _ in range(1, 24 * 6):
        value -= 45
        at += 10 * MINUTE
        b.update(at, Decimal(value))
    b.update(at + 10 * MINUTE, Decimal(value + 20_000))
    assert last(b)[24].ratio > 1.5
    assert not last(b)[24].held


def test_a_reset_to_the_same_level_is_an_ending_as_a_top_up_is() -> None:
    b = book()
    at, _ = spend(b, 20_000, 60)
    b.update(at + 10 * MINUTE, Decimal(20_000))
    at, _ = spend(b, 20_000, 40, begin=at + 20 * MINUTE)
    assert b.update(at + 10 * MINUTE, Decimal(20_000)).kind is EntryKind.ADJUSTED
    assert b.hindsight[0].scored_total == 2
    assert last(b)[24].at == at + 10 * MINUTE


def test_a_correction_downwards_is_no_ending_and_forgets_what_was_said() -> None:
    b = book()
    at, _ = spend(b, 20_000, 60)
    for n in range(1, 6):  # a great fall that stays and is no spending
        entry = b.update(at + n * 10 * MINUTE, Decimal(1_000))
    assert b.totals.adjusted < 0
    assert entry.kind is EntryKind.UNCHANGED
    assert b.hindsight == ()
    b.update(at + 2 * HOUR, Decimal(30_000))
    assert b.hindsight == ()  # what was said before the correction is not scored


@pytest.mark.parametrize("wrong", ["0", "-1", "900", "99999999"])
def test_a_misread_value_ends_nothing(wrong: str) -> None:
    b, clean = book(), book()
    for each in (b, clean):
        at, value = spend(each, 13_500, 60.5)
    for minutes in (1, 2):
        b.update(at + minutes * MINUTE, Decimal(wrong))
    assert b.ending is None
    for each in (b, clean):
        spend(each, value, value // 135, begin=at + 10 * MINUTE)
    assert b.hindsight == clean.hindsight != ()


def test_a_zero_that_alerting_believed_and_that_was_none_ends_nothing() -> None:
    b = book()
    at, value = spend(b, 13_500, 60)
    b.believe(at + MINUTE, Decimal(0))
    b.update(at + 10 * MINUTE, Decimal(value))
    assert (b.ending, b.hindsight) == (None, ())


def test_a_zero_that_stays_and_is_spending_counts_from_when_it_was_first_seen() -> None:
    b = book()
    spend(b, 13_500, 60)
    at, value = T0 + 60 * HOUR, 13_500 - 60 * 135
    for n, left in enumerate((2_000, 1_500, 1_000, 500), 1):  # so great a fall is doubted first
        b.update(at + n * 10 * MINUTE, Decimal(left))
    assert b.accepted == 500
    for n, left in enumerate((0, -100, -200, -300), 5):
        b.update(at + n * 10 * MINUTE, Decimal(left))
    assert value > 2_000
    assert b.ending is not None
    assert b.ending.at == at + 50 * MINUTE


def test_a_refund_takes_an_ending_back_and_nothing_is_counted_twice() -> None:
    b = book()
    at = to_the_end(b)
    assert [h.scored_total for h in b.hindsight] == [0, 0, 0]  # it may yet be taken back
    b.update(at + 10 * MINUTE, JOB)
    assert (b.ending, b.hindsight) == (None, ())
    b.update(at + 70 * MINUTE, Decimal(0))
    assert last(b)[24].true == pytest.approx(24, abs=0.75)
    b.update(at + 4 * HOUR, Decimal(0))
    assert [(h.scores, h.scored_total) for h in b.hindsight] == [(1, 1)] * 3
    b.update(at + 5 * HOUR, Decimal(10_000))
    assert [(h.scores, h.scored_total) for h in b.hindsight] == [(1, 1)] * 3


def test_a_top_up_soon_after_it_ran_out_settles_that_it_did() -> None:
    b = book()
    at = to_the_end(b)
    b.update(at + 10 * MINUTE, Decimal(10_000))
    assert {s.ended for s in last(b).values()} == {Ended.RAN_OUT}
    assert [(h.scores, h.scored_total) for h in b.hindsight] == [(1, 1)] * 3


def test_where_the_next_job_was_refused_quiet_says_nothing_of_the_forecast() -> None:
    b = book()
    at, _ = spend(b, 13_600, 100)  # 100 are left: no job can be paid, and nothing goes
    for n in range(1, 30):
        b.update(at + n * HOUR, Decimal(100))
    b.update(at + 30 * HOUR, Decimal(10_000))
    assert b.hindsight == ()


def test_another_floor_forgets_what_was_said_of_the_one_before() -> None:
    b = book()
    at, value = spend(b, 13_500, 90)
    b.configure(floor=Decimal(value - 135), job_max=None, planned_burn=Decimal(5))
    b.update(at + 10 * MINUTE, Decimal(value - 135))
    assert b.ending is not None
    assert (b.ending.scores, b.hindsight) == ((), ())
    same = book()
    to_the_end(same)
    same.configure(floor=Decimal(0), job_max=Decimal(5), planned_burn=Decimal(5))
    assert len(same.hindsight) == 3


def test_a_clock_set_back_leaves_no_mark_of_an_age_nobody_knows() -> None:
    b = book()
    at, value = spend(b, 20_000, 60)
    for n in range(8):
        b.update(at - 6 * HOUR + n * 10 * MINUTE, Decimal(value - n))
    assert b.last_at < at
    b.update(at - 4 * HOUR, Decimal(value + 10_000))
    assert b.hindsight == ()


def test_a_top_up_that_shows_a_clock_set_back_scores_nothing() -> None:
    b = book()
    at, value = spend(b, 20_000, 60)
    for n, more in enumerate((0, 0, 0, 0, 10_000)):
        entry = b.update(at - 6 * HOUR + n * 10 * MINUTE, Decimal(value + more))
    assert entry.kind is EntryKind.TOPPED_UP
    assert b.hindsight == ()


def test_a_doubted_value_takes_no_ending_back() -> None:
    b = book()
    at = to_the_end(b)
    assert b.update(at + 10 * MINUTE, Decimal(99_999_999)).kind is EntryKind.SUSPECT
    assert len(b.hindsight) == 3
    b.update(at + 20 * MINUTE, Decimal(0))
    assert len(b.hindsight) == 3


def test_unread_probes_and_late_answers_leave_no_trace() -> None:
    b, clean = book(), book()
    r = Random(3)  # noqa: S311 - a story that is the same each time
    for n in range(101 * 6):
        at, value = T0 + n * 10 * MINUTE, Decimal(max(0, 13_500 - 135 * (n // 6)))
        for each in (b, clean):
            each.update(at, value)
        b.update(at + MINUTE, None)
        if r.random() < 0.3:
            b.update(at - HOUR, value + 135)
    assert b.hindsight == clean.hindsight != ()


# -- bounded, and kept ----------------------------------------------------------------------


def years(b: Book, weeks: int = 30) -> datetime:
    at, value, r = T0, 30_000, Random(7)  # noqa: S311 - a story that is the same each time
    for _ in range(weeks * 7 * 48):
        at += 30 * MINUTE
        value -= r.choice((0, 135, 135, 270))
        if value <= r.choice((0, 0, 1500)):
            b.update(at, Decimal(max(0, value)))
            value += 25_000
        else:
            b.update(at, Decimal(value))
    return at


def test_it_is_bounded_and_small_and_the_totals_go_on() -> None:
    b = book()
    years(b)
    assert {h.scores for h in b.hindsight} == {KEPT}
    assert all(h.scored_total > KEPT for h in b.hindsight)
    assert len(b.dump()) < 5000
    assert 0.5 < b.hindsight[0].held / b.hindsight[0].scores <= 1


@pytest.mark.parametrize("stop", [1, 100, 397, 3333, 6001, 6003])
def test_folding_samples_after_a_restart_gives_the_scores_of_the_one_that_lived(stop: int) -> None:
    r = Random(5)  # noqa: S311 - a story that is the same each time
    value, lived, restarted = 13_000, book(), book()
    for n in range(7000):
        value -= r.choice((0, 0, 0, 0, 0, 135))
        value = value + 13_000 if value < 0 or r.random() < 0.0006 else value
        wrong = r.random() < 0.003
        at = T0 + n * 10 * MINUTE
        if n == stop:
            restarted = again(lived)
            assert restarted.dump() == lived.dump()
        for each in {id(lived): lived, id(restarted): restarted}.values():
            each.update(at, Decimal(0 if wrong else value))
    assert restarted.hindsight == lived.hindsight != ()
    assert restarted.dump() == lived.dump()


def test_an_hour_in_which_nothing_could_be_said_is_not_asked_again_after_a_restart() -> None:
    lived = book()
    for n in range(4):
        lived.update(T0 + n * 10 * MINUTE, Decimal(9_000 - max(0, n - 2) * 135))
    restarted = again(lived)
    for n in (4, 5):  # the forecast begins to speak at 0:40
        for each in (lived, restarted):
            each.update(T0 + n * 10 * MINUTE, Decimal(9_000 - (n - 2) * 135))
    assert lived.outlook(T0 + HOUR).p50 is not None
    assert restarted.dump() == lived.dump()


def test_a_running_out_that_may_be_taken_back_survives_a_restart() -> None:
    b = book()
    at = to_the_end(b)
    other = again(b)
    assert other.hindsight == b.hindsight != ()
    other.update(at + 10 * MINUTE, JOB)
    assert other.hindsight == ()


def test_a_state_of_version_1_is_read_as_one_that_was_never_scored() -> None:
    data = zlib.decompress(bytes.fromhex(VERSION_1))
    old = Book.load(data, floor=Decimal(135), job_max=Decimal(300), planned_burn=Decimal(0))
    assert (old.accepted, old.totals.spent, old.hindsight) == (Decimal(4595), Decimal(405), ())
    assert old.last_at == T0 + 3 * HOUR
    assert (old.outlook(T0 + 3 * HOUR).p50 or 0) > 0
    spend(old, 4_460, 20, begin=T0 + 4 * HOUR)
    old.update(T0 + 25 * HOUR, Decimal(20_000))
    assert [h.before for h in old.hindsight] == [12]
    for broken in (data[:-1], data + b"x", old.dump()[:-1], old.dump() + b"x"):
        with pytest.raises(ValueError, match="book"):
            Book.load(broken, floor=Decimal(0), job_max=None, planned_burn=Decimal(0))


@settings(max_examples=150)
@given(WILD, st.sampled_from([0, 1000]), st.sampled_from([0, 100]))
def test_no_sequence_of_answers_breaks_it(
    samples: list[tuple[float, Decimal | None]], floor: int, plan: int
) -> None:
    b = book(floor=floor, plan=plan)
    spend(b, 4_460, 20)
    at = T0 + 21 * HOUR
    b.update(at, Decimal(20_000))
    assert b.hindsight, "there is something to be broken"
    for seconds, balance in samples:
        at = max(datetime(2000, 1, 1, tzinfo=UTC), at + timedelta(seconds=seconds / 20))
        b.update(at, balance)
        for found in b.hindsight:
            assert 1 <= found.scores <= KEPT
            assert 0 <= found.held <= found.scores
            assert found.factor >= 1
            assert abs(found.last.true - found.before) <= 0.7501
            assert 0 < found.last.ratio < math.inf
    assert again(b, floor=floor).dump() == b.dump()


@given(CHANGES, st.integers(5_000, 90_000))
def test_a_top_up_scores_each_horizon_once(changes: list[tuple[int, int]], amount: int) -> None:
    b = book()
    at = fold(b, changes)
    before = {h.before: h.scored_total for h in b.hindsight}
    b.update(at + MINUTE, (b.accepted or Decimal(0)) + amount)
    for found in b.hindsight:
        assert found.scored_total - before.get(found.before, 0) in (0, 1)


# -- in words -------------------------------------------------------------------------------

ROW = AccuracyRow("24h", "2026-11-19T10:31:28Z", "topped_up", 26.0, 24.0, 7, 6, 1.15)


def test_one_line_says_how_wrong_it_was() -> None:
    assert forecasts([ROW]) == [
        "forecasts: 24 h before it was topped up on 2026-11-19 it said 26 h where 24 h were true "
        "(8 % too long); of the last 7, 6 within P10-P90, half within a factor 1.15"
    ]
    once = replace(ROW, before="4h", ended="ran_out", said=3.0, true=4.0, scores=1, held=0)
    assert forecasts([once]) == [
        "forecasts: 4 h before it ran out on 2026-11-19 it said 3 h where 4 h were true "
        "(25 % too short), outside P10-P90"
    ]
    assert forecasts([]) == []


def test_the_newest_ending_is_told_by_its_longest_horizon() -> None:
    newer = "2026-11-20T00:00:00Z"
    rows = [ROW, replace(ROW, before="12h", at=newer), replace(ROW, before="4h", at=newer)]
    assert "12 h before it was topped up on 2026-11-20" in forecasts(rows)[0]


@pytest.mark.parametrize(
    ("said", "words"),
    [(24.1, "right"), (26, "8 % too long"), (12, "2 times too short"), (60, "2.5 times too long"),
     (18, "25 % too short")],
)  # fmt: skip
def test_how_far_it_was_off_in_words(said: float, words: str) -> None:
    assert off(replace(ROW, said=said)) == words


@pytest.mark.parametrize(
    "member",
    [
        None, 7, [], {}, {"24h": 1}, {"24h": {"last": {}}},
        {"24h": {"last": {"said_hours": 1, "true_hours": 0}}},
        {"24h": {"last": {"said_hours": 1, "true_hours": 2}}},
    ],
)  # fmt: skip
def test_a_member_that_says_less_than_a_sentence_needs_says_nothing(member: object) -> None:
    assert accuracy(member) == ()


def test_what_the_document_says_is_what_the_sentence_says() -> None:
    b = book()
    to_the_end(b)
    (line,) = forecasts(accuracy(core.figures(b.hindsight)))
    assert line.startswith("forecasts: 24 h before it ran out on 2026-02-06 it said ")
    assert line.endswith(" P10-P90")
