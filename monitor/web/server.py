"""The listeners: bound before anything starts, stopped within seconds whoever hangs on them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Generator
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from monitor.web.patience import Limits, patient

_GRACE = 2  # seconds for answers under way


@dataclass(frozen=True, slots=True)
class Listener:
    """A bound socket and what it is for: "web" or "services"."""

    name: str
    socket: socket.socket

    @property
    def port(self) -> int:
        """The port it was given, which matters where 0 was asked for."""
        return int(self.socket.getsockname()[1])

    def close(self) -> None:
        """Give the port back; harmless where it was given back already."""
        self.socket.close()


def bind(name: str, listen: tuple[str, int]) -> Listener:
    """Take a port. Raises OSError in the user's terms: a port in use is known before anything."""
    host, port = listen
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        taken = socket.socket(family, kind)
    except OSError as error:
        raise _cannot(error, name, listen) from error
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        taken.listen(128)
    except OSError as error:
        taken.close()
        raise _cannot(error, name, listen) from error
    taken.setblocking(False)
    return Listener(name, taken)


def _cannot(error: OSError, name: str, listen: tuple[str, int]) -> OSError:
    key = "web.listen" if name == "web" else f"web.{name}_listen"
    host = f"[{listen[0]}]" if ":" in listen[0] else listen[0]
    why = error.strerror or os.strerror(error.errno or 0)
    words = f"cannot listen on {host}:{listen[1]}: {why}; change {key}, or stop what listens there"
    return OSError(error.errno, words)


async def serve(
    app: ASGIApp,
    listener: Listener,
    stop: asyncio.Event,
    *,
    tls: ssl.SSLContext | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> None:
    """Answer on `listener` until `stop` is set, then end within 3 s. Signals stay the caller's."""
    server = _Server(_config(_named(app, listener.name), tls, limits))
    running = asyncio.create_task(server.serve(sockets=[listener.socket]))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        server.should_exit = True
        # Shielded: a caller that is cancelled still leaves no socket behind.
        await asyncio.shield(running)
        server.hang_up()


def _config(app: ASGIApp, tls: ssl.SSLContext | None, limits: Limits) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=patient(limits, tls),
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        log_level="error",  # its warnings are of what strangers send: as many as they like
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )


def _named(app: ASGIApp, listener: str) -> ASGIApp:
    """The application, told by which listener it is asked."""

    async def named(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "monitor.listener": listener}, receive, send)

    return named


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals alone: the daemon drains before its listeners end."""
        yield

    def hang_up(self) -> None:
        """Drop the connections of those who did not read their answer within the grace."""
        for connection in list(self.server_state.connections):
            transport: asyncio.Transport | None = connection.transport
            if transport is not None:
                transport.abort()
