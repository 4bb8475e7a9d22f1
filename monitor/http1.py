"""HTTP/1.1 to one origin: h11's protocol over a line of ours, as a transport of httpx.

httpx's own transport keeps a pool for whoever asks many hosts at once, and has layers above its
sockets. A lane has one request under way: what that needs is below, at a third of the cost.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, cast

import h11
import httpx

from monitor.dial import dial
from monitor.line import Line, Secure, opened
from monitor.meter import SLICE, Meter

if TYPE_CHECKING:
    from monitor.reach import Phases

SWITCHING = 101


class Http1(httpx.AsyncBaseTransport):
    """A connection to one origin, kept from request to request; one request at a time.

    A request's `extensions` hold its `meter` and its `phases`. Raises OSError where the network
    fails, httpx.RemoteProtocolError where the peer does.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._kept: _Talk | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the head of its answer; the body is read from the response."""
        meter = cast("Meter", request.extensions["meter"])
        phases = cast("Phases", request.extensions["phases"])
        talk, self._kept = self._kept, None
        if talk is None or talk.line.spent:
            if talk is not None:
                talk.line.hang_up()
            talk = _Talk(await self._connected(request.url, phases))
        try:
            phases.enter("send")
            talk.ask(request)
            phases.enter("wait")
            head = await talk.head(meter)
        except BaseException:
            talk.line.hang_up()
            raise
        phases.enter("receive")
        body = _Body(self, talk, meter)
        return httpx.Response(head.status_code, headers=head.headers.raw_items(), stream=body)

    async def _connected(self, url: httpx.URL, phases: Phases) -> Line | Secure:
        host = url.raw_host.decode("ascii")
        tls = url.scheme == "https"
        phases.enter("connect")
        made = await dial(host, url.port or (443 if tls else 80))
        phases.connected(True)
        if tls:
            phases.enter("tls")
        return await opened(made, self._context if tls else None, host)

    def keep(self, talk: _Talk) -> None:
        """Take back a connection whose answer was read, if it may carry another."""
        if talk.again():
            self._kept = talk
        else:
            talk.line.hang_up()

    async def aclose(self) -> None:
        """Close what is kept."""
        if self._kept is not None:
            self._kept.line.hang_up()
            self._kept = None


class _Talk:
    """What is said on one line."""

    def __init__(self, line: Line | Secure) -> None:
        self.line = line
        self._state = h11.Connection(h11.CLIENT)

    def ask(self, request: httpx.Request) -> None:
        head = h11.Request(
            method=request.method, target=request.url.raw_path, headers=request.headers.raw
        )
        said = self._state.send(head)
        if request.content:
            said = (said or b"") + (self._state.send(h11.Data(request.content)) or b"")
        self.line.write((said or b"") + (self._state.send(h11.EndOfMessage()) or b""))

    async def head(self, meter: Meter) -> h11.Response:
        """The answer's head; answers before it (100 Continue) are let by."""
        while True:
            event = await self._event(meter)
            if isinstance(event, h11.Response):
                meter.headed()
                return event
            if not isinstance(event, h11.InformationalResponse) or event.status_code == SWITCHING:
                raise httpx.RemoteProtocolError("another protocol that nobody asked for")

    async def body(self, meter: Meter) -> AsyncIterator[bytes]:
        while True:
            event = await self._event(meter)
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            else:
                return

    async def _event(self, meter: Meter) -> object:
        try:
            while (event := self._state.next_event()) is h11.NEED_DATA:
                data = await self.line.read(SLICE)
                if not data and self._state.their_state is h11.SEND_RESPONSE:
                    raise httpx.RemoteProtocolError("Server disconnected without an answer")
                meter.take(data)
                self._state.receive_data(data)
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        return event

    def again(self) -> bool:
        """Make it ready for the next request; False where there can be none."""
        done = self._state.our_state is h11.DONE and self._state.their_state is h11.DONE
        # What came behind the answer would be taken for the next one. What comes later, or has
        # not gone out, is looked for when the next request is to go.
        if not done or self._state.trailing_data[0]:
            return False
        self._state.start_next_cycle()
        return True


class _Body(httpx.AsyncByteStream):
    """An answer's body; closing it gives the connection back."""

    def __init__(self, lane: Http1, talk: _Talk, meter: Meter) -> None:
        self._lane, self._talk, self._meter = lane, talk, meter
        self._open = True

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._talk.body(self._meter)

    async def aclose(self) -> None:
        if self._open:
            self._open = False
            self._lane.keep(self._talk)
