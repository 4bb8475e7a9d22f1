"""The composition root: lead or stand by, start, drain, stop, reload; signals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path

from monitor.channels import runbook_page
from monitor.clock import Clock, RealClock
from monitor.control import OTHER_DATABASE, listening, socket_paths
from monitor.core.document import document
from monitor.core.lease import Leading, Presence, Reason
from monitor.core.settings import Settings
from monitor.core.snapshot import Snapshot
from monitor.exporter import Exporter
from monitor.heartbeat import SignsOfLife
from monitor.history import Archive
from monitor.http import Door
from monitor.leading import Leadership
from monitor.logs import Log
from monitor.pipeline import Pipeline
from monitor.recall import Recollection
from monitor.scheduler import Scheduler
from monitor.standing import Standing
from monitor.term import Term
from monitor.turn import Turn, beside
from monitor.web import WebDoors, build_app
from monitor.web.pages import Pages

log = Log("monitor")

_ONCE_MORE = 0.25  # seconds until a lead that could not be taken is tried again
_SILENT = 60.0  # seconds the database may not answer before the watchdog is left unfed


class Daemon:
    """One running monitor: it leads on its database, or waits until it may."""

    def __init__(
        self,
        settings: Settings,
        reload: Callable[[], Settings],
        *,
        env: Mapping[str, str],
        clock: Clock | None = None,
    ) -> None:
        self._env, self._load = env, reload
        self.clock = clock or RealClock()
        import monitor.http1  # noqa: F401 - what is not installed is missed now, not by a probe

        self.door = Door()
        self._database, self._paths = settings.database, socket_paths(settings.database, env)
        self.standing = Standing(self._paths, settings.database)
        self.leadership = Leadership(
            settings.database,
            settings.lease,
            now=self.clock.now,
            answered=self.standing.answered,
        )
        self.term = self._new_term(settings)
        self.exporter = Exporter(self.snapshot)
        self.pages = Pages(build_app(self._doors()), lambda: self.settings.web)
        self.started = asyncio.Event()  # it leads
        self._stop, self._changing = asyncio.Event(), asyncio.Lock()
        self._signs = SignsOfLife(env, self._ailing)
        self.turn = self._new_turn()

    def _new_term(self, settings: Settings) -> Term:
        return Term(
            settings,
            self._load,
            env=self._env,
            clock=self.clock,
            door=self.door,
            may_tell=self.leadership.valid,
            database=self._database,
        )

    def _new_turn(self) -> Turn:
        return Turn(
            self._database,
            self._stop,
            leadership=self.leadership,
            standing=self.standing,
            pages=self.pages,
            web=lambda: self.settings.web,
            up=self._signs.up,
        )

    # -- what others see --------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """The present ones."""
        return self.pipeline.memory.settings

    @property
    def pipeline(self) -> Pipeline:
        """Of this term."""
        return self.term.pipeline

    @property
    def scheduler(self) -> Scheduler:
        """Of this term."""
        return self.term.scheduler

    @property
    def ports(self) -> dict[str, int]:
        """What the listeners were given: "web", "services"."""
        return self.pages.ports

    def snapshot(self) -> Snapshot:
        """Everything that is true now."""
        self.pipeline.memory.scheduler_lag = self.scheduler.lag
        found = self.pipeline.memory.snapshot(self.clock.now())
        called = self.term.switch.called if self.settings.heartbeat else None
        fault = found.counts.reload_fault
        here = Presence(alive=True, ran=True, last_seen=found.at, config_fault=fault)
        return replace(found, leading=self._leading(), daemon=here, called=called)

    def _leading(self) -> Leading:
        if not self.started.is_set():
            leader = self.leadership.leader
            return Leading(False, leader.holder if leader else "", leader.epoch if leader else 0)
        return Leading(
            True,
            self.leadership.holder,
            self.term.store.epoch or 0,
            since=self.leadership.since,
            standbys=self.standing.others(),
        )

    def _standby(self) -> str:
        """In whose shadow this daemon stands; empty where it leads, or is about to."""
        shadow = self.turn.waited and not self.started.is_set()
        return f"standby: {self.turn.words()} leads" if shadow else ""

    def ready(self) -> bool:
        """Whether it leads, and every target has been looked at; not while draining."""
        return self.started.is_set() and not self._stop.is_set() and self.term.ready()

    def _ailing(self) -> str:
        """Why systemd should restart us; empty while all advances."""
        if not self.started.is_set():
            return ""
        if self.leadership.silent_for > _SILENT:
            return f"the database has not answered for {self.leadership.silent_for:.0f} s"
        return self.term.stuck()

    def _doors(self) -> WebDoors:
        past = Recollection(Archive(self._database), self.snapshot)
        return WebDoors(
            snapshot_of=self.snapshot,
            document=lambda: document(self.snapshot()),
            metrics=self.exporter.scrape,
            ready=self.ready,
            history=past.document,
            patterns=past.patterns,
            probe_now=lambda target: self.term.probe_now(target),
            usage=lambda account, body: self.term.usage(account, body),
            reload=self.reload,
            settings_of=lambda: self.settings,
            runbook=lambda name: runbook_page(name, self.settings),
            act=self._act,
            standby=self._standby,
        )

    # -- life -------------------------------------------------------------------------------

    def stop(self) -> None:
        """Drain and end."""
        self._stop.set()

    async def run(self) -> None:
        """Live until told to stop. Raises OSError for a port in use, NewerSchemaError."""
        try:
            while not self._stop.is_set() and (reason := await self.turn.come()) is not None:
                if not self.turn.waited:
                    self.pages.take()
                if not await self._lead(reason) and not self._stop.is_set():
                    await asyncio.sleep(_ONCE_MORE)
        finally:
            self._signs.end()
            self.leadership.step_down()
            await self.term.aclose()
            await self.pages.give_back()
            await self.door.aclose()

    async def _lead(self, reason: Reason) -> bool:
        """Lead until told to stop, or until another has taken over; False where it cannot."""
        async with AsyncExitStack() as end:
            async with self._changing:
                term = self.term
                if not await self.turn.unless_stopped(self.leadership.claim(term.store)):
                    return False
                beat = term.pipeline.keeper.beat
                keeping = self.leadership.keep(term.store, lambda: beat(self.clock.now()))
                beating = beside(end, keeping)
                beside(end, self.pages.take_sometime())
                if self.turn.waited:
                    log.warning("took over", because=reason.value, epoch=term.store.epoch)
                await term.start()
                self._begin(await end.enter_async_context(listening(self._paths, self._control)))
            lost = await self._ended(beating)
            if lost is None:
                await self._drain(beating)
        if lost is not None:
            await self._step_down(lost)
        return True

    def _begin(self, socket: Path | None) -> None:
        with suppress(OSError):  # it is tried again until it is free
            self.pages.take()
        self.term.begin()
        self.started.set()
        targets = len(self.settings.targets)
        page = self.pages.address or "none yet"
        log.info("started", targets=targets, page=page, socket=str(socket), **self.ports)
        self._signs.up(f"{targets} targets")

    async def _ended(self, beating: asyncio.Task[str]) -> str | None:
        """Who leads now; None: this daemon was told to stop. A broken listener raises."""
        stop = asyncio.create_task(self._stop.wait())
        broken = asyncio.create_task(self.pages.broken())
        try:
            waited = {beating, stop, broken}
            done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if broken in done:
                broken.result()
            return beating.result() if beating in done else None
        finally:
            for task in (stop, broken):
                task.cancel()
            await asyncio.gather(stop, broken, return_exceptions=True)

    async def _drain(self, beating: asyncio.Task[str]) -> None:
        self._signs.stopping()
        log.info("draining")
        await self.term.end()
        beating.cancel()
        await self.term.close()
        log.info("stopped")

    async def _step_down(self, lost: str) -> None:
        """Another leads: say nothing more, forget all, and stand by."""
        self.started.clear()
        log.warning("stepped down: another daemon has taken over", why=lost)
        async with self._changing:
            await self.term.abandon()
            self.term = self._new_term(self.settings)
        self.standing.forget()
        self.leadership.step_down()
        self.turn.over()
        await self.pages.give_back()  # whoever leads shows it

    # -- reload and control -----------------------------------------------------------------

    async def reload(self) -> str | None:
        """Take the config anew; a broken one keeps the old. What is wrong, or None."""
        async with self._changing:  # never while the lead is taken or lost
            if self.started.is_set():
                fault = await self.term.reloader.reload()
            else:
                fault = await self._replace_term()
            self.leadership.patience = self.settings.lease
            return fault

    async def _replace_term(self) -> str | None:
        """A standby has used nothing of its term: another one begins with the new config."""
        found = await self.term.reloader.read()
        if isinstance(found, str):
            return found
        unused, self.term = self.term, self._new_term(found)
        await unused.abandon()
        return None

    async def _control(self, asked: Mapping[str, str]) -> Mapping[str, object]:
        if asked.get("database") != self._database:
            return {"error": OTHER_DATABASE}
        heard = self.standing.hear(asked)
        if heard is not None:
            return {**heard, "config_fault": self.pipeline.memory.reload_fault or None}
        if asked.get("do") == "status":  # of a shell that cannot read our config any more
            return await asyncio.to_thread(document, self.snapshot())
        return await self._act(asked)

    async def _act(self, asked: Mapping[str, str]) -> Mapping[str, object]:
        reply = await self.term.operator.handle(asked)
        self.term.rounds.wake()
        return reply
