"""Room for probes under way: bounded, and never all of it in the hands of those that hang.

A probe begins in front. Whoever is still there after a second moves aside and lets the next one
begin; a target that took long the last time begins apart, where it waits for its like alone. So
hanging targets hold up each other, and a healthy one for about a second.

One whose last probe failed goes through a turnstile first: one of them at each pass of the event
loop. Where all of it is more than the machine can do, passes grow long, and so they come seldom
enough that a healthy one, which needs a few passes, is not late.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

FRONT = 512  # probes that have just begun
APART = 512  # of targets known to take long
ASIDE = 1024  # that began in front and stayed; all three bound descriptors and memory
PATIENCE = 1.0  # seconds in front
LONG = 5.0  # seconds after which a target is known to take long


class Room:
    """Places of all probes; `patience` and `long` are seconds."""

    def __init__(
        self,
        front: int = FRONT,
        apart: int = APART,
        *,
        aside: int = ASIDE,
        patience: float = PATIENCE,
        long: float = LONG,
    ) -> None:
        self._front, self._apart = asyncio.Semaphore(front), asyncio.Semaphore(apart)
        self._aside = aside  # places left
        self._patience, self._long = patience, long
        self._slow: set[str] = set()  # targets
        self._turnstile = _Turnstile()

    @asynccontextmanager
    async def place(self, target: str, *, failing: bool = False) -> AsyncIterator[None]:
        """Wait for a place, and have it until the block ends; `failing` ones come last."""
        if failing:
            await self._turnstile.through()
        apart = target in self._slow
        await (self._apart if apart else self._front).acquire()
        loop = asyncio.get_running_loop()
        began, stay = loop.time(), None if apart else _Stay(self, self._patience)
        try:
            yield
        finally:
            self._slow.discard(target)
            if loop.time() - began >= self._long:
                self._slow.add(target)
            if stay is None:
                self._apart.release()
            else:
                stay.end()

    def forget(self, target: str) -> None:
        """A target that is no more."""
        self._slow.discard(target)

    def step_aside(self) -> bool:
        """Let somebody else begin; False where too many stand aside already."""
        if not self._aside:
            return False
        self._aside -= 1
        self._front.release()
        return True

    def leave(self, *, aside: bool) -> None:
        """One that began in front is done."""
        if aside:
            self._aside += 1
        else:
            self._front.release()


class _Stay:
    """One probe that began in front."""

    def __init__(self, room: Room, patience: float) -> None:
        self._room, self._patience, self._aside = room, patience, False
        self._wait()

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._patience, self._move)

    def _move(self) -> None:
        self._aside = self._room.step_aside()
        if not self._aside:
            self._wait()

    def end(self) -> None:
        self._timer.cancel()
        self._room.leave(aside=self._aside)


class _Turnstile:
    """Lets one through at each pass of the event loop."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def through(self) -> None:
        """Wait for one's turn."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._turn)
        self._waiting.append(turn := loop.create_future())
        await turn

    def _turn(self) -> None:
        turn = self._waiting.popleft()
        if not turn.done():
            turn.set_result(None)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._turn)
