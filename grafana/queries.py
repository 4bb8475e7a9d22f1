"""PromQL that both dashboards use. It needs no recording rule: raw metrics alone."""

from __future__ import annotations

from grafana.panels import ENDLESS, FAILED_CAUSES

ME = 'job=~"$job", instance=~"$instance"'  # which monitors are looked at
OURS = f'{ME}, account=~"$account"'
ON = "on (job, instance, account, provider)"
TARGET = "on (job, instance, target)"
ROOF = 30 * 86400  # seconds: an axis of runways ends here


def finite(expr: str) -> str:
    """Cut what is endless, so that it has a text of its own."""
    return f"clamp_max({expr}, {ENDLESS:.0f})"


def column(metric: str, where: str) -> str:
    """A metric for a table: Grafana puts into one row only what bears no differing names."""
    return f"max without () ({metric}{{{where}}})"


def drawn(expr: str) -> str:
    """A runway on a logarithmic axis: from a minute, for 0 has no place there, to 30 days."""
    return f"clamp({expr}, 60, {ROOF})"


def counted(counter: str, where: str, by: str) -> str:
    """How often between two points of a graph: whole numbers, each event once.

    increase() guesses beyond its window and counts an event in every window that holds it.
    """
    total = f"sum by ({by}) ({counter}{{{where}}}"
    return f"clamp_min({total}) - {total} offset $__interval), 0) > 0"


def grown(counter: str, where: str, window: str) -> str:
    """How much a counter of money has grown, to the credit: it never falls, not even at a restart.

    increase() would guess beyond its window, and money is no matter of guessing.
    """
    series = f"{counter}{{{where}}}"
    return f"{series} - min_over_time({series}[{window}])"


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
    return since, column("monitor_incident_acknowledged", where)


def services(where: str = ME) -> str:
    """2 for up, 1 for degraded, 0 for down."""
    return f"2 * monitor_service_up{{{where}}} - monitor_service_degraded{{{where}}}"


def failures(where: str) -> str:
    """Probes that could not read, by cause."""
    which = f'{where}, cause=~"{FAILED_CAUSES}"'
    # A cause that is seen for the first time has no 0 before it.
    new = f"sum by (cause) (monitor_probes_total{{{which}}} unless monitor_probes_total offset 1h)"
    return f"{counted('monitor_probes_total', which, 'cause')} or {new}"
