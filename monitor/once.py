"""One round of probes without the daemon: ask, judge, and with `notify` keep and tell."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.asking import ProbeTarget
from monitor.build import prober
from monitor.clock import RealClock
from monitor.control import ask, socket_paths
from monitor.core.causes import Cause, Status
from monitor.core.document import document
from monitor.core.model import Finding, Target
from monitor.core.settings import Account, Settings
from monitor.core.snapshot import Snapshot
from monitor.core.status import concerned, overall
from monitor.http import Door
from monitor.logs import Log
from monitor.pipeline import Pipeline
from monitor.threads import PassingThreads

if TYPE_CHECKING:  # who only looks keeps nothing and tells nobody
    from monitor.store import Store
    from monitor.telling import Teller

log = Log("monitor.once")

_BUSY = 0.5  # seconds a locked database is waited for
_SPARE = 2.0  # seconds beyond the longest timeout: the whole ends by timeout + 3 s
_AT_ONCE = 128
_TELLING, _JUDGING = 5.0, 0.5  # seconds kept for each, of those that were given
_LEAST = 0.001  # seconds: whose turn comes too late has timed out


@dataclass(frozen=True, slots=True)
class Once:
    """What one round of probes gave."""

    snapshot: Snapshot
    document: dict[str, object]
    overall: Status


async def probe_once(
    settings: Settings,
    env: Mapping[str, str],
    *,
    names: frozenset[str],
    notify: bool = False,
    within: float | None = None,
    done: Callable[[str], None] = lambda target: None,
) -> Once:
    """Probe `names` at the same time within bounds, judge; with `notify`, keep and tell.

    Where a daemon lives on the database it does the keeping and the telling. The whole ends
    `within` seconds: what has not answered by then has timed out, who was not told is told the
    next time.
    """
    asyncio.get_running_loop().set_default_executor(PassingThreads())
    began = time.monotonic()
    end = None if within is None else began + within
    asked_by = None if within is None else began + within - _kept(within, notify)
    keeps = notify and not await _daemon_lives(settings, env)
    async with _parts(settings, asked_by, keeps=keeps) as parts:
        pipeline, telling = parts.pipeline, parts.telling
        await (pipeline.start() if keeps else _remember(pipeline, settings))
        await _probe_all(parts, names, done, end)
        if telling is not None:
            await pipeline.meet()
            await _tell(parts, telling, end)
            await pipeline.keeper.flush()
    snapshot = only(pipeline.memory.snapshot(parts.clock.now()), names)
    return _result(snapshot, time.monotonic() - began)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What one round is made of."""

    pipeline: Pipeline
    door: Door
    clock: RealClock
    telling: Teller | None  # who only looks tells nobody
    over: asyncio.Event  # nobody is asked any more


@asynccontextmanager
async def _parts(
    settings: Settings, asked_by: float | None, *, keeps: bool
) -> AsyncIterator[_Parts]:
    """All of them, and closed at the end; with `keeps` a store and who tells."""
    door, clock, over = Door(), RealClock(), asyncio.Event()
    store = _store(settings) if keeps else None
    telling = _teller(door, clock) if keeps else None
    pipeline = Pipeline(
        settings,
        store=store,
        clock=clock,
        probe=_hurried(prober(door), asked_by, over),
        teller=telling,
        repeats=(),
    )
    try:
        yield _Parts(pipeline, door, clock, telling, over)
    finally:
        await pipeline.aclose()
        await door.aclose()
        if store is not None:
            await store.close()


def _store(settings: Settings) -> Store:
    from monitor.store.sqlite import SqliteStore

    return SqliteStore(settings.database, busy_timeout=_BUSY)


def _teller(door: Door, clock: RealClock) -> Teller:
    from monitor.channels import teller

    return teller(door, clock)


def only(snapshot: Snapshot, names: frozenset[str]) -> Snapshot:
    """What was asked for, and what is said of it."""
    kept = {n: v for n, v in snapshot.views.items() if n in names}
    theirs = {t for v in kept.values() for t in (v.target, *concerned(v))}
    alerts = tuple(a for a in snapshot.alerts if a.target in theirs)
    return replace(snapshot, views=kept, alerts=alerts)


def _result(snapshot: Snapshot, duration: float) -> Once:
    return Once(snapshot, document(snapshot, duration=duration), overall(snapshot))


async def _daemon_lives(settings: Settings, env: Mapping[str, str]) -> bool:
    """A daemon answers on its socket, or has touched the database within a minute."""
    question = {"do": "ping", "database": settings.database}
    if await asyncio.to_thread(ask, socket_paths(settings.database, env), question) is not None:
        return True
    from monitor.stored import touched_lately

    return await touched_lately(settings)


async def _remember(pipeline: Pipeline, settings: Settings) -> None:
    """Read the store if there is one: a runway needs history. In CI there is none."""
    if _is_there(settings.database):
        from monitor.stored import remember

        await remember(pipeline, settings)


def _is_there(database: str) -> bool:
    try:
        return Path(database).exists()
    except OSError:
        return False  # nor could it be read


def _kept(within: float, tells: bool) -> float:
    """Seconds that are kept for what comes after the probes: judging, and telling people."""
    return min(within / 4, _TELLING) if tells else min(within / 10, _JUDGING)


def _hurried(probe: ProbeTarget, end: float | None, over: asyncio.Event) -> ProbeTarget:
    """The same probe, with no more time than there is until `end` of the monotonic clock."""

    async def ask(account: Account, target: Target, now: datetime, timeout: float) -> Finding:
        if over.is_set():
            return Finding(Cause.TIMED_OUT, "no answer in the time that was left")
        left = _left(end)
        patience = timeout if left is None else max(_LEAST, min(timeout, left))
        return await probe(account, target, now, patience)

    return ask


async def _tell(parts: _Parts, telling: Teller, end: float | None) -> None:
    from monitor.channels import refresher

    memory = parts.pipeline.memory
    refreshing = refresher(parts.door, parts.clock, memory, telling)
    try:
        async with asyncio.timeout(_left(end)):
            await asyncio.gather(
                *(parts.pipeline.deliver(r.name) for r in memory.settings.receivers)
            )
            await refreshing.everything()
    except TimeoutError:
        log.warning("not everybody was told in time; the next run tells the others")


def _left(end: float | None) -> float | None:
    """Seconds until `end` of the monotonic clock."""
    return None if end is None else max(0.0, end - time.monotonic())


async def _probe_all(
    parts: _Parts,
    names: frozenset[str],
    done: Callable[[str], None],
    end: float | None,
) -> None:
    room, pipeline = asyncio.Semaphore(_AT_ONCE), parts.pipeline
    ordered = [n for n in pipeline.memory.targets if n in names]
    late = dict.fromkeys(ordered)

    async def one(name: str) -> None:
        async with room:
            await pipeline.observe(name)
        del late[name]
        done(name)

    longest = max(pipeline.memory.targets[n].timeout for n in ordered)
    most, left = longest * -(-len(ordered) // _AT_ONCE) + _SPARE, _left(end)
    try:
        async with asyncio.timeout(most if left is None else min(most, left)):
            await asyncio.gather(*(one(n) for n in ordered))
    except TimeoutError:
        log.warning("not everything was asked in time", missing=len(late))
        parts.over.set()  # what is remembered of them is no answer
        await asyncio.gather(*(one(n) for n in list(late)))
