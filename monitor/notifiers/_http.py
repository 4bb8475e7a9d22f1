"""What all channels over HTTP have in common: how they send, and what an answer means."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from monitor import __version__
from monitor.core.causes import Cause
from monitor.core.durations import format_duration
from monitor.core.message import Message
from monitor.core.secret import Secret
from monitor.core.settings import ReceiverSettings
from monitor.core.spec import ChannelSpec, Field, FieldKind
from monitor.edge import retry_after
from monitor.http import Answer, HttpFailure, Request
from monitor.notifiers import Delivery, Sends, all_failed, all_refused, together
from monitor.notifiers._lines import clean, safe_line
from monitor.notifiers._options import Options, Unfit

TIMEOUT = 15.0  # seconds, for the whole exchange
CAP = 1024 * 1024  # bytes of an answer nobody reads: more than this is no acknowledgement
TEMPORARY = frozenset({408, 425, 429})

FIELDS = (  # of every channel over HTTP
    Field("ca_file", FieldKind.PATH, "trust this CA as well"),
    Field("timeout", FieldKind.DURATION, "for the whole exchange", default=TIMEOUT),
)


@dataclass(frozen=True, slots=True)
class Post:
    """One request of a channel. A credential in `url` or `body` makes it `private`."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_headers: Mapping[str, Secret] = field(default_factory=dict)
    private: bool = False  # never over http:// to another machine; secret headers never are
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Hint:
    """What a documented error means. The answer's own words are never passed on."""

    status: int
    word: str  # that the body holds; empty: whatever it holds
    says: str


Posts = tuple[Post, ...]
# The requests of one notification to one address, in order. Raises Unfit.
Compose = Callable[[Options, Message, str], Posts | Awaitable[Posts]]


@dataclass(frozen=True, slots=True)
class HttpNotifier:
    """A channel of HTTP requests. Where it lists addresses, each has requests of its own."""

    door: Sends
    spec: ChannelSpec
    compose: Compose
    hints: tuple[Hint, ...] = ()

    async def send(
        self, receiver: ReceiverSettings, message: Message, addresses: tuple[str, ...]
    ) -> Delivery:
        """Every fault becomes a text; only CancelledError is raised."""
        if self.spec.addresses is None:
            return await self._tell(receiver, message, addresses)
        apart = (self._tell(receiver, message, (address,)) for address in addresses)
        return together(await asyncio.gather(*apart))

    async def _tell(
        self, receiver: ReceiverSettings, message: Message, addresses: tuple[str, ...]
    ) -> Delivery:
        options, name = Options(receiver.options), self.spec.name
        try:
            made = self.compose(options, message, addresses[0] if addresses else "")
            posts = made if isinstance(made, tuple) else await made
            why = next((w for post in posts if (w := objection(post, name))), "")
            if why:
                return all_refused(addresses, safe_line(why, options.secrets))
            return await self._in_time(options, posts, addresses)
        except Unfit as error:
            return all_refused(addresses, safe_line(str(error), options.secrets))
        except Exception as error:  # noqa: BLE001 - nobody else would say it in safe words
            return all_failed(addresses, f"{name} failed ({type(error).__name__})")

    async def _in_time(
        self, options: Options, posts: Posts, addresses: tuple[str, ...]
    ) -> Delivery:
        timeout = options.seconds("timeout", TIMEOUT)
        try:
            async with asyncio.timeout(timeout):
                return await self._one_by_one(options, posts, addresses)
        except TimeoutError:
            within = format_duration(timeout)
            return all_failed(
                addresses, f"no whole answer within {within}: whether it arrived is not known"
            )
        except HttpFailure as failure:
            moved = failure.cause is Cause.ENDPOINT_RETIRED
            ended = all_refused if moved else all_failed
            return ended(addresses, safe_line(str(failure), options.secrets))

    async def _one_by_one(
        self, options: Options, posts: Posts, addresses: tuple[str, ...]
    ) -> Delivery:
        for post in posts:
            answer = await self.door.send(_request(post, options))
            if not 200 <= answer.status < 300:
                return judged(answer, addresses, self.spec.name, self.hints)
        return Delivery(told=addresses)


def _request(post: Post, options: Options) -> Request:
    headers = {"Content-Type": "application/json", "User-Agent": f"monitor/{__version__}"}
    return Request(
        post.method,
        post.url,
        headers=headers | dict(post.headers),
        secret_headers=post.secret_headers,
        body=post.body,
        cap=CAP,
        ca_file=options.text("ca_file") or None,
    )


def judged(
    answer: Answer, addresses: tuple[str, ...], name: str, hints: tuple[Hint, ...] = ()
) -> Delivery:
    """What an answer that is no 2xx means: for good, or to be tried again."""
    status = answer.status
    why = f"{'the webhook' if name == 'webhook' else name} answered HTTP {status}"
    body = answer.body[:20_000].decode("utf-8", "replace").lower()
    hint = next((h for h in hints if h.status == status and h.word.lower() in body), None)
    why += f": {hint.says}" if hint else ""
    if 300 <= status < 500 and status not in TEMPORARY:
        return all_refused(addresses, why)
    return all_failed(addresses, why, wait=_wait(answer) if status in (429, 503) else None)


def _wait(answer: Answer) -> float | None:
    """`Retry-After`, or the member of the body by which Discord and Telegram say the same."""
    said = retry_after(answer)
    if said is not None:
        return said
    try:
        body: object = json.loads(answer.body)
    except ValueError:
        return None
    for inner in (body, body.get("parameters") if isinstance(body, dict) else None):
        found = inner.get("retry_after") if isinstance(inner, dict) else None
        if isinstance(found, (int, float)) and 0 <= found < 1e6:
            return float(found)
    return None


def objection(post: Post, name: str) -> str:
    """Why nothing may be sent with these settings, in the user's terms; empty if it may."""
    try:
        parts = urlsplit(post.url)
        scheme, host, _ = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        return f"{name}.url is not an address"
    if scheme not in ("http", "https") or not host:
        return f"{name}.url is not an http or https address"
    if "@" in parts.netloc:
        return f"{name}.url holds a user name, which belongs into a field of its own"
    if scheme == "http" and not loopback(host) and (post.private or post.secret_headers):
        return f"{name}: nothing secret is sent over http:// to another machine, use https://"
    bad = next((n for n, v in post.secret_headers.items() if not carried(v.reveal())), None)
    if bad is not None:
        return f"{name}: {clean(bad, 60)} cannot be sent as a header: copy what it holds anew"
    return ""


def carried(value: str) -> bool:
    """Whether a header can hold it."""
    return value.isascii() and value.isprintable() and value == value.strip()


def loopback(host: str) -> bool:
    """Whether only this machine is meant."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def as_json(payload: object) -> bytes:
    """The bytes of a JSON body: the same for the same payload, whatever its texts hold."""
    return json.dumps(payload, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
