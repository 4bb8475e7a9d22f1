"""Values as strict JSON writes them: numbers, `"+Inf"` without end, null where unknown."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal

from monitor.core.model import Outlook, Quota

Figure = int | float | str | None


def number(value: Decimal | float | None) -> Figure:
    """A JSON number; `"+Inf"` without end, null where unknown."""
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        return "+Inf" if value > 0 else None
    return int(value) if value == int(value) else float(value)


def estimate(value: Decimal | float | None) -> Figure:
    """A number that was worked out, to six significant digits."""
    if value is None or not math.isfinite(value):
        return number(value)
    return number(float(f"{value:.6g}"))


def instant(at: datetime | None) -> str | None:
    """RFC 3339 in UTC, to the second, and finer where the time is."""
    if at is None:
        return None
    text = at.astimezone(UTC).replace(tzinfo=None).isoformat()
    return f"{text}Z"


def second(at: datetime | None) -> str | None:
    """RFC 3339 in UTC, to the second."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def quota_figures(quota: Quota) -> dict[str, Figure]:
    """A quota as the documents show it; of a declared one its window, and when it is gone."""
    own: dict[str, Figure] = {"per": quota.per, "exhausted_at": second(quota.exhausted_at)}
    return {
        "quota": quota.quota,
        "used": number(quota.used),
        "limit": number(quota.limit),
        "unit": quota.unit,
        "resets_at": second(quota.resets_at),
        **(own if quota.declared else {}),
    }


def runway_hours(outlook: Outlook) -> dict[str, Figure] | None:
    """The percentiles of a runway, null as a whole where unknown."""
    if outlook.p50 is None:
        return None
    found = {"p10": outlook.p10, "p25": outlook.p25, "p50": outlook.p50, "p90": outlook.p90}
    return {name: estimate(value) for name, value in found.items()}
