"""What an answer tells beside its vendor's words: how long to stay away, and that a page of
whatever stands in front of the vendor came in its place.
"""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from math import ceil

from monitor.http import Answer

_LONGEST_STAY = 3600.0  # seconds: a wrong Retry-After must not silence a target for days


def is_page(answer: Answer) -> bool:
    """Whether a web page came in the vendor's place: it says nothing of key, money or model.

    JSON that is called HTML is the vendor's own; so is whatever carries X-Error-* headers.
    """
    if any(answer.headers.get(f"x-error-{name}") for name in ("code", "message")):
        return False
    begins = answer.body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    called = "html" in answer.headers.get("content-type", "").lower()
    return begins == b"<" or (called and begins not in (b"{", b"["))


def retry_after(answer: Answer, *, default: float | None = None) -> float | None:
    """Seconds to stay away, from `Retry-After`, rounded up; at most an hour.

    A date is measured from the answer's own `Date`, so that a wrong clock on either side does
    not matter; without one it says nothing.
    """
    said = answer.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", said):
        return min(float(ceil(float(said))), _LONGEST_STAY)
    until, since = _date(said), _date(answer.headers.get("date", ""))
    if until is None or since is None:
        return default
    return min(max((until - since).total_seconds(), 0.0), _LONGEST_STAY)


def _date(said: str) -> datetime | None:
    """An HTTP date, which is always in GMT."""
    if not said.isascii() or not re.fullmatch(r".{20,40} GMT", said):
        return None
    try:
        found = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else None
