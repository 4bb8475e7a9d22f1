"""Hostile names and sentences, made harmless for a line of output."""

from __future__ import annotations

import re
import unicodedata

_TROUBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # controls, bidi, surrogates, separators


def one_line(text: str) -> str:
    """`text` on one line, without what moves a cursor, turns the writing or cannot be written.

    What is not harmless is spelt out (`\\x1b`), so that it is seen.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_spelt(c) if unicodedata.category(c) in _TROUBLE else c for c in text)


def _spelt(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


# Compiled when it is used: that takes longer than to write a report.
_NOT_XML = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"


def for_xml(text: str) -> str:
    """`text` without the characters that no XML document may hold, not even escaped."""
    return re.sub(_NOT_XML, "", text)
