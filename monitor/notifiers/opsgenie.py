"""Telling Opsgenie by its Alert API; Jira Service Management's takes the same.

`alias` is the incident's id: a repeat is counted there and makes no second alert, and a late
close never meets the next episode.

Source: https://docs.opsgenie.com/docs/alert-api (fields, limits, 202; the close is by alias).
"""

from __future__ import annotations

from urllib.parse import quote

from monitor.core.causes import Severity
from monitor.core.message import Message
from monitor.core.model import Kind
from monitor.core.secret import Secret
from monitor.core.spec import ChannelSpec, Field, FieldKind
from monitor.notifiers import Sends
from monitor.notifiers._card import STANDING, Card, card_of, cut, plain
from monitor.notifiers._http import FIELDS, Hint, HttpNotifier, Post, as_json
from monitor.notifiers._lines import clean
from monitor.notifiers._mail import tidied
from monitor.notifiers._options import Options

URL = "https://api.opsgenie.com"
TITLE, ALIAS, TEXT, NOTE, DETAIL, ENTITY = 130, 512, 15_000, 25_000, 400, 512
PRIORITIES = {Severity.CRITICAL: "P1", Severity.WARNING: "P3", Severity.INFO: "P5"}

SPEC = ChannelSpec(
    name="opsgenie",
    title="Opsgenie, by the Alert API",
    fields=(
        Field("key", FieldKind.SECRET, "the API integration's key", required=True),
        Field("url", FieldKind.URL, "https://api.eu.opsgenie.com for accounts in the EU",
              default=URL),
        Field("tags", FieldKind.TEXTS, "put to every alert", example="[monitor]"),
        *FIELDS,
    ),
    docs="https://docs.opsgenie.com/docs/alert-api",
    knows="Opened makes an alert, escalated raises its priority, a reminder is counted, resolved "
    "closes it, all under the incident's own alias: a repeat makes no second alert. Critical is "
    "P1, warning P3, info P5. A notice, a digest and a follow-up are alerts of P5, which nobody "
    "closes but you. An acknowledgement there is not heard here.",
)  # fmt: skip

_HINTS = (
    Hint(401, "", "the key is wrong, or the account is in the EU and `url` is not"),
    Hint(403, "", "the integration may not create or close alerts"),
    Hint(422, "", "the alert is not to Opsgenie's liking, or the key is wrong"),
)


def notifier(door: Sends) -> HttpNotifier:
    """Ready to send through `door`."""
    return HttpNotifier(door, SPEC, _posts, _HINTS)


def _posts(options: Options, message: Message, _address: str) -> tuple[Post, ...]:
    """An alias that is open is not made anew, so that what rises needs a second request."""
    card, message = card_of(message), tidied(message)
    if message.kind is Kind.RESOLVED:
        body = {"source": "monitor", "note": cut(f"{card.title}\n{plain(card)}", NOTE)}
        return (_post(options, f"/{_alias(message)}/close?identifierType=alias", body),)
    made = _post(options, "", _alert(options, message, card))
    if message.kind is not Kind.ESCALATED:
        return (made,)
    raised = {"priority": PRIORITIES[message.severity]}
    where = f"/{_alias(message)}/priority?identifierType=alias"
    return (made, _post(options, where, raised, method="PUT"))


def _post(options: Options, where: str, body: dict[str, object] | dict[str, str], *,
          method: str = "POST") -> Post:  # fmt: skip
    key = Secret(f"GenieKey {options.secret('key').reveal()}")
    url = f"{options.text('url', URL).rstrip('/')}/v2/alerts{where}"
    return Post(url, as_json(body), secret_headers={"Authorization": key}, method=method)


def _alias(message: Message) -> str:
    return quote(_named(message), safe="")


def _named(message: Message) -> str:
    """The incident's; what is no incident has an alias of its own."""
    once = message.kind not in STANDING and message.kind is not Kind.RESOLVED
    return cut(clean(message.id if once else message.incident, ALIAS), ALIAS)


def _alert(options: Options, message: Message, card: Card) -> dict[str, object]:
    tags = options.values.get("tags")
    details = {cut(label, 100): cut(value, DETAIL) for label, value in card.figures}
    return {
        "message": cut(card.title, TITLE),
        "alias": _named(message),
        "description": cut(plain(card), TEXT),
        "priority": PRIORITIES[message.severity] if message.kind in STANDING else "P5",
        "source": "monitor",
        "entity": cut(message.labels.get("target", ""), ENTITY),
        "tags": [cut(str(t), 50) for t in tags][:20] if isinstance(tags, (list, tuple)) else [],
        "details": details,
    }
