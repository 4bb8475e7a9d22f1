"""A declared quota in words: `1,000 calls a day: 810 used, gone at 15:20 at this pace, ...`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from monitor.core.model import Quota
from monitor.core.words import clean, thousands

_LONG: Final = ("week", "month")  # so long that a time of day alone does not say when
_MINUTES: Final = 5


def limit_words(quota: Quota) -> str:
    """`1,000 calls a day`."""
    article = "an" if quota.per == "hour" else "a"
    limit = "any number of" if quota.limit is None else thousands(quota.limit)
    return f"{limit} {clean(quota.unit, 20)} {article} {quota.per}"


def declared_words(quota: Quota) -> str:
    """The limit, what of it is used, when it is gone, when it resets."""
    used = "use unknown" if quota.used is None else f"{thousands(quota.used)} used"
    parts = [f"{limit_words(quota)}: {used}", _gone(quota)]
    if quota.resets_at is not None:
        parts.append(f"resets {_when(quota, quota.resets_at)} UTC")
    return ", ".join(part for part in parts if part)


def breach_words(quota: Quota) -> str:
    """The same where a rule speaks of it; of a limit per minute what lasts."""
    if quota.sustained is None:
        return declared_words(quota)
    lasting = f"at least {thousands(quota.sustained)} used"
    return f"{limit_words(quota)}: {lasting} in each of the last {_MINUTES} minutes"


def _gone(quota: Quota) -> str:
    if quota.exhausted_at is None or quota.used is None or quota.limit is None:
        return ""
    when = _when(quota, quota.exhausted_at)
    return f"used up {when}" if quota.used >= quota.limit else f"gone {when} at this pace"


def _when(quota: Quota, at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"on {at.day} {at:%b at %H:%M}" if quota.per in _LONG else f"at {at:%H:%M}"
