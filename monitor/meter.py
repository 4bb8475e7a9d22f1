"""How much of an answer is taken off the wire, whatever it is made of.

h11 parses interim answers, chunk extensions and empty pieces for as long as they come, and only
the body they carry is counted by whoever reads it. So bytes are counted where they arrive. And a
connection whose TLS is given up is closed at once, which httpcore leaves to the garbage collector.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, cast

from httpcore import (
    AnyIOBackend,
    AsyncNetworkBackend,
    AsyncNetworkStream,
    RemoteProtocolError,
)

if TYPE_CHECKING:
    import httpx
    from httpcore import SOCKET_OPTION

HEAD = 16 * 1024  # bytes of headers, and of interim answers before them: servers send under 8 KiB
INTERIM = 16  # answers before the one that counts: 100 Continue, 103 Early Hints
_SLICE = 16 * 1024  # bytes parsed before others have their turn
_BEGINS = b"\r\nHTTP/1."  # another answer behind one without a body; no body of JSON holds it


class Meter:
    """What one exchange may still take; `cap` is what its body may have."""

    def __init__(self, cap: int) -> None:
        self._left, self._body, self._interim = HEAD, cap, INTERIM

    def headed(self) -> None:
        """The headers are complete: from here on the body comes, and what wraps its pieces."""
        self._left += 2 * self._body

    def take(self, data: bytes) -> None:
        """Count what has come. Raises RemoteProtocolError where it is too much."""
        self._left -= len(data)
        self._interim -= data.count(_BEGINS)
        if (
            self._interim < 0 or self._left < -_SLICE
        ):  # the slice with which the headers ended may hold body as well
            raise RemoteProtocolError("more came than any answer has")


METER: ContextVar[Meter] = ContextVar("meter")


class _Stream(AsyncNetworkStream):
    """A connection that is metered."""

    def __init__(self, stream: AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._stream.read(min(max_bytes, _SLICE), timeout)
        METER.get().take(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> AsyncNetworkStream:
        try:
            return _Stream(await self._stream.start_tls(ssl_context, server_hostname, timeout))
        except BaseException:
            await self._stream.aclose()
            raise

    def get_extra_info(self, info: str) -> object:
        return cast("object", self._stream.get_extra_info(info))


class _Backend(AsyncNetworkBackend):
    """The network, metered."""

    def __init__(self) -> None:
        self._real = AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        return _Stream(
            await self._real.connect_tcp(host, port, timeout, local_address, socket_options)
        )

    async def sleep(self, seconds: float) -> None:
        await self._real.sleep(seconds)


def metered(transport: httpx.AsyncHTTPTransport) -> httpx.AsyncHTTPTransport:
    """The transport, over metered connections: httpx has no other way to hand it a network."""
    transport._pool._network_backend = _Backend()
    return transport
