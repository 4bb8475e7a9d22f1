"""The status document: what `--once`, `status` and the API say of everything, as strict JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from monitor.core.accuracy import figures as accuracy
from monitor.core.advice import next_step, summary
from monitor.core.budget import renews_at
from monitor.core.burners import JobsReported, burners_document
from monitor.core.causes import Status
from monitor.core.figures import estimate, number, quota_figures, runway_hours, second
from monitor.core.jobs import counted
from monitor.core.keys import shown
from monitor.core.lease import Leading, Presence, called
from monitor.core.maintenance import WindowState
from monitor.core.model import Alert, AlertState, Check, Incident, ServiceState, Silence
from monitor.core.rules import Rule
from monitor.core.settings import Account
from monitor.core.snapshot import Snapshot
from monitor.core.status import Row, exit_code, rows, whole
from monitor.core.untold import Untold, untold
from monitor.core.view import View

VERSION = 1


def document(
    snapshot: Snapshot, *, duration: float | None = None, fail_on: Status = Status.UNKNOWN
) -> dict[str, object]:
    """The status document, version 1, ready for strict JSON. `duration`: seconds it took."""
    found, rules = rows(snapshot), {rule.name: rule for rule in snapshot.settings.rules}
    known, waits = {i.id: i for i in snapshot.incidents}, untold(snapshot)
    status = whole(found)
    return {
        "version": VERSION,
        "at": second(snapshot.at),
        "status": status.value,
        "exit_code": exit_code(status, fail_on),
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
        "daemon": None if snapshot.daemon is None else _daemon(snapshot.daemon),
    }


def _balance(view: View) -> dict[str, object]:
    """The figures of a balance: null where the last probe did not read them."""
    outlook = view.outlook if view.known else None
    return {
        "balance": number(view.known_balance),
        "last_balance": number(view.balance),
        "doubted": _doubted(view),
        "unit": view.unit,
        "unit_since": second(view.unit_since),
        "floor": number(view.floor),
        "burn_per_hour": estimate(outlook.burn_per_hour) if outlook else None,
        "burn_planned": outlook.planned if outlook else None,
        "runway_hours": runway_hours(outlook) if outlook else None,
        "forecast_accuracy": accuracy(view.hindsight),
        "jobs_left": dict(view.jobs_left) if view.known else None,
        "jobs_in_words": _jobs_in_words(view) if view.known else None,
    }


def _doubted(view: View) -> dict[str, object] | None:
    """What was read last, while the balance is still the one before it."""
    if view.doubted is None:
        return None
    balance, since = view.doubted
    return {"balance": number(balance), "since": second(since)}


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
        "next_step_in_full": next_step(view, firing, row.siblings, in_full=True),
        "firing": [{"alert": a.rule, "summary": a.said} for a in row.firing],
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
    """`knows`: the severity the receiver has heard of, while it is worse by now; else null."""
    return {
        "receiver": found.receiver,
        "why": found.why,
        "until": second(found.until),
        "knows": None if found.knows is None else found.knows.value,
    }


def _alert(
    alert: Alert, incidents: Mapping[str, Incident], waits: Iterable[Untold]
) -> dict[str, object]:
    incident = incidents.get(alert.incident or "")
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
        "acknowledged": _ack(incident),
        "untold": [_untold(u) for u in waits if u.incident == alert.incident],
    }


def _ack(incident: Incident | None) -> dict[str, object] | None:
    """Who has seen it, and at which severity: one that is worse speaks again."""
    ack = None if incident is None else incident.ack
    if ack is None:
        return None
    return {"by": ack.by, "comment": ack.comment, "severity": ack.severity.value}


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


def _daemon(daemon: Presence) -> dict[str, object]:
    """Whether a daemon lives on the database; where none does, all else is of `last_seen`."""
    return {
        "alive": daemon.alive,
        "ran": daemon.ran,
        "last_seen": second(daemon.last_seen),
        "config_fault": daemon.config_fault or None,
    }


def _calls(account: Account, snapshot: Snapshot) -> dict[str, object]:
    """An account's budget of requests."""
    return {
        "account": account.name,
        "made": snapshot.counts.calls.get(account.name, 0),
        "budget": account.calls,
        "renews_at": second(renews_at(snapshot.at)),
    }
