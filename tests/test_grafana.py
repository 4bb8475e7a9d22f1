"""The dashboards as files: made from code, whole, and of what monitor exports."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana.dashboards import DASHBOARDS, TAG, render
from monitor.metrics import METRICS

FOLDER = Path(__file__).parent.parent / "grafana"
Json = dict[str, Any]
every = pytest.mark.parametrize("name", DASHBOARDS)


def loaded(name: str) -> Json:
    found: Json = json.loads((FOLDER / name).read_text())
    return found


def panels(name: str) -> list[Json]:
    return [p for p in loaded(name)["panels"] if p["type"] != "row"]


def exprs(name: str) -> list[str]:
    """Every query: of panels, annotations and variables."""
    board = loaded(name)
    found = [t["expr"] for p in panels(name) for t in p["targets"]]
    found += [a["expr"] for a in board["annotations"]["list"]]
    asked = [v["query"] for v in board["templating"]["list"]]
    return found + [q["query"] for q in asked if isinstance(q, dict)]


@every
def test_the_file_is_what_the_code_makes(name: str) -> None:
    assert (FOLDER / name).read_text() == render(DASHBOARDS[name]()), "run `make docs`"


@every
def test_any_grafana_can_import_it(name: str) -> None:
    board = loaded(name)
    assert board["schemaVersion"] <= 42
    assert board["uid"] == name.removesuffix(".json")
    assert board["tags"] == [TAG]
    assert not {"id", "__inputs", "__requires"} & set(board)


@every
def test_the_sdk_reads_it_back_as_it_is(name: str) -> None:
    # The package `grafana` has loaded it already, without its warning about the classic model.
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models.dashboard import Dashboard

    again = json.dumps(Dashboard.from_json(loaded(name)), cls=JSONEncoder)
    assert json.loads(again) == loaded(name)


@every
def test_every_query_goes_to_the_prometheus_that_the_reader_has_chosen(name: str) -> None:
    text = (FOLDER / name).read_text()
    uids = set(re.findall(r'"uid": "([^"]+)"', text)) - {name.removesuffix(".json")}
    assert uids == {"${datasource}"}
    first = loaded(name)["templating"]["list"][0]
    assert (first["name"], first["type"], first["query"]) == (
        "datasource",
        "datasource",
        "prometheus",
    )


@every
def test_no_panel_covers_another_or_leaves_the_grid(name: str) -> None:
    placed = [(p["title"], p["gridPos"]) for p in loaded(name)["panels"]]
    for title, at in placed:
        assert isinstance(at, dict)
        assert at["x"] + at["w"] <= 24, title
    for (one, a), (other, b) in combinations(placed, 2):
        assert isinstance(a, dict)
        assert isinstance(b, dict)
        apart = (
            a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
            or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        )  # fmt: skip
        assert apart, f"{one} and {other}"


@every
def test_panels_are_listed_from_top_to_bottom_so_that_rows_hold_what_is_under_them(
    name: str,
) -> None:
    tops = [p["gridPos"]["y"] for p in loaded(name)["panels"]]
    assert tops == sorted(tops)


@every
def test_panels_have_ids_of_their_own_and_say_what_they_show(name: str) -> None:
    ids = [p["id"] for p in loaded(name)["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in panels(name):
        assert len(str(panel["description"])) > 10, panel["title"]
        refs = [t["refId"] for t in panel["targets"]]
        assert len(set(refs)) == len(refs) > 0


@every
def test_queries_speak_of_metrics_there_are_and_of_variables_there_are(name: str) -> None:
    known = {m.name for m in METRICS}
    variables = {v["name"] for v in loaded(name)["templating"]["list"]}
    for expr in exprs(name):
        assert set(re.findall(r"(?<![:\w])monitor_\w+", expr)) <= known, expr
        used = set(re.findall(r"\$\{?(\w+)", expr)) - {"__rate_interval", "__interval"}
        assert used <= variables, expr


@every
def test_links_lead_to_dashboards_there_are(name: str) -> None:
    leads = re.findall(r"/d/([\w-]+)", (FOLDER / name).read_text())
    assert leads
    assert {f"{uid}.json" for uid in leads} <= set(DASHBOARDS)


def test_what_is_endless_is_cut_before_it_is_drawn() -> None:
    """Prometheus' +Inf has no place on an axis of Grafana's."""
    for name in DASHBOARDS:
        for panel in panels(name):
            for target in panel["targets"]:
                bare = target["expr"].startswith("monitor_runway_seconds")
                assert not bare, panel["title"]


def test_only_a_runway_is_ever_said_to_burn_nothing() -> None:
    for name in DASHBOARDS:
        for panel in panels(name):
            defaults = panel["fieldConfig"]["defaults"]
            if "nothing burns" in json.dumps(defaults.get("mappings", ())):
                assert defaults["unit"] == "s"
                assert all("monitor_runway_seconds" in t["expr"] for t in panel["targets"])
            for override in panel["fieldConfig"].get("overrides", ()):
                if "nothing burns" in json.dumps(override):
                    assert override["matcher"]["options"].startswith("runway")


def test_grafana_is_told_where_the_dashboards_are_and_which_prometheus_to_ask() -> None:
    folder = FOLDER / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources/prometheus.yaml").read_text())["datasources"]
    (where,) = yaml.safe_load((folder / "dashboards/monitor.yaml").read_text())["providers"]
    assert source["type"] == "prometheus"
    assert where["type"] == "file"
    assert where["options"]["path"] in (FOLDER.parent / "docs" / "grafana.md").read_text()
