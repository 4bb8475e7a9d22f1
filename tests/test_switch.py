"""The dead-man's switch outside: called while all is well, and told when it is not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from monitor.build import caller
from monitor.core.secret import Secret
from monitor.core.settings import HeartbeatSettings
from monitor.http import Door
from monitor.switch import Switch, call_outside, under

URL = Secret("https://switch.example.com/planted-token-0001")
SETTINGS = HeartbeatSettings(URL, interval=3.0, timeout=1.0)
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)


class Rig:
    """A switch that hears, for so many seconds of looks."""

    def __init__(self, health: list[str | None], *, answers: Iterator[int | str] | None = None):
        self.health, self.heard = list(health), list[tuple[int, str, str]]()
        self.answers, self.look = answers, 0
        self.settings: HeartbeatSettings | None = SETTINGS
        self.switch = Switch(
            self.send,
            settings_of=lambda: self.settings,
            secrets_of=lambda: (Secret("planted-elsewhere"),),
            ailing=lambda: self.health[min(self.look, len(self.health) - 1)],
            now=lambda: NOW,
            sleep=self.sleep,
        )

    async def send(self, url: Secret, body: str) -> int | str:
        self.heard.append((self.look, url.reveal().removeprefix(URL.reveal()), body))
        return 200 if self.answers is None else next(self.answers)

    async def sleep(self, _: float) -> None:
        self.look += 1
        if self.look == len(self.health):
            raise asyncio.CancelledError

    async def run(self) -> list[tuple[int, str, str]]:
        with pytest.raises(asyncio.CancelledError):
            await self.switch.run()
        return self.heard


async def test_it_hears_of_the_start_and_then_once_an_interval() -> None:
    assert await Rig([""] * 8).run() == [(0, "/start", ""), (0, "", ""), (3, "", ""), (6, "", "")]


async def test_until_all_was_looked_at_it_hears_of_the_start_alone() -> None:
    assert await Rig([None, None, "", ""]).run() == [(0, "/start", ""), (2, "", "")]


async def test_a_change_for_the_worse_is_told_at_once_with_its_reason_without_secrets() -> None:
    rig = Rig(["", "", "down: planted-elsewhere", "down", "down", "down", ""])
    assert await rig.run() == [
        (0, "/start", ""),
        (0, "", ""),
        (2, "/fail", "down: ********"),
        (5, "/fail", "down"),
    ]
    assert not rig.switch.called.well


async def test_a_switch_that_comes_with_a_reload_is_begun_and_one_that_goes_is_left() -> None:
    rig = Rig([""] * 4)
    rig.settings = None
    assert await rig.run() == []
    rig.look, rig.settings = 0, replace(SETTINGS, interval=60.0)
    assert await rig.run() == [(0, "/start", ""), (0, "", "")]


async def test_its_own_faults_are_said_once_when_they_come_and_once_when_they_go() -> None:
    rig = Rig([""] * 14, answers=iter([500, 500, "no such host", "no such host", 200, 200]))
    with capture_logs() as logs:
        await rig.run()
    assert [(line["event"], line.get("why")) for line in logs] == [
        ("the dead-man's switch did not hear us", "it answered HTTP 500"),
        ("the dead-man's switch did not hear us", "it was not reached: no such host"),
        ("the dead-man's switch hears us again", None),
    ]
    assert (rig.switch.called.heard, rig.switch.called.heard_at) == (True, NOW)


def test_start_and_fail_stand_in_the_path() -> None:
    url = Secret("https://example.com/ping/abc/?key=1")
    assert under(url, "/fail").reveal() == "https://example.com/ping/abc/fail?key=1"
    assert under(url, "") == url


@pytest.mark.parametrize(("status", "says"), [(200, ""), (204, ""), (404, "404"), (500, "500")])
async def test_a_status_of_2xx_is_heard(status: int, says: str) -> None:
    async def send(url: Secret, body: str) -> int:
        return status

    result = await call_outside(send, URL)
    assert says in result
    assert bool(result) == bool(says)


async def broken(url: Secret, body: str) -> int:
    raise ConnectionError(url.reveal())


async def hangs(url: Secret, body: str) -> int:
    await asyncio.Event().wait()
    return 200


@pytest.mark.parametrize(("send", "says"), [(broken, "ConnectionError"), (hangs, "within 0.05 s")])
async def test_whatever_it_does_is_one_line_without_its_address(
    send: Callable[[Secret, str], Awaitable[int]], says: str
) -> None:
    result = await call_outside(send, URL, timeout=0.05)
    assert says in result
    assert "planted" not in result


async def test_it_is_called_through_the_one_door() -> None:
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        heard.append(head.splitlines()[0] + b" " + body)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK")
        await writer.drain()
        writer.close()

    door = Door()
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url, call = Secret(f"http://127.0.0.1:{port}/ping"), caller(door)
        assert await call(url, "") == 200
        assert await call(under(url, "/fail"), "probes do not advance") == 200
    assert heard == [b"GET /ping HTTP/1.1 ", b"POST /ping/fail HTTP/1.1 probes do not advance"]
    assert await call(url, "") == "127.0.0.1 refuses the connection"
    await door.aclose()
