"""A book as bytes: versioned, exact to the last bit, and at most some four kilobytes long.

Version 1 had no scores and knew nothing of replicas: such a book is read as one whose forecasts
were never scored, and whose provider has never disagreed with itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation

from monitor.core.forecast import Forecast
from monitor.core.forecast_noise import Noise
from monitor.core.ledger import Ledger, Suspect
from monitor.core.profile import Profile
from monitor.core.replicas import Swing
from monitor.core.scorebook import Scorebook

VERSION = 2
_UNSCORED = 1  # the version before
_SINCE = frozenset({"uncounted"})  # what a Ledger had not then, and no Swing either
_HEAD = struct.Struct("<4sHHI")  # magic, version, count of numbers, bytes of words
_MAGIC = b"BOOK"
_CASTS = {"float": float, "int": int, "bool": bool}
_NONE = "-"
_BROKEN = "not a book, or not all of one"


class UnknownState(ValueError):
    """These bytes are not a book of this version: fold the history again."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a book is made of. The parts themselves are mutable."""

    ledger: Ledger
    forecast: Forecast
    scorebook: Scorebook
    shown: Decimal | None
    believed: bool


def pack(parts: Parts) -> bytes:
    """The bytes that `unpack` reads back."""
    ledger, forecast = parts.ledger, parts.forecast
    suspect = ledger.suspect
    numbers = [float(parts.believed), float(suspect is not None), *_numbers(ledger)]
    words = [_word(parts.shown), *_words(ledger)]
    if suspect is not None:
        numbers += _numbers(suspect)
        words += _words(suspect)
    numbers += [*_numbers(ledger.swing), *_numbers(forecast), *_numbers(forecast.noise)]
    words += _words(ledger.swing)
    numbers += [*forecast.spent, *forecast.watched, *forecast.profile.dump()]
    text = "\n".join(words).encode()
    head = _HEAD.pack(_MAGIC, VERSION, len(numbers), len(text))
    book = struct.pack(f"<{len(numbers)}d", *numbers) + text
    return head + book + parts.scorebook.dump()


def unpack(data: bytes) -> Parts:
    """The book of these bytes. Raises UnknownState."""
    try:
        version, count, length = _head(data)
        begin = _HEAD.size + 8 * count
        numbers = iter(struct.unpack_from(f"<{count}d", data, _HEAD.size))
        words = iter(data[begin : begin + length].decode().split("\n"))
        scores = data[begin + length :]
        scorebook = _scorebook(scores, version, len(data) - begin - length)
        return _read(numbers, words, scorebook, _SINCE if version == _UNSCORED else frozenset())
    except UnknownState:
        raise
    except (struct.error, StopIteration, InvalidOperation, OverflowError, ValueError) as e:
        raise UnknownState(_BROKEN) from e


def _head(data: bytes) -> tuple[int, int, int]:
    """Version, count of numbers, bytes of words."""
    magic, version, count, length = _HEAD.unpack_from(data)
    if magic != _MAGIC or version not in (VERSION, _UNSCORED):
        raise UnknownState("not a book of this version")
    return version, count, length


def _scorebook(data: bytes, version: int, length: int) -> Scorebook:
    if version == VERSION:
        return Scorebook.load(data)
    if length:
        raise UnknownState(_BROKEN)
    return Scorebook()


def _read(
    numbers: Iterator[float],
    words: Iterator[str],
    scorebook: Scorebook,
    unknown: frozenset[str],
) -> Parts:
    believed, doubted = bool(next(numbers)), bool(next(numbers))
    shown = _value(next(words))
    ledger, forecast = Ledger(), Forecast()
    _fill(ledger, numbers, words, unknown)
    if doubted:
        ledger.suspect = Suspect(0.0, Decimal(0), Decimal(0), 0.0)
        _fill(ledger.suspect, numbers, words)
    if not unknown:
        _fill(ledger.swing, numbers, words)
    _fill(forecast, numbers, words)
    _fill(forecast.noise, numbers, words)
    forecast.spent = [next(numbers) for _ in forecast.spent]
    forecast.watched = [next(numbers) for _ in forecast.watched]
    forecast.profile = Profile.load(list(numbers))
    return Parts(ledger, forecast, scorebook, shown, believed)


_Part = Ledger | Swing | Suspect | Forecast | Noise


def _numbers(part: _Part) -> list[float]:
    return [float(getattr(part, f.name)) for f in fields(part) if f.type in _CASTS]


def _words(part: _Part) -> list[str]:
    names = [f.name for f in fields(part) if str(f.type).startswith("Decimal")]
    return [_word(getattr(part, name)) for name in names]


def _fill(
    part: _Part,
    numbers: Iterator[float],
    words: Iterator[str],
    unknown: frozenset[str] = frozenset(),
) -> None:
    for f in fields(part):
        if f.name in unknown:
            continue
        if f.type in _CASTS:
            setattr(part, f.name, _CASTS[str(f.type)](next(numbers)))
        elif str(f.type).startswith("Decimal"):
            setattr(part, f.name, _value(next(words)))


def _word(value: Decimal | None) -> str:
    return _NONE if value is None else str(value)


def _value(word: str) -> Decimal | None:
    return None if word == _NONE else Decimal(word)
