"""Taking another config while the daemon runs; a broken one keeps the old."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from monitor.clock import Clock
from monitor.config import ConfigFaults
from monitor.core.settings import Settings, TargetSettings
from monitor.heartbeat import notify, reloading
from monitor.logs import Log
from monitor.pipeline import Pipeline
from monitor.rounds import Rounds
from monitor.scheduler import Scheduler

log = Log("monitor")


class Reloader:
    """Hands a config that is whole to all that lives by it."""

    def __init__(
        self,
        load: Callable[[], Settings],
        *,
        env: Mapping[str, str],
        clock: Clock,
        pipeline: Pipeline,
        scheduler: Scheduler,
        rounds: Rounds,
    ) -> None:
        self._load, self._env, self._clock = load, env, clock
        self._pipeline, self._scheduler, self._rounds = pipeline, scheduler, rounds

    async def reload(self) -> str | None:
        """Take the config anew; a broken one keeps the old. What is wrong, or None."""
        found = await self.read()
        if isinstance(found, str):
            return found
        await self._take(found)
        return None

    async def read(self) -> Settings | str:
        """The config as it is now, or what is wrong with it, which is said aloud."""
        notify(self._env, *reloading())
        try:
            return await asyncio.to_thread(self._load)
        except ConfigFaults as faults:
            memory = self._pipeline.memory
            memory.reload_ok, memory.reload_fault = False, faults.first_at
            for line in str(faults).splitlines():
                log.error("the config is broken, the old one stays", fault=line)  # noqa: TRY400 - a user's fault has no traceback
            return str(faults)
        finally:
            notify(self._env, "READY=1")

    async def _take(self, settings: Settings) -> None:
        old = self._pipeline.memory.settings
        _warn_of_restarts(old, settings)
        memory = self._pipeline.memory
        memory.reload_ok, memory.reload_fault = True, ""
        memory.reload_at = self._clock.now()
        await self._pipeline.reload(settings)
        self._arm(old, settings)
        self._rounds.match({r.name for r in settings.receivers})
        self._rounds.wake()
        log.info("config reloaded", targets=len(settings.targets))

    def _arm(self, old: Settings, settings: Settings) -> None:
        """Disarm targets that are gone; arm those that are new or changed."""
        left = {t.target.name for t in settings.targets}
        for target in old.targets:
            if target.target.name not in left:
                self._scheduler.disarm(target.target.name)
        self._pipeline.watch(self._scheduler.arm(changed(old, settings), {}))


def changed(old: Settings, new: Settings) -> list[TargetSettings]:
    """The targets of accounts that are new or not as they were, in the config's order."""
    before = {a.name: a for a in old.accounts}
    return [t for a in new.accounts if before.get(a.name) != a for t in a.targets]


def _warn_of_restarts(old: Settings, settings: Settings) -> None:
    for what in ("listen", "services_listen"):
        if getattr(old.web, what) != getattr(settings.web, what):
            log.warning("this change needs a restart", key=f"web.{what}")
    if old.database != settings.database:
        log.warning("this change needs a restart", key="database")
