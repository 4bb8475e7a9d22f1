"""Conditions on one target: what they are, the measures behind them, and whether they hold."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from monitor.core.causes import CAUSES, Cause, Standing
from monitor.core.model import Quota
from monitor.core.view import View


@dataclass(frozen=True, slots=True)
class Compare:
    """`MEASURE OP VALUE`: the value is in the measure's base unit (credits, seconds, share)."""

    measure: str  # balance burn runway jobs_left quota_left quota_used failures latency age
    op: str  # < <= > >=
    value: float
    argument: str = ""  # the job of jobs_left, the percentile of runway ("p25")
    times_usual: bool = False  # burn > 3x usual
    text: str = ""  # the value as the user wrote it
    share: bool = False  # a quota's value is a share of its limit (80 %), not an amount


@dataclass(frozen=True, slots=True)
class CauseIn:
    """`cause is NAME`, `cause in [A, B]`."""

    causes: frozenset[Cause]


@dataclass(frozen=True, slots=True)
class Unavailable:
    """`unavailable`: the target is unusable."""


@dataclass(frozen=True, slots=True)
class Both:
    """For built-in rules only: two conditions at once. A user's rule has one condition."""

    first: Compare
    second: Compare


@dataclass(frozen=True, slots=True)
class Either:
    """For built-in rules only: one of two conditions; what clears a `Both`."""

    first: Compare
    second: Compare


@dataclass(frozen=True, slots=True)
class Special:
    """A built-in rule over more than one target, named for the function that judges it."""

    name: str


Condition = Compare | CauseIn | Unavailable | Both | Either | Special

OPERATORS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _balance(_: Compare, view: View, __: datetime) -> float | None:
    return None if view.known_balance is None else float(view.known_balance)


def _burn(condition: Compare, view: View, _: datetime) -> float | None:
    outlook = view.outlook if view.known else None
    if outlook is None:
        return None
    if not condition.times_usual:
        return outlook.burn_per_hour
    usual, recent = outlook.usual_burn_per_hour, outlook.recent_burn_per_hour
    if not usual or recent is None:
        return None
    # Two dear jobs in an hour are no spike: only what chance does not explain counts.
    return max(0.0, recent - outlook.recent_noise_per_hour) / usual


def _runway(condition: Compare, view: View, _: datetime) -> float | None:
    if view.outlook is None or not view.known:
        return None
    hours: Mapping[str, float | None] = {
        "p10": view.outlook.p10,
        "p25": view.outlook.p25,
        "p50": view.outlook.p50,
        "p90": view.outlook.p90,
    }
    value = hours[condition.argument or "p25"]
    return None if value is None else value * 3600


def _jobs_left(condition: Compare, view: View, _: datetime) -> float | None:
    return view.jobs_left.get(condition.argument) if view.known else None


def _lasting(quota: Quota) -> Quota:
    """Of a limit per minute what lasts: one full minute is a burst, and over by the next."""
    return quota if quota.sustained is None else replace(quota, used=quota.sustained)


def _used(quota: Quota, *, share: bool) -> float | None:
    quota = _lasting(quota)
    if share:
        return quota.used_share
    return None if quota.used is None else float(quota.used)


def _left(quota: Quota, *, share: bool) -> float | None:
    quota = _lasting(quota)
    if quota.used is None or quota.limit is None:
        return None
    if share:
        return None if quota.used_share is None else 1 - quota.used_share
    return float(quota.limit - quota.used)


def _quota_used(condition: Compare, view: View, _: datetime) -> float | None:
    return _worst(condition, view)[0]


def _quota_left(condition: Compare, view: View, _: datetime) -> float | None:
    return _worst(condition, view)[0]


def _worst(condition: Compare, view: View) -> tuple[float, Quota] | tuple[None, None]:
    """The most used or the least left, and of which quota."""
    used = condition.measure == "quota_used"
    of = _used if used else _left
    found = [(n, q) for q in view.known_quotas if (n := of(q, share=condition.share)) is not None]
    if not found:
        return None, None
    return (max if used else min)(found, key=operator.itemgetter(0))


def worst_quota(condition: Compare, view: View) -> Quota | None:
    """Which quota a comparison of `quota_used` or `quota_left` speaks of."""
    quotas = condition.measure in ("quota_used", "quota_left")
    return _worst(condition, view)[1] if quotas else None


def _failures(_: Compare, view: View, __: datetime) -> float | None:
    return None if view.reading is None else view.failures


def _latency(_: Compare, view: View, __: datetime) -> float | None:
    return view.reading.duration if view.reading is not None and view.read else None


def _age(_: Compare, view: View, now: datetime) -> float | None:
    return None if view.last_success is None else (now - view.last_success).total_seconds()


_MEASURES: Final[Mapping[str, Callable[[Compare, View, datetime], float | None]]] = {
    "balance": _balance,
    "burn": _burn,
    "runway": _runway,
    "jobs_left": _jobs_left,
    "quota_left": _quota_left,
    "quota_used": _quota_used,
    "failures": _failures,
    "latency": _latency,
    "age": _age,
}


def measure(condition: Compare, view: View, *, now: datetime) -> float | None:
    """The measured value, in the unit of `condition.value`; None: not known.

    Of several quotas the worst counts: the most used, the least left. `age` is the time since
    the last probe that read something.
    """
    return _MEASURES[condition.measure](condition, view, now)


def _compare(condition: Compare, view: View, now: datetime) -> bool | None:
    value = measure(condition, view, now=now)
    return None if value is None else OPERATORS[condition.op](value, condition.value)


def _cause_in(condition: CauseIn, view: View) -> bool | None:
    if view.cause is None:
        return None
    if view.cause in condition.causes:
        return True
    return False if CAUSES[view.cause].read else None


def _unavailable(view: View) -> bool | None:
    return None if view.standing is Standing.NOT_READ else view.standing is Standing.UNUSABLE


def holds(condition: Condition, view: View, *, now: datetime) -> bool | None:
    """Whether a condition holds; None: cannot be known. Two at once know what one may decide."""
    match condition:
        case Compare():
            return _compare(condition, view, now)
        case CauseIn():
            return _cause_in(condition, view)
        case Unavailable():
            return _unavailable(view)
        case Both(first, second) | Either(first, second):
            deciding = isinstance(condition, Either)
            found = (_compare(first, view, now), _compare(second, view, now))
            return deciding if deciding in found else None if None in found else not deciding
        case Special():
            raise TypeError(f"{condition.name} is judged over more than one target")
