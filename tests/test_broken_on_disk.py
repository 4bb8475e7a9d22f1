"""A config that was broken while the daemon runs takes nobody the commands of a night on call."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from living import LOW, config, daemon, environment, monitor

from monitor.config import ConfigFaults
from monitor.config.place import place
from monitor.demo.world import World

WHO = ("--author", "ada", "--comment", "on it")
DAEMON_LIVES = "warning: the config on disk is broken; the daemon runs on the one before:\n"


def broken(path: Path) -> str:
    """Break it as a bad deploy does; the fault's line as every command says it."""
    text = path.read_text().replace(
        "when: balance < 10000", "when: balance < 10000, severity: crt"
    )
    path.write_text(text)
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "crt" in row)
    return f"{path}:{line}:"


def test_who_is_on_call_can_look_and_act_while_the_config_on_disk_is_broken(
    world: World, tmp_path: Path
) -> None:
    path = config(world, tmp_path, alerts=LOW)
    world.kie.balance = Decimal(9000)
    with daemon(path) as living:
        living.until(lambda: "kie-credits-low" in living.get("/api/v1/status")[1])
        before = monitor(path, "status").stdout
        fault = broken(path)
        warned = f"{DAEMON_LIVES}{fault}"

        acked = monitor(path, "ack", "kie/balance", *WHO)
        assert (acked.returncode, acked.stdout) == (
            0,
            "acknowledged: kie-credits-low on kie/balance\n",
        )
        assert acked.stderr.startswith(warned)

        silenced = monitor(path, "silence", "kie/*", "--for", "1h", *WHO)
        assert (silenced.returncode, silenced.stderr[: len(warned)]) == (0, warned)
        assert monitor(path, "silence", "nobody/*", "--for", "1h", *WHO).returncode == 64

        shown = monitor(path, "status")
        assert (shown.returncode, shown.stderr[: len(warned)]) == (0, warned)
        assert "kie-credits-low on kie/balance, firing" in before
        assert "kie-credits-low on kie/balance, firing" in shown.stdout
        assert "(acknowledged by ada)" in shown.stdout
        assert silenced.stdout.strip() in shown.stdout
        said = json.loads(monitor(path, "status", "--format", "json").stdout)
        assert [t["target"] for t in said["targets"]] == [
            t["target"]
            for t in living.status()["targets"]  # type: ignore[attr-defined]
        ]

        ended = monitor(path, "unsilence", silenced.stdout.strip())
        assert (ended.returncode, ended.stderr[: len(warned)]) == (0, warned)

        past = monitor(path, "history", "kie/balance", "--format", "csv")
        assert past.returncode == 0
        assert past.stdout.splitlines()[-1].endswith(",9000")
        assert past.stderr.startswith("warning: the config on disk is broken; what follows ")
        assert fault in past.stderr
        assert living.stop() == 0
    left = monitor(path, "status")
    assert (left.returncode, left.stdout) == (78, "")
    assert left.stderr.startswith(fault)


@pytest.mark.parametrize(
    "words", [("status",), ("ack", "kie/*", *WHO), ("unsilence", "x"), ("history", "kie/balance")]
)
def test_without_a_daemon_and_a_database_a_broken_config_is_refused(
    world: World, tmp_path: Path, words: tuple[str, ...]
) -> None:
    path = config(world, tmp_path, alerts=LOW)
    fault = broken(path)
    refused = monitor(path, *words)
    assert (refused.returncode, refused.stdout) == (78, "")
    assert refused.stderr.startswith(fault)
    assert list(tmp_path.glob("*.db")) == []


def test_a_daemon_that_cannot_be_asked_is_told_through_its_database(
    world: World, tmp_path: Path
) -> None:
    path = config(world, tmp_path, alerts=LOW)
    world.kie.balance = Decimal(9000)
    with daemon(path) as living:
        living.until(lambda: "kie-credits-low" in living.get("/api/v1/status")[1])
        for name in ("monitor.sock", "monitor.db.sock"):
            (tmp_path / name).unlink(missing_ok=True)
        broken(path)
        silenced = monitor(path, "silence", "kie/*", "--for", "1h", *WHO)
        assert silenced.returncode == 0
        assert silenced.stderr.startswith("warning: the config on disk is broken; the daemon of")
        assert "written to the database\n" in silenced.stderr
        assert monitor(path, "ack", "kie/*", *WHO).returncode == 0
        living.until(lambda: '"ada"' in living.get("/api/v1/status")[1])
        assert living.stop() == 0
    with sqlite3.connect(tmp_path / "monitor.db") as kept:
        assert kept.execute("SELECT count(*) FROM incidents WHERE closed_at IS NULL").fetchone()[0]
    kept.close()


def test_what_is_watched_outlives_a_config_that_breaks(world: World, tmp_path: Path) -> None:
    path = config(world, tmp_path, alerts=LOW)
    with daemon(path) as living:
        living.until(lambda: living.get("/-/ready")[0] == 200)
        broken(path)
        with subprocess.Popen(
            [sys.executable, "-m", "monitor", "--config", str(path), "status", "--watch", "0.2"],
            env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as watching:  # fmt: skip
            assert watching.stdout is not None
            assert watching.stderr is not None
            assert any("kie/balance" in line for line in watching.stdout)
            assert living.stop() == 0
            assert any("no daemon answers" in line for line in watching.stdout)
            watching.send_signal(signal.SIGINT)
            assert watching.stderr.readline() == DAEMON_LIVES
            assert watching.wait(10) == 130


def test_where_no_database_is_sure_it_can_still_be_named(world: World, tmp_path: Path) -> None:
    path = config(world, tmp_path, alerts=LOW)
    with daemon(path) as living:
        living.until(lambda: living.get("/-/ready")[0] == 200)
        path.write_text(path.read_text() + "alerts: [\n")
        refused = monitor(path, "status")
        assert refused.returncode == 78
        assert refused.stderr.endswith(
            "a daemon that still runs is reached with --database FILE\n"
        )
        shown = monitor(path, "--database", str(tmp_path / "monitor.db"), "status")
        assert shown.returncode == 0
        assert shown.stderr.startswith(DAEMON_LIVES)
        assert "kie/balance" in shown.stdout
        assert living.stop() == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("nonsense: true\n", "monitor.db"),
        ("database: here.db\naccounts: 3\n", "here.db"),
        ("database: here.db\naccounts: {kie: {provider: nobody}}\n", "here.db"),
        ("database: here.db\ntimezone: Nowhere/Else\n", "here.db"),
        ("database: here.db\nlease: ${UNSET}\n", "here.db"),
        ("database: [a]\n", None),
        ("databse: here.db\n", None),
        ("database: here.db\ndatabase: there.db\n", None),
        ("database: config.yaml\n", None),
        ("database: here.db\naccounts: [\n", None),
        ("", None),
    ],
)
def test_the_database_of_a_broken_config_is_known_where_it_is_sure(
    tmp_path: Path, text: str, found: str | None
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    if found is not None:
        assert place(str(path), {}).database == str(tmp_path / found)
        return
    with pytest.raises(ConfigFaults):
        place(str(path), {})
