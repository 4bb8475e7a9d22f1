"""The daemon under faults of its machine: it says what is wrong, alerts go on, nothing is lost."""

from __future__ import annotations

import http.client
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path

import pytest
from disks import AS_ROOT, small_disk, stuff
from living import LOW, Living, config, daemon, environment, mail_to, monitor
from postbox import Mailbox

from monitor.demo.world import World

TOKEN = "planted-token-0001"


def written(world: World, box: Mailbox, folder: Path, **parts: str) -> Path:
    """A config with one mail receiver, of KIE's balance alone."""
    path = config(world, folder, alerts=LOW, receivers=mail_to(box), **parts)
    text = path.read_text()
    path.write_text(text[: text.index("  huggingface:")] + text[text.index("  kie:\n") :])
    return path


def told(box: Mailbox) -> list[str]:
    heads = (m.message for m in box.mails)
    return [f"{m['X-Monitor-Notification']} {m['X-Monitor-Alert']}" for m in heads]


def firing(living: Living, alert: str) -> bool:
    lines = living.get("/metrics")[1].splitlines()
    found = [x for x in lines if x.startswith("monitor_alert_firing") and f'"{alert}"' in x]
    return any(x.endswith(" 1.0") for x in found)


def all_is_well(living: Living, box: Mailbox, *alerts: str) -> None:
    """Each of these was told once, and its end once; then the daemon leaves in good order."""
    living.until(lambda: len(box.mails) >= 2 * len(alerts))
    assert sorted(told(box)) == sorted(
        f"{kind} {a}" for kind in ("opened", "resolved") for a in alerts
    )
    assert living.stop() == 0
    assert not [line for line in living.log if "Traceback" in line]


@pytest.mark.skipif(not AS_ROOT, reason="mounting a small disk takes root")
def test_a_full_disk_is_an_alert_and_what_happens_meanwhile_is_told_and_kept(
    world: World, box: Mailbox, tmp_path: Path
) -> None:
    with small_disk(2048) as disk:
        path = written(world, box, tmp_path, database=f"database: {disk}/monitor.db\n")
        with daemon(path) as living:
            living.until(lambda: living.get("/-/ready")[0] == 200)
            stuff(disk / "filler")
            world.kie.balance = Decimal(9000)
            living.until(lambda: firing(living, "store-failed"), within=30)
            box.wait_blocking(2)
            said = living.said("the database cannot be used; alerting goes on from memory")
            assert said is not None
            assert "full" in str(said["why"])
            (disk / "filler").unlink()
            living.until(lambda: living.said("the database works again") is not None)
            living.kill()  # what happened while the disk was full is kept by now
        world.kie.balance = Decimal(20000)
        with daemon(path) as living:
            all_is_well(living, box, "kie-credits-low", "store-failed")


def test_a_database_locked_for_long_delays_no_alert_and_loses_nothing(
    world: World, box: Mailbox, tmp_path: Path
) -> None:
    path = written(world, box, tmp_path)
    with daemon(path) as living:
        living.until(lambda: living.get("/-/ready")[0] == 200)
        with closing(sqlite3.connect(tmp_path / "monitor.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            world.kie.balance = Decimal(9000)
            box.wait_blocking(2)
            said = living.said("the database cannot be used; alerting goes on from memory")
            assert said is not None
            assert "another process holds it locked" in str(said["why"])
            assert firing(living, "store-failed")
            other.execute("ROLLBACK")
        living.until(lambda: living.said("the database works again") is not None)
        world.kie.balance = Decimal(20000)
        all_is_well(living, box, "kie-credits-low", "store-failed")


def descriptors(living: Living) -> int:
    return len(os.listdir(f"/proc/{living.process.pid}/fd"))


def allow(living: Living, files: int) -> None:
    limit = resource.RLIMIT_NOFILE
    hard = resource.prlimit(living.process.pid, limit)[1]
    resource.prlimit(living.process.pid, limit, (files, hard))


def test_without_descriptors_it_says_so_and_comes_back_with_them(
    world: World, box: Mailbox, tmp_path: Path
) -> None:
    path = written(world, box, tmp_path)
    # Longer than a connection is kept, so that every probe needs a new one.
    path.write_text(path.read_text().replace("interval: 1s, timeout: 2s", "interval: 3s"))
    with daemon(path) as living:
        living.until(lambda: living.get("/-/ready")[0] == 200)
        allow(living, 3)
        living.until(lambda: any("too many files open" in line for line in living.log))
        with socket.create_connection(("127.0.0.1", living.port), 10):  # it is not refused
            world.kie.balance = Decimal(9000)
            allow(living, 1024)
            living.until(lambda: living.get("/-/healthy")[0] == 200)
        box.wait_blocking(1)
        assert monitor(path, "status").returncode == 0
        words = ("--for", "1h", "--author", "me", "--comment", "asks the socket")
        assert monitor(path, "silence", "other/*", "--force", *words).returncode == 0
        world.kie.balance = Decimal(20000)
        all_is_well(living, box, "kie-credits-low")


def reloaded(living: Living) -> int:
    line = http.client.HTTPConnection("127.0.0.1", living.port, timeout=10)
    line.request("POST", "/-/reload", headers={"Authorization": f"Bearer {TOKEN}"})
    answer = line.getresponse()
    answer.read()
    line.close()
    return answer.status


def test_a_hundred_reloads_cost_no_memory_and_tell_nobody_twice(
    world: World, box: Mailbox, tmp_path: Path
) -> None:
    path = written(world, box, tmp_path, web=f'web: {{listen: "127.0.0.1:0", token: {TOKEN}}}\n')
    good = path.read_text()
    world.kie.balance = Decimal(9000)
    with daemon(path) as living:
        box.wait_blocking(1)

        def reload(times: int) -> None:
            for number in range(times):  # an account comes and goes
                more = "  more:\n    provider: kie\n    key: planted-key\n" if number % 2 else ""
                path.write_text(good.replace("  kie:\n", f"{more}  kie:\n"))
                assert reloaded(living) < 300

        reload(20)
        before = rss(living), descriptors(living)
        reload(100)
        assert rss(living) - before[0] < 4096  # kB; a settings and its rules are 100 kB
        assert descriptors(living) <= before[1] + 4
        world.kie.balance = Decimal(20000)
        all_is_well(living, box, "kie-credits-low")


def rss(living: Living) -> int:
    text = Path(f"/proc/{living.process.pid}/status").read_text()
    return int(next(x for x in text.splitlines() if x.startswith("VmRSS")).split()[1])


def test_sigterm_at_any_moment_ends_it_in_good_order_and_loses_nothing(
    world: World, box: Mailbox, tmp_path: Path
) -> None:
    path = written(world, box, tmp_path)
    world.kie.balance = Decimal(9000)
    for moment in (0.2, 0.4, 0.6, 0.8, 1.1, 1.5):
        command = [sys.executable, "-m", "monitor", "--config", str(path)]
        with subprocess.Popen(
            command, env=environment(tmp_path), stderr=subprocess.PIPE, text=True
        ) as process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(moment)
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=15)
        # Before Python has come to our handlers the signal ends it as it ends any process.
        assert process.returncode in (0, -signal.SIGTERM, 130), said
        assert "Traceback" not in said
    with daemon(path) as living:
        box.wait_blocking(1)
        world.kie.balance = Decimal(20000)
        all_is_well(living, box, "kie-credits-low")
