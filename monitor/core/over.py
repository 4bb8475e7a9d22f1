"""What is said when an incident is over: how long it stood, what changed, how it is now."""

from __future__ import annotations

from datetime import datetime

from monitor.core.causes import Cause
from monitor.core.changed import changed, lasted
from monitor.core.durations import spell
from monitor.core.incident import REMOVED, Incident
from monitor.core.jobs import main_left
from monitor.core.phrases import clean, headline, hours, moment, money, sentence
from monitor.core.view import View

MONEY_RULES = ("credits-exhausted", "runway-critical", "runway-short", "burn-spike")
_AFTER_TOP_UP = "Verify the service now and watch it for 24 h."
_DONE = "Nothing more to do."


def of_an_end(incident: Incident, view: View | None, now: datetime) -> tuple[str, str, str]:
    """The three lines of `resolved`."""
    return _what_is_over(incident, view, now), from_to(incident, now), _after(incident)


def of_a_lasting_end(incident: Incident, view: View | None, now: datetime) -> tuple[str, str, str]:
    """The three lines of `follow_up`."""
    closed = incident.closed_at or now
    quiet, core = spell((now - closed).total_seconds()), headline(incident, view)
    what = clean(f"Still resolved after {quiet}: {core}. {_stands_now(incident, view)}")
    stood = f"It was {incident.ever.value}, lasted {lasted(incident, now)} and ended"
    return what, f"{stood} {moment(closed)}; it has not come back since.", _DONE


def from_to(incident: Incident, now: datetime) -> str:
    """`It lasted 2 h 10 min: ... to .... Balance 5,916 → 25,000 credits: topped up ...`."""
    end = incident.closed_at or now
    period = f"{moment(incident.opened_at)} to {moment(end)}"
    more = sentence(clean(changed(incident)))
    return f"It lasted {lasted(incident, now)}: {period}.{f' {more}' if more else ''}"


def _what_is_over(incident: Incident, view: View | None, now: datetime) -> str:
    core = headline(incident, view)
    if incident.close_reason in REMOVED:
        thing = incident.close_reason.partition(" ")[0]
        return clean(
            f"No longer watched, not known to be mended: {core}."
            f" The {thing} was removed from the config."
        )
    flapped = "It flapped, and has stayed fine since. " if incident.flapping else ""
    stands = f"{flapped}{_stands_now(incident, view)}"
    return clean(f"Resolved after {lasted(incident, now)}: {core}. {stands}")


def _stands_now(incident: Incident, view: View | None) -> str:
    if view is None:
        return ""
    if view.known_balance is not None:
        left = view.outlook.p25 if view.outlook else None
        jobs = f", {left_over}" if (left_over := main_left(view)) else ""
        lasts = f", {hours(left)}" if left is not None and left > 0 else ""
        return f"The balance is {money(view.known_balance, view.unit)} now{jobs}{lasts}."
    if view.cause is Cause.OK:
        return f"{incident.target} is usable again."
    if view.last_success is not None and not view.read:
        return f"It cannot be read at present; it was last read {moment(view.last_success)}."
    return ""


def _after(incident: Incident) -> str:
    if incident.close_reason in REMOVED:
        return f"If that was not meant, put the {incident.close_reason.split()[0]} back."
    if incident.alert in MONEY_RULES or incident.cause is Cause.CREDITS_EXHAUSTED:
        return _AFTER_TOP_UP
    return _DONE
