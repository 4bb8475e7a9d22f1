"""A connection's bytes in the order in which they come, over asyncio's own sockets and TLS.

No more is taken off the wire than somebody is about to read. What is given up is closed at once:
no goodbye is said in TLS, since a peer could let us wait for its own.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import cast

FULL = 64 * 1024  # bytes waiting to be read: until they are, the peer has to wait
HANDSHAKE = 300.0  # seconds: a backstop, the caller has a timeout of its own
GOODBYE = 0.5  # seconds for the end of a handshake that is given up in its last moment


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
        """Whether no request may go out on it: it ended, or bytes came that nobody asked for."""
        return self._ended or bool(self._came) or self._transport is None

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
        if self._paused and len(self._came) < FULL and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
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

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def secured(made: socket.socket, context: ssl.SSLContext | None, host: str) -> Line:
    """A line over a connected socket, in TLS for `host` where there is a context.

    The socket is the line's from here on. Raises OSError, of which ssl.SSLError is one.
    """
    line = Line()
    loop = asyncio.get_running_loop()
    try:
        if context is None:
            await loop.create_connection(lambda: line, sock=made)
        else:
            await loop.create_connection(
                lambda: line,
                sock=made,
                ssl=context,
                server_hostname=host,
                ssl_handshake_timeout=HANDSHAKE,
                ssl_shutdown_timeout=GOODBYE,
            )
    except BaseException:
        line.hang_up()
        raise
    return line
