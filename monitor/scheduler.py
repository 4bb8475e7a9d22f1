"""When targets are probed, and that each is probed once at a time.

APScheduler (slots.py) only starts tasks of ours: it cancels what it runs when it shuts down, and a
probe under way is to be drained, not cancelled.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta

from monitor.clock import Clock
from monitor.core.settings import Interval, TargetSettings
from monitor.logs import Log
from monitor.room import Room
from monitor.slots import Slots, slot_of

log = Log("monitor.scheduler")

_FIRST_WITHIN = 10.0  # seconds after the start
_SPREAD = 0.5  # of it: the process needs some of it to come up
_MOST_PER_SECOND = 50.0  # first probes
_SLOT = 0.5  # seconds within which probes are made together, at most
_SLOTS = 20  # at least, in an interval
_JUMP = 5.0  # seconds by which the clock may disagree with the monotonic one

Observe = Callable[[str], Awaitable[datetime | None]]
Failing = Callable[[str], bool]  # whether a target's last probe could not read


def phase(target: str) -> float:
    """0 to 1, a stable hash of the name: the same place in every round, across restarts."""
    digest = hashlib.sha256(target.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def first_delay(target: TargetSettings, spread: float) -> float:
    """Seconds after the start: within min(interval, spread), by the target's phase."""
    return phase(target.target.name) * min(target.interval.longest, spread) * _SPREAD


def dispersed(target: str) -> float:
    """The part of its first interval after which a target that began in a crowd is asked again.

    Thousands that begin within seconds would else come in a wave for ever: too many at once for
    their provider, and nothing to do in between. They come spread over half of their interval at
    the least: over all of it where the first probes took half.
    """
    return (1 + phase(target)) / 2


class Scheduler:
    """Runs `observe` for each target at its time; one probe of a target at a time."""

    def __init__(
        self, clock: Clock, observe: Observe, failing: Failing = lambda name: False
    ) -> None:
        self._clock, self._observe, self._failing = clock, observe, failing
        self._slots = Slots(self._fire)
        self._intervals: dict[str, Interval] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()  # asked for while a probe was under way
        self._due: dict[str, float] = {}  # monotonic seconds of the story
        self._crowded: set[str] = set()  # first probed among more than there is time for
        self._room = Room()
        self._last = (clock.now(), clock.monotonic())
        self.lag = 0.0

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._slots.start()

    def arm(
        self, targets: Iterable[TargetSettings], planned: Mapping[str, datetime]
    ) -> dict[str, datetime]:
        """Schedule targets; when each is probed first.

        `planned`: for a target read lately, when it is its turn again; what lies further ahead
        than its interval came of a clock that was wrong.
        """
        wanted, now, first = list(targets), self._clock.now(), {}
        spread = max(_FIRST_WITHIN, len(wanted) / _MOST_PER_SECOND)
        crowd = spread > _FIRST_WITHIN
        for target in wanted:
            name = target.target.name
            at = planned.get(name)
            if at is None or not now < at <= now + _longest(target):
                at = now + timedelta(seconds=first_delay(target, spread))
                if crowd:
                    self._crowded.add(name)
            first[name] = at
            self._intervals[name] = target.interval
            self._move(name, at)
        return first

    def _move(self, name: str, at: datetime) -> None:
        ahead = (at - self._clock.now()).total_seconds()
        self._due[name] = self._clock.monotonic() + ahead
        width = min(_SLOT, self._wall_seconds(self._intervals[name].shortest) / _SLOTS)
        wall, now = self._clock.wall(at), self._clock.wall(self._clock.now())
        self._slots.put(name, slot_of(wall, timedelta(seconds=width), now))

    def _wall_seconds(self, seconds: float) -> float:
        now = self._clock.now()
        span = self._clock.wall(now + timedelta(seconds=seconds)) - self._clock.wall(now)
        return max(span.total_seconds(), 0.001)

    def due_in(self, name: str) -> float:
        """Seconds of the story until a target is probed next."""
        return self._due[name] - self._clock.monotonic()

    def overdue(self) -> float:
        """Seconds by which the latest target that is not being probed is late; 0: none is."""
        waiting = (at for name, at in self._due.items() if name not in self._running)
        return max(0.0, self._clock.monotonic() - min(waiting, default=float("inf")))

    def disarm(self, name: str) -> None:
        """Forget a target; a probe under way ends by itself."""
        self._due.pop(name, None)
        self._again.discard(name)
        self._crowded.discard(name)
        self._room.forget(name)
        self._intervals.pop(name, None)
        self._slots.remove(name)

    def ask_soon(self, name: str) -> None:
        """Probe a target now; if a probe is under way, once more after it."""
        if name in self._running:
            self._again.add(name)
        elif name in self._due:
            self._begin(name)

    # -- running ----------------------------------------------------------------------------

    def _fire(self, name: str) -> None:
        if name not in self._running and name in self._due:
            self._begin(name)

    def _begin(self, name: str) -> None:
        self._running[name] = asyncio.create_task(self._run(name), name=f"observe {name}")

    async def _run(self, name: str) -> None:
        following: datetime | None = None
        began = self._clock.now(), self._clock.monotonic()
        try:
            async with self._room.place(name, failing=self._failing(name)):
                self.lag = max(0.0, self._clock.monotonic() - self._due.get(name, float("inf")))
                following = await self._observe(name)
        except Exception:  # the schedule of a target outlives every fault of ours
            log.exception("observing failed; this is a defect of monitor", target=name)
        finally:
            del self._running[name]
            if following is not None:  # it is counted from when the probe began
                following += timedelta(seconds=self._drift(*began))
            self._rearm(name, following)

    def _rearm(self, name: str, following: datetime | None) -> None:
        if name not in self._due:
            return
        if name in self._again:
            self._again.discard(name)
            self._begin(name)
        else:  # the interval is the safety net of what observing hands over
            now = self._clock.now()
            longest = timedelta(seconds=self._intervals[name].longest)
            at = now + longest if following is None else max(following, now)
            # Not where somebody has asked for a rest, or there is a reason for one.
            if name in self._crowded and following is not None and not self._failing(name):
                self._crowded.discard(name)
                at = now + (at - now) * dispersed(name)
            self._move(name, at)

    # -- the clock --------------------------------------------------------------------------

    def _drift(self, then: datetime, ticks: float) -> float:
        """Seconds by which the clock has jumped since; 0 where it has only gone on."""
        passed = (self._clock.now() - then).total_seconds()
        drift = passed - (self._clock.monotonic() - ticks)
        return drift if abs(drift) >= _JUMP else 0.0

    def tick(self) -> bool:
        """Once in a while: re-arm everything if the clock has jumped; True if it had."""
        drift = self._drift(*self._last)
        self._last = now, ticks = self._clock.now(), self._clock.monotonic()
        if not drift:
            return False
        log.warning("the clock has jumped; all probes are armed anew", seconds=round(drift, 1))
        for name, due in list(self._due.items()):
            self._move(name, now + timedelta(seconds=max(0.0, due - ticks)))
        return True

    async def drain(self, seconds: float) -> None:
        """Start nothing more, let what is under way finish for so long, then cancel it."""
        self._due.clear()
        self._again.clear()
        self._slots.pause()
        tasks = set(self._running.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._slots.stop()
        await asyncio.sleep(0)


def _longest(target: TargetSettings) -> timedelta:
    return timedelta(seconds=target.interval.longest)
