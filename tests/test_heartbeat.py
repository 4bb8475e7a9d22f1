"""Signs of life: what systemd hears on a real socket."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.heartbeat import keep_alive, notify, reloading, watchdog_period


class Listener:
    """The end of systemd."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(5)
        self.env = {"NOTIFY_SOCKET": address.replace("\0", "@")}

    def heard(self) -> list[str]:
        """The lines of the next datagram."""
        return self.socket.recv(65536).decode().split("\n")

    def silent(self) -> bool:
        """Whether nothing is waiting."""
        self.socket.setblocking(False)
        try:
            return not self.socket.recv(65536)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(5)


@pytest.fixture(params=["a file", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Listener]:
    address = str(tmp_path / "notify") if request.param == "a file" else f"\0monitor-{tmp_path}"
    listener = Listener(address)
    yield listener
    listener.socket.close()


def test_systemd_hears_every_line_in_one_datagram(systemd: Listener) -> None:
    assert notify(systemd.env, "READY=1", "STATUS=12 targets")
    assert systemd.heard() == ["READY=1", "STATUS=12 targets"]


def test_a_status_cannot_smuggle_in_another_line(systemd: Listener) -> None:
    notify(systemd.env, "STATUS=bad\nREADY=1")
    assert systemd.heard() == ["STATUS=bad READY=1"]


def test_a_status_with_half_a_character_is_still_sent(systemd: Listener) -> None:
    assert notify(systemd.env, "STATUS=\ud800ü")
    assert systemd.heard() == ["STATUS=?ü"]


@pytest.mark.parametrize(
    "address", ["", "relative", "vsock:2:1234", "/nowhere/at/all", "/" + "x" * 200, "@\0" * 90]
)
def test_nobody_listening_is_no_fault(address: str) -> None:
    assert notify({"NOTIFY_SOCKET": address}, "READY=1") is False
    assert notify({}, "READY=1") is False


def test_nothing_to_say_is_not_said(systemd: Listener) -> None:
    assert notify(systemd.env) is False
    assert systemd.silent()


def test_a_reload_carries_the_monotonic_time_it_began(systemd: Listener) -> None:
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    notify(systemd.env, *reloading())
    first, second = systemd.heard()
    name, _, value = second.partition("=")
    assert (first, name) == ("RELOADING=1", "MONOTONIC_USEC")
    assert before <= int(value) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


@pytest.mark.parametrize(
    ("env", "period"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": "42"}, 0.25),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": "43"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_fed_twice_as_often_as_it_wants(
    env: dict[str, str], period: float | None
) -> None:
    assert watchdog_period(env, pid=42) == period


async def test_an_ailing_daemon_says_why_and_lets_the_watchdog_bite(systemd: Listener) -> None:
    health = iter(["", "the database hangs", ""])
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise asyncio.CancelledError

    env = {**systemd.env, "WATCHDOG_USEC": "4000000"}
    with pytest.raises(asyncio.CancelledError):
        await keep_alive(env, lambda: next(health), sleep=sleep)
    heard = [systemd.heard() for _ in range(3)]
    assert heard == [["WATCHDOG=1"], ["STATUS=the database hangs"], ["WATCHDOG=1"]]
    assert slept == [2.0, 2.0, 2.0]


async def test_without_a_watchdog_nothing_is_sent(systemd: Listener) -> None:
    await keep_alive(systemd.env, lambda: "")
    assert systemd.silent()
