"""The daemon as its users meet it: a process, a page, mails, signals, and kill -9."""

from __future__ import annotations

import html
import http.client
import json
import os
import re
import signal
import socket
import sqlite3
from decimal import Decimal
from pathlib import Path

from living import LOW, Living, config, daemon, kinds, mail_to, monitor
from postbox import Mailbox

from monitor.demo.world import World


def cause(living: Living, target: str) -> object:
    targets = living.status()["targets"]
    assert isinstance(targets, list)
    return next(t["cause"] for t in targets if t["target"] == target)


def alerts(living: Living) -> set[str]:
    found = living.status()["alerts"]
    assert isinstance(found, list)
    return {a["alert"] for a in found}


def test_from_a_crossing_to_a_mail_and_back(world: World, box: Mailbox, tmp_path: Path) -> None:
    path = config(world, tmp_path, alerts=LOW, receivers=mail_to(box))
    with daemon(path) as living:
        living.until(lambda: living.get("/-/ready")[0] == 200)
        assert living.get("/-/healthy")[0] == 200
        assert cause(living, "kie/balance") == "ok"
        world.kie.balance = Decimal("9000.5")
        (opened,) = box.wait_blocking(1)
        assert opened.message["X-Monitor-Alert"] == "kie-credits-low"
        world.kie.balance = Decimal(20000)
        _, resolved = box.wait_blocking(2)
        assert resolved.message["X-Monitor-Notification"] == "resolved"
        assert resolved.message["In-Reply-To"] == opened.message["Message-ID"]
        status, metrics = living.get("/metrics")
        assert status == 200
        assert (
            'monitor_notifications_total{kind="opened",receiver="oncall",result="ok"} 1.0'
            in metrics
        )
        assert living.stop() == 0
    assert not [line for line in living.log if "Traceback" in line]
    assert not world.kie.wrong
    assert not world.huggingface.wrong


def test_kill_9_loses_no_incident_and_tells_nobody_twice(
    world: World, box: Mailbox, tmp_path: Path
) -> None:
    path = config(world, tmp_path, alerts=LOW, receivers=mail_to(box))
    world.kie.balance = Decimal(9000)
    with daemon(path) as living:
        (opened,) = box.wait_blocking(1)
        living.until(lambda: "told" in " ".join(living.log))
        living.kill()
    for _ in range(3):
        with daemon(path) as living:
            living.until(lambda: living.get("/-/ready")[0] == 200)
            living.until(lambda: "kie-credits-low" in alerts(living))
            living.kill()
    assert kinds(box) == ["opened"]
    world.kie.balance = Decimal(20000)
    with daemon(path) as living:
        _, resolved = box.wait_blocking(2)
        assert resolved.message["X-Monitor-Incident"] == opened.message["X-Monitor-Incident"]
        assert living.stop(signal.SIGINT) == 0


def test_a_broken_config_at_reload_keeps_the_old_one(world: World, tmp_path: Path) -> None:
    path = config(world, tmp_path)
    good = path.read_text()
    with daemon(path) as living:
        path.write_text(good + "nonsense: true\n")
        living.process.send_signal(signal.SIGHUP)
        living.until(
            lambda: "monitor_config_last_reload_successful 0.0" in living.get("/metrics")[1]
        )
        living.until(lambda: any("nonsense: unknown key" in line for line in living.log))
        fault = f"broken at {path}:{good.count(chr(10)) + 1}: the one before it is in use"
        assert living.status()["daemon"]["config_fault"].startswith(f"{path}:")  # type: ignore[index]  # a mapping
        path.write_text(good)  # not taken yet: a shell reads a good one, the daemon knows better
        assert f"the last reload found the config {fault}" in monitor(path, "status").stdout
        living.until(lambda: fault in html.unescape(living.get("/")[1]))
        path.write_text(good.replace("  kie:\n", "  video:\n    provider: kie\n"))
        living.process.send_signal(signal.SIGHUP)
        living.until(
            lambda: "monitor_config_last_reload_successful 1.0" in living.get("/metrics")[1]
        )
        metrics = living.get("/metrics")[1]
        assert 'target="video/balance"' in metrics
        living.until(lambda: "is broken" not in living.get("/")[1])
        assert 'target="kie/balance"' not in metrics
        assert living.stop() == 0


def test_a_port_in_use_is_one_line_that_says_what_to_do(world: World, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        path = config(world, tmp_path, web=f'web: {{listen: "127.0.0.1:{port}"}}\n')
        result = monitor(path)
    assert result.returncode == 70
    assert f"127.0.0.1:{port}" in result.stderr
    assert "web.listen" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_newer_database_is_refused_and_left_as_it_is(world: World, tmp_path: Path) -> None:
    path = config(world, tmp_path)
    with sqlite3.connect(tmp_path / "monitor.db") as database:
        database.execute("PRAGMA user_version = 9999")
    database.close()
    before = (tmp_path / "monitor.db").read_bytes()
    result = monitor(path)
    assert result.returncode == 70
    assert "newer" in result.stderr
    assert "Traceback" not in result.stderr
    assert (tmp_path / "monitor.db").read_bytes() == before


def test_a_corrupt_database_is_moved_aside_and_alerting_goes_on(
    world: World, box: Mailbox, tmp_path: Path
) -> None:
    path = config(world, tmp_path, alerts=LOW, receivers=mail_to(box))
    (tmp_path / "monitor.db").write_bytes(b"this is no database, whatever its name says" * 100)
    world.kie.balance = Decimal(9000)
    with daemon(path) as living:
        told = {m.message["X-Monitor-Alert"] for m in box.wait_blocking(2)}
        assert told == {"kie-credits-low", "store-failed"}
        assert living.stop() == 0
    assert list(tmp_path.glob("monitor.db.corrupt-*"))


def test_a_database_nobody_may_write_does_not_stop_the_alerts(
    world: World, box: Mailbox, tmp_path: Path
) -> None:
    blocked = tmp_path / "folder"
    blocked.write_text("a file where a folder should be")
    path = config(
        world,
        tmp_path,
        alerts=LOW,
        receivers=mail_to(box),
        database=f"database: {blocked}/monitor.db\n",
    )
    world.kie.balance = Decimal(9000)
    with daemon(path) as living:
        told = {m.message["X-Monitor-Alert"] for m in box.wait_blocking(2)}
        assert told == {"kie-credits-low", "store-failed"}
        assert living.stop() == 0
    assert not [line for line in living.log if "Traceback" in line]


def test_hanging_targets_do_not_hold_up_healthy_ones(world: World, tmp_path: Path) -> None:
    path = config(world, tmp_path)
    from living import there

    there(world, lambda: setattr(world.huggingface, "fault", "hang"))
    with daemon(path) as living:
        before = world.kie.requests["balance"]
        living.until(lambda: world.kie.requests["balance"] >= before + 5)
        living.until(lambda: cause(living, "huggingface/quota") == "timed_out")
        assert cause(living, "kie/balance") == "ok"
        assert living.stop() == 0


def test_a_silence_by_the_command_mutes_within_seconds_and_its_end_tells(
    world: World, box: Mailbox, tmp_path: Path
) -> None:
    path = config(world, tmp_path, alerts=LOW, receivers=mail_to(box))
    with daemon(path) as living:
        living.until(lambda: cause(living, "kie/balance") == "ok")
        words = ("--for", "1h", "--author", "me", "--comment", "planned")
        made = monitor(path, "silence", "kie/*", *words)
        assert made.returncode == 0, made.stderr
        assert re.fullmatch(r"[0-9a-f]{10}\n", made.stdout), "the id alone: scripts read it"
        said = r"silenced until 20\d\d-\d\d-\d\d \d\d:\d\d UTC: kie/balance\n"
        assert re.fullmatch(said, made.stderr)
        world.kie.balance = Decimal(9000)
        living.until(lambda: "kie-credits-low" in alerts(living))
        assert living.status()["status"] == "warning"  # a silence changes no state
        assert box.mails == []
        ended = monitor(path, "unsilence", made.stdout.strip())
        assert ended.returncode == 0, ended.stderr
        box.wait_blocking(1)
        acked = monitor(path, "ack", "kie/balance", "--author", "me", "--comment", "on it")
        assert "kie-credits-low on kie/balance" in acked.stdout
        assert living.stop() == 0
    alone = monitor(path, "silence", "kie/*", *words)
    assert alone.returncode == 1
    assert "nobody is listening" in alone.stderr


def test_status_works_beside_the_daemon_and_after_it(world: World, tmp_path: Path) -> None:
    path = config(world, tmp_path)
    early = monitor(path, "status")
    assert early.returncode == 65
    assert "Traceback" not in early.stderr
    with daemon(path) as living:
        living.until(lambda: living.get("/-/ready")[0] == 200)
        beside = json.loads(monitor(path, "status", "--format", "json").stdout)
        assert living.stop() == 0
    after = json.loads(monitor(path, "status", "--format", "json", KIE_API_KEY="").stdout)
    for document in (beside, after):
        found = {t["target"]: t for t in document["targets"]}
        assert found["kie/balance"]["balance"] == 12480.25


def test_ready_comes_after_every_target_was_probed_and_not_before(
    world: World, tmp_path: Path
) -> None:
    from living import there

    there(world, lambda: setattr(world.kie, "fault", "hang"))
    path = config(world, tmp_path)
    with daemon(path) as living:
        assert living.get("/-/healthy")[0] == 200
        assert living.get("/-/ready")[0] == 503
        living.until(lambda: living.get("/-/ready")[0] == 200)
        assert cause(living, "kie/balance") == "timed_out"


def test_systemd_is_told_of_ready_reload_and_stopping(world: World, tmp_path: Path) -> None:
    path = config(world, tmp_path)
    place = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(place))
        manager.settimeout(10)
        with daemon(path, NOTIFY_SOCKET=str(place), WATCHDOG_USEC="200000") as living:
            assert b"READY=1" in manager.recv(4096)
            assert living.stop() == 0
        said = []
        manager.setblocking(False)
        try:
            while True:
                said.append(manager.recv(4096))
        except BlockingIOError:
            assert b"STOPPING=1" in said
        assert b"WATCHDOG=1" in b"\n".join(said)


def test_the_database_and_its_socket_are_the_owners_alone(world: World, tmp_path: Path) -> None:
    path = config(world, tmp_path)
    with daemon(path) as living:
        living.until(lambda: (tmp_path / "monitor.db").exists())
        assert os.stat(tmp_path / "monitor.db").st_mode & 0o077 == 0
        assert os.stat(tmp_path / "monitor.sock").st_mode & 0o007 == 0
        assert living.stop() == 0
    assert not (tmp_path / "monitor.sock").exists()


def test_once_with_notify_leaves_telling_to_a_living_daemon(
    world: World, box: Mailbox, tmp_path: Path
) -> None:
    path = config(world, tmp_path, alerts=LOW, receivers=mail_to(box))
    with daemon(path) as living:
        living.until(lambda: living.get("/-/ready")[0] == 200)
        world.kie.balance = Decimal(9000)
        assert monitor(path, "--once", "--notify").returncode == 1
        living.until(lambda: any('"told"' in line for line in living.log))
        assert living.stop() == 0
    assert kinds(box) == ["opened"]
    with daemon(path) as living:
        living.until(lambda: living.get("/-/ready")[0] == 200)
        assert living.stop() == 0
    assert kinds(box) == ["opened"]


def test_status_lists_silences_and_who_acknowledged(
    world: World, box: Mailbox, tmp_path: Path
) -> None:
    path = config(world, tmp_path, alerts=LOW, receivers=mail_to(box))
    world.kie.balance = Decimal(9000)
    with daemon(path) as living:
        box.wait_blocking(1)
        words = ("--author", "ada", "--comment", "planned top-up")
        made = monitor(path, "silence", "kie/*", "--for", "1h", *words)
        monitor(path, "ack", "kie/*", *words)
        shown = monitor(path, "status").stdout
        assert made.stdout.strip() in shown
        assert "planned top-up" in shown
        assert "acknowledged by ada" in shown
        assert living.stop() == 0


def test_a_silence_without_a_daemon_makes_no_database(world: World, tmp_path: Path) -> None:
    path = config(world, tmp_path)
    words = ("--for", "1h", "--author", "me", "--comment", "x")
    alone = monitor(path, "silence", "kie/*", *words)
    assert alone.returncode == 1
    assert not (tmp_path / "monitor.db").exists()
    assert monitor(path, "silence", "kie/*", *words[2:], "--for", "banana").returncode == 64


def test_a_nudge_with_the_token_is_probed_within_seconds_and_not_too_often(
    world: World, tmp_path: Path
) -> None:
    web = 'web: {listen: "127.0.0.1:0", token: planted-token-0001}\n'
    path = config(world, tmp_path, web=web)
    path.write_text(path.read_text().replace("interval: 1s, timeout: 2s", "interval: 1h"))
    with daemon(path) as living:
        living.until(lambda: cause(living, "kie/balance") == "ok")
        asked = world.kie.requests["balance"]
        headers = {"Authorization": "Bearer planted-token-0001"}

        def nudge(target: str) -> tuple[int, dict[str, object]]:
            line = http.client.HTTPConnection("127.0.0.1", living.port, timeout=10)
            line.request("POST", f"/api/v1/probe/{target}", headers=headers)
            answer = line.getresponse()
            found = answer.status, json.loads(answer.read())
            line.close()
            return found

        status, body = nudge("kie/balance")
        assert (status, body["target"]) == (202, "kie/balance")
        living.until(lambda: world.kie.requests["balance"] == asked + 1)
        assert nudge("kie/balance")[0] == 429
        status, body = nudge("kie/balence")
        assert (status, body["error"]) == (404, "no such target: did you mean kie/balance?")
        metrics = living.get("/metrics")[1]
        assert f'monitor_calls_today{{account="kie",provider="kie"}} {asked + 1}.0' in metrics
        assert living.stop() == 0
    assert world.kie.requests["balance"] == asked + 1
