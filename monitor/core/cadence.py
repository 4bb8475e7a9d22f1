"""How long to wait until a target is probed again."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal

from monitor.core.causes import KEY_CAUSES, Cause
from monitor.core.conditions import Compare, Condition
from monitor.core.rules import Rule
from monitor.core.settings import Account, Interval

LONGEST_STAY = 3600.0  # seconds: a wrong Retry-After must not silence a target for days
_LEAST_LIMITED = 300.0  # seconds: a rate limit without a Retry-After, as its runbook says
# What asking sooner does not mend: somebody has to act, or it makes things worse.
_CALM = KEY_CAUSES | {Cause.RATE_LIMITED, Cause.NOT_KNOWABLE, Cause.NOT_CONFIGURED}
_FAR = 48.0  # hours: a line that is not crossed sooner, at P10, is looked at at leisure


def next_delay(
    interval: Interval,
    *,
    hours: float | None = None,
    out_for: float | None = None,
    failures: int = 0,
    cause: Cause | None = None,
    retry_after: float | None = None,
) -> float:
    """Seconds to the next probe: within the interval, never sooner than the provider asked.

    `hours`: until the next line is crossed, at P10 (see `next_line`); None: not known. A range is
    probed faster as these grow fewer and while something fails, at its longest where nothing is
    known, and after a `cause` that asking sooner does not mend. `out_for`: seconds since the
    credits ran out; whoever tops them up sees it after as much again at the most.

    By the square root of the hours: where a crossing may come at any time, the calls that find it
    soonest on average are spread by the root of its chance. benchmarks/cadence.py shows what that
    saves.
    """
    delay = interval.longest
    if cause in _CALM:
        limited = cause is Cause.RATE_LIMITED and not retry_after
        if limited and interval.shortest < interval.longest:
            delay = max(delay, _LEAST_LIMITED)
    elif failures:
        delay = interval.shortest
    elif out_for is not None:  # it is told, and nothing worse can come of it
        delay = min(out_for, interval.longest)
    elif hours is not None:
        delay = interval.longest * math.sqrt(min(1.0, hours / _FAR))
    delay = max(delay, interval.shortest)
    return max(delay, min(retry_after or 0.0, LONGEST_STAY))


def next_line(account: Account, rules: Iterable[Rule], balance: Decimal) -> Decimal:
    """The next line that a falling balance crosses: a rule's on it or on jobs left, or the floor.

    Those it has crossed are no matter of haste any more.
    """
    lines = (_line(rule.when, account) for rule in rules)
    return max((x for x in lines if x is not None and account.floor < x <= balance),
               default=account.floor)  # fmt: skip


def _line(condition: Condition, account: Account) -> Decimal | None:
    """The balance at which a condition begins to hold as it falls."""
    if not isinstance(condition, Compare) or condition.op not in ("<", "<="):
        return None
    value = Decimal(str(condition.value))
    if condition.measure == "balance":
        return value
    if condition.measure == "jobs_left" and condition.argument in account.jobs:
        return value * account.jobs[condition.argument]
    return None
