"""The targets of the status document, as far as the page needs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.core.causes import Cause, Status
from monitor.core.words import WHAT


@dataclass(frozen=True, slots=True)
class Entry:
    """How one target stands, in words."""

    target: str
    account: str
    check: str
    status: Status
    cause: str
    words: str
    next_step: str


def entries(document: Mapping[str, object]) -> dict[str, Entry]:
    """Every target of the document by name, in its order."""
    found = document.get("targets")
    members = found if isinstance(found, list | tuple) else ()
    made = (_entry(member) for member in members if isinstance(member, Mapping))
    return {entry.target: entry for entry in made}


def _entry(member: Mapping[str, object]) -> Entry:
    def text(name: str) -> str:
        value = member.get(name)
        return value if isinstance(value, str) else ""

    cause = text("cause")
    return Entry(
        target=text("target"),
        account=text("account"),
        check=text("check"),
        status=next((s for s in Status if s.value == text("status")), Status.UNKNOWN),
        cause=cause,
        words=text("summary")
        or next((WHAT[c] for c in Cause if c.value == cause), "not asked yet"),
        next_step=text("next_step_in_full") or text("next_step"),
    )
