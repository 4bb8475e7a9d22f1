"""The work without the daemon: probe once, look at the store, write one message."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from monitor.asking import ProbeTarget
from monitor.build import prober, refresher, teller
from monitor.clock import RealClock
from monitor.control import ask, socket_paths
from monitor.core.causes import Severity, Status
from monitor.core.lease import Leading, Lease
from monitor.core.message import Message
from monitor.core.model import Finding, Kind, Silence, Target
from monitor.core.settings import Account, ReceiverSettings, Settings
from monitor.core.snapshot import Snapshot
from monitor.core.status import concerned, document, overall
from monitor.exporter import metrics_text
from monitor.http import Door
from monitor.keeping import fold_samples
from monitor.logs import Log
from monitor.memory import KEPT
from monitor.notifiers import Delivery, load_notifiers
from monitor.operator import Operator
from monitor.pipeline import Pipeline
from monitor.refreshing import Refresher
from monitor.store import Store, StoreError
from monitor.store.sqlite import SqliteStore
from monitor.threads import PassingThreads

log = Log("monitor.once")

_BUSY = 0.5  # seconds a locked database is waited for
_SPARE = 2.0  # seconds beyond the longest timeout: the whole ends by timeout + 3 s
_AT_ONCE = 128
_TELLING, _JUDGING = 5.0, 0.5  # seconds kept for each, of those that were given
_LEAST = 0.001  # seconds: whose turn comes too late has timed out
_ALIVE_WITHIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Once:
    """What one round of probes gave."""

    document: dict[str, object]
    metrics: str
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
    door, clock = Door(), RealClock()
    store = SqliteStore(settings.database, busy_timeout=_BUSY) if keeps else None
    telling = teller(door, clock)
    pipeline = Pipeline(
        settings,
        store=store,
        clock=clock,
        probe=_hurried(prober(door), asked_by),
        teller=telling if keeps else None,
        repeats=(),
    )
    try:
        await (pipeline.start() if keeps else _remember(pipeline, settings))
        await _probe_all(pipeline, names, done, end)
        if keeps:
            await pipeline.meet()
            await _tell(pipeline, refresher(door, clock, pipeline.memory, telling), end)
            await pipeline.keeper.flush()
    finally:
        await pipeline.aclose()
        await door.aclose()
        if store is not None:
            await store.close()
    snapshot = only(pipeline.memory.snapshot(clock.now()), names)
    return _result(snapshot, time.monotonic() - began)


def only(snapshot: Snapshot, names: frozenset[str]) -> Snapshot:
    """What was asked for, and what is said of it."""
    kept = {n: v for n, v in snapshot.views.items() if n in names}
    theirs = {t for v in kept.values() for t in (v.target, *concerned(v))}
    alerts = tuple(a for a in snapshot.alerts if a.target in theirs)
    return replace(snapshot, views=kept, alerts=alerts)


def _result(snapshot: Snapshot, duration: float) -> Once:
    return Once(
        document=document(snapshot, duration=duration),
        metrics=metrics_text(snapshot),
        overall=overall(snapshot),
    )


async def _daemon_lives(settings: Settings, env: Mapping[str, str]) -> bool:
    """A daemon answers on its socket, or has touched the database within a minute."""
    question = {"do": "ping", "database": settings.database}
    if await asyncio.to_thread(ask, socket_paths(settings.database, env), question) is not None:
        return True
    return await _touched_lately(settings)


async def _touched_lately(settings: Settings) -> bool:
    """Whether a daemon has touched the database within a minute; makes none."""
    store = SqliteStore(settings.database, read_only=True)
    try:
        beat = await store.last_heartbeat()
    except StoreError:
        return False
    finally:
        await store.close()
    return beat is not None and datetime.now(UTC) - beat < _ALIVE_WITHIN


async def _remember(pipeline: Pipeline, settings: Settings) -> None:
    """Read the store if there is one: a runway needs history. Nothing is written."""
    store = SqliteStore(settings.database, read_only=True)
    try:
        await _take_up(pipeline, store)
    except StoreError:
        return  # none yet, or not to be read: the probes speak for themselves
    finally:
        await store.close()


async def _take_up(pipeline: Pipeline, store: Store) -> None:
    now = datetime.now(UTC)
    memory = pipeline.memory
    memory.restore(await store.load(now - KEPT))
    await fold_samples(store, memory, memory.books)
    pipeline.counting.look_at_all()
    await pipeline.counting.recall(store, now)
    memory.refresh_all(now)
    pipeline.judge.removed(now)  # a rule that is gone from the config fires no more
    pipeline.judge.reword(now)


def _kept(within: float, tells: bool) -> float:
    """Seconds that are kept for what comes after the probes: judging, and telling people."""
    return min(within / 4, _TELLING) if tells else min(within / 10, _JUDGING)


def _hurried(probe: ProbeTarget, end: float | None) -> ProbeTarget:
    """The same probe, with no more time than there is until `end` of the monotonic clock."""

    async def ask(account: Account, target: Target, now: datetime, timeout: float) -> Finding:
        left = _left(end)
        patience = timeout if left is None else max(_LEAST, min(timeout, left))
        return await probe(account, target, now, patience)

    return ask


async def _tell(pipeline: Pipeline, refreshing: Refresher, end: float | None) -> None:
    receivers = pipeline.memory.settings.receivers
    try:
        async with asyncio.timeout(_left(end)):
            await asyncio.gather(*(pipeline.deliver(r.name) for r in receivers))
            await refreshing.everything()
    except TimeoutError:
        log.warning("not everybody was told in time; the next run tells the others")


def _left(end: float | None) -> float | None:
    """Seconds until `end` of the monotonic clock."""
    return None if end is None else max(0.0, end - time.monotonic())


async def _probe_all(
    pipeline: Pipeline,
    names: frozenset[str],
    done: Callable[[str], None],
    end: float | None,
) -> None:
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> None:
        async with room:
            await pipeline.observe(name)
        done(name)

    ordered = [n for n in pipeline.memory.targets if n in names]
    longest = max(pipeline.memory.targets[n].timeout for n in ordered)
    most, left = longest * -(-len(ordered) // _AT_ONCE) + _SPARE, _left(end)
    try:
        async with asyncio.timeout(most if left is None else min(most, left)):
            await asyncio.gather(*(one(n) for n in ordered))
    except TimeoutError:
        log.warning("not everything was asked in time; what is missing is unknown")


async def stored_document(settings: Settings) -> dict[str, object]:
    """The status document of what was read last. Raises StoreError where there is no store."""
    return document(await stored_snapshot(settings))


async def stored_snapshot(settings: Settings) -> Snapshot:
    """Everything the store knows, as it was read last."""
    store = SqliteStore(settings.database, read_only=True)
    pipeline = Pipeline(settings, store=None, clock=RealClock(), probe=prober(Door()))
    try:
        await _take_up(pipeline, store)
        lease = await store.lease()
    finally:
        await store.close()
    leading = None if lease is None or lease.at is None else _leading(lease)
    return replace(pipeline.memory.snapshot(datetime.now(UTC)), leading=leading)


def _leading(lease: Lease) -> Leading:
    return Leading(False, lease.holder, lease.epoch, alive_at=lease.at)


async def stored_silences(settings: Settings) -> tuple[Silence, ...]:
    """The silences that are in force or still to come. Raises StoreError."""
    store, now = SqliteStore(settings.database, read_only=True), datetime.now(UTC)
    try:
        return tuple(s for s in await store.silences(now) if s.ends_at > now)
    finally:
        await store.close()


async def operate_on_store(settings: Settings, asked: Mapping[str, str]) -> Mapping[str, object]:
    """Silence or acknowledge on the database a daemon reads, without asking the daemon."""
    clock = RealClock()
    if not await _touched_lately(settings):
        words = "start it, or name its config or database with --config or --database"
        return {"error": f"nobody is listening: no daemon lives on {settings.database}; {words}"}
    store = SqliteStore(settings.database)
    try:
        pipeline = Pipeline(settings, store=store, clock=clock, probe=prober(Door()))
        await pipeline.keeper.restore(clock.now())
        reply = await Operator(pipeline, clock).handle(asked)
        broken = pipeline.memory.store_failed
        return {"error": broken} if broken else reply
    finally:
        await store.close()


async def send_test(receiver: ReceiverSettings) -> Delivery:
    """A real message that says it is a test."""
    door = Door()
    try:
        notifier = load_notifiers(door)[receiver.channel]
        return await notifier.send(receiver, _test_message(receiver), receiver.addresses)
    finally:
        await door.aclose()


def _test_message(receiver: ReceiverSettings) -> Message:
    now = datetime.now(UTC)
    name = f"test-{int(now.timestamp())}-{receiver.name}"
    labels = {"alertname": "test", "severity": "info", "target": "monitor/test"}
    summary = "This is a test: monitor can reach you here."
    return Message(
        id=name,
        opened_id=name,
        kind=Kind.NOTICE,
        round=0,
        receiver=receiver.name,
        at=now,
        severity=Severity.INFO,
        subject="[TEST] monitor can reach you",
        what=summary,
        how_long="",
        todo="Nothing is to be done.",
        status="firing",
        incident=name,
        fingerprint=name,
        starts_at=now,
        ends_at=None,
        labels=labels,
        annotations={"summary": summary},
    )
