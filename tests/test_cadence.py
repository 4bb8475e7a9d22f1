"""How soon a target is asked again, and what its balance is watched for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from house import House, every, kie, rule, settings
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.cadence import next_delay, next_line
from monitor.core.model import Check, Target
from monitor.core.settings import Interval

RANGE = Interval(60, 900)
HOURS = st.floats(0, 1e6)


@pytest.mark.parametrize(
    ("hours", "seconds"), [(0, 60), (0.01, 60), (0.75, 112), (12, 450), (48, 900), (1e9, 900)]
)
def test_a_range_is_probed_faster_as_the_next_line_comes_nearer(
    hours: float, seconds: float
) -> None:
    assert next_delay(RANGE, hours=hours) == pytest.approx(seconds, abs=1)


@given(HOURS, HOURS, st.floats(1, 1e4), st.floats(0, 1e4))
def test_a_nearer_line_never_waits_longer_and_no_wait_leaves_the_range(
    one: float, other: float, shortest: float, more: float
) -> None:
    interval = Interval(shortest, shortest + more)
    near, far = (next_delay(interval, hours=h) for h in sorted((one, other)))
    assert interval.shortest <= near <= far <= interval.longest


def test_where_nothing_is_known_a_range_is_probed_at_its_longest() -> None:
    assert next_delay(RANGE) == 900
    assert next_delay(RANGE, failures=1) == 60


@pytest.mark.parametrize(("since", "seconds"), [(0, 60), (300, 300), (86400, 900)])
def test_an_account_that_is_out_is_looked_at_after_as_long_again(
    since: float, seconds: float
) -> None:
    assert next_delay(RANGE, hours=0.0, out_for=since) == seconds


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


async def test_a_burn_that_rises_is_asked_for_sooner() -> None:
    house = await wide().start()
    calm = (await drain(house, 100_000, 50, 60))[-1]
    rising = await drain(house, 97_000, 900, 12)
    assert rising[-1] < calm / 2


async def test_a_fall_that_is_doubted_is_asked_for_soon_until_it_is_booked() -> None:
    house = await wide().start()
    calm = (await drain(house, 100_000, 50, 60))[-1]
    fallen = await drain(house, 20_000, 50, 12)
    assert fallen[0] == 60 < calm  # the runway speaks of the balance before, as yet
    assert fallen[-1] > 60
