"""How long a connection may take, and how many there are: whoever hangs on keeps nobody else out.

uvicorn waits for ever for a request, and past a number of connections it answers 503 to all. Then
anybody who can reach the port could keep the page, the health path and the scrape from everybody,
or take the files that probes and mails need, by opening connections and saying nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

_ARRIVING = frozenset({h11.IDLE, h11.SEND_BODY})


@dataclass(frozen=True, slots=True)
class Limits:
    """What one listener bears."""

    connections: int = 256  # at once; the oldest that is not being answered makes room
    arrives: float = 10.0  # seconds for the whole of a request
    answered: float = 60.0  # seconds until its answer has been taken


def patient(limits: Limits) -> type[asyncio.Protocol]:
    """uvicorn's connection within `limits`."""
    return type("Patient", (_Patient,), {"limits": limits})


class _Patient(H11Protocol):
    """One connection, with a timer for what it waits for."""

    limits = Limits()
    born = 0.0
    _timer: asyncio.TimerHandle | None = None
    _awaited: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.born = self.loop.time()
        self._watch()
        if len(self.connections) > self.limits.connections:
            self._make_room()

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

    def _make_room(self) -> None:
        held = [c for c in self.connections if isinstance(c, _Patient) and c.evictable]
        min(held, key=lambda c: c.born, default=self).transport.abort()

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
