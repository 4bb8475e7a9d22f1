"""The subject and the three lines of a message: what, how long, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from monitor.core.advice import REFUSED_STEP
from monitor.core.causes import Cause, Severity
from monitor.core.durations import about
from monitor.core.jobs import main_left
from monitor.core.model import Check, Incident, Kind, Notification
from monitor.core.over import MONEY_RULES, from_to, of_a_lasting_end, of_an_end
from monitor.core.phrases import (
    SUBJECT_LENGTH,
    clean,
    headline,
    hours,
    moment,
    money,
    named,
    sentence,
)
from monitor.core.rules import Rule
from monitor.core.sentences import refused
from monitor.core.specials import status_report
from monitor.core.topping import topping_up
from monitor.core.view import View

_FLAPPING = "flapping"
_HELD = " It is not told at each turn: it ends when it has stayed fine."
_TAILS = {Kind.REMINDER: " (reminder)", Kind.FOLLOW_UP: " (still fine)"}


def subject(notification: Notification, view: View | None) -> str:
    """`[CRITICAL] kie: about 5 h of credits left`: one printable line of bounded length."""
    incident, kind = notification.incident, notification.kind
    over = kind in (Kind.RESOLVED, Kind.FOLLOW_UP)
    word = "RESOLVED" if over else incident.severity.value.upper()
    late = kind is Kind.OPENED and not incident.open
    tail = " (over by now)" if late else _TAILS.get(kind, "")
    core = headline(incident, view)
    if incident.flapping and incident.open and _FLAPPING not in core:
        tail = f" ({_FLAPPING}){tail}"
    return f"[{word}] {clean(core, SUBJECT_LENGTH - len(tail) - 12)}{tail}"


def three_lines(
    notification: Notification,
    view: View | None,
    first_step: str,
    rules: Iterable[Rule],
    now: datetime,
) -> tuple[str, str, str]:
    """What, how long, what to do. `first_step` is the runbook's; `rules`: those firing."""
    incident = notification.incident
    if notification.kind is Kind.RESOLVED:
        return of_an_end(incident, view, now)
    if notification.kind is Kind.FOLLOW_UP:
        return of_a_lasting_end(incident, view, now)
    what, how_long = _what(notification, view), _how_long(incident, view, now)
    if not incident.open:
        return what, from_to(incident, now), "It is over by now; this could not be told before."
    return what, how_long, to_do(incident, view, first_step, rules)


def _what(notification: Notification, view: View | None) -> str:
    incident, core = notification.incident, headline(notification.incident, view)
    lead = {
        Kind.ESCALATED: f"Now {incident.severity.value}: ",
        Kind.REMINDER: f"Still {incident.severity.value}: ",
    }.get(notification.kind, "")
    detail = clean(incident.summary)
    report = status_report(view) if incident.alert == "provider-down" else ""
    more = "" if not detail or detail in core else f" {sentence(detail)}"
    head = f"{lead}{core}" if lead else core
    page = f" {sentence(report)}" if report else ""
    return clean(f"{head.rstrip('.')}.{more}{page}")


def _how_long(incident: Incident, view: View | None, now: datetime) -> str:
    stood = (now - incident.opened_at).total_seconds()
    since = f"Open since {moment(incident.opened_at)}"
    since += f", {about(stood)}." if stood >= 60 else "."
    return f"{_pays(incident, view)}{since}{_HELD if incident.flapping else ''}"


def _pays(incident: Incident, view: View | None) -> str:
    """What the balance still pays, and how long: `31 videos, about 5 h at a cautious estimate.`"""
    if view is None or not _about_money(incident, view):
        return ""
    if refused(view):
        return _last_read(view)
    jobs, outlook = main_left(view), view.outlook
    if outlook is None or outlook.p25 is None or outlook.p25 <= 0:
        return f"The balance pays for {jobs}. " if jobs else ""
    likely = "" if outlook.p50 is None else f"; as likely as not {hours(outlook.p50)}"
    lasts = f"{hours(outlook.p25)} at a cautious estimate{likely}. "
    return f"The balance pays for {jobs}, {lasts}" if jobs else f"The credits last {lasts}"


def _last_read(view: View) -> str:
    """The balance of a provider that refuses for want of money: it pays for nothing."""
    if view.known_balance is not None:
        return f"The balance is {money(view.known_balance, view.unit)}. "
    return "" if view.balance is None else f"Last read: {money(view.balance, view.unit)}. "


def _about_money(incident: Incident, view: View) -> bool:
    """Whether it is an alert about a balance, a user's own included."""
    causes = (Cause.OK, Cause.CREDITS_EXHAUSTED)
    own = view.check is Check.BALANCE and incident.cause in causes
    return own or incident.alert in MONEY_RULES


def to_do(incident: Incident, view: View | None, first_step: str, rules: Iterable[Rule]) -> str:
    """The sentence that says what to do about an open incident. `rules`: those firing."""
    return sentence(_next_step(incident, view, first_step, rules))


def _next_step(
    incident: Incident, view: View | None, first_step: str, rules: Iterable[Rule]
) -> str:
    if incident.alert == "credits-exhausted" and view is not None and refused(view):
        return first_step if view.known_balance is None else REFUSED_STEP
    if incident.alert == "provider-down" and status_report(view):
        return "Let the product use another provider until the status page reports the end"
    if view is not None and incident.alert != "burn-spike" and _about_money(incident, view):
        said = topping_up(view, rules, in_full=True)
        if said not in ("", "Top up"):  # the runbook says more than that
            return said
    return first_step or f"Look at what it answers: `monitor explain {incident.target}`"


def _in_time(step: str, incident: Incident) -> str:
    """What the page of a warning puts off until later in the day is done now if it is critical."""
    critical = incident.severity is Severity.CRITICAL
    return step.replace("Top up today", "Top up now", 1) if critical else step


def fitting(steps: Iterable[str], incident: Incident, view: View | None) -> tuple[str, ...]:
    """A page's steps, as far as they fit what is known.

    Not to top up where the provider refuses although credit is left; not to look at a status page
    that the message already quotes.
    """
    found = tuple(_in_time(named(step, incident), incident) for step in steps)
    if view is not None and refused(view) and view.known_balance is not None:
        return (f"{REFUSED_STEP}.", *(s for s in found if not s.startswith("Top up")))
    if incident.alert == "provider-down" and status_report(view):
        return tuple(s for s in found if not ("status page" in s and s.startswith("Look at")))
    return found
