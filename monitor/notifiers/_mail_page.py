"""The HTML part of a mail. It takes a tidied message."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.core.message import Message
from monitor.core.model import Kind
from monitor.notifiers._lines import clean
from monitor.notifiers._mail_text import footer, title_of

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES = Path(__file__).parent / "templates"
LARGEST = 90_000  # bytes: Gmail cuts off what is over 102 kB
_CUTS = (
    (41, 1000),
    (12, 500),
    (4, 300),
    (2, 100),
)  # rows of a list and characters of a text, until it fits
SHAPES = {"critical": "▲", "warning": "◆", "info": "●", "resolved": "✓"}  # not colour alone


def page_within(message: Message, *, templates: Path = TEMPLATES, picture: str = "") -> str:
    """The page, with as much of long lists and texts as no mail program cuts off."""
    page = ""
    for rows, length in _CUTS:
        page = page_of(_cut(message, rows, length), templates=templates, picture=picture)
        if len(page.encode()) <= LARGEST:
            break
    return page


def page_of(message: Message, *, templates: Path = TEMPLATES, picture: str = "") -> str:
    """The HTML of a tidied message; `picture` is the Content-ID of its chart."""
    what, dot, detail = message.what.partition(". ")
    return _template(templates).render(
        m=message,
        what=what + dot.rstrip(),
        detail=detail,
        title=title_of(message),
        shape=SHAPES[tone_of(message)],
        tone=tone_of(message),
        footer=footer(message),
        pieces=_pieces,
        picture=picture,
    )


def tone_of(message: Message) -> str:
    """Which colours: calm ones for what is over."""
    over = message.status == "resolved" or message.kind is Kind.FOLLOW_UP
    return "resolved" if over else message.severity.value


def _cut(message: Message, rows: int, length: int) -> Message:
    def lines(texts: tuple[str, ...]) -> tuple[str, ...]:
        kept = tuple(clean(t, length) for t in texts[:rows])
        return (*kept, "and more, in the plain text") if len(texts) > rows else kept

    def cells(table: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple((clean(a, length), clean(b, length)) for a, b in table[:rows])

    return replace(
        message,
        what=clean(message.what, length),
        how_long=clean(message.how_long, length),
        todo=clean(message.todo, length),
        customers=clean(message.customers, length),
        not_customers=clean(message.not_customers, length),
        steps=lines(message.steps),
        muted=lines(message.muted),
        figures=cells(message.figures),
        jobs_left=message.jobs_left[:rows],
        links=message.links[:rows],
        sections=tuple((clean(t, length), cells(table)) for t, table in message.sections[:rows]),
    )


def _pieces(text: str) -> list[tuple[str, bool]]:
    """What stands between backticks, as a command to be copied, and what does not."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return [(text, False)]
    return [(part, bool(n % 2)) for n, part in enumerate(parts) if part]


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
