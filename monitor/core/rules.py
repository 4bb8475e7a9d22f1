"""Named conditions, and what they say of a target: judge(rule, view) to a judgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.core.causes import Cause, Severity
from monitor.core.conditions import (
    Both,
    CauseIn,
    Compare,
    Condition,
    Either,
    Special,
    Unavailable,
    holds,
    measure,
)
from monitor.core.model import Judgement, Verdict, key_target
from monitor.core.sentences import because, not_yet
from monitor.core.specials import SPECIALS
from monitor.core.view import View

__all__ = [
    "Both",
    "CauseIn",
    "Compare",
    "Condition",
    "Either",
    "Rule",
    "Special",
    "Unavailable",
    "judge",
    "measure",
]


@dataclass(frozen=True, slots=True)
class Rule:
    """A named condition on targets."""

    name: str
    on: str  # a target or a glob
    when: Condition
    severity: Severity = Severity.WARNING
    clear: Condition | None = None  # else: when `when` no longer holds
    for_seconds: float = 0.0
    keep_firing_for: float = 0.0
    after: int = 1  # breaching readings in a row before it fires
    clear_after: int = 1  # good readings in a row before it ends
    after_by_cause: Mapping[Cause, int] = field(default_factory=dict)
    builtin: bool = False
    summary: str = ""  # fixed words of a built-in rule


def judge(
    rule: Rule,
    view: View,
    *,
    firing: bool,
    now: datetime,
    network: View | None = None,
    provider: View | None = None,
) -> Judgement:
    """What `rule` says of `view`.

    `firing`: the alert fires, so that `clear` decides when it ends. `network` and `provider` are
    the views of `monitor/network` and of the target's `PROVIDER/provider`, as `core/members.py`
    makes them: the rules about failing probes need both, once a target or a member has failed
    three times ("the first that fits"); without them nothing larger than the target is blamed. For
    the rules on `PROVIDER/provider` itself `network` alone is enough.

    Of a target whose account's key is bad nothing is known (`key_cause`), but of `ACCOUNT/key`
    itself. A verdict rests on `evidence_at`: a reading, or `now` for what time alone brings.
    """
    if view.key_cause is not None and _blind(rule, view):
        return Judgement(Verdict.UNKNOWN, view.evidence_at, view.key_cause)
    if isinstance(rule.when, Special):
        return SPECIALS[rule.when.name](view, now, network, provider)
    cause, evidence = view.cause or Cause.OK, _evidence(rule.when, view, now)
    verdict, summary = _look(rule, view, firing, now)
    return Judgement(verdict, evidence, cause, summary)


def _blind(rule: Rule, view: View) -> bool:
    """Whether the account's bad key hides what the rule asks for: not what is counted."""
    if view.target == key_target(view.account):
        return False
    quota = isinstance(rule.when, Compare) and rule.when.measure in ("quota_left", "quota_used")
    return not (quota and view.known_quotas)


def _look(rule: Rule, view: View, firing: bool, now: datetime) -> tuple[Verdict, str]:
    held = holds(rule.when, view, now=now)
    if held is None:
        raised = firing and _off_the_floor(rule.when, view)
        return (Verdict.OK if raised else Verdict.UNKNOWN), ""
    if held:
        return Verdict.BREACH, because(rule.when, view, now=now)
    if not firing or rule.clear is None:
        return Verdict.OK, ""
    cleared = holds(rule.clear, view, now=now)
    if cleared is None:
        return Verdict.UNKNOWN, ""
    return (Verdict.OK, "") if cleared else (Verdict.BREACH, not_yet(rule.clear, view, now=now))


def _off_the_floor(condition: Condition, view: View) -> bool:
    """Whether nothing is left of what a runway alert stood on.

    A balance at its floor has a runway of 0, also where no forecast can be made yet. Above it
    again, in the same unit, such an account has none that is known, and none that is short.
    """
    first = condition.first if isinstance(condition, Both) else condition
    silent = view.outlook is not None and view.outlook.p25 is None and view.unit_since is None
    if not (silent and isinstance(first, Compare) and first.measure == "runway"):
        return False
    return view.known_balance is not None and view.known_balance > view.floor


def _evidence(condition: Condition, view: View, now: datetime) -> datetime | None:
    if isinstance(condition, Compare) and condition.measure == "age":
        return now  # a silence is seen at every look
    return view.evidence_at or (view.reading.at if view.reading is not None else None)
