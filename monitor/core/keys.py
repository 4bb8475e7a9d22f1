"""What is known of a key beside that it is accepted: plan, role, expiry, and how these change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monitor.core.view import View
from monitor.core.words import clean

SOON = timedelta(days=7)  # before its end a key is spoken of
_ROLES = {"read": 0, "fineGrained": 1, "write": 2, "admin": 3}  # by what a key of it may do
_PLANS = {"free": 0, "pro": 1}
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it was; `worse`: somebody has to look at it."""

    name: str  # plan, role, expiry, rights
    before: str
    after: str
    worse: bool


def expires_at(facts: Mapping[str, str]) -> datetime | None:
    """When a key ends; None: never, or it is not said."""
    said = facts.get("expires_at") or facts.get("expires") or ""
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None


def minute(at: datetime) -> str:
    """`2026-11-20 10:31 UTC`."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def ends_soon(view: View, now: datetime) -> datetime | None:
    """When a key ends, where that is within a week; None else.

    A token without a role, such as one of OAuth, lives for hours by nature and is renewed by whom
    it belongs to: it counts only where its provider warns of it.
    """
    at = expires_at(view.facts)
    if at is None or at - now > SOON or not ("role" in view.facts or view.warning):
        return None
    return at


def shown(facts: Mapping[str, str]) -> dict[str, str]:
    """The facts that people and programs are shown: without what monitor notes for itself."""
    return {name: said for name, said in facts.items() if not name.startswith("odd_")}


def in_words(facts: Mapping[str, str]) -> str:
    """`plan pro, role write`; empty where neither is known."""
    return ", ".join(f"{name} {clean(facts[name], 40)}" for name in _RANKED if facts.get(name))


_RANKED = {"plan": _PLANS, "role": _ROLES}


def changes(
    before: Mapping[str, str], after: Mapping[str, str], *, warned: tuple[str, str] = ("", "")
) -> tuple[Change, ...]:
    """What of a key is another: `before` and `after` are the facts of two readings of it.

    `warned`: what each of the two warned of, in words. What is not said is no change.
    """
    return (*_ranked(before, after), *_expiry(before, after), *_rights(*warned))


def _ranked(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for name, ranks in _RANKED.items():
        was, is_ = before.get(name, ""), after.get(name, "")
        if was and is_ and was != is_:
            worse = ranks.get(is_, 0) < ranks.get(was, 0)
            yield Change(name, clean(was, 40), clean(is_, 40), worse)


def _expiry(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    if not (before.get("role") and after.get("role")):
        return
    was, is_ = expires_at(before) or _NEVER, expires_at(after) or _NEVER
    if was != is_:
        yield Change("expiry", _at(was), _at(is_), is_ < was)


def _at(at: datetime) -> str:
    return "never" if at == _NEVER else minute(at)


def _rights(was: str, is_: str) -> Iterator[Change]:
    if bool(was) != bool(is_):
        yield Change("rights", clean(was, 120) or "enough", clean(is_, 120) or "enough", bool(is_))
