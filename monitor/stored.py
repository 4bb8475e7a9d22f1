"""What a shell does with the database itself: look at it, silence and acknowledge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitor.build import prober
from monitor.clock import RealClock
from monitor.core.document import document
from monitor.core.lease import Leading, Lease, Presence
from monitor.core.model import Silence
from monitor.core.settings import Settings
from monitor.core.snapshot import Snapshot
from monitor.http import Door
from monitor.keeping import fold_samples
from monitor.logs import Log
from monitor.memory import KEPT
from monitor.operator import Operator
from monitor.pipeline import Pipeline
from monitor.store import Store, StoreError
from monitor.store.sqlite import SqliteStore

log = Log("monitor.stored")

_ALIVE_WITHIN = timedelta(minutes=1)
_BEATS_WITHIN = 10.0  # seconds at least: a leader beats every second, and a disk may be slow


async def touched_lately(settings: Settings) -> bool:
    """Whether a daemon has touched the database within a minute; makes none."""
    store = SqliteStore(settings.database, read_only=True)
    try:
        beat = await store.last_heartbeat()
    except StoreError:
        return False
    finally:
        await store.close()
    return beat is not None and datetime.now(UTC) - beat < _ALIVE_WITHIN


async def remember(pipeline: Pipeline, settings: Settings) -> None:
    """Take up what the store knows, if it can be read. Nothing is written."""
    store = SqliteStore(settings.database, read_only=True)
    try:
        await _take_up(pipeline, store)
    except StoreError as error:  # the probes speak for themselves
        log.warning("the database cannot be read: no runway is known", why=str(error))
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
    found = pipeline.memory.snapshot(datetime.now(UTC))
    return replace(found, leading=leading, daemon=_daemon(lease, found))


def _daemon(lease: Lease | None, found: Snapshot) -> Presence:
    read = [v.reading.at for v in found.views.values() if v.reading is not None]
    within = timedelta(seconds=max(found.settings.lease, _BEATS_WITHIN))
    return Presence.of(lease, max(read, default=None), found.at, within=within)


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
    if not await touched_lately(settings):
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
