"""What rules may see: a view of every target, and of what is derived of several."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from monitor.core.causes import Cause
from monitor.core.globs import matches
from monitor.core.members import NetworkMembers, ProviderMembers
from monitor.core.model import (
    NETWORK_TARGET,
    STORE_TARGET,
    Incident,
    Reading,
    ServiceStatus,
    key_target,
)
from monitor.core.reaching import receiver_view
from monitor.core.services import service_state
from monitor.core.settings import Account, Settings
from monitor.core.view import View
from monitor.core.views import (
    key_view,
    models_view,
    store_view,
    target_view,
)
from monitor.state import State

_SPOKEN_OF = timedelta(hours=1)
_BAD_KEY = frozenset({Cause.KEY_REJECTED, Cause.KEY_EXPIRED})


class Sight(State):
    """The state, and how it looks: views are made anew where something of theirs has moved."""

    def configure(self, settings: Settings) -> None:
        """Take a config: index it, make what is new, drop what is gone, see it anew."""
        super().configure(settings)
        self._network = NetworkMembers()
        self._providers = {a.provider: ProviderMembers(a.provider) for a in settings.accounts}
        self._of_accounts: dict[str, dict[str, View]] = {}  # account: its derived targets, as made
        for account in settings.accounts:
            self.refresh(account)
        if self._canary is not None:
            self._network.put(self._canary)

    def rest(self, target: str, pace: float, words: str = "") -> None:
        """A target is asked every `pace` seconds, and waits for what `words` say, if any."""
        before = self.rests.pop(target, None)
        if words or pace > self.targets[target].interval.longest:
            self.rests[target] = (pace, words)
        if before != self.rests.get(target):
            self.see(target, None)

    def refresh(self, account: Account) -> None:
        """Make every view of an account anew."""
        for target in account.targets:
            self.see(target.target.name, None)

    def refresh_all(self, now: datetime) -> None:
        """Make every view anew and ask every forecast: after a start."""
        for name in self.targets:
            self.see(name, now)

    def see(self, target: str, now: datetime | None) -> View:
        """Make one target's view anew; `now` asks the forecast again."""
        settings, account = self.targets[target], self.account_of(target)
        book, old = self.books.get(target), self.views.get(target)
        outlook = book.outlook(now) if book and now else old.outlook if old else None
        declared, counted_at = self.declared.get(target, ((), None))
        view = target_view(
            account,
            settings,
            self.records[target],
            outlook=outlook,
            doubted=book.doubted if book else None,
            hindsight=book.hindsight if book else (),
            named=target in self._named,
            whole_key=self.bad_key(account),
            watched_since=self.watched_since.get(target),
            unit_since=self.series[target].since if target in self.series else None,
            rest=self.rests.get(target, (0.0, "")),
            declared=declared,
            counted_at=counted_at,
        )
        self.views[target] = view
        self._of_accounts.pop(account.name, None)
        self._network.put(view)
        self._providers[account.provider].put(view)
        return view

    def bad_key(self, account: Account) -> View | None:
        """The account's key, if its own check has found it rejected or expired."""
        key = self.views.get(key_target(account.name))
        return key if key is not None and key.cause in _BAD_KEY else None

    def of_account(self, account: str) -> list[View]:
        """The views of an account's targets, in the config's order."""
        targets = self._accounts[account].targets
        return [self.views[t.target.name] for t in targets if t.target.name in self.views]

    def key(self, account: str) -> View:
        """`ACCOUNT/key`, whichever target saw it."""
        return self._derived_of(account, "key", key_view)

    def models(self, account: str) -> View:
        """`ACCOUNT/model`."""
        return self._derived_of(account, "model", models_view)

    def _derived_of(
        self, account: str, check: str, made: Callable[[Account, list[View]], View]
    ) -> View:
        """Made anew only where a target of the account was seen since: a scrape asks for all."""
        known = self._of_accounts.setdefault(account, {})
        if check not in known:
            known[check] = made(self._accounts[account], self.of_account(account))
        return known[check]

    def provider(self, provider: str) -> View:
        """`PROVIDER/provider`."""
        return (self._providers.get(provider) or ProviderMembers(provider)).view()

    def network(self) -> View:
        """`monitor/network`: every target, and the canary."""
        return self._network.view()

    def hear_canary(self, reading: Reading) -> None:
        """The canary was asked."""
        failures = 0 if self._canary is None else self._canary.failures
        self._canary = View(
            target=reading.target,
            account="monitor",
            provider="monitor",
            check=None,
            cause=reading.cause,
            evidence_at=reading.at,
            reading=reading,
            failures=0 if reading.read else failures + 1,
        )
        self._network.put(self._canary)

    def store(self, now: datetime) -> View:
        """`monitor/store`; damage that was set aside is spoken of for an hour."""
        recent = self.store_lost_at is not None and now - self.store_lost_at < _SPOKEN_OF
        return store_view(self.store_failed or (self.store_lost if recent else ""), now)

    def ours(self, now: datetime) -> list[View]:
        """What this monitor is judged by itself: its memory, and its ways to the receivers."""
        ways = [receiver_view(r.name, self.reach[r.name], now) for r in self.settings.receivers]
        return [self.store(now), *ways]

    def derived(self) -> dict[str, View]:
        """Every derived target's view, by name."""
        found: list[View] = [self.network()]
        for account in self.settings.accounts:
            found.append(self.key(account.name))
            if account.models:
                found.append(self.models(account.name))
        found += [members.view() for members in self._providers.values()]
        return {v.target: v for v in found}

    def look(self, name: str) -> View | None:
        """A configured or derived target's view; of `ACCOUNT/key` with what any target saw."""
        owner, _, check = name.rpartition("/")
        if check == "key" and owner in self._accounts:
            return self.key(owner)
        return self.views.get(name) or self._derived_one(name, owner, check)

    def _derived_one(self, name: str, owner: str, check: str) -> View | None:
        if name == NETWORK_TARGET:
            return self.network()
        if check == "provider" and owner in self._providers:
            return self.provider(owner)
        account = self._accounts.get(owner) if check == "model" else None
        return self.models(owner) if account is not None and account.models else None

    def watches(self, incident: Incident) -> bool:
        """Whether the config still has the rule and the target of an incident."""
        target = incident.target
        ruled = any(rule.name == incident.alert for rule in self.rules_for(target))
        return ruled and (target == STORE_TARGET or self.look(target) is not None)

    def words_for_customers(self, target: str) -> str:
        """What the config tells customers of a troubled service that rests on a target."""
        for service in self.settings.services:
            rests = any(matches(g, target) for g in (*service.needs, *service.any_of))
            state = service_state(service, self.look)
            if rests and state.status in (ServiceStatus.DEGRADED, ServiceStatus.DOWN):
                return service.tell_customers
        return ""
