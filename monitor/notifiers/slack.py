"""Telling Slack by an incoming webhook, in Block Kit.

Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks (shape, errors),
https://docs.slack.dev/reference/block-kit/blocks (limits),
https://docs.slack.dev/messaging/formatting-message-text (escaping & < >).
"""

from __future__ import annotations

from monitor.core.message import Message
from monitor.core.spec import ChannelSpec, Field, FieldKind
from monitor.notifiers import Sends
from monitor.notifiers._card import Card, card_of, cut
from monitor.notifiers._http import FIELDS, Hint, HttpNotifier, Post, as_json
from monitor.notifiers._options import Options

HEADER, SECTION, ROW = 150, 3000, 2000  # characters Slack takes of each

SPEC = ChannelSpec(
    name="slack",
    title="Slack, by an incoming webhook",
    fields=(
        Field("url", FieldKind.SECRET, "the webhook's address; kept secret, it holds a token",
              required=True),
        *FIELDS,
    ),
    docs="https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks",
    knows="The channel is the webhook's own. A webhook cannot answer in a thread, nor change what "
    "it has posted: each message stands by itself, and a repeat after a crash is a second one. "
    "Mattermost and Rocket.Chat take the same body. Nobody is mentioned, whatever a text holds.",
)  # fmt: skip

_REVOKED = "the webhook was revoked: make a new one in Slack and put its address into `url`"
_HINTS = (
    Hint(403, "invalid_token", _REVOKED),
    Hint(403, "action_prohibited", "an administrator has restricted posting"),
    Hint(404, "no_service", _REVOKED),
    Hint(404, "no_team", "the workspace is gone"),
    Hint(404, "channel_not_found", "the channel is gone"),
    Hint(410, "channel_is_archived", "the channel is archived"),
    Hint(400, "invalid_payload", "the body is not to Slack's liking; this is a defect of monitor"),
    Hint(400, "invalid_blocks", "the body is not to Slack's liking; this is a defect of monitor"),
)


def notifier(door: Sends) -> HttpNotifier:
    """Ready to send through `door`."""
    return HttpNotifier(door, SPEC, _posts, _HINTS)


def _posts(options: Options, message: Message, _address: str) -> tuple[Post, ...]:
    return (Post(options.secret("url").reveal(), as_json(body_of(card_of(message)))),)


def body_of(card: Card) -> dict[str, object]:
    """What strangers wrote stands in plain_text, where no markup is read, or is escaped."""
    blocks: list[dict[str, object]] = [
        {"type": "header", "text": _plain(card.title, HEADER)},
        {"type": "section", "text": _plain("\n".join(card.lines) or card.title, SECTION)},
    ]
    if card.figures:
        fields = [_plain(f"{label}: {value}", ROW) for label, value in card.figures]
        blocks.append({"type": "section", "fields": fields})
    blocks += [
        {"type": "section", "text": _plain(f"{title}: {text}", SECTION)}
        for title, text in card.notes
    ]
    links = [f"<{escaped(url)}|{escaped(text).replace('|', '¦')}>" for text, url in card.links]
    if links:
        blocks.append({"type": "section", "text": _marked(_joined(links))})
    blocks.append({"type": "context", "elements": [_plain(card.footer, ROW)]})
    return {
        "text": cut(escaped(card.title), SECTION),  # what a notification shows
        "link_names": False,
        "attachments": [{"color": f"#{card.colour:06X}", "blocks": blocks}],
    }


def escaped(text: str) -> str:
    """The three characters by which Slack's markup begins mentions, links and entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _joined(links: list[str]) -> str:
    """As many whole links as fit: half of one would be no link."""
    kept = ""
    for link in links:
        longer = f"{kept} · {link}" if kept else link
        kept = longer if len(longer) <= SECTION else kept
    return kept or "(the links are too long for Slack)"


def _plain(text: str, cap: int) -> dict[str, object]:
    return {"type": "plain_text", "text": cut(text, cap), "emoji": False}


def _marked(text: str) -> dict[str, object]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}
