"""From a scalar as it is written to the value it stands for: one reader for each kind.

A reader takes a tree and gives the value or raises `Wrong`, whose text never holds a secret and
never what a variable stands for.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import time
from decimal import Decimal
from difflib import get_close_matches
from typing import TypeVar, cast

from monitor.config.addresses import check_url, split_listen
from monitor.config.document import Scalar, Tag
from monitor.core.durations import parse_duration
from monitor.core.secret import Secret
from monitor.core.settings import Interval

_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?/ ?(hour|h|day|d|week|w)")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
LARGEST = Decimal(10) ** 15  # beyond it a float no longer holds every whole number
LONGEST = 10 * 365 * 86400.0  # seconds
T = TypeVar("T")

SHORTEST = 1.0  # seconds; of intervals and timeouts


class Wrong(ValueError):
    """Why a value is not what its key wants, in the user's terms."""


def scalar_of(value: object, wanted: str) -> Scalar:
    """The scalar at hand; a mapping, a list or nothing at all is wrong."""
    if isinstance(value, (dict, list)):
        raise Wrong(
            f"must be {wanted}, not {'a mapping' if isinstance(value, dict) else 'a list'}"
        )
    found = cast("Scalar", value)
    if found.tag is Tag.NOTHING:
        raise Wrong(f"has no value: write {wanted}, or remove the line")
    return found


def _text_of(value: object, wanted: str = "text", *, secret: bool = False) -> str:
    found = scalar_of(value, wanted)
    if found.tag is not Tag.TEXT:
        what = "this" if secret else found.shown
        raise Wrong(f"YAML reads {what} as {found.tag.value}: put it in quotes to make it text")
    return found.text


def _unquoted(value: object, wanted: str) -> Scalar:
    """A scalar that stands for something else than text: written plainly, or from a variable."""
    found = scalar_of(value, wanted)
    if found.tag is Tag.TEXT and not found.plain and not found.variables:
        raise Wrong(f"must be {wanted}: {found.shown} in quotes is text")
    return found


def read_words(value: object) -> str:
    """Text that may have several lines."""
    text = _text_of(value)
    if not text.strip():
        raise Wrong("is empty: write text, or remove the line")
    return text


def read_text(value: object) -> str:
    """Text on one line: line breaks would end up in headers."""
    text = read_words(value)
    if _CONTROL.search(text):
        raise Wrong("must be one line of text without control characters")
    return text


def read_secret(value: object) -> Secret:
    """A credential. An unset one (where that is no fault) is empty."""
    if isinstance(value, Scalar) and value.tag is Tag.NOTHING:
        return Secret("")
    text = _text_of(value, secret=True)
    if isinstance(value, Scalar) and value.unset:
        return Secret("")
    if _CONTROL.search(text.strip("\r\n")):
        raise Wrong("holds a line break or a control character: a credential is one line")
    return Secret(text.strip("\r\n"))  # a variable made from a file often ends with one


def read_number(value: object) -> Decimal:
    """A finite number, exact."""
    found = _unquoted(value, "a number")
    if _INTEGER.fullmatch(found.text) or _DECIMAL.fullmatch(found.text):
        number = Decimal(found.text)
        if abs(number) >= LARGEST:
            raise Wrong(f"{found.shown} is too large")
        return number
    if found.tag is Tag.NUMBER:
        raise Wrong(
            f"YAML reads {found.shown} as another number than it seems: write plain decimal digits"
        )
    raise Wrong(f"must be a number, not {found.shown}")


def read_positive(value: object) -> Decimal:
    """A number above 0."""
    number = read_number(value)
    if number <= 0:
        raise Wrong("must be more than 0")
    return number


def read_floor(value: object) -> Decimal:
    """A number of at least 0."""
    number = read_number(value)
    if number < 0:
        raise Wrong("must not be negative")
    return number


def read_integer(value: object) -> int:
    """A whole number."""
    number = read_number(value)
    if number != number.to_integral_value():
        raise Wrong("must be a whole number")
    return int(number)


def read_count(value: object) -> int:
    """How many of something, 1 to 1000."""
    count = read_integer(value)
    if not 1 <= count <= 1000:
        raise Wrong("must be a whole number from 1 to 1000")
    return count


def read_port(value: object) -> int:
    """A TCP port to connect to."""
    port = read_integer(value)
    if not 1 <= port <= 65535:
        raise Wrong("must be a port from 1 to 65535")
    return port


def read_flag(value: object) -> bool:
    """True or false."""
    found = _unquoted(value, "true or false")
    flag = _FLAGS.get(found.text.lower())
    if flag is None:
        raise Wrong(f"must be true or false, not {found.shown}")
    return flag


def read_duration(value: object) -> float:
    """Seconds, from 0 to ten years."""
    found = scalar_of(value, "a duration such as '30s', '5m' or '1h30m'")
    if found.tag is Tag.NUMBER and found.text.isdigit():
        text = found.text
        raise Wrong(f"{found.shown} has no unit: write '{text}s', '{text}m' or '{text}h'")
    return _seconds(found.text, found.shown)


def _seconds(text: str, shown: str) -> float:
    try:
        seconds = parse_duration(text)
    except (ValueError, OverflowError):
        raise Wrong(f"{shown} is not a duration such as '30s', '5m' or '1h30m'") from None
    if seconds > LONGEST:
        raise Wrong(f"{shown} is longer than ten years")
    return seconds


def read_period(value: object) -> float:
    """Seconds, at least one."""
    return _at_least_a_second(read_duration(value))


def _at_least_a_second(seconds: float) -> float:
    if seconds < SHORTEST:
        raise Wrong("must be at least 1s")
    return seconds


def _not_a_dash(found: Scalar) -> None:
    """`1m-15m` is how others write a range."""
    ends = [end.strip() for end in re.split("[-–—]", found.text)]
    if len(ends) != 2:
        return
    try:
        low, high = map(parse_duration, ends)
    except (ValueError, OverflowError):
        return
    if low <= high:
        meant = "as in '1m..15m'" if found.variables else f"'{ends[0]}..{ends[1]}'"
        raise Wrong(f"{found.shown} is not a range: write {meant}")


def read_interval(value: object) -> Interval:
    """`5m`, or `1m..15m` for one that is adapted within."""
    found = scalar_of(value, "a duration such as '5m', or a range such as '1m..15m'")
    if ".." not in found.text:
        _not_a_dash(found)
        seconds = read_period(value)
        return Interval(seconds, seconds)
    shortest, longest = found.text.split("..", 1)
    low = _at_least_a_second(_seconds(shortest.strip(), found.shown))
    high = _seconds(longest.strip(), found.shown)
    if low > high:
        raise Wrong(f"{found.shown} is a range from longer to shorter: turn it round")
    return Interval(low, high)


def read_clock(value: object) -> time:
    """A time of day, `00:00` to `23:59`; YAML takes some of them for numbers."""
    found = scalar_of(value, "a time of day such as '00:00'")
    match = _CLOCK.fullmatch(found.text)
    if match is None:
        raise Wrong(f"{found.shown} is not a time of day such as '00:00' or '17:30'")
    return time(int(match[1]), int(match[2]))


def read_rate(value: object) -> Decimal:
    """Jobs a day."""
    found = scalar_of(value, "a rate such as '40/day', '2/h' or '280/week'")
    match = _RATE.fullmatch(found.text)
    if match is None or Decimal(match[1]) >= LARGEST:
        raise Wrong(f"{found.shown} is not a rate such as '40/day', '2/h' or '280/week'")
    jobs, unit = Decimal(match[1]), match[2][0]
    return jobs * 24 if unit == "h" else jobs / 7 if unit == "w" else jobs


def read_url(value: object) -> str:
    """`http(s)://HOST[:PORT][/PATH]`, without a slash at its end."""
    text = read_text(value)
    if isinstance(value, Scalar) and value.unset:
        return text
    problem = check_url(text)
    if problem:
        raise Wrong(problem)
    return text.rstrip("/")


def read_whole_url(value: object) -> str:
    """`http(s)://HOST[:PORT][/PATH][?QUERY]`, as it is written."""
    stripped = read_url(value)
    text = cast("Scalar", value).text
    return text if text.rstrip("/") == stripped else stripped


def read_listen(value: object) -> tuple[str, int]:
    """Host and port to listen on; port 0 lets the system choose."""
    found = scalar_of(value, "HOST:PORT")
    listen = split_listen(found.text)
    if listen is None:
        raise Wrong(f"{found.shown} is not HOST:PORT such as '127.0.0.1:9877' or '[::1]:9877'")
    return listen


def switch(value: object) -> object:
    """A block; `off` alone stands for `{enabled: off}`."""
    flag = isinstance(value, Scalar) and value.tag is Tag.FLAG
    return {"enabled": value} if flag else value


def several(value: object) -> object:
    """A list; one scalar alone may stand without its brackets."""
    if isinstance(value, Scalar) and value.tag is not Tag.NOTHING:
        return [value]
    return value


def not_empty(values: list[T]) -> list[T]:
    """A list with something in it."""
    if not values:
        raise Wrong("is an empty list: write something in it, or remove it")
    return values


def choice(value: object, names: Collection[str]) -> str:
    """One of `names`."""
    *first, last = names
    wanted = f"{', '.join(first)} or {last}" if first else last
    text = _text_of(value, wanted)
    if text not in names:
        shown = cast("Scalar", value).shown
        raise Wrong(f"{shown} is not {wanted}{did_you_mean(text, names)}")
    return text


def did_you_mean(name: str, names: Collection[str]) -> str:
    """`, did you mean NAME?` where one of `names` is near."""
    near = nearest(name, names)
    return f", did you mean {near}?" if near else ""


def nearest(name: str, names: Collection[str]) -> str | None:
    """The one of `names` that was probably meant."""
    lower = {known.lower(): known for known in names}
    near = get_close_matches(name.lower()[:200], lower, n=1, cutoff=0.6)
    return lower[near[0]] if near else None
