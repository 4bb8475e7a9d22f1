"""A message as chats show it: a title, a few lines, figures, links, a colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from monitor.core.causes import Severity
from monitor.core.message import Message, jobs_in_words
from monitor.core.model import Kind
from monitor.notifiers._mail import tidied
from monitor.notifiers._mail_text import footer, kind_word

NOTE = 2_000  # UTF-16 units of one note
ROWS = 10  # figures a chat shows: what is more is in the mail and on the page
COLOURS = {Severity.CRITICAL: 0xD7263D, Severity.WARNING: 0xF5A623, Severity.INFO: 0x3B82F6}
RESOLVED = 0x2E9E5B
STANDING = frozenset({Kind.OPENED, Kind.ESCALATED, Kind.REMINDER})  # it is still so


@dataclass(frozen=True, slots=True)
class Card:
    """What a chat says. Every text is one clean line; none is escaped for a format yet."""

    title: str  # `[CRITICAL] kie: about 5 h of credits left`
    state: str  # `critical, worse now`
    lines: tuple[str, ...]  # what, how long, what to do
    figures: tuple[tuple[str, str], ...]
    notes: tuple[tuple[str, str], ...]  # jobs left, steps, what customers may be told, whom for
    links: tuple[tuple[str, str], ...]
    footer: str
    colour: int  # 0xRRGGBB
    url: str  # where a tap leads; empty without `external_url`


def card_of(message: Message) -> Card:
    """The card of a message; the same for the same message, whatever it holds."""
    tidy = tidied(message)
    over = tidy.status == "resolved"
    return Card(
        title=tidy.subject or "monitor",
        state=f"{tidy.severity.value}, {kind_word(tidy)}",
        lines=tuple(line for line in (tidy.what, tidy.how_long, tidy.todo) if line),
        figures=tidy.figures[:ROWS],
        notes=tuple((title, cut(text, NOTE)) for title, text in _notes(tidy) if text),
        links=tuple((text or url, _encoded(url)) for text, url in tidy.links[:ROWS]),
        footer=", ".join(footer(tidy)),
        colour=RESOLVED if over else COLOURS[tidy.severity],
        url=_own(tidy),
    )


def _notes(tidy: Message) -> Iterator[tuple[str, str]]:
    yield "Jobs left", jobs_in_words(tidy.jobs_left)
    yield "Steps", " ".join(f"{n}. {step}" for n, step in enumerate(tidy.steps, 1))
    yield "Customers may be told", tidy.customers
    yield "Do not tell customers", tidy.not_customers
    yield "This also speaks for", ", ".join(tidy.muted)


def _encoded(url: str) -> str:
    """An address that ends where it should in any markup."""
    return quote(url, safe="%/:=&?~#+!$,;'@()*[].-_")


def _own(tidy: Message) -> str:
    """The first link to a page of monitor's own."""
    own = (
        _encoded(url)
        for _, url in tidy.links
        if tidy.external_url and url.startswith(tidy.external_url)
    )
    return next(own, "")


def plain(card: Card, *, links: bool = True) -> str:
    """The card as lines of text."""
    rows = [f"{label}: {value}" for label, value in (*card.figures, *card.notes)]
    shown = [f"{text}: {url}" for text, url in card.links] if links else []
    blocks: Iterable[list[str]] = (list(card.lines), rows, shown, [f"({card.state})"])
    return "\n\n".join("\n".join(block) for block in blocks if block)


def cut(text: str, cap: int) -> str:
    """`text` in at most `cap` UTF-16 units, as most APIs count, with an ellipsis where it ends."""
    raw = text.encode("utf-16-le", "replace")
    if len(raw) <= 2 * cap:
        return text
    return raw[: 2 * (cap - 1)].decode("utf-16-le", "ignore").rstrip() + "…"


def cut_bytes(text: str, cap: int) -> str:
    """`text` in at most `cap` bytes of UTF-8, with an ellipsis where it ends."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= cap:
        return text
    return raw[: cap - 3].decode("utf-8", "ignore").rstrip() + "…"
