"""Durations as Prometheus writes them, and as people say them."""

from __future__ import annotations

import math
import re

_UNITS = {"y": 31_536_000.0, "w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
_UNITS["ms"] = 0.001
_ORDER = ("y", "w", "d", "h", "m", "s", "ms")
_PART = re.compile(r"([0-9]{1,12})(ms|[ywdhms])")
PATTERN = r"^([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"


def parse_duration(text: str) -> float:
    """Seconds of `text` such as `30s`, `1h30m`, `500ms`, `0s`; units fall and stand once each.

    Raises ValueError in the user's terms.
    """
    parts = _PART.findall(text)
    units = [_ORDER.index(unit) for _, unit in parts]
    if not parts or "".join(n + u for n, u in parts) != text or units != sorted(set(units)):
        raise ValueError(f"{text!r} is not a duration such as '30s', '5m' or '1h30m'")
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def format_duration(seconds: float) -> str:
    """The shortest exact spelling that `parse_duration` reads back, to the millisecond."""
    rest = round(seconds * 1000)
    if rest <= 0:
        return "0s"
    out = []
    for unit in ("d", "h", "m", "s", "ms"):
        size = round(_UNITS[unit] * 1000)
        count, rest = divmod(rest, size)
        if count:
            out.append(f"{count}{unit}")
    return "".join(out)


def about(seconds: float) -> str:
    """A duration in words for people: `about 5 h`, `about 6 days`, `under a minute`."""
    if math.isinf(seconds):
        return "without end"
    if seconds < 60:
        return "under a minute"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min"
    if seconds < 48 * 3600:
        return f"about {round(seconds / 3600)} h"
    return f"about {round(seconds / 86400)} days"


def spell(seconds: float) -> str:
    """A duration that is over, in its two largest units: `2 h 10 min`, `3 days`, `40 s`."""
    rest, found = round(seconds), list[str]()
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min"), (1, "s")):
        count, rest = divmod(rest, size)
        if count:
            found.append(f"{count} {'day' if unit == 'days' and count == 1 else unit}")
        elif found:
            break
    return " ".join(found[:2]) or "under a second"
