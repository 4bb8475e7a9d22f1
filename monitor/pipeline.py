"""The daemon in two functions: observe(target) and deliver(receiver).

Data flows one way: probe, reading, store, view, verdict, alert, incident, due, message, receiver,
told. `observe` never sends and `deliver` never judges; either may crash anywhere and be run again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from monitor.asking import Asker, ProbeTarget, Reread
from monitor.believing import REPEATS, Believer
from monitor.clock import Clock
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding, Reading, Sample
from monitor.core.renewal import Renewal
from monitor.core.settings import Account, Settings, TargetSettings
from monitor.core.views import fold
from monitor.counting import Counting, Query
from monitor.judging import Changes, Judge
from monitor.keeping import Keeper
from monitor.logs import Log
from monitor.memory import Memory
from monitor.noticing import Before, Noticer
from monitor.others import AskCanary, Others
from monitor.store import Batch, Store

if TYPE_CHECKING:  # who tells nobody has no teller
    from monitor.telling import Teller

log = Log("monitor.pipeline")

Samples = tuple[tuple[str, Sample], ...]  # (target, sample)


class Pipeline:
    """Observes targets and tells receivers, on one memory and one store."""

    def __init__(
        self,
        settings: Settings,
        *,
        store: Store | None,
        clock: Clock,
        probe: ProbeTarget,
        teller: Teller | None = None,
        repeats: tuple[float, ...] = REPEATS,
        canary: AskCanary | None = None,
        reread: Reread | None = None,
        query: Query | None = None,
    ) -> None:
        self.memory = Memory(settings)
        self.asker = Asker(self.memory, clock, probe, reread)
        self.judge = Judge(self.memory)
        self.noticer = Noticer(self.memory)
        self.keeper = Keeper(store, self.memory, clock)
        self.believer = Believer(
            self.memory,
            clock,
            asker=self.asker,
            noticer=self.noticer,
            keeper=self.keeper,
            repeats=repeats,
        )
        self.others = Others(self.memory, clock, lambda t: self.ask_soon(t), canary)
        self.counting = Counting(self.memory, self.keeper, clock, query)
        self._clock, self._teller, self._store = clock, teller, store
        self._passed_on: set[tuple[str, str]] = set()  # provider, its notice
        self.ask_soon: Callable[[str], None] = lambda target: None  # the scheduler's, once it runs
        self.changed: Callable[[], None] = lambda: None  # incidents may have to be told
        if teller is not None:
            from monitor.digesting import Digesting

            words = Digesting(self.memory, store, clock).compose
            teller.attach(self.memory, self.keeper, lambda: self.changed(), digest=words)

    async def start(self) -> None:
        """Take up what an earlier process left. Raises NewerSchemaError."""
        self.memory.reload_at = self._clock.now()  # a start takes the config as well
        await self.keeper.restore(self._clock.now())
        await self.keeper.plan(self._clock.now())
        await self.counting.resume(self._store)
        await self._settle(self.judge.removed(self._clock.now()))

    # -- observe ----------------------------------------------------------------------------

    async def observe(self, target: str) -> datetime | None:
        """Probe one target, remember, judge; when to probe it next, None if it is gone.

        Never raises but for cancellation: what goes wrong is a reading with its cause.
        """
        if target not in self.memory.targets:
            return None
        settings, account = self.memory.targets[target], self.memory.account_of(target)
        before = self.noticer.stands(target)
        began, ticks = self._clock.now(), self._clock.monotonic()
        if settings.target.check is Check.QUOTA:
            await self.counting.ask(account)
        wait, why = self.asker.waits(target) if settings.asked else (0.0, "")
        if wait:
            return self._rests(target, began + timedelta(seconds=wait), why)
        finding = await self._ask(settings, account)
        took = self._clock.monotonic() - ticks
        if settings.target.check is Check.BALANCE:
            finding = await self.believer.believed(settings, account, finding)
        await self.others.canary(finding)
        if target not in self.memory.targets:
            return None  # a reload took it away meanwhile
        await self._absorb(Reading(target, self._clock.now(), took, finding), before)
        delay = self._delay(target)
        if delay is None:
            return None
        self.memory.rest(target, delay, self.asker.waits(target)[1])
        return began + timedelta(seconds=delay)

    def _rests(self, target: str, until: datetime, why: str) -> datetime:
        """It may not be asked at present: that is no fault of its own, nor of ours."""
        reading = self.memory.records[target].reading
        since = reading.at if reading is not None else self._clock.now()
        self.memory.rest(target, (until - since).total_seconds(), why)
        return until

    async def _ask(self, settings: TargetSettings, account: Account) -> Finding:
        return (
            await self.believer.ask(settings) if settings.asked else self.counting.finding(account)
        )

    async def _absorb(self, reading: Reading, stood: Before) -> None:
        """One reading into memory, judged, kept; `stood`: the target before it was asked."""
        memory, name = self.memory, reading.target
        account = memory.account_of(name)
        series = self.noticer.begin(reading)
        balance, samples = self._enter(reading)
        before = memory.records[name]
        memory.records[name] = record = fold(before, reading, balance)
        memory.probes[name, reading.cause] += 1
        self.counting.look(memory.targets[name].target)
        blocked = [v.target for v in memory.of_account(account.name) if v.key_cause is not None]
        bad_before = memory.bad_key(account) is not None
        memory.see(name, reading.at)
        if (memory.bad_key(account) is not None) != bad_before:
            memory.refresh(account)  # the key speaks for the others
        _say(reading, before.reading)
        self._pass_on(reading)
        happened = self.noticer.after(name, stood, series)
        changes = self.judge.after_probe(name, reading.at, anew=bool(series))
        changes.notices.update({n.id: n for n in happened.notices})
        self.others.key(reading, blocked)
        self.others.providers(reading, record.failures)
        hours = self.keeper.hourly.book(reading) if name in memory.books else ()
        self.counting.spent(hours, reading.at)
        batch = Batch(
            targets=(record,),
            samples=samples,
            hours=hours,
            series=series,
            top_ups=happened.top_ups,
        )
        await self._settle(changes, batch)

    def _pass_on(self, reading: Reading) -> None:
        """A provider's notice, such as a deprecation: it comes with every answer, said once."""
        words = reading.finding.facts.get("notices", "")
        account = self.memory.account_of(reading.target)
        if words and (account.provider, words) not in self._passed_on:
            self._passed_on.add((account.provider, words))
            log.warning("the provider says", provider=account.provider, notice=words)

    def _enter(self, reading: Reading) -> tuple[Decimal | None, Samples]:
        """A reading into its book: the accepted balance, where one was read, and its sample."""
        name, said = reading.target, reading.finding.balance
        book = self.memory.books.get(name)
        if book is None:
            return None, ()
        entry = book.update(reading.at, said)
        if reading.read:
            book.renew(Renewal.told(reading.finding.facts))
        log.debug("sample", target=name, became=entry.kind.value)
        if said is None:
            return None, ()
        self.memory.trails[name].add(reading.at, float(book.accepted or 0))
        return book.accepted, ((name, Sample(reading.at, said)),)

    async def _settle(self, changes: Changes, batch: Batch | None = None) -> None:
        await self.keeper.keep(changes, batch or Batch())
        if changes.incidents or changes.notices:
            self.changed()

    def _delay(self, target: str) -> float | None:
        """Seconds from one probe to the next; None if a reload has taken the target away."""
        return self.asker.delay(target) if target in self.memory.views else None

    def failing(self, target: str) -> bool:
        """Whether the last probe could not read it."""
        record = self.memory.records.get(target)
        return record is not None and record.failures > 0

    def turns(self) -> dict[str, datetime]:
        """When it is the turn of each target that was read before this process began."""
        found = {}
        for name, record in self.memory.records.items():
            delay = self._delay(name)
            if record.reading is not None and delay is not None:
                found[name] = record.reading.at + timedelta(seconds=delay)
        return found

    def watch(self, first: Mapping[str, datetime]) -> None:
        """From when on a target that is not probed is our fault."""
        self.memory.watched_since.update(first)
        for name in first:
            self.memory.see(name, None)

    # -- time passes ------------------------------------------------------------------------

    async def sweep(self) -> None:
        """What time alone brings: stale targets, lapsed alerts, others' silences, pruning."""
        now = self._clock.now()
        await self.keeper.refresh(now)
        await self.keeper.plan(now)
        await self._settle(self.judge.sweep(now))
        await self.recount()
        self.counting.prune(now)
        await self._look_for_keys()
        if self._teller is not None:
            await self._teller.expect()

    async def recount(self) -> None:
        """Judge the declared quotas that have moved: by a report, a reset, or the time."""
        for target in self.counting.due(self._clock.now()):
            if target in self.memory.targets:
                now = self._clock.now()
                self.counting.look(self.memory.targets[target].target)
                self.memory.see(target, now)
                await self._settle(self.judge.after_probe(target, now))

    async def _look_for_keys(self) -> None:
        """A key that is refused may have another in its file by now: that is asked at once."""
        for account in await self.asker.renew():
            for view in self.memory.of_account(account):
                self.ask_soon(view.target)

    async def reload(self, settings: Settings) -> None:
        """Take another config: incidents of what is gone are closed, the rest judged anew."""
        now = self._clock.now()
        await self.keeper.rename(settings)
        self.memory.configure(settings)
        await self.keeper.plan(now)
        self.counting.look_at_all()
        await self.keeper.fold_new()
        await self._settle(self.judge.removed(now))
        await self._settle(self.judge.all(now))
        if self._teller is not None:
            self._teller.forgive()
            await self._teller.meet(now)
        self.changed()

    async def meet(self) -> None:
        """Note since when each address is configured as it is."""
        if self._teller is not None:
            await self._teller.meet(self._clock.now())

    # -- deliver ----------------------------------------------------------------------------

    async def deliver(self, receiver: str) -> float | None:
        """Say to one receiver all that is due; seconds until it should be looked at again."""
        if self._teller is None:
            return None
        return await self._teller.deliver(receiver)

    async def aclose(self) -> None:
        """Leave nothing of the telling running."""
        if self._teller is not None:
            await self._teller.aclose()


def _say(reading: Reading, before: Reading | None) -> None:
    """Log a change of cause once when it comes and once when it goes."""
    if before is not None and before.cause is reading.cause:
        return
    if reading.cause is Cause.OK and before is None:
        return
    log.info(
        "probe",
        target=reading.target,
        cause=reading.cause.value,
        before=before.cause.value if before else None,
        summary=reading.finding.summary,
    )
