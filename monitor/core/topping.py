"""How much to top up, and what that is for: one amount, whoever asks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from monitor.core.causes import MONEY_CAUSES
from monitor.core.conditions import Both, Compare
from monitor.core.durations import about
from monitor.core.rules import Rule
from monitor.core.view import View
from monitor.core.words import amount, clean

_WEEK_HOURS = 168  # how long a recommended top-up should last


def unit(view: View) -> str:
    """The balance's unit, as it may be shown."""
    return clean(view.unit or "credits", 20)


def _compares(rule: Rule) -> Sequence[Compare]:
    match rule.when:
        case Compare():
            return (rule.when,)
        case Both(first, second):
            return (first, second)
    return ()


def _runs_out(view: View, rules: Iterable[Rule]) -> bool:
    """Whether it is the runway that is short, or nothing is left."""
    measures = {compare.measure for rule in rules for compare in _compares(rule)}
    return view.cause in MONEY_CAUSES or not measures.isdisjoint(("runway", "jobs_left"))


def _lines(balance: Decimal, rules: Iterable[Rule]) -> Iterator[Decimal]:
    """The balances at which what fires on the balance itself would be right."""
    for rule in rules:
        for compare in _compares(rule):
            if compare.measure == "balance" and compare.op in ("<", "<="):
                cleared = rule.clear if balance >= Decimal(str(compare.value)) else None
                goal = cleared.value if isinstance(cleared, Compare) else compare.value
                yield Decimal(str(goal))


def _burn(view: View) -> float | None:
    """Units an hour; None where nothing burns, or how much is not known."""
    burn = view.outlook.burn_per_hour if view.outlook is not None else None
    return burn if burn and math.isfinite(burn) else None


def _for_a_week(view: View) -> Decimal | None:
    """The balance that pays for a week at the present burn."""
    burn = _burn(view)
    return None if burn is None else view.floor + Decimal(burn * _WEEK_HOURS)


def _goal(view: View, balance: Decimal, rules: Sequence[Rule]) -> Decimal | None:
    """The balance to reach; None where none is wanted."""
    wanted = [*_lines(balance, rules)]
    if _runs_out(view, rules):
        week = _for_a_week(view)
        wanted += [view.floor] if week is None else [view.floor, week]
    return max(wanted, default=None)


def top_up(view: View, rules: Iterable[Rule]) -> int | None:
    """Whole units that reach each line that fires; the floor and a week where credits run short.

    0: nothing to top up; None: needed, but how much is not known.
    """
    balance = view.known_balance
    if balance is None:
        return None if view.cause in MONEY_CAUSES else 0
    goal = _goal(view, balance, tuple(rules))
    if goal is None:
        return 0
    return math.ceil(goal - balance) if goal > balance else None


def topping_up(view: View, rules: Iterable[Rule], *, in_full: bool = False) -> str:
    """How much to top up, and what that is for; empty where nothing is. The same at every door.

    `in_full` says it as well where it is a line of a rule's, which the alert beside it names.
    """
    rules = tuple(rules)
    units, balance = top_up(view, rules), view.known_balance
    if not units or balance is None:
        return "" if units == 0 else "Top up"
    said, goal = f"{units} {unit(view)}", _goal(view, balance, rules)
    if goal is not None and goal == _for_a_week(view) and _runs_out(view, rules):
        return f"Top up {said}: that pays for {_WEEK_HOURS // 24} days at this burn"
    if goal == view.floor and _runs_out(view, rules):
        return f"Top up at least {said}: that only reaches the floor"
    return f"Top up {said}{_reaches(view, goal) if in_full and goal is not None else ''}"


def _reaches(view: View, goal: Decimal) -> str:
    burn = _burn(view)
    lasts = about(float(goal - view.floor) / burn * 3600) if burn and goal > view.floor else ""
    return f" to reach {amount(goal)}{f': that lasts {lasts} at this burn' if lasts else ''}"
