"""How long a connection may take, and how many there are: whoever hangs on keeps nobody else out.

uvicorn waits for ever for a request, and past a number of connections it answers 503 to all. Then
anybody who can reach the port could keep the page, the health path and the scrape from everybody,
or take the files that probes and mails need, by opening connections and saying nothing. With TLS
it does not even know a connection before its handshake is done, and waits a minute for that.
"""

from __future__ import annotations

import asyncio
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Iterable
from dataclasses import dataclass

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

_ARRIVING = frozenset({h11.IDLE, h11.SEND_BODY})


@dataclass(frozen=True, slots=True)
class Limits:
    """What one listener bears."""

    connections: int = 256  # at once; the oldest that is not being answered makes room
    arrives: float = 10.0  # seconds for a TLS handshake, and for the whole of a request
    answered: float = 60.0  # seconds until its answer has been taken


def patient(limits: Limits, tls: ssl.SSLContext | None = None) -> type[asyncio.Protocol]:
    """uvicorn's connection within `limits`, where there is `tls` behind it."""
    kind = type("Patient", (_Patient,), {"limits": limits})
    if tls is None:
        return kind
    return type("Greeting", (_Greeting,), {"limits": limits, "tls": tls, "behind": kind})


def _make_room(connections: Iterable[object], default: _Patient | _Greeting) -> None:
    held = [c for c in connections if isinstance(c, _Patient | _Greeting) and c.evictable]
    min(held, key=lambda c: c.born, default=default).transport.abort()


class _Patient(H11Protocol):
    """One connection, with a timer for what it waits for."""

    limits = Limits()
    born = 0.0
    greeting: _Greeting | None = None  # its handshake
    _timer: asyncio.TimerHandle | None = None
    _awaited: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.connections.discard(self.greeting)
        self.born = self.loop.time()
        self._watch()
        if len(self.connections) > self.limits.connections:
            _make_room(self.connections, self)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._wait(None)

    @property
    def evictable(self) -> bool:
        """Whether nothing is being answered on it, and it has not been dropped already."""
        answering = isinstance(self._awaited, RequestResponseCycle)
        return not answering and not self.transport.is_closing()

    def _watch(self) -> None:
        """Wait for the rest of a request, else for its answer; uvicorn does between requests."""
        if self.timeout_keep_alive_task is not None:
            self._wait(None)
        elif self.conn.their_state in _ARRIVING:
            self._wait("request", self.limits.arrives)
        else:
            self._wait(self.cycle, self.limits.answered)

    def _wait(self, awaited: object, seconds: float = 0.0) -> None:
        """One timer for each thing waited for: a byte now and then does not wind it up again."""
        if awaited is self._awaited:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._awaited = awaited
        late = awaited is not None
        self._timer = self.loop.call_later(seconds, self.transport.abort) if late else None


class _Greeting(asyncio.Protocol):
    """One connection until its handshake is done: held, counted and ended as any other."""

    limits = Limits()
    tls: ssl.SSLContext
    behind: type[_Patient]

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._loop = _loop or asyncio.get_running_loop()
        self._connections: set[object] = server_state.connections  # type: ignore[assignment]  # of what may end
        self._answers = self.behind(config, server_state, app_state, self._loop)
        self._answers.greeting = self
        self.born = self._loop.time()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        self._connections.add(self)
        done = self._loop.create_future()
        done.add_done_callback(self._done)
        # Not `loop.start_tls`: what comes right behind a handshake would be read too early.
        layer = SSLProtocol(
            self._loop,
            self._answers,
            self.tls,
            done,
            server_side=True,
            ssl_handshake_timeout=self.limits.arrives,  # type: ignore[arg-type]  # seconds
        )
        transport.set_protocol(layer)
        layer.connection_made(transport)
        if len(self._connections) > self.limits.connections:
            _make_room(self._connections, self)

    def _done(self, done: asyncio.Future[None]) -> None:
        self._connections.discard(self)
        if not done.cancelled():
            done.exception()  # it is nobody's but theirs

    @property
    def evictable(self) -> bool:
        """Whether it has not been dropped already."""
        return not self.transport.is_closing()

    def shutdown(self) -> None:
        """The listener ends."""
        self.transport.abort()
