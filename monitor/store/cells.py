"""How times, money and words look in a table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

Cell = str | int | float | bytes | None
Cells = Mapping[str, Cell]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Whole microseconds since 1970; a naive time is a TypeError."""
    return (at - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    """The time of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=value)


def text(value: str) -> str:
    """`value` as UTF-8 can hold it: a provider's JSON may smuggle in half a surrogate pair."""
    return value.encode("utf-8", "replace").decode("utf-8")


def micros_or_none(at: datetime | None) -> int | None:
    """`micros`, of what may be unknown."""
    return None if at is None else micros(at)


def moment_or_none(value: int | None) -> datetime | None:
    """`moment`, of what may be unknown."""
    return None if value is None else moment(value)


def text_or_none(value: str | None) -> str | None:
    """`text`, of what may be unknown."""
    return None if value is None else text(value)


def money(value: Decimal | None) -> str | None:
    """The exact digits."""
    return None if value is None else str(value)


def decimal(value: str | None) -> Decimal | None:
    """The number of these digits; InvalidOperation where they are none."""
    return None if value is None else Decimal(value)
