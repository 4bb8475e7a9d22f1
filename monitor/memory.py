"""What is true now, in memory: the store holds the same after the next commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypedDict

from monitor.core.book import Book, UnknownState
from monitor.core.budget import Calls, counted
from monitor.core.burners import JobsReported, jobs_reported
from monitor.core.causes import Cause
from monitor.core.counts import Counts as Reported
from monitor.core.globs import matches
from monitor.core.hours import Hour
from monitor.core.inhibit import topics
from monitor.core.model import (
    Alert,
    Check,
    Incident,
    Kind,
    Quota,
    Reading,
    ServiceStatus,
    Silence,
    Target,
    TargetRecord,
    Told,
    Totals,
    key_target,
)
from monitor.core.notice import Notice, TopUp
from monitor.core.renewal import Renewal
from monitor.core.rules import Rule
from monitor.core.series import Series
from monitor.core.services import service_state
from monitor.core.settings import Account, Settings, TargetSettings
from monitor.core.snapshot import Counts, Snapshot
from monitor.core.tally import Tally
from monitor.core.view import View
from monitor.core.views import (
    key_view,
    models_view,
    named_targets,
    network_view,
    provider_view,
    store_view,
    target_view,
)
from monitor.store import Checkpoint, Stored
from monitor.trail import Trail

KEPT = timedelta(days=7)  # how long a closed incident, an ended silence and what was told live on
TellKey = tuple[str, Kind, int, str, str]  # incident, kind, round, receiver, address
_SPOKEN_OF = timedelta(hours=1)


class Memory:
    """Records, books, views, alerts, incidents, what was told, silences: one process's truth."""

    def __init__(self, settings: Settings) -> None:
        self.records: dict[str, TargetRecord] = {}
        self.books: dict[str, Book] = {}
        self.trails: dict[str, Trail] = {}
        self.hours: dict[str, Hour] = {}  # the one each balance is in; see hourly.py
        self.booked: dict[str, tuple[Book, Totals]] = {}  # what of each book the hours hold
        self.tallies: dict[str, Tally] = {}  # by account, gone ones too; see counting.py
        self.declared: dict[str, tuple[tuple[Quota, ...], datetime]] = {}  # as of when
        self.spending: dict[str, dict[datetime, Decimal]] = {}  # of the last day, by hour
        self.views: dict[str, View] = {}
        self.alerts: dict[tuple[str, str], Alert] = {}
        self.incidents: dict[str, Incident] = {}
        self.told: dict[TellKey, Told] = {}
        self.silences: dict[str, Silence] = {}
        self.notices: dict[str, Notice] = {}
        self.series: dict[str, Series] = {}  # of targets whose unit has changed
        self.top_ups: dict[str, TopUp] = {}  # the last of each target
        self.watched_since: dict[str, datetime] = {}
        self.calls: dict[str, Calls] = {}  # by account: what it was asked with today
        self.rests: dict[str, tuple[float, str]] = {}  # target: pace in seconds, why it waits
        self._canary: View | None = None
        self.seen: dict[str, datetime] = {}
        self.probes: Counter[tuple[str, Cause]] = Counter()
        self.opened: Counter[tuple[str, str]] = Counter()
        self.notified: Counter[tuple[str, Kind, str]] = Counter()
        self.pending: dict[str, int] = {}
        self.reload_ok, self.reload_at = True, None  # type: bool, datetime | None
        self.scheduler_lag = 0.0
        self.store_failed = ""  # what is wrong with the database now
        self.store_lost, self.store_lost_at = "", None  # type: str, datetime | None
        self.configure(settings)

    # -- the config -------------------------------------------------------------------------

    def configure(self, settings: Settings) -> None:
        """Take a config: index it, make what is new, drop what is gone."""
        self.settings = settings
        self.targets: dict[str, TargetSettings] = {t.target.name: t for t in settings.targets}
        self._accounts = {a.name: a for a in settings.accounts}
        self._named = named_targets(settings)
        self._rules: dict[str, tuple[Rule, ...]] = {}
        self.topics = topics(settings.rules)
        tables: tuple[dict[str, Any], ...] = (
            self.records, self.books, self.trails, self.views, self.hours, self.booked, self.rests,
            self.spending,
        )  # fmt: skip
        self.declared.clear()  # made anew: limits may have changed
        for name in self._accounts:
            self.tallies.setdefault(name, Tally(name))
        for table in tables:
            for name in [n for n in table if n not in self.targets]:
                del table[name]
        names = {r.name for r in settings.receivers}
        for name in [n for n in self.calls if n not in self._accounts]:
            del self.calls[name]
        for asked in [k for k in self.probes if k[0] not in self.targets]:
            del self.probes[asked]
        for told in [k for k in self.notified if k[0] not in names]:
            del self.notified[told]
        for name, target in self.targets.items():
            self._add(name, target.target)
        for account in settings.accounts:
            self.refresh(account)

    def _add(self, name: str, target: Target) -> None:
        self.records.setdefault(name, TargetRecord(name, None))
        if target.check is not Check.BALANCE:
            return
        account = self._accounts[target.account]
        if name in self.books:
            self.books[name].configure(**_book_settings(account))
        else:
            self.books[name] = Book(**_book_settings(account))
            self.trails[name] = Trail()

    def account_of(self, target: str) -> Account:
        """The account a configured target belongs to."""
        return self._accounts[self.targets[target].target.account]

    def account(self, name: str) -> Account | None:
        """The account of that name."""
        return self._accounts.get(name)

    def rekey(self, account: Account) -> None:
        """An account goes on with other credentials; nothing else of it is another."""
        self._accounts[account.name] = account
        accounts = tuple(self._accounts[a.name] for a in self.settings.accounts)
        self.settings = replace(self.settings, accounts=accounts)

    def rest(self, target: str, pace: float, words: str = "") -> None:
        """A target is asked every `pace` seconds, and waits for what `words` say, if any."""
        before = self.rests.pop(target, None)
        if words or pace > self.targets[target].interval.longest:
            self.rests[target] = (pace, words)
        if before != self.rests.get(target):
            self.see(target, None)

    def rules_for(self, target: str) -> tuple[Rule, ...]:
        """The rules that speak of a target, derived ones too."""
        if target not in self._rules:
            self._rules[target] = tuple(r for r in self.settings.rules if matches(r.on, target))
        return self._rules[target]

    # -- a start ----------------------------------------------------------------------------

    def restore(self, stored: Stored) -> None:
        """Take up what an earlier process left. Samples after the checkpoints come separately."""
        for name, record in stored.targets.items():
            if name in self.targets:
                self.records[name] = record
        self.series = dict(stored.series)
        for name, checkpoint in stored.checkpoints.items():
            if name in self.books and self._is_present(name, checkpoint.at):
                self._load_book(name, checkpoint)
        self.alerts = {a.key: a for a in stored.alerts}
        self.incidents = {i.id: i for i in stored.incidents}
        self.told = {told_key(t): t for t in stored.told}
        self.silences = {s.id: s for s in stored.silences}
        self.notices = {n.id: n for n in stored.notices}
        self.top_ups = {t: u for t, u in stored.top_ups.items() if self._is_present(t, u.at)}
        self.seen = dict(stored.seen)
        self._count(stored.counts)
        for name, book in self.books.items():
            reading = self.records[name].reading
            if reading is not None and reading.read:
                book.renew(Renewal.told(reading.finding.facts))

    def _count(self, found: Reported) -> None:
        """What applications have reported goes under what they report meanwhile."""
        for name in found.accounts | set(self.tallies):
            self.tallies.setdefault(name, Tally(name)).restore(found.of(name))

    def _load_book(self, name: str, checkpoint: Checkpoint) -> None:
        settings = _book_settings(self.account_of(name))
        try:
            self.books[name] = Book.load(checkpoint.state, **settings)
        except UnknownState:
            self.books[name] = Book(**settings)  # history is folded again from the samples

    def _is_present(self, target: str, at: datetime) -> bool:
        """Whether something from `at` belongs to the target's present series."""
        series = self.series.get(target)
        return series is None or at >= series.since

    def begin(self, series: Series) -> None:
        """Begin a balance anew in another unit: nothing of the old one is mixed in."""
        name = series.target
        self.series[name] = series
        self.top_ups.pop(name, None)
        self.books[name] = Book(**_book_settings(self.account_of(name)))
        self.trails[name] = Trail()
        self.records[name] = replace(self.records[name], balance=None, unit=series.unit)

    # -- views ------------------------------------------------------------------------------

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
        return key_view(self._accounts[account], self.of_account(account))

    def models(self, account: str) -> View:
        """`ACCOUNT/model`."""
        return models_view(self._accounts[account], self.of_account(account))

    def provider(self, provider: str) -> View:
        """`PROVIDER/provider`."""
        return provider_view(provider, [v for v in self.views.values() if v.provider == provider])

    def network(self) -> View:
        """`monitor/network`: every target, and the canary."""
        canary = [] if self._canary is None else [self._canary]
        return network_view([*self.views.values(), *canary])

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

    def store(self, now: datetime) -> View:
        """`monitor/store`; damage that was set aside is spoken of for an hour."""
        recent = self.store_lost_at is not None and now - self.store_lost_at < _SPOKEN_OF
        return store_view(self.store_failed or (self.store_lost if recent else ""), now)

    def derived(self) -> dict[str, View]:
        """Every derived target's view, by name."""
        found: list[View] = [self.network()]
        for account in self.settings.accounts:
            found.append(self.key(account.name))
            if account.models:
                found.append(self.models(account.name))
        found += [
            self.provider(p) for p in dict.fromkeys(a.provider for a in self._accounts.values())
        ]
        return {v.target: v for v in found}

    def look(self, name: str) -> View | None:
        """A configured or derived target's view; of `ACCOUNT/key` with what any target saw."""
        account, _, check = name.rpartition("/")
        if check == "key" and account in self._accounts:
            return self.key(account)
        return self.views.get(name) or self.derived().get(name)

    def words_for_customers(self, target: str) -> str:
        """What the config tells customers of a troubled service that rests on a target."""
        for service in self.settings.services:
            rests = any(matches(g, target) for g in (*service.needs, *service.any_of))
            state = service_state(service, self.look)
            if rests and state.status in (ServiceStatus.DEGRADED, ServiceStatus.DOWN):
                return service.tell_customers
        return ""

    # -- what others see --------------------------------------------------------------------

    def snapshot(self, now: datetime) -> Snapshot:
        """Everything that is true, immutable."""
        views, derived = dict(self.views), self.derived()
        return Snapshot(
            at=now,
            settings=self.settings,
            views=views,
            derived=derived,
            alerts=tuple(self.alerts.values()),
            incidents=tuple(self.incidents.values()),
            services=tuple(
                service_state(s, lambda n: views.get(n) or derived.get(n))
                for s in self.settings.services
            ),
            silences=tuple(self.silences.values()),
            notices=tuple(self.notices.values()),
            series=dict(self.series),
            told=tuple(self.told.values()),
            totals={name: book.totals for name, book in self.books.items()},
            history={name: trail.points() for name, trail in self.trails.items()},
            counts=self._counts(now),
            jobs_reported=self._jobs_reported(now),
        )

    def _jobs_reported(self, now: datetime) -> dict[str, JobsReported]:
        """Of each account with reports: which job burns, in the last 24 hours."""
        since, found = now - timedelta(hours=24), {}
        for name in self._accounts:
            tally = self.tallies[name]
            spending = self.spending.get(f"{name}/{Check.BALANCE.value}")
            told = jobs_reported(tally.hours(), spending, since=since)
            if told is not None:
                found[name] = told
        return found

    def _counts(self, now: datetime) -> Counts:
        return Counts(
            probes=dict(self.probes),
            jobs={n: dict(t.jobs_total) for n, t in self.tallies.items() if t.jobs_total},
            incidents=dict(self.opened),
            notifications=dict(self.notified),
            pending={r.name: self.pending.get(r.name, 0) for r in self.settings.receivers},
            calls={n: counted(c, now, 0).made for n, c in self.calls.items()},
            reload_ok=self.reload_ok,
            reload_at=self.reload_at,
            scheduler_lag=self.scheduler_lag,
            store_failed=self.store_failed,
        )

    # -- keeping it bounded -----------------------------------------------------------------

    def tell(self, told: Iterable[Told]) -> None:
        """Put to the log what people know now."""
        self.told.update({told_key(t): t for t in told})

    def prune(self, now: datetime) -> None:
        """Forget closed incidents, what was told of them and silences, 7 days after their end."""
        edge = now - KEPT
        gone = {i.id for i in self.incidents.values() if i.closed_at and i.closed_at < edge}
        for incident in gone:
            del self.incidents[incident]
        self.notices = {k: n for k, n in self.notices.items() if n.at >= edge}
        gone |= {
            t.incident
            for t in self.told.values()
            if t.kind is Kind.NOTICE and t.incident not in self.notices
        }
        self.told = {k: t for k, t in self.told.items() if t.incident not in gone}
        self.silences = {k: s for k, s in self.silences.items() if s.ends_at >= edge}


_BAD_KEY = frozenset({Cause.KEY_REJECTED, Cause.KEY_EXPIRED})


def told_key(told: Told) -> TellKey:
    """What identifies one thing said to one address."""
    return told.incident, told.kind, told.round, told.receiver, told.address


class _BookSettings(TypedDict):
    floor: Decimal
    job_max: Decimal | None
    planned_burn: Decimal


def _book_settings(account: Account) -> _BookSettings:
    return {
        "floor": account.floor,
        "job_max": account.dearest_job,
        "planned_burn": account.planned_burn,
    }
