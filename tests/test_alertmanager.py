"""A real daemon and real Alertmanagers: what fires there is what is true here, on each of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from alertmanagers import alertmanager, needed
from living import Living, config, daemon, monitor, world_in_thread
from wire import free_port

from monitor.demo.world import World

LOW = "alerts: [{name: kie-credits-low, on: kie/balance, when: balance < 10000}]\n"


@pytest.fixture
def world() -> Iterator[World]:
    with world_in_thread() as made:
        made.kie.balance = Decimal(9000)
        yield made


def receivers(*urls: str, refresh: str = "1s") -> str:
    listed = ", ".join(f'"{url}"' for url in urls)
    table = f"{{urls: [{listed}], refresh: {refresh}, timeout: 2s}}"
    return f"receivers: {{am: {{alertmanager: {table}, on: [kie/balance]}}}}\n"


def counted(living: Living, result: str) -> bool:
    """Whether a notification that ended so has been counted."""
    lines = living.get("/metrics")[1].splitlines()
    return any(
        line.startswith("monitor_notifications_total") and f'result="{result}"' in line
        for line in lines
    )


@needed
def test_what_fires_stays_on_every_replica_and_ends_with_its_cause(
    world: World, tmp_path: Path
) -> None:
    with alertmanager(tmp_path) as one, alertmanager(tmp_path) as two:
        path = config(world, tmp_path, alerts=LOW, receivers=receivers(one.url, two.url))
        with daemon(path) as living:
            for replica in (one, two):
                (alert,) = replica.until(1)
                assert alert["labels"] == {
                    "alertname": "kie-credits-low", "severity": "warning", "account": "kie",
                    "target": "kie/balance", "provider": "kie", "cause": "ok",
                }  # fmt: skip
                assert alert["annotations"]["severity"] == "warning"
                assert "9000" in alert["annotations"]["summary"]
            silenced = monitor(path, "silence", "kie/*", "--for", "1h", "--author", "a",
                               "--comment", "known")  # fmt: skip
            assert silenced.returncode == 0, silenced.stderr
            began = one.alerts()[0]["startsAt"]
            # Its own resolve_timeout is 3 s, and our silence mutes what is new: it has to stay.
            until = time.monotonic() + 5
            while time.monotonic() < until:
                assert [a["startsAt"] for a in one.alerts()] == [began]
                time.sleep(0.2)
            assert monitor(path, "unsilence", silenced.stdout.split()[0]).returncode == 0
            world.kie.balance = Decimal(20000)
            one.until(0, within=4)  # sooner than by itself: the end was told
            two.until(0, within=2)
            log = "\n".join(living.log)
        told = [kind for kind in ("opened", "resolved", "reminder") if f'"kind": "{kind}"' in log]
        assert told == ["opened", "resolved"], log  # what is refreshed is no news
        assert log.count('"event": "told"') == 2


@needed
def test_a_dead_replica_holds_up_no_other_and_hears_all_when_it_is_back(
    world: World, tmp_path: Path
) -> None:
    port = free_port()
    with alertmanager(tmp_path) as one:
        path = config(
            world, tmp_path, alerts=LOW, receivers=receivers(one.url, f"http://127.0.0.1:{port}")
        )
        with daemon(path) as living:
            one.until(1)
            living.until(lambda: counted(living, "failed"))
            with alertmanager(tmp_path, port=port) as two:
                (alert,) = two.until(1)
                assert alert["labels"]["alertname"] == "kie-credits-low"
            living.until(lambda: any("not refreshed" in line for line in living.log))
            time.sleep(2.5)  # two more refreshes that fail
            assert sum("not refreshed" in line for line in living.log) == 1


@needed
def test_a_daemon_that_dies_leaves_nothing_firing_for_ever(world: World, tmp_path: Path) -> None:
    with alertmanager(tmp_path, resolve_timeout="1h") as one:
        path = config(world, tmp_path, alerts=LOW, receivers=receivers(one.url))
        with daemon(path) as living:
            one.until(1)
            living.until(lambda: "0001-01-01" not in one.alerts()[0]["endsAt"])
            time.sleep(1.5)  # a refresh has set its end
            living.kill()
            one.until(0, within=8)  # four refreshes later
