"""The rules we ship: each alert fires, does not just below, ends, and speaks of what there is."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.metrics import METRICS
from monitor.runbooks import load_runbooks

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "prometheus"
GUIDE = ROOT / "docs" / "alertmanager.md"
Json = dict[str, Any]
promtool = pytest.mark.skipif(
    shutil.which("promtool") is None,
    reason="no promtool: apt-get install --no-install-recommends prometheus",
)


@cache
def loaded(name: str) -> Json:
    found: Json = yaml.safe_load((SHIPPED / name).read_text())
    return found


def rules(kind: str) -> list[Json]:
    return [r for g in loaded("rules.yml")["groups"] for r in g["rules"] if kind in r]


def checks(alert: str) -> list[tuple[str, list[str]]]:
    """Test by test: of an alert whether it fires, in the order of time ("" not, "x" it does)."""
    return [
        (str(t["name"]), ["x" if c["exp_alerts"] else "" for c in t.get("alert_rule_test", ())
                          if c["alertname"] == alert])
        for t in loaded("rules_test.yml")["tests"]
    ]  # fmt: skip


def run(*words: str | Path) -> None:
    done = subprocess.run(["promtool", *words], cwd=SHIPPED, capture_output=True, text=True,
                          timeout=60, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr


@promtool
def test_every_alert_fires_where_it_should_and_nowhere_else() -> None:
    run("test", "rules", "rules_test.yml")


@promtool
def test_a_prometheus_with_our_rules_and_our_scrape_config_starts(tmp_path: Path) -> None:
    config = {"rule_files": [str(SHIPPED / "rules.yml")], **loaded("scrape.yml")}
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    run("check", "config", tmp_path / "prometheus.yml")


def test_every_alert_has_a_test_in_which_it_fires_and_ends_and_one_in_which_it_does_not() -> None:
    for rule in rules("alert"):
        name = str(rule["alert"])
        told = [steps for title, steps in checks(name) if title.startswith(f"{name}: ")]
        assert told, f"{name} has no test"
        assert any(pair == ("x", "") for steps in told for pair in pairwise(steps)), name
        assert any(pair == ("", "x") for steps in told for pair in pairwise(steps)), name


def test_no_test_is_about_an_alert_there_is_not() -> None:
    known = {r["alert"] for r in rules("alert")}
    for test in loaded("rules_test.yml")["tests"]:
        tested = {c["alertname"] for c in test.get("alert_rule_test", ())}
        assert tested <= known


def test_every_alert_says_how_bad_it_is_what_it_is_and_where_to_read_on() -> None:
    pages = load_runbooks()
    for rule in rules("alert"):
        assert rule["labels"] in ({"severity": "critical"}, {"severity": "warning"})
        said = rule["annotations"]
        assert isinstance(said, dict)
        assert list(said) == ["summary", "description", "runbook_url"], rule["alert"]
        host, _, place = str(said["runbook_url"]).removeprefix("https://").partition("/")
        if host == "monitor.example.com":
            assert place.removeprefix("runbooks/") in pages, rule["alert"]
        else:  # of the watcher itself: it may not be there to serve a page
            assert place == f"monitor/alertmanager#{str(rule['alert']).lower()}"


def test_the_guide_has_a_section_for_every_alert_and_for_no_other() -> None:
    written = re.findall(r"^### (Monitor\w+)$", GUIDE.read_text(), re.MULTILINE)
    assert written == [r["alert"] for r in rules("alert")]


def test_rules_speak_of_metrics_there_are() -> None:
    known = {m.name for m in METRICS}
    made = {str(r["record"]) for r in rules("record")}
    for rule in (*rules("alert"), *rules("record")):
        text = str(rule["expr"])
        assert set(re.findall(r"(?<![:\w])monitor_\w+", text)) <= known, text
        assert set(re.findall(r"\w+:\w+:\w+", text)) <= made, text


def test_thresholds_are_those_of_the_built_in_rules() -> None:
    exprs = {str(r.get("alert")): str(r["expr"]) for r in rules("alert")}
    assert "p25 < 24 * 3600" in exprs["MonitorRunwayShort"]
    assert re.search(r"p25 < 4 \* 3600\s+and .*p50 < 8 \* 3600", exprs["MonitorRunwayCritical"])
    assert ">= 0.8 < 0.95" in exprs["MonitorQuotaHigh"]
    assert ">= 0.95" in exprs["MonitorQuotaCritical"]
