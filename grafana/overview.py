"""The overview: is anything wrong, what ends first, and is the watcher awake."""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.models import common as c

from grafana.panels import (
    GREEN,
    NONE_IS_BEST,
    ORANGE,
    RED,
    RUNWAY_LINES,
    RUNWAY_STEPS,
    SERVICE,
    SOME_IS_BEST,
    Panel,
    Place,
    Table,
    band,
    lines,
    number,
    shares,
    states,
    styled,
)
from grafana.queries import (
    ME,
    OURS,
    ahead,
    column,
    counted,
    drawn,
    expected,
    failures,
    finite,
    grown,
    incidents,
    of_targets,
    runway,
    services,
)

DEEP = (
    "/d/monitor-account?var-account=${__value.text}&${datasource:queryparam}&${__url_time_range}"
)


def at_a_glance() -> Iterator[Panel]:
    """The first line: one look, from across the room."""
    yield number(
        "Services", "What customers see: down where something it needs cannot be used, degraded "
        "where a fallback serves. What was not read is missing.", (0, 0, 9, 4),
        (services(), "{{service}}"), mapping=SERVICE, names=True)  # fmt: skip
    yield number(
        "Ends first", "The account whose credits end first at a cautious estimate (P25: one time "
        "in four it ends sooner). Orange under 24 h, red under 4 h.", (9, 0, 5, 4),
        (f"bottomk(1, {finite(runway(25, ME))})", "{{account}}"),
        unit="s", steps=RUNWAY_STEPS, names=True, decimals=1)  # fmt: skip
    for x, severity in ((14, "critical"), (17, "warning")):
        colour = RED if severity == "critical" else ORANGE
        firing = f'monitor_alert_firing{{{ME}, severity="{severity}"}}'
        yield number(
            severity.capitalize(), f"Alerts of severity {severity} that fire now; silences and "
            "acknowledgements do not change it.", (x, 0, 3, 4),
            (f"count({firing}) or vector(0)", severity),
            steps=((GREEN, None), (colour, 1.0)))  # fmt: skip
    yield number(
        "Not yet told", "Notifications that are due and have not been delivered. More than 0 for "
        "long: people do not know what monitor knows.", (20, 0, 4, 4),
        (f"sum(monitor_notifications_pending{{{ME}}})", "pending"),
        steps=NONE_IS_BEST)  # fmt: skip


def accounts() -> Iterator[Panel]:
    """Every account in a line, and what they do over time."""
    table = Table(
        "Accounts", "Every balance that is read, the one that ends first on top. Runways are "
        "cautious (P25) and middling (P50). The name leads to the account in depth.",
        (0, 4, 24, 6),
        column("monitor_balance", ME),
        column("monitor_balance_floor", ME),
        column("monitor_burn_per_hour", ME),
        f"max without (percentile) ({finite(runway(25, ME))})",
        f"max without (percentile) ({finite(runway(50, ME))})",
        grown("monitor_spent_total", ME, "1d"),
        f"min without (exported_job) (monitor_jobs_left{{{ME}}})",
    )  # fmt: skip
    table.text("account", "account", link=DEEP).text("provider", "provider")
    table.value("A", "balance").text("unit", "unit").value("B", "floor")
    table.value("C", "burn per hour").value("F", "spent in 24 h")
    table.value("D", "runway P25", unit="s", steps=RUNWAY_STEPS)
    table.value("E", "runway P50", unit="s", steps=RUNWAY_STEPS)
    yield table.value("G", "jobs left (dearest)").build(worst="runway P25")
    yield lines(
        "Runway", "How long the credits of the ten accounts that end first last, cautiously "
        "(P25), up to 30 days. The lines are 24 h and 4 h: there the built-in rules fire.",
        (0, 10, 12, 8),
        (f"bottomk(10, {drawn(runway(25, ME))})", "{{account}}"),
        unit="s", steps=RUNWAY_LINES, log=True)  # fmt: skip
    yield lines(
        "Burn per hour", "What the ten fastest accounts spend per hour as the forecast sees it, "
        "each in its own unit.", (12, 10, 12, 8),
        (f"topk(10, monitor_burn_per_hour{{{ME}}})", "{{account}} ({{unit}})"))  # fmt: skip


def one_account() -> Iterator[Panel]:
    """Of each account of the variable: where its balance was expected, where it goes."""
    was = lines(
        "$account: balance, and what was expected", "The balance, its floor, and where the "
        "forecast of $ahead seconds before saw it: it should be within the band 8 times in 10. "
        "A top-up lifts it out.", (0, 19, 14, 9),
        (expected(10), "P10"), (expected(90), "P90"),
        (f"monitor_balance_floor{{{OURS}}}", "floor"),
        (f"monitor_balance{{{OURS}}}", "balance"))  # fmt: skip
    was = styled(styled(was, "floor", RED, dashed=True), "balance", GREEN)
    yield band(was, "P10", "P90")
    comes = lines(
        "$account: the next 48 hours", "Where the balance goes from here: at best the upper edge "
        "(P90), at worst the lower (P10), drawn straight to the floor. It begins now, whatever "
        "the dashboard shows.", (14, 19, 10, 9),
        (ahead(10), "P10"), (ahead(90), "P90"), (ahead(25), "P25 (cautious)"),
        (ahead(50), "P50"),
        (f"monitor_balance_floor{{{OURS}}} @ start()", "floor"))  # fmt: skip
    comes = styled(styled(comes, "floor", RED, dashed=True), "P25 (cautious)", ORANGE)
    yield band(styled(comes, "P50", GREEN), "P10", "P90").time_from("+48h")


def open_incidents(why: str, place: Place, where: str = ME) -> Panel:
    """What fires, the worst first."""
    table = Table("Open incidents", why, place, *incidents(where))
    table.text("severity", "severity", mapping={
        "critical": ("critical", RED), "warning": ("warning", ORANGE), "info": ("info", GREEN),
    }).text("alert", "alert").text("target", "target")  # fmt: skip
    table.value("A", "open since", unit="dateTimeFromNow")
    table.value("B", "taken", mapping={"0": ("by nobody", ORANGE), "1": ("yes", GREEN)})
    return table.build(worst="severity")


def what_is_wrong() -> Iterator[Panel]:
    """Open incidents, models, how services have done."""
    yield open_incidents(
        "What fires, since when, and whether somebody has acknowledged it as bad as it is now.",
        (0, 29, 13, 8))  # fmt: skip
    info = f'{ME}, check="model"'
    table = Table(
        "Models", "Whether each model can be served, and if not, why. A moved or degraded one "
        "still serves.", (13, 29, 11, 8),
        of_targets("monitor_target_cause", info),
        "1000 * " + of_targets("monitor_probe_last_success_timestamp_seconds", info),
    )  # fmt: skip
    table.text("cause", "state", mapping={
        "ok": ("available", GREEN), "model_loading": ("loading", GREEN),
        "model_moved": ("moved", ORANGE), "model_degraded": ("degraded", ORANGE),
        "model_missing": ("missing", RED), "model_retired": ("retired", RED),
        "model_not_served": ("not served", RED), "model_gated": ("gated", RED),
    }).text("subject", "model").text("account", "account", link=DEEP)  # fmt: skip
    yield table.value("B", "last read", unit="dateTimeFromNow").build(worst="state", highest=True)


def over_time() -> Iterator[Panel]:
    """Services, limits, jobs."""
    yield states(
        "Services over time", "Green is up, orange degraded, red down; a gap was not read.",
        (0, 37, 8, 7), (services(), "{{service}}"), SERVICE)  # fmt: skip
    yield lines(
        "Jobs left", "Whole jobs of each price that the balance still pays, of the ten "
        "scarcest.", (8, 37, 8, 7),
        (f"bottomk(10, monitor_jobs_left{{{ME}}})", "{{account}}: {{exported_job}}"),
        stairs=True)  # fmt: skip
    used = f"monitor_quota_used{{{ME}}} / (monitor_quota_limit{{{ME}}} > 0)"
    yield shares(
        "Quotas used", "Limits that reset: how much of each is used. Orange from 80 %, red from "
        "95 %.", (16, 37, 8, 7),
        (f"topk(10, {used})", "{{account}}: {{quota}}"))  # fmt: skip


def watching() -> Iterator[Panel]:
    """Probes and notifications."""
    yield lines(
        "Probes that could not read", "By cause. A provider that refuses has been read; this is "
        "what failed on the way. Empty is good.", (0, 45, 8, 7),
        (failures(ME), "{{cause}}"), bars=True)  # fmt: skip
    yield lines(
        "How long probes take", "The slowest target of each account, its last probe.",
        (8, 45, 8, 7),
        (f"max by (account) ({of_targets('monitor_probe_duration_seconds')})", "{{account}}"),
        unit="s")  # fmt: skip
    yield lines(
        "Notifications", "What was said to each receiver: ok, failed (is tried again), refused "
        "(given up for now).", (16, 45, 8, 7),
        (counted("monitor_notifications_total", ME, "receiver, result"),
         "{{receiver}} {{result}}"), bars=True)  # fmt: skip


def itself() -> Iterator[Panel]:
    """Is the watcher awake?"""
    yield number(
        "Scraped", "Whether Prometheus reaches monitor.", (0, 53, 3, 4),
        (f"min(up{{{ME}}})", "up"), mapping={"1": ("yes", GREEN), "0": ("no", RED)},
        steps=SOME_IS_BEST)  # fmt: skip
    yield number(
        "Config", "Whether the last reload took the config; broken means the one before is in "
        "use.", (3, 53, 3, 4), (f"min(monitor_config_last_reload_successful{{{ME}}})", "config"),
        mapping={"1": ("good", GREEN), "0": ("broken", RED)}, steps=SOME_IS_BEST)  # fmt: skip
    late = f"time() - monitor_probe_last_run_timestamp_seconds{{{ME}}}"
    yield number(
        "Stale targets", "Targets that have not been asked for three of their intervals: "
        "monitor's own fault.", (6, 53, 4, 4),
        (f"count({late} > 3 * monitor_probe_interval_seconds{{{ME}}}) or vector(0)", "stale"),
        steps=NONE_IS_BEST)  # fmt: skip
    yield number(
        "Targets", "How many are watched.", (10, 53, 3, 4),
        (f"count(monitor_target_info{{{ME}}})", "targets"))  # fmt: skip
    yield number(
        "Probes begin late by", "The scheduler's lag at the last probe.", (13, 53, 4, 4),
        (f"max(monitor_scheduler_lag_seconds{{{ME}}})", "lag"), unit="s",
        steps=((GREEN, None), (ORANGE, 5.0), (RED, 60.0)))  # fmt: skip
    yield number(
        "Memory", "Resident, of the daemon.", (17, 53, 3, 4),
        (f"max(process_resident_memory_bytes{{{ME}}})", "memory"), unit="bytes")  # fmt: skip
    yield number(
        "Version", "The version that runs.", (20, 53, 4, 4),
        (f"count by (version) (monitor_build_info{{{ME}}})", "{{version}}"),
        mode=c.BigValueTextMode.NAME)  # fmt: skip
