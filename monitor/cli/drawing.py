"""A balance over time, and the forecast to its right, with the characters of a terminal.

Our own, as no kept, pure Python library draws it: plotext 6 is compiled for one platform, and its
lines can neither shade a band nor keep the dips of more points than there are columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from monitor.cli.balances import minute
from monitor.core.words import amount

_EMPTY = 0x2800  # braille: each character is two dots wide and four high
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEAST_WIDTH, _MOST_WIDTH = 20, 240
_LEAST_PAST = 12  # columns
_YOUNG = 24.0  # hours of the future that may be drawn, however young the history is
_LEAST_SHOWN = 0.25  # hours of the past, however young the history is
_BAND, _MEDIAN, _NOW, _FLOOR, _RISE = "░", "▒", "┊", "┈", "▲"
_ASCII = {ord(a): b for a, b in zip("░▒▓█·│┊┈─└▲…", ".:+#-|:.-+^~", strict=True)}
_ASCII |= {ord(c): "#" for c in _EIGHTHS[1:]} | dict.fromkeys(range(_EMPTY, 0x2900), "*")

Points = Sequence[tuple[datetime, float]]
Paint = Callable[[str, str], str]  # text and what it is, to the text in its colour

_COLOURS = {
    "past": "32", "rise": "32;1", "band": "36", "floor": "31", "heat": "33", "faint": "2",
}  # fmt: skip


def painter(wanted: bool) -> Paint:
    """Gives text its colour, or leaves it."""
    if not wanted:
        return lambda text, _: text
    return lambda text, what: f"\x1b[{_COLOURS[what]}m{text}\x1b[0m" if text.strip() else text


def in_ascii(text: str) -> str:
    """For a terminal that knows no more: each drawn character as one it knows."""
    return text.translate(_ASCII)


@dataclass(frozen=True, slots=True)
class Ahead:
    """Hours until the floor; inf: never."""

    soon: float  # P10
    middle: float  # P50
    late: float  # P90


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is to draw. Points in time order; `now` is not before the last one."""

    points: Points
    floor: float
    now: datetime
    top_ups: Sequence[datetime] = ()
    ahead: Ahead | None = None
    zone: tzinfo = UTC

    @property
    def ends(self) -> tuple[float, float, float]:
        """Hours until the floor, the latest first; all endless where nothing is foretold."""
        ahead = self.ahead or Ahead(math.inf, math.inf, math.inf)
        return ahead.late, ahead.middle, ahead.soon

    @property
    def shown(self) -> float:
        """Hours of the past."""
        return max((self.now - self.points[0][0]).total_seconds() / 3600, _LEAST_SHOWN)

    @property
    def coming(self) -> float:
        """Hours of the future: to the end of the forecast, but no more than of the past."""
        if self.ahead is None or self.points[-1][1] <= self.floor:
            return 0.0
        ends = [h for h in (self.ahead.middle, self.ahead.late) if math.isfinite(h)]
        wanted = max(ends, default=self.shown) * 1.05
        return min(max(wanted, self.shown * 0.15), max(self.shown, _YOUNG))


def chart(
    scene: Scene, *, width: int, height: int = 10, paint: Paint = lambda text, _: text
) -> list[str]:
    """The balance with its scale on the left, top-ups marked above, its times below.

    Of every column least and most are drawn, so that no dip and no top-up is lost.
    """
    if not scene.points:
        return []
    canvas = _Canvas(scene, width, height)
    room, lines = canvas.room, []
    if scene.top_ups:
        lines.append(f"{'':>{room}}  {paint(canvas.marks(), 'rise')}".rstrip())
    for row in range(height):
        drawn = "".join(paint(text, what) for text, what in canvas.line(row))
        lines.append(f"{canvas.label(row):>{room}} │{drawn}".rstrip())
    return [*lines, f"{'':>{room}} └{'─' * canvas.across}", f"{'':>{room}}  {canvas.times()}"]


def legend(scene: Scene, paint: Paint) -> str:
    """What the characters of a chart mean."""
    parts = [paint(f"{_RISE} topped up", "rise")] if scene.top_ups else []
    if scene.coming > 0:
        parts.append(paint(f"{_BAND} forecast, P10 to P90, {_MEDIAN} P50", "band"))
    parts += [paint(f"{_FLOOR} floor {amount(scene.floor)}", "floor")] if scene.floor else []
    return "   ".join(parts)


class _Canvas:
    """A scene laid out in columns and rows of characters."""

    def __init__(self, scene: Scene, width: int, height: int) -> None:
        values = [value for _, value in scene.points]
        low, high = min(0.0, *values), max(scene.floor, *values)
        self._scene, self._height = scene, height
        self._low, self._high = low, high if high > low else low + 1.0
        self._labels = {
            0: amount(self._high),
            height // 2: amount((self._low + self._high) / 2),
            height - 1: amount(self._low),
        }
        self.room = max(map(len, self._labels.values()))
        self.across = min(_MOST_WIDTH, max(_LEAST_WIDTH, width - self.room - 3))
        future = round(self.across * scene.coming / (scene.shown + scene.coming))
        self._future = min(max(3, future), self.across - _LEAST_PAST) if scene.coming > 0 else 0
        self._past = self.across - self._future
        self._cells = [[0] * self._past for _ in range(height)]
        for column, least, most in self._columns():
            for dot in range(self._dot(most), self._dot(least) + 1):
                self._cells[dot // 4][column // 2] |= _DOTS[column % 2][dot % 4]

    def label(self, row: int) -> str:
        """What the scale says beside a row."""
        return self._labels.get(row, "")

    def line(self, row: int) -> Iterator[tuple[str, str]]:
        """One line in parts, each with what it is."""
        floor = bool(self._scene.floor) and row == self._row(self._scene.floor)
        kinds: list[tuple[str, str]] = []
        for cell in self._cells[row]:
            empty = (_FLOOR, "floor") if floor else (" ", "past")
            kinds.append((chr(_EMPTY + cell), "past") if cell else empty)
        for column in range(self._future):
            drawn = self._forecast(column, row)
            kinds.append((_FLOOR, "floor") if floor and drawn == " " else (drawn, "band"))
        yield from _joined(kinds)

    def marks(self) -> str:
        """A line with the top-ups in their columns."""
        marks = [" "] * self.across
        for at in self._scene.top_ups:
            marks[min(self._past - 1, self._column(at, self._past))] = _RISE
        return "".join(marks).rstrip()

    def times(self) -> str:
        """The line below: first time, now, and the end of what is foretold."""
        scene = self._scene
        first = minute(scene.points[0][0].astimezone(scene.zone))
        last = minute(scene.now.astimezone(scene.zone))
        if not self._future:
            return f"{first}{' ' * max(1, self.across - len(first) - len(last))}{last}"
        end = minute((scene.now + timedelta(hours=scene.coming)).astimezone(scene.zone))
        line = f"{first:<{self._past}}now"
        if self._past < len(first) + 1:  # hardly any past is drawn: it begins about now
            line = f"{'':<{self._past}}now, {last}"[: self.across]
        gap = self.across - len(line) - len(end)
        return f"{line}{' ' * gap}{end}" if gap > 0 else line

    def _forecast(self, column: int, row: int) -> str:
        """One character right of now."""
        if column == 0:
            return _NOW
        scene, start = self._scene, self._scene.points[-1][1]
        hours = scene.coming * (column - 0.5) / (self._future - 1)
        late, middle, soon = (
            self._row(_course(start, scene.floor, end, hours)) for end in scene.ends
        )
        if row == middle:
            return _MEDIAN
        return _BAND if late <= row <= soon else " "

    def _columns(self) -> Iterator[tuple[int, float, float]]:
        """Column of dots, least and most: from where the balance stood to all it was there."""
        count, stood = self._past * 2, self._scene.points[0][1]
        before, least, most = 0, stood, stood
        for at, value in self._scene.points:
            column = min(count - 1, self._column(at, count))
            if column != before:
                yield before, least, most
                for empty in range(before + 1, column):
                    yield empty, stood, stood
                before, least, most = column, stood, stood
            stood, least, most = value, min(least, value), max(most, value)
        yield before, least, most
        for empty in range(before + 1, count):
            yield empty, stood, stood

    def _column(self, at: datetime, count: int) -> int:
        began = self._scene.points[0][0]
        share = (at - began).total_seconds() / 3600 / self._scene.shown
        return max(0, int(share * count))

    def _dot(self, value: float) -> int:
        """The row of dots of a value, from the top."""
        dots = self._height * 4
        share = (value - self._low) / (self._high - self._low)
        return min(dots - 1, max(0, round((1 - share) * (dots - 1))))

    def _row(self, value: float) -> int:
        return self._dot(value) // 4


def _course(start: float, floor: float, end: float, hours: float) -> float:
    """Straight from the present balance to the floor, which is reached after `end` hours."""
    if math.isinf(end):
        return start
    return start + (floor - start) * min(1.0, hours / end) if end > 0 else floor


def _joined(kinds: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Neighbours of one kind as one text."""
    text, kind = "", ""
    for character, what in kinds:
        if what != kind and text:
            yield text, kind
            text = ""
        text, kind = text + character, what
    if text:
        yield text, kind


def bar(value: float, most: float, width: int) -> str:
    """A bar of up to `width` characters, to an eighth of one; something, where there is any."""
    if value <= 0 or most <= 0:
        return ""
    eighths = max(1, round(value / most * width * 8))
    whole, rest = divmod(min(eighths, width * 8), 8)
    return "█" * whole + (_EIGHTHS[rest] if rest else "")
