"""Telling a Telegram chat by a bot: sendMessage, in its HTML.

Source: https://core.telegram.org/bots/api#sendmessage (4096 characters after the markup is read),
https://core.telegram.org/bots/api#html-style, and #responseparameters (`retry_after`).
"""

from __future__ import annotations

import re
from html import escape

from monitor.core.causes import Severity
from monitor.core.message import Message
from monitor.core.spec import ChannelSpec, Field, FieldKind
from monitor.notifiers import Sends
from monitor.notifiers._card import STANDING, Card, card_of, cut
from monitor.notifiers._http import FIELDS, Hint, HttpNotifier, Post, as_json
from monitor.notifiers._options import Options, Unfit

URL = "https://api.telegram.org"
LARGEST = 4096  # UTF-16 units, without the markup
LINE, ROW, LINKS = 500, 300, 6
_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{3,200}")

SPEC = ChannelSpec(
    name="telegram",
    title="Telegram, by a bot",
    fields=(
        Field("token", FieldKind.SECRET, "the bot's token, from @BotFather", required=True),
        Field("chat_id", FieldKind.TEXT, "the chat's number, or @NAME of a channel; a group's "
              "begins with -", required=True, example='"-1001234567890"'),
        Field("thread_id", FieldKind.INTEGER, "a topic of that group", example="7"),
        Field("url", FieldKind.URL, "a Bot API server of your own", default=URL),
        *FIELDS,
    ),
    docs="https://core.telegram.org/bots/api#sendmessage",
    knows="Somebody has to write to the bot first, or add it to the group. What is resolved, "
    "of severity info, a notice or a digest comes without a sound. The API knows no repeat: one "
    "after a crash is a second message.",
)  # fmt: skip

_HINTS = (
    Hint(401, "", "the token is wrong or was revoked"),
    Hint(404, "", "the token is wrong"),
    Hint(400, "chat not found", "there is no such chat, or the bot is not in it"),
    Hint(400, "upgraded to a supergroup", "the group has a new number: put it into `chat_id`"),
    Hint(403, "", "the bot was removed from the chat, or blocked"),
)


def notifier(door: Sends) -> HttpNotifier:
    """Ready to send through `door`."""
    return HttpNotifier(door, SPEC, _posts, _HINTS)


def _posts(options: Options, message: Message, _address: str) -> tuple[Post, ...]:
    token = options.secret("token").reveal()
    if not _TOKEN.fullmatch(token):
        raise Unfit("telegram.token is no bot's token, which is digits, a colon and letters")
    url = f"{options.text('url', URL).rstrip('/')}/bot{token}/sendMessage"
    body: dict[str, object] = {
        "chat_id": options.text("chat_id"),
        "text": text_of(card_of(message)),
        "parse_mode": "HTML",
        "disable_notification": quiet(message),
        "link_preview_options": {"is_disabled": True},
    }
    thread = options.text("thread_id")
    if thread:
        body["message_thread_id"] = int(thread)
    return (Post(url, as_json(body), private=True),)


def quiet(message: Message) -> bool:
    """Whether it comes without a sound."""
    return message.severity is Severity.INFO or message.kind not in STANDING


def text_of(card: Card) -> str:
    """As much as fits, in whole lines, so that no tag is cut in two."""
    lines = [_bold(card.title), *(escaped(cut(x, LINE)) for x in card.lines), ""]
    lines += [f"{_bold(label)}: {escaped(cut(value, ROW))}" for label, value in card.figures]
    lines += [f"{_bold(title)}: {escaped(cut(text, LINE))}" for title, text in card.notes]
    lines += [f'<a href="{escape(url)}">{escaped(text)}</a>' for text, url in card.links[:LINKS]]
    end = f"\n\n{escaped(cut(card.footer, LINE))}"
    kept: list[str] = []
    for line in lines:
        if _units("\n".join([*kept, line])) + _units(end) > LARGEST:
            break
        kept.append(line)
    return "\n".join(kept).rstrip() + end


def _bold(text: str) -> str:
    return f"<b>{escaped(cut(text, ROW))}</b>"


def escaped(text: str) -> str:
    """The three characters that are markup in Telegram's HTML."""
    return escape(text, quote=False)


def _units(text: str) -> int:
    """With the markup, which Telegram does not count: never too few."""
    return len(text.encode("utf-16-le", "replace")) // 2
