"""A target in words: how it stands, and what to do next."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal

from monitor.core.causes import MONEY_CAUSES, Cause
from monitor.core.conditions import Both, Compare
from monitor.core.durations import about
from monitor.core.jobs import main_left
from monitor.core.keys import in_words
from monitor.core.limits import declared_words
from monitor.core.model import Check, Outlook, Quota
from monitor.core.rules import Rule
from monitor.core.sentences import refused, what
from monitor.core.specials import accepted_elsewhere
from monitor.core.view import View
from monitor.core.words import NEXT_STEP, RULE_STEP, WHAT, amount, percent

_FINE = {
    Check.KEY: "accepted",
    Check.MODEL: "available",
    Check.QUOTA: "read, without a figure",
    Check.STATUS: "no trouble announced",
    Check.INFERENCE: "answers",
}
REFUSED_STEP = "See on the provider's billing page why it refuses although credit is left"
_WEEK_HOURS = 168  # how long a recommended top-up should last


def unit(view: View) -> str:
    """The balance's unit."""
    return view.unit or "credits"


def _balance(view: View, balance: Decimal) -> str:
    text = f"{amount(balance)} {unit(view)}"
    if refused(view):
        return f"{what(view)}; the balance is {text}"
    if view.cause in MONEY_CAUSES:
        if balance <= 0:
            return f"{text}, nothing is left"
        return f"{text}, under the floor of {amount(view.floor)}"
    lasts, jobs = _lasts(view.outlook), main_left(view)
    return ", ".join(part for part in (text, lasts, jobs) if part)


def _lasts(outlook: Outlook | None) -> str:
    """The likely runway, P50; rules and messages speak of the cautious one, and say so."""
    if outlook is None or outlook.p50 is None:
        return ""
    return "nothing burns" if math.isinf(outlook.p50) else about(outlook.p50 * 3600)


def _quota(quota: Quota) -> str:
    if quota.declared:
        return declared_words(quota)
    if quota.used is None:
        return f"{quota.quota}: use unknown"
    if quota.limit is None:
        return f"{amount(quota.used)} {quota.unit} used, no limit"
    share = f" ({percent(quota.used_share)})" if quota.used_share is not None else ""
    return f"{amount(quota.used)} of {amount(quota.limit)} {quota.unit} used{share}"


def _unread(view: View) -> str:
    text = view.summary or WHAT[view.cause or Cause.OK]
    if view.balance is None or view.last_success is None:
        return text
    at = view.last_success.strftime("%Y-%m-%d %H:%M UTC")
    return f"{text}; it was {amount(view.balance)} {unit(view)} at {at}"


def whoami_only(view: View, siblings: Iterable[View]) -> bool:
    """Whether a key's own check is rate-limited, but another call of the account went through."""
    limited = view.check is Check.KEY and view.cause is Cause.RATE_LIMITED
    return limited and accepted_elsewhere(view, tuple(siblings))


def _accepted(view: View) -> str:
    if view.provider == "huggingface":
        return "accepted by the Hub; whoami is rate-limited"
    return "accepted by another check; the key's own is rate-limited"


def summary(view: View, siblings: Iterable[View] = ()) -> str:
    """How a target stands, as in `5916.25 credits, about 6 days`; and why it is left alone."""
    said = _summary(view, siblings)
    known = in_words(view.facts) if view.check is Check.KEY and view.read else ""
    said += f" ({known})" if known else ""
    waits = view.resting and view.cause is not Cause.RATE_LIMITED  # which says it already
    return f"{said}; {view.resting}" if waits else said


def _summary(view: View, siblings: Iterable[View]) -> str:
    if view.cause is None:
        return "not asked yet"
    if view.key_cause is not None and view.cause is not view.key_cause:
        counted = [declared_words(q) for q in view.known_quotas]  # whatever the key may do
        return "; ".join([f"unknown: {WHAT[view.key_cause]}", *counted])
    if whoami_only(view, siblings):
        return _accepted(view)
    if not view.read:
        return _unread(view)
    if view.known_balance is not None:
        return _balance(view, view.known_balance)
    if view.quotas and view.cause is Cause.OK and not (view.warning or view.check is Check.KEY):
        return "; ".join(_quota(q) for q in view.quotas)
    if view.cause is Cause.OK and view.check is not None:
        return view.summary or _FINE.get(view.check, WHAT[Cause.OK])
    return view.summary or WHAT[view.cause]


def _compares(rule: Rule) -> Sequence[Compare]:
    match rule.when:
        case Compare():
            return (rule.when,)
        case Both(first, second):
            return (first, second)
    return ()


def _goals(view: View, balance: Decimal, rules: Iterable[Rule]) -> list[Decimal]:
    """The balances at which what is wrong would be right."""
    wanted, runs_out = [], view.cause in MONEY_CAUSES
    for rule in rules:
        for compare in _compares(rule):
            runs_out = runs_out or compare.measure in ("runway", "jobs_left")
            if compare.measure == "balance" and compare.op in ("<", "<="):
                cleared = rule.clear if balance >= Decimal(str(compare.value)) else None
                goal = cleared.value if isinstance(cleared, Compare) else compare.value
                wanted.append(Decimal(str(goal)))
    burn = view.outlook.burn_per_hour if view.outlook is not None else None
    if runs_out and burn and math.isfinite(burn):
        wanted.append(view.floor + Decimal(burn * _WEEK_HOURS))
    return [*wanted, view.floor] if runs_out else wanted


def top_up(view: View, rules: Iterable[Rule]) -> int | None:
    """Whole units that end what fires and pay the floor, and a week where the runway is short.

    0: nothing to top up; None: needed, but how much is not known.
    """
    rules = tuple(rules)
    balance = view.known_balance
    if balance is None:
        return None if view.cause in MONEY_CAUSES else 0
    missing = [goal - balance for goal in _goals(view, balance, rules)]
    if not missing:
        return 0
    return math.ceil(max(missing)) if max(missing) > 0 else None


def next_step(view: View, rules: Iterable[Rule] = (), siblings: Iterable[View] = ()) -> str:
    """What to do next; empty where there is nothing. `rules`: those firing, the worst first."""
    rules = tuple(rules)
    if view.cause is None or whoami_only(view, siblings):
        return ""
    if view.key_cause is not None:
        return NEXT_STEP[view.key_cause]
    if refused(view) and view.known_balance is not None:
        return REFUSED_STEP
    if view.check is Check.BALANCE and (view.read or view.cause in MONEY_CAUSES):
        units = top_up(view, rules)
        if units != 0:
            return "Top up" if units is None else f"Top up {units} {unit(view)}"
    if view.cause is not Cause.OK:
        return NEXT_STEP[view.cause]
    return next((RULE_STEP[r.name] for r in rules if r.name in RULE_STEP), "")
