"""Forms that act: that they come from a page of ours, and what was typed into them.

A browser sends name and password along with whatever another site makes it send. So a form is
heeded only where the browser says that it comes from here, and where it carries a mark that only
our page could show to this user for this very form.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from monitor.core.settings import WebSettings
from monitor.core.words import clean

CAP: Final = 32 * 1024  # bytes of a form
TYPE: Final = "application/x-www-form-urlencoded"
DURATIONS: Final = ("1h", "2h", "4h", "8h", "24h", "3d", "7d")  # of a silence
PROOF: Final = "token"  # the field for web.token, where there are no users
_PERIOD = 6 * 3600.0  # seconds: a mark is good for this long at least, and at most twice


class Marks:
    """The marks of the forms; they end with the process."""

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        self._secret, self._ticks = os.urandom(32), ticks

    def of(self, user: str, form: str) -> str:
        """The mark of one form, shown to one user."""
        return self._mark(user, form, self._period)

    def fits(self, mark: str, user: str, form: str) -> bool:
        """Whether we showed this form to this user, not long ago."""
        given, now = mark.encode("utf-8", "replace"), self._period
        wanted = (self._mark(user, form, period).encode() for period in (now, now - 1))
        return any(hmac.compare_digest(given, mark) for mark in wanted)

    @property
    def _period(self) -> int:
        return int(self._ticks() // _PERIOD)

    def _mark(self, user: str, form: str, period: int) -> str:
        words = "\0".join((user, form, str(period)))
        return hmac.new(self._secret, words.encode("utf-8", "replace"), "sha256").hexdigest()


def from_here(headers: Mapping[str, str], web: WebSettings) -> bool:
    """Whether the browser says that the request comes from a page of ours, or is no browser.

    `Sec-Fetch-Site` is the browser's own word. Browsers leave it out over plain HTTP; then
    `Origin` has to name us as the request does, or as `external_url` does.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return True
    ours = {headers.get("host", "").lower()}
    if web.external_url:
        ours.add(urlsplit(web.external_url).netloc.lower())
    return urlsplit(origin).netloc.lower() in ours - {""}


def read_form(body: bytes) -> dict[str, str]:
    """The fields, each one printable line but the token; of one given twice the last.

    Raises ValueError for too many.
    """
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=30)
    return {name: value if name == PROOF else clean(value) for name, value in pairs}
