"""How everything stands: the status document, the status of a target and of the whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitor.core.accuracy import figures as accuracy
from monitor.core.advice import next_step, summary, whoami_only
from monitor.core.budget import renews_at
from monitor.core.burners import JobsReported, burners_document
from monitor.core.causes import CAUSES, KEY_CAUSES, Cause, Severity, Standing, Status, worst
from monitor.core.figures import estimate, number, quota_figures, runway_hours, second
from monitor.core.jobs import counted
from monitor.core.keys import shown
from monitor.core.lease import Leading, called
from monitor.core.maintenance import WindowState
from monitor.core.model import (
    Alert,
    AlertState,
    Check,
    Incident,
    ServiceState,
    Silence,
    models_target,
    provider_target,
)
from monitor.core.rules import Rule
from monitor.core.settings import Account
from monitor.core.snapshot import Snapshot
from monitor.core.untold import Untold, untold
from monitor.core.view import View

VERSION = 1
_OF_SEVERITY = {
    Severity.INFO: Status.OK,
    Severity.WARNING: Status.WARNING,
    Severity.CRITICAL: Status.CRITICAL,
}


def concerned(view: View) -> frozenset[str]:
    """The targets whose alerts speak of this one: itself, its account's models, its provider.

    A status page, on a host of its own, is not what `PROVIDER/provider` stands for.
    """
    names = {view.target}
    if view.check is Check.MODEL:
        names.add(models_target(view.account))
    asked = view.check is not Check.STATUS and not view.local
    if asked and view.cause is not Cause.NOT_CONFIGURED:
        names.add(provider_target(view.provider))
    return frozenset(names)


def _firing(view: View, alerts: Iterable[Alert]) -> list[Alert]:
    """The firing alerts that speak of a target, the worst first."""
    names = concerned(view)
    found = [a for a in alerts if a.state is AlertState.FIRING and a.target in names]
    return sorted(found, key=lambda a: (-a.severity.rank, a.rule, a.target))


def _unusable(view: View) -> bool:
    return view.standing is Standing.UNUSABLE and view.key_cause is None


def cause_status(view: View, siblings: Iterable[View] = ()) -> Status:
    """What the table of causes says of a target. `siblings`: the views of its account."""
    siblings = tuple(siblings)
    if view.cause is None or (view.key_cause is not None and view.cause not in KEY_CAUSES):
        return Status.UNKNOWN
    if view.cause in (Cause.NOT_KNOWABLE, Cause.NOT_CONFIGURED):
        needed = view.check is Check.BALANCE or view.named
        return Status.UNKNOWN if needed else Status.OK
    if whoami_only(view, siblings):
        return Status.OK
    status = CAUSES[view.cause].once
    if view.check is Check.MODEL and _unusable(view):
        models = [s for s in siblings if s.check is Check.MODEL]
        gone = bool(models) and all(_unusable(m) for m in models)
        return Status.CRITICAL if gone else status
    return worst([status, Status.WARNING]) if view.warning else status


def target_status(view: View, alerts: Iterable[Alert], siblings: Iterable[View] = ()) -> Status:
    """The worst severity of the firing alerts that speak of it, else what its cause says.

    An alert of severity info counts as ok, but does not make a target known that was not read;
    a model is critical when none of its account is left, and what sees its key refused is, though
    its own alert only warns: the alert that says more stands on `ACCOUNT/key` or `ACCOUNT/model`.
    """
    by_cause, firing = cause_status(view, siblings), _firing(view, alerts)
    if not firing:
        return by_cause
    by_alert = _OF_SEVERITY[firing[0].severity]
    if by_cause is Status.CRITICAL and (view.check is Check.MODEL or view.cause in KEY_CAUSES):
        return Status.CRITICAL
    unread = by_alert is Status.OK and by_cause is Status.UNKNOWN
    return Status.UNKNOWN if unread else by_alert


@dataclass(frozen=True, slots=True)
class Row:
    """One configured target as it stands. Of `ACCOUNT/key`: with what any target saw of it."""

    view: View
    status: Status
    firing: tuple[Alert, ...]  # the worst first; those of derived targets too
    siblings: tuple[View, ...]  # of the same account

    @property
    def counts(self) -> bool:
        """Whether it weighs in the whole: a status page alone does not."""
        return self.view.check is not Check.STATUS or bool(self.firing)


def rows(snapshot: Snapshot) -> tuple[Row, ...]:
    """Every configured target as it stands, in the config's order."""
    views = [snapshot.derived.get(n, v) for n, v in snapshot.views.items()]
    accounts: dict[str, list[View]] = defaultdict(list)
    alerts: dict[str, list[Alert]] = defaultdict(list)
    for view in views:
        accounts[view.account].append(view)
    for alert in snapshot.alerts:
        alerts[alert.target].append(alert)
    return tuple(_row(v, tuple(accounts[v.account]), alerts) for v in views)


def _row(view: View, siblings: tuple[View, ...], alerts: Mapping[str, list[Alert]]) -> Row:
    heard = [a for name in concerned(view) for a in alerts.get(name, ())]
    firing = tuple(_firing(view, heard))
    return Row(view, target_status(view, heard, siblings), firing, siblings)


def _whole(found: Iterable[Row]) -> Status:
    return worst([row.status for row in found if row.counts])


def overall(snapshot: Snapshot) -> Status:
    """The worst target; of none, ok."""
    return _whole(rows(snapshot))


def exit_code(status: Status, fail_on: Status = Status.UNKNOWN) -> int:
    """Nagios' exit code of the whole; what is below `fail_on` exits 0."""
    return status.exit_code if status.badness >= fail_on.badness else 0


def _balance(view: View) -> dict[str, object]:
    """The figures of a balance: null where the last probe did not read them."""
    outlook = view.outlook if view.known else None
    return {
        "balance": number(view.known_balance),
        "last_balance": number(view.balance),
        "unit": view.unit,
        "unit_since": second(view.unit_since),
        "floor": number(view.floor),
        "burn_per_hour": estimate(outlook.burn_per_hour) if outlook else None,
        "runway_hours": runway_hours(outlook) if outlook else None,
        "forecast_accuracy": accuracy(view.hindsight),
        "jobs_left": dict(view.jobs_left) if view.known else None,
        "jobs_in_words": _jobs_in_words(view) if view.known else None,
    }


def _jobs_in_words(view: View) -> dict[str, str]:
    """The same, each as people say it: `43 Sora 2 Pro 720p 15 s videos`."""
    titles = view.job_titles
    return {job: counted(n, job, titles.get(job, "")) for job, n in view.jobs_left.items()}


def _target(
    row: Row, rules: Mapping[str, Rule], reported: JobsReported | None
) -> dict[str, object]:
    view, reading = row.view, row.view.reading
    firing = [rules[a.rule] for a in row.firing if a.rule in rules]
    entry: dict[str, object] = {
        "target": view.target,
        "account": view.account,
        "provider": view.provider,
        "check": view.check.value if view.check is not None else None,
        "subject": view.subject,
        "status": row.status.value,
        "cause": view.cause.value if view.cause is not None else None,
        "summary": summary(view, row.siblings),
        "next_step": next_step(view, firing, row.siblings),
        "last_run": second(reading.at if reading is not None else None),
        "last_success": second(view.last_success),
        "duration_seconds": estimate(reading.duration) if reading is not None else None,
        "interval_seconds": estimate(view.interval),
        "facts": shown(view.facts),
    }
    if view.check is Check.BALANCE:
        entry |= _balance(view)
        entry |= {"jobs_reported": burners_document(reported)} if reported is not None else {}
    if view.check is Check.QUOTA or view.quotas:
        entry["quotas"] = [quota_figures(q) for q in view.known_quotas]
    return entry


def _untold(found: Untold) -> dict[str, object]:
    return {"receiver": found.receiver, "why": found.why, "until": second(found.until)}


def _alert(
    alert: Alert, incidents: Mapping[str, Incident], waits: Iterable[Untold]
) -> dict[str, object]:
    incident = incidents.get(alert.incident or "")
    ack = incident.ack if incident is not None else None
    acknowledged = None if ack is None else {"by": ack.by, "comment": ack.comment}
    return {
        "alert": alert.rule,
        "target": alert.target,
        "severity": alert.severity.value,
        "state": alert.state.value,
        "cause": alert.cause.value,
        "summary": alert.said,
        "flapping": alert.flaps is not None,
        "since": second(alert.since),
        "incident": alert.incident,
        "acknowledged": acknowledged,
        "untold": [_untold(u) for u in waits if u.incident == alert.incident],
    }


def _silence(silence: Silence) -> dict[str, object]:
    return {
        "id": silence.id,
        "targets": silence.targets,
        "alert": silence.alert,
        "ends_at": second(silence.ends_at),
        "author": silence.author,
        "comment": silence.comment,
    }


def _window(state: WindowState) -> dict[str, object]:
    """A maintenance window: the time it is in, or the next one."""
    return {
        "name": state.window.name,
        "targets": list(state.window.targets),
        "alert": state.window.alert,
        "active": state.active,
        "starts_at": second(state.starts_at),
        "ends_at": second(state.ends_at),
        "timezone": str(state.window.zone),
    }


def _service(state: ServiceState) -> dict[str, object]:
    return {
        "service": state.service,
        "status": state.status.value,
        "tell_customers": state.tell_customers,
    }


def document(
    snapshot: Snapshot, *, duration: float | None = None, fail_on: Status = Status.UNKNOWN
) -> dict[str, object]:
    """The status document, version 1, ready for strict JSON. `duration`: seconds it took."""
    found, rules = rows(snapshot), {rule.name: rule for rule in snapshot.settings.rules}
    known, waits = {i.id: i for i in snapshot.incidents}, untold(snapshot)
    whole = _whole(found)
    return {
        "version": VERSION,
        "at": second(snapshot.at),
        "status": whole.value,
        "exit_code": exit_code(whole, fail_on),
        "duration_seconds": None if duration is None else estimate(duration),
        "targets": [
            _target(row, rules, snapshot.jobs_reported.get(row.view.account)) for row in found
        ],
        "alerts": [
            _alert(a, known, waits) for a in snapshot.alerts if a.state is not AlertState.INACTIVE
        ],
        "silences": [_silence(s) for s in snapshot.silences if s.active(snapshot.at)],
        "maintenance": [_window(w) for w in snapshot.maintenance],
        "services": [_service(s) for s in snapshot.services],
        "calls": [_calls(a, snapshot) for a in snapshot.settings.accounts if a.calls],
        "leader": None if snapshot.leading is None else _leading(snapshot.leading),
    }


def _leading(leading: Leading) -> dict[str, object]:
    """Which daemon leads. `leads`: whether it is the one that says so."""
    return {
        "leads": leading.leads,
        "holder": called(leading.holder),
        "epoch": leading.epoch,
        "since": second(leading.since),
        "alive_at": second(leading.alive_at),
        "standbys": list(leading.standbys),
    }


def _calls(account: Account, snapshot: Snapshot) -> dict[str, object]:
    """An account's budget of requests."""
    return {
        "account": account.name,
        "made": snapshot.counts.calls.get(account.name, 0),
        "budget": account.calls,
        "renews_at": second(renews_at(snapshot.at)),
    }
