"""Moments that targets share: when each is called, and that none is lost or called twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.slots import Slots, slot_of

START = datetime(2026, 11, 20, 10, tzinfo=UTC)
seconds = st.floats(0, 1000).map(lambda s: timedelta(seconds=round(s, 6)))


@given(seconds, seconds, st.floats(0.001, 60).map(lambda s: timedelta(seconds=s)))
def test_a_slot_is_less_than_its_width_early_never_late_and_never_in_the_past(
    ahead: timedelta, since: timedelta, width: timedelta
) -> None:
    now, at = START + since, START + since + ahead
    slot = slot_of(at, width, now)
    assert at - width < slot <= at
    assert slot > now or slot == at


@given(seconds, seconds)
def test_what_is_due_within_one_width_shares_a_moment(one: timedelta, other: timedelta) -> None:
    width, now = timedelta(seconds=0.25), START - timedelta(seconds=1)
    shared = slot_of(START + one, width, now) == slot_of(START + other, width, now)
    assert shared == (one // width == other // width)


def soon(milliseconds: float = 0) -> datetime:
    return datetime.now(UTC) + timedelta(milliseconds=milliseconds)


class Called:
    """Who was called, in order."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.slots = Slots(self.call)
        self.slots.start()
        self._news = asyncio.Event()

    def call(self, name: str) -> None:
        self.names.append(name)
        self._news.set()

    async def until(self, count: int) -> list[str]:
        while len(self.names) < count:
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), 5)
        self.slots.stop()
        return self.names


async def test_all_of_a_moment_are_called_in_the_order_in_which_they_came() -> None:
    called, at = Called(), soon(20)
    for name in "dacb":
        called.slots.put(name, at)
    assert await called.until(4) == ["d", "a", "c", "b"]


async def test_a_name_that_is_moved_is_called_at_its_last_moment_alone() -> None:
    called = Called()
    called.slots.put("a", soon(5))
    called.slots.put("b", soon(10))
    called.slots.put("a", soon(40))
    called.slots.put("c", soon(80))
    assert await called.until(3) == ["b", "a", "c"]


async def test_a_name_may_ask_for_the_very_moment_in_which_it_is_called() -> None:
    called, at = Called(), soon(5)
    called.slots.put("a", at)
    await asyncio.wait_for(called._news.wait(), 5)
    called.slots.put("a", at)
    assert await called.until(2) == ["a", "a"]


async def test_what_is_removed_is_not_called_and_its_neighbours_are() -> None:
    called, at = Called(), soon(20)
    for name in ("alone", "a", "b"):
        called.slots.put(name, at if name != "alone" else soon(5))
    for name in ("alone", "a", "a", "stranger"):
        called.slots.remove(name)
    assert await called.until(1) == ["b"]


async def test_a_name_may_be_moved_in_any_pass_of_the_loop_around_its_moment() -> None:
    for passes in range(6):
        called = Called()
        called.slots.put("a", soon(-1))
        for _ in range(passes):
            await asyncio.sleep(0)
        before = list(called.names)
        called.slots.put("a", soon(-1))
        assert await called.until(len(before) + 1) == [*before, "a"]


async def test_nothing_is_called_after_a_pause() -> None:
    called = Called()
    called.slots.put("a", soon(5))
    called.slots.pause()
    called.slots.pause()
    other = Called()
    other.slots.put("b", soon(30))
    await other.until(1)
    called.slots.stop()
    called.slots.stop()
    assert called.names == []
