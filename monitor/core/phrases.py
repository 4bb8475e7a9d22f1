"""How numbers, times and incidents are put in words."""

from __future__ import annotations

import math
import re
from datetime import datetime
from decimal import ROUND_UP, Decimal

from monitor.core.causes import Cause
from monitor.core.durations import about
from monitor.core.jobs import main_left
from monitor.core.limits import declared_words
from monitor.core.model import Incident, Outlook, Quota, models_target, ours
from monitor.core.notice import Notice
from monitor.core.sentences import refused, what
from monitor.core.view import View
from monitor.core.words import amount, percent
from monitor.core.words import clean as clean  # what is put in words is cleaned: one door

SUBJECT_LENGTH = 140

_MODEL_WORDS = {
    Cause.MODEL_MISSING: "is gone",
    Cause.MODEL_MOVED: "has moved",
    Cause.MODEL_GATED: "is gated",
    Cause.MODEL_NOT_SERVED: "is not served",
    Cause.MODEL_RETIRED: "is retired",
    Cause.MODEL_DEGRADED: "is degraded",
}
_PROVIDER_WORDS = {
    Cause.PROVIDER_MAINTENANCE: "is in maintenance",
    Cause.PROVIDER_ERROR: "answers with errors",
    Cause.TIMED_OUT: "does not answer in time",
    Cause.TLS_INVALID: "shows an invalid certificate",
    Cause.ENDPOINT_RETIRED: "has retired the address we ask",
    Cause.ANSWER_MALFORMED: "gives answers nobody can read",
}
_FIXED = {
    "key-lacks-permission": "the key lacks a permission",
    "key-cap-reached": "the key has reached its own cap",
    "models-exhausted": "no model is left",
    "runway-short": "credits are running short",
    "runway-critical": "credits are about to run out",
    "burn-spike": "spending faster than usual",
    "quota-high": "the quota is running high",
    "quota-critical": "the quota is nearly used up",
    "rate-limited": "rate-limited",
    "balance-unreadable": "the balance cannot be read",
    "monitor-offline": "no way to the outside",
    "store-failed": "the database cannot be used",
    "receiver-failing": "a receiver cannot be reached",
}


def money(value: Decimal | float, unit: str | None) -> str:
    """`5916.25 credits`."""
    return f"{amount(value)} {clean(unit or 'credits', 20)}"


def moment(at: datetime) -> str:
    """`2026-11-20 10:31 UTC`."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def hours(value: float) -> str:
    """A runway in words: `about 5 h`, `without end`."""
    return about(value * 3600)


def by_plan(outlook: Outlook) -> str:
    """What stands behind a burn that nobody has measured: it is what was planned."""
    return " (planned)" if outlook.planned else ""


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = text.strip()
    if not text:
        return ""
    stop = "" if text[-1] in ".!?…" else "."
    return text[0].upper() + text[1:] + stop


def named(step: str, incident: Incident | Notice) -> str:
    """A runbook's step with ACCOUNT and TARGET put in, where the incident has one to be asked."""
    if not incident.account or ours(incident.target):
        return step
    step = re.sub(r"\bACCOUNT\b", lambda _: incident.account, step)
    if incident.target == models_target(incident.account):
        return step
    return re.sub(r"\bTARGET\b", lambda _: incident.target, step)


def quota_figure(quota: Quota) -> str:
    """`0.04 of 0.1 USD (40 %), resets 2026-12-01 00:00 UTC`."""
    if quota.declared:
        return declared_words(quota)
    unit = clean(quota.unit, 20)
    used = "unknown" if quota.used is None else amount(quota.used)
    of = f"{unit}, no limit" if quota.limit is None else f"of {amount(quota.limit)} {unit}"
    share = "" if quota.used_share is None else f" ({percent(quota.used_share)})"
    resets = "" if quota.resets_at is None else f", resets {moment(quota.resets_at)}"
    return f"{used} {of}{share}{resets}"


def top_up(view: View, days: int) -> str:
    """How much more pays for `days` at the present burn; empty where that is not known."""
    burn = view.outlook.burn_per_hour if view.outlook else None
    balance = view.known_balance
    if balance is None or burn is None or not math.isfinite(burn) or burn <= 0:
        return ""
    need = Decimal(str(burn)) * 24 * days + view.floor - balance
    if need <= 0:
        return ""
    step = Decimal(1) if need >= 10 else Decimal("0.01")
    more = money(need.quantize(step, rounding=ROUND_UP), view.unit)
    return f"Top up {more}: that pays for {days} days at this burn"


def headline(incident: Incident, view: View | None) -> str:
    """The core of a subject: who, and what is wrong with it.

    It follows the opening, so that mails about one incident keep it; only a runway and a user's
    rule name the present figure while the incident is open.
    """
    return f"{_who(incident)}: {_matter(incident, view)}"


def _who(incident: Incident) -> str:
    return incident.account or incident.target.partition("/")[0]


def _matter(incident: Incident, view: View | None) -> str:
    alert, cause = incident.alert, incident.opening_cause
    if incident.open and alert in ("runway-short", "runway-critical"):
        return _runway_left(view) or _FIXED[alert]
    if alert in _FIXED:
        return _FIXED[alert]
    if alert == "key-rejected":
        return "the key has expired" if cause is Cause.KEY_EXPIRED else "the key is rejected"
    if alert == "credits-exhausted":
        spent = cause is Cause.QUOTA_EXHAUSTED
        return "the quota is used up" if spent else _no_credits(incident, view)
    if alert == "model-unavailable":
        return f"{_subject(incident)} {_MODEL_WORDS.get(cause, 'is not available')}"
    if alert == "provider-down":
        return _PROVIDER_WORDS.get(cause, "cannot be reached")
    if alert == "target-stale":
        return f"{_subject(incident)} has not been probed for too long"
    return (clean(incident.summary) if incident.open else "") or alert


def _no_credits(incident: Incident, view: View | None) -> str:
    """Where credit is left, what the provider says is all that is true."""
    if not incident.open or view is None or view.known_balance is None or not refused(view):
        return "no credits left"
    return clean(what(view))


def _subject(incident: Incident) -> str:
    """The model of a model's target, else the check."""
    rest = incident.target.partition("/")[2]
    check, _, subject = rest.partition("/")
    return clean(subject or f"the {check}", 90)


def _runway_left(view: View | None) -> str:
    outlook = view.outlook if view else None
    if outlook is None or outlook.p25 is None or math.isinf(outlook.p25):
        return ""
    if outlook.p25 <= 0:
        return "no credits left"
    jobs = main_left(view)
    return f"{hours(outlook.p25)} of credits left{f', {jobs}' if jobs else ''}"
