"""The daemon in two functions: observe(target) and deliver(receiver).

Data flows one way: probe, reading, store, view, verdict, alert, incident, due, message, receiver,
told. `observe` never sends and `deliver` never judges; either may crash anywhere and be run again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from monitor.clock import Clock
from monitor.core.cadence import next_delay
from monitor.core.causes import KEY_CAUSES, Cause
from monitor.core.model import CANARY_TARGET, Check, Finding, Reading, Sample, Target, key_target
from monitor.core.settings import Account, Settings, TargetSettings
from monitor.core.views import fold
from monitor.judging import Changes, Judge
from monitor.keeping import Keeper
from monitor.memory import Memory
from monitor.store import Batch, Store
from monitor.telling import Teller

log = structlog.get_logger("monitor.pipeline")

ProbeTarget = Callable[[Account, Target, datetime, float], Awaitable[Finding]]
_UNREACHED = frozenset(
    {Cause.NETWORK_OFFLINE, Cause.PROVIDER_UNREACHABLE, Cause.TIMED_OUT}
)  # nobody answered: it may be us
_CANARY_EVERY = 20.0  # seconds
_ASKED_EVERY = 60.0  # seconds until a provider is asked again for another's sake
REPEATS = (5.0, 10.0, 20.0)  # seconds until a suspect balance is asked again


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
        canary: Callable[[str], Awaitable[Finding]] | None = None,
    ) -> None:
        self.memory = Memory(settings)
        self.judge = Judge(self.memory)
        self.keeper = Keeper(store, self.memory, clock)
        self._clock, self._probe, self._teller = clock, probe, teller
        self._repeats, self._canary = repeats, canary
        self._canary_at = -_CANARY_EVERY
        self._asked_at: dict[str, float] = {}  # provider: when it was asked for another's sake
        self.ask_soon: Callable[[str], None] = lambda target: None  # the scheduler's, once it runs
        self.changed: Callable[[], None] = lambda: None  # incidents may have to be told
        if teller is not None:
            teller.attach(self.memory, self.keeper, lambda: self.changed())

    async def start(self) -> None:
        """Take up what an earlier process left. Raises NewerSchemaError."""
        await self.keeper.restore(self._clock.now())
        await self._settle(self.judge.removed(self._clock.now()))

    # -- observe ----------------------------------------------------------------------------

    async def observe(self, target: str) -> datetime | None:
        """Probe one target, remember, judge; when to probe it next, None if it is gone.

        Never raises but for cancellation: what goes wrong is a reading with its cause.
        """
        if target not in self.memory.targets:
            return None
        settings, account = self.memory.targets[target], self.memory.account_of(target)
        began, ticks = self._clock.now(), self._clock.monotonic()
        finding = await self._ask(account, settings.target, settings.timeout)
        took = self._clock.monotonic() - ticks
        if settings.target.check is Check.BALANCE:
            finding = await self._believe(settings, account, finding)
        if finding.cause in _UNREACHED:
            await self._ask_canary()
        if target not in self.memory.targets:
            return None  # a reload took it away meanwhile
        await self._absorb(Reading(target, self._clock.now(), took, finding))
        delay = self._delay(target)
        return None if delay is None else began + timedelta(seconds=delay)

    async def _ask(self, account: Account, target: Target, timeout: float) -> Finding:
        return await self._probe(account, target, self._clock.now(), timeout)

    async def _believe(
        self, settings: TargetSettings, account: Account, finding: Finding
    ) -> Finding:
        """Ask a suspect balance again after 5, 10 and 20 s; believed when these agree."""
        target = settings.target.name
        read: list[Decimal] = []
        for wait in self._repeats:
            book, now = self.memory.books.get(target), self._clock.now()
            if finding.balance is None or book is None or not book.suspect(now, finding.balance):
                return finding
            read.append(finding.balance)
            log.info("suspect balance, asking again", target=target, seconds=wait)
            book.update(now, finding.balance)
            await self._clock.sleep(wait)
            finding = await self._ask(account, settings.target, settings.timeout)
        book = self.memory.books.get(target)
        near = account.dearest_job or Decimal(0)
        agreed = finding.balance is not None and _agree(finding.balance, read, near)
        if finding.balance is not None and book is not None and agreed:
            book.believe(self._clock.now(), finding.balance)
        return finding

    async def _absorb(self, reading: Reading) -> None:
        """One reading into memory, judged, kept."""
        memory, name, finding = self.memory, reading.target, reading.finding
        account = memory.account_of(name)
        samples: tuple[tuple[str, Sample], ...] = ()
        balance = None
        book = memory.books.get(name)
        if book is not None:
            sample = Sample(reading.at, finding.balance)
            entry = book.update(reading.at, finding.balance)
            log.debug("sample", target=name, became=entry.kind.value)
            if finding.balance is not None:
                samples = ((name, sample),)
                balance = book.accepted
                memory.trails[name].add(reading.at, float(balance or 0))
        before = memory.records[name]
        memory.records[name] = record = fold(before, reading, balance)
        memory.probes[name, reading.cause] += 1
        blocked = [v.target for v in memory.of_account(account.name) if v.key_cause is not None]
        bad_before = memory.bad_key(account) is not None
        memory.see(name, reading.at)
        if (memory.bad_key(account) is not None) != bad_before:
            memory.refresh(account)  # the key speaks for the others
        _say(reading, before.reading)
        changes = self.judge.after_probe(name, reading.at)
        self._ask_the_key(reading, blocked)
        self._ask_others(reading, record.failures)
        await self._settle(changes, Batch(targets=(record,), samples=samples))

    async def _settle(self, changes: Changes, batch: Batch | None = None) -> None:
        await self.keeper.keep(changes, batch or Batch())
        if changes.incidents:
            self.changed()

    def _ask_the_key(self, reading: Reading, blocked: list[str]) -> None:
        """A `key_*` cause elsewhere: ask the key's own check at once; cured: ask the others."""
        account = self.memory.account_of(reading.target)
        key = key_target(account.name)
        if reading.target != key and reading.cause in KEY_CAUSES and key in self.memory.targets:
            if self._may_ask_key(key, reading.at):
                self.ask_soon(key)
        elif reading.target == key and reading.read and reading.cause not in KEY_CAUSES:
            for target in blocked:
                if target != key:
                    self.ask_soon(target)

    def _ask_others(self, reading: Reading, failures: int) -> None:
        """Before a provider is blamed, one target of each other provider is asked at once."""
        if reading.cause not in _UNREACHED or failures != 2:
            return
        own = self.memory.views[reading.target].provider
        others: dict[str, str] = {}
        for view in self.memory.views.values():
            if view.provider != own and view.check is not Check.KEY:  # whoami is strictly limited
                others.setdefault(view.provider, view.target)
        now = self._clock.monotonic()
        for provider, target in others.items():
            if now - self._asked_at.get(provider, -_ASKED_EVERY) >= _ASKED_EVERY:
                self._asked_at[provider] = now
                self.ask_soon(target)

    async def _ask_canary(self) -> None:
        """Whether anything at all can be reached, where the config names what to try."""
        url, now = self.memory.settings.canary_url, self._clock.monotonic()
        if url is None or self._canary is None or now - self._canary_at < _CANARY_EVERY:
            return
        self._canary_at = now
        finding = await self._canary(url)
        reading = Reading(CANARY_TARGET, self._clock.now(), self._clock.monotonic() - now, finding)
        self.memory.hear_canary(reading)

    def _may_ask_key(self, key: str, now: datetime) -> bool:
        """Out of turn at most every 5 minutes: whoami is strictly limited."""
        last = self.memory.records[key].reading
        return last is None or (now - last.at).total_seconds() >= 300

    def _delay(self, target: str) -> float | None:
        """Seconds from one probe to the next; None if a reload has taken the target away."""
        view, settings = self.memory.views.get(target), self.memory.targets.get(target)
        if view is None or settings is None:
            return None
        return next_delay(
            settings.interval,
            outlook=view.outlook,
            failures=view.failures,
            retry_after=view.reading.finding.retry_after if view.reading else None,
        )

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
        await self._settle(self.judge.sweep(now))

    async def reload(self, settings: Settings) -> None:
        """Take another config: incidents of what is gone are closed, the rest judged anew."""
        now = self._clock.now()
        await self.keeper.rename(settings)
        self.memory.configure(settings)
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


def _agree(last: Decimal, read: list[Decimal], job: Decimal) -> bool:
    """Whether the repeats tell the same, but for what a job may have moved meanwhile."""
    return all(abs(last - other) <= max(abs(other) / 10, job) for other in read)


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
