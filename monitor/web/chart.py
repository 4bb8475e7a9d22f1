"""A balance as a drawing: what was, top-ups, the floor, and where the forecast says it goes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from monitor.core.durations import about
from monitor.core.model import Outlook
from monitor.core.words import amount

Points = Sequence[tuple[datetime, float]]


@dataclass(frozen=True, slots=True)
class Box:
    """The size of a drawing, in units that are about a pixel where it is shown."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    columns: int  # drawn steps at most
    dates: int  # labels below at most
    name: str  # of the class that shows it where it fits


WIDE = Box(920, 240, 56, 14, 22, 26, columns=280, dates=8, name="wide")
NARROW = Box(330, 200, 44, 8, 22, 26, columns=120, dates=4, name="narrow")
_SPAN = timedelta(days=14)  # the most that is shown of the past
_RISE = 0.02  # share of the height from which a rise is marked
_RISES = 12  # marks at most
_LETTER, _TALL, _BESIDE = 8.5, 13, 8  # room for a letter, a line of them, a mark beside it
_HOUR_STEPS = (0.25, 0.5, 1, 2, 3, 6, 12, 24, 48, 96, 168)


@dataclass(frozen=True, slots=True)
class Rise:
    """A top-up or a refund, to be marked."""

    x: float
    y: float
    words: str
    anchor: str  # which end of the words is at the mark: they stay in the drawing
    told: bool = True  # whether there is room for the words


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where words stand, in about as much room as they take."""

    left: float
    right: float
    base: float

    @classmethod
    def of(cls, words: str, x: float, base: float, anchor: str) -> _Spot:
        width = len(words) * _LETTER
        return cls(x - width, x, base) if anchor == "end" else cls(x, x + width, base)

    def meets(self, other: _Spot) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and abs(self.base - other.base) < _TALL


@dataclass(frozen=True, slots=True)
class Chart:
    """Coordinates in a box, ready for SVG."""

    name: str  # wide or narrow
    line: str
    area: str  # between line and bottom
    band: str  # P10 to P90; empty where nothing is forecast
    median: str  # P50
    rises: tuple[Rise, ...]
    floor_y: float | None
    floor_words: str
    now_x: float
    now_anchor: str
    ticks_x: tuple[tuple[float, str], ...]
    ticks_y: tuple[tuple[float, str], ...]
    words: str  # the whole drawing in a sentence, for who cannot see it

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int


@dataclass(frozen=True, slots=True)
class _Frame:
    """Hours from now and credits, to pixels."""

    first: float  # hours, negative
    last: float
    low: float
    high: float
    box: Box

    def x(self, hours: float) -> float:
        share = (hours - self.first) / (self.last - self.first)
        return round(self.box.left + share * (self.box.width - self.box.left - self.box.right), 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        bottom = self.box.height - self.box.bottom
        return round(bottom - share * (bottom - self.box.top), 1)

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{self.x(h)},{self.y(v)}" for h, v in points)


def chart(
    points: Points, *, now: datetime, floor: float, outlook: Outlook | None, box: Box = WIDE
) -> Chart | None:
    """The drawing; None where there are not two points to draw."""
    past = [
        ((at - now).total_seconds() / 3600, value)
        for at, value in points
        if now - at <= _SPAN and at <= now and math.isfinite(value)
    ]
    if len(past) < 2:
        return None
    frame = _frame(past, floor, outlook, box)
    latest = past[-1][1]
    ahead = outlook if outlook is not None and latest > floor else None
    line = frame.path([*_thinned(past, box.columns), (0.0, latest)])
    bottom, now_x = box.height - box.bottom, frame.x(0.0)
    floor_words = f"floor {amount(floor)}"
    taken = [_Spot.of(floor_words, box.left + 4, frame.y(floor) - 4, "start")] if floor else []
    return Chart(
        name=box.name,
        line=line,
        area=f"{frame.x(past[0][0])},{bottom} {line} {now_x},{bottom}",
        band=frame.path(_band(latest, floor, ahead, frame.last)),
        median=frame.path(_course(latest, floor, ahead.p50 if ahead else None, frame.last)),
        rises=_rises(past, frame, taken),
        floor_y=frame.y(floor) if floor else None,
        floor_words=floor_words,
        now_x=now_x,
        now_anchor="end" if now_x > box.width - 60 else "middle",
        ticks_x=_ticks_x(frame, now),
        ticks_y=_ticks_y(frame),
        words=_words(past, floor, outlook),
        width=box.width,
        height=box.height,
        left=box.left,
        right=box.width - box.right,
        top=box.top,
        bottom=bottom,
    )


def _frame(
    past: list[tuple[float, float]], floor: float, outlook: Outlook | None, box: Box
) -> _Frame:
    values = [value for _, value in past]
    low, high = min(0.0, floor, *values), max(floor, *values)
    first = min(past[0][0], -1.0)
    room = (high - low) * 0.08 or 1.0
    return _Frame(first, _ahead(outlook, -first), low, high + room, box)


def _ahead(outlook: Outlook | None, shown: float) -> float:
    """Hours of the future to draw: to the end of the forecast, but no more than of the past."""
    if outlook is None or outlook.p50 is None:
        return shown * 0.03
    ends = [p for p in (outlook.p50, outlook.p90) if p is not None and math.isfinite(p)]
    return min(max(max(ends, default=shown) * 1.05, shown * 0.1), shown)


def _thinned(past: list[tuple[float, float]], columns: int) -> list[tuple[float, float]]:
    """First, least, most and last of every column: no top-up and no dip is lost."""
    if len(past) <= columns:
        return past
    size = math.ceil(len(past) * 4 / columns)
    out: list[tuple[float, float]] = []
    for start in range(0, len(past), size):
        part = past[start : start + size]
        by_value = sorted(part, key=lambda p: p[1])
        out += sorted({part[0], by_value[0], by_value[-1], part[-1]})
    return out


def _course(
    start: float, floor: float, hours: float | None, last: float
) -> list[tuple[float, float]]:
    """From now straight to the floor after `hours`, then along it, to the edge of the drawing."""
    if hours is None or hours <= 0:
        return []
    if hours >= last:
        return [(0.0, start), (last, start - (start - floor) * last / hours)]
    return [(0.0, start), (hours, floor), (last, floor)]


def _band(
    start: float, floor: float, outlook: Outlook | None, last: float
) -> list[tuple[float, float]]:
    if outlook is None:
        return []
    soon, late = (_course(start, floor, p, last) for p in (outlook.p10, outlook.p90))
    return [*soon, *reversed(late)] if soon and late else []


def _rises(past: list[tuple[float, float]], frame: _Frame, taken: list[_Spot]) -> tuple[Rise, ...]:
    """Each marked; in words, the largest first, as far as these stand over no other words."""
    least = (frame.high - frame.low) * _RISE
    found = [(b[1] - a[1], b) for a, b in pairwise(past) if b[1] - a[1] >= least]
    marked = []
    for by, (hours, value) in sorted(found, key=lambda r: (-r[0], -r[1][0]))[:_RISES]:
        rise = _rise(frame, by, hours, value)
        beside = rise.x + (-_BESIDE if rise.anchor == "end" else _BESIDE)
        spot = _Spot.of(rise.words, beside, rise.y - 3, rise.anchor)
        free = not any(spot.meets(other) for other in taken)
        taken += [spot] if free else []
        marked.append(replace(rise, told=free))
    return tuple(sorted(marked, key=lambda rise: rise.x))


def _rise(frame: _Frame, by: float, hours: float, value: float) -> Rise:
    x = frame.x(hours)
    anchor = "start" if x < frame.box.width * 0.3 else "end"
    return Rise(x, frame.y(value), f"+{amount(by)}", anchor)


def _ticks_x(frame: _Frame, now: datetime) -> tuple[tuple[float, str], ...]:
    span = frame.last - frame.first
    step = next((s for s in _HOUR_STEPS if span / s <= frame.box.dates), _HOUR_STEPS[-1])
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC)
    offset = (midnight - now).total_seconds() / 3600
    first = math.ceil((frame.first - offset) / step)
    hours = (offset + n * step for n in range(first, first + 12))
    return tuple((frame.x(h), _clock(now, h, step)) for h in hours if h <= frame.last)


def _clock(now: datetime, hours: float, step: float) -> str:
    at = now + timedelta(hours=hours, seconds=0.5)
    return f"{at.day} {at:%b}" if step >= 24 or at.hour + at.minute == 0 else f"{at:%H:%M}"


def _ticks_y(frame: _Frame) -> tuple[tuple[float, str], ...]:
    step = _round_step((frame.high - frame.low) / 4)
    first = math.ceil(frame.low / step)
    values = (n * step for n in range(first, first + 8))
    return tuple((frame.y(v), _short(v)) for v in values if v <= frame.high)


def _short(value: float) -> str:
    """A label that fits beside the drawing: `20k` for 20000."""
    for least, size, letter in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= least:
            return f"{value / size:g}{letter}"
    return amount(value)


def _round_step(rough: float) -> float:
    """The least of 1, 2, 5, 10 times a power of ten that is not less."""
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)


def _words(past: list[tuple[float, float]], floor: float, outlook: Outlook | None) -> str:
    parts = list(_sentence([value for _, value in past], -past[0][0]))
    if floor:
        parts.append(f"floor {amount(floor)}")
    if outlook is not None and outlook.p10 is not None and outlook.p90 is not None:
        soon, late = about(outlook.p10 * 3600), about(outlook.p90 * 3600)
        parts.append(f"forecast to reach it in {soon} (P10) to {late} (P90)")
    return ", ".join(parts)


def _sentence(values: list[float], hours: float) -> Iterator[str]:
    since = f"{round(hours / 24)} days" if hours >= 48 else f"{max(1, round(hours))} h"
    yield f"balance over the last {since}: from {amount(values[0])} to {amount(values[-1])}"
    yield f"lowest {amount(min(values))}"
    yield f"highest {amount(max(values))}"
