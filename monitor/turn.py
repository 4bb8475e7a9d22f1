"""Waiting for the lead: what a standby does, which is next to nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import TypeVar

from monitor.core.lease import Reason, called
from monitor.core.settings import WebSettings
from monitor.leading import Leadership, closed
from monitor.logs import Log
from monitor.standing import Standing
from monitor.store.sqlite import SqliteStore
from monitor.web.pages import Pages

log = Log("monitor")

T = TypeVar("T")
_SLOWLY = 3.0  # seconds after which a standby shows its page: a leader's port is free for it first


class Turn:
    """Looks at lock and lease until this daemon may lead, or is told to stop."""

    def __init__(
        self,
        database: str,
        stop: asyncio.Event,
        *,
        leadership: Leadership,
        standing: Standing,
        pages: Pages,
        web: Callable[[], WebSettings],
        up: Callable[[str], None],
    ) -> None:
        """`up`: hears in words that this daemon stands by, and for whom."""
        self._database, self._stop, self._up, self._web = database, stop, up, web
        self._leadership, self._standing, self._pages = leadership, standing, pages
        self._leader = ""  # as it was said last
        self.waited = False  # this daemon has stood by, or has led before

    def words(self) -> str:
        """Who leads, for people."""
        leader = self._leadership.leader
        return called(leader.holder) if leader is not None else "another daemon"

    async def come(self) -> Reason | None:
        """Wait for the lead: why this daemon has it; None where it is told to stop first."""
        reader = SqliteStore(self._database, read_only=True)
        try:
            reason = await self.unless_stopped(self._leadership.look(reader))
            if reason is None and not self._stop.is_set():
                reason = await self._stand_by(reader)
        finally:
            await closed(reader)
        return reason

    def over(self) -> None:
        """This daemon has led, and does no longer."""
        self.waited, self._leader = True, ""

    async def _stand_by(self, reader: SqliteStore) -> Reason | None:
        leader = self.words()
        if self._leader != leader:
            log.info("standing by", leader=leader, database=self._database)
        self.waited, self._leader = True, leader
        self._up(f"standby: {leader} leads")
        patience = 0.0 if self._web().listen[1] == 0 else _SLOWLY
        async with AsyncExitStack() as end:
            beside(end, self._pages.take_sometime(patience))
            beside(end, self._standing.report(self._leadership.holder))
            return await self.unless_stopped(self._leadership.wait(reader))

    async def unless_stopped(self, work: Coroutine[object, object, T]) -> T | None:
        """What comes of `work`; None where the daemon is told to stop before."""
        task, stop = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            for each in (task, stop):
                each.cancel()
            await asyncio.gather(task, stop, return_exceptions=True)


def beside(end: AsyncExitStack, work: Coroutine[object, object, T]) -> asyncio.Task[T]:
    """Let `work` run until `end`."""
    task = asyncio.create_task(work)

    async def over() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    end.push_async_callback(over)
    return task
