"""A message as a mail: the same message and receiver give the same bytes, whatever they hold."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import policy
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import Policy
from email.utils import formataddr, parseaddr
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.core.message import Message
from monitor.core.model import Kind
from monitor.core.settings import ReceiverSettings
from monitor.notifiers._addresses import bare, domain_of, token
from monitor.notifiers._lines import clean

if TYPE_CHECKING:
    from email.policy import EmailPolicy

    from jinja2 import Template

log = logging.getLogger("monitor.notifiers.email")

SUBJECT, LINE, CELL, ADDRESS = 200, 1_000, 300, 2_000  # characters
ROWS = 40  # of any list: a mail over 100 kB is cut off by mail programs
TEMPLATES = Path(__file__).parent / "templates"

_WORDS = {
    Kind.OPENED: "new",
    Kind.ESCALATED: "worse now",
    Kind.REMINDER: "still open",
    Kind.RESOLVED: "resolved",
    Kind.DIGEST: "digest",
    Kind.NOTICE: "notice",
    Kind.FOLLOW_UP: "follow-up",
}


class _Unfolded(UnstructuredHeader, BaseHeader):
    """A header that filters match on: the library would encode a long word to fold it."""

    def fold(self, *, policy: Policy) -> str:
        if self.isascii() and len(self) < 900:
            return f"{self.name}: {self}{policy.linesep}"
        return super().fold(policy=policy)


def _policy() -> EmailPolicy[EmailMessage]:
    headers = HeaderRegistry()
    for name in ("in-reply-to", "references", "list-id", *_X_HEADERS):
        headers.map_to_type(name.lower(), _Unfolded)
    return policy.SMTP.clone(header_factory=headers)


_X_HEADERS = (
    "X-Monitor-Alert",
    "X-Monitor-Target",
    "X-Monitor-Severity",
    "X-Monitor-Notification",
    "X-Monitor-Incident",
    "X-Monitor-Status",
)
_POLICY = _policy()


@dataclass(frozen=True, slots=True)
class Letter:
    """What goes over the wire, and from whom."""

    sender: str  # the envelope's
    content: bytes


def letter(receiver: ReceiverSettings, message: Message, *, templates: Path = TEMPLATES) -> Letter:
    """The mail of a message. Raises ValueError if `from` is no address."""
    said_from = clean(str(receiver.options.get("from") or ""), LINE)
    sender = bare(said_from)
    if not sender:
        raise ValueError("email.from is not an address such as monitor@example.com")
    tidy = tidied(message)
    mail = _headed(tidy, said_from, receiver, domain_of(sender))
    mail.set_content(text_of(tidy), charset="utf-8", cte="quoted-printable")
    page = _page_or_none(tidy, templates)
    if page is not None:
        mail.add_alternative(page, subtype="html", charset="utf-8", cte="quoted-printable")
        # Quoted-printable never holds "=_", so that no text can end a part. Not random: a retry
        # has to be the same mail.
        mail.set_boundary(f"=_monitor_{token(tidy.id)[:40]}")
    return Letter(sender, mail.as_bytes())


def _headed(
    message: Message, said_from: str, receiver: ReceiverSettings, domain: str
) -> EmailMessage:
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = _named(said_from)
    mail["To"] = ", ".join(_named(a) for a in receiver.addresses if bare(a))
    mail["Subject"] = message.subject
    mail["Date"] = message.at.astimezone(UTC)
    mail["Message-ID"] = f"<{token(message.id)}@{domain}>"
    if message.opened_id and message.opened_id != message.id:
        mail["In-Reply-To"] = mail["References"] = f"<{token(message.opened_id)}@{domain}>"
    mail["List-Id"] = f"<{token(receiver.name).strip('.')}.monitor.{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    labels = message.labels
    values = (
        labels.get("alertname", ""),
        labels.get("target", ""),
        message.severity.value,
        message.kind.value,
        message.incident,
        message.status,
    )
    for name, value in zip(_X_HEADERS, values, strict=True):
        mail[name] = value
    return mail


def _named(address: str) -> str:
    return formataddr((clean(parseaddr(address)[0], CELL), bare(address)))


# -- what strangers wrote -----------------------------------------------------------------------


def tidied(message: Message) -> Message:
    """The same message with every text clean and capped."""
    return replace(
        message,
        subject=clean(message.subject, SUBJECT),
        what=clean(message.what, LINE),
        how_long=clean(message.how_long, LINE),
        todo=clean(message.todo, LINE),
        incident=clean(message.incident, CELL),
        figures=tuple((clean(a, CELL), clean(b, CELL)) for a, b in message.figures[:ROWS]),
        jobs_left=tuple((clean(job, CELL), n) for job, n in message.jobs_left[:ROWS]),
        steps=_lines(message.steps),
        customers=clean(message.customers, LINE),
        not_customers=clean(message.not_customers, LINE),
        links=tuple(
            (clean(text, CELL), address)
            for text, address in message.links[:ROWS]
            if address == clean(address, ADDRESS)
            and address.startswith(("https://", "http://", "mailto:"))
        ),
        muted=_lines(message.muted),
        labels={n: clean(v, CELL) for n, v in message.labels.items()},
    )


def _lines(texts: tuple[str, ...]) -> tuple[str, ...]:
    kept = tuple(clean(t, LINE) for t in texts[:ROWS])
    more = len(texts) - len(kept)
    return (*kept, f"and {more} more") if more else kept


# -- text ---------------------------------------------------------------------------------------


def text_of(message: Message) -> str:
    """The plain part: what, how long, what to do, each on its line; then the rest."""
    head = [line for line in (message.what, message.how_long, message.todo) if line]
    return "\n".join([*head, *_body(message), "", "-- ", *footer(message), ""])


def _body(message: Message) -> Iterable[str]:
    yield from _section("Figures", _table(message.figures))
    yield from _section("Jobs left", _table((job, str(n)) for job, n in message.jobs_left))
    yield from _section("Steps", (f"{n}. {step}" for n, step in enumerate(message.steps, 1)))
    yield from _section("Customers may be told", _some(message.customers))
    yield from _section("Do not tell customers", _some(message.not_customers))
    yield from _section("This message also speaks for", (f"- {m}" for m in message.muted))
    yield from _section("Links", (f"{text}: {address}" for text, address in message.links))


def _section(title: str, lines: Iterable[str]) -> list[str]:
    body = [f"  {line}" for line in lines]
    return ["", f"{title}:", *body] if body else []


def _some(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _table(rows: Iterable[tuple[str, str]]) -> list[str]:
    rows = list(rows)
    width = min(max((len(label) for label, _ in rows), default=0), 40)
    return [f"{label + ':':<{width + 1}}  {value}" for label, value in rows]


def footer(message: Message) -> list[str]:
    """Which incident this is, for whoever looks it up."""
    alert, target = message.labels.get("alertname", ""), message.labels.get("target", "")
    subject = " on ".join(_some(alert) + _some(target))
    once = message.kind is Kind.NOTICE
    since = f"{'at' if once else 'since'} {spoken(message.starts_at)}"
    if not once and message.ends_at is not None:
        since = f"from {spoken(message.starts_at)} to {spoken(message.ends_at)}"
    words = [message.severity.value, kind_word(message), subject, since]
    return [
        ", ".join(w for w in words if w),
        f"{'notice' if once else 'incident'} {message.incident}, sent by monitor"
        f" to {clean(message.receiver, CELL)}",
    ]


def kind_word(message: Message) -> str:
    """What kind of message this is, as people say it."""
    return _WORDS[message.kind]


def spoken(at: datetime) -> str:
    """`2026-11-20 10:31 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


# -- HTML ---------------------------------------------------------------------------------------


def page_of(message: Message, *, templates: Path = TEMPLATES) -> str:
    """The HTML part of a tidied message."""
    return _template(templates).render(
        m=message,
        kind=kind_word(message),
        footer=footer(message),
        tone=_tone(message),
        pieces=_pieces,
    )


def _pieces(text: str) -> list[tuple[str, bool]]:
    """What stands between backticks, as a command to be copied, and what does not."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return [(text, False)]
    return [(part, bool(n % 2)) for n, part in enumerate(parts) if part]


def _page_or_none(message: Message, templates: Path) -> str | None:
    try:
        return page_of(message, templates=templates)
    except Exception as error:  # noqa: BLE001 - the alert matters, not its looks: the text goes out
        log.warning("a mail goes out without its HTML part (%s)", type(error).__name__)
        return None


def _tone(message: Message) -> str:
    return "resolved" if message.status == "resolved" else message.severity.value


@lru_cache(maxsize=4)
def _template(templates: Path) -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("email.html.j2")
