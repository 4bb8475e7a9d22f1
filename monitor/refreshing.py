"""Saying anew what still stands to receivers that forget it, as Alertmanager does.

Nothing is queued and nothing is put down: what is open and was told is sent again and again. A
refresh that fails is counted, said once, and made good by the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from monitor.clock import Clock
from monitor.core.message import Message
from monitor.core.model import Kind, Notification
from monitor.core.refresh import lasting, standing
from monitor.core.settings import ReceiverSettings
from monitor.logs import Log
from monitor.memory import Memory
from monitor.notifiers import Delivery, Notifier

log = Log("monitor.refreshing")

_STEP = 1.0  # seconds of the machine's between two looks at what is to be refreshed
_AT_ONCE = 8


class Refresher:
    """Sends what still fires every `refresh` seconds of its receiver."""

    def __init__(
        self,
        memory: Memory,
        notifiers: Mapping[str, Notifier],
        clock: Clock,
        *,
        compose: Callable[[Notification], Message],
        may_tell: Callable[[], bool] = lambda: True,
        step: float = _STEP,
    ) -> None:
        self._memory, self._notifiers, self._clock = memory, notifiers, clock
        self._compose, self._may_tell, self._step = compose, may_tell, step
        self._last: dict[tuple[str, str], float] = {}  # (receiver, incident) to monotonic seconds
        self._failing: set[tuple[str, str]] = set()  # (receiver, address)
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def run(self) -> None:
        """For ever. A receiver that hangs holds up no other."""
        under_way: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                await asyncio.sleep(self._step)  # a fast clock must not make this a busy loop
                under_way = {n: task for n, task in under_way.items() if not task.done()}
                for receiver in self._memory.settings.receivers:
                    if receiver.name not in under_way and self.every(receiver) is not None:
                        under_way[receiver.name] = asyncio.create_task(self._safely(receiver))
        finally:
            for task in under_way.values():
                task.cancel()
            await asyncio.gather(*under_way.values(), return_exceptions=True)

    async def everything(self) -> None:
        """All that stands to everybody, once: for a run that ends."""
        await asyncio.gather(*(self._safely(r) for r in self._memory.settings.receivers))

    def every(self, receiver: ReceiverSettings) -> float | None:
        """Seconds between two refreshes; None for a channel that forgets nothing."""
        own = self._notifiers[receiver.channel].spec.refresh
        said = receiver.options.get("refresh")
        return float(said) if own is not None and isinstance(said, (int, float)) else own

    def _turn(self, receiver: ReceiverSettings) -> tuple[Notification, ...]:
        """What is to be sent now; what has just been told is sent at once, with its end."""
        every = self.every(receiver)
        if every is None or not self._may_tell():
            return ()
        stands = standing(self._memory.incidents.values(), receiver, self._memory.told.values())
        ids = {(receiver.name, n.incident.id) for n in stands}
        self._last = {k: at for k, at in self._last.items() if k[0] != receiver.name or k in ids}
        at = self._clock.monotonic()
        return tuple(
            n
            for n in stands
            if at - self._last.get((receiver.name, n.incident.id), float("-inf")) >= every
        )

    async def _safely(self, receiver: ReceiverSettings) -> None:
        try:
            await asyncio.gather(*(self._refresh(receiver, n) for n in self._turn(receiver)))
        except Exception:  # refreshing goes on, whatever one message did
            log.exception("refreshing failed; this is a defect of monitor", receiver=receiver.name)

    async def _refresh(self, receiver: ReceiverSettings, notification: Notification) -> None:
        async with self._room:
            now = self._memory.incidents.get(notification.incident.id)
            if now is None or not now.open or not self._may_tell():
                return  # it has waited, and what it would say may be true no more
            self._last[receiver.name, now.id] = self._clock.monotonic()
            await self._say(receiver, replace(notification, incident=now))

    async def _say(self, receiver: ReceiverSettings, notification: Notification) -> None:
        every, notifier = self.every(receiver) or 0.0, self._notifiers[receiver.channel]
        message = lasting(self._compose(notification), every)
        delivery = await notifier.send(receiver, message, notification.addresses)
        self._note(receiver, delivery)
        now = self._memory.incidents.get(notification.incident.id)
        if now is not None and not now.open and self._may_tell():
            # It ended while this was under way, which may have come in after its end.
            ended = replace(notification, incident=now, kind=Kind.RESOLVED)
            await notifier.send(receiver, self._compose(ended), notification.addresses)

    def _note(self, receiver: ReceiverSettings, delivery: Delivery) -> None:
        """A metric for each, one line when it begins to fail and one when it works again."""
        troubles = {**delivery.failed, **delivery.refused}
        for address, why in troubles.items():
            self._memory.notified[receiver.name, Kind.REMINDER, "failed"] += 1
            if (receiver.name, address) not in self._failing:
                self._failing.add((receiver.name, address))
                log.warning("not refreshed", receiver=receiver.name, address=address, why=why)
        for address in delivery.told:
            if (receiver.name, address) in self._failing:
                self._failing.discard((receiver.name, address))
                log.info("refreshed again", receiver=receiver.name, address=address)
