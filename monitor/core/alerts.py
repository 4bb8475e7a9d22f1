"""The alert machine: step(alert, verdict, now) to the next alert and its incident.

Law: an alert fires if and only if there is an open incident whose id it holds. An unknown verdict
neither opens nor closes one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.core.model import (
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


@dataclass(frozen=True, slots=True)
class _Moment:
    """What a step is handed, together."""

    judgement: Judgement
    rule: Rule
    now: datetime
    account: str
    provider: str
    patience: timedelta  # how long a pending alert outlives the last reading

    @property
    def needed(self) -> int:
        """Breaching readings in a row before the alert fires."""
        return self.rule.after_by_cause.get(self.judgement.cause, self.rule.after)


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
) -> Stepped:
    """What one more verdict makes of an alert.

    `incident` is the one `alert.incident` names. `interval`: the longest time in seconds between
    two readings; a pending alert lapses when nothing was read for its `for` plus two of them.
    """
    patience = timedelta(seconds=rule.for_seconds + 2 * interval)
    moment = _Moment(judgement, rule, now, account, provider, patience)
    if alert.state is not AlertState.FIRING:
        return _step_quiet(alert, moment)
    if incident is not None and incident.id == alert.incident and not incident.open:
        return _step_quiet(Alert(alert.rule, alert.target), moment)
    if incident is None or incident.id != alert.incident:
        incident = _remembered(alert, moment)
    return _step_firing(alert, incident, moment)


def _step_quiet(alert: Alert, moment: _Moment) -> Stepped:
    if moment.judgement.verdict is Verdict.OK:
        return Stepped(Alert(alert.rule, alert.target), None)
    if _silent(alert.evidence_at, moment):
        alert = Alert(alert.rule, alert.target)
    if moment.judgement.verdict is Verdict.UNKNOWN or _silent(
        moment.judgement.evidence_at, moment
    ):
        return Stepped(alert, None)
    pending = _count(alert, moment)
    since = pending.since or moment.now
    lasted = moment.now - since >= timedelta(seconds=moment.rule.for_seconds)
    if pending.breaches >= moment.needed and lasted:
        return _open(pending, moment)
    return Stepped(pending, None)


def _silent(evidence: datetime | None, moment: _Moment) -> bool:
    """Whether what this rests on is so old that it says nothing of the present.

    Just as far in the future, it was dated by a clock that has jumped back since.
    """
    return evidence is not None and abs(moment.now - evidence) > moment.patience


def _count(alert: Alert, moment: _Moment) -> Alert:
    """A pending alert with one more breach, if this is one: a reading never counts twice."""
    judgement, now = moment.judgement, moment.now
    fresh = _fresh(alert, moment)
    return replace(
        alert,
        state=AlertState.PENDING,
        since=now if alert.since is None else min(alert.since, now),
        breaches=alert.breaches + fresh,
        evidence_at=(judgement.evidence_at or now) if fresh else alert.evidence_at,
        severity=moment.rule.severity,
        cause=judgement.cause,
        summary=judgement.summary,
    )


def _fresh(alert: Alert, moment: _Moment) -> bool:
    """Whether the judgement rests on a reading that has not counted yet, also after a clock
    has jumped back: then what counted lies in the future."""
    counted, evidence = alert.evidence_at, moment.judgement.evidence_at or moment.now
    if counted is None:
        return True
    return evidence > counted or (counted > moment.now and evidence != counted)


def _open(alert: Alert, moment: _Moment) -> Stepped:
    now, rule = moment.now, moment.rule
    name = incident_id(alert.rule, alert.target, now)
    firing = replace(alert, state=AlertState.FIRING, since=now, clear_since=None, incident=name)
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
        summary=alert.summary,
    )
    return Stepped(firing, incident, opened=True)


def _remembered(alert: Alert, moment: _Moment) -> Incident:
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


def _step_firing(alert: Alert, incident: Incident, moment: _Moment) -> Stepped:
    verdict, now = moment.judgement.verdict, moment.now
    alert = replace(alert, incident=incident.id)
    if verdict is Verdict.OK:
        since = now if alert.clear_since is None else min(alert.clear_since, now)
        if now - since >= timedelta(seconds=moment.rule.keep_firing_for):
            return close(alert, incident, now, "resolved")
        alert = replace(alert, clear_since=since)
    elif verdict is Verdict.BREACH:
        alert = _still(alert, moment)
    return _present(replace(alert, severity=moment.rule.severity), incident)


def _still(alert: Alert, moment: _Moment) -> Alert:
    """A firing alert that is confirmed, with the present reasons."""
    judgement, fresh = moment.judgement, _fresh(alert, moment)
    return replace(
        alert,
        clear_since=None,
        breaches=alert.breaches + fresh,
        evidence_at=(judgement.evidence_at or moment.now) if fresh else alert.evidence_at,
        cause=judgement.cause,
        summary=judgement.summary,
    )


def _present(alert: Alert, incident: Incident) -> Stepped:
    """The open incident with the alert's present severity, cause and reasons."""
    escalated = alert.severity.rank > incident.severity.rank
    now = replace(incident, severity=alert.severity, cause=alert.cause, summary=alert.summary)
    return Stepped(alert, now, escalated=escalated)


def close(alert: Alert, incident: Incident, now: datetime, reason: str) -> Stepped:
    """End an incident: `resolved`, `rule removed`, `target removed`. Never before it opened."""
    if not incident.open:
        return Stepped(Alert(alert.rule, alert.target), incident)
    closed = replace(incident, closed_at=max(now, incident.opened_at), close_reason=reason)
    return Stepped(Alert(alert.rule, alert.target), closed, closed=True)
