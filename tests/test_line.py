"""A line between requests: whether another may go out on it, in TLS as without."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from wire import Authority

from monitor.line import FULL, Line, Secure, opened


class Peer:
    """The other end: a transport that keeps what is written, and TLS where it is asked for."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.line, self.said = Line(), b""
        self.reading, self.open = True, True
        self.untaken = 0
        self.line.connection_made(cast("asyncio.Transport", self))
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context and context.wrap_bio(self._in, self._out, server_side=True)

    def write(self, data: bytes) -> None:
        self.said += data
        self._in.write(data)

    def get_write_buffer_size(self) -> int:
        return self.untaken

    def get_extra_info(self, _name: str) -> None:
        """It has no socket."""

    def abort(self) -> None:
        self.open = False

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    async def meet(self, authority: Authority) -> Secure:
        """Shake hands with a line in TLS."""
        assert self._tls is not None
        context = ssl.create_default_context(cafile=authority.ca_file)
        secure = Secure(self.line, context, "127.0.0.1")
        shaking = asyncio.create_task(secure.shake())
        agreed = False
        while not shaking.done() or not agreed:
            await asyncio.sleep(0)
            try:
                self._tls.do_handshake()
                agreed = True
            except ssl.SSLWantReadError:
                agreed = False
            self.pass_on()
        await shaking
        return secure

    def say(self, *records: bytes) -> None:
        """In TLS, all at once."""
        assert self._tls is not None
        for data in records:
            self._tls.write(data)
        self.pass_on()

    def pass_on(self) -> None:
        if self._out.pending:
            self.line.data_received(self._out.read())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(Path(tmp_path_factory.mktemp("ca")))


def test_a_line_is_spent_once_it_ended_or_bytes_came_that_nobody_asked_for() -> None:
    assert Line().spent
    assert not Peer().line.spent
    for end in (
        lambda line: line.data_received(b"x"),
        lambda line: line.eof_received(),
        lambda line: line.connection_lost(None),
        lambda line: line.hang_up(),
    ):
        peer = Peer()
        end(peer.line)
        assert peer.line.spent


def test_a_line_is_spent_while_the_peer_has_not_taken_all_that_was_sent() -> None:
    peer = Peer()
    peer.untaken = 1
    assert peer.line.spent
    peer.untaken = 0
    assert not peer.line.spent


@pytest.mark.parametrize("end", [lambda s: s.send(b"x"), lambda s: s.close()], ids=["byte", "end"])
async def test_a_line_is_spent_as_soon_as_something_came_however_busy_the_loop_is(
    end: Callable[[socket.socket], object],
) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        line = await opened(ours, None, "127.0.0.1")
        assert not line.spent
        end(theirs)  # and nothing is awaited
        assert line.spent
    line.hang_up()
    await asyncio.sleep(0)


async def test_what_came_is_read_before_the_end_and_why_it_ended_after_it() -> None:
    peer = Peer()
    peer.line.data_received(b"abc")
    peer.line.connection_lost(ConnectionResetError("gone"))
    assert await peer.line.read(2) == b"ab"
    assert await peer.line.read(2) == b"c"
    with pytest.raises(ConnectionResetError, match="gone"):
        await peer.line.read(2)
    peer = Peer()
    peer.line.eof_received()
    assert await peer.line.read(2) == b""


async def test_a_peer_that_says_much_has_to_wait_until_it_is_read() -> None:
    peer = Peer()
    peer.line.data_received(b"x" * FULL)
    assert not peer.reading
    await peer.line.read(1)
    assert peer.reading
    peer.line.data_received(b"x" * FULL)
    assert not peer.reading
    assert len(peer.line.taken()) == 2 * FULL - 1
    assert peer.reading


async def test_a_reader_is_woken_by_what_comes_and_by_the_end() -> None:
    for end, found in (
        (lambda line: line.data_received(b"x"), b"x"),
        (lambda line: line.eof_received(), b""),
    ):
        peer = Peer()
        reading = asyncio.create_task(peer.line.read(10))
        await asyncio.sleep(0)
        assert not reading.done()
        end(peer.line)
        assert await reading == found


async def test_tickets_for_a_later_session_do_not_spend_a_line_in_tls(
    authority: Authority,
) -> None:
    peer = Peer(authority.server())
    secure = await peer.meet(authority)
    assert peer.line.spent  # tickets came behind the handshake
    assert not secure.spent
    peer.say(b"answer")
    assert await secure.read(100) == b"answer"
    assert not secure.spent


async def test_words_that_nobody_asked_for_spend_a_line_in_tls(authority: Authority) -> None:
    peer = Peer(authority.server())
    secure = await peer.meet(authority)
    peer.say(b"x")
    assert secure.spent


async def test_words_that_came_together_with_an_answer_spend_a_line_in_tls(
    authority: Authority,
) -> None:
    peer = Peer(authority.server())
    secure = await peer.meet(authority)
    peer.say(b"answer", b"another, in a record of its own")
    assert await secure.read(100) == b"answer"
    assert secure.spent
    peer = Peer(authority.server())
    secure = await peer.meet(authority)
    peer.say(b"answer and more")
    assert await secure.read(6) == b"answer"
    assert secure.spent


@pytest.mark.parametrize("garbage", [b"no TLS at all", b"\x15\x03\x03\x00\x02\x02\x28"])
async def test_what_is_no_tls_spends_a_line(authority: Authority, garbage: bytes) -> None:
    peer = Peer(authority.server())
    secure = await peer.meet(authority)
    peer.line.data_received(garbage)
    assert secure.spent
    peer = Peer(authority.server())
    secure = await peer.meet(authority)
    peer.line.connection_lost(None)
    assert secure.spent
