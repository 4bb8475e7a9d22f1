"""A target in words: how it stands, and what to do next."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal

from monitor.core.causes import MONEY_CAUSES, Cause
from monitor.core.durations import about
from monitor.core.jobs import main_left
from monitor.core.keys import in_words
from monitor.core.limits import declared_words
from monitor.core.model import Check, Incident, Outlook, Quota
from monitor.core.rules import Rule
from monitor.core.sentences import refused, what
from monitor.core.specials import accepted_elsewhere
from monitor.core.topping import topping_up, unit
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
    said += _doubted(view)
    waits = view.resting and view.cause is not Cause.RATE_LIMITED  # which says it already
    return f"{said}; {view.resting}" if waits else said


def _doubted(view: View) -> str:
    """What was read last, while it is not believed; the balance is the one before it."""
    if view.doubted is None or not view.known:
        return ""
    read, since = view.doubted
    at = since.strftime("%Y-%m-%d %H:%M UTC")
    said = f"the last answer, {amount(read)} {unit(view)}, is doubted since {at}"
    return f"; {said}, until another confirms it"


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


def next_step(
    view: View,
    rules: Iterable[Rule] = (),
    siblings: Iterable[View] = (),
    *,
    in_full: bool = False,
) -> str:
    """What to do next; empty where there is nothing. `rules`: those firing, the worst first.

    `in_full` says of an amount to top up which line it reaches, and how long that lasts.
    """
    rules = tuple(rules)
    if view.cause is None or whoami_only(view, siblings):
        return ""
    if view.key_cause is not None:
        return NEXT_STEP[view.key_cause]
    if refused(view) and view.known_balance is not None:
        return REFUSED_STEP
    if view.check is Check.BALANCE and (view.read or view.cause in MONEY_CAUSES):
        said = topping_up(view, rules, in_full=in_full)
        if said:
            return said
    if view.cause is not Cause.OK:
        return NEXT_STEP[view.cause]
    return next((RULE_STEP[r.name] for r in rules if r.name in RULE_STEP), "")


def step_of(incident: Incident) -> str:
    """What to do next about a target that no probe has: the rule's step, else the cause's."""
    return RULE_STEP.get(incident.alert) or NEXT_STEP[incident.cause]
