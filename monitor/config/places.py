"""Readers of what an account says of an answer: where something stands, what it says then."""

from __future__ import annotations

import re
from typing import cast

from monitor.config.document import Scalar, Tag
from monitor.config.readers import Wrong, read_flag, read_text, scalar_of

# The grammar of a path in an answer; what it finds is `providers/_balance.py`'s to say.
_NAME = r"[^\s.*?$\[\]'\"]+"
MEMBER = re.compile(rf"(?!-){_NAME}(\.{_NAME})*\??")
MEMBERS = re.compile(rf"-?(?!-){_NAME}(\.{_NAME})*(\.\*(\.{_NAME})+)?\??")


def read_member(value: object) -> str:
    """Where in an answer something is: names and places in lists with dots between."""
    return _member(value, MEMBER, "data.credits or data.0.credits")


def read_members(value: object) -> str:
    """As `read_member`; also with `-` before it, or `*` for each of a list."""
    return _member(value, MEMBERS, "data.credits, data.0.credits, items.*.amount or -data.used")


def _member(value: object, grammar: re.Pattern[str], examples: str) -> str:
    found = scalar_of(value, "a path in the answer such as 'data.credits'")
    if grammar.fullmatch(found.text):
        return found.text
    words = "is no path in an answer: write names, and places in lists, with dots between"
    raise Wrong(f"{found.shown} {words}, such as {examples}")


def read_pattern(value: object) -> str:
    """A regular expression, as text."""
    text = read_text(value)
    try:
        re.compile(text)
    except re.error as error:
        shown = cast("Scalar", value).shown
        raise Wrong(f"{shown} is no regular expression: {error.msg}") from None
    return text


def read_value(value: object) -> str:
    """Text, a number, true or false, as JSON would write it (text without its quotes)."""
    found = scalar_of(value, "text, a number, true or false")
    if found.tag is Tag.FLAG:
        return str(read_flag(value)).lower()
    return str(found.text)
