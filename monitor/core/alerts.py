"""The alert machine: step(alert, verdict, now) to the next alert and its incident.

Law: an alert fires if and only if there is an open incident whose id it holds. An unknown verdict
neither opens nor closes one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.core.evidence import Moment
from monitor.core.flapping import Damping, Flaps
from monitor.core.incident import RESOLVED
from monitor.core.model import (
    Ack,
    Alert,
    AlertState,
    Incident,
    Judgement,
    Verdict,
    incident_id,
)
from monitor.core.rules import Rule


@dataclass(frozen=True, slots=True)
class Stepped:
    """What one verdict has made of an alert. `incident` is the one it concerns, if any."""

    alert: Alert
    incident: Incident | None
    opened: bool = False
    closed: bool = False
    escalated: bool = False  # it stood before, and its severity has risen


def step(
    alert: Alert,
    judgement: Judgement,
    rule: Rule,
    now: datetime,
    *,
    incident: Incident | None,
    account: str,
    provider: str,
    interval: float = 300.0,
    damping: Damping | None = None,
    past: Callable[[], Sequence[Incident]] = tuple,
) -> Stepped:
    """What one more verdict makes of an alert.

    `incident` is the one `alert.incident` names. `interval`: the longest time in seconds between
    two readings; a pending alert lapses when nothing was read for its `for` plus two of them.
    `damping`: from when on an alert flaps, None for never; `past` gives its earlier incidents, and
    is asked where it opens.
    """
    patience = timedelta(seconds=rule.for_seconds + 2 * interval)
    moment = Moment(judgement, rule, now, account, provider, patience, damping, past)
    if alert.state is not AlertState.FIRING:
        return _step_quiet(alert, moment)
    if incident is not None and incident.id == alert.incident and not incident.open:
        return _step_quiet(Alert(alert.rule, alert.target), moment)
    if incident is None or incident.id != alert.incident:
        incident = _remembered(alert, moment)
    return _step_firing(alert, incident, moment)


def _step_quiet(alert: Alert, moment: Moment) -> Stepped:
    if moment.judgement.verdict is Verdict.OK:
        return Stepped(Alert(alert.rule, alert.target), None)
    if moment.silent(alert.evidence_at):
        alert = Alert(alert.rule, alert.target)
    if moment.judgement.verdict is Verdict.UNKNOWN or moment.silent(moment.judgement.evidence_at):
        return Stepped(alert, None)
    pending = _count(alert, moment)
    if pending.breaches >= moment.needed and moment.stood(pending.since or moment.now):
        return _open(pending, moment)
    return Stepped(pending, None)


def _count(alert: Alert, moment: Moment) -> Alert:
    """A pending alert with one more breach, if this is one: a reading never counts twice."""
    judgement, now = moment.judgement, moment.now
    fresh = moment.fresh(alert)
    return replace(
        alert,
        state=AlertState.PENDING,
        since=now if alert.since is None else min(alert.since, now),
        breaches=alert.breaches + fresh,
        evidence_at=moment.evidence if fresh else alert.evidence_at,
        severity=moment.rule.severity,
        cause=judgement.cause,
        summary=judgement.summary,
    )


def _open(alert: Alert, moment: Moment) -> Stepped:
    now, rule = moment.now, moment.rule
    name = incident_id(alert.rule, alert.target, now)
    flaps, ack = _flapping(moment)
    firing = replace(
        alert,
        state=AlertState.FIRING,
        since=now,
        clear_since=None,
        clears=0,
        incident=name,
        flaps=flaps,
    )
    incident = Incident(
        id=name,
        alert=alert.rule,
        target=alert.target,
        account=moment.account,
        provider=moment.provider,
        opened_at=now,
        opening_severity=rule.severity,
        opening_cause=alert.cause,
        severity=rule.severity,
        cause=alert.cause,
        summary=firing.said,
        ack=ack,
        flapping=flaps is not None,
    )
    return Stepped(firing, incident, opened=True)


def _flapping(moment: Moment) -> tuple[Flaps | None, Ack | None]:
    """Whether it flaps by now, and who has seen the last of its episodes: that still holds."""
    if moment.damping is None:
        return None, None
    now, edge = moment.now, moment.now - timedelta(seconds=moment.damping.within)
    ended = [
        (i.closed_at, i)
        for i in moment.past()
        if i.closed_at and i.close_reason == RESOLVED and edge <= i.opened_at <= i.closed_at <= now
    ]
    flaps = moment.damping.began([at for at, _ in ended], now)
    if flaps is None:
        return None, None
    return flaps, max(ended, key=lambda pair: pair[0])[1].ack


def _remembered(alert: Alert, moment: Moment) -> Incident:
    """The incident of a firing alert whose own was lost with a database: it still stands."""
    return Incident(
        id=alert.incident or incident_id(alert.rule, alert.target, alert.since or moment.now),
        alert=alert.rule,
        target=alert.target,
        account=moment.account,
        provider=moment.provider,
        opened_at=alert.since or moment.now,
        opening_severity=alert.severity,
        opening_cause=alert.cause,
        severity=alert.severity,
        cause=alert.cause,
        summary=alert.summary,
    )


def _step_firing(alert: Alert, incident: Incident, moment: Moment) -> Stepped:
    verdict = moment.judgement.verdict
    alert = replace(alert, incident=incident.id, flaps=_looked(alert, moment))
    if verdict is Verdict.OK:
        alert = _clearing(alert, moment)
        if _over(alert, moment):
            flaps = alert.flaps is not None
            return close(alert, replace(incident, flapping=flaps), moment.now, RESOLVED)
    elif verdict is Verdict.BREACH:
        alert = _still(alert, moment)
    return _present(replace(alert, severity=moment.rule.severity), incident)


def _looked(alert: Alert, moment: Moment) -> Flaps | None:
    """How it flaps as of this look; None also where the config damps nothing any more."""
    flaps, damping = alert.flaps, moment.damping
    if flaps is None or damping is None:
        return None
    if moment.judgement.verdict is Verdict.UNKNOWN:
        return flaps
    return flaps.looked(moment.now, patience=moment.patience, within=damping.within)


def _clearing(alert: Alert, moment: Moment) -> Alert:
    """A firing alert with one more good reading, if this is one: a reading never counts twice."""
    now, needed = moment.now, moment.rule.clear_after
    fresh = alert.clears == 0 or moment.fresh(alert)
    alert = replace(
        alert,
        clear_since=now if alert.clear_since is None else min(alert.clear_since, now),
        clears=min(alert.clears + fresh, needed),
        evidence_at=moment.evidence if fresh else alert.evidence_at,
    )
    flaps = alert.flaps
    if flaps is None:
        return alert
    if flaps.fine:
        flaps = flaps.recovered()
    elif _cleared(alert, moment):
        flaps = flaps.closed(now)
    return replace(alert, breaches=0, flaps=flaps)


def _cleared(alert: Alert, moment: Moment) -> bool:
    """Whether it is fine for as many readings, and for as long, as the rule asks."""
    lasted = moment.now - (alert.clear_since or moment.now)
    enough = alert.clears >= moment.rule.clear_after
    return enough and lasted >= timedelta(seconds=moment.rule.keep_firing_for)


def _over(alert: Alert, moment: Moment) -> bool:
    if alert.flaps is None:
        return _cleared(alert, moment)
    return alert.flaps.fine and alert.flaps.steady(moment.now)


def _still(alert: Alert, moment: Moment) -> Alert:
    """A firing alert that is confirmed, with the present reasons."""
    judgement, fresh = moment.judgement, moment.fresh(alert)
    alert = replace(
        alert,
        clear_since=None,
        clears=0,
        breaches=alert.breaches + fresh,
        evidence_at=moment.evidence if fresh else alert.evidence_at,
        cause=judgement.cause,
        summary=judgement.summary,
    )
    return replace(alert, flaps=_relapsed(alert.flaps, alert, moment))


def _relapsed(flaps: Flaps | None, alert: Alert, moment: Moment) -> Flaps | None:
    """How it flaps after a breach; None: it has stood for the whole window, and flaps no more."""
    now = moment.now
    if flaps is None or not flaps.fine:
        return None if flaps is None or flaps.steady(now) else flaps
    flaps = flaps.breached(now)
    lasted = moment.stood(flaps.breach_since or now)
    return flaps.opened(now) if alert.breaches >= moment.needed and lasted else flaps


def _present(alert: Alert, incident: Incident) -> Stepped:
    """The open incident with the alert's present severity, cause and reasons."""
    escalated = alert.severity.rank > incident.severity.rank
    fell = alert.severity.rank < incident.severity.rank
    now = replace(
        incident,
        severity=alert.severity,
        worst=incident.ever if fell else incident.worst,
        cause=alert.cause,
        summary=alert.said,
        flapping=alert.flaps is not None,
    )
    return Stepped(alert, now, escalated=escalated)


def close(alert: Alert, incident: Incident, now: datetime, reason: str) -> Stepped:
    """End an incident: RESOLVED, `rule removed`, `target removed`. Never before it opened."""
    if not incident.open:
        return Stepped(Alert(alert.rule, alert.target), incident)
    closed = replace(incident, closed_at=max(now, incident.opened_at), close_reason=reason)
    return Stepped(Alert(alert.rule, alert.target), closed, closed=True)
