"""Why a condition holds, in a sentence for people: `balance 5916.25 is under 10000`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from monitor.core.causes import MONEY_CAUSES
from monitor.core.conditions import Both, Compare, Condition, Either, measure, worst_quota
from monitor.core.durations import about
from monitor.core.limits import breach_words
from monitor.core.model import Check
from monitor.core.view import View
from monitor.core.words import WHAT, amount, percent

_RELATION: Final[Mapping[str, str]] = {
    "<": "under",
    "<=": "at most",
    ">": "over",
    ">=": "at least",
}


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{amount(round(seconds, 2))} s"
    return about(seconds)


def _hours(seconds: float) -> str:
    return "0" if seconds <= 0 else about(seconds)


def _plain(value: float) -> str:
    return "without end" if math.isinf(value) else amount(value)


_FIGURE: Final[Mapping[str, Callable[[float], str]]] = {
    "burn": lambda value: f"{amount(value)} per hour",
    "runway": _hours,
    "latency": _time,
    "age": _time,
}


def _name(condition: Compare) -> str:
    match condition.measure:
        case "runway":
            return f"runway ({(condition.argument or 'p25').upper()})"
        case "jobs_left":
            return f"jobs left ({condition.argument})"
        case "failures":
            return "failures in a row"
    return condition.measure.replace("_", " ")


def _figure(condition: Compare, value: float) -> str:
    if condition.share:
        return percent(value)
    return _FIGURE.get(condition.measure, _plain)(value)


def _limit(condition: Compare) -> str:
    if condition.measure == "burn":
        return f"{amount(condition.value)} per hour"
    if condition.share:
        return percent(condition.value)
    return condition.text or _figure(condition, condition.value)


def _times_usual(condition: Compare, view: View) -> str:
    outlook = view.outlook
    if outlook is None or outlook.recent_burn_per_hour is None or not outlook.usual_burn_per_hour:
        return "burn is unknown"
    recent, usual = outlook.recent_burn_per_hour, outlook.usual_burn_per_hour
    relation = _RELATION[condition.op]
    return (
        f"burn {amount(recent)} per hour is {relation} {amount(condition.value)} times "
        f"the usual {amount(usual)} per hour"
    )


def _measured(condition: Compare, view: View, now: datetime) -> str:
    value = measure(condition, view, now=now)
    if condition.measure == "balance" and view.known_balance is not None:
        figure = amount(view.known_balance)
    else:
        figure = "unknown" if value is None else _figure(condition, value)
    return f"{_name(condition)} {figure}"


def _compared(condition: Compare, view: View, now: datetime) -> str:
    if condition.times_usual:
        return _times_usual(condition, view)
    quota = worst_quota(condition, view)
    if quota is not None and quota.declared:
        return breach_words(quota)
    relation = _RELATION[condition.op]
    return f"{_measured(condition, view, now)} is {relation} {_limit(condition)}"


def because(condition: Condition, view: View, *, now: datetime) -> str:
    """Why `condition` holds of `view`."""
    match condition:
        case Compare():
            return _compared(condition, view, now)
        case Both(first, second) | Either(first, second):
            return f"{_compared(first, view, now)}, {_compared(second, view, now)}"
    return what(view)


def not_yet(condition: Condition, view: View, *, now: datetime) -> str:
    """Why an alert that fires has not cleared: its `clear` does not hold."""
    if isinstance(condition, (Both, Either)):
        condition = condition.first
    if isinstance(condition, Compare) and not condition.times_usual:
        relation = _RELATION[condition.op]
        return f"{_measured(condition, view, now)} is not yet {relation} {_limit(condition)}"
    return what(view)


def short(view: View) -> bool:
    """Whether the balance itself shows that the money is gone: 0, or under the floor."""
    balance = view.known_balance
    if view.cause not in MONEY_CAUSES or balance is None:
        return False
    return balance <= 0 or balance < view.floor


def refused(view: View) -> bool:
    """Whether the provider refuses for want of money, whatever balance was read: then no balance
    pays for anything, and no forecast holds."""
    return view.check is Check.BALANCE and view.cause in MONEY_CAUSES and not short(view)


def what(view: View) -> str:
    """What a target's cause means, with the balance that shows it or in the provider's words."""
    if view.cause is None:
        return "not asked yet"
    if short(view) and view.known_balance is not None:
        if view.known_balance <= 0:
            return f"balance {amount(view.known_balance)}: nothing is left"
        return f"balance {amount(view.known_balance)} is under the floor of {amount(view.floor)}"
    return view.summary or WHAT[view.cause]
