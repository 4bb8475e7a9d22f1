"""Two daemons on one database: one leads, the other stands by and takes over within seconds."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import time
from decimal import Decimal
from pathlib import Path

from living import LOW, Living, config, daemon, kinds, mail_to, monitor
from postbox import Mailbox
from wire import free_port

from monitor.demo.world import World

STANDS_BY = "standing by"


def name_of(living: Living) -> str:
    return f"{socket.gethostname()} pid {living.process.pid}"


def test_a_leader_that_is_killed_is_followed_within_seconds_and_nobody_hears_it_twice(
    world: World, box: Mailbox, tmp_path: Path
) -> None:
    """The same config means the same port: the second waits without a page, and has it then."""
    port = free_port()
    web = f'web: {{listen: "127.0.0.1:{port}"}}\n'
    path = config(world, tmp_path, alerts=LOW, receivers=mail_to(box), web=web)
    world.kie.balance = Decimal(9000)
    with daemon(path) as leader, daemon(path, until=STANDS_BY) as second:
        waits = second.said(STANDS_BY)
        assert waits is not None
        assert waits["leader"] == name_of(leader)
        box.wait_blocking(1)
        leader.until(lambda: leader.said("told") is not None)
        shown = json.loads(monitor(path, "status", "--format", "json").stdout)["leader"]
        assert shown["holder"] == name_of(leader)
        leader.kill()
        killed = time.monotonic()
        second.until(lambda: second.said("started") is not None)
        world.kie.balance = Decimal(20000)
        box.wait_blocking(2)
        assert time.monotonic() - killed < 9  # before any lease is over
        told = second.said("took over")
        assert told is not None
        assert told["because"] == "the leader has died"
        second.port = port
        assert second.status()["leader"]["holder"] == name_of(second)  # type: ignore[index]  # a mapping
        assert second.stop() == 0
    assert kinds(box) == ["opened", "resolved"]
    first, last = (m.message["X-Monitor-Incident"] for m in box.mails)
    assert first == last


def test_a_leader_that_hangs_loses_its_lease_and_stands_by_when_it_wakes(
    world: World, box: Mailbox, tmp_path: Path
) -> None:
    port = free_port()
    more = f'lease: 3s\nweb: {{listen: "127.0.0.1:{port}"}}\n'
    path = config(world, tmp_path, alerts=LOW, receivers=mail_to(box), web=more)
    with daemon(path) as first, daemon(path, until=STANDS_BY) as second:
        first.until(lambda: first.get("/-/ready")[0] == 200)
        first.process.send_signal(signal.SIGSTOP)
        second.until(lambda: second.said("started") is not None)
        told = second.said("took over")
        assert told is not None
        assert "longer than its lease" in str(told["because"])
        world.kie.balance = Decimal(9000)
        box.wait_blocking(1)
        first.process.send_signal(signal.SIGCONT)
        first.until(lambda: first.said(STANDS_BY) is not None)
        second.until(lambda: second.said("shows its page") is not None)  # the port is free now
        down = first.said("stepped down: another daemon has taken over")
        assert down is not None
        assert name_of(second) in str(down["why"])
        silence = ("--for", "1h", "--author", "me", "--comment", "planned")
        assert monitor(path, "silence", "hf/*", "--force", *silence).returncode == 0
        assert second.stop() == 0  # in good order: the first takes over at once
        first.until(lambda: len([x for x in first.log if '"started"' in x]) == 2)
        world.kie.balance = Decimal(20000)
        box.wait_blocking(2)
        assert first.stop() == 0
    assert kinds(box) == ["opened", "resolved"]
    assert not [line for line in (*first.log, *second.log) if "Traceback" in line]


def test_one_takeover_after_another_loses_nothing_and_doubles_nothing(
    world: World, box: Mailbox, tmp_path: Path
) -> None:
    path = config(world, tmp_path, alerts=LOW, receivers=mail_to(box))
    with contextlib.ExitStack() as stack:
        leader = stack.enter_context(daemon(path))
        for number in range(4):
            waits = stack.enter_context(daemon(path, until=STANDS_BY))
            world.kie.balance = Decimal(9000 if number % 2 == 0 else 20000)
            leader.kill()
            leader = waits
            leader.until(lambda it=leader: it.said("started") is not None)
            box.wait_blocking(number + 1)
            leader.until(lambda it=leader: it.said("told") is not None)
        assert leader.stop() == 0
    assert kinds(box) == ["opened", "resolved"] * 2
    assert len({m.message["Message-ID"] for m in box.mails}) == 4


def test_a_standby_lives_and_is_not_ready_and_ends_at_once(world: World, tmp_path: Path) -> None:
    path = config(world, tmp_path)
    with daemon(path) as leader, daemon(path, until=STANDS_BY) as second:
        leader.until(lambda: "monitor_standbys 1.0" in leader.get("/metrics")[1])
        assert "monitor_leader 1.0" in leader.get("/metrics")[1]
        shown = monitor(path, "status").stdout.splitlines()[-1]
        assert shown == f"led by {name_of(leader)}, epoch 1; standing by: {name_of(second)}"
        second.until(lambda: second.said("shows its page") is not None)
        second.port = second.said("shows its page")["web"]  # type: ignore[index, assignment]  # it has
        assert second.get("/-/healthy") == (200, "healthy\n")
        assert second.get("/-/ready") == (503, f"not ready: standby: {name_of(leader)} leads\n")
        assert second.get("/")[0] == 503
        metrics = second.get("/metrics")[1]
        assert "monitor_leader 0.0" in metrics
        assert "monitor_balance{" not in metrics
        asked = world.kie.requests["balance"]
        path.write_text(path.read_text() + "nonsense: true\n")
        second.process.send_signal(signal.SIGHUP)
        second.until(lambda: any("nonsense: unknown key" in line for line in second.log))
        began = time.monotonic()
        assert second.stop() == 0
        assert time.monotonic() - began < 9
        assert world.kie.requests["balance"] >= asked  # the leader's own
        assert leader.stop() == 0


def test_systemd_hears_that_a_standby_is_ready_and_lives(world: World, tmp_path: Path) -> None:
    path, place = config(world, tmp_path), tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(place))
        manager.settimeout(10)
        env = {"NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "200000"}
        with daemon(path) as leader, daemon(path, until=STANDS_BY, **env):
            ready = manager.recv(4096).decode()
            assert ready == f"READY=1\nSTATUS=standby: {name_of(leader)} leads"
            assert manager.recv(4096) == b"WATCHDOG=1"
