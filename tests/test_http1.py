"""HTTP/1.1 on one line: however an answer is cut up, and whatever is wrong with it."""

from __future__ import annotations

import gc
from typing import cast

import h11
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire import says, serving

from monitor.core.causes import Cause
from monitor.http import Door, HttpFailure, Request
from monitor.http1 import Talk
from monitor.line import Line
from monitor.meter import Meter


class Said:
    """A line on which has been said what is given, in these parts; then nothing more."""

    def __init__(self, *parts: bytes) -> None:
        self._parts = [part for part in parts if part]
        self.heard = b""

    async def read(self, _most: int) -> bytes:
        return self._parts.pop(0) if self._parts else b""

    def write(self, data: bytes) -> None:
        self.heard += data


async def heard(*parts: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes, bool]:
    """Status, headers, body, and whether another request may follow."""
    talk, meter = Talk(cast("Line", Said(*parts))), Meter(1 << 16)
    talk.ask(httpx.Request("GET", "http://a.example/x?y=1"))
    await talk.head(meter)
    body = b"".join([piece async for piece in talk.body(meter)])
    return talk.status, talk.headers, body, talk.again


def said(head: str, body: bytes = b"") -> bytes:
    return head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body


# An oracle: h11, another implementation of the same protocol


def by_h11(data: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes, bool]:
    """What h11 reads from the same bytes."""
    state, body = h11.Connection(h11.CLIENT), b""
    state.send(h11.Request(method="GET", target="/", headers=[("Host", "a.example")]))
    state.send(h11.EndOfMessage())
    state.receive_data(data)
    while isinstance(event := state.next_event(), h11.InformationalResponse):
        pass
    assert isinstance(event, h11.Response)
    while isinstance(more := state.next_event(), h11.Data):
        body += more.data
    again = state.their_state is h11.DONE and not state.trailing_data[0]
    return event.status_code, list(event.headers.raw_items()), body, again


TOKENS = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=9).map(lambda x: f"X-{x}")
VALUES = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E) | st.just(" "), max_size=30
).map(str.strip)


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """Well-formed answers: sized, chunked, without a body, after others, closing or not."""
    interim = draw(st.sampled_from([b"", said("HTTP/1.1 100 Continue"),
                                    said("HTTP/1.1 103 Early Hints\nLink: x")]))  # fmt: skip
    lines = [f"{draw(st.sampled_from(['HTTP/1.1', 'HTTP/1.0']))} {draw(st.integers(200, 999))} Ok"]
    blanks = st.sampled_from(["", " ", "\t", "  "])
    rows = draw(st.lists(st.tuples(TOKENS, blanks, VALUES, blanks)))
    lines += [f"{name}:{before}{value}{behind}" for name, before, value, behind in rows]
    if draw(st.booleans()):
        lines.append("Connection: close")
    body = draw(st.binary(max_size=200))
    if " 204 " in lines[0] or " 304 " in lines[0]:
        return interim + said("\n".join(lines))
    if draw(st.booleans()) and lines[0].startswith("HTTP/1.1"):
        lines.append(f"Transfer-Encoding: chunked{draw(st.sampled_from(['', ' ']))}")
        cut = draw(st.integers(0, len(body)))
        behind = draw(st.sampled_from([b"", b";e=1", b"  "]))
        pieces = [x for x in (body[:cut], body[cut:]) if x]
        chunks = [b"%x%s\r\n%s\r\n" % (len(x), behind, x) for x in pieces]
        body = b"".join(
            [*chunks, b"0\r\n", draw(st.sampled_from([b"", b"X-Sum: 1\r\n"])), b"\r\n"]
        )
    else:
        lines.append(f"Content-Length: {len(body)}")
    return interim + said("\n".join(lines), body)


@given(answers(), st.data())
async def test_an_answer_is_what_it_is_however_it_is_cut_up(
    data: bytes, more: st.DataObject
) -> None:
    cuts = sorted(more.draw(st.lists(st.integers(0, len(data)), max_size=6)))
    parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    assert await heard(*parts) == by_h11(data)


# What is odd

OK = "HTTP/1.1 200 OK\n"
TWO = OK + "Content-Length: 2"
ODD: dict[str, tuple[bytes, bytes, bool]] = {  # what is said; the body; whether it goes on
    "until the end": (said("HTTP/1.1 200 OK", b"{}"), b"{}", False),
    "another coding until the end": (said(OK + "Transfer-Encoding: x", b"{}"), b"{}", False),
    "the old version": (said("HTTP/1.0 200 OK\nContent-Length: 2", b"{}"), b"{}", False),
    "the old version that stays": (
        said("HTTP/1.0 200 OK\nConnection: keep-alive\nContent-Length: 2", b"{}"), b"{}", True,
    ),
    "another answer behind": (said(TWO, b"{}" + said(TWO, b"[]")), b"{}", False),
    "an answer before the answer behind": (
        said(TWO, b"{}" + said("HTTP/1.1 100 Go")), b"{}", False,
    ),
    "nonsense behind": (said(TWO, b"{}nonsense"), b"{}", False),
    "more behind the last": (
        said(OK + "Connection: close\nContent-Length: 2", b"{}nonsense"), b"{}", False,
    ),
    "nothing at all": (said("HTTP/1.1 204 No Content"), b"", True),
    "lines that end in one letter": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}", b"{}", True),
    "a folded line": (said(OK + "X: a\n b\nContent-Length: 2", b"{}"), b"{}", True),
    "a cookie with more than letters": (
        said(OK + "Set-Cookie: a=\1b\nContent-Length: 2", b"{}"), b"{}", True,
    ),
    "no reason": (said("HTTP/1.1 200\nContent-Length: 2", b"{}"), b"{}", True),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
async def test_an_odd_answer_is_read_as_the_protocol_says(name: str) -> None:
    data, body, again = ODD[name]
    for parts in ([data], [data[i : i + 1] for i in range(len(data))]):
        if "behind" in name and len(parts) > 1:
            continue  # what has not come yet is looked for before the next request
        status, _, found, goes_on = await heard(*parts)
        assert (status, found, goes_on) == (204 if not body else 200, body, again)


WRONG: dict[str, bytes] = {
    "two lengths": said(OK + "Content-Length: 2\nContent-Length: 3", b"{}"),
    "a length and chunks": said(
        OK + "Transfer-Encoding: chunked\nContent-Length: 2", b"0\r\n\r\n"
    ),
    "a length below nothing": said(OK + "Content-Length: -2", b"{}"),
    "a length that is none": said(OK + "Content-Length: two", b"{}"),
    "a chunk that is none": said(OK + "Transfer-Encoding: chunked", b"z\r\n{}\r\n0\r\n\r\n"),
    "a NUL in a header": said(OK + "X: a\0b\nContent-Length: 2", b"{}"),
    "a blank in a header's name": said(OK + "X Y: 1\nContent-Length: 2", b"{}"),
    "a blank before a colon": said(OK + "X : 1\nContent-Length: 2", b"{}"),
    "chunks that are none to all": said(
        OK + "Transfer-Encoding: chunked\t", b"2\r\n{}\r\n0\r\n\r\n"
    ),
    "a status that there is not": said("HTTP/1.1 099 X\nContent-Length: 2", b"{}"),
    "a body before the answer": said("HTTP/1.1 050 X\nContent-Length: 1", b"1" + said(TWO, b"00")),
    "no status": said("HTTP/1.1 OK"),
    "a status of four digits": said("HTTP/1.1 2000 OK"),
    "another protocol": b"220 mail.example ESMTP\r\n",
    "another protocol agreed on": said("HTTP/1.1 101 Go\nUpgrade: x\nConnection: upgrade"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_what_breaks_the_protocol_is_no_answer(name: str) -> None:
    async with serving(says(WRONG[name], again=True)) as wire:
        door = Door()
        with pytest.raises(HttpFailure) as caught:
            await door.send(Request("GET", wire.url))
        await door.aclose()
    assert caught.value.cause is Cause.ANSWER_MALFORMED
    assert "does not answer in HTTP" in str(caught.value)


SHORT: dict[str, bytes] = {
    "of its head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "of a body with a length": said(OK + "Content-Length: 3", b"{}"),
    "of its chunks, announced with a blank": said(
        OK + "Transfer-Encoding: chunked ", b"2\r\n{}\r\n"
    ),
    "of its chunks": said(OK + "Transfer-Encoding: Chunked", b"2\r\n{}\r\n"),
    "of the answer itself": said("HTTP/1.1 100 Continue"),
    "everything": b"",
}


@pytest.mark.parametrize("name", SHORT)
async def test_an_answer_that_ends_in_the_middle_is_the_connections_fault(name: str) -> None:
    async with serving(says(SHORT[name])) as wire:
        door = Door()
        with pytest.raises(HttpFailure) as caught:
            await door.send(Request("GET", wire.url))
        await door.aclose()
    assert caught.value.cause is Cause.PROVIDER_UNREACHABLE


async def test_blanks_around_a_headers_value_are_not_of_it() -> None:
    _, headers, _, _ = await heard(said(OK + "Location: /new \nX:\t1 \t\nContent-Length: 0"))
    assert headers[:2] == [(b"Location", b"/new"), (b"X", b"1")]


async def test_a_header_without_a_value_does_not_swallow_the_next() -> None:
    data = said(OK + "X-Empty:\nRetry-After: 5\nContent-Length: 0")
    _, headers, _, _ = await heard(data)
    assert headers[:2] == [(b"X-Empty", b""), (b"Retry-After", b"5")]


@pytest.mark.parametrize("again", [True, False])
async def test_a_connection_leaves_nothing_for_the_collector_of_garbage(again: bool) -> None:
    def talks() -> int:
        return sum(isinstance(x, Talk) for x in gc.get_objects())

    door, before = Door(), talks()
    gc.disable()
    try:
        head = TWO if again else TWO + "\nConnection: close"
        async with serving(says(said(head, b"{}"), again=again)) as wire:
            for _ in range(3):
                await door.send(Request("GET", wire.url))
            assert talks() - before == again  # the one that is kept
            await door.aclose()
        for wrong in (b"nonsense\r\n\r\n", said(OK + "Content-Length: 999999", b"too large")):
            async with serving(says(wrong)) as wire:
                with pytest.raises(HttpFailure):
                    await door.send(Request("GET", wire.url))
            assert talks() == before
    finally:
        gc.enable()


async def test_a_request_goes_out_as_it_is_written() -> None:
    line = Said(said(OK + "Content-Length: 0"))
    talk = Talk(cast("Line", line))
    own = {"X-Own": "1", "User-Agent": "monitor"}
    talk.ask(httpx.Request("POST", "https://a.example/x%20y?q=%C3%A9", headers=own, content=b"{}"))
    assert line.heard == (
        b"POST /x%20y?q=%C3%A9 HTTP/1.1\r\nHost: a.example\r\nX-Own: 1\r\nUser-Agent: monitor\r\n"
        b"Content-Length: 2\r\n\r\n{}"
    )
