"""The work without the daemon: probe once, look at the store, write one message."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from monitor.build import prober, refresher, teller
from monitor.clock import RealClock
from monitor.control import ask, socket_paths
from monitor.core.causes import Severity, Status
from monitor.core.lease import Leading, Lease
from monitor.core.message import Message
from monitor.core.model import Kind
from monitor.core.settings import ReceiverSettings, Settings
from monitor.core.snapshot import Snapshot
from monitor.core.status import concerned, document, overall
from monitor.exporter import metrics_text
from monitor.http import Door
from monitor.keeping import fold_samples
from monitor.memory import KEPT
from monitor.notifiers import Delivery, load_notifiers
from monitor.operator import Operator
from monitor.pipeline import Pipeline
from monitor.store import Store, StoreError
from monitor.store.sqlite import SqliteStore
from monitor.threads import PassingThreads

log = structlog.get_logger("monitor.once")

_BUSY = 0.5  # seconds a locked database is waited for
_SPARE = 2.0  # seconds beyond the longest timeout: the whole ends by timeout + 3 s
_AT_ONCE = 128
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
    done: Callable[[str], None] = lambda target: None,
) -> Once:
    """Probe `names` at the same time within bounds, judge; with `notify`, keep and tell.

    Where a daemon lives on the database it does the keeping and the telling.
    """
    asyncio.get_running_loop().set_default_executor(PassingThreads())
    began = time.monotonic()
    keeps = notify and not await _daemon_lives(settings, env)
    door, clock = Door(), RealClock()
    store = SqliteStore(settings.database, busy_timeout=_BUSY) if keeps else None
    telling = teller(door, clock)
    pipeline = Pipeline(
        settings,
        store=store,
        clock=clock,
        probe=prober(door),
        teller=telling if keeps else None,
        repeats=(),
    )
    try:
        await (pipeline.start() if keeps else _remember(pipeline, settings))
        await _probe_all(pipeline, names, done)
        if keeps:
            await pipeline.meet()
            await asyncio.gather(*(pipeline.deliver(r.name) for r in settings.receivers))
            await refresher(door, clock, pipeline.memory, telling).everything()
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


async def _probe_all(
    pipeline: Pipeline, names: frozenset[str], done: Callable[[str], None]
) -> None:
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> None:
        async with room:
            await pipeline.observe(name)
        done(name)

    ordered = [n for n in pipeline.memory.targets if n in names]
    longest = max(pipeline.memory.targets[n].timeout for n in ordered)
    try:
        async with asyncio.timeout(longest * -(-len(ordered) // _AT_ONCE) + _SPARE):
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
