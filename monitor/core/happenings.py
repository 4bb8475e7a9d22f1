"""What is worth a notice, as values: a top-up, another unit. Facts are exact; words come later."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from monitor.core.causes import Severity
from monitor.core.conditions import Both, Compare, Condition
from monitor.core.jobs import jobs_of
from monitor.core.keys import Change
from monitor.core.model import Outlook, Totals, incident_id
from monitor.core.notice import Notice, TopUp
from monitor.core.rules import Rule
from monitor.core.view import View
from monitor.core.when import format_condition
from monitor.core.words import clean, thousands

KEY = "key "  # what a fact's name begins with that says what of a key is another
JOB = "job "  # what a fact's name begins with that counts jobs left
_IN_UNITS = frozenset({"balance", "burn"})  # measures whose thresholds are amounts


def topped_up(
    rule: Rule, before: View, after: View, credit: Decimal, totals: Totals, last: TopUp | None
) -> Notice:
    """`credit` was bought between the readings that `before` and `after` stand on.

    `totals`: the ledger's, after it; `last`: the top-up before this one, if one is known.
    """
    unit = clean(after.unit or "credits", 20)
    balance = after.balance if after.balance is not None else totals.end
    facts = {"amount": str(credit), "unit": unit, "after": str(balance)}
    facts["before"] = str(balance - credit)
    # A rise that was doubted is shown before it is believed: then `before` is no before.
    if before.balance is not None and abs(before.balance - balance) * 2 > credit:
        facts |= _runway("_before", before.outlook)
    facts |= _runway("", after.outlook)
    if last is not None:
        facts["last"] = last.at.isoformat()
        facts |= {"spent": str(totals.spent - last.spent)} if totals.spent >= last.spent else {}
    facts |= {f"{JOB}{title}": str(count) for title, count in jobs_of(after)}
    return _notice(rule, after, f"topped up by {thousands(credit)} {unit}", facts)


def _runway(which: str, outlook: Outlook | None) -> dict[str, str]:
    if outlook is None:
        return {}
    found = {"p25": outlook.p25, "p50": outlook.p50}
    return {f"{name}{which}": repr(value) for name, value in found.items() if value is not None}


def unit_changed(rule: Rule, before: View, after: View, rules: Iterable[Rule]) -> Notice:
    """The balance is counted in another unit from `after` on. `rules`: those of the target."""
    was, unit = clean(before.unit or "", 20), clean(after.unit or "", 20)
    written = [f"{r.name}: {format_condition(r.when)}" for r in rules if in_units(r.when)]
    facts = {"was": was, "unit": unit, "rules": "; ".join(written)}
    facts |= {"floor": str(after.floor)} if after.floor else {}
    facts |= {"jobs": ", ".join(after.jobs_left)} if after.jobs_left else {}
    facts |= {"after": str(after.balance)} if after.balance is not None else {}
    if before.balance is not None and before.last_success is not None:
        facts |= {"before": str(before.balance), "last": before.last_success.isoformat()}
    return _notice(rule, after, f"the balance is counted in {unit}, before in {was}", facts)


def key_changed(rule: Rule, after: View, found: Sequence[Change]) -> Notice:
    """A key is not what it was. For the better alone it is told as info."""
    words = "; ".join(f"{c.name} {c.after}, before {c.before}" for c in found)
    facts = {f"{KEY}{c.name}": f"{c.after}, before {c.before}" for c in found}
    worse = any(c.worse for c in found)
    notice = _notice(rule, after, f"the key has changed: {words}", facts)
    return notice if worse else replace(notice, severity=Severity.INFO)


def in_units(condition: Condition) -> bool:
    """Whether a threshold is an amount, which means something in one unit only."""
    if isinstance(condition, Both):
        return in_units(condition.first) or in_units(condition.second)
    return (
        isinstance(condition, Compare)
        and condition.measure in _IN_UNITS
        and not condition.times_usual
    )


def _notice(rule: Rule, view: View, summary: str, facts: dict[str, str]) -> Notice:
    at: datetime | None = view.evidence_at
    if at is None:
        raise ValueError("a notice rests on a reading")
    return Notice(
        id=incident_id(rule.name, view.target, at),
        name=rule.name,
        target=view.target,
        account=view.account,
        provider=view.provider,
        severity=rule.severity,
        at=at,
        summary=summary,
        facts=facts,
    )
