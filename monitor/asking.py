"""Asking a target: with the key as its file has it, within its budget, and not when asked not to.

The first probe of a target after a start is made whatever is left of a budget; so is one that
somebody has asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from monitor.clock import Clock
from monitor.core.budget import Calls, begun, counted, left, renews_at, renews_in, stretched
from monitor.core.cadence import LONGEST_STAY, next_delay, next_line
from monitor.core.causes import KEY_CAUSES, Cause
from monitor.core.crossing import Ahead
from monitor.core.model import AlertState, Check, Finding, Target
from monitor.core.phrases import moment
from monitor.core.settings import Account, TargetSettings
from monitor.logs import Log
from monitor.memory import Memory

log = Log("monitor.asking")

ProbeTarget = Callable[[Account, Target, datetime, float], Awaitable[Finding]]
Reread = Callable[[Account], Awaitable[Account]]

NUDGES = 5.0  # seconds between two probes of a target that somebody asks for
OUT = "credits-exhausted"  # the built-in rule that says so
_LOOKED_EVERY = 15.0  # seconds until the files of refused keys are looked at again
# Where another file may help: also where there was no key at all.
_OF_A_KEY = KEY_CAUSES | {Cause.NOT_CONFIGURED}
# A limit is an account's, at one origin. Who-am-I calls have a stricter one of their own, which
# says nothing of the others; a status page and a model's own host are other origins.
_LIMITED_TOGETHER = frozenset({Check.BALANCE, Check.MODEL, Check.QUOTA})


class Asker:
    """Asks providers; counts, waits and takes another key where that is due."""

    def __init__(
        self, memory: Memory, clock: Clock, probe: ProbeTarget, reread: Reread | None = None
    ) -> None:
        self._memory, self._clock = memory, clock
        self._probe, self._reread = probe, reread
        self._asked: set[str] = set()  # targets, since the start
        self._wanted: set[str] = set()  # targets that somebody asks for
        self._nudged: dict[str, float] = {}  # target: when somebody asked for it last
        self._held: dict[str, float] = {}  # target: until when the provider is left alone
        self._looked_at = -_LOOKED_EVERY
        self._requests: defaultdict[str, int] = defaultdict(lambda: 1)  # of one probe of a target

    # -- whether ----------------------------------------------------------------------------

    def waits(self, target: str) -> tuple[float, str]:
        """Seconds until a target may be asked, and why in words; 0: it may."""
        if target not in self._asked:
            return 0.0, ""
        now, held = self._clock.now(), self._hold(target)
        if held > 0:
            until = moment(now + timedelta(seconds=held))
            return held, f"the provider asks to be left alone until {until}"
        account = self._memory.account_of(target)
        if target in self._wanted or self._left(account, now) >= self._requests[target]:
            return 0.0, ""
        words = f"the day's {account.calls} calls are used up"
        return renews_in(now), f"{words}: asked again from {moment(renews_at(now))}"

    def nudge(self, target: str) -> float:
        """Somebody asks for a target: seconds until that is heard; 0: its next probe is made."""
        ticks = self._clock.monotonic()
        wait = max(self._hold(target), self._nudged.get(target, -NUDGES) + NUDGES - ticks)
        if wait > 0:
            return wait
        self._nudged[target] = ticks
        self._wanted.add(target)
        return 0.0

    def _hold(self, target: str) -> float:
        return self._held.get(target, 0.0) - self._clock.monotonic()

    def _left(self, account: Account, now: datetime) -> float:
        return left(self._calls(account, now), now, account.calls)

    def _calls(self, account: Account, now: datetime) -> Calls:
        if account.name not in self._memory.calls:
            self._memory.calls[account.name] = begun(now, account.calls)
        return self._memory.calls[account.name]

    # -- when -------------------------------------------------------------------------------

    def delay(self, target: str) -> float:
        """Seconds from one probe to the next, as far as the account's budget allows."""
        account, now = self._memory.account_of(target), self._clock.now()
        wish = self._wish(target)
        if account.calls is None or not self._memory.targets[target].asked:
            return wish
        names = [t.target.name for t in account.targets if t.asked]
        wanted = [(self._requests[name], self._wish(name)) for name in names]
        return stretched(wish, now, self._left(account, now), wanted)

    def _wish(self, target: str) -> float:
        view, settings = self._memory.views[target], self._memory.targets[target]
        return next_delay(
            settings.interval,
            ahead=self._ahead(target) if settings.interval.adapts else None,
            out_for=self._out_for(target),
            failures=view.failures,
            cause=view.reading.cause if view.reading else None,
            retry_after=view.reading.finding.retry_after if view.reading else None,
        )

    def _ahead(self, target: str) -> Ahead | None:
        """What may become of the balance above the next line that somebody watches."""
        memory = self._memory
        book = memory.books.get(target)
        if book is None or book.accepted is None:
            return None
        line = next_line(memory.account_of(target), memory.rules_for(target), book.accepted)
        return book.ahead(line, self._clock.now())

    def _out_for(self, target: str) -> float | None:
        """Since when the credits are gone, in seconds, as far as the alert that says so knows."""
        alert = self._memory.alerts.get((OUT, target))
        if alert is None or alert.state is not AlertState.FIRING or alert.since is None:
            return None
        return (self._clock.now() - alert.since).total_seconds()

    # -- asking -----------------------------------------------------------------------------

    async def ask(self, settings: TargetSettings) -> Finding:
        """Ask once; once more where the key is refused and its file holds another by now."""
        account = self._memory.account_of(settings.target.name)
        finding = await self._once(account, settings)
        if finding.cause in _OF_A_KEY:
            other = await self._renewed(account)
            if other is not None:
                finding = await self._once(other, settings)
                _say(other, settings.target, finding)
        self._heed(settings.target, finding)
        return finding

    async def _once(self, account: Account, settings: TargetSettings) -> Finding:
        name = settings.target.name
        self._asked.add(name)
        self._wanted.discard(name)
        if account.configured:
            self._count(account, 1)
        return await self._probe(account, settings.target, self._clock.now(), settings.timeout)

    def _count(self, account: Account, requests: int) -> None:
        now = self._clock.now()
        self._memory.calls[account.name] = counted(self._calls(account, now), now, requests)

    def further(self, account: Account, target: str, requests: int) -> None:
        """A probe takes `requests` requests, the second or later of which has just been sent."""
        self._count(account, 1)
        self._requests[target] = max(self._requests[target], requests)

    def _heed(self, target: Target, finding: Finding) -> None:
        """A stay that was asked for is kept; a limit holds for all that it limits together."""
        if not finding.retry_after:
            return
        until = self._clock.monotonic() + min(finding.retry_after, LONGEST_STAY)
        limited = finding.cause is Cause.RATE_LIMITED
        for place, name in enumerate(self._limited_with(target) if limited else [target.name]):
            # One after the other, so that they do not all come back in one moment.
            self._held[name] = max(self._held.get(name, 0.0), until + place)

    def _limited_with(self, target: Target) -> list[str]:
        """The target, and those of its account that share its limit."""
        if target.check not in _LIMITED_TOGETHER or target.name not in self._memory.targets:
            return [target.name]
        others = [t.target for t in self._memory.account_of(target.name).targets]
        shared = [t.name for t in others if t.check in _LIMITED_TOGETHER | {Check.KEY}]
        return [target.name, *(name for name in shared if name != target.name)]

    # -- keys -------------------------------------------------------------------------------

    async def renew(self) -> list[str]:
        """Look at the files of refused keys; the accounts that go on with another one."""
        ticks, memory = self._clock.monotonic(), self._memory
        if ticks - self._looked_at < _LOOKED_EVERY:
            return []
        self._looked_at = ticks
        refused = [a for a in memory.settings.accounts if a.key_files and self._refused(a)]
        return [a.name for a in refused if await self._renewed(a) is not None]

    def _refused(self, account: Account) -> bool:
        return any(v.cause in _OF_A_KEY for v in self._memory.of_account(account.name))

    async def _renewed(self, account: Account) -> Account | None:
        """The account with another key than it was asked with; None where there is none."""
        present = self._memory.account(account.name)
        if present is not None and _same(present, account) and self._reread and account.key_files:
            found = await self._reread(present)
            if self._memory.account(account.name) is present and not _same(found, present):
                self._memory.rekey(found)
                log.info("another key is in the file: it is used from here on", account=found.name)
        present = self._memory.account(account.name)
        return None if present is None or _same(present, account) else present


def _same(one: Account, other: Account) -> bool:
    """Whether both carry the same credentials."""
    return one.key == other.key and one.fields == other.fields


def _say(account: Account, target: Target, finding: Finding) -> None:
    if finding.cause in KEY_CAUSES:
        words = "the key that the file holds by now is refused as well"
        log.warning(words, account=account.name, target=target.name, cause=finding.cause.value)
