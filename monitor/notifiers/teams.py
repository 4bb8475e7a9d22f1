"""Telling Microsoft Teams by a Workflows webhook, in an Adaptive Card.

The Office 365 connectors and their MessageCard are retired; the address has to be one of the
workflow "Post to a channel when a webhook request is received".

Source: https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
and https://adaptivecards.io/explorer/RichTextBlock.html (a TextRun reads no Markdown).
"""

from __future__ import annotations

from dataclasses import replace

from monitor.core.message import Message
from monitor.core.spec import ChannelSpec, Field, FieldKind
from monitor.notifiers import Sends
from monitor.notifiers._card import RESOLVED, Card, card_of, cut
from monitor.notifiers._http import FIELDS, Hint, HttpNotifier, Post, as_json
from monitor.notifiers._options import Options

LARGEST = 24 * 1024  # bytes: Teams takes 28 KB, and adds to what it is given
TEXT, ACTIONS = 1000, 4  # characters of one text; buttons Teams shows
_STYLES = {0xD7263D: "attention", 0xF5A623: "warning", RESOLVED: "good"}

SPEC = ChannelSpec(
    name="teams",
    title="Microsoft Teams, by a Workflows webhook",
    fields=(
        Field("url", FieldKind.SECRET, "the workflow's address; kept secret, it holds a signature",
              required=True),
        *FIELDS,
    ),
    docs="https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/"
    "add-incoming-webhook",
    knows="It needs the workflow `Post to a channel when a webhook request is received`; the "
    "addresses of Office 365 connectors (`webhook.office.com`) are retired. Teams answers 202 "
    "before the card is posted: what the workflow does with it is seen in its run history. A "
    "repeat after a crash is a second card.",
)  # fmt: skip

_HINTS = (
    Hint(401, "", "the address has lost its signature: copy it whole from the workflow"),
    Hint(403, "", "the workflow takes requests of its own tenant only: let anyone trigger it"),
    Hint(404, "", "the workflow was deleted or switched off"),
    Hint(
        410, "", "it is a retired Office 365 connector: make a workflow and put its address here"
    ),
)


def notifier(door: Sends) -> HttpNotifier:
    """Ready to send through `door`."""
    return HttpNotifier(door, SPEC, _posts, _HINTS)


def _posts(options: Options, message: Message, _address: str) -> tuple[Post, ...]:
    card = card_of(message)
    body = as_json(body_of(card))
    while len(body) > LARGEST and card.notes:  # the lines that matter stay
        card = replace(card, notes=card.notes[:-1])
        body = as_json(body_of(card))
    return (Post(options.secret("url").reveal(), body),)


def body_of(card: Card) -> dict[str, object]:
    """One card. Its texts are runs, in which no Markdown is read."""
    head = {
        "type": "Container",
        "style": _STYLES.get(card.colour, "accent"),
        "bleed": True,
        "items": [_text(card.title, size="Large", weight="Bolder"), _text(card.state)],
    }
    rows = [_row(label, value) for label, value in (*card.figures, *card.notes)]
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": [head, *(_text(line) for line in card.lines), *rows, _text(card.footer)],
        "actions": [
            {"type": "Action.OpenUrl", "title": cut(text, 60), "url": url}
            for text, url in card.links[:ACTIONS]
            if url.startswith(("https://", "http://"))
        ],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    attachment = {"contentType": kind, "contentUrl": None, "content": content}
    return {"type": "message", "attachments": [attachment]}


def _text(text: str, **style: str) -> dict[str, object]:
    return _runs({"type": "TextRun", "text": cut(text, TEXT), **style})


def _row(label: str, value: str) -> dict[str, object]:
    bold = {"type": "TextRun", "text": f"{cut(label, 100)}: ", "weight": "Bolder"}
    return _runs(bold, {"type": "TextRun", "text": cut(value, TEXT)})


def _runs(*runs: dict[str, str]) -> dict[str, object]:
    return {"type": "RichTextBlock", "inlines": list(runs), "spacing": "Small"}
