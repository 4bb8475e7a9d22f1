"""A status as a small picture, for a README, a wiki or a customers' page."""

from __future__ import annotations

import hashlib
from typing import Final
from xml.sax.saxutils import escape

from monitor.core.words import clean

# White on each of them is readable: a contrast of 4.5 to 1 at least.
_COLOURS: Final = {
    "up": "#176b34", "ok": "#176b34", "degraded": "#8a5a00", "warning": "#8a5a00",
    "down": "#b3141f", "critical": "#b3141f", "unknown": "#5a4b9c",
}  # fmt: skip
_LEFT: Final = "#3a4149"
_LONGEST = 60  # characters of a name
HEADERS: Final = {
    # Others show it on their own pages, by way of caches such as GitHub's.
    "Cache-Control": "public, max-age=30, must-revalidate",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'none'; sandbox",
}


def badge(name: str, status: str) -> bytes:
    """An SVG that says both, as text and by its colour; with a title for who cannot see it."""
    label, colour = clean(name, _LONGEST), _COLOURS.get(status, _COLOURS["unknown"])
    left, right = _width(label), _width(status)
    words = escape(f"{label}: {status}", {'"': "&quot;"})
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img"'
        f' aria-label="{words}"><title>{words}</title>'
        f'<path d="M3 0h{left - 3}v20h-{left - 3}a3 3 0 0 1 -3 -3v-14a3 3 0 0 1 3 -3z"'
        f' fill="{_LEFT}"/>'
        f'<path d="M{left} 0h{right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1 -3 3h-{right - 3}z"'
        f' fill="{colour}"/>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif"'
        f' font-size="11"><text x="{left / 2:g}" y="14">{escape(label)}</text>'
        f'<text x="{left + right / 2:g}" y="14">{escape(status)}</text></g></svg>\n'
    ).encode()


def etag(body: bytes) -> str:
    """A name for what it shows."""
    return f'"{hashlib.sha256(body).hexdigest()[:16]}"'


def _width(text: str) -> int:
    """Room for 11 pixels of Verdana, whose mean character is 7 wide; others' are up to 11."""
    return 14 + sum(7 if ord(c) < 0x300 else 12 for c in text)
