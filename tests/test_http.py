"""The door to HTTP against a real server that behaves as badly as servers can."""

from __future__ import annotations

import asyncio
import errno
import gzip
import logging
import resource
import shutil
import socket
import ssl
import subprocess
import sys
import traceback
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from wire import Authority, Line, Script, answer, cut, drip, free_port, hang, says, serving

from monitor.core.causes import Cause
from monitor.core.secret import Secret
from monitor.http import CAP, CONNECTIONS, Answer, Door, HttpFailure, Request, TransportFactory

KEY = "hf_planted-key-0001"


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    """A door, closed in the end."""
    opened = Door()
    yield opened
    await opened.aclose()


def get(url: str, **options: object) -> Request:
    """A GET with a key, as the probes send it."""
    return Request(
        "GET", url, secret_headers={"Authorization": Secret(f"Bearer {KEY}")}, **options
    )  # type: ignore[arg-type]  # options are Request's own


async def failure(door: Door, request: Request) -> HttpFailure:
    """The failure that a request ends in."""
    with pytest.raises(HttpFailure) as caught:
        await door.send(request)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    return caught.value


# What comes back


async def test_an_answer_comes_back_whole(door: Door) -> None:
    said = answer(b'{"a": 1}', Content_Type="application/json", X_Two="1")
    said = said.replace(b"X-Two: 1", b"X-Two: 1\r\nx-two: 2")
    async with serving(says(said)) as wire:
        got = await door.send(get(f"{wire.url}/path?q=1"))
    assert (got.status, got.body, got.url) == (200, b'{"a": 1}', f"{wire.url}/path?q=1")
    assert got.headers["content-type"] == "application/json"
    assert got.headers["x-two"] == "1, 2"
    assert set(got.timings) == {"connect", "send", "wait", "receive"}
    assert wire.seen[0].startswith(b"GET /path?q=1 HTTP/1.1\r\n")


@pytest.mark.parametrize("raw", [b"caf\xc3\xa9", b"caf\xe9"])
async def test_a_header_in_any_alphabet_is_read(door: Door, raw: bytes) -> None:
    said = answer(X_Name="NAME").replace(b"NAME", raw)
    async with serving(says(said)) as wire:
        assert (await door.send(get(wire.url))).headers["x-name"] == "café"


async def test_an_error_status_is_an_answer(door: Door) -> None:
    async with serving(says(answer(b"no", status=503))) as wire:
        assert (await door.send(get(wire.url))).status == 503


async def test_a_body_is_posted_as_it_is(door: Door) -> None:
    async with serving(says(answer())) as wire:
        await door.send(Request("POST", wire.url, headers={"X-Own": "1"}, body=b'{"x":1}'))
    assert wire.seen[0].endswith(b'\r\n\r\n{"x":1}')
    assert b"X-Own: 1" in wire.seen[0]


async def test_what_is_sent_names_us_and_asks_for_no_compression(door: Door) -> None:
    async with serving(says(answer())) as wire:
        await door.send(get(wire.url))
    assert b"User-Agent: monitor/" in wire.seen[0]
    assert b"Accept-Encoding: identity" in wire.seen[0]
    assert f"Authorization: Bearer {KEY}".encode() in wire.seen[0]


async def test_cookies_are_not_kept(door: Door) -> None:
    async with serving(says(answer(Set_Cookie="JSESSIONID=1; Path=/"))) as wire:
        await door.send(get(wire.url))
        await door.send(get(wire.url))
    assert b"cookie" not in wire.seen[1].lower()


async def test_a_proxy_of_the_environment_changes_nothing(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    async with serving(says(answer())) as wire:
        assert (await door.send(get(wire.url))).status == 200


# What goes wrong on the way

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"


async def endless_headers(line: Line) -> None:
    """Headers without an end."""
    await line.say(b"HTTP/1.1 200 OK\r\n")
    while not line.reader.at_eof():
        await line.say(b"X-More: " + b"x" * 8000 + b"\r\n")


async def endless_body(line: Line) -> None:
    """A gigabyte, if anybody took it."""
    await line.say(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(16 * 1024):
        await line.say(b"x" * 65536)


FAULTS: dict[str, tuple[Script, Cause]] = {
    "reset": (cut, Cause.PROVIDER_UNREACHABLE),
    "closed without a word": (says(), Cause.PROVIDER_UNREACHABLE),
    "cut off in the headers": (says(b"HTTP/1.1 200 OK\r\nX-"), Cause.PROVIDER_UNREACHABLE),
    "cut off in the body": (says(HEAD + b"half"), Cause.PROVIDER_UNREACHABLE),
    "cut off in a chunk": (
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
        Cause.PROVIDER_UNREACHABLE,
    ),
    "no HTTP": (says(b"220 mail.example.com ESMTP\r\n\r\n"), Cause.ANSWER_MALFORMED),
    "a length that is none": (
        says(b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n"),
        Cause.ANSWER_MALFORMED,
    ),
    "a length of a thousand digits": (
        says(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 1000 + b"\r\n\r\n"),
        Cause.ANSWER_MALFORMED,
    ),
    "endless headers": (endless_headers, Cause.ANSWER_MALFORMED),
    "endless body": (endless_body, Cause.ANSWER_MALFORMED),
    "too large by its own word": (says(answer(b"x" * (CAP + 1))), Cause.ANSWER_MALFORMED),
}


@pytest.mark.parametrize(("script", "cause"), FAULTS.values(), ids=FAULTS)
async def test_a_fault_on_the_wire_has_its_cause(door: Door, script: Script, cause: Cause) -> None:
    async with serving(script) as wire:
        assert (await failure(door, get(wire.url))).cause is cause
        assert wire.sent < 64 * 1024 * 1024  # what the kernel holds of a gigabyte


async def test_what_announces_too_much_is_not_waited_for(door: Door) -> None:
    async def announces(line: Line) -> None:
        await line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n")
        await hang(line)

    async with serving(announces) as wire:
        fault = await asyncio.wait_for(failure(door, get(wire.url)), 5)
    assert fault.cause is Cause.ANSWER_MALFORMED


async def test_a_body_at_the_cap_is_taken(door: Door) -> None:
    async with serving(says(answer(b"x" * CAP))) as wire:
        assert len((await door.send(get(wire.url))).body) == CAP


async def test_a_port_where_nobody_listens_is_unreachable(door: Door) -> None:
    fault = await failure(door, get(f"http://127.0.0.1:{free_port()}"))
    assert fault.cause is Cause.PROVIDER_UNREACHABLE
    assert "refuses" in str(fault)


@pytest.mark.parametrize("script", [hang, drip])
async def test_the_callers_timeout_ends_a_request_and_its_connection(
    door: Door, script: Script
) -> None:
    async with serving(script) as wire:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await door.send(get(wire.url))
        if script is hang:
            await asyncio.wait_for(wire.gone.wait(), 5)


async def test_a_door_goes_on_after_requests_were_given_up(door: Door) -> None:
    first = True

    async def hangs_once(line: Line) -> None:
        nonlocal first
        if first:
            first = False
            await hang(line)
        else:
            await line.say(answer())

    async with serving(hangs_once) as wire:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await door.send(get(wire.url))
        assert (await door.send(get(wire.url))).status == 200


async def test_requests_that_hang_do_not_starve_a_healthy_one(door: Door) -> None:
    held = asyncio.Event()
    waiting = 3 * CONNECTIONS

    async def script(line: Line) -> None:
        if b"/hang" in line.request:
            if len(line.wire.seen) >= waiting:
                held.set()
            await hang(line)
        else:
            await line.say(answer())

    async with serving(script) as wire:
        hanging = [asyncio.create_task(door.send(get(f"{wire.url}/hang"))) for _ in range(waiting)]
        await asyncio.wait_for(held.wait(), 5)
        assert (await asyncio.wait_for(door.send(get(f"{wire.url}/well")), 5)).status == 200
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)


async def test_no_pool_holds_more_than_a_few_connections() -> None:
    go, made = asyncio.Event(), []

    async def handler(_: httpx.Request) -> httpx.Response:
        await go.wait()
        return httpx.Response(200, content=b"{}")

    def factory(_: ssl.SSLContext) -> httpx.MockTransport:
        made.append(1)
        return httpx.MockTransport(handler)

    door = Door(transport=factory)
    tasks = [asyncio.create_task(door.send(get("https://a.example"))) for _ in range(20)]
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*tasks)
    assert len(made) == -(-20 // CONNECTIONS)


async def test_a_connection_is_used_again_by_the_next_request(door: Door) -> None:
    async with serving(says(answer(), again=True)) as wire:
        for _ in range(3):
            await door.send(get(wire.url))
        assert (wire.connections, len(wire.seen)) == (1, 3)


class Ticks:
    """Seconds that pass when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


async def connections_of_waves(pauses: float, waves: tuple[int, ...]) -> list[int]:
    """How many connections there have been after each wave of requests to one origin."""
    ticks, counts = Ticks(), list[int]()
    door = Door(ticks=ticks)
    async with serving(says(answer(), again=True)) as wire:
        for size in waves:
            await asyncio.gather(*(door.send(get(wire.url)) for _ in range(size)))
            counts.append(wire.connections)
            ticks.now += pauses
        await door.aclose()
    return counts


async def test_while_an_origin_is_asked_all_the_time_its_connections_stay_for_the_next_wave() -> (
    None
):
    assert await connections_of_waves(1.0, (2, 5, 1, 1, 1, 1, 5)) == [2, 5, 5, 5, 5, 5, 5]


async def test_connections_that_nobody_has_needed_for_a_while_are_closed() -> None:
    waves = (5, *[1] * 20, 5)  # one stays in use
    assert await connections_of_waves(1.0, waves) == [5] * 21 + [9]


async def test_what_is_asked_only_once_goes_out_on_a_connection_that_was_just_used() -> None:
    """A server that closes what is idle would lose a POST that nobody may send again."""
    ticks, counts = Ticks(), list[int]()
    door = Door(ticks=ticks)
    async with serving(says(answer(), again=True)) as wire:
        await asyncio.gather(*(door.send(get(wire.url)) for _ in range(3)))
        for _ in range(2):
            ticks.now += 1.5  # one of the three stays in use
            await door.send(get(wire.url))
        for _ in range(2):
            posts = (door.send(Request("POST", wire.url, body=b"x")) for _ in range(2))
            await asyncio.gather(*posts)
            counts.append(wire.connections)
        await door.aclose()
    assert counts == [4, 4]  # for one of the two a new one; the two idle ones are left to GETs


@pytest.mark.parametrize(
    "name", ["X: 1\r\nY", "X Y", "", "X:", "Content-Length", "transfer-encoding", "é"]
)
async def test_a_header_that_would_move_the_end_of_a_request_is_not_sent(name: str) -> None:
    door = Door(transport=through(never))
    for request in (
        Request("GET", "https://a.example", headers={name: "1"}),
        Request("GET", "https://a.example", secret_headers={name: Secret("1")}),
    ):
        fault = await failure(door, request)
        assert fault.cause is Cause.ANSWER_MALFORMED
        assert "no header that can be set" in str(fault)


async def test_from_tick_to_tick_no_connection_is_kept() -> None:
    assert await connections_of_waves(3.0, (2, 2, 2)) == [2, 4, 6]


async def test_bytes_that_nobody_asked_for_end_a_connection(door: Door) -> None:
    async with serving(says(answer() + b"HTTP/1.1 200 OK\r\n\r\n", again=True)) as wire:
        for _ in range(2):
            assert (await door.send(get(wire.url))).status == 200
        assert wire.connections == 2


async def test_a_connection_whose_answer_was_not_read_whole_is_not_used_again(
    door: Door,
) -> None:
    said = b"HTTP/1.1 302 Found\r\nLocation: https://b.example/\r\nContent-Length: 5\r\n\r\nmoved"
    async with serving(says(said, again=True)) as wire:
        for _ in range(2):
            await failure(door, get(wire.url))
        assert wire.connections == 2


@pytest.mark.parametrize("interim", [b"HTTP/1.1 100 Continue\r\n\r\n" * 2, b""])
async def test_answers_before_the_answer_are_let_by(door: Door, interim: bytes) -> None:
    async with serving(says(interim + answer(b"{}"))) as wire:
        assert (await door.send(get(wire.url))).body == b"{}"


async def test_another_protocol_that_nobody_asked_for_is_no_answer(door: Door) -> None:
    said = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
    async with serving(says(said, again=True)) as wire:
        assert (await failure(door, get(wire.url))).cause is Cause.ANSWER_MALFORMED


async def test_an_answer_that_ends_with_its_connection_is_whole(door: Door) -> None:
    async with serving(says(b"HTTP/1.0 200 OK\r\n\r\n{}")) as wire:
        assert (await door.send(get(wire.url))).body == b"{}"


def dies_on_the_second(keep: bool = True) -> Script:
    """A server that breaks a kept connection off just when it is used again."""
    counted = 0

    async def script(line: Line) -> bool:
        nonlocal counted
        counted += 1
        if counted == 2:
            line.reset()
            return False
        await line.say(answer())
        return keep

    return script


async def test_a_kept_connection_that_died_is_not_the_providers_fault(door: Door) -> None:
    async with serving(dies_on_the_second()) as wire:
        await door.send(get(wire.url))
        assert (await door.send(get(wire.url))).status == 200
        assert len(wire.seen) == 3


async def test_a_post_is_never_sent_twice(door: Door) -> None:
    async with serving(dies_on_the_second()) as wire:
        await door.send(get(wire.url))
        fault = await failure(door, Request("POST", wire.url, body=b"x"))
        assert fault.cause is Cause.PROVIDER_UNREACHABLE
        assert len(wire.seen) == 2


# Compressed although nobody asked

PLAIN = b'{"code": 200, "data": 5916.25}'
RAW_DEFLATE = zlib.compress(PLAIN)[2:-4]
BOMB = gzip.compress(bytes(60 * 1024 * 1024), mtime=0)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(PLAIN, mtime=0)),
        ("GZIP ", gzip.compress(PLAIN, mtime=0)),
        ("deflate", zlib.compress(PLAIN)),
        ("deflate", RAW_DEFLATE),
        ("identity", PLAIN),
    ],
)
async def test_a_compressed_answer_is_read_all_the_same(
    door: Door, coding: str, body: bytes
) -> None:
    async with serving(says(answer(body, Content_Encoding=coding))) as wire:
        assert (await door.send(get(wire.url))).body == PLAIN


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(PLAIN, mtime=0)[:-9]),
        ("gzip", PLAIN),
        ("br", PLAIN),
        ("gzip, gzip", gzip.compress(gzip.compress(PLAIN, mtime=0), mtime=0)),
        ("gzip", gzip.compress(b" " * (CAP + 1), mtime=0)),
    ],
)
async def test_what_cannot_be_inflated_within_the_cap_is_malformed(
    door: Door, coding: str, body: bytes
) -> None:
    async with serving(says(answer(body, Content_Encoding=coding))) as wire:
        assert (await failure(door, get(wire.url))).cause is Cause.ANSWER_MALFORMED


async def test_a_bomb_takes_no_memory(door: Door) -> None:
    async with serving(says(answer(BOMB[:60000], Content_Encoding="gzip"))) as wire:
        tracemalloc.start()
        fault = await failure(door, get(wire.url))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert fault.cause is Cause.ANSWER_MALFORMED
    assert peak < 4 * 1024 * 1024


# Redirects


def sends_to(location: Callable[[Line], str], status: int = 307) -> Script:
    """`/new` answers, every other path points to `location`."""

    async def script(line: Line) -> None:
        if line.request.startswith(b"GET /new"):
            await line.say(answer(b'{"id": "new"}'))
        else:
            await line.say(answer(b"", status=status, Location=location(line)))

    return script


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_one_location_of_the_same_origin_may_be_taken(door: Door, status: int) -> None:
    async with serving(sends_to(lambda _: "/new", status)) as wire:
        got = await door.send(get(f"{wire.url}/old?expand=x", follow_same_origin=True))
    assert (got.body, got.url) == (b'{"id": "new"}', f"{wire.url}/new?expand=x")
    assert f"Bearer {KEY}".encode() in wire.seen[1]


async def test_a_location_is_not_taken_unasked(door: Door) -> None:
    async with serving(sends_to(lambda _: "/new")) as wire:
        fault = await failure(door, get(f"{wire.url}/old"))
    assert (fault.cause, len(wire.seen)) == (Cause.ANSWER_MALFORMED, 1)


async def test_a_second_location_is_not_taken(door: Door) -> None:
    async with serving(sends_to(lambda _: "/round")) as wire:
        fault = await failure(door, get(f"{wire.url}/old", follow_same_origin=True))
    assert (fault.cause, len(wire.seen)) == (Cause.ANSWER_MALFORMED, 2)


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (301, Cause.ENDPOINT_RETIRED),
        (302, Cause.ANSWER_MALFORMED),
        (303, Cause.ANSWER_MALFORMED),
        (307, Cause.ANSWER_MALFORMED),
        (308, Cause.ENDPOINT_RETIRED),
    ],
)
async def test_a_key_never_goes_to_another_origin(door: Door, status: int, cause: Cause) -> None:
    async with serving(says(answer())) as other:
        async with serving(sends_to(lambda _: f"{other.url}/new", status)) as wire:
            fault = await failure(door, get(f"{wire.url}/old", follow_same_origin=True))
        assert (fault.cause, other.connections) == (cause, 0)


@pytest.mark.parametrize("location", ["http://[", "ftp://127.0.0.1/", "//evil.example/x"])
async def test_a_location_that_leads_nowhere_is_malformed(door: Door, location: str) -> None:
    async with serving(sends_to(lambda _: location)) as wire:
        fault = await failure(door, get(wire.url, follow_same_origin=True))
    assert fault.cause is Cause.ANSWER_MALFORMED


# Where a key may go


def through(handler: Callable[[httpx.Request], httpx.Response]) -> TransportFactory:
    """The seam: a transport that needs no network."""
    return lambda _context: httpx.MockTransport(handler)


def never(request: httpx.Request) -> httpx.Response:
    """Nothing may come this way."""
    raise AssertionError(f"sent to {request.url}")


async def test_a_key_goes_over_http_only_to_this_machine() -> None:
    fault = await failure(Door(transport=through(never)), get("http://api.example.com/x"))
    assert fault.cause is Cause.TLS_INVALID
    assert "https://" in str(fault)


@pytest.mark.parametrize("host", ["127.0.0.1:1", "[::1]:8001", "localhost:8001", "127.9.9.9"])
async def test_this_machine_has_many_names(host: str) -> None:
    open_door = Door(transport=through(lambda _: httpx.Response(200, content=b"{}")))
    assert (await open_door.send(get(f"http://{host}/x"))).status == 200


async def test_without_a_key_http_goes_anywhere() -> None:
    open_door = Door(transport=through(lambda _: httpx.Response(200, content=b"{}")))
    assert (await open_door.send(Request("POST", "http://alerts.example.com/"))).status == 200


@pytest.mark.parametrize("spoilt", [f"{KEY}\n", f"{KEY}\r\nX-Evil: 1", f"{KEY}é", f" {KEY}"])
async def test_a_key_no_header_can_carry_is_named_and_not_shown(spoilt: str) -> None:
    request = Request("GET", "https://api.example.com/", secret_headers={"X-Key": Secret(spoilt)})
    fault = await failure(Door(transport=through(never)), request)
    assert fault.cause is Cause.KEY_REJECTED
    assert "copy it anew" in str(fault)


@pytest.mark.parametrize("value", ["Ünï", "a\r\nX-Two: b", " a"])
async def test_what_no_header_can_hold_is_sent_to_nobody_and_named(door: Door, value: str) -> None:
    async with serving(says(answer())) as wire:
        fault = await failure(door, get(wire.url, headers={"Organization": value}))
        assert wire.connections == 0
    assert str(fault) == (
        "127.0.0.1 was not asked: Organization would hold a character that no header has"
    )


@pytest.mark.parametrize("url", ["", "api.example.com", "ftp://a/", "http://", "http://[x/"])
async def test_what_is_no_address_fails_without_a_traceback(url: str) -> None:
    fault = await failure(Door(transport=through(never)), Request("GET", url))
    assert fault.cause is Cause.ANSWER_MALFORMED


# Certificates


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A CA nobody trusts unasked."""
    return Authority.create(tmp_path_factory.mktemp("ca"))


async def test_a_ca_file_is_trusted_as_well(door: Door, authority: Authority) -> None:
    async with serving(says(answer()), authority.server()) as wire:
        got = await door.send(get(wire.url, ca_file=authority.ca_file))
    assert got.status == 200
    assert "tls" in got.timings


async def test_an_issuer_nobody_knows_is_not_trusted(door: Door, authority: Authority) -> None:
    async with serving(says(answer()), authority.server()) as wire:
        fault = await failure(door, get(wire.url))
    assert (fault.cause, wire.seen) == (Cause.TLS_INVALID, [])


@pytest.mark.parametrize(("host", "days"), [("other.example.com", 30), ("127.0.0.1", -1)])
async def test_a_certificate_of_another_name_or_time_is_not_trusted(
    door: Door, authority: Authority, host: str, days: int
) -> None:
    async with serving(says(answer()), authority.server(host=host, days=days)) as wire:
        fault = await failure(door, get(wire.url, ca_file=authority.ca_file))
    assert (fault.cause, wire.seen) == (Cause.TLS_INVALID, [])
    assert "certificate" in str(fault)


async def test_a_connection_in_tls_is_used_again_tickets_or_not(
    door: Door, authority: Authority
) -> None:
    tls = authority.server()
    tls.num_tickets = 4  # come after the handshake, and nobody reads them
    async with serving(says(answer(), again=True), tls) as wire:
        for _ in range(3):
            await door.send(get(wire.url, ca_file=authority.ca_file))
        assert (wire.connections, len(wire.seen)) == (1, 3)


@pytest.mark.parametrize("script", [dies_on_the_second(), says(answer())])
async def test_a_connection_in_tls_that_was_closed_meanwhile_is_not_missed(
    door: Door, authority: Authority, script: Script
) -> None:
    async with serving(script, authority.server()) as wire:
        for _ in range(2):
            got = await door.send(get(wire.url, ca_file=authority.ca_file))
            assert got.status == 200


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01"])
async def test_who_hangs_up_in_the_handshake_is_unreachable(door: Door, said: bytes) -> None:
    async def hung_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(hung_up, "127.0.0.1", 0)
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert (await failure(door, get(url))).cause is Cause.PROVIDER_UNREACHABLE


async def test_a_server_without_tls_is_not_spoken_to(door: Door) -> None:
    async def speaks_first(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(status=400))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(speaks_first, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert (await failure(door, get(f"https://127.0.0.1:{port}"))).cause is Cause.TLS_INVALID


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_a_ca_file_that_is_none_is_named(
    door: Door, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    fault = await failure(door, get("https://127.0.0.1:1", ca_file=str(path)))
    assert fault.cause is Cause.TLS_INVALID
    assert "ca.pem" in str(fault)


async def test_a_process_without_a_file_left_does_not_go_on_without_authorities(
    door: Door, authority: Authority, tmp_path: Path
) -> None:
    path = shutil.copyfile(authority.ca_file, tmp_path / "ca.pem")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with serving(says(answer()), authority.server()) as wire:
        request = get(wire.url, ca_file=str(path))
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            with pytest.raises(HttpFailure, match="cannot be read: Too many open files"):
                await door.send(request)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert (await door.send(request)).status == 200


async def test_a_renewed_ca_file_is_read_anew(
    door: Door, authority: Authority, tmp_path: Path
) -> None:
    Authority.create(tmp_path)
    path = tmp_path / "ca.pem"
    async with serving(says(answer()), authority.server()) as wire:
        before = await failure(door, get(wire.url, ca_file=str(path)))
        shutil.copyfile(authority.ca_file, path)
        assert before.cause is Cause.TLS_INVALID
        assert (await door.send(get(wire.url, ca_file=str(path)))).status == 200


# Whose fault it is that a name does not resolve


def raising(*errors: Exception) -> Exception:
    """As httpx wraps what the socket said."""
    cause = errors[0] if len(errors) == 1 else ExceptionGroup("several", list(errors))
    outer = httpx.ConnectError("All connection attempts failed")
    outer.__cause__ = OSError("All connection attempts failed")
    outer.__cause__.__cause__ = cause
    return outer


def world(hosts: dict[str, Exception | int]) -> TransportFactory:
    """Hosts that answer with a status or fail."""

    def handler(request: httpx.Request) -> httpx.Response:
        found = hosts[request.url.host]
        if isinstance(found, Exception):
            raise found
        return httpx.Response(found, content=b"{}")

    return through(handler)


NO_NAME = raising(socket.gaierror(socket.EAI_NONAME, "Name or service not known"))


async def test_when_no_name_resolves_it_is_our_network() -> None:
    lone = Door(transport=world({"a.example": NO_NAME, "127.0.0.1": 200}))
    await lone.send(get("http://127.0.0.1/"))  # an address proves no naming
    assert (await failure(lone, get("https://a.example"))).cause is Cause.NETWORK_OFFLINE


async def test_when_another_name_resolves_it_is_the_providers() -> None:
    watched = Door(transport=world({"a.example": NO_NAME, "b.example": 503}))
    await watched.send(get("https://b.example"))
    fault = await failure(watched, get("https://a.example"))
    assert fault.cause is Cause.PROVIDER_UNREACHABLE
    assert "a.example does not resolve" in str(fault)


async def test_a_name_is_no_witness_for_itself() -> None:
    hosts: dict[str, Exception | int] = {"a.example": 200}
    watched = Door(transport=world(hosts))
    await watched.send(get("https://a.example"))
    hosts["a.example"] = NO_NAME
    assert (await failure(watched, get("https://a.example"))).cause is Cause.NETWORK_OFFLINE


async def test_a_refused_connection_proves_that_naming_works() -> None:
    refused = raising(ConnectionRefusedError(errno.ECONNREFUSED, "refused"))
    watched = Door(transport=world({"a.example": NO_NAME, "b.example": refused}))
    await failure(watched, get("https://b.example"))
    fault = await failure(watched, get("https://a.example"))
    assert fault.cause is Cause.PROVIDER_UNREACHABLE


async def test_of_two_asked_at_once_the_slower_one_is_waited_for() -> None:
    asked, failed = asyncio.Event(), asyncio.Event()

    async def handler(request: httpx.Request) -> httpx.Response:
        if request.url.host == "a.example":
            failed.set()
            raise NO_NAME
        asked.set()
        await failed.wait()
        return httpx.Response(200, content=b"{}")

    both = Door(transport=lambda _: httpx.MockTransport(handler))
    slow = asyncio.create_task(both.send(get("https://b.example")))
    await asked.wait()
    fault = await failure(both, get("https://a.example"))
    assert fault.cause is Cause.PROVIDER_UNREACHABLE
    assert (await slow).status == 200


OTHERS: dict[str, tuple[Exception, Cause]] = {
    "no route": (raising(OSError(errno.EHOSTUNREACH, "")), Cause.NETWORK_OFFLINE),
    "no network": (raising(OSError(errno.ENETUNREACH, "")), Cause.NETWORK_OFFLINE),
    "no files": (raising(OSError(errno.EMFILE, "")), Cause.NETWORK_OFFLINE),
    "refused on one of two addresses": (
        raising(OSError(errno.ENETUNREACH, ""), ConnectionRefusedError(errno.ECONNREFUSED, "")),
        Cause.PROVIDER_UNREACHABLE,
    ),
    "the system's own timeout": (
        raising(TimeoutError(errno.ETIMEDOUT, "")),
        Cause.TIMED_OUT,
    ),
    "httpx's own timeout": (httpx.ReadTimeout(""), Cause.TIMED_OUT),
    "a handshake refused": (raising(ssl.SSLError(1, "alert")), Cause.TLS_INVALID),
    "a handshake broken off": (raising(ssl.SSLEOFError(8, "EOF")), Cause.PROVIDER_UNREACHABLE),
    "read error": (httpx.ReadError(f"with {KEY}"), Cause.PROVIDER_UNREACHABLE),
    "anything else": (RuntimeError(f"with {KEY}"), Cause.PROVIDER_UNREACHABLE),
}


@pytest.mark.parametrize(("error", "cause"), OTHERS.values(), ids=OTHERS)
async def test_what_a_socket_says_has_its_cause(error: Exception, cause: Cause) -> None:
    fault = await failure(Door(transport=world({"a.example": error})), get("https://a.example"))
    assert fault.cause is cause


# What is seen of it


async def test_nothing_of_a_request_is_logged(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with serving(says(answer())) as wire:
            await door.send(get(f"{wire.url}/secret-path"))
    assert not [r for r in caplog.records if r.name.startswith(("httpx", "httpcore"))]


def test_what_is_printed_of_a_request_or_an_answer_holds_no_secret() -> None:
    assert KEY not in repr(get("https://a.example"))
    assert "private" not in repr(Answer(200, {}, b"private"))


def test_the_door_costs_nothing_until_it_is_used() -> None:
    code = "import sys, monitor.http; monitor.http.Door(); print('httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


async def test_connections_end_with_the_door() -> None:
    door = Door()
    async with serving(says(answer(), again=True)) as wire:
        await door.send(get(wire.url))
        await door.aclose()
        await asyncio.wait_for(wire.gone.wait(), 5)
