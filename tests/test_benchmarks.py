"""The forecast benchmark's arithmetic, on accounts small enough to work out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from benchmarks.forecast import run
from benchmarks.forecast.account import Credit
from benchmarks.forecast.baselines import Answer, Ewma, Increase, PredictLinear, answer
from benchmarks.forecast.causality import faults
from benchmarks.forecast.cost import measured
from benchmarks.forecast.demand import DAY, HOUR, SLOT, Events
from benchmarks.forecast.figures import BARS, figures, met, quantile
from benchmarks.forecast.implementations import ORACLE, OURS, build
from benchmarks.forecast.more import FURTHER
from benchmarks.forecast.oracle import CausalOracle
from benchmarks.forecast.polling import Polls
from benchmarks.forecast.recipes import FAMILIES
from benchmarks.forecast.scorer import (
    WARN,
    Alarms,
    Answered,
    Decision,
    Moment,
    Tally,
    alarms,
    answers,
    decisions,
    tally,
)
from benchmarks.forecast.traces import Trace, generate
from benchmarks.forecast_adapter import Forecaster


def straight(hours: int = 100, *, balance: float = 1000.0, burn: float = 10.0) -> Trace:
    """A charge at every full hour, a poll ten minutes after it, nothing ever topped up."""
    times = [h * HOUR for h in range(1, hours * 2)]
    polled = range(hours)
    left = [max(balance - burn * h, 0.0) for h in range(hours * 2)]
    return Trace(
        family="steady",
        seed=0,
        start=0.0,
        end=hours * HOUR,
        polls=Polls([h * HOUR + 600 for h in polled], [left[h] for h in polled]),
        demand=Events(times, [burn] * len(times), list(range(len(times))), burn),
        steps=([0.0, *times], left),
        known=[[burn] * int(20 * DAY / SLOT)],
    )


def asked(*true: float, moment: Moment = Moment.GRID, spike: bool = False) -> list[Decision]:
    """A decision an hour, expected to be what it is."""
    return [Decision(h * HOUR, moment, t, False, t, spike) for h, t in enumerate(true)]


def counted(*pairs: tuple[float, Answered], family: str = "steady") -> Tally:
    """What is counted of some true hours and what was answered."""
    trace = replace(straight(), family=family)
    return tally(trace, asked(*(true for true, _ in pairs)), [given for _, given in pairs])


@pytest.mark.parametrize(
    ("hour", "left"),
    [(0.5, 100.5), (1.5, 100.5), (50.5, 100.5), (99.5, 100.5)],
)
def test_the_truth_is_when_demand_first_exceeds_what_is_left(hour: float, left: float) -> None:
    # 1000 pay a hundred charges; the one after them is refused, whenever one begins to count.
    trace = straight(hours=200)
    trace = replace(trace, steps=([0.0], [1000.0]))
    assert trace.runway(hour * HOUR) == pytest.approx(left)


def test_a_refund_puts_the_end_off_and_a_topup_to_come_does_not() -> None:
    trace = straight()
    amounts = [*trace.demand.amounts]
    amounts[20] = -10.0
    refunded = replace(trace, demand=replace(trace.demand, amounts=amounts))
    assert refunded.runway(0) == trace.runway(0) + 2
    paid = replace(trace, credits=[Credit(50 * HOUR, 5000.0, "topup")])
    assert paid.runway(0) == trace.runway(0)


def test_the_end_is_the_first_peak_that_is_too_high_whatever_is_refunded_later() -> None:
    trace = straight(balance=15.0)
    amounts = [10.0, 10.0, -10.0, -10.0, *trace.demand.amounts[4:]]
    trace = replace(trace, demand=replace(trace.demand, amounts=amounts), steps=([0.0], [15.0]))
    assert trace.runway(0) == 2


def test_what_lies_beyond_the_known_demand_is_endless() -> None:
    assert straight(balance=1e6).runway(0) == math.inf


def test_while_demand_is_refused_nothing_is_scored() -> None:
    trace = replace(straight(balance=500), exhausted=[(20 * HOUR, 30 * HOUR)])
    grid = [d for d in decisions(trace) if d.moment is Moment.GRID]
    refused = [d.at / HOUR for d in grid if d.refused]
    assert refused == [h / 2 for h in range(40, 60)] + [h / 2 for h in range(100, 200)]
    assert all(not d.scored for d in grid if d.refused)
    assert all(d.scored for d in grid if not d.refused and d.true >= 1)


def test_decisions_come_on_the_grid_and_right_after_what_disturbs() -> None:
    trace = replace(straight(), credits=[Credit(10.5 * HOUR, 100.0, "topup"),
                                         Credit(20.5 * HOUR, -100.0, "reset")])  # fmt: skip
    trace.polls.outages.append((30 * HOUR, 40 * HOUR))
    trace.polls.wrong.add(50)
    found = [(d.moment, d.at) for d in decisions(trace) if d.moment is not Moment.GRID]
    assert found == [
        (Moment.AFTER_TOPUP, 11 * HOUR + 600.5),
        (Moment.AFTER_GAP, 40 * HOUR + 600.5),
        (Moment.AT_WRONG_VALUE, 50 * HOUR + 600.5),
    ]
    assert sum(d.moment is Moment.GRID for d in decisions(trace)) == 199


@pytest.mark.parametrize(
    ("true", "p50", "error"),
    [
        (10.0, 10.0, 0.0),
        (10.0, 20.0, math.log(2)),
        (10.0, 5.0, -math.log(2)),
        (10.0, math.inf, math.log(144)),
        (10.0, 0.0, -math.log(600)),
    ],
)
def test_an_error_is_the_logarithm_of_how_far_off(true: float, p50: float, error: float) -> None:
    f = figures(counted((true, Answered(p50))))
    assert f["bias"] == pytest.approx(error)
    assert f["median"] == f["6-24 h"] == pytest.approx(abs(error))


def test_only_true_runways_from_an_hour_to_two_weeks_count() -> None:
    found = counted((0.9, Answered(9.0)), (10.0, Answered(10.0)), (400.0, Answered(1.0)))
    assert found.asked == 1
    assert figures(found)["p90"] == 0


def test_an_abstention_is_no_error_but_lowers_what_is_answered() -> None:
    f = figures(counted((10.0, Answered(None)), (10.0, Answered(20.0))))
    assert f["answered"] == 0.5
    assert f["median"] == pytest.approx(math.log(2))


def test_every_family_weighs_the_same() -> None:
    found = counted(*[(10.0, Answered(10.0))] * 95, family="steady")
    found.add(counted(*[(10.0, Answered(10 * math.e))] * 5, family="dirty"))
    assert figures(found)["p90"] == pytest.approx(1.0)  # it is half of all, not a twentieth


def test_a_quantile_weighs_its_values() -> None:
    assert quantile([(0.0, 9.0), (1.0, 1.0)], 0.5) == pytest.approx(0.1)
    assert quantile([(float(x), 1.0) for x in range(5)], 0.5) == 2
    assert math.isnan(quantile([], 0.5))


def test_a_range_holds_the_truth_or_misses_it_on_a_side() -> None:
    given = [(5.0, 20.0), (5.0, 9.0), (11.0, 99.0), (10.0, 10.0), (12.0, 48.0)]
    f = figures(counted(*((10.0, Answered(10.0, low, high)) for low, high in given)))
    assert [f[k] for k in ("inside", "below", "above")] == pytest.approx([0.4, 0.4, 0.2])
    assert f["width"] == pytest.approx(math.log(4))


def test_p25_lies_between_p50_and_p10_on_the_logarithms() -> None:
    assert Answered(100.0, 1.0).p25 == pytest.approx(100**0.474)
    assert Answered(math.inf, math.inf).p25 == pytest.approx(1e5)
    assert Answered(10.0).p25 is None


def test_moments_and_spikes_are_counted_apart() -> None:
    given = [Answered(20.0)]
    found = tally(straight(), asked(10.0, moment=Moment.AFTER_GAP), given)
    found.add(tally(straight(), asked(10.0, spike=True), [Answered(40.0)]))
    found.add(tally(straight(), asked(10.0, moment=Moment.AT_WRONG_VALUE), [Answered(9.0)]))
    found.add(tally(straight(), asked(7.0, moment=Moment.AT_WRONG_VALUE), [Answered(2.0)]))
    f = figures(found)
    assert f["after gap"] == pytest.approx(math.log(2))
    assert f["in spike"] == f["median"] == pytest.approx(math.log(4))
    assert f["cried"] == 0  # at 7 hours a critical alarm is no mistake
    assert f["answered"] == 1


# An account that ends at hour 50, asked every hour; the rule warns under 24 h.
ENDS = replace(straight(), exhausted=[(50 * HOUR, 60 * HOUR)])
LEFT = [Decision(h * HOUR, Moment.GRID, 50.0 - h, False, 50.0 - h, False) for h in range(50)]


def ruled(says: Callable[[int], float | None], trace: Trace = ENDS) -> Alarms:
    """The alarms of a series given hour by hour."""
    return alarms(trace, LEFT, [says(h) for h in range(50)], WARN)


@pytest.mark.parametrize(
    ("says", "ahead"),
    [
        (lambda h: 50.0 - h, 23.0),
        (lambda h: 100.0 - h, 0.0),  # never
        (lambda h: 23.9 if h == 40 else 30.0 if h < 40 else 29.0, 10.0),  # holds until 30
        (lambda h: 23.9 if h == 40 else 31.0, 10.0),  # stood once: that was the telling
        (lambda h: None, 0.0),
        (lambda h: 1.0, 48.0),  # what came earlier than twice the threshold is not looked for
    ],
)
def test_an_end_is_told_as_far_ahead_as_the_first_alarm(
    says: Callable[[int], float | None], ahead: float
) -> None:
    assert ruled(says).ends == [(49.5, ahead)]


def test_recall_asks_only_of_ends_that_left_time_enough() -> None:
    f = figures(_alarmed([(5.0, 4.0), (13.0, 6.0), (4.9, 0.0)]))
    assert f["p50 warn recall 4"] == 1
    assert f["p50 warn recall 12"] == 0
    assert math.isnan(f["p50 warn lead"])  # none had two days


def _alarmed(ends: list[tuple[float, float]]) -> Tally:
    found = Tally()
    found.alarms["p50", WARN] = Alarms(ends=ends, false=3, firing=1, safe=4, months=2.0)
    return found


def test_false_alarms_are_told_a_month_and_as_time() -> None:
    f = figures(_alarmed([]))
    assert f["p50 warn false"] == 1.5
    assert f["p50 warn time"] == 0.25


def test_an_end_soon_after_a_topup_is_counted_from_the_topup() -> None:
    paid = replace(ENDS, credits=[Credit(45 * HOUR, 100.0, "topup")])
    assert ruled(lambda h: 1.0, paid).ends == [(5.0, 5.0)]


SAFE = [Decision(h * HOUR, Moment.GRID, 100.0, False, 100.0, False) for h in range(50)]


@pytest.mark.parametrize(
    ("fires", "episodes", "share"),
    [
        (set(), 0, 0),
        ({3, 4, 5}, 1, 3 / 50),
        ({3, 9}, 1, 2 / 50),  # six hours apart: one
        ({3, 10}, 2, 2 / 50),  # seven: two
        (set(range(50)), 1, 1.0),  # who always fires has one episode: hence the time
    ],
)
def test_false_episodes_are_merged_within_six_hours(
    fires: set[int], episodes: int, share: float
) -> None:
    found = alarms(straight(), SAFE, [1.0 if h in fires else 99.0 for h in range(50)], WARN)
    assert (found.false, found.firing / found.safe) == (episodes, share)


def test_an_alarm_clears_above_one_and_a_quarter_of_its_threshold() -> None:
    hours = [99.0, 23.9, 30.0, 24.1, 30.1, 30.0]
    assert alarms(straight(), SAFE[:6], [*hours], WARN).firing == 3
    refused = [replace(d, refused=True) for d in SAFE[:6]]
    found = alarms(straight(), refused, [1.0] * 6, WARN)
    assert (found.safe, found.firing, found.episodes) == (0, 0, 0)


def test_an_episode_that_comes_near_the_truth_is_not_false() -> None:
    near = [replace(d, true=48.0 if d.at == 5 * HOUR else 100.0) for d in SAFE]
    found = alarms(straight(), near, [1.0 if d.at <= 5 * HOUR else 99.0 for d in near], WARN)
    assert (found.episodes, found.false) == (1, 0)
    assert (found.firing, found.safe) == (5, 49)


def test_our_forecast_answers_as_the_scorer_asks() -> None:
    ours = Forecaster()
    assert set(ours.estimate(0.0).values()) == {None}
    trace = straight(burn=20.0, balance=4000.0)
    given = answers(ours, trace, decisions(trace, 60))
    assert given[0].p50 is None  # one sample is no pace
    spoken = [a for a in given if a.p50 is not None]
    assert len(spoken) > 90
    assert all(a.p10 <= a.p50 <= a.p90 for a in spoken if a.p10 and a.p50 and a.p90)
    ours.update(100 * HOUR, None)  # a probe that could not read
    assert ours.estimate(100 * HOUR)["runway_hours_p50"] == pytest.approx(100, rel=0.2)


def test_what_does_not_burn_lasts_for_ever() -> None:
    idle = Forecaster(job_max=None)
    for hour in range(60):
        idle.update(hour * HOUR, 1000.0)
    assert idle.estimate(60 * HOUR)["runway_hours_p50"] == math.inf


def test_baselines_are_right_where_they_can_be() -> None:
    trace = straight()
    for made in (PredictLinear(24), Increase(300, 24), Ewma(300, 72)):
        given = answers(made, trace, decisions(trace, 60)[:61])[-1]
        assert given.p50 == pytest.approx(40.0, abs=0.7), made
    topped = Increase(300, 24)
    for hour, balance in enumerate((100.0, 90.0, 1080.0, 1070.0)):
        topped.update(hour * HOUR, balance)
    assert topped.estimate(3 * HOUR)["burn_per_hour"] == pytest.approx(20 / 3)


def test_the_oracle_knows_the_rate() -> None:
    trace = straight(balance=4000.0)
    hours = CausalOracle(trace).estimate(0.0)
    assert hours["runway_hours_p50"] == pytest.approx(400, rel=0.02)
    assert hours["burn_per_hour"] == pytest.approx(10, rel=1e-3)


@pytest.mark.parametrize("family", [*FAMILIES, *FURTHER])
def test_every_family_is_an_account_with_a_truth(family: str) -> None:
    trace = generate(family, 6, "test")
    assert trace.polls.times == sorted(trace.polls.times)
    assert trace.demand.times == sorted(trace.demand.times)
    assert trace.balance(trace.start) > 0
    grid = decisions(trace, 720)
    assert any(d.scored for d in grid) or family == "idle"
    assert all(d.true >= 0 for d in grid)
    for first, _ in trace.exhausted[:1]:  # later ones see refunds of what was refused before
        earlier = [c.at for c in trace.credits if c.at < first]
        since = max([trace.start, *earlier]) + 1
        assert trace.runway(since) == pytest.approx((first - since) / HOUR, abs=1e-3)


def test_demand_is_as_high_as_its_intensity() -> None:
    traces = [generate("steady", seed, "test") for seed in range(6)]
    spent = sum(sum(trace.demand.amounts) / trace.expected[0][-1] for trace in traces) / 6
    assert spent == pytest.approx(1.0, abs=0.05)


def test_a_trace_is_a_function_of_family_seed_and_salt() -> None:
    one, same, other = (generate("spike", 3, salt) for salt in ("a", "a", "b"))
    assert one.polls == same.polls
    assert one.demand == same.demand
    assert one.polls != other.polls


class Restless:
    """Says less each time it is asked."""

    def __init__(self, trace: Trace) -> None:
        self._left = 1000.0

    def update(self, t: float, balance: float) -> None:
        """Nothing."""

    def estimate(self, now: float) -> Answer:
        self._left -= 1
        return answer(1.0, self._left)


class Prophet(Restless):
    """Has seen the last balance before it was polled."""

    def __init__(self, trace: Trace) -> None:
        self._last = trace.polls.balances[-1]

    def estimate(self, now: float) -> Answer:
        return answer(1.0, self._last)


@pytest.mark.parametrize(("made", "words"), [(Restless, "asked less often"), (Prophet, "cut off")])
def test_who_knows_the_future_or_minds_being_asked_is_found_out(
    made: Callable[[Trace], Restless], words: str
) -> None:
    assert any(words in fault for fault in faults(made))


def test_our_forecast_knows_nothing_of_the_future() -> None:
    assert faults(lambda trace: build(OURS, {}, trace)) == []


def test_the_tables_say_what_was_scored(capsys: pytest.CaptureFixture[str]) -> None:
    only = f"{OURS}, EWMA 72h, {ORACLE}"
    job = run.Job("cold_start", 5, "t", 60.0, (OURS, "EWMA 72h", ORACLE), ())
    text = run.report([run.work(job)], job.estimators, OURS)
    for name in only.split(", "):
        assert f"| {name} |" in text
    assert all(bar.words in text for bar in BARS)
    assert run.main(["--only", "tarot"]) == 64
    assert "no estimator 'tarot'" in capsys.readouterr().err
    assert run.main(["--families", "nineteen,mars"]) == 64
    assert "no family 'mars'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "bounds", "is_met"),
    [(0.3604, (0, 0.36), True), (0.361, (0, 0.36), False), (0.9396, (0.94, 9), True),
     (0.939, (0.94, 9), False)],
)  # fmt: skip
def test_a_bar_is_met_as_precisely_as_it_is_printed(
    value: float, bounds: tuple[float, float], is_met: bool
) -> None:
    assert met(value, bounds) is is_met


def test_what_a_sample_costs_is_measured_without_a_year() -> None:
    rows = measured((("a day", 1), ("two days", 2)))
    assert [row[0] for row in rows] == ["a day", "two days"]
    assert all(float(cell) > 0 for row in rows for cell in row[1:])
