"""What is true now, in memory: the store holds the same after the next commit."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.core.book import Book, UnknownState
from monitor.core.budget import counted
from monitor.core.burners import JobsReported, jobs_reported
from monitor.core.chart import Chart, balance_chart
from monitor.core.counts import Counts as Reported
from monitor.core.maintenance import is_planned
from monitor.core.model import Check
from monitor.core.renewal import Renewal
from monitor.core.services import service_state
from monitor.core.snapshot import Counts, Snapshot
from monitor.core.tally import Tally
from monitor.seeing import Sight
from monitor.state import KEPT, TellKey, book_settings, told_key
from monitor.store import Checkpoint, Stored
from monitor.trail import Courses

__all__ = ["KEPT", "Memory", "TellKey", "told_key"]


class Memory(Sight):
    """One process's truth: taken up at a start, shown to others as it stands."""

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
        settings = book_settings(self.account_of(name))
        try:
            self.books[name] = Book.load(checkpoint.state, **settings)
        except UnknownState:
            self.books[name] = Book(**settings)  # history is folded again from the samples

    def _is_present(self, target: str, at: datetime) -> bool:
        """Whether something from `at` belongs to the target's present series."""
        series = self.series.get(target)
        return series is None or at >= series.since

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
            silences=tuple(s for s in self.silences.values() if not is_planned(s)),
            notices=tuple(self.notices.values()),
            series=dict(self.series),
            told=tuple(self.told.values()),
            totals={name: book.totals for name, book in self.books.items()},
            history=Courses({name: trail.course() for name, trail in self.trails.items()}),
            counts=self._counts(now),
            jobs_reported=self._jobs_reported(now),
        )

    def chart(self, target: str, now: datetime) -> Chart | None:
        """A balance's chart for a message; None for other targets and too young ones."""
        if target not in self.books:
            return None
        top_up = self.top_ups.get(target)
        return balance_chart(
            self.views.get(target),
            self.trails[target].points(),
            now,
            topped_up=top_up.at if top_up else None,
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
            pending={name: len(reach.owed) for name, reach in self.reach.items()},
            oldest_pending={n: r.oldest for n, r in self.reach.items() if r.oldest is not None},
            calls={n: counted(c, now, 0).made for n, c in self.calls.items()},
            reload_ok=self.reload_ok,
            reload_fault=self.reload_fault,
            reload_at=self.reload_at,
            scheduler_lag=self.scheduler_lag,
            store_failed=self.store_failed,
        )
