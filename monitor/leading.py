"""Leading, and waiting to lead: one daemon of several on a database acts, the others stand by."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from monitor.core.lease import Lease, Lock, Reason, Watch, held
from monitor.lock import FileLock
from monitor.logs import Log
from monitor.store import LeaseLostError, NewerSchemaError, StoreError

log = Log("monitor.leading")

_STUCK = "the leader's beat stands still and the database cannot be taken: end what holds it"
_LOOKS = 40.0  # a standby's looks in one patience, and how many seconds' looks at most
_LOOK = 0.25  # seconds between two of them at most
_BEATS, _BEAT = 10.0, 1.0  # the same for a leader's beats


class Watched(Protocol):
    """What a standby reads."""

    async def lease(self) -> Lease | None: ...

    async def writable(self) -> bool: ...

    async def close(self) -> None: ...


class Led(Watched, Protocol):
    """What a leader claims."""

    @property
    def epoch(self) -> int | None: ...

    async def claim(
        self, holder: str, expected: Lease | None, at: datetime, *, locked: bool
    ) -> bool: ...

    def insist(self, holder: str, *, locked: bool) -> None: ...

    def lock_is_held(self) -> None: ...


def ticks() -> float:
    """Seconds that only grow, those a suspended machine sleeps through among them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def holder() -> str:
    """This process, for people, and a word that tells it from any other of that number."""
    return f"{socket.gethostname()} pid {os.getpid()} {secrets.token_hex(4)}"


class Leadership:
    """The lock and the lease of one process."""

    def __init__(
        self,
        database: str,
        patience: float,
        *,
        now: Callable[[], datetime],
        answered: Callable[[], Awaitable[bool]],
        ticks: Callable[[], float] = ticks,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`patience`: seconds a leader may hang. `answered`: whether another leader says so."""
        self.patience, self.holder = patience, holder()
        self._now, self._answered, self._ticks, self._sleep = now, answered, ticks, sleep
        self._lock = FileLock(Path(f"{database}.lock"))
        self._watch = Watch(ticks())
        self._held, self._confirmed, self._looked = Lock.NONE, -patience, ticks()
        self._said, self.since = "", None  # type: str, datetime | None

    @property
    def leader(self) -> Lease | None:
        """What the database said of the leader when it was looked at last."""
        return self._watch.lease

    # -- waiting ----------------------------------------------------------------------------

    async def look(self, store: Watched) -> Reason | None:
        """Why this process may lead now; None: another does. Raises NewerSchemaError."""
        self._held = self._lock.take()
        lease, readable = None, True
        try:
            lease = await store.lease()
        except NewerSchemaError:
            raise
        except StoreError:
            readable = False
        now = self._ticks()
        if now - self._looked > self.patience / 2:
            self._watch = Watch(now)  # it slept itself, perhaps with the leader: it knows nothing
        self._looked = now
        self._watch = self._watch.see(lease, now, readable=readable)
        if self._watch.doubtful(self._held, now, self.patience):
            await self._try(store, now)
        reason = self._watch.may_lead(self._held, now, self.patience)
        unsure = self._held is Lock.NONE or reason in (Reason.FREE, Reason.UNREADABLE)
        if reason is not None and unsure and await self._answered():
            reason = None  # one that knows no lease, or that has lost its lock with the file
        if reason is None:
            self._lock.give_back()  # a leader without it may have it back
        return reason

    async def _try(self, store: Watched, now: float) -> None:
        """Whether it is the leader that hangs, or the database that nobody can write."""
        if await store.writable():
            self._watch = replace(self._watch, proven=now)
        elif now - self._watch.since >= self.patience:
            self._say(_STUCK, "it cannot be written: locked by another process, or a full disk")

    async def wait(self, store: Watched) -> Reason:
        """Look until this process may lead."""
        while (reason := await self.look(store)) is None:
            await self._sleep(min(_LOOK, self.patience / _LOOKS))
        return reason

    async def claim(self, store: Led) -> bool:
        """Take the lead; False where another was quicker, or the database does not let go.

        A database that cannot be written costs nobody the lead but where another process holds
        the lock: there a claim alone keeps it from acting as well.
        """
        locked, asked = self._held is Lock.OURS, self._ticks()
        try:
            taken = await store.claim(self.holder, self._watch.lease, self._now(), locked=locked)
        except NewerSchemaError:
            raise
        except StoreError as error:
            if self._held is Lock.THEIRS:
                self._watch = replace(self._watch, proven=None)
                self._say(_STUCK, str(error))
                return False
            store.insist(self.holder, locked=locked)
            taken = True
        if taken:
            self._confirmed, self.since = asked, self._now()
            if self._held is Lock.NONE:
                log.warning("leads without a lock: none can be made", why=self._lock.why)
        return taken

    def _say(self, what: str, why: str) -> None:
        lease = self._watch.lease
        if self._said != why:
            self._said = why
            log.error(what, leader=lease.holder if lease else None, why=why)

    # -- leading ----------------------------------------------------------------------------

    def valid(self) -> bool:
        """Whether nobody can have taken over yet: asked before anything is told."""
        return held(self._confirmed, self._ticks(), self.patience)

    @property
    def silent_for(self) -> float:
        """Seconds since the store last answered anything."""
        return self._ticks() - self._confirmed

    async def keep(self, store: Led, beat: Callable[[], Awaitable[None]]) -> str:
        """Show that this process lives, until another has taken over: who."""
        while True:
            asked = self._ticks()
            try:
                await beat()
            except LeaseLostError as lost:
                self._confirmed = -self.patience
                return str(lost)
            self._confirmed = asked
            if self._held is not Lock.OURS:
                self._held = self._lock.take()
                if self._held is Lock.OURS:
                    store.lock_is_held()
            await self._sleep(min(_BEAT, self.patience / _BEATS))

    def step_down(self) -> None:
        """Give the lock back, and look at the lease with new eyes."""
        self._lock.give_back()
        self._held, self._confirmed = Lock.NONE, -self.patience
        self._watch = Watch(self._ticks())


async def closed(store: Watched) -> None:
    """Close, whatever becomes of it."""
    with suppress(StoreError):
        await store.close()
