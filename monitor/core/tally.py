"""Quotas that no API tells: declared in the config, counted from what applications report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from monitor.core.counts import Counts, JobHour, Known, Report, Used
from monitor.core.model import Quota
from monitor.core.windows import DeclaredQuota, Per, Window, hour_of, minute_of, window

KEPT: Final = timedelta(days=40)  # of what was reported: the longest window, and late reports
MOST_IDS: Final = 200_000  # of one account; beyond it the oldest are forgotten
_MINUTE = timedelta(minutes=1)
_LASTING = 5  # minutes in a row that a limit per minute must be short before a rule is told

# How much of the past tells the present pace: long enough to hold more than one job, short enough
# to see that something has begun.
_OF_LATE: Final[Mapping[Per, timedelta]] = {
    Per.MINUTE: _MINUTE,
    Per.HOUR: timedelta(minutes=10),
    Per.DAY: timedelta(hours=1),
    Per.WEEK: timedelta(hours=12),
    Per.MONTH: timedelta(hours=24),
}


class Tally:
    """What was reported of one account, by minute and by hour, for 40 days."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.jobs_total: dict[str, int] = {}  # since this process began, by job
        self.unread: dict[str, str] = {}  # quotas whose query cannot be read: why
        self._used: dict[str, dict[datetime, Decimal]] = {}  # quota, minute
        self._jobs: dict[tuple[str, datetime], JobHour] = {}  # job, hour
        self._ids: dict[bytes, datetime] = {}  # digest: when it was counted, oldest first
        self._sums: dict[str, tuple[DeclaredQuota, Window, Decimal]] = {}

    # -- in ---------------------------------------------------------------------------------

    def count(self, report: Report, now: datetime) -> Counts | None:
        """Count a report; None where its id has been counted before."""
        if report.digest in self._ids:
            return None
        self._ids[report.digest] = now
        while len(self._ids) > MOST_IDS:
            del self._ids[next(iter(self._ids))]
        at = minute_of(report.at)
        used = tuple(self._add(name, at, amount) for name, amount in report.amounts.items())
        known = Known(self.account, report.digest, now)
        return Counts(used, self._ran(report), (known,))

    def _add(self, name: str, at: datetime, amount: Decimal) -> Used:
        minutes = self._used.setdefault(name, {})
        minutes[at] = minutes.get(at, Decimal(0)) + amount
        quota, seen, total = self._sums.get(name, (None, None, Decimal(0)))
        if quota is not None and seen is not None and at in seen:
            self._sums[name] = (quota, seen, total + amount)
        return Used(self.account, name, at, minutes[at])

    def _ran(self, report: Report) -> tuple[JobHour, ...]:
        if report.job is None:
            return ()
        key = report.job, hour_of(report.at)
        hour = self._jobs.get(key) or JobHour(self.account, *key, 0, None)
        self._jobs[key] = hour = hour.plus(report.credits)
        self.jobs_total[report.job] = self.jobs_total.get(report.job, 0) + 1
        return (hour,)

    def set(self, quota: DeclaredQuota, used: Decimal, now: datetime) -> Counts:
        """What a query says is used in the present window: what it has moved is of this minute."""
        moved = used - self.used(quota, now)
        self.unread.pop(quota.name, None)
        if not moved and quota.name in self._used:
            return Counts()
        return Counts((self._add(quota.name, minute_of(now), moved),))

    def restore(self, found: Counts) -> None:
        """Put what is stored under what has been counted meanwhile, if anything."""
        self._sums.clear()
        for row in found.used:
            minutes = self._used.setdefault(row.quota, {})
            minutes[row.at] = minutes.get(row.at, Decimal(0)) + row.used
        for hour in found.jobs:
            mine = self._jobs.get((hour.job, hour.at))
            self._jobs[hour.job, hour.at] = hour if mine is None else _both(hour, mine)
        ids = {k.digest: k.at for k in found.known}
        self._ids = {**ids, **self._ids}

    def forget(self, now: datetime) -> None:
        """Drop what is older than it is kept."""
        edge = now - KEPT
        self._used = {
            name: kept
            for name, minutes in self._used.items()
            if (kept := {at: used for at, used in minutes.items() if at >= edge})
        }
        self._jobs = {key: hour for key, hour in self._jobs.items() if hour.at >= edge}
        self._ids = {digest: at for digest, at in self._ids.items() if at >= edge}

    # -- out --------------------------------------------------------------------------------

    def everything(self) -> Counts:
        """All that is kept."""
        return Counts(
            tuple(
                Used(self.account, name, at, used)
                for name, minutes in self._used.items()
                for at, used in minutes.items()
            ),
            tuple(self._jobs.values()),
            tuple(Known(self.account, digest, at) for digest, at in self._ids.items()),
        )

    def at_minute(self, quota: str, at: datetime) -> Used | None:
        """One minute of a quota, as it is kept."""
        used = self._used.get(quota, {}).get(at)
        return None if used is None else Used(self.account, quota, at, used)

    def at_hour(self, job: str, at: datetime) -> JobHour | None:
        """One hour of a job, as it is kept."""
        return self._jobs.get((job, at))

    def known(self, digest: bytes) -> Known | None:
        """A request that has been counted."""
        at = self._ids.get(digest)
        return None if at is None else Known(self.account, digest, at)

    def hours(self) -> tuple[JobHour, ...]:
        """The jobs reported, by hour."""
        return tuple(self._jobs.values())

    def job_names(self) -> frozenset[str]:
        """The jobs that have been reported."""
        return frozenset(job for job, _ in self._jobs) | frozenset(self.jobs_total)

    def used(self, quota: DeclaredQuota, now: datetime) -> Decimal:
        """What is used in the present window; 0 where nothing was reported in it."""
        known, seen, total = self._sums.get(quota.name, (None, None, Decimal(0)))
        if known == quota and seen is not None and now in seen:
            return total
        present = window(quota, now)
        minutes = self._used.get(quota.name, {})
        total = sum((used for at, used in minutes.items() if at in present), Decimal(0))
        self._sums[quota.name] = (quota, present, total)
        return total

    def pace(self, quota: DeclaredQuota, now: datetime) -> Decimal:
        """What was used of late, per second."""
        span = _OF_LATE[quota.per]
        minutes = self._used.get(quota.name, {})
        recent = (minutes.get(at, Decimal(0)) for at in _back(now, span // _MINUTE))
        return max(Decimal(0), sum(recent, Decimal(0))) / int(span.total_seconds())

    def look(self, quota: DeclaredQuota, now: datetime) -> Quota:
        """A declared quota as it stands; its use is unknown until something was ever reported."""
        present = window(quota, now)
        heard = quota.name in self._used and quota.name not in self.unread
        used = self.used(quota, now) if heard else None
        return Quota(
            quota=quota.name,
            used=used,
            limit=quota.limit,
            unit=quota.unit,
            resets_at=present.end,
            per=quota.per.value,
            exhausted_at=None if used is None else self._exhausted(quota, present, used, now),
            sustained=self._sustained(quota, now) if heard else None,
        )

    def _exhausted(
        self, quota: DeclaredQuota, present: Window, used: Decimal, now: datetime
    ) -> datetime | None:
        """When it is, or was, used up; None where it lasts until the reset."""
        if used >= quota.limit:
            return self._reached(quota, present)
        pace = self.pace(quota, now)
        if pace <= 0:
            return None
        seconds = float((quota.limit - used) / pace)
        left = (present.end - now).total_seconds()
        return now + timedelta(seconds=seconds) if seconds < left else None

    def _reached(self, quota: DeclaredQuota, present: Window) -> datetime:
        """The minute in which the limit was reached."""
        total = Decimal(0)
        minutes = self._used.get(quota.name, {})
        for at in sorted(at for at in minutes if at in present):
            total += minutes[at]
            if total >= quota.limit:
                return at
        return present.begin

    def _sustained(self, quota: DeclaredQuota, now: datetime) -> Decimal | None:
        """Of a limit per minute: the least that each of the last five whole minutes used."""
        if quota.per is not Per.MINUTE:
            return None
        minutes = self._used.get(quota.name, {})
        last = (minutes.get(at, Decimal(0)) for at in _back(now - _MINUTE, _LASTING))
        return min(last)


def _back(now: datetime, count: int) -> Iterator[datetime]:
    """So many minutes, from the one of `now` back."""
    at = minute_of(now)
    return (at - n * _MINUTE for n in range(count))


def _both(one: JobHour, other: JobHour) -> JobHour:
    known = [h.credits for h in (one, other) if h.credits is not None]
    credits = sum(known, Decimal(0)) if known else None
    return JobHour(one.account, one.job, one.at, one.count + other.count, credits)
