"""How soon a target is asked again, and what its balance is watched for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from house import House, every, kie, rule, settings
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.cadence import compared, played
from monitor.core.cadence import next_delay, next_line
from monitor.core.crossing import Ahead
from monitor.core.model import Check, Target
from monitor.core.settings import Interval

RANGE = Interval(60, 900)
LUMPY = 100 / 3600  # credits per second


@pytest.mark.parametrize(
    ("ahead", "seconds"),
    [
        (Ahead(0.0), 60),
        (Ahead(3.0, LUMPY, lump=300), 60),
        (Ahead(300, LUMPY, lump=300), 149),
        (Ahead(600, LUMPY, lump=300), 312),
        (Ahead(1500, LUMPY, lump=300), 900),
        (Ahead(1500, 20 * LUMPY, lump=300), 275),  # the burn has risen
        (Ahead(1500, LUMPY, batch=600, lump=300), 258),  # a batch is under way
        (Ahead(1500, LUMPY, lump=1500), 333),  # it goes in larger pieces
        (Ahead(1500, LUMPY, lump=300, p10=3600), 900),
        (Ahead(1500, LUMPY, lump=300, p10=1200), 300),  # four looks until P10
        (Ahead(1500, LUMPY, lump=300, p10=10), 60),
        (Ahead(1500), 900),
    ],
)
def test_how_long_is_waited_for_what_lies_ahead(ahead: Ahead, seconds: float) -> None:
    assert next_delay(RANGE, ahead=ahead) == pytest.approx(seconds, abs=5)


CREDITS = st.floats(0, 1e6)
PROSPECTS = st.builds(
    Ahead,
    left=CREDITS,
    pace=st.floats(0, 1e3),
    batch=CREDITS,
    lump=st.floats(0, 1e4),
    p10=st.none() | st.floats(0, 1e6),
)
INTERVALS = st.builds(
    lambda low, ratio: Interval(low, low * ratio), st.floats(1, 1e4), st.floats(1, 1e3)
)
NO_LONGER = 1.0 + 1e-9
STEP = 1e3 ** (1 / 128) * NO_LONGER  # chances that differ by less than they are exact to


@given(INTERVALS, PROSPECTS)
def test_no_wait_leaves_the_range(interval: Interval, ahead: Ahead) -> None:
    assert interval.shortest <= next_delay(interval, ahead=ahead) <= interval.longest


@given(INTERVALS, PROSPECTS, st.floats(0, 1))
def test_a_nearer_line_never_waits_longer(interval: Interval, far: Ahead, part: float) -> None:
    near = replace(far, left=far.left * part, p10=None if far.p10 is None else far.p10 * part)
    assert next_delay(interval, ahead=near) <= next_delay(interval, ahead=far) * STEP


@given(INTERVALS, PROSPECTS, st.floats(1, 100), CREDITS)
def test_a_burn_that_rises_never_waits_longer(
    interval: Interval, calm: Ahead, times: float, more: float
) -> None:
    rising = replace(calm, pace=calm.pace * times, batch=calm.batch + more)
    assert next_delay(interval, ahead=rising) <= next_delay(interval, ahead=calm) * STEP


@given(INTERVALS, PROSPECTS)
def test_a_wait_risks_no_more_than_its_share(interval: Interval, ahead: Ahead) -> None:
    wait = next_delay(interval, ahead=ahead)
    share = (interval.shortest * interval.longest) ** 0.5 / 500
    assert wait <= interval.shortest * NO_LONGER or wait * ahead.chance(wait) <= share * NO_LONGER


@given(INTERVALS, PROSPECTS, st.floats(1, 3600))
def test_what_the_provider_asks_for_is_kept_however_near_the_line(
    interval: Interval, ahead: Ahead, stay: float
) -> None:
    assert next_delay(interval, ahead=ahead, retry_after=stay) >= stay


def test_where_nothing_is_known_a_range_is_probed_at_its_longest() -> None:
    assert next_delay(RANGE) == 900
    assert next_delay(RANGE, failures=1) == 60


@pytest.mark.parametrize(("since", "seconds"), [(0, 60), (300, 300), (86400, 900)])
def test_an_account_that_is_out_is_looked_at_after_as_long_again(
    since: float, seconds: float
) -> None:
    assert next_delay(RANGE, ahead=Ahead(0.0), out_for=since) == seconds


@pytest.mark.parametrize(
    ("when", "balance", "line"),
    [
        (["balance < 10000"], 50_000, 10_000),
        (["balance < 10000", "balance < 2000"], 50_000, 10_000),
        (["balance < 10000", "balance < 2000"], 9_000, 2_000),
        (["balance <= 10000"], 10_000, 10_000),
        (["balance < 10000"], 9_000, 135),
        (["jobs_left(video) < 20"], 50_000, 2_700),
        (["balance > 10000", "runway < 24h", "burn > 100/h", "failures > 3"], 50_000, 135),
        (["balance < 100"], 50_000, 135),
        ([], 50, 135),
    ],
)
def test_what_is_watched_next_is_the_highest_line_under_the_balance(
    when: list[str], balance: int, line: int
) -> None:
    rules = [rule(f"r{n}", "kie/balance", text) for n, text in enumerate(when)]
    assert next_line(kie(), rules, Decimal(balance)) == line


def wide(*, rules=()) -> House:
    target = replace(every(Target("kie", "kie", Check.BALANCE)), interval=RANGE)
    return House(settings((kie(targets=(target,)),), rules=rules))


async def delay_of(house: House) -> float:
    at = await house.pipeline.observe("kie/balance")
    assert at is not None
    return (at - house.clock.now()).total_seconds()


async def drain(house: House, start: int, step: int, count: int) -> list[float]:
    """Probe as the daemon would, while `step` credits go every five minutes."""
    found = []
    for n in range(count):
        house.clock.step(timedelta(minutes=5).total_seconds())
        house.script.balance(start - n * step)
        found.append(await delay_of(house))
    return found


async def test_a_daemon_asks_more_often_as_a_rules_line_comes_nearer() -> None:
    low = rule("low", "kie/balance", "balance < 60000")
    house = await wide(rules=(low,)).start()
    delays = await drain(house, 100_000, 400, 110)
    crossing = 100  # 60,000 is reached
    assert delays[40] > delays[80] > delays[crossing - 4]
    assert delays[crossing - 1] == 60
    assert delays[crossing + 2] > 120
    plain = await drain(await wide().start(), 100_000, 400, 110)
    assert plain[crossing - 1] > 120


async def test_a_burn_that_rises_is_asked_for_sooner_at_the_same_balance() -> None:
    calm = await drain(await wide().start(), 6_350, 50, 60)
    house = await wide().start()
    await drain(house, 10_000, 50, 60)
    rising = await drain(house, 7_000, 400, 10)  # down to where the calm one ended
    assert rising[-1] < calm[-1] / 2


async def test_after_a_batch_of_jobs_it_calms_down_again() -> None:
    house = await wide().start()
    await drain(house, 20_000, 50, 60)
    batch = await drain(house, 17_000, 600, 12)
    after = await drain(house, 10_400, 0, 24)
    assert batch[0] == 900 > batch[-1]
    assert after[0] < after[6] < after[-1] == 900


async def test_a_line_out_of_reach_is_looked_at_at_leisure() -> None:
    house = await wide().start()
    assert set(await drain(house, 1_000_000, 400, 40)) == {900}


async def test_a_fall_that_is_doubted_is_asked_for_soon_until_it_is_booked() -> None:
    house = await wide().start()
    calm = (await drain(house, 100_000, 50, 60))[-1]
    fallen = await drain(house, 20_000, 50, 12)
    assert fallen[0] == 60 < calm  # the runway speaks of the balance before, as yet
    assert fallen[-1] > 60


def test_a_range_makes_at_most_a_fifth_of_the_calls_of_a_fixed_interval_as_quick() -> None:
    families = (
        "steady",
        "weekly",
        "bursty",
        "topups",
        "refunds",
        "gaps",
        "resets",
        "kitchen_sink",
    )
    delay, calls, same = compared([played((f, 0, "guard", Interval(60, 3600))) for f in families])
    assert delay < 90
    assert calls * 5 < same
