"""A balance and its days drawn with the characters of a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from monitor.cli.balances import minute
from monitor.core.words import amount

_EMPTY = 0x2800  # braille: each character is two dots wide and four high
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEAST_WIDTH = 20

Points = Sequence[tuple[datetime, float]]


def chart(points: Points, *, floor: float, width: int, height: int = 10) -> list[str]:
    """The balance over time, with its scale on the left and its times below.

    Of every column least and most are drawn, so that no dip and no top-up is lost.
    """
    if not points:
        return []
    values = [value for _, value in points]
    low, high = min(0.0, *values), max(floor, *values)
    high = high if high > low else low + 1.0
    labels = [amount(high), amount((low + high) / 2), amount(low)]
    room = max(len(label) for label in labels)
    across = max(_LEAST_WIDTH, width - room - 3)
    cells = _Cells(across, height, low, high)
    for column, least, most in _columns(points, across * 2):
        cells.bar(column, least, most)
    floor_row = cells.row(floor) // 4 if floor else -1
    named = {0: labels[0], height // 2: labels[1], height - 1: labels[2]}
    lines = [
        f"{named.get(row, ''):>{room}} │{cells.line(row, '┈' if row == floor_row else ' ')}"
        for row in range(height)
    ]
    first, last = minute(points[0][0]), minute(points[-1][0])
    gap = " " * max(1, across - len(first) - len(last))
    return [*(line.rstrip() for line in lines), f"{'':>{room}} └{'─' * across}",
            f"{'':>{room}}  {first}{gap}{last}"]  # fmt: skip


def _columns(points: Points, count: int) -> Iterator[tuple[int, float, float]]:
    """Column, least and most: from where the balance stood to all it was there."""
    began, seconds = points[0][0], (points[-1][0] - points[0][0]).total_seconds() or 1.0
    before, stood = 0, points[0][1]
    least = most = stood
    for at, value in points:
        column = min(count - 1, int((at - began).total_seconds() / seconds * count))
        if column != before:
            yield before, least, most
            for empty in range(before + 1, column):
                yield empty, stood, stood
            before, least, most = column, stood, stood
        stood, least, most = value, min(least, value), max(most, value)
    yield before, least, most


class _Cells:
    """A grid of braille characters."""

    def __init__(self, across: int, height: int, low: float, high: float) -> None:
        self._cells = [[0] * across for _ in range(height)]
        self._low, self._high, self._dots = low, high, height * 4

    def row(self, value: float) -> int:
        """The row of dots of a value, from the top."""
        share = (value - self._low) / (self._high - self._low)
        return min(self._dots - 1, max(0, round((1 - share) * (self._dots - 1))))

    def bar(self, column: int, least: float, most: float) -> None:
        """Dots from `least` to `most`."""
        for row in range(self.row(most), self.row(least) + 1):
            self._cells[row // 4][column // 2] |= _DOTS[column % 2][row % 4]

    def line(self, row: int, empty: str) -> str:
        """One line of characters; `empty` where there is nothing."""
        return "".join(chr(_EMPTY + cell) if cell else empty for cell in self._cells[row])


def bar(value: float, most: float, width: int) -> str:
    """A bar of up to `width` characters, to an eighth of one; something, where there is any."""
    if value <= 0 or most <= 0:
        return ""
    eighths = max(1, round(value / most * width * 8))
    whole, rest = divmod(min(eighths, width * 8), 8)
    return "█" * whole + (_EIGHTHS[rest] if rest else "")
