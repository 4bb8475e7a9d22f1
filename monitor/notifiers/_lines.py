"""Text from strangers made fit for a header, a log line and a page."""

from __future__ import annotations

import re
from collections.abc import Iterable

from monitor.core.secret import Secret, redact

LINE = 300  # characters of an error text: enough for any server's own words

# Control characters and line separators end a header or a log line; the bidirectional overrides
# let a text be shown in another order than it was written.
_BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_UNSEEN = re.compile(r"[\u202a-\u202e\u2066-\u2069\u200e\u200f\ufeff\ufffe\uffff]")


def clean(text: str, cap: int) -> str:
    """`text` as one printable line of at most `cap` characters, whatever it holds."""
    some = text[: 4 * cap].encode("utf-8", "replace").decode("utf-8")
    line = _BLANK.sub(" ", _UNSEEN.sub("", some)).strip()
    return line if len(line) <= cap else line[: cap - 1].rstrip() + "…"


def safe_line(text: str, secrets: Iterable[Secret] = ()) -> str:
    """An error text that may be logged and shown: one line, without `secrets`."""
    # Masked before it is cut: half a secret would not be recognised.
    return clean(redact(text[:10_000], tuple(s for s in secrets if s)), LINE)
