"""Telling by a POST of Alertmanager's webhook body, version "4"."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from monitor import __version__
from monitor.core.causes import Cause
from monitor.core.durations import format_duration
from monitor.core.message import Message
from monitor.core.secret import Secret
from monitor.core.settings import ReceiverSettings
from monitor.core.spec import ChannelSpec, Field, FieldKind
from monitor.http import Answer, HttpFailure, Request
from monitor.notifiers import Delivery, Sends, all_failed, all_refused
from monitor.notifiers._lines import clean, safe_line

TIMEOUT = 15.0  # seconds, for the whole exchange
CAP = 1024 * 1024  # bytes of an answer nobody reads: more than this is no acknowledgement
VALUE = 8_000  # characters of one label or annotation
UNENDED = "0001-01-01T00:00:00Z"  # Go's zero time: Alertmanager's "still firing"
TEMPORARY = frozenset({408, 425, 429})

SPEC = ChannelSpec(
    name="webhook",
    title="A POST of Alertmanager's webhook body",
    fields=(
        Field("url", FieldKind.SECRET, "where to POST; kept secret, it may hold a token",
              required=True),
        Field("secret", FieldKind.SECRET, "signs every body in X-Monitor-Signature"),
        Field("headers", FieldKind.MAP, "further headers; their values are kept secret"),
        Field("ca_file", FieldKind.PATH, "trust this CA as well"),
        Field("timeout", FieldKind.DURATION, "for the whole exchange", default=TIMEOUT),
    ),
)  # fmt: skip

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset({
    "content-type", "content-length", "host", "user-agent", "accept-encoding", "connection",
    "transfer-encoding", "idempotency-key", "x-monitor-signature",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook receiver's own settings."""

    url: Secret
    secret: Secret
    headers: Mapping[str, Secret]
    ca_file: str | None
    timeout: float  # seconds

    @classmethod
    def of(cls, options: Mapping[str, object]) -> Hook:
        """From what the config validated."""
        headers = options.get("headers")
        timeout = options.get("timeout")
        return cls(
            url=_secret(options.get("url")),
            secret=_secret(options.get("secret")),
            headers={str(n): _secret(v) for n, v in headers.items()}
            if isinstance(headers, Mapping)
            else {},
            ca_file=str(options["ca_file"]) if options.get("ca_file") else None,
            timeout=float(timeout) if isinstance(timeout, (int, float)) else TIMEOUT,
        )

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What no text may hold: the path and the query of an address count as its token."""
        found = [self.url, self.secret, *self.headers.values()]
        try:
            parts = urlsplit(self.url.reveal())
        except ValueError:  # not an address; the whole is masked all the same
            return tuple(found)
        return (*found, *(Secret(p) for p in (parts.path, parts.query, parts.password or "")))


def _secret(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    return Secret("" if value is None else str(value))


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts a message to where the receiver says."""

    door: Sends
    spec: ChannelSpec = SPEC

    async def send(
        self, receiver: ReceiverSettings, message: Message, addresses: tuple[str, ...]
    ) -> Delivery:
        """One POST. Every fault becomes a text; only CancelledError is raised."""
        hook = Hook.of(receiver.options)
        try:
            objection = _objection(hook)
            if objection:
                return all_refused(addresses, objection)
            request = _request(hook, receiver.name, message)
            return await self._post(hook, request, addresses)
        except Exception as error:  # noqa: BLE001 - nobody else would say it in safe words
            return all_failed(addresses, f"the webhook failed ({type(error).__name__})")

    async def _post(self, hook: Hook, request: Request, addresses: tuple[str, ...]) -> Delivery:
        try:
            async with asyncio.timeout(hook.timeout):
                answer = await self.door.send(request)
        except TimeoutError:
            within = format_duration(hook.timeout)
            return all_failed(
                addresses, f"no whole answer within {within}: whether it arrived is not known"
            )
        except HttpFailure as failure:
            moved = failure.cause is Cause.ENDPOINT_RETIRED
            ended = all_refused if moved else all_failed
            return ended(addresses, safe_line(str(failure), hook.secrets))
        return _judged(answer, addresses)


def notifier(door: Sends) -> Webhook:
    """Ready to send through `door`."""
    return Webhook(door)


def _judged(answer: Answer, addresses: tuple[str, ...]) -> Delivery:
    status = answer.status
    if 200 <= status < 300:
        return Delivery(told=addresses)
    if 300 <= status < 500 and status not in TEMPORARY:
        return all_refused(addresses, f"the webhook answered HTTP {status}")
    return all_failed(addresses, f"the webhook answered HTTP {status}")


def _objection(hook: Hook) -> str:
    """Why nothing may be sent with these settings, in the user's terms; empty if it may."""
    try:
        parts = urlsplit(hook.url.reveal())
        scheme, host, _ = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        return "webhook.url is not an address"
    if scheme not in ("http", "https") or not host:
        return "webhook.url is not an http or https address"
    if "@" in parts.netloc:
        return "webhook.url holds a user name, write webhook.headers.Authorization instead"
    for name, value in hook.headers.items():
        if not _HEADER.fullmatch(name) or not _carried(value.reveal()):
            return f"webhook.headers: {clean(name, 60)} cannot be sent as a header"
        if name.lower() in _OURS:
            return f"webhook.headers: {clean(name, 60)} is set by monitor itself, remove it"
    if hook.headers and scheme == "http" and not _loopback(host):
        return "webhook.headers are not sent over http:// to another machine, use https://"
    return ""


def _carried(value: str) -> bool:
    return value.isascii() and value.isprintable() and value == value.strip()


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _request(hook: Hook, receiver: str, message: Message) -> Request:
    body = body_of(receiver, message)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"monitor/{__version__}",
        "Idempotency-Key": clean(message.id, 200).encode("ascii", "replace").decode(),
    }
    if hook.secret:
        headers["X-Monitor-Signature"] = signature(hook.secret, message.at, body)
    return Request(
        "POST",
        hook.url.reveal(),
        headers=headers,
        secret_headers=hook.headers,
        body=body,
        cap=CAP,
        ca_file=hook.ca_file,
    )


def signature(secret: Secret, at: datetime, body: bytes) -> str:
    """`t=UNIX,v1=HEX`: HMAC-SHA256 of the time, a dot and the body, under `secret`."""
    moment = str(int(at.timestamp()))
    signed = moment.encode() + b"." + body
    digest = hmac.new(secret.reveal().encode(), signed, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def body_of(receiver: str, message: Message) -> bytes:
    """Alertmanager's webhook body with this one alert; a function of its arguments alone."""
    labels, annotations = _values(message.labels), _values(message.annotations)
    named = ("alertname", "target", "notice")  # a notice is a group of its own
    group: dict[str, str] = {n: labels[n] for n in named if n in labels}
    alert = {
        "status": message.status,
        "labels": labels,
        "annotations": annotations,
        "startsAt": _rfc3339(message.starts_at),
        "endsAt": UNENDED if message.ends_at is None else _rfc3339(message.ends_at),
        "generatorURL": message.external_url,
        "fingerprint": message.fingerprint,
    }
    payload = {
        "receiver": receiver,
        "status": message.status,
        "alerts": [alert],
        "groupLabels": group,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": message.external_url,
        "version": "4",
        "groupKey": _group_key(group),
        "truncatedAlerts": 0,
    }
    return json.dumps(payload, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def _values(words: Mapping[str, str]) -> dict[str, str]:
    """Label values may be long and may hold lines, but not without end, and no half characters."""
    return {
        name: words[name][:VALUE].encode("utf-8", "replace").decode() for name in sorted(words)
    }


def _group_key(group: Mapping[str, str]) -> str:
    pairs = ", ".join(f"{n}={json.dumps(v, ensure_ascii=False)}" for n, v in group.items())
    return "{}:{" + pairs + "}"


def _rfc3339(at: datetime) -> str:
    whole = at.astimezone(UTC)
    spec = "milliseconds" if whole.microsecond else "seconds"
    return whole.isoformat(timespec=spec).replace("+00:00", "Z")
