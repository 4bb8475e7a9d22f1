"""The figures of a message: what was measured, each with its label, in words."""

from __future__ import annotations

from monitor.core.causes import Cause
from monitor.core.model import Incident
from monitor.core.phrases import by_plan, clean, hours, moment, money, quota_figure
from monitor.core.view import View


def figures_of(incident: Incident, view: View | None) -> tuple[tuple[str, str], ...]:
    """Label and value of each; what it is about comes first."""
    found = [("Target", clean(incident.target)), ("Alert", clean(incident.alert))]
    if incident.cause is not Cause.OK:
        found.append(("Cause", incident.cause.value))
    if view is None:
        return tuple(found)
    found += _balance_figures(view)
    found += [(f"Quota {clean(q.quota, 60)}", quota_figure(q)) for q in view.quotas]
    if view.last_success is not None:
        found.append(("Last read", moment(view.last_success)))
    return tuple(found)


def _balance_figures(view: View) -> list[tuple[str, str]]:
    if view.balance is None:
        return []
    label = "Last known balance" if view.known_balance is None else "Balance"
    found = [(label, money(view.balance, view.unit))]
    if view.floor:
        found.append(("Floor", money(view.floor, view.unit)))
    if view.outlook is not None and view.outlook.burn_per_hour is not None:
        burn = f"{money(view.outlook.burn_per_hour, view.unit)} per hour"
        found.append(("Burn", f"{burn}{by_plan(view.outlook)}"))
    runway = runway_range(view)
    return [*found, ("Runway", runway)] if runway else found


def runway_range(view: View | None) -> str:
    """`about 5 h (10 % about 3 h, 50 % about 8 h, 90 % about 12 h)`."""
    outlook = view.outlook if view else None
    if outlook is None or outlook.p25 is None:
        return ""
    range_ = ((10, outlook.p10), (50, outlook.p50), (90, outlook.p90))
    known = [f"{percent} % {hours(value)}" for percent, value in range_ if value is not None]
    return f"{hours(outlook.p25)} ({', '.join(known)})" if known else hours(outlook.p25)
