"""Who else is asked because of what one probe found: the key, other providers, the canary."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from monitor.clock import Clock
from monitor.core.causes import KEY_CAUSES, Cause
from monitor.core.model import CANARY_TARGET, Check, Finding, Reading, key_target
from monitor.memory import Memory

_UNREACHED = frozenset(
    {Cause.NETWORK_OFFLINE, Cause.PROVIDER_UNREACHABLE, Cause.TIMED_OUT}
)  # nobody answered: it may be us
_CANARY_EVERY = 20.0  # seconds
_ASKED_EVERY = 60.0  # seconds until a provider is asked again for another's sake
AskCanary = Callable[[str], Awaitable[Finding]]  # its address


class Others:
    """Has others asked before anybody is blamed; `ask_soon` puts a target next in its turn."""

    def __init__(
        self,
        memory: Memory,
        clock: Clock,
        ask_soon: Callable[[str], None],
        canary: AskCanary | None,
    ) -> None:
        self._memory, self._clock = memory, clock
        self._ask_soon, self._canary = ask_soon, canary
        self._canary_at = -_CANARY_EVERY
        self._asked_at: dict[str, float] = {}  # provider: when it was asked for another's sake

    def key(self, reading: Reading, blocked: list[str]) -> None:
        """A `key_*` cause elsewhere: ask the key's own check at once; cured: ask the others."""
        account = self._memory.account_of(reading.target)
        key = key_target(account.name)
        if reading.target != key and reading.cause in KEY_CAUSES and key in self._memory.targets:
            if self._may_ask_key(key, reading.at):
                self._ask_soon(key)
        elif reading.target == key and reading.read and reading.cause not in KEY_CAUSES:
            for target in blocked:
                if target != key:
                    self._ask_soon(target)

    def providers(self, reading: Reading, failures: int) -> None:
        """Before a provider is blamed, one target of each other provider is asked at once."""
        if reading.cause not in _UNREACHED or failures != 2:
            return
        own = self._memory.views[reading.target].provider
        others: dict[str, str] = {}
        for view in self._memory.views.values():
            # whoami is strictly limited
            if view.provider != own and view.check is not Check.KEY and not view.local:
                others.setdefault(view.provider, view.target)
        now = self._clock.monotonic()
        for provider, target in others.items():
            if now - self._asked_at.get(provider, -_ASKED_EVERY) >= _ASKED_EVERY:
                self._asked_at[provider] = now
                self._ask_soon(target)

    def _may_ask_key(self, key: str, now: datetime) -> bool:
        """Out of turn at most every 5 minutes: whoami is strictly limited."""
        last = self._memory.records[key].reading
        return last is None or (now - last.at).total_seconds() >= 300

    async def canary(self, finding: Finding) -> None:
        """Where nobody answered: whether the address the config names for it can be reached."""
        if finding.cause not in _UNREACHED:
            return
        url, now = self._memory.settings.canary_url, self._clock.monotonic()
        if url is None or self._canary is None or now - self._canary_at < _CANARY_EVERY:
            return
        self._canary_at = now
        found = await self._canary(url)
        reading = Reading(CANARY_TARGET, self._clock.now(), self._clock.monotonic() - now, found)
        self._memory.hear_canary(reading)
