"""Which job burns: what applications reported, beside what the ledger saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from monitor.core.counts import JobHour
from monitor.core.figures import estimate, number, second
from monitor.core.windows import hour_of


@dataclass(frozen=True, slots=True)
class JobUse:
    """One job within a span of time."""

    job: str
    count: int
    credits: Decimal | None  # None: nobody said a price
    share: float | None  # of the burn, 0.8 for 80 %; None where that is not known


@dataclass(frozen=True, slots=True)
class JobsReported:
    """Which jobs burn, the dearest first. `spent` is the ledger's; None where there is none."""

    since: datetime
    jobs: tuple[JobUse, ...]
    spent: Decimal | None
    not_reported: Decimal | None  # what the ledger saw beyond what was reported


def jobs_reported(
    hours: Iterable[JobHour],
    spending: Mapping[datetime, Decimal] | None,
    *,
    since: datetime,
) -> JobsReported | None:
    """What was reported from the hour of `since` on, beside what the ledger saw in these hours.

    It begins with the first report, so that what was spent before anybody reported is not held
    against them. `spending`: spent by hour, None where no balance is read. None: no report.
    """
    found = [hour for hour in hours if hour.at >= hour_of(since)]
    if not found:
        return None
    begin = min(hour.at for hour in found)
    spent = None
    if spending is not None:
        spent = sum((s for at, s in spending.items() if at >= begin), Decimal(0))
    told = sum((h.credits for h in found if h.credits is not None), Decimal(0))
    rest = None if spent is None else max(Decimal(0), spent - told)
    whole = told + (rest or Decimal(0))
    by_job: dict[str, list[JobHour]] = {}
    for hour in found:
        by_job.setdefault(hour.job, []).append(hour)
    uses = [_use(job, rows, whole) for job, rows in by_job.items()]
    uses.sort(key=lambda use: (-(use.credits or 0), -use.count, use.job))
    return JobsReported(begin, tuple(uses), spent, rest)


def burners_document(found: JobsReported) -> dict[str, object]:
    """The same for strict JSON."""
    return {
        "since": second(found.since),
        "jobs": [
            {
                "job": use.job,
                "count": use.count,
                "credits": number(use.credits),
                "share": estimate(use.share),
            }
            for use in found.jobs
        ],
        "spent": number(found.spent),
        "not_reported": number(found.not_reported),
    }


def _use(job: str, hours: list[JobHour], whole: Decimal) -> JobUse:
    known = [h.credits for h in hours if h.credits is not None]
    credits = sum(known, Decimal(0)) if known else None
    share = float(credits / whole) if credits is not None and whole > 0 else None
    return JobUse(job, sum(h.count for h in hours), credits, share)
