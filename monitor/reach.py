"""What the door needs around httpx: addresses, compressed bodies, phases, and why no answer came.

Sockets, TLS and names say why a request failed; whether a name that does not resolve is its
owner's fault or ours is known from the other names.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import ssl
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from urllib.parse import SplitResult, urljoin, urlsplit

from monitor.core.causes import Cause

LATELY = 300.0  # seconds for which a name that resolved says that naming works
_KNOWN = 4096  # addresses, taken apart once: the same ones are asked again and again
PATIENCE = 2.0  # seconds to wait for another name's fate before calling ourselves offline


@lru_cache(maxsize=_KNOWN)
def split_url(url: str, base: str = "") -> SplitResult:
    """The parts of an http or https address, as seen from `base`.

    Raises ValueError in safe words.
    """
    try:
        parts = urlsplit(urljoin(base, url))
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        raise ValueError("an address that cannot be read") from None
    if not usable:
        raise ValueError("an address that is not one of http or https")
    return parts


def host_of(parts: SplitResult) -> str:
    """The host in lower case; without a user's name or a port."""
    return parts.hostname or ""


def origin_of(parts: SplitResult) -> str:
    """Scheme, host and port: what may see a credential that was meant for it."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{host_of(parts)}:{port}"


@lru_cache(maxsize=_KNOWN)
def is_address(host: str) -> bool:
    """Whether a host is an IP address and not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if is_address(host):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def sendable(value: str) -> bool:
    """Whether a header can carry it: printable ASCII without blanks around."""
    return value.isascii() and value.isprintable() and value == value.strip()


def inflated(raw: bytes, coding: str, cap: int) -> bytes:
    """The body, at most `cap` + 1 bytes of it: some servers compress what was to be `identity`.

    Raises ValueError in safe words.
    """
    coding = coding.strip().lower()
    if not raw or coding in ("", "identity"):
        return raw
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise ValueError("the answer is compressed in a way that was not asked for")
    for wbits in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):  # gzip or zlib by its header, then raw
        stream = zlib.decompressobj(wbits)
        try:
            body = stream.decompress(raw, cap + 1)
        except zlib.error:
            continue
        if stream.eof or len(body) > cap:
            return body
    raise ValueError("the compressed answer cannot be read")


def nothing(_resolved: bool) -> None:
    """Where a host is an address, naming has no part in it."""


class Phases:
    """Seconds by phase: connect (with the name), tls, send, wait, receive. One at a time."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.connected: Callable[[bool], None] = nothing
        self._present, self._since = "", 0.0

    @property
    def reused(self) -> bool:
        """Whether the request went out on a connection kept from another."""
        return "send" in self.seconds and "connect" not in self.seconds

    def enter(self, phase: str) -> None:
        """One phase begins, and the one before it ends."""
        self.leave()
        self._present, self._since = phase, time.monotonic()

    def leave(self) -> None:
        """The exchange ends, well or not."""
        if self._present:
            spent = time.monotonic() - self._since
            self.seconds[self._present] = self.seconds.get(self._present, 0.0) + spent
            self._present = ""


_OURS = {
    errno.ENETUNREACH: "the network is unreachable from here",
    errno.ENETDOWN: "the network is down here",
    errno.EHOSTUNREACH: "there is no route from here",
    errno.EADDRNOTAVAIL: "this machine has no address to ask from",
    errno.EMFILE: "this process has too many files open",
    errno.ENFILE: "this machine has too many files open",
    errno.ENOBUFS: "this machine has no memory left for connections",
    errno.EACCES: "this machine does not allow the connection",
    errno.EPERM: "this machine does not allow the connection",
}


def unresolved(error: BaseException) -> bool:
    """Whether nothing worse happened than that a name did not resolve."""
    found = list(_leaves(error))
    return any(isinstance(x, socket.gaierror) for x in found) and fault(error, "") is None


def fault(error: BaseException, host: str) -> tuple[Cause, str] | None:
    """The cause and one safe sentence; None where neither socket nor TLS says anything.

    Of several addresses tried, the one that came furthest speaks.
    """
    found = list(_leaves(error))
    for says in (_certificate, _connection, _ours):
        for x in found:
            if (known := says(x, host)) is not None:
                return known
    return None


def _certificate(x: BaseException, host: str) -> tuple[Cause, str] | None:
    if isinstance(x, ssl.SSLCertVerificationError):
        return Cause.TLS_INVALID, f"the certificate of {host} is not valid: {_verdict(x)}"
    return None


def _verdict(error: ssl.SSLCertVerificationError) -> str:
    return getattr(error, "verify_message", None) or "it is not trusted"


def _connection(x: BaseException, host: str) -> tuple[Cause, str] | None:
    if isinstance(x, ConnectionRefusedError):
        return Cause.PROVIDER_UNREACHABLE, f"{host} refuses the connection"
    if isinstance(x, (ConnectionError, ssl.SSLEOFError)):
        return Cause.PROVIDER_UNREACHABLE, f"{host} broke the connection off"
    if isinstance(x, ssl.SSLError):
        return Cause.TLS_INVALID, f"no secure connection to {host}: {_reason(x)}"
    return None


def _ours(x: BaseException, host: str) -> tuple[Cause, str] | None:
    if isinstance(x, TimeoutError):
        return Cause.TIMED_OUT, f"{host} did not answer in time"
    if isinstance(x, OSError) and not isinstance(x, socket.gaierror) and x.errno in _OURS:
        return Cause.NETWORK_OFFLINE, f"{host} cannot be asked: {_OURS[x.errno]}"
    return None


def _reason(error: ssl.SSLError) -> str:
    said: str | None = getattr(error, "reason", None)
    return (said or "the handshake failed").lower().replace("_", " ")


def _leaves(error: BaseException | None) -> Iterator[BaseException]:
    """`error`, what it was raised from, and what groups hold."""
    seen: set[int] = set()
    todo = [error]
    while todo:
        x = todo.pop(0)
        if x is None or id(x) in seen:
            continue
        seen.add(id(x))
        yield x
        todo += [x.__cause__, x.__context__]
        if isinstance(x, BaseExceptionGroup):
            todo += x.exceptions


class Names:
    """Which host names resolved lately: whether a failure to resolve is theirs or ours."""

    def __init__(self) -> None:
        self._resolved: dict[str, float] = {}
        self._asking: Counter[str] = Counter()
        self._news = asyncio.Event()

    def ask(self, host: str) -> Callable[[bool], None]:
        """Begin. Call the result with the outcome; of several calls the first one settles it."""
        if is_address(host):
            return nothing
        self._asking[host] += 1
        open_ = [host]

        def settle(resolved: bool) -> None:
            if resolved:
                self._resolved[host] = time.monotonic()
            if open_:
                self._asking[open_.pop()] -= 1
                self._news.set()
                self._news = asyncio.Event()

        return settle

    async def others_than(self, host: str) -> bool:
        """Whether another name resolved; waits a little for those being asked right now."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not self._lately(host) and self._open(host):
                    await self._news.wait()
        except TimeoutError:
            return False
        return self._lately(host)

    def _open(self, host: str) -> bool:
        return any(n for name, n in self._asking.items() if name != host)

    def _lately(self, host: str) -> bool:
        since = time.monotonic() - LATELY
        return any(at > since for name, at in self._resolved.items() if name != host)
