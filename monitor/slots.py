"""Moments at which targets are due, on APScheduler: what is due together is one job.

A job costs APScheduler more than what is done in it: a thousand targets would keep it busy with
itself. And probes that run in one go find the processor warm, the connections open and the next
commit to the store shared: together they cost half of what each costs alone.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def slot_of(at: datetime, width: timedelta, now: datetime) -> datetime:
    """The moment of all that are due with `at`: up to `width` before it, but not in the past."""
    slot = at - (at - _EPOCH) % width
    return slot if slot > now else at


class Slots:
    """Calls `fire` with each name at its moment; a name has one moment at a time."""

    def __init__(self, fire: Callable[[str], None]) -> None:
        self._fire = fire
        self._due: dict[datetime, dict[str, None]] = {}  # the names of each moment, in order
        self._moment: dict[str, datetime] = {}
        self._jobs = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True}
        )

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._jobs.start()

    def put(self, name: str, at: datetime) -> None:
        """Call `fire(name)` at `at`, the machine's time, instead of when it was to be called."""
        if self._moment.get(name) == at:
            return
        self.remove(name)
        self._moment[name] = at
        if at not in self._due:
            self._due[at] = {}
            trigger = DateTrigger(run_date=at, timezone=UTC)
            self._jobs.add_job(self._come, trigger, args=(at,), id=at.isoformat())
        self._due[at][name] = None

    def remove(self, name: str) -> None:
        """Do not call `fire(name)`."""
        at = self._moment.pop(name, None)
        if at is None:
            return
        del self._due[at][name]
        if not self._due[at]:
            del self._due[at]
            with suppress(JobLookupError):  # it is coming, in this pass of the loop or the next
                self._jobs.remove_job(at.isoformat())

    async def _come(self, at: datetime) -> None:
        """APScheduler's job: what it starts are tasks of ours, and it returns at once."""
        for name in self._due.pop(at, {}):
            del self._moment[name]
            self._fire(name)

    def pause(self) -> None:
        """Fire nothing more."""
        if self._jobs.running:
            self._jobs.pause()

    def stop(self) -> None:
        """End for good."""
        if self._jobs.running:
            self._jobs.shutdown(wait=False)
