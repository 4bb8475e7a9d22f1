"""The plain part of a mail, and the words both parts share. It takes a tidied message."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from monitor.core.chart import sparkline
from monitor.core.message import Message
from monitor.core.model import Kind

_WIDEST = 40  # characters of a label until its value moves to the right
_KINDS = {
    Kind.OPENED: "new",
    Kind.ESCALATED: "worse now",
    Kind.REMINDER: "still open",
    Kind.RESOLVED: "resolved",
    Kind.DIGEST: "digest",
    Kind.NOTICE: "notice",
    Kind.FOLLOW_UP: "follow-up",
}
_ITSELF = {  # kinds that say more than a severity
    Kind.RESOLVED: "Resolved",
    Kind.DIGEST: "Digest",
    Kind.NOTICE: "Notice",
    Kind.FOLLOW_UP: "Follow-up: still resolved",
}
_ONCE = {Kind.NOTICE: "notice", Kind.DIGEST: "digest"}  # never open, never over


def text_of(message: Message) -> str:
    """What, how long, what to do, each on its line; then the rest in the order of the page."""
    head = [line for line in (message.what, message.how_long, message.todo) if line]
    return "\n".join([*head, *_body(message), "", "-- ", *footer(message), ""])


def _body(message: Message) -> Iterable[str]:
    if message.chart is not None:
        yield from _section("Balance", (sparkline(message.chart), message.chart.words))
    yield from _section("Figures", _table(message.figures))
    yield from _section("Jobs left", _table((job, str(n)) for job, n in message.jobs_left))
    for title, rows in message.sections:
        yield from _section(title, _table(rows))
    yield from _section("Steps", (f"{n}. {step}" for n, step in enumerate(message.steps, 1)))
    yield from _section("Links", (f"{text}: {address}" for text, address in message.links))
    yield from _section("Customers may be told", _some(message.customers))
    yield from _section("Do not tell customers", _some(message.not_customers))
    yield from _section("This message also speaks for", (f"- {m}" for m in message.muted))


def _section(title: str, lines: Iterable[str]) -> list[str]:
    body = [f"  {line}" for line in lines]
    return ["", f"{title}:", *body] if body else []


def _some(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _table(rows: Iterable[tuple[str, str]]) -> list[str]:
    rows = list(rows)
    width = min(max((len(label) for label, _ in rows), default=0), _WIDEST)
    return [f"{label + ':':<{width + 1}}  {value}" for label, value in rows]


def title_of(message: Message) -> tuple[str, str]:
    """How bad it is and what kind of message: (`Critical`, `new`), (`Resolved`, ``)."""
    itself = _ITSELF.get(message.kind)
    if itself is not None:
        return itself, ""
    return message.severity.value.capitalize(), _KINDS[message.kind]


def kind_word(message: Message) -> str:
    """What kind of message this is, as people say it."""
    return _KINDS[message.kind]


def footer(message: Message) -> list[str]:
    """Which incident this is, for whoever looks it up."""
    alert, target = message.labels.get("alertname", ""), message.labels.get("target", "")
    subject = " on ".join(_some(alert) + _some(target))
    once = message.kind in _ONCE
    since = f"{'at' if once else 'since'} {spoken(message.starts_at)}"
    if not once and message.ends_at is not None:
        since = f"from {spoken(message.starts_at)} to {spoken(message.ends_at)}"
    words = [message.severity.value, _KINDS[message.kind], subject, since]
    return [
        ", ".join(w for w in words if w),
        f"{_ONCE.get(message.kind, 'incident')} {message.incident}, sent by monitor"
        f" to {message.receiver}",
    ]


def spoken(at: datetime) -> str:
    """`2026-11-20 10:31 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
