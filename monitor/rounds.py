"""One round per receiver: deliver whenever woken, so that receivers never wait for each other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from monitor.clock import Clock
from monitor.logs import Log

log = Log("monitor.rounds")

Deliver = Callable[[str], Awaitable[float | None]]
_LONGEST = 3600.0  # seconds a timer may wait; then it is looked again anyway
_SHORTEST = 0.02
_AFTER_A_DEFECT = 5.0


class Rounds:
    """Starts deliveries; a slow one under way does not hold up the next."""

    def __init__(self, deliver: Deliver, clock: Clock) -> None:
        self._deliver, self._clock = deliver, clock
        self._wake: dict[str, asyncio.Event] = {}
        self._rounds: dict[str, asyncio.Task[None]] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Something may be due."""
        for event in self._wake.values():
            event.set()

    def match(self, receivers: set[str]) -> None:
        """One round for each of these, none for others."""
        for name in set(self._rounds) - receivers:
            self._rounds.pop(name).cancel()
            del self._wake[name]
        for name in receivers - set(self._rounds):
            self._wake[name] = asyncio.Event()
            self._rounds[name] = asyncio.create_task(self._round(name), name=f"tell {name}")

    async def drain(self, seconds: float) -> None:
        """Start nothing more; what is being sent may end for so long, then it is cut off.

        What is cut off is sent again after a start, under its first id.
        """
        for task in (rounds := list(self._rounds.values())):
            task.cancel()
        self._rounds.clear()
        await asyncio.gather(*rounds, return_exceptions=True)
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _round(self, receiver: str) -> None:
        wake = self._wake[receiver]
        timer: list[asyncio.TimerHandle] = []  # one at most: the latest look knows best

        async def once() -> None:
            wait = await self._safely(receiver)
            while timer:
                timer.pop().cancel()
            if wait is not None:
                loop = asyncio.get_running_loop()
                timer.append(loop.call_later(self._wall_seconds(wait), wake.set))

        try:
            while True:
                wake.clear()
                task = asyncio.create_task(once())
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)
                await wake.wait()
        finally:
            for handle in timer:
                handle.cancel()

    async def _safely(self, receiver: str) -> float | None:
        try:
            return await self._deliver(receiver)
        except Exception:  # telling goes on, whatever one message did
            log.exception("telling failed; this is a defect of monitor", receiver=receiver)
            return _AFTER_A_DEFECT

    def _wall_seconds(self, seconds: float) -> float:
        """Story seconds on the machine's clock, within what a timer is good for."""
        now = self._clock.now()
        ahead = self._clock.wall(now + timedelta(seconds=min(seconds, _LONGEST)))
        return max((ahead - self._clock.wall(now)).total_seconds(), _SHORTEST)
