"""A small HTTP server whose answers may be as bad as the real world's."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

import h11

from monitor.demo.faults import Fault

_CHUNK = 65536
_GIGABYTE = 1 << 30
_LINGER_0 = struct.pack("ii", 1, 0)  # closing sends a reset, not an end


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str  # unquoted
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]  # names in lower case
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered, and how the wire spoils it."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: Fault | None = None  # one that the wire does, see `Fault`


def json_reply(
    document: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Reply:
    """A JSON document; its type may be overridden by `headers`."""
    typed = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    return Reply(status, json.dumps(document, ensure_ascii=False).encode(), typed)


class Server:
    """One origin on loopback. `drip` is the time between two bytes of a dripping answer."""

    def __init__(self, answer: Callable[[Asked], Reply], *, port: int = 0) -> None:
        self._answer = answer
        self.port = port
        self.drip = 1.0
        self._listener: socket.socket | None = None
        self._open: dict[asyncio.Task[None], socket.socket] = {}

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`; known once it has listened."""
        return f"http://127.0.0.1:{self.port}"

    # -- listening --------------------------------------------------------------------------

    def listen(self) -> None:
        """Take connections. The port stays the same over a refusal."""
        if self._listener is not None:
            return
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        try:
            listener.bind(("127.0.0.1", self.port))
        except OSError:
            listener.close()
            raise
        listener.listen(128)
        self.port = listener.getsockname()[1]
        self._listener = listener
        asyncio.get_running_loop().add_reader(listener, self._accept)

    def refuse(self) -> None:
        """Refuse connections from now on, and reset those that are open."""
        if self._listener is None:
            return
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        self._listener = None
        for task in self._open:
            task.cancel()

    async def close(self) -> None:
        """Stop; no task is left behind."""
        self.refuse()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _accept(self) -> None:
        assert self._listener is not None  # noqa: S101 - the reader is removed with it
        try:
            connection, _ = self._listener.accept()
        except OSError:  # the caller has gone again
            return
        connection.setblocking(False)
        task = asyncio.get_running_loop().create_task(self._serve(connection))
        self._open[task] = connection
        task.add_done_callback(self._open.pop)

    # -- one connection ---------------------------------------------------------------------

    async def _serve(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection)
        wire = h11.Connection(h11.SERVER)
        try:
            while (asked := await _receive(wire, reader)) is not None:
                await self._send(self._answer(asked), wire, reader, writer)
                if wire.our_state is not h11.DONE or wire.their_state is not h11.DONE:
                    break
                wire.start_next_cycle()
        except (ConnectionError, h11.RemoteProtocolError):
            pass  # the caller hung up or spoke no HTTP: nobody is left to tell
        except asyncio.CancelledError:
            _reset(writer)
            raise
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _send(
        self,
        reply: Reply,
        wire: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        if reply.fault is Fault.HANG:
            await reader.read()  # until the caller gives up
            return
        if reply.fault is Fault.RESET:
            _reset(writer)
            return
        writer.write(wire.send(_head(reply)) or b"")
        async for part in self._parts(reply):
            writer.write(wire.send(h11.Data(data=part)) or b"")
            await writer.drain()
        if reply.fault is not Fault.HALF_BODY:
            writer.write(wire.send(h11.EndOfMessage()) or b"")
        await writer.drain()

    async def _parts(self, reply: Reply) -> AsyncIterator[bytes]:
        if reply.fault is Fault.HALF_BODY:
            yield reply.body[: len(reply.body) // 2]
        elif reply.fault is Fault.DRIP:
            for byte in reply.body:
                yield bytes([byte])
                await asyncio.sleep(self.drip)
        elif reply.fault is Fault.GIGABYTE:
            for _ in range(_GIGABYTE // _CHUNK):
                yield b" " * _CHUNK
        elif reply.body:
            yield reply.body


def _head(reply: Reply) -> h11.Response:
    headers = dict(reply.headers)
    if reply.fault is not Fault.GIGABYTE:  # which does not say how long it is
        headers["Content-Length"] = str(len(reply.body))
    return h11.Response(status_code=reply.status, headers=list(headers.items()))


async def _receive(wire: h11.Connection, reader: asyncio.StreamReader) -> Asked | None:
    """The next request; None when the caller has closed."""
    request: h11.Request | None = None
    body = b""
    while True:
        event = wire.next_event()
        if event is h11.NEED_DATA:
            wire.receive_data(await reader.read(_CHUNK))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and request is not None:
            return _asked(request, body)
        else:
            return None


def _asked(request: h11.Request, body: bytes) -> Asked:
    url = urlsplit(request.target.decode("ascii"))
    return Asked(
        method=request.method.decode("ascii"),
        path=unquote(url.path),
        query=parse_qs(url.query, keep_blank_values=True),
        headers={n.decode("ascii"): v.decode("latin-1") for n, v in request.headers},
        body=body,
    )


def _reset(writer: asyncio.StreamWriter) -> None:
    held = writer.get_extra_info("socket")
    if held is not None and held.fileno() >= 0:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
    writer.transport.abort()
