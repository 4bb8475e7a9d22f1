"""How wrong the forecasts were, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from monitor.cli.formats.rows import AccuracyRow
from monitor.core.words import amount, percent

_ENDED = {"ran_out": "it ran out", "topped_up": "it was topped up"}
_RIGHT = 0.005  # off by less is right
_TWICE = 2.0  # from here on in times, not in per cent


def forecasts(rows: Sequence[AccuracyRow]) -> list[str]:
    """The longest horizon of the newest ending, and how its forecasts have done; else nothing."""
    newest = max((row.at for row in rows), default="")
    found = next((row for row in rows if row.at == newest), None)
    return [] if found is None else [f"forecasts: {said(found)}{_before(found)}"]


def said(row: AccuracyRow) -> str:
    """`24 h before it ran out on 2026-11-19 it said 26 h where 24 h were true (8 % too long)`."""
    ended = f"{_ENDED.get(row.ended, 'the end')} on {row.at[:10]}"
    hours = f"{_hours(row.said)} h where {_hours(row.true)} h were true"
    return f"{row.before.removesuffix('h')} h before {ended} it said {hours} ({off(row)})"


class SaidAndTrue(Protocol):
    """Hours that were said, and hours that were true."""

    @property
    def said(self) -> float: ...
    @property
    def true(self) -> float: ...


def off(row: SaidAndTrue) -> str:
    """`8 % too long`, `2.5 times too short`, `right`."""
    ratio = row.said / row.true
    if abs(ratio - 1) < _RIGHT:
        return "right"
    way = "too long" if ratio > 1 else "too short"
    if 1 / _TWICE < ratio < _TWICE:
        return f"{percent(round(abs(ratio - 1), 2))} {way}"
    times = ratio if ratio > 1 or ratio <= 0 else 1 / ratio
    return f"{amount(round(times, 1))} times {way}"


def _before(row: AccuracyRow) -> str:
    if row.scores < 2:
        return ", within P10-P90" if row.held else ", outside P10-P90"
    last = f"of the last {row.scores}, {row.held} within P10-P90"
    return f"; {last}, half within a factor {amount(round(row.factor, 2))}"


def _hours(value: float) -> str:
    return amount(round(value, 1))
