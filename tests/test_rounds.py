"""Receivers never wait for each other, and nobody is forgotten."""

from __future__ import annotations

import asyncio
import itertools

from house import House, rule, settings

from monitor.clock import RealClock
from monitor.core.durations import format_duration
from monitor.errands import retry_after
from monitor.notifiers import Delivery
from monitor.rounds import Rounds

LOW = rule("low", "kie/balance", "balance < 10000")


class Deliveries:
    """Counts deliveries per receiver; those to `slow` wait until they are let go."""

    def __init__(self) -> None:
        self.count: dict[str, int] = {}
        self.wait: float | None = None
        self.ended = 0
        self.free = asyncio.Event()
        self._seen = asyncio.Event()

    async def deliver(self, receiver: str) -> float | None:
        self.count[receiver] = self.count.get(receiver, 0) + 1
        self._seen.set()
        if receiver == "broken":
            raise RuntimeError("a defect")
        if receiver == "slow":
            await self.free.wait()
        self.ended += 1
        return self.wait

    async def until(self, receiver: str, count: int) -> None:
        while self.count.get(receiver, 0) < count:
            self._seen.clear()
            await asyncio.wait_for(self._seen.wait(), 5)


async def test_a_slow_receiver_holds_up_neither_others_nor_its_own_next_delivery() -> None:
    deliveries = Deliveries()
    rounds = Rounds(deliveries.deliver, RealClock())
    rounds.match({"slow", "quick"})
    await deliveries.until("slow", 1)
    await deliveries.until("quick", 1)
    rounds.wake()
    await deliveries.until("quick", 2)
    await deliveries.until("slow", 2)
    await rounds.drain(0.01)


async def test_a_delivery_that_asks_for_another_look_gets_it() -> None:
    deliveries = Deliveries()
    deliveries.wait = 0.0
    rounds = Rounds(deliveries.deliver, RealClock())
    rounds.match({"quick"})
    await deliveries.until("quick", 4)
    await rounds.drain(0.01)


async def test_a_defect_in_one_delivery_ends_no_round() -> None:
    deliveries = Deliveries()
    rounds = Rounds(deliveries.deliver, RealClock())
    rounds.match({"broken"})
    await deliveries.until("broken", 1)
    rounds.wake()
    await deliveries.until("broken", 2)
    await rounds.drain(0.01)


async def test_a_receiver_that_is_gone_is_woken_no_more() -> None:
    deliveries = Deliveries()
    rounds = Rounds(deliveries.deliver, RealClock())
    rounds.match({"a", "b"})
    await deliveries.until("a", 1)
    await deliveries.until("b", 1)
    rounds.match({"b"})
    rounds.wake()
    await deliveries.until("b", 2)
    assert deliveries.count["a"] == 1
    await rounds.drain(0.01)


def test_retries_come_within_two_seconds_then_at_most_double_up_to_twenty() -> None:
    waits = [retry_after(n) for n in range(1, 30)]
    assert waits[0] <= 2
    assert all(b <= 2 * a for a, b in itertools.pairwise(waits))
    assert waits == sorted(waits)
    assert format_duration(waits[-1]) == "20s"


async def test_what_is_being_sent_may_end_before_the_daemon_does() -> None:
    deliveries = Deliveries()
    rounds = Rounds(deliveries.deliver, RealClock())
    rounds.match({"slow"})
    await deliveries.until("slow", 1)
    draining = asyncio.create_task(rounds.drain(5))
    await asyncio.sleep(0)
    deliveries.free.set()
    await asyncio.wait_for(draining, 2)
    assert deliveries.ended == 1


async def test_a_channel_that_says_nothing_of_an_address_is_tried_again_in_time() -> None:
    """Not at once and for ever: that would be a daemon that does nothing else."""
    house = await House(settings(rules=(LOW,), builtin=False)).start()
    house.mail.outcome = lambda m, a: Delivery()
    house.script.balance(9000)
    async with asyncio.timeout(2):
        await house.probe()
    house.mail.outcome = lambda m, a: Delivery(a)
    await house.tell(after=1)
    assert house.mail.said == []
    await house.tell(after=1)
    assert house.mail.said == ["opened low"]


async def test_who_fails_on_and_on_sets_others_in_motion_once() -> None:
    """With fifty open incidents and a server that is down, all would look all the time."""
    house = await House(settings(rules=(LOW,), builtin=False)).start()
    woken = 0

    def wake() -> None:
        nonlocal woken
        woken += 1

    house.pipeline.changed = wake
    house.mail.outcome = lambda m, a: Delivery(failed=dict.fromkeys(a, "451 later"))
    house.script.balance(9000)
    await house.probe()
    opened = woken
    for _ in range(20):
        await house.tell(after=61)
    assert woken == opened + 1
