"""How long to wait until a target is probed again."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal

from monitor.core.causes import KEY_CAUSES, Cause
from monitor.core.conditions import Compare, Condition
from monitor.core.crossing import Ahead
from monitor.core.rules import Rule
from monitor.core.settings import Account, Interval

LONGEST_STAY = 3600.0  # seconds: a wrong Retry-After must not silence a target for days
_LEAST_LIMITED = 300.0  # seconds: a rate limit without a Retry-After, as its runbook says
# What asking sooner does not mend: somebody has to act, or it makes things worse.
_CALM = KEY_CAUSES | {Cause.RATE_LIMITED, Cause.NOT_KNOWABLE, Cause.NOT_CONFIGURED}
_SURE = 500.0  # waits in the middle of a range, of which one may miss a crossing
_LOOKS = 4.0  # at the least, until P10
_STEPS = 128  # of like ratio, from the shortest wait to the longest


def next_delay(
    interval: Interval,
    *,
    ahead: Ahead | None = None,
    out_for: float | None = None,
    failures: int = 0,
    cause: Cause | None = None,
    retry_after: float | None = None,
) -> float:
    """Seconds to the next probe: within the interval, never sooner than the provider asked.

    `ahead`: what may become of the balance above the next line (see `next_line`); None: not
    known. A range is probed faster as it comes nearer and while something fails, at its longest
    where nothing is known, and after a `cause` that asking sooner does not mend. `out_for`:
    seconds since the credits ran out; whoever tops them up sees it after as much again at the
    most.
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
    elif ahead is not None and interval.shortest < interval.longest:
        delay = _watchful(interval, ahead)
    delay = max(delay, interval.shortest)
    return max(delay, min(retry_after or 0.0, LONGEST_STAY))


def _watchful(interval: Interval, ahead: Ahead) -> float:
    """The longest wait that may leave a crossing unseen for no more than its share of time.

    What a wait is expected to cost is its length times the chance that the line is crossed in it.
    Each may cost the same. So waits go by the root of that chance for each unit of time, and that
    is how calls find a crossing soonest on average: benchmarks/cadence.py shows what it saves.
    The runway has its say as well: there are four looks until P10 at the least.
    """
    wait = _within(interval, ahead)
    return wait if ahead.p10 is None else min(wait, ahead.p10 / _LOOKS)


def _within(interval: Interval, ahead: Ahead) -> float:
    most = math.sqrt(interval.shortest * interval.longest) / _SURE
    step, low, high = _STEPS, 0, _STEPS + 1  # mostly it is the longest
    while high - low > 1:
        wait = _step(interval, step)
        low, high = (step, high) if wait * ahead.chance(wait) <= most else (low, step)
        step = (low + high) // 2
    return _step(interval, low)


def _step(interval: Interval, step: int) -> float:
    wait = interval.shortest * math.pow(interval.longest / interval.shortest, step / _STEPS)
    return min(wait, interval.longest)


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
