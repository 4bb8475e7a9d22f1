"""Telling by a POST of Alertmanager's webhook body, version "4", or of a body of one's own.

Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from monitor.core.message import Message
from monitor.core.secret import Secret
from monitor.core.spec import ChannelSpec, Field, FieldKind
from monitor.notifiers import Sends, _template
from monitor.notifiers._alert import annotations_of, labels_of, rfc3339
from monitor.notifiers._http import FIELDS, HttpNotifier, Post, as_json, carried
from monitor.notifiers._lines import clean
from monitor.notifiers._options import Options, Unfit
from monitor.notifiers._template import TemplateFault

log = logging.getLogger("monitor.notifiers.webhook")

UNENDED = "0001-01-01T00:00:00Z"  # Go's zero time: Alertmanager's "still firing"
JSON = "application/json"

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset({
    "content-type", "content-length", "host", "user-agent", "accept-encoding", "connection",
    "transfer-encoding", "idempotency-key", "x-monitor-signature",
})  # fmt: skip


def _faults(values: Mapping[str, object]) -> Iterable[tuple[tuple[str | int, ...], str]]:
    yield from _template.faults(values)
    kind = str(values.get("content_type") or JSON)
    if not carried(kind) or "/" not in kind:
        yield ("content_type",), "is not a media type such as text/plain"


SPEC = ChannelSpec(
    name="webhook",
    title="A POST of Alertmanager's webhook body, or of your own",
    fields=(
        Field("url", FieldKind.SECRET, "where to POST; kept secret, it may hold a token",
              required=True),
        Field("secret", FieldKind.SECRET, "signs every body in X-Monitor-Signature"),
        Field("headers", FieldKind.MAP, "further headers; their values are kept secret",
              example='{X-Team: "${TEAM}"}'),
        Field("template", FieldKind.WORDS, "another body, as a Jinja2 template",
              example="""'{"text": {{ subject | tojson }}}'"""),
        Field("template_file", FieldKind.PATH, "a file that holds it", example="webhook.j2"),
        Field("content_type", FieldKind.TEXT, "what such a body is", default=JSON),
        *FIELDS,
    ),
    docs="https://prometheus.io/docs/alerting/latest/configuration/#webhook_config",
    knows="Every receiver of Alertmanager's webhooks understands the body. `Idempotency-Key` is "
    "the same for a repeat. With a `secret`, `X-Monitor-Signature` is `t=UNIX,v1=HEX`: "
    "HMAC-SHA256 of `t`, a dot and the body.",
    faults=_faults,
)  # fmt: skip


def notifier(door: Sends) -> HttpNotifier:
    """Ready to send through `door`."""
    return HttpNotifier(door, SPEC, _posts)


async def _posts(options: Options, message: Message, _address: str) -> tuple[Post, ...]:
    url, headers = options.secret("url").reveal(), options.named("headers")
    _object(headers)
    kind, body = await _body(options, message)
    ours = {
        "Content-Type": kind,
        "Idempotency-Key": clean(message.id, 200).encode("ascii", "replace").decode(),
    }
    secret = options.secret("secret")
    if secret:
        ours["X-Monitor-Signature"] = signature(secret, message.at, body)
    return (Post(url, body, headers=ours, secret_headers=headers),)


def _object(headers: Mapping[str, Secret]) -> None:
    """Raises Unfit where the headers cannot be sent."""
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or not carried(value.reveal()):
            raise Unfit(f"webhook.headers: {clean(name, 60)} cannot be sent as a header")
        if name.lower() in _OURS:
            raise Unfit(f"webhook.headers: {clean(name, 60)} is set by monitor itself, remove it")


async def _body(options: Options, message: Message) -> tuple[str, bytes]:
    """The content type and the body: the standard one where there is no template, or no sense."""
    text, file = options.text("template"), options.text("template_file")
    if text or file:
        kind = options.text("content_type", JSON)
        try:
            source = _template.source_of(text, file)
            return kind, await _template.body_of(source, message, kind)
        except TemplateFault as fault:
            why, name = str(fault), clean(message.receiver, 60)
            log.warning("the template of %s failed, the standard body goes out: %s", name, why)
        except OSError as error:
            log.warning(
                "no process for a template, the standard body goes out: %s", error.strerror
            )
    return JSON, body_of(message.receiver, message)


def signature(secret: Secret, at: datetime, body: bytes) -> str:
    """`t=UNIX,v1=HEX`: HMAC-SHA256 of the time, a dot and the body, under `secret`."""
    moment = str(int(at.timestamp()))
    signed = moment.encode() + b"." + body
    digest = hmac.new(secret.reveal().encode(), signed, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def body_of(receiver: str, message: Message) -> bytes:
    """Alertmanager's webhook body with this one alert; a function of its arguments alone."""
    labels, annotations = labels_of(message), annotations_of(message)
    named = ("alertname", "target", "notice")  # a notice is a group of its own
    group: dict[str, str] = {n: labels[n] for n in named if n in labels}
    alert = {
        "status": message.status,
        "labels": labels,
        "annotations": annotations,
        "startsAt": rfc3339(message.starts_at),
        "endsAt": UNENDED if message.ends_at is None else rfc3339(message.ends_at),
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
    return as_json(payload)


def _group_key(group: Mapping[str, str]) -> str:
    pairs = ", ".join(f"{n}={json.dumps(v, ensure_ascii=False)}" for n, v in group.items())
    return "{}:{" + pairs + "}"
