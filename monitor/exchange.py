"""One exchange: a request, its answer read within bounds, or what it means that none came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from monitor import __version__
from monitor.core.causes import Cause
from monitor.core.secret import Secret
from monitor.meter import Meter
from monitor.reach import Phases, fault, inflated, unresolved

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import httpx

CAP = 64 * 1024  # bytes of an answer, raw and inflated: no documented one comes near
PIECES = 512  # in which an answer may come: each one costs us, however small it is
_NAME = f"monitor/{__version__}"
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Credentials stand in `secret_headers`, so that they are never printed."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_headers: Mapping[str, Secret] = field(default_factory=dict)
    body: bytes = b""
    cap: int = CAP
    ca_file: str | None = None  # trust this CA as well
    follow_same_origin: bool = False  # take one same-origin Location (a renamed model)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` is never logged and never leaves the provider that reads it."""

    status: int
    headers: Mapping[str, str]  # names in lower case; repeated ones joined by ", "
    body: bytes = field(repr=False)
    url: str = ""  # where it came from in the end
    timings: Mapping[str, float] = field(default_factory=dict)  # seconds by phase


class HttpFailure(Exception):
    """No answer that could be read: its cause, one safe sentence, the redacted shape if any."""

    def __init__(self, cause: Cause, text: str, *, evidence: str = "") -> None:
        super().__init__(text)
        self.cause = cause
        self.evidence = evidence


async def once(transport: httpx.AsyncBaseTransport, request: Request, phases: Phases) -> Answer:
    """Send `request` and read its answer; of a redirect no body. Raises whatever stopped it."""
    import httpx

    wire = httpx.Request(
        request.method,
        _url(request.url),
        headers={
            "User-Agent": _NAME,
            "Accept-Encoding": "identity",
            **request.headers,
            **{name: secret.reveal() for name, secret in request.secret_headers.items()},
        },
        content=request.body,
        extensions={"meter": Meter(request.cap), "phases": phases},
    )
    try:
        response = await transport.handle_async_request(wire)
        try:
            headers = _joined(response.headers.raw)
            unread = response.status_code in REDIRECTS
            body = b"" if unread else await _read(response, headers, request.cap)
        finally:
            await response.aclose()
    finally:
        phases.leave()
    return Answer(response.status_code, headers, body, str(wire.url), phases.seconds)


@lru_cache(maxsize=4096)
def _url(url: str) -> httpx.URL:
    """Taken apart once: the same addresses are asked again and again."""
    import httpx

    return httpx.URL(url)


def _joined(found: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw, value in found:
        name, text = _text(raw).lower(), _text(value)
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    return headers


def _text(raw: bytes) -> str:
    """ASCII by the standard; some send UTF-8, and what is neither is Latin-1, as it once was."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


async def _read(response: httpx.Response, headers: Mapping[str, str], cap: int) -> bytes:
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > cap:
        raise _too_large(cap)
    raw, pieces = bytearray(), 0
    stream = cast(
        "AsyncGenerator[bytes, None]", aiter(cast("httpx.AsyncByteStream", response.stream))
    )
    async with aclosing(stream):
        async for chunk in stream:
            raw += chunk
            pieces += 1
            if len(raw) > cap:
                raise _too_large(cap)
            if pieces > max(PIECES, cap // 128):
                raise HttpFailure(Cause.ANSWER_MALFORMED, "the answer comes in crumbs")
    try:
        body = inflated(bytes(raw), headers.get("content-encoding", ""), cap)
    except ValueError as error:
        raise HttpFailure(Cause.ANSWER_MALFORMED, str(error)) from None
    if len(body) > cap:
        raise _too_large(cap)
    return body


def _too_large(cap: int) -> HttpFailure:
    return HttpFailure(Cause.ANSWER_MALFORMED, f"the answer is larger than {cap // 1024} KiB")


def failure_of(error: Exception, host: str) -> HttpFailure | None:
    """What an exception on the way means; None: a name did not resolve, and others must tell."""
    import httpx

    if isinstance(error, HttpFailure):
        return error
    if unresolved(error):
        return None
    if (known := fault(error, host)) is not None:
        return HttpFailure(*known)
    if isinstance(error, httpx.TimeoutException):
        return HttpFailure(Cause.TIMED_OUT, f"{host} did not answer in time")
    # httpx tells a peer that hung up from one that talks nonsense by its words alone.
    hung_up = str(error).startswith(("Server disconnected", "peer closed connection"))
    if isinstance(error, (httpx.RemoteProtocolError, ValueError)) and not hung_up:
        return HttpFailure(Cause.ANSWER_MALFORMED, f"{host} does not answer in HTTP")
    if hung_up or isinstance(error, httpx.NetworkError):
        return HttpFailure(Cause.PROVIDER_UNREACHABLE, f"{host} broke the connection off")
    return HttpFailure(
        Cause.PROVIDER_UNREACHABLE, f"the request to {host} failed ({type(error).__name__})"
    )
