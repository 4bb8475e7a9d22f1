"""A message as a mail: the same message and receiver give the same bytes, whatever they hold."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import UTC
from email import policy
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import Policy
from email.utils import formataddr, parseaddr
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.core.message import Message
from monitor.core.settings import ReceiverSettings
from monitor.notifiers._addresses import bare, domain_of, token
from monitor.notifiers._lines import clean
from monitor.notifiers._mail_page import TEMPLATES, page_of, page_within
from monitor.notifiers._mail_text import text_of

__all__ = ["Letter", "letter", "page_of", "text_of", "tidied"]

if TYPE_CHECKING:
    from email.policy import EmailPolicy

log = logging.getLogger("monitor.notifiers.email")

SUBJECT, LINE, CELL, ADDRESS = 200, 1_000, 300, 2_000  # characters
ROWS = 40  # of any list


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
    picture = f"balance.{token(tidy.id)[:60]}@{domain_of(sender)}" if tidy.picture else ""
    page = _page_or_none(tidy, templates, picture)
    if page is not None:
        _add_page(mail, page, tidy, picture)
    return Letter(sender, mail.as_bytes())


def _add_page(mail: EmailMessage, page: str, message: Message, picture: str) -> None:
    """The HTML part, and in it, related to it, the picture that it shows as `cid:`."""
    mail.add_alternative(page, subtype="html", charset="utf-8", cte="quoted-printable")
    # Neither quoted-printable nor base64 ever holds "=_", so that no text can end a part. Not
    # random: a retry has to be the same mail.
    boundary = f"=_monitor_{token(message.id)[:40]}"
    mail.set_boundary(boundary)
    part = mail.get_body(("html",))
    if picture and part is not None:
        part.add_related(
            message.picture, "image", "png",
            cid=f"<{picture}>", disposition="inline", filename="balance.png",
        )  # fmt: skip
        part.set_boundary(f"{boundary}.page")


def _page_or_none(message: Message, templates: Path, picture: str) -> str | None:
    try:
        return page_within(message, templates=templates, picture=picture)
    except Exception as error:  # noqa: BLE001 - the alert matters, not its looks: the text goes out
        log.warning("a mail goes out without its HTML part (%s)", type(error).__name__)
        return None


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
        receiver=clean(message.receiver, CELL),
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
        sections=tuple(
            (clean(title, CELL), tuple((clean(a, CELL), clean(b, CELL)) for a, b in rows[:ROWS]))
            for title, rows in message.sections[:ROWS]
        ),
        chart=message.chart and replace(message.chart, words=clean(message.chart.words, LINE)),
        labels={n: clean(v, CELL) for n, v in message.labels.items()},
    )


def _lines(texts: tuple[str, ...]) -> tuple[str, ...]:
    kept = tuple(clean(t, LINE) for t in texts[:ROWS])
    more = len(texts) - len(kept)
    return (*kept, f"and {more} more") if more else kept
