"""One account in depth: where its credit goes, when it ends, and how good the forecast was."""

from __future__ import annotations

from collections.abc import Iterator

from grafana.overview import one_account, open_incidents
from grafana.panels import (
    BLUE,
    GREEN,
    GREY,
    NEUTRAL,
    ORANGE,
    RED,
    RUNWAY_LINES,
    RUNWAY_STEPS,
    SOME_IS_BEST,
    Panel,
    Table,
    band,
    lines,
    number,
    shares,
    styled,
)
from grafana.queries import (
    ME,
    OURS,
    counted,
    drawn,
    failures,
    finite,
    grown,
    of_targets,
    runway,
)

MINE = f'{ME}, target=~"($account/.*|$provider/provider)"'


def now() -> Iterator[Panel]:
    """How it stands."""
    yield number(
        "Lasts, cautiously", "P25: one time in four it ends sooner.", (0, 0, 3, 4),
        (finite(runway(25)), "P25"), unit="s", steps=RUNWAY_STEPS, decimals=1)  # fmt: skip
    yield number(
        "As likely as not", "P50, the middle of the forecast.", (3, 0, 3, 4),
        (finite(runway(50)), "P50"), unit="s", steps=RUNWAY_STEPS, decimals=1)  # fmt: skip
    numbers = (
        ("Balance", "As last read and believed.", f"monitor_balance{{{OURS}}}"),
        ("Above the floor", "The floor is the balance at which the account is of no use.",
         f"monitor_balance{{{OURS}}} - monitor_balance_floor{{{OURS}}}"),
        ("Burn per hour", "As the forecast sees it.", f"monitor_burn_per_hour{{{OURS}}}"),
        ("Spent in 24 h", "Gross; refunds and top-ups do not lessen it.",
         grown("monitor_spent_total", OURS, "1d")),
        ("Topped up in 30 days", "Credit bought.",
         grown("monitor_topped_up_total", OURS, "30d")),
    )  # fmt: skip
    for i, (title, why, query) in enumerate(numbers):
        yield number(title, why, (6 + 3 * i, 0, 3, 4), (query, "{{unit}}"), names=True,
                     decimals=0)  # fmt: skip
    yield number(
        "Key", "Whether it is accepted and may do what is needed.", (21, 0, 3, 4),
        (f"monitor_key_valid{{{OURS}}}", "key"), steps=SOME_IS_BEST,
        mapping={"1": ("valid", GREEN), "0": ("refused", RED)})  # fmt: skip


def forecast() -> Iterator[Panel]:
    """Balance and band (from the overview), the runway's percentiles."""
    for panel, y in zip(one_account(), (5, 5), strict=True):
        made = panel.build().grid_pos
        if made is not None:
            made.y = y
        yield panel
    every = (
        "The four percentiles, up to 30 days: of ten such forecasts one ends before P10, one "
        "after P90. The lines are 24 h and 4 h."
    )
    queries = [(drawn(runway(p)), f"P{p}") for p in (10, 90, 25, 50)]
    panel = lines(
        "Runway", every, (0, 14, 14, 8), *queries, unit="s", steps=RUNWAY_LINES, log=True
    )
    yield band(styled(styled(panel, "P25", ORANGE), "P50", GREEN), "P10", "P90")
    yield lines(
        "Jobs left", "Whole jobs of each price that the balance still pays.", (14, 14, 10, 8),
        (f"monitor_jobs_left{{{OURS}}}", "{{exported_job}}"), stairs=True)  # fmt: skip


def spending() -> Iterator[Panel]:
    """What was spent and bought."""
    yield lines(
        "Spent per hour", "Sums of one hour each; the line is what the forecast takes for the "
        "burn.", (0, 23, 10, 7),
        (grown("monitor_spent_total", OURS, "1h"), "spent in the hour before"),
        (f"monitor_burn_per_hour{{{OURS}}}", "burn, as forecast"))  # fmt: skip
    yield lines(
        "Spent per day", "The 24 hours before each point.", (10, 23, 7, 7),
        (grown("monitor_spent_total", OURS, "1d"), "spent in the day before"),
        fill=20)  # fmt: skip
    yield lines(
        "Top-ups", "Credit that was bought.", (17, 23, 7, 7),
        (counted("monitor_topped_up_total", OURS, "unit"), "topped up ({{unit}})"),
        bars=True, colour=BLUE)  # fmt: skip


def hindsight() -> Iterator[Panel]:
    """How good the forecasts were; limits and calls."""
    good = ((RED, None), (ORANGE, 0.5), (GREEN, 0.8), (ORANGE, 1.25), (RED, 2.0))
    yield number(
        "What was said, by what was true", "Hours that the forecast said so long before the last "
        "ending, by the hours that were true. 1 is perfect, 2 was twice too long.", (0, 31, 6, 6),
        (f"monitor_forecast_error_ratio{{{OURS}}}", "{{before}} before"), names=True, steps=good,
        decimals=2)  # fmt: skip
    held, scored = (f"monitor_forecast_{word}_total{{{OURS}}}" for word in ("held", "scored"))
    yield number(
        "Within the band", "Of all forecasts that could be scored, those whose P10 to P90 held "
        "the truth: 80 % should.", (6, 31, 6, 6), (f"{held} / {scored}", "{{before}} before"),
        unit="percentunit", names=True,
        steps=((RED, None), (ORANGE, 0.5), (GREEN, 0.7)), decimals=0)  # fmt: skip
    used = f"monitor_quota_used{{{OURS}}} / (monitor_quota_limit{{{OURS}}} > 0)"
    yield shares(
        "Quotas used", "Limits that reset; orange from 80 %, red from 95 %.", (12, 31, 6, 6),
        (used, "{{quota}} ({{unit}})"))  # fmt: skip
    gone = f"1000 * monitor_quota_exhausted_timestamp_seconds{{{OURS}}}"
    yield number(
        "A quota is gone", "When a declared quota is used up at this pace; nothing where it "
        "lasts to its reset.", (18, 31, 3, 6), (gone, "{{quota}}"), unit="dateTimeFromNow",
        names=True, steps=((GREY, None),), none="not at this pace")  # fmt: skip
    yield number(
        "Requests today", "What monitor itself has asked since midnight UTC.", (21, 31, 3, 6),
        (f"monitor_calls_today{{{OURS}}}", "requests"), steps=NEUTRAL)  # fmt: skip


def targets() -> Iterator[Panel]:
    """Everything the account is asked, and what is wrong with it."""
    info = OURS
    table = Table(
        "Targets", "Each check of the account: its cause, when it was last asked and last "
        "read.", (0, 38, 14, 8),
        of_targets("monitor_target_cause", info),
        "1000 * " + of_targets("monitor_probe_last_run_timestamp_seconds", info),
        "1000 * " + of_targets("monitor_probe_last_success_timestamp_seconds", info),
        of_targets("monitor_probe_interval_seconds", info),
    )  # fmt: skip
    table.text("cause", "cause", mapping={"ok": ("ok", GREEN)}).text("target", "target")
    table.value("B", "last asked", unit="dateTimeFromNow")
    table.value("C", "last read", unit="dateTimeFromNow").value("D", "at least every", unit="s")
    yield table.build(worst="cause", highest=True)
    yield open_incidents(
        "Of this account and its provider: since when, and whether somebody has acknowledged it "
        "as bad as it is now.", (14, 38, 10, 8), MINE)  # fmt: skip
    yield lines(
        "How long probes take", "The last probe of each target.", (0, 46, 12, 7),
        (of_targets("monitor_probe_duration_seconds", info), "{{target}}"), unit="s")  # fmt: skip
    where = f'{ME}, target=~"$account/.*"'
    yield lines(
        "Probes that could not read", "By cause; empty is good.", (12, 46, 12, 7),
        (failures(where), "{{cause}}"), bars=True)  # fmt: skip
