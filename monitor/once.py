"""The work without the daemon: probe once, look at the store, write one message."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monitor.build import prober, teller
from monitor.clock import RealClock
from monitor.control import ask, socket_paths
from monitor.core.causes import Severity, Status
from monitor.core.message import Message
from monitor.core.model import Kind
from monitor.core.settings import ReceiverSettings, Settings
from monitor.core.snapshot import Snapshot
from monitor.core.status import document, overall
from monitor.exporter import metrics_text
from monitor.http import Door
from monitor.memory import KEPT
from monitor.notifiers import Delivery, load_notifiers
from monitor.operator import Operator
from monitor.pipeline import Pipeline
from monitor.store import Store, StoreError
from monitor.store.sqlite import SqliteStore

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
    notify: bool = False,
    done: Callable[[str], None] = lambda target: None,
) -> Once:
    """Probe every target at the same time within bounds, judge; with `notify`, keep and tell."""
    began = time.monotonic()
    door, clock = Door(), RealClock()
    store = SqliteStore(settings.database) if notify else None
    telling = teller(door, clock) if notify else None
    pipeline = Pipeline(
        settings, store=store, clock=clock, probe=prober(door), teller=telling, repeats=()
    )
    try:
        await (pipeline.start() if notify else _remember(pipeline, settings))
        await _probe_all(pipeline, settings, done)
        if notify:
            await _tell(pipeline, settings, env)
    finally:
        await door.aclose()
        if store is not None:
            await store.close()
    snapshot = pipeline.memory.snapshot(clock.now())
    return _result(snapshot, time.monotonic() - began)


def _result(snapshot: Snapshot, duration: float) -> Once:
    return Once(
        document=document(snapshot, duration=duration),
        metrics=metrics_text(snapshot),
        overall=overall(snapshot),
    )


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
    for name, book in memory.books.items():
        for sample in await store.samples(name, since=book.last_at):
            book.update(sample.at, sample.balance)
    memory.refresh_all(now)


async def _probe_all(pipeline: Pipeline, settings: Settings, done: Callable[[str], None]) -> None:
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> None:
        async with room:
            await pipeline.observe(name)
        done(name)

    names = [t.target.name for t in settings.targets]
    longest = max(t.timeout for t in settings.targets)
    async with asyncio.timeout(longest * -(-len(names) // _AT_ONCE) + _SPARE):
        await asyncio.gather(*(one(n) for n in names))


async def _tell(pipeline: Pipeline, settings: Settings, env: Mapping[str, str]) -> None:
    """Tell receivers, unless a daemon is alive: then it does."""
    question = {"do": "ping", "database": settings.database}
    if await asyncio.to_thread(ask, socket_paths(settings.database, env), question) is not None:
        return
    await pipeline.meet()
    await asyncio.gather(*(pipeline.deliver(r.name) for r in settings.receivers))


async def stored_document(settings: Settings) -> dict[str, object]:
    """The status document of what was read last. Raises StoreError where there is no store."""
    return document(await stored_snapshot(settings))


async def stored_snapshot(settings: Settings) -> Snapshot:
    """Everything the store knows, as it was read last."""
    store = SqliteStore(settings.database, read_only=True)
    door = Door()
    pipeline = Pipeline(settings, store=None, clock=RealClock(), probe=prober(door))
    try:
        await _take_up(pipeline, store)
    finally:
        await store.close()
    return pipeline.memory.snapshot(datetime.now(UTC))


async def operate_on_store(settings: Settings, asked: Mapping[str, str]) -> Mapping[str, object]:
    """Silence or acknowledge on the database a daemon reads, without asking the daemon."""
    store = SqliteStore(settings.database)
    clock = RealClock()
    try:
        beat = await store.last_heartbeat()
        if beat is None or clock.now() - beat > _ALIVE_WITHIN:
            return {"error": f"nobody is listening: no daemon lives on {settings.database}"}
        pipeline = Pipeline(settings, store=store, clock=clock, probe=prober(Door()))
        pipeline.memory.restore(await store.load(clock.now() - KEPT))
        return await Operator(pipeline, clock).handle(asked)
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
