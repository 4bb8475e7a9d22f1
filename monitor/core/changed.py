"""What changed between the opening of an incident and its end, and how that is put in words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from monitor.core.alerts import Stepped
from monitor.core.causes import Cause
from monitor.core.durations import about, spell
from monitor.core.incident import RESOLVED, Incident
from monitor.core.measured import Measured
from monitor.core.model import Quota
from monitor.core.view import View
from monitor.core.words import amount, clean, percent


@dataclass(frozen=True, slots=True)
class Credit:
    """What was topped up since a ledger began, and when the last time."""

    topped_up: Decimal | None = None  # None: there is no ledger, or nothing in it yet
    at: datetime | None = None


def marked(stepped: Stepped, view: View, credit: Credit) -> Stepped:
    """A step with the figures of this moment put to what it has opened or resolved."""
    incident = stepped.incident
    if incident is None:
        return stepped
    if stepped.opened:
        measured = _measured(view, credit, incident.opening_cause, _fullest(view))
        return replace(stepped, incident=replace(incident, opening=measured))
    if stepped.closed and incident.opening is not None and incident.close_reason == RESOLVED:
        cause = view.cause or Cause.OK
        measured = _measured(view, credit, cause, incident.opening.quota)
        return replace(stepped, incident=replace(incident, closing=measured))
    return stepped


def _measured(view: View, credit: Credit, cause: Cause, quota: str) -> Measured:
    outlook = view.outlook if view.known else None
    used = [q.used_share for q in view.known_quotas if quota and _name(q) == quota]
    return Measured(
        cause=cause,
        balance=view.known_balance,
        unit=clean(view.unit or "", 20),
        burn=_finite(outlook.burn_per_hour) if outlook else None,
        runway=outlook.p25 if outlook else None,
        quota=quota,
        used=used[0] if used else None,
        topped_up=credit.topped_up,
        topped_up_at=credit.at,
    )


def _fullest(view: View) -> str:
    """The quota of which most is used; empty where none is known."""
    known = [q for q in view.known_quotas if q.used_share is not None]
    return _name(max(known, key=lambda q: q.used_share or 0.0)) if known else ""


def _name(quota: Quota) -> str:
    return clean(quota.quota, 60)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def changed(incident: Incident) -> str:
    """`balance 5916 → 25000 credits: topped up 20000 credits at 10:31 UTC; burn 900 → 40 ...`.

    Empty where nothing is known to have changed, or the incident was not resolved.
    """
    before, after = incident.opening, incident.closing
    if before is None or after is None:
        return ""
    return "; ".join(_changes(before, after, incident.closed_at or incident.opened_at))


def _changes(before: Measured, after: Measured, closed_at: datetime) -> Iterator[str]:
    if before.cause is not after.cause:
        yield f"cause {before.cause.value} → {after.cause.value}"
    if before.unit == after.unit:
        yield from _money(before, after, closed_at)
    yield from _arrow("runway", _lasts(before), _lasts(after))
    yield from _arrow(f"quota {before.quota}", _used(before), _used(after))


def _arrow(name: str, before: str, after: str, unit: str = "") -> Iterator[str]:
    """`burn 900 → 40 credits per hour`, where both are known and are said differently."""
    if before and after and before != after:
        yield f"{name} {before} → {after}{unit and f' {unit}'}"


def _lasts(measured: Measured) -> str:
    if measured.runway is None:
        return ""
    return about(measured.runway * 3600) if measured.runway > 0 else "0"


def _used(measured: Measured) -> str:
    return "" if measured.used is None else percent(measured.used)


def _money(before: Measured, after: Measured, closed_at: datetime) -> Iterator[str]:
    unit, more = after.unit or "credits", _topped_up(before, after, closed_at)
    why = f": {more}" if more else ""
    yield from _arrow("balance", _balance(before), _balance(after), f"{unit}{why}")
    yield from _arrow("burn", _burn(before), _burn(after), f"{unit} per hour")


def _topped_up(before: Measured, after: Measured, closed_at: datetime) -> str:
    """`topped up 20000 credits at 10:31 UTC`; empty where nothing was."""
    if before.topped_up is None or after.topped_up is None or after.topped_up <= before.topped_up:
        return ""
    words = f"topped up {amount(after.topped_up - before.topped_up)} {after.unit or 'credits'}"
    at = after.topped_up_at
    if at is None or at == before.topped_up_at:
        return words
    day = "" if at.date() == closed_at.date() else f"{at:%Y-%m-%d} "
    return f"{words} at {day}{at:%H:%M} UTC"


def _balance(measured: Measured) -> str:
    return "" if measured.balance is None else amount(measured.balance)


def _burn(measured: Measured) -> str:
    """Three digits: a forecast is no more exact than that."""
    return "" if measured.burn is None else amount(float(f"{measured.burn:.3g}"))


def lasted(incident: Incident, now: datetime) -> str:
    """How long it stood: `2 h 10 min`."""
    return spell(((incident.closed_at or now) - incident.opened_at).total_seconds())
