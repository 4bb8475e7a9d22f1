"""`monitor status` says of a database nobody watches that nobody does, and since when."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from living import config, daemon, monitor

from monitor.cli.formats.absence import gone
from monitor.core.lease import Lease, Presence
from monitor.demo.world import World

NOW = datetime(2026, 11, 20, 10, 31, 28, tzinfo=UTC)
READ = NOW - timedelta(minutes=7)


def beat(seconds: float | None) -> Lease:
    """A lease whose last beat is so long ago; None: its holder has left."""
    at = None if seconds is None else NOW - timedelta(seconds=seconds)
    return Lease(3, "web-1 pid 4711 3fa9c2d1", True, 40, at)


@pytest.mark.parametrize(
    ("lease", "read", "found"),
    [
        (beat(1), READ, Presence(True, True, NOW - timedelta(seconds=1))),
        (beat(-5), READ, Presence(True, True, NOW + timedelta(seconds=5))),  # another clock
        (beat(60), READ, Presence(False, True, NOW - timedelta(seconds=60))),
        (beat(None), READ, Presence(False, True, READ)),
        (beat(None), None, Presence(False, True, None)),
        (None, READ, Presence(False, False, None)),  # by `--once`
    ],
)
def test_a_daemon_is_alive_as_long_as_its_beat_is_fresh(
    lease: Lease | None, read: datetime | None, found: Presence
) -> None:
    assert Presence.of(lease, read, NOW, within=timedelta(seconds=10)) == found


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (None, ""),
        ({"alive": True, "ran": True, "last_seen": "T"}, ""),
        ({"alive": False, "ran": False, "last_seen": None}, "no daemon has run yet"),
        (
            {"alive": False, "ran": True, "last_seen": None},
            "no daemon is alive now; what follows was stored by then",
        ),
        (
            {"alive": False, "ran": True, "last_seen": "T"},
            "no daemon is alive now: the last sign of one is of T;"
            " what follows was stored by then",
        ),
    ],
)
def test_that_nobody_watches_is_one_line(member: object, words: str) -> None:
    assert gone(member) == words


def test_status_says_that_the_daemon_was_stopped(world: World, tmp_path: Path) -> None:
    path = config(world, tmp_path)
    with daemon(path) as living:
        living.until(lambda: living.get("/-/ready")[0] == 200)
        alive = monitor(path, "status").stdout
        assert "no daemon" not in alive
        assert "led by" in alive
        assert living.status()["daemon"]["alive"] is True  # type: ignore[index]  # a mapping
        assert living.stop() == 0
    shown = monitor(path, "status")
    said = json.loads(monitor(path, "status", "--format", "json").stdout)["daemon"]
    assert (said["alive"], said["ran"]) == (False, True)
    words = f"no daemon is alive now: the last sign of one is of {said['last_seen']}; "
    assert shown.stdout.splitlines()[1] == f"{words}what follows was stored by then"
    assert "led by" not in shown.stdout
    assert shown.returncode == 0
