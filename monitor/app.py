"""The composition root: build, start, drain, stop, reload; signals."""

from __future__ import annotations

import asyncio
import errno
import signal
from collections.abc import Callable, Coroutine, Mapping

import structlog

from monitor.build import canary, prober, rereader, runbook_page, teller, without_charts
from monitor.clock import Clock, RealClock
from monitor.control import OTHER_DATABASE, ask, listening, socket_paths
from monitor.core.model import TargetRecord
from monitor.core.reports import Counted
from monitor.core.settings import Account, Settings
from monitor.core.snapshot import Snapshot
from monitor.core.status import document
from monitor.exporter import Exporter
from monitor.heartbeat import keep_alive, notify
from monitor.history import Archive
from monitor.http import Door
from monitor.operator import Operator
from monitor.pipeline import Pipeline
from monitor.promql import querier
from monitor.recall import Recollection
from monitor.reloading import Reloader
from monitor.rounds import Rounds
from monitor.scheduler import Scheduler
from monitor.store import Store
from monitor.store.sqlite import SqliteStore
from monitor.threads import PassingThreads
from monitor.web import WebDoors, build_app
from monitor.web.server import Listener, bind, serve
from monitor.web.tls import tls_context

log = structlog.get_logger("monitor")

DRAIN = 4.0  # seconds for probes under way when the daemon is told to stop
TELL = 2.0  # and for messages
READY_AFTER = 15.0  # seconds after which a silent target no longer holds readiness back
_TICK = 1.0
_STUCK = 60.0  # seconds a probe may be late before the watchdog is left unfed


class Daemon:
    """One running monitor."""

    def __init__(
        self,
        settings: Settings,
        reload: Callable[[], Settings],
        *,
        env: Mapping[str, str],
        clock: Clock | None = None,
        store: Store | None = None,
    ) -> None:
        self._env = env
        self.clock = clock or RealClock()
        self.store: Store = store or SqliteStore(settings.database, busy_timeout=2.0)
        self.door = Door()
        self.pipeline = Pipeline(
            settings,
            store=self.store,
            clock=self.clock,
            probe=prober(self.door, self._further),
            teller=teller(self.door, self.clock),
            canary=canary(self.door),
            reread=rereader(),
            query=querier(self.door),
        )
        self.scheduler = Scheduler(self.clock, self.pipeline.observe)
        self.rounds = Rounds(self.pipeline.deliver, self.clock)
        self.exporter = Exporter(self.snapshot)
        self.reloader = Reloader(
            reload,
            env=env,
            clock=self.clock,
            pipeline=self.pipeline,
            scheduler=self.scheduler,
            rounds=self.rounds,
        )
        self.operator = Operator(self.pipeline, self.clock)
        self.ports: dict[str, int] = {}  # what the listeners were given: "web", "services"
        self.started = asyncio.Event()
        self._stop, self._draining = asyncio.Event(), False
        self._began = self.clock.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()

    # -- what others see --------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Everything that is true now."""
        self.pipeline.memory.scheduler_lag = self.scheduler.lag
        return self.pipeline.memory.snapshot(self.clock.now())

    def ready(self) -> bool:
        """Whether every target has been probed or read lately; not while draining."""
        if self._draining or not self.started.is_set():
            return False
        late = self.clock.monotonic() - self._began >= READY_AFTER
        return late or all(self._looked_at(r) for r in self.pipeline.memory.records.values())

    def _looked_at(self, record: TargetRecord) -> bool:
        """Probed since the start, or read within its interval before."""
        if record.reading is None:
            return False
        settings = self.pipeline.memory.targets[record.target]
        age = (self.clock.now() - record.reading.at).total_seconds()
        return age <= max(settings.interval.longest, self.clock.monotonic() - self._began)

    def _ailing(self) -> str:
        """Why systemd should restart us; empty while probes advance."""
        late = self.scheduler.overdue()
        return f"probes do not advance: one is {late:.0f} s late" if late > _STUCK else ""

    def _further(self, account: Account, target: str, requests: int) -> None:
        self.pipeline.asker.further(account, target, requests)

    async def _usage(self, account: str, body: object) -> Counted | tuple[str, ...]:
        """Count what an application reports; for an unknown account the known ones."""
        found = await self.pipeline.counting.report(account, body)
        known = tuple(a.name for a in self.pipeline.memory.settings.accounts)
        return known if found is None else found

    def _probe_now(self, target: str) -> float | None:
        """Ask soon; seconds until it may be asked for again, 0: it is; None: no such target."""
        if target not in self.pipeline.memory.targets:
            return None
        wait = self.pipeline.asker.nudge(target)
        if not wait:
            self.scheduler.ask_soon(target)
        return wait

    def _doors(self) -> WebDoors:
        past = Recollection(Archive(self.pipeline.memory.settings.database), self.snapshot)
        return WebDoors(
            snapshot_of=self.snapshot,
            document=lambda: document(self.snapshot()),
            metrics=self.exporter.render,
            ready=self.ready,
            history=past.document,
            patterns=past.patterns,
            probe_now=self._probe_now,
            usage=self._usage,
            reload=self.reload,
            settings_of=lambda: self.pipeline.memory.settings,
            runbook=lambda name: runbook_page(name, self.pipeline.memory.settings),
            act=self._act,
        )

    # -- life -------------------------------------------------------------------------------

    def stop(self) -> None:
        """Drain and end."""
        self._stop.set()

    async def run(self) -> None:
        """Live until told to stop. Raises OSError for a port in use, NewerSchemaError."""
        settings = self.pipeline.memory.settings
        await self._alone(settings)
        listeners = self._bind(settings)
        try:
            await self.pipeline.start()
            await self.pipeline.meet()
            await self._live(settings, listeners)
        finally:
            for listener in listeners:
                listener.close()
            await self.pipeline.aclose()
            await self.door.aclose()

    async def _alone(self, settings: Settings) -> None:
        """Refuse to be the second daemon on one database: everybody would be told twice."""
        question = {"do": "ping", "database": settings.database}
        paths = socket_paths(settings.database, self._env)
        if await asyncio.to_thread(ask, paths, question) is not None:
            words = f"another daemon keeps {settings.database}: stop it, or set another database"
            raise OSError(errno.EBUSY, words)

    def _bind(self, settings: Settings) -> list[Listener]:
        listeners = [bind("web", settings.web.listen)]
        if settings.web.services_listen:
            listeners.append(bind("services", settings.web.services_listen))
        self.ports = {listener.name: listener.port for listener in listeners}
        return listeners

    async def _live(self, settings: Settings, listeners: list[Listener]) -> None:
        stop_web = asyncio.Event()
        app = build_app(self._doors())
        web = [
            asyncio.create_task(
                serve(app, each, stop_web, tls=tls_context(settings.web.tls, each.name))
            )
            for each in listeners
        ]
        paths = socket_paths(settings.database, self._env)
        async with listening(paths, self._control) as socket:
            log.info("started", targets=len(settings.targets), socket=str(socket), **self.ports)
            self._begin(settings)
            await self._watched(web)
            await self._drain()
        stop_web.set()
        await asyncio.gather(*web, return_exceptions=True)

    def _begin(self, settings: Settings) -> None:
        self.pipeline.ask_soon = self.scheduler.ask_soon
        self.pipeline.changed = self.pipeline.keeper.changed = self.rounds.wake
        self.scheduler.start()
        self.pipeline.watch(self.scheduler.arm(settings.targets, self.pipeline.turns()))
        self._spawn(self._sweeps(), "sweep")
        self._spawn(self._ticks(), "tick")
        self._spawn(self._counts(), "count")
        self._spawn(keep_alive(self._env, self._ailing), "watchdog")
        self.rounds.match({r.name for r in settings.receivers})
        if chartless := without_charts(settings.receivers):
            log.info("no charts", why=chartless)
        self.started.set()
        notify(self._env, "READY=1", f"STATUS={len(settings.targets)} targets")

    async def _watched(self, web: list[asyncio.Task[None]]) -> None:
        """Until stopped; a listener that ends by itself ends the daemon with its error."""
        stop = asyncio.create_task(self._stop.wait())
        done, _ = await asyncio.wait({stop, *web}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        for task in done - {stop}:
            task.result()

    async def _drain(self) -> None:
        self._draining = True
        notify(self._env, "STOPPING=1")
        log.info("draining")
        await self.scheduler.drain(DRAIN)
        for task in (tasks := set(self._tasks)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.rounds.drain(TELL)
        await self.pipeline.keeper.close()
        log.info("stopped")

    def _spawn(self, work: Coroutine[object, object, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- rounds -----------------------------------------------------------------------------

    async def _sweeps(self) -> None:
        while True:
            await asyncio.sleep(_TICK * 2)
            try:
                await self.pipeline.sweep()
            except Exception:  # the daemon outlives every fault of its own
                log.exception("sweeping failed; this is a defect of monitor")

    async def _counts(self) -> None:
        """Judge what applications report, all that has come in a quarter of a second at once."""
        while True:
            await self.pipeline.counting.reported.wait()
            try:
                await self.pipeline.recount()
            except Exception:  # the daemon outlives every fault of its own
                log.exception("counting failed; this is a defect of monitor")
            await asyncio.sleep(_TICK / 4)

    async def _ticks(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            if self.scheduler.tick():
                self.rounds.wake()

    # -- reload and control -----------------------------------------------------------------

    async def reload(self) -> str | None:
        """Take the config anew; a broken one keeps the old. What is wrong, or None."""
        return await self.reloader.reload()

    async def _control(self, asked: Mapping[str, str]) -> Mapping[str, object]:
        if asked.get("database") != self.pipeline.memory.settings.database:
            return {"error": OTHER_DATABASE}
        return await self._act(asked)

    async def _act(self, asked: Mapping[str, str]) -> Mapping[str, object]:
        reply = await self.operator.handle(asked)
        self.rounds.wake()
        return reply


async def run_daemon(daemon: Daemon) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP reloads."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(PassingThreads())
    reloads: set[asyncio.Task[str | None]] = set()

    def reload() -> None:
        task = asyncio.create_task(daemon.reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, daemon.stop)
    loop.add_signal_handler(signal.SIGHUP, reload)
    await daemon.run()
