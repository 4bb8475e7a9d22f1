"""One term of leading: all that probes, judges and tells, from taking the lead to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping

from monitor.build import caller, canary, prober, rereader
from monitor.channels import refresher, teller, without_charts
from monitor.clock import Clock
from monitor.core.model import TargetRecord
from monitor.core.reports import Counted
from monitor.core.settings import Account, Settings
from monitor.http import Door
from monitor.leading import closed
from monitor.logs import Log
from monitor.operator import Operator
from monitor.pipeline import Pipeline
from monitor.promql import querier
from monitor.reloading import Reloader
from monitor.rounds import Rounds
from monitor.scheduler import Scheduler
from monitor.store.sqlite import SqliteStore
from monitor.switch import Switch
from monitor.telling import Teller

log = Log("monitor")

DRAIN = 4.0  # seconds for probes under way when the daemon is told to stop
TELL = 2.0  # and for messages
READY_AFTER = 15.0  # seconds after which a silent target no longer holds readiness back
_GATHER = 0.1  # seconds a reading may wait for others to be written with it
_TICK = 1.0
_STUCK = 60.0  # seconds a probe may be late before the watchdog is left unfed


class Term:
    """What a leader runs. Another term begins with nothing of it but what the store has kept."""

    def __init__(
        self,
        settings: Settings,
        load: Callable[[], Settings],
        *,
        env: Mapping[str, str],
        clock: Clock,
        door: Door,
        may_tell: Callable[[], bool],
        database: str,
    ) -> None:
        self._clock = clock
        self.store = SqliteStore(database, busy_timeout=2.0, gather=_GATHER)
        told = teller(door, clock)
        told.may_tell = may_tell
        self.pipeline = self._new_pipeline(settings, door, told)
        self.scheduler = Scheduler(clock, self.pipeline.observe, self.pipeline.failing)
        self.rounds = Rounds(self.pipeline.deliver, clock)
        self.refresher = refresher(door, clock, self.pipeline.memory, told)
        self.reloader = Reloader(
            load,
            env=env,
            clock=clock,
            pipeline=self.pipeline,
            scheduler=self.scheduler,
            rounds=self.rounds,
        )
        self.operator = Operator(self.pipeline, clock)
        self.switch = self._new_switch(door, may_tell)
        self._began, self._running = clock.monotonic(), False
        self._tasks: set[asyncio.Task[None]] = set()

    def _new_pipeline(self, settings: Settings, door: Door, told: Teller) -> Pipeline:
        return Pipeline(
            settings,
            store=self.store,
            clock=self._clock,
            probe=prober(door, self._further),
            teller=told,
            canary=canary(door),
            reread=rereader(),
            query=querier(door),
        )

    def _new_switch(self, door: Door, may_tell: Callable[[], bool]) -> Switch:
        return Switch(
            caller(door),
            settings_of=lambda: self.pipeline.memory.settings.heartbeat,
            secrets_of=lambda: self.pipeline.memory.settings.secrets,
            ailing=lambda: self.ailing() if self.ready() and may_tell() else None,
            now=self._clock.now,
        )

    def _further(self, account: Account, target: str, requests: int) -> None:
        self.pipeline.asker.further(account, target, requests)

    # -- life -------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up what the store has kept. Raises NewerSchemaError."""
        await self.pipeline.start()
        await self.pipeline.meet()

    def begin(self) -> None:
        """Probe, judge and tell from now on."""
        settings = self.pipeline.memory.settings
        self._began, self._running = self._clock.monotonic(), True
        self.pipeline.ask_soon = self.scheduler.ask_soon
        self.pipeline.changed = self.pipeline.keeper.changed = self.rounds.wake
        self.scheduler.start()
        self.pipeline.watch(self.scheduler.arm(settings.targets, self.pipeline.turns()))
        self.spawn(self._sweeps(), "sweep")
        self.spawn(self._ticks(), "tick")
        self.spawn(self._counts(), "count")
        self.spawn(self.refresher.run(), "refresh")
        self.spawn(self.switch.run(), "heartbeat")
        self.rounds.match({r.name for r in settings.receivers})
        if chartless := without_charts(settings.receivers):
            log.info("no charts", why=chartless)

    def spawn(self, work: Coroutine[object, object, None], name: str) -> None:
        """Let something run for as long as the term lasts."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self, probes: float = DRAIN, messages: float = TELL) -> None:
        """Begin nothing more; what is under way may go on for so many seconds."""
        self._running = False
        await self.scheduler.drain(probes)
        for task in (tasks := set(self._tasks)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.rounds.drain(messages)

    async def close(self) -> None:
        """Keep what is left to be kept, and leave."""
        await self.pipeline.keeper.close()

    async def abandon(self) -> None:
        """End at once, as another leads: nothing more is said, nothing more is written."""
        await self.end(0.0, 0.0)
        await self.aclose()
        await closed(self.store)

    async def aclose(self) -> None:
        """Leave nothing of it running."""
        await self.pipeline.aclose()

    # -- how it goes ------------------------------------------------------------------------

    def ready(self) -> bool:
        """Whether every target has been probed or read lately; not before it begins or after."""
        if not self._running:
            return False
        late = self._clock.monotonic() - self._began >= READY_AFTER
        return late or all(self._looked_at(r) for r in self.pipeline.memory.records.values())

    def _looked_at(self, record: TargetRecord) -> bool:
        """Probed since the start, or read within its interval before."""
        if record.reading is None:
            return False
        settings = self.pipeline.memory.targets[record.target]
        age = (self._clock.now() - record.reading.at).total_seconds()
        return age <= max(settings.interval.longest, self._clock.monotonic() - self._began)

    def stuck(self) -> str:
        """Why probes do not advance; empty while they do."""
        late = self.scheduler.overdue()
        return f"probes do not advance: one is {late:.0f} s late" if late > _STUCK else ""

    def ailing(self) -> str:
        """Why this daemon does not do its work, as far as it can tell; empty while it does.

        A store that fails aloud has an alert of its own, which is told: that is no silence.
        """
        stuck = self.stuck()
        if stuck:
            return stuck
        now, reach = self._clock.now(), self.pipeline.memory.reach
        found = [f"receiver {n} is {words}" for n, r in reach.items() if (words := r.trouble(now))]
        return "; ".join(found)

    def probe_now(self, target: str) -> float | None:
        """Ask soon; seconds until it may be asked for again, 0: it is; None: no such target."""
        if target not in self.pipeline.memory.targets:
            return None
        wait = self.pipeline.asker.nudge(target)
        if not wait:
            self.scheduler.ask_soon(target)
        return wait

    async def usage(self, account: str, body: object) -> Counted | tuple[str, ...]:
        """Count what an application reports; for an unknown account the known ones."""
        found = await self.pipeline.counting.report(account, body)
        known = tuple(a.name for a in self.pipeline.memory.settings.accounts)
        return known if found is None else found

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
