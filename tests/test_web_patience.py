"""Who hangs on a listener: nobody keeps it from answering the others."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import certs
import pytest
import snapshots as scene
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from monitor.web import build_app
from monitor.web.patience import Limits
from monitor.web.server import bind, serve

HEAD = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n"
ASK = HEAD + b"Connection: close\r\n\r\n"


class Visitors:
    """Connections to one listener; they are closed at the end."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._writers: list[asyncio.StreamWriter] = []

    async def come(self, sent: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect, and say that much."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers.append(writer)
        writer.write(sent)
        return reader, writer

    async def leave(self) -> None:
        """Close all of them."""
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(w.wait_closed() for w in self._writers), return_exceptions=True)


@asynccontextmanager
async def listening(
    limits: Limits, app: ASGIApp | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Visitors]:
    listener, stop = bind("web", ("127.0.0.1", 0)), asyncio.Event()
    visitors = Visitors(listener.port)
    served = serve(app or build_app(scene.doors()), listener, stop, limits=limits, tls=tls)
    running = asyncio.create_task(served)
    try:
        yield visitors
    finally:
        await visitors.leave()
        stop.set()
        await running


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What comes until the connection is closed from over there."""
    try:
        return await asyncio.wait_for(reader.read(), 5)
    except ConnectionError:
        return b""


async def test_connections_that_say_nothing_do_not_keep_others_from_an_answer() -> None:
    async with listening(Limits(connections=8)) as visitors:
        for said in [b"", HEAD] * 20:
            await visitors.come(said)
        reader, _ = await visitors.come(ASK)
        assert (await ended(reader)).startswith(b"HTTP/1.1 200 OK")


async def test_only_so_many_connections_are_held_and_the_oldest_goes_first() -> None:
    async with listening(Limits(connections=3)) as visitors:
        (first, _), *_, (last, writer) = [await visitors.come() for _ in range(4)]
        assert await ended(first) == b""
        writer.write(ASK)
        assert (await ended(last)).startswith(b"HTTP/1.1 200 OK")


async def test_who_is_being_answered_is_not_sent_away_for_somebody_new() -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        asked.set()
        await go.wait()
        await PlainTextResponse("here you are")(scope, receive, send)

    async with listening(Limits(connections=1), slow) as visitors:
        first, _ = await visitors.come(ASK)
        await asyncio.wait_for(asked.wait(), 5)
        second, _ = await visitors.come(ASK)
        assert await ended(second) == b""
        go.set()
        assert (await ended(first)).endswith(b"here you are")


SLOW = {
    "nothing": b"",
    "half a head": HEAD,
    "half a body": HEAD.replace(b"GET", b"POST") + b"Content-Length: 9\r\n\r\nabc",
}


@pytest.mark.parametrize("slow", list(SLOW))
async def test_a_request_that_does_not_arrive_in_time_is_hung_up_on(slow: str) -> None:
    async def reads(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass

    async with listening(Limits(arrives=0.05), reads) as visitors:
        reader, _ = await visitors.come(SLOW[slow])
        await ended(reader)


async def test_a_second_request_on_a_connection_has_its_time_as_well_and_no_more() -> None:
    async with listening(Limits(arrives=0.05)) as visitors:
        reader, writer = await visitors.come(HEAD + b"\r\n")
        assert await asyncio.wait_for(reader.readuntil(b"healthy\n"), 5)
        writer.write(HEAD)
        assert await ended(reader) == b""


async def test_a_byte_now_and_then_does_not_buy_more_time() -> None:
    async with listening(Limits(arrives=0.2)) as visitors:
        reader, writer = await visitors.come(HEAD)
        gone, drops = asyncio.create_task(ended(reader)), 0
        while not gone.done() and drops < 200:
            writer.write(b"x")
            drops += 1
            await asyncio.wait({gone}, timeout=0.02)
        assert drops < 200


async def test_an_answer_that_is_not_taken_is_given_up() -> None:
    done = asyncio.Event()

    async def drone(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        done.set()

    async with listening(Limits(answered=0.05), drone) as visitors:
        reader, _ = await visitors.come(ASK)
        assert await ended(reader) == b""
        await asyncio.wait_for(done.wait(), 5)


STRANGE = {
    "no request": b"nonsense\r\n\r\n",
    "an upgrade": HEAD + b"Upgrade: websocket\r\nConnection: upgrade\r\n\r\n",
}


@pytest.mark.parametrize("strange", list(STRANGE))
async def test_strangers_cannot_fill_the_log(
    strange: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(Limits()) as visitors:
        reader, _ = await visitors.come(STRANGE[strange])
        assert await asyncio.wait_for(reader.readline(), 5)
    assert caplog.records == []


# -- before TLS stands ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> certs.Certificate:
    return certs.make(tmp_path_factory.mktemp("tls"))


async def asked_over_tls(port: int, made: certs.Certificate) -> bytes:
    """What comes of one request."""
    trusts = ssl.create_default_context(cafile=str(made.ca))
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=trusts, server_hostname="localhost"
    )
    try:
        writer.write(ASK)
        return await ended(reader)
    finally:
        writer.close()


async def test_who_never_begins_a_handshake_keeps_nobody_from_an_answer(
    made: certs.Certificate,
) -> None:
    async with listening(Limits(connections=5), tls=made.server_context()) as visitors:
        silent = [await visitors.come(said) for said in (b"", b"\x16\x03\x01") for _ in range(20)]
        for _ in range(3):
            found = await asked_over_tls(visitors.port, made)
            assert found.startswith(b"HTTP/1.1 200 OK")
        for reader, _ in silent[:30]:  # the oldest went
            assert await ended(reader) == b""


async def test_a_handshake_has_its_time_and_no_more(made: certs.Certificate) -> None:
    async with listening(Limits(arrives=0.05), tls=made.server_context()) as visitors:
        for said in (b"", b"\x16\x03\x01"):
            reader, _ = await visitors.come(said)
            assert await ended(reader) == b""


async def test_a_handshake_under_way_does_not_hold_up_the_end(made: certs.Certificate) -> None:
    listener, stop = bind("web", ("127.0.0.1", 0)), asyncio.Event()
    app = build_app(scene.doors())
    running = asyncio.create_task(serve(app, listener, stop, tls=made.server_context()))
    visitors = Visitors(listener.port)
    reader, _ = await visitors.come()
    await asked_over_tls(listener.port, made)
    stop.set()
    async with asyncio.timeout(1.5):
        await running
    assert await ended(reader) == b""
    await visitors.leave()


async def test_what_is_no_handshake_cannot_fill_the_log(
    made: certs.Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(Limits(), tls=made.server_context()) as visitors:
        for said in (ASK, b"\0" * 100):
            reader, _ = await visitors.come(said)
            await ended(reader)
        _, writer = await visitors.come(b"\x16\x03\x01")
        writer.transport.abort()
        await asked_over_tls(visitors.port, made)
    assert caplog.records == []
