"""The one door to HTTP, for providers, notifiers and the heartbeat.

Nothing but it and what stands behind it (exchange.py, http1.py) imports httpx. Only its transports
are used: a client would keep cookies, follow redirects, read the environment and log addresses. No
timeout is set: the caller puts `asyncio.timeout` around the whole.
"""

from __future__ import annotations

import os
import re
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING
from urllib.parse import SplitResult

from monitor.core.causes import Cause
from monitor.exchange import CAP, REDIRECTS, Answer, HttpFailure, Request, failure_of, once
from monitor.reach import (
    Names,
    Phases,
    host_of,
    is_loopback,
    origin_of,
    sendable,
    split_url,
)

if TYPE_CHECKING:
    import httpx

__all__ = ["CAP", "CONNECTIONS", "Answer", "Door", "HttpFailure", "Request", "TransportFactory"]

CONNECTIONS = 1  # per lane
KEEP_ALIVE = 2.0  # seconds: for probes of one origin that run together, not from tick to tick
SURPLUS = 15.0  # seconds for one more connection to an origin that others ask all the time
PERMANENT = frozenset({301, 308})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING = frozenset({"content-length", "transfer-encoding"})

_Trust = tuple[str, int] | None  # a CA file and when it was written
TransportFactory = Callable[[ssl.SSLContext], "httpx.AsyncBaseTransport"]


class Door:
    """Sends requests. One per event loop; `transport` is the seam for tests.

    `watch` is handed the phases of every exchange as it begins: they are known of one that fails.
    `ticks` are seconds that only go on, by which connections are kept.
    """

    def __init__(
        self,
        *,
        transport: TransportFactory | None = None,
        watch: Callable[[Phases], None] = lambda _phases: None,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = transport or _transport
        self._watch, self._ticks = watch, ticks
        self._lanes: dict[tuple[str, _Trust], list[_Lane]] = {}
        self._names = Names()
        self._swept = ticks()

    async def send(self, request: Request) -> Answer:
        """The answer to `request`, whatever its status. Raises HttpFailure.

        A redirect is an answer nobody asked for, unless it stays on its origin, the request is a
        GET that allows it, and it is the first.
        """
        answer = await self._exchange(request)
        location = _location(answer)
        if location is None:
            return answer
        parts, target = _parts(request.url), _parts(location, answer.url)
        if origin_of(target) != origin_of(parts):
            raise _redirected(answer.status, f"{host_of(parts)} redirects to another host")
        if not request.follow_same_origin or request.method != "GET":
            raise _redirected(answer.status, f"{host_of(parts)} redirects to another address")
        onward = target if target.query else target._replace(query=parts.query)
        answer = await self._exchange(replace(request, url=onward.geturl()))
        if _location(answer) is not None:
            raise _redirected(0, f"{host_of(parts)} redirects more than once")
        return answer

    async def aclose(self) -> None:
        """Close every connection."""
        lanes = [lane for some in self._lanes.values() for lane in some]
        self._lanes.clear()
        for lane in lanes:
            await lane.transport.aclose()

    async def _exchange(self, request: Request) -> Answer:
        parts = _guarded(request)
        lane = await self._lane(origin_of(parts), request)
        phases = Phases()
        try:
            return await self._through(lane, request, phases)
        except HttpFailure as failure:
            # A server may close a kept connection while a request is under way to it.
            stale = failure.cause is Cause.PROVIDER_UNREACHABLE and phases.reused
            if not stale or request.method != "GET":
                raise
        return await self._through(lane, request, Phases())

    async def _through(self, lane: _Lane, request: Request, phases: Phases) -> Answer:
        host = host_of(_parts(request.url))
        self._watch(phases)
        phases.connected = asking = self._names.ask(host)
        lane.busy += 1
        try:
            answer = await once(lane.transport, request, phases)
        except Exception as error:  # noqa: BLE001 - whatever a transport raises becomes a cause
            failure = failure_of(error, host)
            asking(failure is not None and failure.cause is not Cause.NETWORK_OFFLINE)
        else:
            asking(True)
            return answer
        finally:
            lane.busy -= 1
            lane.idle_since = self._ticks()
            asking(False)
        if failure is None:
            failure = await self._unresolved(host)
        try:  # here and anew: it is to hold nothing of the connection, and no frame that holds it
            raise failure.with_traceback(None)
        finally:
            del failure

    async def _unresolved(self, host: str) -> HttpFailure:
        if await self._names.others_than(host):
            return HttpFailure(Cause.PROVIDER_UNREACHABLE, f"the name {host} does not resolve")
        return HttpFailure(
            Cause.NETWORK_OFFLINE, f"{host} does not resolve, nor does another name"
        )

    async def _lane(self, origin: str, request: Request) -> _Lane:
        await self._sweep()
        trust = _trust(request.ca_file)
        lanes = self._lanes.setdefault((origin, trust), [])
        # What is asked once only does not go where the server may be about to hang up.
        oldest = -inf if request.method == "GET" else self._ticks() - KEEP_ALIVE
        for lane in lanes:
            if lane.busy < CONNECTIONS and lane.idle_since >= oldest:
                return lane
        # Never a queue behind others: hanging requests must not fail a healthy one.
        lanes.append(_Lane(self._make(_context(origin, trust)), idle_since=self._ticks()))
        return lanes[-1]

    async def _sweep(self) -> None:
        """Close lanes unused of late."""
        now = self._ticks()
        if now - self._swept < KEEP_ALIVE:
            return
        self._swept = now
        idle = []
        for key, lanes in list(self._lanes.items()):
            unused = _unused(lanes, now)
            idle += unused
            self._lanes[key] = [x for x in lanes if x not in unused]
            if not self._lanes[key]:
                del self._lanes[key]
        for lane in idle:
            await lane.transport.aclose()


@dataclass(slots=True, eq=False)
class _Lane:
    """One pool of connections to one origin."""

    transport: httpx.AsyncBaseTransport
    idle_since: float
    busy: int = 0


def _unused(lanes: Sequence[_Lane], now: float) -> list[_Lane]:
    """Those to close. While an origin is asked all the time, a few more now and then are usual."""
    in_use = any(lane.busy or now - lane.idle_since <= KEEP_ALIVE for lane in lanes)
    most = SURPLUS if in_use else KEEP_ALIVE
    return [lane for lane in lanes if not lane.busy and now - lane.idle_since > most]


def _transport(context: ssl.SSLContext) -> httpx.AsyncBaseTransport:
    from monitor.http1 import Http1

    return Http1(context)


def _trust(ca_file: str | None) -> _Trust:
    """What a set of CAs is known by: a renewed file is another one."""
    if ca_file is None:
        return None
    try:
        return ca_file, os.stat(ca_file).st_mtime_ns
    except OSError as error:
        raise _unreadable(ca_file, error) from None


def _unreadable(ca_file: str, error: OSError) -> HttpFailure:
    return HttpFailure(Cause.TLS_INVALID, f"ca_file {ca_file} cannot be read: {error.strerror}")


def _context(origin: str, trust: _Trust) -> ssl.SSLContext:
    """Whom an origin's certificate is checked by; where there is none, nobody is read in."""
    if origin.startswith("https://"):
        return _ssl_context(trust)
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@lru_cache(maxsize=16)
def _ssl_context(trust: _Trust) -> ssl.SSLContext:
    """One context per set of CAs, for all connections: making one takes 15 ms."""
    try:
        context = _known_authorities()
    except OSError as error:
        raise HttpFailure(
            Cause.NETWORK_OFFLINE, f"this machine's CAs cannot be read: {error.strerror}"
        ) from None
    context.set_alpn_protocols(["http/1.1"])
    if trust is None:
        return context
    try:
        context.load_verify_locations(trust[0])
    except ssl.SSLError:
        raise HttpFailure(
            Cause.TLS_INVALID, f"ca_file {trust[0]} holds no certificate in PEM form"
        ) from None
    except OSError as error:
        raise _unreadable(trust[0], error) from None
    return context


def _known_authorities() -> ssl.SSLContext:
    """Those of this machine. Raises OSError."""
    import httpx

    paths = ssl.get_default_verify_paths()
    if not (paths.cafile or (paths.capath and os.listdir(paths.capath))):
        return httpx.create_ssl_context(
            trust_env=False
        )  # a bare container: httpx brings CAs along
    context = ssl.create_default_context()
    if paths.cafile and not context.cert_store_stats()["x509"]:
        with suppress(ssl.SSLError):  # there is none in it; a file that cannot be opened is passed
            context.load_verify_locations(paths.cafile)  # over in silence, but not here
    return context


def _parts(url: str, base: str = "") -> SplitResult:
    try:
        return split_url(url, base)
    except ValueError as error:
        raise HttpFailure(Cause.ANSWER_MALFORMED, str(error)) from None


def _guarded(request: Request) -> SplitResult:
    """The address, once it is known that the request may go there as it is."""
    parts = _parts(request.url)
    if request.secret_headers and parts.scheme == "http" and not is_loopback(host_of(parts)):
        raise HttpFailure(
            Cause.TLS_INVALID,
            f"no key is sent to {host_of(parts)} over http://: write https:// in its address",
        )
    odd = next(filter(_unfit, (*request.headers, *request.secret_headers)), None)
    if odd is not None:
        raise HttpFailure(
            Cause.ANSWER_MALFORMED,
            f"{host_of(parts)} was not asked: {odd!r} is no header that can be set",
        )
    if not all(sendable(secret.reveal()) for secret in request.secret_headers.values()):
        raise HttpFailure(
            Cause.KEY_REJECTED,
            "the key holds a line break or another character that no key has: copy it anew",
        )
    if odd := next((n for n, value in request.headers.items() if not sendable(value)), ""):
        raise HttpFailure(
            Cause.ANSWER_MALFORMED,
            f"{host_of(parts)} was not asked: {odd} would hold a character that no header has",
        )
    return parts


@lru_cache(maxsize=256)
def _unfit(name: str) -> bool:
    """Whether a header would change where a request ends, or is none (RFC 9110, 5.6.2)."""
    return name.lower() in _FRAMING or _TOKEN.fullmatch(name) is None


def _location(answer: Answer) -> str | None:
    return answer.headers.get("location") if answer.status in REDIRECTS else None


def _redirected(status: int, text: str) -> HttpFailure:
    gone = status in PERMANENT
    return HttpFailure(Cause.ENDPOINT_RETIRED if gone else Cause.ANSWER_MALFORMED, text)
