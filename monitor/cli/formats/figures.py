"""What was measured of a target, in words."""

from __future__ import annotations

from monitor.cli.formats.rows import QuotaRow, TargetRow
from monitor.core.durations import about
from monitor.core.words import amount

_LATE = 3  # intervals without a reading
_OFTEN = 60.0  # seconds; what is asked more often is not late for that


def figures(row: TargetRow) -> list[str]:
    """What was measured, in words: balance, burn and runway, jobs left, quotas."""
    out = []
    if row.balance is not None:
        floor = "" if row.floor is None else f", floor {amount(row.floor)}"
        ago = "" if row.age is None else f", read {about(row.age)} ago"
        out.append(f"balance {_measure(row.balance, row.unit)}{floor}{ago}")
    elif _late(row):
        out.append(f"last read {about(row.age or 0.0)} ago")
    if row.burn is not None:
        out.append(f"burn {amount(row.burn)}/h{' (planned)' if row.planned else ''}")
    if row.runway:
        spans = (f"{p.upper()} {about(hours * 3600)}" for p, hours in row.runway.items())
        out.append(f"runway {', '.join(spans)}")
    if row.jobs_left:
        out.append(f"jobs left: {', '.join(row.jobs_left)}")
    return out + [_quota_words(quota) for quota in row.quotas]


def _late(row: TargetRow) -> bool:
    """Whether a reading is so old that it may not be the present any more."""
    return row.age is not None and row.age > _LATE * max(row.interval or 0.0, _OFTEN)


def _quota_words(quota: QuotaRow) -> str:
    used = "unknown" if quota.used is None else amount(quota.used)
    limit = "no limit" if quota.limit is None else f"of {_measure(quota.limit, quota.unit)}"
    resets = f", resets {quota.resets_at}" if quota.resets_at else ""
    return f"quota {quota.quota}: {used} used, {limit}{resets}"


def _measure(value: float, unit: str) -> str:
    return f"{amount(value)} {unit}".rstrip()
