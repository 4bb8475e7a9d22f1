"""Telling PagerDuty by its Events API v2.

`dedup_key` is the incident's id, not the fingerprint of alert and target: each episode is an
incident of its own there, and a resolve that is late can never close the next one. What is no
incident (a notice, a digest, a follow-up) is a change event, which wakes nobody.

Source: https://developer.pagerduty.com/docs/send-alert-event (fields, limits, 202/400/429),
https://developer.pagerduty.com/docs/send-change-event.
"""

from __future__ import annotations

from monitor.core.causes import Severity
from monitor.core.message import Message
from monitor.core.model import Kind
from monitor.core.spec import ChannelSpec, Field, FieldKind
from monitor.notifiers import Sends
from monitor.notifiers._alert import rfc3339
from monitor.notifiers._card import STANDING, Card, card_of, cut
from monitor.notifiers._http import FIELDS, Hint, HttpNotifier, Post, as_json
from monitor.notifiers._mail import tidied
from monitor.notifiers._options import Options

URL = "https://events.pagerduty.com"
SUMMARY, KEY, LINKS = 1024, 255, 10
SEVERITIES = {Severity.CRITICAL: "critical", Severity.WARNING: "warning", Severity.INFO: "info"}

SPEC = ChannelSpec(
    name="pagerduty",
    title="PagerDuty, by the Events API v2",
    fields=(
        Field("routing_key", FieldKind.SECRET, "the integration key of a service's Events API v2",
              required=True),
        Field("url", FieldKind.URL, "https://events.eu.pagerduty.com for accounts in the EU",
              default=URL),
        *FIELDS,
    ),
    docs="https://developer.pagerduty.com/docs/send-alert-event",
    knows="Opened, escalated and reminder trigger, resolved resolves, all under the incident's "
    "own `dedup_key`: a repeat is one and the same there. A reminder is noted in its log and "
    "wakes nobody. A notice, a digest and a follow-up are change events. An acknowledgement in "
    "PagerDuty is not heard here, and one made here is not passed on.",
)  # fmt: skip

_HINTS = (
    Hint(400, "routing_key", "the integration key is wrong"),
    Hint(400, "", "the event is not to PagerDuty's liking: the integration key may be wrong"),
    Hint(403, "", "the integration key is not let in"),
)


def notifier(door: Sends) -> HttpNotifier:
    """Ready to send through `door`."""
    return HttpNotifier(door, SPEC, _posts, _HINTS)


def _posts(options: Options, message: Message, _address: str) -> tuple[Post, ...]:
    key, card, message = options.secret("routing_key").reveal(), card_of(message), tidied(message)
    incident = message.kind in STANDING or message.kind is Kind.RESOLVED
    body = _event(message, card) if incident else _change(message, card)
    where = "/v2/enqueue" if incident else "/v2/change/enqueue"
    url = options.text("url", URL).rstrip("/") + where
    return (Post(url, as_json({"routing_key": key, **body}), private=True),)


def _event(message: Message, card: Card) -> dict[str, object]:
    """A resolve carries its words as well: they stand in the log."""
    return {
        "event_action": "resolve" if message.kind is Kind.RESOLVED else "trigger",
        "dedup_key": cut(message.incident, KEY) or message.fingerprint,
        "client": "monitor",
        **({"client_url": card.url} if card.url else {}),
        "links": _links(card),
        "payload": _payload(message, card)
        | {
            "severity": SEVERITIES[message.severity],
            "component": cut(message.labels.get("target", ""), 300),
            "group": cut(message.labels.get("account", ""), 300),
            "class": cut(message.labels.get("alertname", ""), 300),
        },
    }


def _change(message: Message, card: Card) -> dict[str, object]:
    return {"links": _links(card), "payload": _payload(message, card)}


def _payload(message: Message, card: Card) -> dict[str, object]:
    return {
        "summary": cut(card.title, SUMMARY),
        "source": cut(message.labels.get("target", "") or "monitor", 300),
        "timestamp": rfc3339(message.starts_at),
        "custom_details": {
            "kind": card.state,
            "text": "\n".join(card.lines),
            **dict((*card.figures, *card.notes)),
        },
    }


def _links(card: Card) -> list[dict[str, str]]:
    return [{"href": url, "text": text} for text, url in card.links[:LINKS]]
