"""Now and sleep: a real clock, a fast one for the demo, a stepped one for tests."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the daemon knows of time. `now` is the story's time, always aware UTC."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float:
        """Seconds of the story that only ever grow."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    def wall(self, at: datetime) -> datetime:
        """The machine's time at which the story reaches `at`: for the scheduler."""
        ...


class RealClock:
    """The machine's own."""

    def now(self) -> datetime:
        """The machine's time."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds, from an arbitrary start."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep that long."""
        await asyncio.sleep(seconds)

    def wall(self, at: datetime) -> datetime:
        """The same time."""
        return at


class FastClock:
    """Runs `rate` times faster than the machine, from `start`: an hour a second at 3600."""

    def __init__(self, start: datetime, rate: float) -> None:
        self._start, self.rate = start, rate
        self._wall_start = datetime.now(UTC)
        self._monotonic_start = time.monotonic()

    def now(self) -> datetime:
        """The story's time."""
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Story seconds since the start."""
        return (time.monotonic() - self._monotonic_start) * self.rate

    async def sleep(self, seconds: float) -> None:
        """Sleep that many story seconds."""
        await asyncio.sleep(seconds / self.rate)

    def wall(self, at: datetime) -> datetime:
        """When the machine's clock will show what the story calls `at`."""
        return self._wall_start + (at - self._start) / self.rate


class SteppedClock:
    """Stands still until it is told: for tests. Sleeping moves it on at once."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._monotonic = 0.0

    def now(self) -> datetime:
        """Where it was stepped to."""
        return self._now

    def monotonic(self) -> float:
        """Seconds stepped so far; `jump` does not count."""
        return self._monotonic

    def step(self, seconds: float) -> datetime:
        """Let time pass; returns the new now."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds
        return self._now

    def jump(self, seconds: float) -> datetime:
        """Set the wall clock forward or back without time passing."""
        self._now += timedelta(seconds=seconds)
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Pass the time and let others run."""
        self.step(seconds)
        await asyncio.sleep(0)

    def wall(self, at: datetime) -> datetime:
        """The same time."""
        return at
