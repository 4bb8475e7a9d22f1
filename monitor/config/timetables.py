"""Hours of the week and moments that come again, as a config writes them."""

from __future__ import annotations

import re
from datetime import datetime

from monitor.config.readers import Wrong, did_you_mean, scalar_of
from monitor.core.timetable import LAST, MIDNIGHT, Moment, Stretch

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NUMBERS = {name.lower(): n for n, name in enumerate(_DAYS)}
_NUMBERS |= {name[:3].lower(): n for n, name in enumerate(_DAYS)}
_NAMES = (*(name[:3] for name in _DAYS), *_DAYS, "daily")
_EVERY_DAY = frozenset(range(7))

_TIME = r"([01][0-9]|2[0-3]):([0-5][0-9])"
_STRETCH = re.compile(rf"(?:(?P<days>[A-Za-z]\S*)\s+)?(?P<begin>{_TIME})-(?P<end>{_TIME}|24:00)")
_WHOLE_DAYS = re.compile(r"[A-Za-z][A-Za-z,-]*")
_MOMENT = re.compile(rf"(?P<days>\S+)\s+(?P<at>{_TIME})")
_OF_MONTH = re.compile(r"([1-9]|[12][0-9]|3[01])(st|nd|rd|th)")

HOURS_PATTERN = r"[A-Za-z,-]+|([A-Za-z,-]+ +)?[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}"
MOMENT_PATTERN = r"[A-Za-z0-9,-]+ +[0-9]{2}:[0-9]{2}"
_SOME_HOURS = "'Mon-Fri 08:00-18:00', '22:00-07:00' or 'Sat-Sun'"
_SOME_MOMENTS = "'Mon 09:00', 'daily 09:00' or '1st 09:00'"


def read_stretch(value: object) -> Stretch:
    """Hours of some weekdays."""
    found = scalar_of(value, f"hours such as {_SOME_HOURS}")
    return parse_stretch(found.text, found.shown)


def read_moment(value: object) -> Moment:
    """A time of day on some days."""
    found = scalar_of(value, f"days and a time such as {_SOME_MOMENTS}")
    return parse_moment(found.text, found.shown)


def read_local(value: object) -> datetime:
    """A date and a time, without a zone unless it is written: `2026-12-24T18:00`."""
    found = scalar_of(value, "a date and a time such as '2026-12-24T18:00'")
    try:
        return datetime.fromisoformat(found.text)
    except ValueError:
        shown = found.shown
        raise Wrong(f"{shown} is not a date and a time such as '2026-12-24T18:00'") from None


def parse_stretch(text: str, shown: str = "") -> Stretch:
    """`[DAYS ]HH:MM-HH:MM`, or DAYS alone. Raises Wrong; `shown` stands for the text."""
    shown = shown or repr(text)
    if _WHOLE_DAYS.fullmatch(text):
        return Stretch(_weekdays(text, shown), 0, MIDNIGHT, text)
    match = _STRETCH.fullmatch(text)
    if match is None:
        raise Wrong(f"{shown} is not hours such as {_SOME_HOURS}")
    days = _weekdays(match["days"], shown) if match["days"] else _EVERY_DAY
    begin, end = _minutes(match["begin"]), _minutes(match["end"])
    if begin == end:
        raise Wrong(f"{shown} ends when it begins: write 00:00-24:00 for the whole day")
    return Stretch(days, begin, end, text)


def parse_moment(text: str, shown: str = "") -> Moment:
    """`DAYS HH:MM`, DAYS of the week or one of the month. Raises Wrong, as `parse_stretch`."""
    shown = shown or repr(text)
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise Wrong(f"{shown} is not days and a time such as {_SOME_MOMENTS}")
    days, minutes = match["days"], _minutes(match["at"])
    of_month = _OF_MONTH.fullmatch(days)
    if of_month or days == "last":
        day = int(of_month[1]) if of_month else LAST
        return Moment(frozenset(), day, minutes, text)
    return Moment(_weekdays(days, shown), None, minutes, text)


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _weekdays(text: str, shown: str) -> frozenset[int]:
    """`Mon-Fri`, `Sat,Sun`, `Fri-Mon`, `daily`."""
    if text.lower() == "daily":
        return _EVERY_DAY
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        begin = _weekday(first, shown)
        end = _weekday(last, shown) if dash else begin
        found |= {(begin + n) % 7 for n in range((end - begin) % 7 + 1)}
    return frozenset(found)


def _weekday(name: str, shown: str) -> int:
    number = _NUMBERS.get(name.lower())
    if number is None:
        hint = did_you_mean(name, _NAMES) or f"; there are {', '.join(_NAMES[:7])} and daily"
        if not name:
            raise Wrong(f"{shown} lacks a weekday before or after its dash or comma")
        # What came from a variable is not shown, nor a piece of it.
        where = f"{name!r} in {shown}" if name in shown and repr(name) != shown else shown
        raise Wrong(f"{where} is no weekday{hint}")
    return number
