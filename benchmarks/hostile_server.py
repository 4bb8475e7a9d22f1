"""A server that answers as badly as a server can, and beside it one that is well.

The first part of a request's path says how it is answered; a key that arrives where no key belongs
is kept in `World.stolen`.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BALANCE = b'{"code":200,"msg":"success","data":54321.5}'
_BOMB = gzip.compress(bytes(40 * 1024 * 1024), mtime=0)
_LOT = 64 * 1024

Way = Callable[["World", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class World:
    """What the servers have seen."""

    healthy: dict[str, list[float]] = field(default_factory=dict)  # path: when it was asked
    asked: int = 0  # hostile answers begun
    stolen: list[bytes] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)

    def address(self, way: str, name: str = "x") -> str:
        """The base_url of an account that is answered this way."""
        port = self.ports.get(way)
        if port is not None:
            scheme = "https" if way in OVER_TLS else "http"
            return f"{scheme}://127.0.0.1:{port}/{name}"
        return f"http://127.0.0.1:{self.ports['hostile']}/{way}/{name}"


async def _for_ever(writer: asyncio.StreamWriter, *parts: bytes) -> None:
    """The first parts once, the last again and again."""
    for part in parts[:-1]:
        writer.write(part)
    while True:
        writer.write(parts[-1])
        await writer.drain()


def _endless(*parts: bytes) -> Way:
    async def way(_: World, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _for_ever(writer, *parts)

    return way


def _once(*parts: bytes) -> Way:
    async def way(_: World, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(parts))
        await writer.drain()

    return way


async def _hang(_: World, reader: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await reader.read()


async def _drip(_: World, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(OK + b"Content-Length: 60000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.2)


async def _reset(_: World, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _redirect(world: World, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    to = f"Location: http://127.0.0.1:{world.ports['thief']}/\r\nContent-Length: 0\r\n\r\n"
    writer.write(b"HTTP/1.1 302 Found\r\n" + to.encode())
    await writer.drain()


_CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
WAYS: dict[str, Way] = {
    "hang": _hang,
    "drip": _drip,
    "reset": _reset,
    "redirect": _redirect,
    "gigabyte": _endless(OK + b"\r\n", b"x" * _LOT),
    "bomb": _once(OK + b"Content-Encoding: gzip\r\n\r\n", _BOMB),
    "endless-json": _endless(OK + b'\r\n{"code":200,"data":1,"more":"', b"x" * _LOT),
    "endless-headers": _endless(OK, b"X-More: " + b"x" * 8000 + b"\r\n"),
    "many-headers": _once(OK, b"A: b\r\n" * 16_000, b"\r\n" + BALANCE),
    "huge-header": _once(OK, b"Server: " + b"x" * 90_000 + b"\r\n\r\n" + BALANCE),
    "endless-continue": _endless(b"HTTP/1.1 100 Continue\r\n\r\n" * 2000),
    "endless-hints": _endless((b"HTTP/1.1 103 E\r\nLink: " + b"x" * 500 + b"\r\n\r\n") * 100),
    "chunk-extensions": _endless(_CHUNKED, b"1;" + b"x" * 8000 + b"\r\n{\r\n"),
    "tiny-chunks": _endless(_CHUNKED, b"1\r\n \r\n" * 10_000),
    "endless-trailers": _endless(_CHUNKED + b"0\r\n", b"X-More: " + b"x" * 8000 + b"\r\n"),
    "nonsense": _once(b"<html>this is HTTP/0.9, or so they say</html>\n\n"),
    "retry-after": _once(
        b"HTTP/1.1 429 No\r\nRetry-After: " + b"9" * 5000 + b"\r\nContent-Length: 0\r\n\r\n"
    ),
}
OVER_TLS = ("silent-tls", "slow-tls", "wrong-tls")
ALL = (*WAYS, *OVER_TLS)


async def _by_path(
    world: World, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    world.asked += 1
    await WAYS[head.split(b"/", 2)[1].decode()](world, reader, writer)


async def _well(world: World, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    length = f"Content-Length: {len(BALANCE)}\r\n\r\n".encode()
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        name = head.split(b"/", 2)[1].decode()
        world.healthy.setdefault(name, []).append(time.monotonic())
        writer.write(OK + length + BALANCE)
        await writer.drain()


async def _thief(world: World, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    world.stolen.append(await reader.readuntil(b"\r\n\r\n"))
    writer.write(OK + b"\r\n" + BALANCE)


async def _silent(world: World, reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Take the hello, and never finish a handshake."""
    world.asked += 1
    await reader.read()


def _slow(port: int) -> Way:
    """TLS by the spoonful: what the server with the wrong certificate says, byte by byte."""

    async def way(
        world: World, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        world.asked += 1
        hello = await reader.read(4096)
        behind_reader, behind = await asyncio.open_connection("127.0.0.1", port)
        try:
            behind.write(hello)
            while byte := await behind_reader.read(1):
                writer.write(byte)
                await writer.drain()
                await asyncio.sleep(0.1)
        finally:
            behind.transport.abort()

    return way


class _Servers:
    """Listeners, and what answers on them; nothing of it is left behind."""

    def __init__(self) -> None:
        self.world = World()
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []

    async def open(self, name: str, way: Way, context: ssl.SSLContext | None = None) -> None:
        server = await asyncio.start_server(
            lambda reader, writer: self._answer(way, reader, writer),
            "127.0.0.1", 0, ssl=context, backlog=2048,
        )  # fmt: skip
        self._servers.append(server)
        self.world.ports[name] = server.sockets[0].getsockname()[1]

    async def _answer(
        self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await way(self.world, reader, writer)
            writer.close()
        except asyncio.CancelledError:  # this server's own end
            writer.transport.abort()
        finally:
            self._tasks.discard(task)

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        for _ in range(5):  # what is being accepted becomes a connection that can be closed
            await asyncio.sleep(0)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)


@asynccontextmanager
async def served(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[World]:
    """Serve until the block ends. `tls`: of a certificate that nobody trusts."""
    servers = _Servers()
    ways = {"well": _well, "hostile": _by_path, "thief": _thief, "silent-tls": _silent}
    try:
        for name, way in ways.items():
            await servers.open(name, way)
        if tls is not None:
            await servers.open("wrong-tls", _well, tls)
            await servers.open("slow-tls", _slow(servers.world.ports["wrong-tls"]))
        yield servers.world
    finally:
        await servers.close()
