"""Giving a message the chart of its balance, and the picture of it, without holding it up."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Protocol

from monitor.core.cadence import next_line
from monitor.core.chart import Chart
from monitor.core.message import Message
from monitor.core.model import AlertState, Kind
from monitor.logs import Log
from monitor.memory import Memory

log = Log("monitor.illustrating")

_URGENT = (Kind.OPENED, Kind.ESCALATED)
_SOON, _PATIENT = 0.7, 5.0  # seconds a message waits for its picture: a verdict is told within 1 s


class Draws(Protocol):
    """Who draws charts. Never raises but CancelledError."""

    async def draw(self, chart: Chart, patience: float) -> bytes:
        """A PNG; empty if there is none within `patience` seconds."""
        ...

    async def expect(self) -> None:
        """Get ready: a drawing may soon be wanted."""
        ...

    async def aclose(self) -> None:
        """Leave nothing running."""
        ...


class Illustrator:
    """Illustrates messages. `charts` None: nobody draws, messages go without pictures."""

    def __init__(self, charts: Draws | None) -> None:
        self._charts = charts

    async def illustrated(
        self, message: Message, memory: Memory, now: datetime, *, pictures: bool, since: datetime
    ) -> Message:
        """The message with its chart, and with a picture of it where the channel shows any.

        `since`: when it was due; of many at once the last has waited for the first ones already.
        """
        waited = max(0.0, (now - since).total_seconds())
        try:
            message = replace(message, chart=memory.chart(message.labels.get("target", ""), now))
            if message.chart is None or self._charts is None or not pictures:
                return message
            patience = _SOON if message.kind in _URGENT else _PATIENT
            picture = await self._charts.draw(message.chart, max(0.0, patience - waited))
            return replace(message, picture=picture)
        except Exception:  # no picture is worth an alert
            log.exception("no chart; this is a defect of monitor")
            return message

    async def expect(self, memory: Memory) -> None:
        """Get ready where something may soon have to be told of a balance."""
        if self._charts is not None and (_pending(memory) or _near(memory)):
            await self._charts.expect()

    async def aclose(self) -> None:
        """Leave nothing running."""
        if self._charts is not None:
            await self._charts.aclose()


def _pending(memory: Memory) -> bool:
    alerts = memory.alerts.values()
    return any(a.state is AlertState.PENDING and a.target in memory.books for a in alerts)


def _near(memory: Memory) -> bool:
    """Whether a balance may cross a line that is watched within the hour, at its present burn."""
    for name in memory.books:
        view = memory.views[name]
        burn = view.outlook.burn_per_hour if view.outlook is not None else None
        if not burn or view.known_balance is None:
            continue
        line = next_line(memory.account_of(name), memory.rules_for(name), view.known_balance)
        if 0 <= float(view.known_balance - line) < burn:
            return True
    return False
