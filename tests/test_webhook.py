"""The webhook against a real server: Alertmanager's body, its signature, and what answers mean."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from certs import Certificate, make

from monitor.core.causes import Severity
from monitor.core.message import Message
from monitor.core.model import Kind
from monitor.core.secret import Secret
from monitor.core.settings import ReceiverSettings
from monitor.core.spec import FieldKind
from monitor.http import Answer, Door, Request
from monitor.notifiers import Delivery, channel_names, load_notifiers
from monitor.notifiers.webhook import body_of, notifier

AT = datetime(2026, 11, 20, 10, 31, 28, 500_000, tzinfo=UTC)
TOKEN, SECRET = "planted-token-0001", "planted-secret-0001"


def message(**changes: object) -> Message:
    base = Message(
        id="0001-opened", opened_id="0001-opened", kind=Kind.OPENED, round=0, receiver="lead",
        at=AT, severity=Severity.CRITICAL, subject="[CRITICAL] kie: about 5 h of credits left",
        what="kie: 1215 credits are left", how_long="Gone in about 5 h", todo="Top up",
        status="firing", incident="incident-0001", fingerprint="0f1e2d3c4b5a6978",
        starts_at=AT - timedelta(minutes=1), ends_at=None,
        labels={"alertname": "runway-critical", "severity": "critical", "target": "kie/balance",
                "account": "kie", "provider": "kie", "cause": "ok"},
        annotations={"summary": "about 5 h of credits left", "customers": "Your credits are safe"},
        external_url="https://monitor.example.com",
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]  # a table of fields


@dataclass(slots=True)
class Got:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Hooked:
    """A loopback server that answers as it is told to."""

    # Empty: it cuts the connection. None: it says nothing.
    answer: bytes | None = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    drip: bool = False  # one byte after the other, for ever
    got: list[Got] = field(default_factory=list)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request after the other."""
        try:
            while True:
                await self._one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in headers.items()}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.got.append(Got(head[0].split(" ")[1], headers, body))
        if self.drip:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while self.drip:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)
        if self.answer is None:
            await reader.read()  # until the other side has had enough
        if not self.answer:
            raise ConnectionResetError
        writer.write(self.answer)
        await writer.drain()


@asynccontextmanager
async def serving(hooked: Hooked, certificate: Certificate | None = None) -> AsyncIterator[Hooked]:
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(hooked.serve(reader, writer)))

    context = certificate.server_context() if certificate else None
    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    hooked.url = f"{'https' if certificate else 'http'}://127.0.0.1:{port}/hooks/{TOKEN}"
    async with server:
        yield hooked
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # let the transports close


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door()
    yield door
    await door.aclose()


def receiver(url: str, **options: object) -> ReceiverSettings:
    given = {"url": Secret(url), "timeout": 5.0, "headers": {}, **options}
    return ReceiverSettings("lead", "webhook", given, ("lead",))


def status(code: int, *more: str) -> bytes:
    head = [f"HTTP/1.1 {code} Said", "Content-Length: 0", *more]
    return "\r\n".join([*head, "", ""]).encode()


async def send(door: Door, to: ReceiverSettings, what: Message | None = None) -> Delivery:
    return await notifier(door).send(to, what or message(), to.addresses)


# -- what is sent ---------------------------------------------------------------------------------


async def test_the_body_is_alertmanagers(door: Door) -> None:
    async with serving(Hooked()) as hooked:
        assert await send(door, receiver(hooked.url)) == Delivery(told=("lead",))
    (got,) = hooked.got
    assert got.path == f"/hooks/{TOKEN}"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["idempotency-key"] == "0001-opened"
    assert got.headers["user-agent"].startswith("monitor/")
    labels = dict(message().labels)
    assert json.loads(got.body) == {
        "receiver": "lead",
        "status": "firing",
        "alerts": [
            {
                "status": "firing",
                "labels": labels,
                "annotations": dict(message().annotations),
                "startsAt": "2026-11-20T10:30:28.500Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "https://monitor.example.com",
                "fingerprint": "0f1e2d3c4b5a6978",
            }
        ],
        "groupLabels": {"alertname": "runway-critical", "target": "kie/balance"},
        "commonLabels": labels,
        "commonAnnotations": dict(message().annotations),
        "externalURL": "https://monitor.example.com",
        "version": "4",
        "groupKey": '{}:{alertname="runway-critical", target="kie/balance"}',
        "truncatedAlerts": 0,
    }


def test_a_resolved_one_says_when_and_keeps_its_identity() -> None:
    ended = AT + timedelta(hours=2)
    opened = json.loads(body_of("lead", message()))
    body = json.loads(
        body_of("lead", message(kind=Kind.RESOLVED, status="resolved", ends_at=ended))
    )
    assert (body["status"], body["alerts"][0]["status"]) == ("resolved", "resolved")
    assert body["alerts"][0]["endsAt"] == "2026-11-20T12:31:28.500Z"
    for same in ("labels", "startsAt", "fingerprint"):
        assert body["alerts"][0][same] == opened["alerts"][0][same]
    assert body["groupKey"] == opened["groupKey"]


async def test_whoever_has_the_secret_can_check_the_signature(door: Door) -> None:
    async with serving(Hooked()) as hooked:
        await send(door, receiver(hooked.url, secret=Secret(SECRET)))
    (got,) = hooked.got
    found = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", got.headers["x-monitor-signature"])
    assert found is not None
    assert int(found[1]) == int(AT.timestamp())
    expected = hmac.new(SECRET.encode(), f"{found[1]}.".encode() + got.body, hashlib.sha256)
    assert expected.hexdigest() == found[2]


async def test_without_a_secret_nothing_is_signed(door: Door) -> None:
    async with serving(Hooked()) as hooked:
        await send(door, receiver(hooked.url, secret=Secret("")))
    assert "x-monitor-signature" not in hooked.got[0].headers


async def test_a_retry_is_the_same_request(door: Door) -> None:
    async with serving(Hooked(answer=status(503))) as hooked:
        to = receiver(hooked.url, secret=Secret(SECRET))
        assert (await send(door, to)).failed
        hooked.answer = status(200)
        assert (await send(door, to)).told
    first, second = hooked.got
    assert first == second


async def test_further_headers_are_sent(door: Door) -> None:
    async with serving(Hooked()) as hooked:
        to = receiver(hooked.url, headers={"Authorization": f"Bearer {TOKEN}"})
        assert (await send(door, to)).told
    assert hooked.got[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("text", ["a\r\nb\0", "⚠️ \u202e evil", "\ud800", "x" * 10_000_000])
async def test_no_text_breaks_the_body(text: str, door: Door) -> None:
    async with serving(Hooked()) as hooked:
        what = message(annotations={"summary": text}, labels={"alertname": text})
        assert (await send(door, receiver(hooked.url), what)).told
    assert len(hooked.got[0].body) < 200_000
    json.loads(hooked.got[0].body.decode("utf-8"))


# -- what the answer means ------------------------------------------------------------------------

STATUSES = {
    **dict.fromkeys((200, 201, 202, 204, 299), "told"),
    **dict.fromkeys((300, 304, 400, 401, 403, 404, 405, 409, 410, 413, 422, 451), "refused"),
    **dict.fromkeys((408, 425, 429, 500, 501, 502, 503, 504, 507, 599), "failed"),
}


@pytest.mark.parametrize(("code", "end"), STATUSES.items())
async def test_a_status_means(code: int, end: str, door: Door) -> None:
    async with serving(Hooked(answer=status(code))) as hooked:
        result = await send(door, receiver(hooked.url))
    assert [w for w in ("told", "failed", "refused") if getattr(result, w)] == [end]
    if end != "told":
        assert str(code) in getattr(result, end)["lead"]


@pytest.mark.parametrize(("code", "end"), [(301, "refused"), (308, "refused"), (302, "failed")])
async def test_a_redirect_is_not_followed(code: int, end: str, door: Door) -> None:
    async with serving(Hooked()) as elsewhere, serving(Hooked()) as hooked:
        hooked.answer = status(code, f"Location: {elsewhere.url}")
        result = await send(door, receiver(hooked.url))
    assert elsewhere.got == []
    assert len(hooked.got) == 1
    assert [w for w in ("told", "failed", "refused") if getattr(result, w)] == [end]
    assert TOKEN not in repr(result)


BROKEN: dict[str, Callable[[Hooked], object]] = {
    "hangs": lambda h: setattr(h, "answer", None),
    "drips for ever": lambda h: setattr(h, "drip", True),
    "no HTTP": lambda h: setattr(h, "answer", b"hello\r\n\r\n"),
}


@pytest.mark.parametrize("how", BROKEN)
async def test_no_whole_answer_is_tried_again(how: str, door: Door) -> None:
    async with serving(Hooked()) as hooked:
        BROKEN[how](hooked)
        result = await send(door, receiver(hooked.url, timeout=0.3))
    assert list(result.failed) == ["lead"]
    assert TOKEN not in repr(result)


async def test_nobody_there_is_tried_again(door: Door) -> None:
    async with serving(Hooked()) as hooked:
        pass
    result = await send(door, receiver(hooked.url))
    assert list(result.failed) == ["lead"]
    assert TOKEN not in repr(result)


async def test_a_long_page_behind_a_200_is_an_answer(door: Door) -> None:
    page = b"x" * 300_000
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + page
    async with serving(Hooked(answer=answer)) as hooked:
        assert (await send(door, receiver(hooked.url))).told


async def test_a_ca_of_ones_own_is_trusted_when_it_is_named(tmp_path: Path, door: Door) -> None:
    certificate = make(tmp_path)
    async with serving(Hooked(), certificate) as hooked:
        untrusted = await send(door, receiver(hooked.url))
        trusted = await send(door, receiver(hooked.url, ca_file=str(certificate.ca)))
    assert list(untrusted.failed) == ["lead"]
    assert trusted.told == ("lead",)
    assert len(hooked.got) == 1


# -- what is not sent -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "headers", "says"),
    [
        ("", {}, "webhook.url"),
        ("ftp://example.com/x", {}, "http or https"),
        ("http://[::1", {}, "webhook.url"),
        ("https://example.com:99999/", {}, "webhook.url"),
        (f"https://user:{TOKEN}@example.com/", {}, "user name"),
        ("http://example.com/", {"Authorization": TOKEN}, "sent over http://"),
        ("https://example.com/", {"Bad Name": "x"}, "Bad Name"),
        ("https://example.com/", {"X-A": f"{TOKEN}\r\nX-B: y"}, "X-A"),
        ("https://example.com/", {"Content-Type": "text/plain"}, "set by monitor"),
    ],
)
async def test_settings_that_cannot_work_are_refused_in_words(
    url: str, headers: dict[str, str], says: str
) -> None:
    class Closed:
        async def send(self, request: Request) -> Answer:
            raise AssertionError("nothing may be sent")

    to = receiver(url, headers=headers)
    result = await notifier(Closed()).send(to, message(), ("lead",))
    assert says in result.refused["lead"]
    assert TOKEN not in repr(result)


async def test_whatever_breaks_on_the_way_becomes_a_line() -> None:
    class Broken:
        async def send(self, request: Request) -> Answer:
            raise RuntimeError(request.url)

    to = receiver(f"https://example.com/{TOKEN}")
    result = await notifier(Broken()).send(to, message(), ("lead",))
    assert "RuntimeError" in result.failed["lead"]
    assert TOKEN not in repr(result)


async def test_cancelling_is_obeyed() -> None:
    class Hanging:
        async def send(self, request: Request) -> Answer:
            waiting.set()
            await asyncio.Event().wait()
            raise AssertionError

    waiting = asyncio.Event()
    to = receiver("https://example.com/")
    sending = asyncio.create_task(notifier(Hanging()).send(to, message(), ("lead",)))
    await waiting.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending


# -- the registration -----------------------------------------------------------------------------


def test_every_file_is_a_notifier_of_its_name() -> None:
    notifiers = load_notifiers(Door())
    assert tuple(notifiers) == channel_names()
    for name, each in notifiers.items():
        assert each.spec.name == name
        assert all(field.help for field in each.spec.fields)
    secrets = {f.name for f in notifiers["webhook"].spec.fields if f.kind is FieldKind.SECRET}
    assert secrets == {"url", "secret"}
