"""Declared quotas: what applications report and queries tell, counted, kept and judged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from monitor.clock import Clock
from monitor.core.causes import Cause
from monitor.core.counts import Counts, Report, gathered
from monitor.core.hours import Hour, hour_of
from monitor.core.model import Check, Finding, Target, quota_target
from monitor.core.reports import Counted, Taker
from monitor.core.settings import Account, PrometheusSettings
from monitor.core.tally import KEPT
from monitor.core.windows import DeclaredQuota, window
from monitor.http import HttpFailure
from monitor.keeping import Keeper
from monitor.logs import Log
from monitor.memory import Memory
from monitor.store import Store, StoreError

log = Log("monitor.counting")

Query = Callable[[PrometheusSettings, str, float], Awaitable[Decimal]]
_LOOK_EVERY = timedelta(minutes=1)  # at a pace, where nothing is reported
_DAY = timedelta(hours=24)


class Counting:
    """The only writer of `Memory.tallies` and of what is declared in views."""

    def __init__(
        self, memory: Memory, keeper: Keeper, clock: Clock, query: Query | None = None
    ) -> None:
        self._memory, self._keeper, self._clock, self._query = memory, keeper, clock, query
        self._dirty: list[Counts] = []  # counted, and not on its way to the disk yet
        self._keeping = asyncio.Lock()
        self._looked: dict[str, datetime] = {}  # account: when its quotas have to be looked at
        self._pruned = clock.monotonic()
        self.reported = asyncio.Event()  # something waits to be judged
        self.waiting: set[str] = set()  # accounts of which it is

    # -- reports ----------------------------------------------------------------------------

    async def report(self, name: str, body: object) -> Counted | None:
        """Count what an application sends; None for an unknown account. Raises Unfit.

        It returns when everything is kept, or owed to a store that fails: many reports share one
        transaction, and no probe waits for them.
        """
        account, now = self._memory.settings.account(name), self._clock.now()
        if account is None:
            return None
        tally = self._memory.tallies[name]
        reports, faults = Taker(account.quotas, account.jobs, tally.job_names(), now).take(body)
        if faults:
            return Counted(0, faults=tuple(faults))
        ignored = self._count(account, reports, now)
        if len(ignored) < len(reports):
            self.waiting.add(name)
            self.reported.set()
        await self.keep()
        return Counted(len(reports) - len(ignored), tuple(ignored))

    def _count(
        self, account: Account, reports: Iterable[Report], now: datetime
    ) -> list[tuple[str, str]]:
        """Into memory; those that are not counted, with the reason."""
        tally, ignored = self._memory.tallies[account.name], []
        for report in reports:
            if report.at < now - KEPT:
                ignored.append((report.id, "too old: its window is long over"))
                continue
            counts = tally.count(report, now)
            if counts is None:
                ignored.append((report.id, "counted before"))
            else:
                self._dirty.append(counts)
        return ignored

    async def keep(self) -> None:
        """Commit what has been counted; whoever comes meanwhile shares the next commit."""
        async with self._keeping:
            if self._dirty:
                counts, self._dirty = gathered(self._dirty), []
                await self._keeper.count(counts)

    # -- queries ----------------------------------------------------------------------------

    async def ask(self, account: Account) -> None:
        """Read the queries of an account; one that fails leaves its quota unknown, never 0."""
        server = self._memory.settings.prometheus
        asked = [q for q in account.quotas if q.query is not None]
        if not asked or server is None or self._query is None:
            return
        await asyncio.gather(*(self._read(account, quota, server) for quota in asked))
        await self.keep()

    async def _read(
        self, account: Account, quota: DeclaredQuota, server: PrometheusSettings
    ) -> None:
        began = self._clock.now()
        age = (began - window(quota, began).begin).total_seconds()
        used, why = None, ""
        try:
            if self._query is not None:
                used = await self._query(server, quota.query or "", age)
        except HttpFailure as failure:
            why = str(failure)
        tally = self._memory.tallies.get(account.name)
        if tally is None:
            return  # a reload took it away meanwhile
        if used is None:
            self._unread(account.name, quota, why)
        else:
            self._dirty.append(tally.set(quota, used, began))

    def _unread(self, account: str, quota: DeclaredQuota, why: str) -> None:
        unread = self._memory.tallies[account].unread
        if unread.get(quota.name) != why:
            words = "a quota's query gives no figure"
            log.warning(words, account=account, quota=quota.name, why=why)
        unread[quota.name] = why

    def finding(self, account: Account) -> Finding:
        """What a target says that nobody is asked for: its figures are counted here."""
        unread = self._memory.tallies[account.name].unread
        failed = [f"{q.name}: {unread[q.name]}" for q in account.quotas if q.name in unread]
        words = "; ".join(failed)
        if failed and len(failed) == len(account.quotas):
            return Finding(Cause.NOT_KNOWABLE, words)
        return Finding(Cause.OK, words, warning=bool(failed))

    # -- looking ----------------------------------------------------------------------------

    def look(self, target: Target) -> None:
        """Put the present figures of a declared quota to its view's making."""
        if target.check is not Check.QUOTA:
            return
        account = self._memory.account_of(target.name)
        if not account.quotas:
            return
        now, tally = self._clock.now(), self._memory.tallies[account.name]
        self._memory.declared[target.name] = (
            tuple(tally.look(quota, now) for quota in account.quotas),
            now,
        )
        resets = min(window(quota, now).end for quota in account.quotas)
        self._looked[account.name] = min(resets, now + _LOOK_EVERY)

    def due(self, now: datetime) -> tuple[str, ...]:
        """Targets to be judged anew: reported of, or at a reset, or a minute after the last."""
        waiting, self.waiting = self.waiting, set()
        self.reported.clear()
        names = {a.name for a in self._memory.settings.accounts if a.quotas}
        late = {name for name in names if self._looked.get(name, now) <= now}
        return tuple(quota_target(name) for name in sorted((waiting & names) | late))

    def look_at_all(self) -> None:
        """After a start or a reload: every declared quota as it stands."""
        for settings in self._memory.targets.values():
            self.look(settings.target)

    def prune(self, now: datetime) -> None:
        """Once an hour: forget what is older than it is kept."""
        if self._clock.monotonic() - self._pruned < 3600:
            return
        self._pruned = self._clock.monotonic()
        for tally in self._memory.tallies.values():
            tally.forget(now)

    # -- which job burns --------------------------------------------------------------------

    async def resume(self, store: Store | None) -> None:
        """After a start: every declared quota as it stands, and the last day's spending."""
        now = self._clock.now()
        self.look_at_all()
        if self._memory.declared:
            self._memory.refresh_all(now)
        try:
            await self.recall(store, now) if store is not None else None
        except StoreError:
            return  # said aloud by whoever keeps the store; what is spent from now on is seen

    async def recall(self, store: Store, now: datetime) -> None:
        """What the last day's hours say was spent. Raises StoreError."""
        for target in self._memory.books:
            self.spent(((target, hour) for hour in await store.hours(target, now - _DAY)), now)

    def spent(self, hours: Iterable[tuple[str, Hour]], now: datetime) -> None:
        """What some hours of balances have spent."""
        edge = hour_of(now - _DAY)
        for target, hour in hours:
            spending = self._memory.spending.setdefault(target, {})
            spending[hour.at] = hour.spent
            for old in [at for at in spending if at < edge]:
                del spending[old]
