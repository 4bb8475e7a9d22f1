"""A notification in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.core.causes import Cause, Severity
from monitor.core.chart import Chart
from monitor.core.jobs import jobs_of
from monitor.core.lines import fitting, subject, three_lines
from monitor.core.message_figures import figures_of, runway_range
from monitor.core.model import Check, Incident, Kind, Notification, notification_id
from monitor.core.phrases import clean, headline
from monitor.core.rules import Rule
from monitor.core.sentences import refused
from monitor.core.view import View
from monitor.core.words import amount

BY_HAND = "BY_HAND"  # stands in a step for the vendor's own way of trying a key


@dataclass(frozen=True, slots=True)
class Runbook:
    """One page of `monitor/runbooks/`: a cause's, or a built-in rule's."""

    name: str
    title: str
    meaning: str
    steps: tuple[str, ...]
    who: str
    customers: str  # what they may be told
    not_customers: str  # what they may not
    links: tuple[tuple[str, str], ...] = ()  # (text, address): for everybody
    wants: tuple[str, ...] = ()  # which of the vendor's own pages help: billing, keys
    vendors: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)  # those pages
    by_hand: Mapping[str, str] = field(default_factory=dict)  # how each vendor's key is tried

    def steps_for(self, provider: str) -> tuple[str, ...]:
        """The steps; one that is done BY_HAND as this vendor wants it, or not at all."""
        words = self.by_hand.get(provider, "")
        return tuple(s.replace(BY_HAND, words) for s in self.steps if words or BY_HAND not in s)

    @property
    def steps_for_all(self) -> tuple[str, ...]:
        """The steps for who reads without an account in mind: each vendor's way is one."""
        ways = [f"at {vendor} {words}" for vendor, words in self.by_hand.items()]
        each = ([s.replace(BY_HAND, w) for w in ways] if BY_HAND in s else [s] for s in self.steps)
        return tuple(step for steps in each for step in steps)

    def links_for(self, provider: str) -> tuple[tuple[str, str], ...]:
        """The provider's own pages, then those for everybody."""
        return (*self.vendors.get(provider, ()), *self.links)


@dataclass(frozen=True, slots=True)
class Message:
    """What is said, before any channel gives it its form."""

    id: str  # Notification.id
    opened_id: str  # the id of the `opened` notification of the same incident and receiver
    kind: Kind
    round: int
    receiver: str
    at: datetime  # when it was composed: the Date of a mail
    severity: Severity
    subject: str  # `[CRITICAL] kie: about 5 h of credits left`
    what: str  # first line
    how_long: str  # second line; may be empty
    todo: str  # third line: the next step
    status: str  # "firing" or "resolved"
    incident: str
    fingerprint: str
    starts_at: datetime
    ends_at: datetime | None
    figures: tuple[tuple[str, str], ...] = ()  # (label, value) in words
    jobs_left: tuple[tuple[str, int], ...] = ()  # (`Sora 2 Pro 720p 15 s videos`, 31)
    steps: tuple[str, ...] = ()
    customers: str = ""
    not_customers: str = ""
    links: tuple[tuple[str, str], ...] = ()
    muted: tuple[str, ...] = ()  # what this message speaks for: `runway-short on kie/balance`
    labels: Mapping[str, str] = field(default_factory=dict)  # Alertmanager's
    annotations: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""
    chart: Chart | None = None  # of the balance it is about
    picture: bytes = b""  # that chart as a PNG, for channels that show pictures
    sections: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()  # (title, rows)


_BY_CAUSE = frozenset(  # rules that say little of what to do: their cause's page says it
    {
        "key-rejected", "model-unavailable", "credits-exhausted", "provider-down",
        "balance-unreadable", "monitor-offline",
    }
)  # fmt: skip
_BY_CHECK = {Check.BALANCE: "runway-short", Check.QUOTA: "quota-high"}  # for a user's rule
_ENDS = (Kind.RESOLVED, Kind.FOLLOW_UP)
_NAMED = 20  # muted targets and alerts a message lists


def compose(
    notification: Notification,
    *,
    view: View | None,
    runbooks: Mapping[str, Runbook],
    now: datetime,
    external_url: str | None,
    service_words: str = "",
    still_open: Sequence[Incident] = (),
    rules: Sequence[Rule] = (),
    opened_as: str | None = None,
) -> Message:
    """Put a notification in words.

    `view`: the incident's target as it stands, None if it is gone from the config.
    `still_open`: other incidents of the target, so that one's end does not read as all-clear.
    `rules`: those firing on the target, of which the page says how much to top up as well.
    `service_words`: what the config tells customers of a service that rests on the target; it
    wins over the runbook's. Links to our own pages are written only with `external_url`.
    `opened_as`: the name the receiver had when it was told of the opening, if it was another.
    """
    incident, view = notification.incident, claims(view)
    page, advice = _page(incident, view, runbooks), _advice(incident, view, runbooks)
    url = (external_url or "").rstrip("/")
    steps = fitting(advice.steps_for(incident.provider) if advice else (), incident, view)
    lines = three_lines(notification, view, steps[0] if steps else "", rules, now)
    muted = _muted(notification, view)
    customers = clean(service_words) or (page.customers if page else "")
    message = Message(
        id=notification.id,
        opened_id=notification_id(incident.id, Kind.OPENED, 0, opened_as or notification.receiver),
        kind=notification.kind,
        round=notification.round,
        receiver=notification.receiver,
        at=now,
        severity=incident.severity,
        subject=subject(notification, view),
        what=lines[0],
        how_long=lines[1],
        todo=lines[2],
        status="firing",
        incident=incident.id,
        fingerprint=incident.fingerprint,
        starts_at=incident.opened_at,
        ends_at=None,
        figures=figures_of(incident, view),
        jobs_left=jobs_of(view),
        steps=steps,
        customers=customers,
        not_customers=page.not_customers if page else "",
        links=_links(incident, page, advice, url),
        muted=muted,
        labels=_labels(incident),
        annotations=_annotations(incident, view, page, url, lines, muted, customers),
        external_url=url,
    )
    return _ended(message, incident, still_open) if notification.kind in _ENDS else message


def _ended(message: Message, incident: Incident, still_open: Sequence[Incident]) -> Message:
    """What is over is said to be, with what stands yet, and there is nothing left to do."""
    todo = _but(still_open, message.todo)
    end = incident.closed_at
    return replace(message, status="resolved", ends_at=end, todo=todo, steps=())


def claims(view: View | None) -> View | None:
    """Without runway and jobs where the provider refuses for want of money: none of it holds."""
    if view is None or not refused(view):
        return view
    return replace(view, outlook=None, jobs_left={})


# -- which page -----------------------------------------------------------------------------


def _page(
    incident: Incident, view: View | None, runbooks: Mapping[str, Runbook]
) -> Runbook | None:
    """The rule's, else the present cause's, else the opening's, else what its check suggests."""
    check = _BY_CHECK.get(view.check) if view and view.check else None
    names = (incident.alert, incident.cause.value, incident.opening_cause.value, check)
    return next((runbooks[n] for n in names if n and n in runbooks), None)


def _advice(
    incident: Incident, view: View | None, runbooks: Mapping[str, Runbook]
) -> Runbook | None:
    """Whose steps to follow: a generic rule's cause knows better than the rule."""
    if incident.alert in _BY_CAUSE:
        cause = incident.opening_cause if incident.cause is Cause.OK else incident.cause
        if cause.value in runbooks:
            return runbooks[cause.value]
    return _page(incident, view, runbooks)


def _but(still_open: Sequence[Incident], todo: str) -> str:
    """What stands yet comes before what is to be done."""
    names = ", ".join(f"{i.alert} ({i.severity.value})" for i in still_open)
    return f"Still open: {names}. {todo}" if names else todo


def _links(
    incident: Incident, page: Runbook | None, advice: Runbook | None, url: str
) -> tuple[tuple[str, str], ...]:
    own = [("Status page", f"{url}/")] if url else []
    if url and incident.open:
        own.insert(0, ("Acknowledge or silence", f"{url}/incidents/{incident.id}"))
    if url and page is not None:
        own.append((f"Runbook {page.name}", _runbook_url(page, url)))
    pages = [p for p in (advice, page) if p is not None]
    theirs = [link for p in pages for link in p.links_for(incident.provider)]
    return tuple(dict.fromkeys((*own, *theirs)))


def _runbook_url(page: Runbook, url: str) -> str:
    return f"{url}/runbooks/{page.name}"


# -- what it speaks for, labels, annotations ------------------------------------------------


def _muted(notification: Notification, view: View | None) -> tuple[str, ...]:
    """Alerts that keep quiet, and targets of which a bad key or an outage says it all."""
    names = [f"{m.alert} on {m.target}" for m in notification.muted]
    if notification.incident.open and view is not None:
        names += [
            m.target
            for m in view.members
            if m.target != notification.incident.target and _spoken_for(m, notification.incident)
        ]
    found = [clean(name, 200) for name in dict.fromkeys(names)]
    rest = len(found) - _NAMED
    return (*found[:_NAMED], f"and {rest} more") if rest > 0 else tuple(found)


def _spoken_for(member: View, incident: Incident) -> bool:
    if incident.alert == "provider-down":
        return member.check is not Check.STATUS and member.failures > 0
    return member.key_cause is not None or incident.alert == "key-rejected"


def _labels(incident: Incident) -> dict[str, str]:
    """Those of the opening, for the incident's whole life: receivers group by them."""
    return {
        "alertname": incident.alert,
        "severity": incident.opening_severity.value,
        "target": incident.target,
        "account": incident.account,
        "provider": incident.provider,
        "cause": incident.opening_cause.value,
    }


def _annotations(
    incident: Incident,
    view: View | None,
    page: Runbook | None,
    url: str,
    lines: tuple[str, str, str],
    muted: tuple[str, ...],
    customers: str,
) -> dict[str, str]:
    what, how_long, todo = lines
    speaks = f" This speaks for: {', '.join(muted)}." if muted else ""
    outlook = view.outlook if view else None
    burn = outlook.burn_per_hour if outlook else None
    balance = view.known_balance if view else None
    return {
        "severity": incident.severity.value,
        "cause": incident.cause.value,
        "summary": headline(incident, view),
        "description": f"{what} {how_long} {todo}{speaks}",
        "runbook": page.name if page else "",
        "runbook_url": _runbook_url(page, url) if page and url else "",
        "next_step": todo,
        "customers": customers,
        "balance": "" if balance is None else amount(balance),
        "burn_per_hour": "" if burn is None else amount(burn),
        "runway": runway_range(view),
        "jobs_left": jobs_in_words(jobs_of(view)),
    }


def jobs_in_words(jobs_left: Iterable[tuple[str, int]]) -> str:
    """`43 Sora 2 Pro 720p 15 s videos, 19 Sora 2 Pro 1080p 15 s videos`."""
    return ", ".join(f"{count or 'no'} {job}" for job, count in jobs_left)
