"""A real Prometheus scrapes the real daemon of the demo, and answers every query we ship."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import living
import pytest
import snapshots as scene
import yaml

from grafana.queries import OURS, ahead, expected, runway
from grafana.recording import Prometheus, Recording, missing, replaying, running, told
from monitor import logs
from monitor.core.snapshot import Snapshot
from monitor.exporter import Exporter
from monitor.web.app import build_app
from monitor.web.server import bind, serve

ROOT = Path(__file__).parent.parent
needs_prometheus = pytest.mark.skipif(bool(missing()), reason=f"no Prometheus: {missing()}")
HOURS = 3600.0

MAY_BE_EMPTY = {
    "Probes that could not read",  # on an idle machine every probe of the demo reads something
    "A quota is gone",  # the demo declares no quota of its own
}


def config(address: str, *rules: Path) -> str:
    """A Prometheus that looks every other second."""
    job = {"job_name": "monitor", "static_configs": [{"targets": [urlsplit(address).netloc]}]}
    paces = {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "1s"}
    parts = {"global": paces, "rule_files": [str(r) for r in rules], "scrape_configs": [job]}
    return yaml.safe_dump(parts)


def filled(expr: str, account: str, *, window: str, ahead: str) -> str:
    """A query as Grafana would send it."""
    values = {
        "${ahead}": ahead, "$ahead": ahead, "$__rate_interval": window, "$__interval": window,
        "$account": account,
        "$provider": ".+", "$instance": ".+", "$job": ".+",
    }  # fmt: skip
    for variable, value in values.items():
        expr = expr.replace(variable, value)
    assert "$" not in expr
    return expr


def queries() -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Where, in which panel (of an annotation: its own), and what is asked."""
    for path in sorted((ROOT / "grafana").glob("*.json")):
        board = json.loads(path.read_text())
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                yield f"{path.stem}: {panel['title']}", {**panel, **target}, target["expr"]
        for mark in board["annotations"]["list"]:
            yield f"{path.stem}: {mark['name']}", mark, mark["expr"]
        for variable in board["templating"]["list"]:
            if isinstance(variable["query"], dict):
                expr = re.sub(r"^\w+\((.*?)(, \w+)?\)$", r"\1", variable["query"]["query"])
                yield f"{path.stem}: {variable['name']}", {"instant": True}, expr


def answered(ask: Callable[[str], object], expr: str, **how: str) -> bool:
    """Whether a query has an answer for one of the demo's accounts; the money is KIE's."""
    return any(ask(filled(expr, account, **how)) for account in ("kie", "huggingface"))


def asking(
    prometheus: Prometheus, panel: Mapping[str, Any], since: float, until: float, step: float
) -> Callable[[str], object]:
    """How Grafana asks for a panel: at one time, over the range, or from its end on."""
    if panel.get("instant"):
        return lambda text: prometheus.series(text, at=until)
    if panel.get("timeFrom"):
        return lambda text: prometheus.series(text, at=until + 48 * HOURS, since=until, step=1800)
    return lambda text: prometheus.series(text, at=until, since=since, step=step)


def wait_for(prometheus: Prometheus, expr: str, wanted: float) -> None:
    """Ask until the next scrape has shown it."""
    until = time.monotonic() + 20
    found: object = None
    while time.monotonic() < until:
        found = prometheus.series(expr, at=time.time())
        if [float(one["value"][1]) for one in found] == [wanted]:
            return
        time.sleep(0.1)
    raise AssertionError(f"{expr} is {found}")


def unanswered(prometheus: Prometheus, recording: Recording) -> set[str]:
    """Queries without an answer, over the whole of the story."""
    return {
        where.partition(": ")[2]
        for where, panel, expr in queries()
        if not answered(
            asking(prometheus, panel, recording.start, recording.end, 240),
            expr,
            window="20m",
            ahead="7200",
        )
    }


async def hang_up(address: str, times: int = 20) -> None:
    """Ask for the metrics, and be gone before they come."""
    place = urlsplit(address)
    assert place.hostname
    assert place.port
    for _ in range(times):
        with socket.create_connection((place.hostname, place.port)) as line:
            line.sendall(f"GET /metrics HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode())
            # Closed by a reset: what was on its way is thrown at nobody.
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await asyncio.sleep(0)


def promtool_says(text: bytes) -> tuple[int, bytes, bytes]:
    """Exit code and words of `promtool check metrics`."""
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                          timeout=30, check=False)  # fmt: skip
    return done.returncode, done.stdout, done.stderr


async def scraped(folder: Path) -> tuple[Recording, dict[str, Any]]:
    """Tell the story while a Prometheus scrapes it; what it made of it."""
    found: dict[str, Any] = {}
    async with told() as watched:
        address = await watched.address
        rules = ROOT / "prometheus" / "rules.yml"
        with running(folder, config(address, rules)) as prometheus:
            async with httpx.AsyncClient(trust_env=False) as client:
                text = (await client.get(f"{address}metrics")).content
            found["promtool"] = await asyncio.to_thread(promtool_says, text)
            await hang_up(address)
            await watched.critical.wait()
            await asyncio.to_thread(look, prometheus, found)
    return watched.recording, found


def look(prometheus: Prometheus, found: dict[str, Any]) -> None:
    """What the Prometheus that scrapes says at this moment."""
    wait_for(prometheus, "up", 1)
    critical = 'monitor_alert_firing{severity="critical"}'
    wait_for(prometheus, f"count(max_over_time({critical}[1m])) > bool 0", 1)
    now = time.time()
    found["targets"] = prometheus.get("targets")["activeTargets"]
    found["rules"] = prometheus.get("rules")["groups"]
    taken = "monitor_config_last_reload_success_timestamp_seconds"
    found["reloaded"] = prometheus.series(taken, at=now)
    found["silent"] = {
        where.partition(": ")[2]
        for where, panel, expr in queries()
        if "offset" not in expr  # of an hour ago this Prometheus knows nothing
        and not answered(
            asking(prometheus, panel, now - 30, now, 1), expr, window="10s", ahead="1"
        )
    }


@needs_prometheus
def test_a_real_prometheus_scrapes_the_demo_and_answers_every_query_we_ship(
    tmp_path: Path,
) -> None:
    logs.configure("text", "error")
    for name in ("live", "story"):
        (tmp_path / name).mkdir()
    recording, found = asyncio.run(scraped(tmp_path / "live"))

    assert found["promtool"] == (0, b"", b"")
    (target,) = found["targets"]
    # Though twenty others have hung up on the listener before their answers came.
    assert (target["health"], target["lastError"]) == ("up", "")
    assert found["reloaded"], "the config's time is there from the start"
    for group in found["rules"]:
        for rule in group["rules"]:
            assert (rule["health"], rule.get("lastError", "")) == ("ok", ""), rule["name"]

    with replaying(recording, tmp_path / "story") as prometheus:
        assert unanswered(prometheus, recording) <= MAY_BE_EMPTY
        the_bands_are_straight_lines(prometheus, recording)
        tables_can_put_their_columns_into_one_row(prometheus, recording)
    late = {"Top-ups", "Within the band", "What was said, by what was true"}  # after the top-up
    assert found["silent"] - late <= MAY_BE_EMPTY
    assert {where.partition(": ")[2] for where, _, _ in queries()} >= MAY_BE_EMPTY


def tables_can_put_their_columns_into_one_row(
    prometheus: Prometheus, recording: Recording
) -> None:
    """Grafana's merge takes a metric's name for a label: two names are two rows."""
    for where, panel, expr in queries():
        if panel.get("format") == "table":
            for account in ("kie", "huggingface"):
                asked = filled(expr, account, window="20m", ahead="7200")
                for one in prometheus.series(asked, at=recording.end):
                    assert "__name__" not in one["metric"], where


def the_bands_are_straight_lines(prometheus: Prometheus, recording: Recording) -> None:
    """What a forecast said an hour before, and where a balance goes: to its floor, straight."""
    now = recording.start + 2 * HOURS

    def figure(expr: str, at: float) -> float:
        (found,) = prometheus.series(filled(expr, "kie", window="20m", ahead="3600"), at=at)
        return float(found["value"][1])

    def line(percentile: int, at: float, seconds: float) -> float:
        floor = figure(f"monitor_balance_floor{{{OURS}}}", at)
        credit = figure(f"monitor_balance{{{OURS}}}", at) - floor
        return floor + credit * max(0.0, 1 - seconds / figure(runway(percentile), at))

    for percentile in (10, 90):
        said = line(percentile, now - HOURS, HOURS)
        assert figure(expected(percentile), now) == pytest.approx(said)
    assert figure(expected(10), now) < figure(expected(90), now)
    asked = filled(ahead(25), "kie", window="20m", ahead="3600")
    (way,) = prometheus.series(asked, at=now + 96 * HOURS, since=now, step=HOURS)
    figures = [float(value) for _, value in way["values"]]
    assert figures[5] == pytest.approx(line(25, now, 5 * HOURS), rel=0.02)
    assert figures == sorted(figures, reverse=True)
    assert figures[-1] == figure(f"monitor_balance_floor{{{OURS}}}", now)


@needs_prometheus
async def test_a_target_that_leaves_the_config_vanishes_at_the_next_scrape(tmp_path: Path) -> None:
    shown: list[Snapshot] = [scene.story()]
    exporter = Exporter(lambda: shown[0])
    listener, stop = bind("web", ("127.0.0.1", 0)), asyncio.Event()
    app = build_app(scene.doors(metrics=exporter.scrape))
    serving = asyncio.create_task(serve(app, listener, stop))
    address = f"http://127.0.0.1:{listener.port}/"

    def begin() -> Iterator[Prometheus]:
        with running(tmp_path, config(address)) as started:
            yield started

    made = begin()
    prometheus = await asyncio.to_thread(next, made)
    try:
        watched = 'count(monitor_target_info{target="kie/balance"}) or vector(0)'
        await asyncio.to_thread(wait_for, prometheus, watched, 1)
        shown[0] = scene.snapshot(scene.settings(), ())
        await asyncio.to_thread(
            wait_for, prometheus, watched, 0
        )  # by Prometheus' lookback it would be there for five minutes more
    finally:
        made.close()
        stop.set()
        await serving


@needs_prometheus
def test_what_once_prints_for_the_textfile_collector_is_clean(tmp_path: Path) -> None:
    with living.world_in_thread() as world:
        path = living.config(world, tmp_path)
        said = living.monitor(path, "--once", "--format", "prometheus")
    assert said.returncode == 0, said.stderr
    assert "monitor_balance{" in said.stdout
    assert "process_" not in said.stdout
    assert promtool_says(said.stdout.encode()) == (0, b"", b"")
