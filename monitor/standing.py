"""Who stands by: standbys report to the leader over its socket, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from monitor.control import ask
from monitor.core.lease import called
from monitor.leading import ticks

_EVERY = 2.0  # seconds between two reports
_LATELY = 10.0  # seconds after which a standby that is silent counts no more


class Standing:
    """The standbys a leader has heard of lately; for a standby, its way to the leader."""

    def __init__(
        self, paths: tuple[Path, ...], database: str, ticks: Callable[[], float] = ticks
    ) -> None:
        self._paths, self._database, self._ticks = paths, database, ticks
        self._heard: dict[str, float] = {}

    async def answered(self) -> bool:
        """Whether a daemon that leads on this database answers on its socket."""
        return await self._ask({"do": "ping"}) is not None

    async def report(self, holder: str) -> None:
        """Tell the leader now and then that this process stands by."""
        while True:
            await self._ask({"do": "stand by", "holder": holder})
            await asyncio.sleep(_EVERY)

    async def _ask(self, question: Mapping[str, str]) -> Mapping[str, object] | None:
        asked = {**question, "database": self._database}
        return await asyncio.to_thread(ask, self._paths, asked)

    def hear(self, asked: Mapping[str, str]) -> Mapping[str, object] | None:
        """Note a standby's report, or say who stands by; None where something else is asked."""
        if asked.get("do") == "who":
            return {"standbys": list(self.others())}
        if asked.get("do") != "stand by":
            return None
        self._heard[asked.get("holder", "")] = self._ticks()
        return {"heard": True}

    def others(self) -> tuple[str, ...]:
        """Who stands by now, for people."""
        edge = self._ticks() - _LATELY
        self._heard = {name: at for name, at in self._heard.items() if at >= edge}
        return tuple(sorted(called(name) for name in self._heard))

    def forget(self) -> None:
        """This process leads no more."""
        self._heard.clear()
