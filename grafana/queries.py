"""PromQL that both dashboards use. It needs no recording rule: raw metrics alone."""

from __future__ import annotations

from grafana.panels import ENDLESS, FAILED_CAUSES

ME = 'job=~"$job", instance=~"$instance"'  # which monitors are looked at
OURS = f'{ME}, account=~"$account"'
ON = "on (job, instance, account, provider)"
TARGET = "on (job, instance, target)"
ROOF = 30 * 86400  # seconds: an axis of runways ends here


def finite(expr: str, roof: float = ENDLESS) -> str:
    """Cut what is endless, so that it has a place on an axis or a text of its own."""
    return f"clamp_max({expr}, {roof:.0f})"


def runway(percentile: int, where: str = OURS) -> str:
    """One percentile of the runway, in seconds."""
    return f'monitor_runway_seconds{{{where}, percentile="{percentile}"}}'


def expected(percentile: int) -> str:
    """The balance of now as it was to be expected `$ahead` seconds ago.

    A balance goes down to its floor within the runway, in a straight line.
    """
    then = "offset ${ahead}s"
    credit = f"(monitor_balance{{{OURS}}} {then} - monitor_balance_floor{{{OURS}}} {then})"
    left = f"clamp_min(1 - $ahead / clamp_min({runway(percentile)} {then}, 1), 0)"
    return f"{credit} * {ON} {left} + {ON} monitor_balance_floor{{{OURS}}} {then}"


def ahead(percentile: int) -> str:
    """The balance of hours to come, from the left edge of a panel that begins now."""
    here = "@ start()"
    credit = f"(monitor_balance{{{OURS}}} {here} - monitor_balance_floor{{{OURS}}} {here})"
    gone = f"(time() - timestamp({runway(percentile)} {here}))"
    left = f"clamp_min(1 - {gone} / clamp_min({runway(percentile)} {here}, 1), 0)"
    return f"{credit} * {ON} {left} + {ON} monitor_balance_floor{{{OURS}}} {here}"


def of_targets(metric: str, where: str = ME, labels: str = "account, provider, subject") -> str:
    """A target's metric with what the target is made of."""
    info = f"monitor_target_info{{{where}}}"
    return f"{metric}{{{ME}}} * {TARGET} group_left ({labels}) {info}"


def incidents(where: str = ME) -> tuple[str, str]:
    """Open incidents: since when (milliseconds, with the present severity), and who has them."""
    on = "on (job, instance, alert, target)"
    since = (
        f"1000 * monitor_incident_opened_timestamp_seconds{{{where}}} * {on} group_left (severity)"
        f" max by (job, instance, alert, target, severity) (monitor_alert_firing{{{where}}})"
    )
    return since, f"monitor_incident_acknowledged{{{where}}}"


def services(where: str = ME) -> str:
    """2 for up, 1 for degraded, 0 for down."""
    return f"2 * monitor_service_up{{{where}}} - monitor_service_degraded{{{where}}}"


def failures(where: str) -> str:
    """Probes that could not read, by cause."""
    failed = f'monitor_probes_total{{{where}, cause=~"{FAILED_CAUSES}"}}'
    return f"sum by (cause) (increase({failed}[$__rate_interval])) > 0"
