"""A day's calls: never more than the budget, spread until midnight, and no false alarm for it."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from house import START, House, huggingface, kie, settings
from hypothesis import given
from hypothesis import strategies as st

from monitor.build import catalogue
from monitor.clock import SteppedClock
from monitor.config import ConfigFaults, load
from monitor.config.load import effective
from monitor.core.advice import summary
from monitor.core.budget import begun, counted, left, renews_at, renews_in, stretched
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding, Target
from monitor.core.secret import Secret
from monitor.core.settings import Account, Interval, TargetSettings

MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(  # noqa: DTZ001 - made aware
    lambda at: at.replace(tzinfo=UTC)
)


# -- the pure part --------------------------------------------------------------------------


@given(moments)
def test_the_count_begins_anew_at_the_next_midnight_utc(now: datetime) -> None:
    at = renews_at(now)
    assert (at.hour, at.minute, at.second, at.microsecond) == (0, 0, 0, 0)
    assert now < at <= now + timedelta(days=1)
    assert renews_in(now) == (at - now).total_seconds()


@given(moments, st.integers(1, 100_000), st.lists(st.integers(0, 500), max_size=20))
def test_what_is_left_is_the_budget_less_what_was_asked_and_never_negative(
    now: datetime, budget: int, requests: list[int]
) -> None:
    calls = counted(begun(renews_at(now), budget), renews_at(now), 0)  # a whole day is seen
    for some in requests:
        calls = counted(calls, renews_at(now), some)
    assert left(calls, renews_at(now), budget) == max(0, budget - sum(requests))
    assert left(calls, renews_at(now), None) == float("inf")


@given(moments, st.integers(1, 100_000))
def test_a_start_takes_the_part_of_the_day_that_is_past_as_used(
    now: datetime, budget: int
) -> None:
    share = renews_in(now) / 86400
    assert left(begun(now, budget), now, budget) == pytest.approx(budget * share, abs=0.51)


@given(moments, st.integers(1, 1000))
def test_the_next_day_has_the_whole_budget_again(now: datetime, budget: int) -> None:
    calls = counted(begun(now, budget), now, 10_000)
    assert left(calls, now, budget) == 0
    assert left(calls, renews_at(now), budget) == budget
    assert counted(calls, renews_at(now)).made == 1


wishes = st.lists(st.tuples(st.integers(1, 3), st.floats(1, 86400)), min_size=1, max_size=8)


@given(moments, st.integers(0, 5000), wishes)
def test_a_delay_is_only_ever_stretched_and_not_past_midnight_by_the_budget(
    now: datetime, remaining: int, wanted: list[tuple[int, float]]
) -> None:
    delay = wanted[0][1]
    found = stretched(delay, now, remaining, wanted)
    assert found >= delay
    assert found <= max(delay, renews_in(now))


@given(moments, st.integers(1, 5000), wishes)
def test_at_the_stretched_pace_all_targets_together_ask_for_what_is_left(
    now: datetime, remaining: int, wanted: list[tuple[int, float]]
) -> None:
    rest = renews_in(now)
    paces = [(n, stretched(each, now, remaining, wanted)) for n, each in wanted]
    inside = sum(n * rest / pace for n, pace in paces if pace < rest)
    assert inside <= remaining * 1.000001


# -- the pipeline ---------------------------------------------------------------------------


def adaptive(name: str = "kie", calls: int | None = 48, **changes: object) -> Account:
    """A balance that would like to be asked every minute to every quarter of an hour."""
    target = TargetSettings(Target(name, name, Check.BALANCE), Interval(60, 900), 15.0)
    return kie(name=name, provider=name, targets=(target,), calls=calls, **changes)


async def at_midnight(*accounts: Account) -> House:
    made = House(settings(accounts), clock=SteppedClock(MIDNIGHT))
    made.script.balance(5000)
    return await made.start()


async def live(house: House, until: datetime) -> list[tuple[datetime, str]]:
    """What is asked when: each target at the time that observing it has handed over."""
    due = dict.fromkeys(house.memory.targets, house.clock.now())
    asked: list[tuple[datetime, str]] = []
    while (at := min(due.values())) < until:
        house.clock.step(max(0.0, (at - house.clock.now()).total_seconds()))
        name = min(due, key=lambda n: due[n])
        before = len(house.script.asked)
        following = await house.pipeline.observe(name)
        assert following is not None
        assert following > at
        due[name] = following
        asked += [(at, name)] * (len(house.script.asked) - before)
        await house.pipeline.sweep()
        await house.tell()
    return asked


async def test_a_day_keeps_within_its_budget_and_lasts_until_its_end() -> None:
    made = await at_midnight(adaptive(calls=48))
    made.script.answers["kie/balance"] = Finding(
        Cause.TIMED_OUT, "no answer"
    )  # wants every minute
    asked = [at for at, _ in await live(made, MIDNIGHT + timedelta(days=1))]
    assert 40 <= len(asked) <= 48
    gaps = [(b - a).total_seconds() for a, b in itertools.pairwise(asked)]
    assert max(gaps) <= 2 * 1800  # spread, and not asked empty by one o'clock
    assert asked[-1] > MIDNIGHT + timedelta(hours=22)


async def test_a_budget_that_is_ample_changes_nothing() -> None:
    tight, free = await at_midnight(adaptive(calls=5000)), await at_midnight(adaptive(calls=None))
    hours = MIDNIGHT + timedelta(hours=6)
    assert await live(tight, hours) == await live(free, hours)


async def test_several_targets_share_one_budget_and_each_gets_its_part() -> None:
    made = await at_midnight(huggingface(calls=60))
    asked = await live(made, MIDNIGHT + timedelta(days=1))
    assert len(asked) <= 60
    assert {name for _, name in asked} == set(made.memory.targets)
    counts = [sum(n == name for _, n in asked) for name in made.memory.targets]
    assert counts[0] < min(counts[1:])  # the key's own interval is three times as long
    assert min(counts) >= 4


async def test_an_empty_budget_is_said_and_is_nobodys_fault_and_ends_at_midnight() -> None:
    made = await at_midnight(adaptive(calls=4))
    await live(made, MIDNIGHT + timedelta(hours=1))
    assert "used up" not in summary(made.memory.views["kie/balance"])
    for _ in range(10):
        made.pipeline.asker.nudge("kie/balance")
        await made.probe(after=6)
    assert len(made.script.asked) >= 10  # who asks by hand is answered, and it counts
    assert "used up" in summary(made.memory.views["kie/balance"])
    at = await made.pipeline.observe("kie/balance")
    assert at == MIDNIGHT + timedelta(days=1)
    view = made.memory.views["kie/balance"]
    words = "; the day's 4 calls are used up: asked again from 2026-11-22 00:00 UTC"
    assert summary(view).endswith(words)
    asked = len(made.script.asked)
    while made.clock.now() < at - timedelta(minutes=10):
        made.clock.step(600)
        await made.pipeline.sweep()
        assert await made.pipeline.observe("kie/balance") == at
        assert "target-stale" not in made.firing()
    assert len(made.script.asked) == asked
    made.clock.step(600)
    await made.probe()
    assert len(made.script.asked) == asked + 1
    assert "used up" not in summary(made.memory.views["kie/balance"])


async def test_a_probe_that_is_late_beyond_what_the_budget_gives_is_still_our_fault() -> None:
    made = await at_midnight(adaptive(calls=24))  # once an hour
    await made.probe()
    made.clock.step(2.5 * 3600)
    await made.pipeline.sweep()
    assert "target-stale" not in made.firing()
    made.clock.step(2 * 3600)
    for _ in range(3):
        made.clock.step(40)
        await made.pipeline.sweep()
    assert "target-stale" in made.firing()


async def test_the_first_probe_after_a_start_is_made_whatever_is_left() -> None:
    made = House(settings((adaptive(calls=1),)), clock=SteppedClock(START))
    made.script.balance(5000)
    await made.start()
    await made.probe()
    assert made.script.asked == ["kie/balance"]
    await made.probe(after=3600)
    assert made.script.asked == ["kie/balance"]


async def test_every_request_of_a_probe_counts() -> None:
    made = await at_midnight(adaptive(calls=10))
    account = made.settings.accounts[0]

    def twice() -> Finding:
        made.pipeline.asker.further(account, "kie/balance", 2)
        return Finding(Cause.TIMED_OUT, "no answer")

    made.script.answers["kie/balance"] = twice
    await live(made, MIDNIGHT + timedelta(days=1))
    assert len(made.script.asked) <= 5
    assert made.memory.snapshot(made.clock.now()).counts.calls["kie"] <= 10


async def test_an_account_without_a_key_costs_nothing() -> None:
    made = await at_midnight(adaptive(calls=3, key=Secret("")))
    await made.probe()
    assert made.memory.snapshot(made.clock.now()).counts.calls.get("kie", 0) == 0


def test_a_billed_request_is_asked_for_by_name_and_once_a_day(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"

    def inference(line: str) -> list[TargetSettings]:
        path.write_text(f"accounts:\n  huggingface: {{key: hf_x, models: [a/b]{line}}}\n")
        found = load(str(path), catalogue(), {}).targets
        return [t for t in found if t.target.check is Check.INFERENCE]

    assert inference("") == []
    assert inference(", interval: 1m") == []
    (asked,) = inference(", checks: [inference], interval: 1m, calls: 5/day")
    assert asked.interval.shortest == 86400


@pytest.mark.parametrize(("written", "calls"), [
    ("2000/day", 2000), ("1/d", 1), ("100/h", 2400), ("100 / hour", 2400),
    ("0/day", None), ("2000", None), ("2.5/day", None), ("3/week", None),
])  # fmt: skip
def test_calls_are_whole_and_by_day_or_hour(
    tmp_path: Path, written: str, calls: int | None
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"accounts:\n  kie: {{key: x, calls: {written}}}\n")
    if calls is None:
        with pytest.raises(ConfigFaults, match="number of calls such as '2000/day'"):
            load(str(path), catalogue(), {})
        return
    assert load(str(path), catalogue(), {}).accounts[0].calls == calls
    path.with_name("again.yaml").write_text(effective(str(path), catalogue(), {}))
    again = load(str(path.with_name("again.yaml")), catalogue(), {})
    assert again.accounts[0].calls == calls
