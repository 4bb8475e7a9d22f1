"""Time zones by name, from the machine's own database."""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from monitor.config.document import Scalar
from monitor.config.readers import Wrong, did_you_mean, read_text

_LOCAL = {"localtime", "posixrules"}  # files of a machine, not names that mean the same elsewhere


def zone_of(name: str, shown: str = "") -> tzinfo:
    """The time zone of that name, such as `Europe/Berlin`. Raises Wrong; `shown` stands for it."""
    if name == "UTC":
        return UTC
    try:
        known = name not in _LOCAL
        return ZoneInfo(name) if known else _unknown(name, shown)
    except (OSError, ValueError, LookupError):  # no such file, a directory, no name at all
        return _unknown(name, shown)


def read_zone(value: object) -> tzinfo:
    """A time zone, by its name."""
    name = read_text(value)
    if isinstance(value, Scalar) and value.unset:
        return UTC
    return zone_of(name, value.shown if isinstance(value, Scalar) else "")


def _unknown(name: str, shown: str) -> tzinfo:
    names = available_timezones() - _LOCAL
    if not names:
        raise Wrong("this machine has no time zones but UTC: install tzdata")
    shown = shown or repr(name[:60])
    raise Wrong(
        f"{shown} is no time zone such as Europe/Berlin{did_you_mean(name, sorted(names))}"
    )
