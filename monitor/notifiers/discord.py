"""Telling Discord by a webhook, in an embed.

Source: https://discord.com/developers/docs/resources/webhook#execute-webhook,
https://discord.com/developers/docs/resources/message#embed-object-embed-limits,
https://discord.com/developers/docs/topics/rate-limits (429 with `retry_after`).
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from monitor.core.message import Message
from monitor.core.spec import ChannelSpec, Field, FieldKind
from monitor.notifiers import Sends
from monitor.notifiers._card import Card, card_of, cut
from monitor.notifiers._http import FIELDS, Hint, HttpNotifier, Post, as_json
from monitor.notifiers._options import Options

# UTF-16 units: Discord takes 256, 4096, 1024 of these, and 6000 of all in one message.
TITLE, TEXT, LINKS, NAME, FIGURE, NOTE, FOOTER = 256, 1400, 600, 50, 130, 400, 300
FIGURES = 5
_MARKUP = re.compile(r"([\\*_~`|>#\[\]()<@])")

SPEC = ChannelSpec(
    name="discord",
    title="Discord, by a webhook",
    fields=(
        Field("url", FieldKind.SECRET, "the webhook's address; kept secret, it holds a token",
              required=True),
        *FIELDS,
    ),
    docs="https://discord.com/developers/docs/resources/webhook#execute-webhook",
    knows="The channel is the webhook's own; `?thread_id=` in the address posts into a thread. A "
    "repeat after a crash is a second message. Nobody is mentioned, whatever a text holds.",
)  # fmt: skip

_HINTS = (
    Hint(401, "", "the webhook's token is wrong"),
    Hint(404, "", "the webhook was deleted: make a new one in Discord and put it into `url`"),
    Hint(400, "", "the body is not to Discord's liking; this is a defect of monitor"),
)


def notifier(door: Sends) -> HttpNotifier:
    """Ready to send through `door`."""
    return HttpNotifier(door, SPEC, _posts, _HINTS)


def _posts(options: Options, message: Message, _address: str) -> tuple[Post, ...]:
    return (Post(_waiting(options.secret("url").reveal()), as_json(body_of(card_of(message)))),)


def _waiting(url: str) -> str:
    """Without `wait` Discord says yes before it knows whether the message can be kept."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url  # said of it later, in words
    query = [(n, v) for n, v in parse_qsl(parts.query) if n != "wait"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("wait", "true")])))


def body_of(card: Card) -> dict[str, object]:
    """One embed. Markup is escaped, and what still looks like a mention mentions nobody."""
    figures = [_field(*row, FIGURE, inline=True) for row in card.figures[:FIGURES]]
    notes = [_field(*row, NOTE, inline=False) for row in card.notes]
    embed: dict[str, object] = {
        "title": _cut(card.title, TITLE),
        "description": _text(card),
        "color": card.colour,
        "fields": figures + notes,
        "footer": {"text": cut(card.footer, FOOTER)},
    }
    if card.url:
        embed["url"] = card.url
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _field(label: str, value: str, cap: int, *, inline: bool) -> dict[str, object]:
    return {"name": _cut(label, NAME) or "-", "value": _cut(value, cap) or "-", "inline": inline}


def _text(card: Card) -> str:
    words, links = _cut("\n".join(card.lines), TEXT), ""
    for text, url in card.links:
        longer = f"{links} · [{_cut(text, NAME)}](<{url}>)"
        links = longer if len(longer) <= LINKS else links
    return words + (f"\n\n{links.removeprefix(' · ')}" if links else "")


def escaped(text: str) -> str:
    """Without markup: Discord reads Markdown everywhere."""
    return _MARKUP.sub(r"\\\1", text)


def _cut(text: str, cap: int) -> str:
    whole = escaped(text)
    if len(whole.encode("utf-16-le")) <= 2 * cap:
        return whole
    kept = cut(whole, cap).removesuffix("…")
    # An escape cut in two would escape the ellipsis.
    return kept[: len(kept) - (len(kept) - len(kept.rstrip("\\"))) % 2] + "…"
