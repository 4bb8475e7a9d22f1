"""What Prometheus is told: every metric, nothing that is not known, and no hostile label."""

from __future__ import annotations

import asyncio
import math
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import snapshots as scene
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from monitor import __version__
from monitor.core.builtin import BUILTIN, NOTICES
from monitor.core.causes import CAUSES, Cause, Severity, Standing
from monitor.core.lease import Leading
from monitor.core.model import (
    Alert,
    AlertState,
    Check,
    Kind,
    Outlook,
    Quota,
    ServiceState,
    ServiceStatus,
    Totals,
)
from monitor.core.snapshot import Counts, Snapshot
from monitor.exporter import METRICS, Exporter, metrics_text, registry, render

DOCS = Path(__file__).parent.parent / "docs" / "metrics.md"
Labels = dict[str, str]

# Written out a second time on purpose: users' dashboards rely on every letter.
PROMISED = """
monitor_target_info{target,account,provider,check,subject} monitor_target_cause{target,cause}
monitor_probe_success{target}
monitor_probe_duration_seconds{target} monitor_probes_total{target,cause}
monitor_probe_last_run_timestamp_seconds{target}
monitor_probe_last_success_timestamp_seconds{target} monitor_probe_interval_seconds{target}
monitor_key_valid{account,provider} monitor_model_available{account,provider,model}
monitor_balance{account,provider,unit} monitor_balance_floor{account,provider,unit}
monitor_spent_total{account,provider,unit} monitor_topped_up_total{account,provider,unit}
monitor_burn_per_hour{account,provider,unit} monitor_runway_seconds{account,provider,percentile}
monitor_forecast_error_ratio{account,provider,before}
monitor_forecast_scored_total{account,provider,before}
monitor_forecast_held_total{account,provider,before}
monitor_jobs_left{account,provider,job} monitor_quota_used{account,provider,quota,unit}
monitor_quota_limit{account,provider,quota,unit}
monitor_quota_reset_timestamp_seconds{account,provider,quota,unit}
monitor_quota_exhausted_timestamp_seconds{account,provider,quota}
monitor_jobs_reported_total{account,provider,job} monitor_service_up{service}
monitor_service_degraded{service} monitor_calls_today{account,provider}
monitor_calls_budget{account,provider} monitor_alert_firing{alert,target,severity}
monitor_alert_flapping{alert,target}
monitor_incident_opened_timestamp_seconds{alert,target}
monitor_incident_acknowledged{alert,target}
monitor_incidents_total{alert,severity} monitor_notifications_total{receiver,kind,result}
monitor_notifications_pending{receiver}
monitor_notifications_oldest_pending_timestamp_seconds{receiver}
monitor_config_last_reload_successful{}
monitor_config_last_reload_success_timestamp_seconds{} monitor_leader{} monitor_standbys{}
monitor_heartbeat_success{} monitor_heartbeat_well{}
monitor_heartbeat_last_success_timestamp_seconds{} monitor_scheduler_lag_seconds{}
monitor_build_info{version}
"""


def collected(snapshot: Snapshot) -> CollectorRegistry:
    return registry(lambda: snapshot, process=False)


def value(snapshot: Snapshot, name: str, **labels: str) -> float | None:
    return collected(snapshot).get_sample_value(name, labels)


def series(snapshot: Snapshot, name: str) -> list[tuple[Labels, float]]:
    families = parse_text(metrics_text(snapshot))
    return [(s.labels, s.value) for f in families for s in f.samples if s.name == name]


def money(**more: object) -> Snapshot:
    """A balance of 100 credits at kie."""
    kie = scene.account("kie", floor=Decimal(5))
    facts = {"balance": 100, "unit": "credits", **more}
    return scene.snapshot(scene.settings(kie), (scene.view(kie, "balance", **facts),))


KIE = {"account": "kie", "provider": "kie"}
CREDITS = {**KIE, "unit": "credits"}


def test_the_names_and_labels_are_those_promised() -> None:
    assert [f"{m.name}{{{','.join(m.labels)}}}" for m in METRICS] == PROMISED.split()


def test_a_standby_says_nothing_of_targets_that_it_does_not_ask() -> None:
    def names(leads: bool) -> set[str]:
        leading = Leading(leads, "web-1 pid 4711", 3)
        families = parse_text(metrics_text(replace(money(), leading=leading)))
        return {s.name for f in families for s in f.samples}

    gone = names(True) - names(False)
    assert {"monitor_target_info", "monitor_probe_interval_seconds", "monitor_balance"} <= gone
    assert {"monitor_leader", "monitor_build_info", "monitor_probes_total"} <= names(False)


def test_the_documentation_names_every_metric_with_its_type_and_labels_and_no_other() -> None:
    row = re.compile(r"^\| `(monitor_\w+)` \| (\w+) \|([^|]*)\| .+ \|$", re.MULTILINE)
    written = {
        name: (kind, tuple(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in row.findall(DOCS.read_text())
    }
    kinds = {"_info": "info", "total": "counter"}
    assert written == {m.name: (kinds.get(m.name[-5:], "gauge"), m.labels) for m in METRICS}


def test_a_full_snapshot_says_every_metric() -> None:
    said = {s.name for family in collected(scene.story()).collect() for s in family.samples}
    assert said == {m.name for m in METRICS}


@pytest.mark.parametrize("cause", list(Cause))
def test_whether_a_probe_succeeded_is_what_the_table_of_causes_says(cause: Cause) -> None:
    kie = scene.account("kie")
    snap = scene.snapshot(scene.settings(kie), (scene.view(kie, "balance", cause),))
    success = value(snap, "monitor_probe_success", target="kie/balance")
    assert success == float(CAUSES[cause].read)


def test_a_balance_under_the_floor_was_read_all_the_same() -> None:
    kie = scene.account("kie", floor=Decimal(135))
    read = scene.view(kie, "balance", balance=3, unit="credits")
    snap = scene.snapshot(scene.settings(kie), (replace(read, cause=Cause.CREDITS_EXHAUSTED),))
    assert value(snap, "monitor_probe_success", target="kie/balance") == 1
    assert value(snap, "monitor_balance", **CREDITS) == 3


def test_before_the_first_probe_the_target_is_known_and_that_none_was_counted() -> None:
    kie = scene.account("kie")
    snap = scene.snapshot(scene.settings(kie), (scene.view(kie, "balance", None),))
    about = {line.split("{")[0] for line in metrics_text(snap).splitlines() if "kie" in line}
    counted = "monitor_probes_total"
    assert about == {"monitor_target_info", "monitor_probe_interval_seconds", counted}
    assert value(snap, counted, target="kie/balance", cause="ok") == 0


def test_times_are_unix_seconds() -> None:
    target, at = {"target": "kie/balance"}, scene.NOW - timedelta(seconds=10)
    assert value(money(), "monitor_probe_last_run_timestamp_seconds", **target) == at.timestamp()
    success = "monitor_probe_last_success_timestamp_seconds"
    assert value(money(), success, **target) == at.timestamp()
    assert value(money(last_success=None), success, **target) is None


def test_a_target_without_a_subject_has_an_empty_one() -> None:
    labels = {"target": "kie/balance", **KIE, "check": "balance", "subject": ""}
    assert value(money(), "monitor_target_info", **labels) == 1


KEY_CASES = [(Cause.OK, 1.0), (None, None), *((c, None) for c in Cause if not CAUSES[c].read)]
KEY_CASES += [(c, 0.0) for c in Cause if CAUSES[c].standing is Standing.UNUSABLE]


@pytest.mark.parametrize(("cause", "valid"), KEY_CASES)
def test_a_key_is_valid_or_not_or_not_read(cause: Cause | None, valid: float | None) -> None:
    hub = scene.account("hub", checks=("key",))
    snap = scene.snapshot(scene.settings(hub), (scene.view(hub, "key", cause),))
    assert value(snap, "monitor_key_valid", account="hub", provider="hub") == valid


def test_a_key_that_any_target_saw_refused_is_not_valid() -> None:
    hub = scene.account("hub", checks=("balance",))
    refused = scene.view(hub, "balance", Cause.KEY_REJECTED)
    snap = scene.snapshot(scene.settings(hub), (refused,))
    assert value(snap, "monitor_key_valid", account="hub", provider="hub") == 0


MODEL_CASES = [(c, 1.0) for c in Cause if CAUSES[c].standing is Standing.USABLE]
MODEL_CASES += [(c, 0.0) for c in Cause if CAUSES[c].standing is Standing.UNUSABLE]
MODEL_CASES += [(c, None) for c in Cause if CAUSES[c].standing is Standing.NOT_READ]


@pytest.mark.parametrize(("cause", "available"), MODEL_CASES)
def test_a_model_is_available_or_not_or_not_read(cause: Cause, available: float | None) -> None:
    hub = scene.account("hub", checks=("model/a/b",))
    snap = scene.snapshot(scene.settings(hub), (scene.view(hub, "model/a/b", cause),))
    labels = {"account": "hub", "provider": "hub", "model": "a/b"}
    assert value(snap, "monitor_model_available", **labels) == available


def test_of_a_bad_key_it_is_not_known_whether_the_model_that_answered_before_is_available() -> (
    None
):
    hub = scene.account("hub", checks=("model/a/b",))
    read = scene.view(hub, "model/a/b", key_cause=Cause.KEY_REJECTED)
    assert series(scene.snapshot(scene.settings(hub), (read,)), "monitor_model_available") == []


def test_the_runway_has_four_percentiles_in_seconds_and_no_end_where_nothing_burns() -> None:
    snap = money(outlook=Outlook(41.5, 90.0, 112.0, 139.5, math.inf))
    found = {labels["percentile"]: s for labels, s in series(snap, "monitor_runway_seconds")}
    assert found == {"10": 324_000, "25": 403_200, "50": 502_200, "90": math.inf}
    assert 'percentile="90",provider="kie"} +Inf' in metrics_text(snap)


def test_an_unknown_runway_and_burn_are_absent() -> None:
    for outlook in (None, Outlook(None, None, None, None, None)):
        snap = money(outlook=outlook)
        assert series(snap, "monitor_runway_seconds") == []
        assert series(snap, "monitor_burn_per_hour") == []


def test_how_wrong_the_forecasts_were_stands_by_horizon_and_only_where_it_is_known() -> None:
    snap = money(hindsight=scene.forecasts_were())
    at_24 = {**KIE, "before": "24h"}
    assert value(snap, "monitor_forecast_error_ratio", **at_24) == pytest.approx(26 / 24)
    assert value(snap, "monitor_forecast_scored_total", **at_24) == 9
    assert value(snap, "monitor_forecast_held_total", **at_24) == 7
    for name in ("error_ratio", "scored_total", "held_total"):
        assert [labels for labels, _ in series(snap, f"monitor_forecast_{name}")] == [at_24]
        assert series(money(), f"monitor_forecast_{name}") == []


def test_a_memory_of_a_balance_is_not_exported_but_floor_and_counters_stay() -> None:
    kie = scene.account("kie", floor=Decimal(5))
    stale = scene.view(kie, "balance", Cause.PROVIDER_ERROR, balance=100, unit="credits",
                       jobs_left={"video": 4}, outlook=Outlook(1, 1, 1, 1, 1))  # fmt: skip
    snap = scene.snapshot(scene.settings(kie), (stale,),
                          totals={"kie/balance": Totals(spent=Decimal(7))})  # fmt: skip
    gone = ("monitor_balance", "monitor_jobs_left", "monitor_burn_per_hour",
            "monitor_runway_seconds")  # fmt: skip
    assert [series(snap, name) for name in gone] == [[]] * 4
    assert value(snap, "monitor_balance_floor", **CREDITS) == 5
    assert value(snap, "monitor_spent_total", **CREDITS) == 7


def test_a_negative_balance_and_a_balance_of_zero_are_numbers() -> None:
    assert value(money(balance=0), "monitor_balance", **CREDITS) == 0
    assert value(money(balance="-1.5"), "monitor_balance", **CREDITS) == -1.5


def test_a_quota_without_a_limit_or_a_reset_has_neither() -> None:
    hub = scene.account("hub", checks=("quota",))
    quota = Quota("characters", Decimal(12), None, "characters")
    snap = scene.snapshot(scene.settings(hub), (scene.view(hub, "quota", quotas=(quota,)),))
    labels = {"account": "hub", "provider": "hub", "quota": "characters", "unit": "characters"}
    assert value(snap, "monitor_quota_used", **labels) == 12
    assert series(snap, "monitor_quota_limit") == []
    assert series(snap, "monitor_quota_reset_timestamp_seconds") == []


@pytest.mark.parametrize(
    ("status", "up", "degraded"),
    [
        (ServiceStatus.UP, 1, 0),
        (ServiceStatus.DEGRADED, 1, 1),
        (ServiceStatus.DOWN, 0, 0),
        (ServiceStatus.UNKNOWN, None, None),
    ],
)
def test_a_service_is_up_while_a_fallback_serves(
    status: ServiceStatus, up: float | None, degraded: float | None
) -> None:
    snap = replace(money(), services=(ServiceState("video", status),))
    assert value(snap, "monitor_service_up", service="video") == up
    assert value(snap, "monitor_service_degraded", service="video") == degraded


def test_only_firing_alerts_are_told() -> None:
    alerts = tuple(Alert(s.value, "kie/balance", s, severity=Severity.INFO) for s in AlertState)
    snap = replace(money(), alerts=alerts)
    labels = {"alert": "firing", "target": "kie/balance", "severity": "info"}
    assert series(snap, "monitor_alert_firing") == [(labels, 1)]


def test_every_receiver_has_a_pending_count_and_an_unknown_one_has_none() -> None:
    snap = replace(money(), counts=Counts(pending={"oncall": 3, "left-the-config": 9}))
    found = {labels["receiver"]: n for labels, n in series(snap, "monitor_notifications_pending")}
    assert found == {"oncall": 3, "lead": 0}


def test_counters_carry_their_words() -> None:
    snap = replace(money(), counts=Counts(
        probes={("kie/balance", Cause.OK): 2, ("kie/balance", Cause.TIMED_OUT): 1},
        incidents={("runway-short", "warning"): 4},
        notifications={("oncall", Kind.FOLLOW_UP, "refused"): 5},
    ))  # fmt: skip
    target = {"target": "kie/balance"}
    assert value(snap, "monitor_probes_total", **target, cause="ok") == 2
    assert value(snap, "monitor_probes_total", **target, cause="timed_out") == 1
    opened = {"alert": "runway-short", "severity": "warning"}
    assert value(snap, "monitor_incidents_total", **opened) == 4
    said = {"receiver": "oncall", "kind": "follow_up", "result": "refused"}
    assert value(snap, "monitor_notifications_total", **said) == 5


def test_the_cause_of_a_target_is_the_judged_one_and_there_is_one_at_a_time() -> None:
    kie = scene.account("kie", floor=Decimal(135))
    read = scene.view(kie, "balance", balance=3, unit="credits")
    for cause in (Cause.OK, Cause.CREDITS_EXHAUSTED, Cause.TIMED_OUT):
        snap = scene.snapshot(scene.settings(kie), (replace(read, cause=cause),))
        labels = {"target": "kie/balance", "cause": cause.value}
        assert series(snap, "monitor_target_cause") == [(labels, 1)]


def test_an_open_incident_tells_since_when_and_whether_somebody_has_it() -> None:
    snap = scene.story()
    low = {"alert": "kie-credits-low", "target": "kie/balance"}
    refused = {"alert": "key-rejected", "target": "router/key"}
    opened = (scene.NOW - timedelta(hours=1)).timestamp()
    assert value(snap, "monitor_incident_opened_timestamp_seconds", **low) == opened
    assert value(snap, "monitor_incident_acknowledged", **low) == 1
    assert value(snap, "monitor_incident_acknowledged", **refused) == 0
    told = [labels["alert"] for labels, _ in series(snap, "monitor_incident_acknowledged")]
    assert "runway-short" not in told, "a closed incident is not open"


def test_what_has_become_worse_than_what_was_acknowledged_is_acknowledged_by_nobody() -> None:
    base = scene.story()
    worse = replace(base.incidents[0], severity=Severity.CRITICAL)
    snap = replace(base, incidents=(worse,))
    ((_, acknowledged),) = series(snap, "monitor_incident_acknowledged")
    assert acknowledged == 0


def test_counters_stand_at_0_before_they_count_so_that_the_first_increase_is_seen() -> None:
    rule = replace(BUILTIN[0], name="mine", severity=Severity.CRITICAL)
    notice = next(iter(NOTICES.values()))
    base = money()
    snap = replace(base, settings=replace(base.settings, rules=(rule, notice)), counts=Counts())
    assert series(snap, "monitor_incidents_total") == [
        ({"alert": "mine", "severity": "critical"}, 0)
    ]
    ok = {"target": "kie/balance", "cause": "ok"}
    assert series(snap, "monitor_probes_total") == [(ok, 0)]
    said = series(snap, "monitor_notifications_total")
    assert len(said) == len(Kind) * 3 * len(snap.settings.receivers)
    assert {count for _, count in said} == {0}


def test_a_broken_reload_shows_and_the_time_of_the_last_good_one_stays() -> None:
    at = scene.NOW - timedelta(hours=2)
    snap = replace(money(), counts=Counts(reload_ok=False, reload_at=at, scheduler_lag=0.5))
    assert value(snap, "monitor_config_last_reload_successful") == 0
    stamp = "monitor_config_last_reload_success_timestamp_seconds"
    assert value(snap, stamp) == at.timestamp()
    assert value(snap, "monitor_scheduler_lag_seconds") == 0.5
    assert value(snap, "monitor_build_info", version=__version__) == 1


async def test_a_removed_target_leaves_no_series_behind() -> None:
    now_true = [scene.story()]
    exporter = Exporter(lambda: now_true[0])
    assert b'target="kie/balance"' in (await exporter.scrape())[0]
    now_true[0] = scene.snapshot(scene.settings(), ())
    assert b"kie" not in (await exporter.scrape())[0]


async def test_the_event_loop_goes_on_while_metrics_are_written() -> None:
    large, steps = scene.many(500, models=2), []
    scraped = asyncio.create_task(Exporter(lambda: large).scrape())
    while not scraped.done():
        steps.append(scraped.done())
        await asyncio.sleep(0)
    assert len(steps) > 10  # written in one go it would be three: begun, written, seen
    assert scraped.result()[0].count(b"monitor_target_info{") > 500


async def test_the_daemon_tells_of_its_process_and_once_does_not() -> None:
    assert b"process_cpu_seconds_total" in (await Exporter(scene.story).scrape(""))[0]
    assert "process_" not in metrics_text(scene.story())
    assert "python_" not in metrics_text(scene.story())


def test_registering_asks_for_no_snapshot() -> None:
    def not_yet() -> Snapshot:
        raise AssertionError("the daemon is not ready for that")

    registry(not_yet, process=False)


PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/html", "text/plain; version=0.0.4; charset=utf-8"),
        (PROMETHEUS, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ("application/openmetrics-text;version=x", "text/plain; version=0.0.4; charset=utf-8"),
    ],
)
def test_the_scraper_gets_the_format_it_asks_for(accept: str, content_type: str) -> None:
    body, said = render(collected(scene.story()), accept)
    assert said.split("; escaping")[0] == content_type
    assert body.endswith(b"# EOF\n") == ("openmetrics" in content_type)


def test_openmetrics_is_well_formed() -> None:
    text = render(collected(scene.story()), PROMETHEUS)[0].decode()
    assert {f.name for f in parse_openmetrics(text)} >= {"monitor_balance", "monitor_probes"}


@given(st.text(st.characters(codec="latin-1")))
def test_no_accept_header_breaks_the_scrape(accept: str) -> None:
    _, content_type = render(CollectorRegistry(), accept)
    assert content_type.isprintable()


@given(st.text(max_size=30))
def test_a_hostile_name_comes_back_from_the_text_as_it_went_in(name: str) -> None:
    snap = replace(money(), services=(ServiceState(name, ServiceStatus.UP),))
    # The parser of the client ends lines at every line separator; the format only at \n.
    lines = metrics_text(snap).split("\n")
    line = next(line for line in lines if line.startswith("monitor_service_up{"))
    body = line.removeprefix('monitor_service_up{service="').removesuffix('"} 1.0')
    back = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], body)
    assert back == name


def test_hostile_labels_stay_labels() -> None:
    hub = scene.account("hub", checks=(f"model/{scene.HOSTILE}",))
    snap = scene.snapshot(scene.settings(hub), (scene.view(hub, f"model/{scene.HOSTILE}"),))
    text = metrics_text(snap)
    lines = [ln for ln in text.split("\n") if ln and not ln.startswith("#")]
    assert all(ln.startswith("monitor_") for ln in lines)
    ((labels, available),) = series(snap, "monitor_model_available")
    assert (labels["model"], available) == (scene.HOSTILE, 1)


def test_a_lone_surrogate_does_not_break_the_scrape() -> None:
    snap = replace(money(), services=(ServiceState("a\udc80b", ServiceStatus.UP),))
    assert 'service="a?b"' in metrics_text(snap)


def test_two_series_of_the_same_labels_become_one() -> None:
    hub = scene.account("hub", checks=("quota",))
    quota = Quota("calls", Decimal(1), Decimal(2), "calls")
    twice = scene.view(hub, "quota", quotas=(quota, replace(quota, used=Decimal(9))))
    snap = scene.snapshot(scene.settings(hub), (twice,))
    assert [used for _, used in series(snap, "monitor_quota_used")] == [1]


def test_no_text_of_a_failure_becomes_a_label() -> None:
    kie = scene.account("kie")
    failed = scene.view(kie, "balance", Cause.PROVIDER_ERROR,
                        summary="https://api.example.com said NO")  # fmt: skip
    text = metrics_text(scene.snapshot(scene.settings(kie), (failed,)))
    assert "example.com" not in text
    assert scene.KEY not in text


@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no promtool: apt-get install prometheus"
)
@pytest.mark.parametrize("story", [scene.story, lambda: scene.many(3, models=2)])
async def test_promtool_finds_nothing_to_say(story: object) -> None:
    assert callable(story)
    text, _ = await Exporter(story).scrape()
    check = ["promtool", "check", "metrics"]
    done = await asyncio.to_thread(
        subprocess.run, check, input=text, capture_output=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_every_check_has_its_word_in_the_target_info() -> None:
    owner = scene.account("a", checks=tuple(c.value for c in Check))
    views = tuple(scene.view(owner, c.value) for c in Check)
    found = series(scene.snapshot(scene.settings(owner), views), "monitor_target_info")
    assert [labels["check"] for labels, _ in found] == [c.value for c in Check]
