"""Telling a phone by ntfy: a JSON message to the server's root.

Source: https://docs.ntfy.sh/publish/#publish-as-json (members; 4096 bytes of text, more becomes
a file), https://docs.ntfy.sh/publish/#updating-deleting-notifications (`sequence_id`).
"""

from __future__ import annotations

from hashlib import sha256

from monitor.core.causes import Severity
from monitor.core.message import Message
from monitor.core.spec import ChannelSpec, Field, FieldKind
from monitor.notifiers import Sends
from monitor.notifiers._card import STANDING, Card, card_of, cut, cut_bytes, plain
from monitor.notifiers._http import FIELDS, Hint, HttpNotifier, Post, as_json
from monitor.notifiers._options import Options, authorization, one_login

URL = "https://ntfy.sh"
TITLE, TEXT, ACTIONS = 250, 4000, 3
PRIORITIES = {Severity.CRITICAL: 5, Severity.WARNING: 4, Severity.INFO: 2}
TAGS = {Severity.CRITICAL: "rotating_light", Severity.WARNING: "warning",
        Severity.INFO: "information_source"}  # fmt: skip

SPEC = ChannelSpec(
    name="ntfy",
    title="ntfy: notifications on phones",
    fields=(
        Field("topic", FieldKind.SECRET, "kept secret: on a public server whoever knows it reads "
              "along", required=True),
        Field("url", FieldKind.URL, "a server of your own", default=URL),
        Field("token", FieldKind.SECRET, "an access token"),
        Field("username", FieldKind.TEXT, "basic authentication, in place of `token`",
              example="monitor"),
        Field("password", FieldKind.SECRET, "of that user"),
        *FIELDS,
    ),
    docs="https://docs.ntfy.sh/publish/",
    knows="Critical breaks through do-not-disturb (priority 5), warning is 4, what is resolved or "
    "info is quieter. A tap opens the page, with `web.external_url`. Each message has a sequence "
    "id of its own: where server and app know these, a repeat replaces the first.",
    faults=one_login,
)  # fmt: skip

_HINTS = (
    Hint(401, "", "the token, or the user and the password, are wrong"),
    Hint(403, "", "this user may not publish to the topic"),
    Hint(400, "", "the topic's name is not valid, or `url` is more than the server's root"),
)


def notifier(door: Sends) -> HttpNotifier:
    """Ready to send through `door`."""
    return HttpNotifier(door, SPEC, _posts, _HINTS)


def _posts(options: Options, message: Message, _address: str) -> tuple[Post, ...]:
    body = {"topic": options.secret("topic").reveal(), **body_of(card_of(message), message)}
    url = options.text("url", URL).rstrip("/") + "/"
    return (Post(url, as_json(body), secret_headers=authorization(options, "ntfy")),)


def body_of(card: Card, message: Message) -> dict[str, object]:
    """Plain text: ntfy reads Markdown only where it is asked to."""
    pages = [(t, u) for t, u in card.links if u.startswith(("https://", "http://"))]
    body: dict[str, object] = {
        "title": cut(card.title, TITLE),
        "message": cut_bytes(plain(card, links=False), TEXT),
        "priority": PRIORITIES[message.severity] if message.kind in STANDING else 3,
        "tags": [TAGS[message.severity] if message.status != "resolved" else "white_check_mark"],
        "actions": [
            {"action": "view", "label": cut(text, 60), "url": url} for text, url in pages[:ACTIONS]
        ],
        "sequence_id": sha256(message.id.encode("utf-8", "replace")).hexdigest()[:32],
    }
    return body | ({"click": card.url} if card.url else {})
