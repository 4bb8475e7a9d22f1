"""Room for probes: whoever hangs holds up its like, and a healthy one for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from monitor.room import Room


@asynccontextmanager
async def hanging(room: Room, *names: str) -> AsyncIterator[list[str]]:
    """So many probes that hang; which of them have begun."""
    begun: list[str] = []

    async def hang(name: str) -> None:
        async with room.place(name):
            begun.append(name)
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(hang(name)) for name in names]
    try:
        await asyncio.sleep(0)
        yield begun
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def named(count: int, of: str = "hangs") -> tuple[str, ...]:
    return tuple(f"{of}-{n}" for n in range(count))


async def begins(room: Room, name: str, within: float = 5.0) -> None:
    async with asyncio.timeout(within), room.place(name):
        pass


async def test_six_hundred_that_hang_hold_a_healthy_one_up_for_a_moment_only() -> None:
    room = Room(patience=0.02)
    async with hanging(room, *named(600)) as begun:
        assert len(begun) == 512
        await begins(room, "healthy")  # those who stayed have moved aside
        assert len(begun) == 600


async def test_what_is_known_to_hang_waits_for_its_like_alone() -> None:
    room = Room(2, 1, patience=60, long=0)
    for name in named(3):
        await begins(room, name)  # with `long` 0 whatever ran once is known to take long
    async with hanging(room, *named(3)) as begun:
        assert len(begun) == 1
        await begins(room, "healthy")


async def test_a_target_that_is_quick_again_comes_back_to_the_front() -> None:
    room = Room(1, 1, patience=60, long=0.03)
    async with room.place("recovers"):
        await asyncio.sleep(0.04)
    async with hanging(room, "new") as begun:
        await begins(room, "recovers")  # apart
        assert begun == ["new"]
        with pytest.raises(TimeoutError):
            await begins(room, "recovers", within=0.05)  # in front again, where it waits


async def test_never_more_are_under_way_than_there_is_room_for() -> None:
    room = Room(3, 2, aside=4, patience=0.005)
    async with hanging(room, *named(50)) as begun:
        await asyncio.sleep(0.1)
        assert len(begun) == 3 + 4


async def test_places_come_back_however_a_probe_ends() -> None:
    room = Room(2, 2, aside=3, patience=0.005)
    for _ in range(3):
        async with hanging(room, *named(9)) as begun:
            await asyncio.sleep(0.05)
            assert len(begun) == 5
    for number in range(5):
        await begins(room, f"healthy-{number}")


async def test_those_that_fail_begin_one_by_one_and_a_healthy_one_at_once() -> None:
    room, begun = Room(), list[str]()

    async def begin(name: str, *, failing: bool) -> None:
        async with room.place(name, failing=failing):
            begun.append(name)

    async with asyncio.TaskGroup() as tasks:
        for name in named(50, "fails"):
            tasks.create_task(begin(name, failing=True))
        for _ in range(10):
            await asyncio.sleep(0)
        assert 0 < len(begun) <= 10  # one at each pass of the loop
        tasks.create_task(begin("healthy", failing=False))
        await asyncio.sleep(0)
        assert "healthy" in begun
        assert len(begun) < 50
    assert sorted(begun) == sorted((*named(50, "fails"), "healthy"))
    assert begun[-1] == "fails-49"  # in the order in which they came


async def test_one_that_gives_up_waiting_for_its_turn_holds_nobody_up() -> None:
    room = Room()

    async def begin(name: str) -> None:
        async with room.place(name, failing=True):
            pass

    waiting = [asyncio.create_task(begin(name)) for name in named(3)]
    await asyncio.sleep(0)
    for task in waiting[:2]:
        task.cancel()
    async with asyncio.timeout(5):
        await waiting[2]
    async with asyncio.timeout(5), room.place("later", failing=True):
        pass
