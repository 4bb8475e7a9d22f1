"""How often an account may be asked in a day."""

from __future__ import annotations

import re

from monitor.config.readers import Wrong, scalar_of

PATTERN = r"[0-9]{1,9} ?/ ?(day|d|hour|h)"
_CALLS = re.compile(r"([0-9]{1,9}) ?/ ?(day|d|hour|h)")


def read_calls(value: object) -> int:
    """Requests a day, at least one."""
    found = scalar_of(value, "a number of calls such as '2000/day' or '100/h'")
    match = _CALLS.fullmatch(found.text)
    if match is None or not int(match[1]):
        raise Wrong(f"{found.shown} is no number of calls such as '2000/day' or '100/h'")
    return int(match[1]) * (24 if match[2].startswith("h") else 1)
