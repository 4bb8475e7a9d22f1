"""A book as bytes: versioned, exact to the last bit, and some two kilobytes long."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import fields
from decimal import Decimal, InvalidOperation

from monitor.core.forecast import Forecast
from monitor.core.forecast_noise import Noise
from monitor.core.ledger import Ledger, Suspect
from monitor.core.profile import Profile

VERSION = 1
_HEAD = struct.Struct("<4sHHI")  # magic, version, count of numbers, bytes of words
_MAGIC = b"BOOK"
_CASTS = {"float": float, "int": int, "bool": bool}
_NONE = "-"


class UnknownState(ValueError):
    """These bytes are not a book of this version: fold the history again."""


def pack(ledger: Ledger, forecast: Forecast, shown: Decimal | None, believed: bool) -> bytes:
    """The bytes that `unpack` reads back."""
    suspect = ledger.suspect
    numbers = [float(believed), float(suspect is not None), *_numbers(ledger)]
    words = [_word(shown), *_words(ledger)]
    if suspect is not None:
        numbers += _numbers(suspect)
        words += _words(suspect)
    numbers += [*_numbers(forecast), *_numbers(forecast.noise)]
    numbers += [*forecast.spent, *forecast.watched, *forecast.profile.dump()]
    text = "\n".join(words).encode()
    head = _HEAD.pack(_MAGIC, VERSION, len(numbers), len(text))
    return head + struct.pack(f"<{len(numbers)}d", *numbers) + text


def unpack(data: bytes) -> tuple[Ledger, Forecast, Decimal | None, bool]:
    """Ledger, forecast, shown and believed. Raises UnknownState."""
    try:
        magic, version, count, length = _HEAD.unpack_from(data)
        if magic != _MAGIC or version != VERSION or len(data) != _HEAD.size + 8 * count + length:
            raise UnknownState("not a book of this version")
        numbers = iter(struct.unpack_from(f"<{count}d", data, _HEAD.size))
        words = iter(data[_HEAD.size + 8 * count :].decode().split("\n"))
        return _read(numbers, words)
    except (struct.error, StopIteration, UnicodeDecodeError, InvalidOperation, OverflowError) as e:
        raise UnknownState("not a book, or not all of one") from e


def _read(
    numbers: Iterator[float], words: Iterator[str]
) -> tuple[Ledger, Forecast, Decimal | None, bool]:
    believed, doubted = bool(next(numbers)), bool(next(numbers))
    shown = _value(next(words))
    ledger, forecast = Ledger(), Forecast()
    _fill(ledger, numbers, words)
    if doubted:
        ledger.suspect = Suspect(0.0, Decimal(0), Decimal(0), 0.0)
        _fill(ledger.suspect, numbers, words)
    _fill(forecast, numbers, words)
    _fill(forecast.noise, numbers, words)
    forecast.spent = [next(numbers) for _ in forecast.spent]
    forecast.watched = [next(numbers) for _ in forecast.watched]
    forecast.profile = Profile.load(list(numbers))
    return ledger, forecast, shown, believed


_Part = Ledger | Suspect | Forecast | Noise


def _numbers(part: _Part) -> list[float]:
    return [float(getattr(part, f.name)) for f in fields(part) if f.type in _CASTS]


def _words(part: _Part) -> list[str]:
    names = [f.name for f in fields(part) if str(f.type).startswith("Decimal")]
    return [_word(getattr(part, name)) for name in names]


def _fill(part: _Part, numbers: Iterator[float], words: Iterator[str]) -> None:
    for f in fields(part):
        if f.type in _CASTS:
            setattr(part, f.name, _CASTS[str(f.type)](next(numbers)))
        elif str(f.type).startswith("Decimal"):
            setattr(part, f.name, _value(next(words)))


def _word(value: Decimal | None) -> str:
    return _NONE if value is None else str(value)


def _value(word: str) -> Decimal | None:
    return None if word == _NONE else Decimal(word)
