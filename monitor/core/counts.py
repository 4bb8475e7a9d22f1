"""What applications report, and the rows it is kept in: whole, so that repeats change nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final


@dataclass(frozen=True, slots=True)
class Used:
    """What one minute used of one quota; whole, not a difference."""

    account: str
    quota: str
    at: datetime  # the minute's begin
    used: Decimal

    @property
    def key(self) -> tuple[str, str, datetime]:
        """What identifies it."""
        return self.account, self.quota, self.at


@dataclass(frozen=True, slots=True)
class JobHour:
    """How often one job was reported in one hour, and what it cost; whole, not a difference."""

    account: str
    job: str
    at: datetime  # the hour's begin
    count: int
    credits: Decimal | None  # None: nobody said a price

    @property
    def key(self) -> tuple[str, str, datetime]:
        """What identifies it."""
        return self.account, self.job, self.at

    def plus(self, credits: Decimal | None) -> JobHour:
        """With one more job."""
        known = [c for c in (self.credits, credits) if c is not None]
        total = sum(known, Decimal(0)) if known else None
        return JobHour(self.account, self.job, self.at, self.count + 1, total)


@dataclass(frozen=True, slots=True)
class Known:
    """A request that has been counted. Its id is kept as a digest: it may hold anything."""

    account: str
    digest: bytes
    at: datetime  # when it was counted


@dataclass(frozen=True, slots=True)
class Counts:
    """What counting has changed: to be kept together, or not at all."""

    used: tuple[Used, ...] = ()
    jobs: tuple[JobHour, ...] = ()
    known: tuple[Known, ...] = ()

    @property
    def accounts(self) -> set[str]:
        """Those that anything is of."""
        used, jobs = {row.account for row in self.used}, {hour.account for hour in self.jobs}
        return used | jobs | {one.account for one in self.known}

    def of(self, account: str) -> Counts:
        """Those of one account."""
        return Counts(
            tuple(row for row in self.used if row.account == account),
            tuple(hour for hour in self.jobs if hour.account == account),
            tuple(known for known in self.known if known.account == account),
        )

    def __bool__(self) -> bool:
        return bool(self.used or self.jobs or self.known)


NO_COUNTS: Final = Counts()


@dataclass(frozen=True, slots=True)
class Report:
    """One thing an application says it has done."""

    id: str
    at: datetime
    amounts: Mapping[str, Decimal] = field(default_factory=dict)  # quota: how much of it
    job: str | None = None
    credits: Decimal | None = None  # what the job cost

    @property
    def digest(self) -> bytes:
        """What its id is remembered by: 16 bytes."""
        return hashlib.sha256(self.id.encode("utf-8", "surrogatepass")).digest()[:16]


def gathered(parts: Iterable[Counts]) -> Counts:
    """All of them; of the same row that of the last, which is the newest."""
    used: dict[tuple[str, str, datetime], Used] = {}
    jobs: dict[tuple[str, str, datetime], JobHour] = {}
    known: dict[tuple[str, bytes], Known] = {}
    for part in parts:
        used.update((row.key, row) for row in part.used)
        jobs.update((hour.key, hour) for hour in part.jobs)
        known.update(((one.account, one.digest), one) for one in part.known)
    return Counts(tuple(used.values()), tuple(jobs.values()), tuple(known.values()))
