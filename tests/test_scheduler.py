"""When targets are probed: first runs, one at a time, out of turn, a clock that jumps."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.clock import RealClock, SteppedClock
from monitor.core.model import Check, Target
from monitor.core.settings import Interval, TargetSettings
from monitor.scheduler import Scheduler, dispersed, first_delay, phase

START = datetime(2026, 11, 20, 10, tzinfo=UTC)


def target(name: str = "kie", seconds: float = 1.0) -> TargetSettings:
    return TargetSettings(
        Target(name, "kie", Check.BALANCE), Interval(seconds, seconds), timeout=5.0
    )


@given(st.text(min_size=1), st.floats(1, 1e6))
def test_a_first_probe_comes_within_its_interval_and_ten_seconds(
    name: str, seconds: float
) -> None:
    delay = first_delay(target(name, seconds), 10.0)
    assert 0 <= delay <= min(seconds, 10.0)
    assert delay == first_delay(target(name, seconds), 10.0)


def test_first_probes_are_spread_and_not_bunched() -> None:
    tenths = Counter(int(phase(f"account-{i}/balance") * 10) for i in range(1000))
    assert set(tenths) == set(range(10))
    assert max(tenths.values()) < 200


class Probes:
    """Counts what is observed; each run waits until it is let go."""

    def __init__(self, *, hold: bool = False) -> None:
        self.runs: list[str] = []
        self.under_way = 0
        self.most = 0
        self.seen = asyncio.Event()
        self.free = asyncio.Event()
        if not hold:
            self.free.set()

    async def observe(self, name: str) -> datetime | None:
        self.runs.append(name)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        self.seen.set()
        try:
            await self.free.wait()
        finally:
            self.under_way -= 1
        return datetime.now(UTC) + timedelta(milliseconds=20)

    async def times(self, count: int) -> None:
        while len(self.runs) < count:
            self.seen.clear()
            await asyncio.wait_for(self.seen.wait(), 5)


async def test_a_target_is_probed_again_at_the_time_that_observing_handed_over() -> None:
    probes = Probes()
    scheduler = Scheduler(RealClock(), probes.observe)
    scheduler.start()
    scheduler.arm([target(seconds=3600)], {})
    scheduler.ask_soon("kie/balance")
    await probes.times(4)  # an hour's interval alone would give one
    await scheduler.drain(1)
    assert set(probes.runs) == {"kie/balance"}


async def second_wait(crowd: int, *, planned: bool = False, failing: bool = False) -> float:
    """Seconds from the first probe of the first of `crowd` targets to its second; 100 wanted."""
    clock = SteppedClock(START.replace(year=2126))  # nothing comes by itself

    async def observe(_name: str) -> datetime:
        return clock.now() + timedelta(seconds=100)

    async def probed() -> float:
        scheduler.ask_soon(name)
        for _ in range(10):  # passes of the loop: nothing in it waits
            await asyncio.sleep(0)
        return scheduler.due_in(name)

    scheduler = Scheduler(clock, observe, lambda _name: failing)
    scheduler.start()
    name = "kie-0/balance"
    turns = {name: clock.now() + timedelta(seconds=50)} if planned else {}
    scheduler.arm([target(f"kie-{i}", 100) for i in range(crowd)], turns)
    wait = await probed()
    assert await probed() == 100 or failing  # from the second on an interval is an interval
    await scheduler.drain(0)
    return wait


async def test_what_began_in_a_crowd_does_not_come_in_a_wave_for_ever() -> None:
    wait = await second_wait(600)
    assert wait == pytest.approx(100 * dispersed("kie-0/balance"), abs=1e-4)
    assert wait < 100
    assert await second_wait(600, planned=True) == 100  # it has a place of its own already
    assert await second_wait(400) == 100
    assert await second_wait(600, failing=True) == 100  # there may be a reason for the rest


def test_a_crowd_that_was_asked_within_half_an_interval_comes_spread_over_all_of_it() -> None:
    names = [f"account-{i}/balance" for i in range(1000)]
    wanted = [target(f"account-{i}", 10) for i in range(1000)]
    seconds = [first_delay(t, 20) + 10 * dispersed(n) for t, n in zip(wanted, names, strict=True)]
    tenths = Counter(int(at % 10) for at in seconds)
    assert set(tenths) == set(range(10))
    assert max(tenths.values()) < 130


async def test_a_probe_under_way_is_not_joined_by_a_second() -> None:
    probes = Probes(hold=True)
    scheduler = Scheduler(RealClock(), probes.observe)
    scheduler.start()
    scheduler.arm([target(seconds=3600)], {})
    scheduler.ask_soon("kie/balance")
    await probes.times(1)
    scheduler.ask_soon("kie/balance")
    scheduler.ask_soon("kie/balance")
    assert probes.under_way == 1
    probes.free.set()
    await probes.times(2)  # what was asked for meanwhile comes once, afterwards
    await scheduler.drain(1)
    assert probes.most == 1


async def test_a_target_read_lately_waits_for_its_turn() -> None:
    clock = SteppedClock(START)
    scheduler = Scheduler(clock, Probes().observe)
    scheduler.start()
    fresh, old = target("fresh", 600), target("old", 600)
    turns = {"fresh/balance": START + timedelta(seconds=500), "old/balance": START}
    first = scheduler.arm([fresh, old], turns)
    assert scheduler.due_in("fresh/balance") == 500
    assert 0 <= scheduler.due_in("old/balance") <= 10
    assert first["fresh/balance"] == START + timedelta(seconds=500)
    await scheduler.drain(0)


async def test_a_reading_from_the_future_does_not_hold_a_target_back() -> None:
    clock = SteppedClock(START)
    scheduler = Scheduler(clock, Probes().observe)
    scheduler.start()
    scheduler.arm([target("kie", 600)], {"kie/balance": START + timedelta(days=1)})
    assert scheduler.due_in("kie/balance") <= 10
    await scheduler.drain(0)


async def test_a_clock_that_jumps_moves_no_probe() -> None:
    clock = SteppedClock(START)
    scheduler = Scheduler(clock, Probes().observe)
    scheduler.start()
    scheduler.arm([target("kie", 600)], {"kie/balance": START + timedelta(seconds=600)})
    clock.step(1)
    assert not scheduler.tick()
    clock.jump(86400)
    clock.step(1)
    assert scheduler.tick()
    assert scheduler.due_in("kie/balance") == 598
    clock.jump(-2 * 86400)
    assert scheduler.tick()
    assert scheduler.due_in("kie/balance") == 598
    await scheduler.drain(0)


async def test_a_probe_under_way_when_the_clock_jumps_is_not_put_off_by_the_jump() -> None:
    start = START.replace(year=2100)  # far from the machine's time: APScheduler begins nothing
    clock, begun, go = SteppedClock(start), asyncio.Event(), asyncio.Event()

    async def observe(_: str) -> datetime | None:
        following = clock.now() + timedelta(seconds=300)
        begun.set()
        await go.wait()
        return following

    scheduler = Scheduler(clock, observe)
    scheduler.start()
    scheduler.arm([target("kie", 600)], {"kie/balance": start + timedelta(seconds=600)})
    for days in (-2, 1):
        begun.clear()
        scheduler.ask_soon("kie/balance")
        await asyncio.wait_for(begun.wait(), 5)
        clock.jump(days * 86400)
        go.set()
        for _ in range(20):  # its task comes to its end
            await asyncio.sleep(0)
        assert scheduler.due_in("kie/balance") == 300
        go.clear()
    await scheduler.drain(0)


async def test_a_fault_of_ours_does_not_end_a_targets_schedule() -> None:
    runs, twice = [], asyncio.Event()

    async def observe(name: str) -> datetime | None:
        runs.append(name)
        if len(runs) == 1:
            raise RuntimeError("a defect")
        twice.set()
        return None

    scheduler = Scheduler(RealClock(), observe)
    scheduler.start()
    scheduler.arm([target(seconds=0.05)], {})
    await asyncio.wait_for(twice.wait(), 5)
    await scheduler.drain(1)


async def test_draining_lets_what_is_under_way_finish_and_starts_nothing_more() -> None:
    probes = Probes(hold=True)
    scheduler = Scheduler(RealClock(), probes.observe)
    scheduler.start()
    scheduler.arm([target("a", 3600), target("b", 3600)], {})
    scheduler.ask_soon("a/balance")
    await probes.times(1)
    drained = asyncio.create_task(scheduler.drain(5))
    await asyncio.sleep(0)
    scheduler.ask_soon("b/balance")
    probes.free.set()
    await drained
    assert probes.runs == ["a/balance"]
    assert probes.under_way == 0


async def test_what_hangs_is_cancelled_when_the_drain_is_over() -> None:
    probes = Probes(hold=True)
    scheduler = Scheduler(RealClock(), probes.observe)
    scheduler.start()
    scheduler.arm([target(seconds=3600)], {})
    scheduler.ask_soon("kie/balance")
    await probes.times(1)
    await scheduler.drain(0.01)
    assert probes.under_way == 0


async def test_a_disarmed_target_is_not_probed() -> None:
    probes = Probes()
    scheduler = Scheduler(RealClock(), probes.observe)
    scheduler.start()
    scheduler.arm([target("a", 3600), target("b", 3600)], {})
    scheduler.disarm("a/balance")
    scheduler.disarm("a/balance")
    scheduler.ask_soon("a/balance")
    scheduler.ask_soon("b/balance")
    await probes.times(1)
    await scheduler.drain(1)
    assert set(probes.runs) == {"b/balance"}


async def test_a_target_whose_last_probe_failed_lets_the_others_begin_first() -> None:
    probes = Probes()
    scheduler = Scheduler(RealClock(), probes.observe, lambda name: name.startswith("ill"))
    scheduler.start()
    scheduler.arm([target(name, 3600) for name in ("ill-1", "ill-2", "well")], {})
    for name in ("ill-1", "ill-2", "well"):
        scheduler.ask_soon(f"{name}/balance")
    await probes.times(3)
    await scheduler.drain(1)
    assert probes.runs[:3] == ["well/balance", "ill-1/balance", "ill-2/balance"]
