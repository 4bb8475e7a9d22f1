"""The tables of memory: what is known of each target, what fires, what people were told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypedDict

from monitor.core.book import Book
from monitor.core.budget import Calls
from monitor.core.causes import Cause
from monitor.core.changed import Credit
from monitor.core.globs import matches
from monitor.core.hours import Hour
from monitor.core.inhibit import topics
from monitor.core.model import (
    Alert,
    Check,
    Incident,
    Kind,
    Quota,
    Silence,
    Target,
    TargetRecord,
    Told,
    Totals,
)
from monitor.core.notice import Notice, TopUp
from monitor.core.reaching import Reach
from monitor.core.rules import Rule
from monitor.core.series import Series
from monitor.core.settings import Account, Settings, TargetSettings
from monitor.core.tally import Tally
from monitor.core.view import View
from monitor.core.views import named_targets
from monitor.trail import Trail

KEPT = timedelta(days=7)  # how long a closed incident, an ended silence and what was told live on
TellKey = tuple[str, Kind, int, str, str]  # incident, kind, round, receiver, address


class State:
    """Records, books, views, alerts, incidents, what was told, silences, indexed by the config."""

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
        self.opened_as: dict[tuple[str, str], str] = {}  # incident, receiver: its name by then
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
        self.reach = {r.name: Reach() for r in settings.receivers}
        self.reload_ok, self.reload_at = True, None  # type: bool, datetime | None
        self.reload_fault = ""  # where the first fault is
        self.scheduler_lag = 0.0
        self.store_failed = ""  # what is wrong with the database now
        self.store_lost, self.store_lost_at = "", None  # type: str, datetime | None
        self.settings = settings
        self.configure(settings)

    # -- the config -------------------------------------------------------------------------

    def configure(self, settings: Settings) -> None:
        """Take a config: index it, make what is new, drop what is gone."""
        self.reach = self._reaches(settings)
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

    def _reaches(self, settings: Settings) -> dict[str, Reach]:
        """Of a receiver that is as it was, what is known of it; of another nothing yet."""
        same = {r.name for r in settings.receivers if r in self.settings.receivers}
        return {
            r.name: self.reach[r.name] if r.name in same else Reach() for r in settings.receivers
        }

    def _add(self, name: str, target: Target) -> None:
        self.records.setdefault(name, TargetRecord(name, None))
        if target.check is not Check.BALANCE:
            return
        account = self._accounts[target.account]
        if name in self.books:
            self.books[name].configure(**book_settings(account))
        else:
            self.books[name] = Book(**book_settings(account))
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

    def rules_for(self, target: str) -> tuple[Rule, ...]:
        """The rules that speak of a target, derived ones too."""
        if target not in self._rules:
            self._rules[target] = tuple(r for r in self.settings.rules if matches(r.on, target))
        return self._rules[target]

    def begin(self, series: Series) -> None:
        """Begin a balance anew in another unit: nothing of the old one is mixed in."""
        name = series.target
        self.series[name] = series
        self.top_ups.pop(name, None)
        self.books[name] = Book(**book_settings(self.account_of(name)))
        self.trails[name] = Trail()
        self.records[name] = replace(self.records[name], balance=None, unit=series.unit)

    def credit(self, target: str) -> Credit:
        """What was topped up of a balance, as its ledger has it."""
        book, last = self.books.get(target), self.top_ups.get(target)
        if book is None or book.accepted is None:
            return Credit()
        return Credit(book.totals.topped_up, last.at if last is not None else None)

    # -- what was told, and for how long ----------------------------------------------------

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
        gone |= {t.incident for t in self.told.values() if t.kind is Kind.DIGEST and t.at < edge}
        self.told = {k: t for k, t in self.told.items() if t.incident not in gone}
        self.opened_as = {k: name for k, name in self.opened_as.items() if k[0] not in gone}
        self.silences = {k: s for k, s in self.silences.items() if s.ends_at >= edge}


def told_key(told: Told) -> TellKey:
    """What identifies one thing said to one address."""
    return told.incident, told.kind, told.round, told.receiver, told.address


class BookSettings(TypedDict):
    """What the config says of a book."""

    floor: Decimal
    job_max: Decimal | None
    planned_burn: Decimal


def book_settings(account: Account) -> BookSettings:
    """What the config says of an account's book."""
    return {
        "floor": account.floor,
        "job_max": account.dearest_job,
        "planned_burn": account.planned_burn,
    }
