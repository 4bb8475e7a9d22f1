"""HTTP/1.1 to one origin: httptools' parser over a line of ours, as a transport of httpx.

httpx's own transport keeps a pool for whoever asks many hosts at once, and has layers above its
sockets. A lane has one request under way: what that needs is below, at a ninth of the cost.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, cast

import httptools
import httpx

from monitor.dial import dial
from monitor.line import Line, Secure, opened
from monitor.meter import SLICE, Meter

if TYPE_CHECKING:
    from monitor.reach import Phases

_FIRST, _FINAL = 100, 200  # statuses from the one up to the other come before an answer
_BLANK = b" \t"


class Http1(httpx.AsyncBaseTransport):
    """A connection to one origin, kept from request to request; one request at a time.

    A request's `extensions` hold its `meter` and its `phases`. Raises OSError where the network
    fails, httpx.RemoteProtocolError where the peer does.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._kept: Talk | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the head of its answer; the body is read from the response."""
        meter = cast("Meter", request.extensions["meter"])
        phases = cast("Phases", request.extensions["phases"])
        talk, self._kept = self._kept, None
        if talk is None or talk.line.spent:
            if talk is not None:
                talk.hang_up()
            talk = Talk(await self._connected(request.url, phases))
        try:
            phases.enter("send")
            talk.ask(request)
            phases.enter("wait")
            await talk.head(meter)
        except BaseException:
            talk.hang_up()
            raise
        phases.enter("receive")
        body = _Body(self, talk, meter)
        return httpx.Response(talk.status, headers=talk.headers, stream=body)

    async def _connected(self, url: httpx.URL, phases: Phases) -> Line | Secure:
        host = url.raw_host.decode("ascii")
        tls = url.scheme == "https"
        phases.enter("connect")
        made = await dial(host, url.port or (443 if tls else 80))
        phases.connected(True)
        if tls:
            phases.enter("tls")
        return await opened(made, self._context if tls else None, host)

    def keep(self, talk: Talk) -> None:
        """Take back a connection whose answer was read, if it may carry another."""
        if talk.again:
            self._kept = talk
        else:
            talk.hang_up()

    async def aclose(self) -> None:
        """Close what is kept."""
        if self._kept is not None:
            self._kept.hang_up()
            self._kept = None


class Talk:
    """What is said on one line, and the answer under way, which httptools hands over in parts."""

    def __init__(self, line: Line | Secure) -> None:
        self.line = line
        self._parser = httptools.HttpResponseParser(self)
        # What servers in the wild send (h11's own list): control characters in cookies, folded
        # lines, a bare LF, chunk sizes padded with blanks.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        self._begin()

    def _begin(self) -> None:
        self.status, self.headers = 0, list[tuple[bytes, bytes]]()
        self._pieces: list[bytes] = []
        self._headed = self._whole = self._read = self._more = False
        self._lasts = True  # the connection does, after this answer

    def hang_up(self) -> None:
        """Close at once, for good.

        The parser and this know each other: undone here, or all of the connection's memory would
        wait for the collector of garbage.
        """
        self.line.hang_up()
        del self._parser

    def ask(self, request: httpx.Request) -> None:
        self._begin()
        self.line.write(_written(request))

    async def head(self, meter: Meter) -> None:
        """Wait for the answer's status and headers."""
        while not self._headed:
            await self._hear(meter)
        meter.headed()

    async def body(self, meter: Meter) -> AsyncIterator[bytes]:
        while True:
            pieces, self._pieces = self._pieces, []
            for piece in pieces:
                yield piece
            if self._whole:
                self._read = True
                return
            await self._hear(meter)

    async def _hear(self, meter: Meter) -> None:
        data = await self.line.read(SLICE)
        if not data:
            self._end()
            return
        meter.take(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._more = True  # behind a whole answer it is no matter what
            if not self._whole:
                raise httpx.RemoteProtocolError(f"not HTTP: {error}") from None

    def _end(self) -> None:
        """The peer says no more: whether that ends an answer, its headers say (RFC 9112, 6.3)."""
        if not self._headed:
            raise httpx.RemoteProtocolError("Server disconnected without an answer")
        said = {name.lower(): value.lower() for name, value in self.headers}
        if b"content-length" in said or said.get(b"transfer-encoding", b"").endswith(b"chunked"):
            raise httpx.RemoteProtocolError("peer closed connection in the middle of its answer")
        self._whole, self._lasts = True, False

    @property
    def again(self) -> bool:
        """Whether it can carry another request.

        What came behind the answer would be taken for the next one. What comes later, or has not
        gone out, is looked for when the next request is to go.
        """
        return self._read and self._lasts and not self._more

    # -- httptools' side --------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Note what nobody asked for: another answer behind a whole one."""
        self._more = self._whole

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; one behind the body (a trailer) is of no use here."""
        if not self._headed:
            _refuse(name, value)
            self.headers.append((name, value.strip(_BLANK)))

    def on_headers_complete(self) -> None:
        """Take the status, unless it is that of an answer before the answer (100 Continue)."""
        if self._whole:
            return
        self.status = self._parser.get_status_code()
        if self.status < _FIRST:
            raise ValueError("no status that there is")
        self._headed = self.status >= _FINAL
        if not self._headed:
            self.headers.clear()

    def on_body(self, piece: bytes) -> None:
        """Take a part of the body."""
        if not self._whole:
            self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """Know the end of the answer."""
        if not self._whole:
            self._whole = self._headed
            self._lasts = self._parser.should_keep_alive()


def _refuse(name: bytes, value: bytes) -> None:
    """What its leniency lets by and others read otherwise. Raises ValueError."""
    odd = name.lower() == b"transfer-encoding" and value.endswith(b"\t")  # no chunks to llhttp
    if odd or b"\0" in value or name.endswith((b" ", b"\t")):
        raise ValueError("a header that may mean two things")


def _written(request: httpx.Request) -> bytes:
    """A request as it goes out. Its headers can be sent, whoever made it has seen to that."""
    start = b"%s %s HTTP/1.1\r\n" % (request.method.encode("ascii"), request.url.raw_path)
    lines = [b"%s: %s\r\n" % (name, value) for name, value in request.headers.raw]
    return b"".join((start, *lines, b"\r\n", request.content))


class _Body(httpx.AsyncByteStream):
    """An answer's body; closing it gives the connection back."""

    def __init__(self, lane: Http1, talk: Talk, meter: Meter) -> None:
        self._lane, self._talk, self._meter = lane, talk, meter
        self._open = True

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._talk.body(self._meter)

    async def aclose(self) -> None:
        if self._open:
            self._open = False
            self._lane.keep(self._talk)
