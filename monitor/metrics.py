"""Every metric there is, and what a snapshot says of each: values, before any exposition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import product

from monitor import __version__
from monitor.core.builtin import NOTICES
from monitor.core.causes import Cause, Standing
from monitor.core.desk import acknowledged
from monitor.core.lease import Leading
from monitor.core.model import AlertState, Check, Kind, Outlook, ServiceStatus, key_target
from monitor.core.snapshot import Called, Snapshot
from monitor.core.view import View

Row = tuple[str, tuple[str, ...], float]  # metric, label values in the table's order, value


@dataclass(frozen=True, slots=True)
class Described:
    """One metric: `_total` is a counter, `_info` an info, everything else a gauge."""

    name: str
    labels: tuple[str, ...]
    help: str


RESULTS = ("ok", "failed", "refused")  # what may become of a notification

_TARGET, _OWNER = ("target",), ("account", "provider")
_MONEY, _QUOTA = (*_OWNER, "unit"), (*_OWNER, "quota", "unit")
_BEFORE = (*_OWNER, "before")
_INCIDENT = ("alert", "target")

METRICS: tuple[Described, ...] = tuple(Described(*row) for row in (
    ("monitor_target_info", ("target", "account", "provider", "check", "subject"),
     "What a target is made of; subject is the model's ID, else empty."),
    ("monitor_target_cause", ("target", "cause"),
     "1 for what the target's state comes from; ok where nothing is wrong."),
    ("monitor_probe_success", _TARGET, "Whether the last probe read anything."),
    ("monitor_probe_duration_seconds", _TARGET, "How long the last probe took."),
    ("monitor_probes_total", ("target", "cause"), "Finished probes by what they found."),
    ("monitor_probe_last_run_timestamp_seconds", _TARGET, "When the last probe finished."),
    ("monitor_probe_last_success_timestamp_seconds", _TARGET, "When one last read something."),
    ("monitor_probe_interval_seconds", _TARGET, "The longest time between two probes."),
    ("monitor_key_valid", _OWNER,
     "Whether the key is accepted and may do what is needed; absent when not read."),
    ("monitor_model_available", (*_OWNER, "model"),
     "Whether the model can be served; absent when not read."),
    ("monitor_balance", _MONEY, "The accepted balance, as last read."),
    ("monitor_balance_floor", _MONEY, "The balance at which the account is of no use."),
    ("monitor_spent_total", _MONEY, "Credit spent, gross, since the ledger began."),
    ("monitor_topped_up_total", _MONEY, "Credit topped up since the ledger began."),
    ("monitor_burn_per_hour", _MONEY, "Credit spent per hour, as forecast."),
    ("monitor_runway_seconds", (*_OWNER, "percentile"),
     "Time until the floor is reached; +Inf when nothing burns, absent when unknown."),
    ("monitor_forecast_error_ratio", _BEFORE,
     "What the forecast said so long before the last ending, by what was true."),
    ("monitor_forecast_scored_total", _BEFORE, "Forecasts that could be scored at an ending."),
    ("monitor_forecast_held_total", _BEFORE, "Of them, those whose P10 to P90 held the truth."),
    ("monitor_jobs_left", (*_OWNER, "job"), "Whole jobs of one price the balance still pays."),
    ("monitor_quota_used", _QUOTA, "What is used of a limit that resets."),
    ("monitor_quota_limit", _QUOTA, "A limit that resets; absent when there is none."),
    ("monitor_quota_reset_timestamp_seconds", _QUOTA, "When the limit resets."),
    ("monitor_quota_exhausted_timestamp_seconds", (*_OWNER, "quota"),
     "When a declared quota is used up at the present pace; absent when it lasts to its reset."),
    ("monitor_jobs_reported_total", (*_OWNER, "job"),
     "Jobs that applications have reported since the start."),
    ("monitor_service_up", ("service",),
     "What customers see: up or degraded 1, down 0, absent when unknown."),
    ("monitor_service_degraded", ("service",), "Whether it is degraded; absent when unknown."),
    ("monitor_calls_today", _OWNER,
     "Requests since midnight UTC, or since the start where that is later."),
    ("monitor_calls_budget", _OWNER, "Requests a day the account may be asked with."),
    ("monitor_alert_firing", ("alert", "target", "severity"), "1 for every firing alert."),
    ("monitor_alert_flapping", ("alert", "target"),
     "1 for every firing alert that opens and closes so often that its incident is held open."),
    ("monitor_incident_opened_timestamp_seconds", _INCIDENT, "When an open incident opened."),
    ("monitor_incident_acknowledged", _INCIDENT,
     "Whether somebody has acknowledged an open incident as bad as it is now."),
    ("monitor_incidents_total", ("alert", "severity"), "Incidents opened since the start."),
    ("monitor_notifications_total", ("receiver", "kind", "result"),
     "Notifications by what became of them: ok, failed, refused."),
    ("monitor_notifications_pending", ("receiver",), "Notifications still to be told."),
    ("monitor_notifications_oldest_pending_timestamp_seconds", ("receiver",),
     "Since when the oldest of them is due; absent while there is none."),
    ("monitor_config_last_reload_successful", (), "Whether the last reload took the config."),
    ("monitor_config_last_reload_success_timestamp_seconds", (),
     "When a config was last taken, at start or by reload."),
    ("monitor_leader", (), "Whether this daemon leads, or stands by."),
    ("monitor_standbys", (), "Daemons that stand by; the leader knows of them."),
    ("monitor_heartbeat_success", (),
     "Whether the switch outside heard the last call; absent without one."),
    ("monitor_heartbeat_well", (), "Whether that call said that all is well."),
    ("monitor_heartbeat_last_success_timestamp_seconds", (), "When it last heard a call."),
    ("monitor_scheduler_lag_seconds", (), "How late the last probe began."),
    ("monitor_build_info", ("version",), "The version that runs."),
))  # fmt: skip


def rows(snapshot: Snapshot) -> Iterator[Row]:
    """Every series of a snapshot. What is not known yields nothing.

    A standby asks nobody: of targets it says nothing, or they would look as if nobody asked them.
    Its counters are there at 0, so that the first thing they count is an increase.
    """
    if snapshot.leading is None or snapshot.leading.leads:
        yield from _target_rows(snapshot)
    yield from _house_rows(snapshot)
    yield from _incident_rows(snapshot)
    yield from _count_rows(snapshot)
    yield from _zero_rows(snapshot)


def _target_rows(snapshot: Snapshot) -> Iterator[Row]:
    for view in snapshot.views.values():
        if view.check is None:
            continue
        subject = view.subject or ""
        labels = (view.target, view.account, view.provider, view.check.value, subject)
        yield "monitor_target_info", labels, 1
        if view.cause is not None:
            yield "monitor_target_cause", (view.target, view.cause.value), 1
        yield from _probe_rows(view)
        yield from _model_rows(view)
        yield from _balance_rows(view, snapshot)
        yield from _quota_rows(view)
    yield from _key_rows(snapshot)
    yield from _call_rows(snapshot)


def _call_rows(snapshot: Snapshot) -> Iterator[Row]:
    for account in snapshot.settings.accounts:
        owner = (account.name, account.provider)
        if account.name in snapshot.counts.calls:
            yield "monitor_calls_today", owner, snapshot.counts.calls[account.name]
        if account.calls is not None:
            yield "monitor_calls_budget", owner, account.calls


def _probe_rows(view: View) -> Iterator[Row]:
    target = (view.target,)
    yield "monitor_probe_interval_seconds", target, view.interval
    if view.reading is not None:
        # The reading's own cause, not the judged one: a balance under the floor was read.
        yield "monitor_probe_success", target, float(view.reading.read)
        yield "monitor_probe_duration_seconds", target, view.reading.duration
        yield from _at("monitor_probe_last_run_timestamp_seconds", target, view.reading.at)
    yield from _at("monitor_probe_last_success_timestamp_seconds", target, view.last_success)


def _at(name: str, labels: tuple[str, ...], at: datetime | None) -> Iterator[Row]:
    if at is not None:
        yield name, labels, at.timestamp()


def _model_rows(view: View) -> Iterator[Row]:
    if view.check is Check.MODEL and view.subject is not None:
        labels = (view.account, view.provider, view.subject)
        yield from _usable("monitor_model_available", labels, view)


def _usable(name: str, labels: tuple[str, ...], view: View) -> Iterator[Row]:
    """Usable 1, unusable 0, not read absent. Of a bad key's account, fine is not known either."""
    standing = view.standing
    if standing is Standing.UNUSABLE:
        yield name, labels, 0
    elif standing is Standing.USABLE and view.key_cause is None:
        yield name, labels, 1


def _key_rows(snapshot: Snapshot) -> Iterator[Row]:
    for account in snapshot.settings.accounts:
        name = key_target(account.name)
        view = snapshot.derived.get(name) or snapshot.views.get(name)
        if view is not None:
            yield from _usable("monitor_key_valid", (account.name, account.provider), view)


def _balance_rows(view: View, snapshot: Snapshot) -> Iterator[Row]:
    if view.check is not Check.BALANCE or (view.balance is None and view.unit is None):
        return
    owner = (view.account, view.provider)
    money = (*owner, view.unit or "")
    yield "monitor_balance_floor", money, float(view.floor)
    totals = snapshot.totals.get(view.target)
    if totals is not None:
        yield "monitor_spent_total", money, float(totals.spent)
        yield "monitor_topped_up_total", money, float(totals.topped_up)
    for known in view.hindsight:
        before = (*owner, f"{known.before}h")
        yield "monitor_forecast_error_ratio", before, known.last.ratio
        yield "monitor_forecast_scored_total", before, known.scored_total
        yield "monitor_forecast_held_total", before, known.held_total
    if view.known_balance is not None:
        yield "monitor_balance", money, float(view.known_balance)
        for job, count in view.jobs_left.items():
            yield "monitor_jobs_left", (*owner, job), count
        yield from _outlook_rows(view.outlook, money)


def _outlook_rows(outlook: Outlook | None, money: tuple[str, ...]) -> Iterator[Row]:
    if outlook is None:
        return
    if outlook.burn_per_hour is not None:
        yield "monitor_burn_per_hour", money, outlook.burn_per_hour
    hours = {"10": outlook.p10, "25": outlook.p25, "50": outlook.p50, "90": outlook.p90}
    for percentile, value in hours.items():
        if value is not None:
            yield "monitor_runway_seconds", (*money[:2], percentile), value * 3600


def _quota_rows(view: View) -> Iterator[Row]:
    for quota in view.quotas:
        labels = (view.account, view.provider, quota.quota, quota.unit)
        amounts: tuple[tuple[str, Decimal | None], ...] = (
            ("monitor_quota_used", quota.used),
            ("monitor_quota_limit", quota.limit),
        )
        for name, amount in amounts:
            if amount is not None:
                yield name, labels, float(amount)
        yield from _at("monitor_quota_reset_timestamp_seconds", labels, quota.resets_at)
        gone = "monitor_quota_exhausted_timestamp_seconds"
        yield from _at(gone, labels[:3], quota.exhausted_at)


def _house_rows(snapshot: Snapshot) -> Iterator[Row]:
    for state in snapshot.services:
        if state.status is not ServiceStatus.UNKNOWN:
            down, degraded = ServiceStatus.DOWN, ServiceStatus.DEGRADED
            yield "monitor_service_up", (state.service,), float(state.status is not down)
            yield "monitor_service_degraded", (state.service,), float(state.status is degraded)
    for alert in snapshot.alerts:
        if alert.state is AlertState.FIRING:
            yield "monitor_alert_firing", (alert.rule, alert.target, alert.severity.value), 1
        if alert.flaps is not None:
            yield "monitor_alert_flapping", (alert.rule, alert.target), 1
    yield "monitor_build_info", (__version__,), 1


def _incident_rows(snapshot: Snapshot) -> Iterator[Row]:
    for incident in snapshot.incidents:
        if incident.open:
            labels = (incident.alert, incident.target)
            yield from _at("monitor_incident_opened_timestamp_seconds", labels, incident.opened_at)
            yield "monitor_incident_acknowledged", labels, float(acknowledged(incident))


def _zero_rows(snapshot: Snapshot) -> Iterator[Row]:
    """Counters that have not counted yet: what appears with a 1 has never increased."""
    for view in snapshot.views.values():
        yield "monitor_probes_total", (view.target, Cause.OK.value), 0
    for rule in snapshot.settings.rules:
        if rule.name not in NOTICES:
            yield "monitor_incidents_total", (rule.name, rule.severity.value), 0
    for receiver, kind, result in product(snapshot.settings.receivers, Kind, RESULTS):
        yield "monitor_notifications_total", (receiver.name, kind.value, result), 0


def _count_rows(snapshot: Snapshot) -> Iterator[Row]:
    counts = snapshot.counts
    for (target, cause), count in counts.probes.items():
        yield "monitor_probes_total", (target, cause.value), count
    for account in snapshot.settings.accounts:
        for job, count in counts.jobs.get(account.name, {}).items():
            yield "monitor_jobs_reported_total", (account.name, account.provider, job), count
    for (alert, severity), count in counts.incidents.items():
        yield "monitor_incidents_total", (alert, severity), count
    for (receiver, kind, result), count in counts.notifications.items():
        yield "monitor_notifications_total", (receiver, kind.value, result), count
    for settings in snapshot.settings.receivers:
        name = settings.name
        yield "monitor_notifications_pending", (name,), counts.pending.get(name, 0)
        oldest = "monitor_notifications_oldest_pending_timestamp_seconds"
        yield from _at(oldest, (name,), counts.oldest_pending.get(name))
    yield "monitor_config_last_reload_successful", (), float(counts.reload_ok)
    yield from _at("monitor_config_last_reload_success_timestamp_seconds", (), counts.reload_at)
    yield from _leading_rows(snapshot.leading)
    yield from _heartbeat_rows(snapshot.called)
    yield "monitor_scheduler_lag_seconds", (), counts.scheduler_lag


def _heartbeat_rows(called: Called | None) -> Iterator[Row]:
    if called is not None and called.heard is not None:
        yield "monitor_heartbeat_success", (), float(called.heard)
        yield "monitor_heartbeat_well", (), float(called.well)
        last = "monitor_heartbeat_last_success_timestamp_seconds"
        yield from _at(last, (), called.heard_at)


def _leading_rows(leading: Leading | None) -> Iterator[Row]:
    if leading is not None:
        yield "monitor_leader", (), float(leading.leads)
    if leading is not None and leading.leads:
        yield "monitor_standbys", (), len(leading.standbys)
