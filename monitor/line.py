"""A connection's bytes in the order in which they come, over asyncio's sockets, in TLS or not.

No more is taken off the wire than somebody is about to read. What is given up is closed at once:
no goodbye is said in TLS, since a peer could let us wait for its own.
"""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
from contextlib import suppress
from typing import cast

FULL = 64 * 1024  # bytes waiting to be read: until they are, the peer has to wait
SECURED = 16 * 1024  # bytes of TLS opened at a time: what a record may have


class Line(asyncio.Protocol):
    """One connection; `read` is for one reader at a time."""

    def __init__(self) -> None:
        self._came = bytearray()
        self._ended = False
        self._paused = False
        self._error: Exception | None = None
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def spent(self) -> bool:
        """Whether no request may go out on it: it ended, bytes came that nobody asked for, or the
        last request was answered before the peer has taken all of it."""
        if self._ended or self._came or self._transport is None:
            return True
        return self._transport.get_write_buffer_size() > 0 or _waiting(self._transport)

    def write(self, data: bytes) -> None:
        """Send, in the background; a failure shows at the next read."""
        if self._transport is not None:
            self._transport.write(data)

    async def read(self, most: int) -> bytes:
        """What has come, `most` bytes at most; nothing at the end. Raises OSError."""
        while not self._came and not self._ended:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if not self._came and self._error is not None:
            raise self._error
        data = bytes(self._came[:most])
        del self._came[:most]
        self._go_on()
        return data

    def taken(self) -> bytes:
        """What has come and nobody has read, without waiting."""
        data = bytes(self._came)
        self._came.clear()
        self._go_on()
        return data

    def hang_up(self) -> None:
        """Close at once."""
        self._ended = True
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    # -- asyncio's side ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, with its TLS in place."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Keep what came for the reader."""
        self._came += data
        if len(self._came) >= FULL and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """The peer says no more: the transport closes itself."""
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever reads is told why."""
        self._ended, self._error, self._transport = True, exc, None
        self._wake()

    def _go_on(self) -> None:
        """Let the peer say more, where there is room for it again."""
        if self._paused and len(self._came) < FULL and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _waiting(transport: asyncio.Transport) -> bool:
    """Whether more has come, or the end, than a busy event loop has handed over yet."""
    made = transport.get_extra_info("socket")
    if made is None:
        return False
    poll = select.poll()
    poll.register(made.fileno(), select.POLLIN)
    return bool(poll.poll(0))


class Secure:
    """A line in TLS, as a line: ssl's memory BIOs in the way its documentation shows.

    asyncio's own TLS sets 256 KiB aside for each connection, which hundreds of them fill.
    """

    def __init__(self, line: Line, context: ssl.SSLContext, host: str) -> None:
        self._line = line
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=host)

    @property
    def spent(self) -> bool:
        """Whether no request may go out on it. A ticket for a later session may have come."""
        if not (self._line.spent or self._in.pending or self._tls.pending()):
            return False
        self._in.write(self._line.taken())
        with suppress(ssl.SSLError):
            try:
                self._tls.read(1)
            except ssl.SSLWantReadError:  # nothing that was said to us
                return self._line.spent
        return True

    async def shake(self) -> None:
        """Agree with the peer. Raises OSError, of which ssl.SSLError is one."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                await self._more(ConnectionResetError("closed in the handshake"))
            except ssl.SSLError:
                self._flush()  # the peer is told why
                raise
            else:
                self._flush()
                return

    def write(self, data: bytes) -> None:
        """Send, in the background; a failure shows at the next read."""
        self._tls.write(data)
        self._flush()

    async def read(self, most: int) -> bytes:
        """What has come, `most` bytes at most; nothing at the end. Raises OSError."""
        while True:
            try:
                return self._tls.read(most)
            except ssl.SSLWantReadError:
                self._flush()
                if not await self._more():
                    return b""  # few servers say goodbye
            except ssl.SSLZeroReturnError:
                return b""

    def hang_up(self) -> None:
        """Close at once."""
        self._line.hang_up()

    async def _more(self, otherwise: OSError | None = None) -> bool:
        came = await self._line.read(SECURED)
        if not came and otherwise is not None:
            raise otherwise
        self._in.write(came)
        return bool(came)

    def _flush(self) -> None:
        if self._out.pending:
            self._line.write(self._out.read())


async def opened(made: socket.socket, context: ssl.SSLContext | None, host: str) -> Line | Secure:
    """A line over a connected socket, in TLS for `host` where there is a context.

    The socket is the line's from here on. Raises OSError, of which ssl.SSLError is one.
    """
    line = Line()
    try:
        await asyncio.get_running_loop().create_connection(lambda: line, sock=made)
        if context is None:
            return line
        secure = Secure(line, context, host)
        await secure.shake()
    except BaseException:
        line.hang_up()
        raise
    return secure
