"""A balance as a drawing: what was, top-ups, the floor, and where the forecast says it goes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from monitor.core.model import Outlook
from monitor.core.words import amount

Points = Sequence[tuple[datetime, float]]

WIDTH, HEIGHT = 640, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 10, 14, 24
_COLUMNS = 280  # drawn steps at most: more than a phone can show
_SPAN = timedelta(days=14)  # the most that is shown of the past
_RISE = 0.02  # share of the height from which a rise is marked
_RISES = 12  # marks at most
_HOUR_STEPS = (0.25, 0.5, 1, 2, 3, 6, 12, 24, 48, 96, 168)


@dataclass(frozen=True, slots=True)
class Rise:
    """A top-up or a refund, to be marked."""

    x: float
    y: float
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Coordinates in a box of WIDTH by HEIGHT, ready for SVG."""

    line: str
    band: str  # P10 to P90; empty where nothing is forecast
    median: str  # P50
    rises: tuple[Rise, ...]
    floor_y: float | None
    now_x: float
    ticks_x: tuple[tuple[float, str], ...]
    ticks_y: tuple[tuple[float, str], ...]
    words: str  # the whole drawing in a sentence, for who cannot see it

    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM


@dataclass(frozen=True, slots=True)
class _Frame:
    """Hours from now and credits, to pixels."""

    first: float  # hours, negative
    last: float
    low: float
    high: float

    def x(self, hours: float) -> float:
        share = (hours - self.first) / (self.last - self.first)
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{self.x(h)},{self.y(v)}" for h, v in points)


def chart(points: Points, *, now: datetime, floor: float, outlook: Outlook | None) -> Chart | None:
    """The drawing; None where there are not two points to draw."""
    past = [
        ((at - now).total_seconds() / 3600, value)
        for at, value in points
        if now - at <= _SPAN and at <= now and math.isfinite(value)
    ]
    if len(past) < 2:
        return None
    frame = _frame(past, floor, outlook)
    latest = past[-1][1]
    ahead = outlook if outlook is not None and latest > floor else None
    return Chart(
        line=frame.path([*_thinned(past), (0.0, latest)]),
        band=frame.path(_band(latest, floor, ahead, frame.last)),
        median=frame.path(_course(latest, floor, ahead.p50 if ahead else None, frame.last)),
        rises=_rises(past, frame),
        floor_y=frame.y(floor) if floor else None,
        now_x=frame.x(0.0),
        ticks_x=_ticks_x(frame, now),
        ticks_y=_ticks_y(frame),
        words=_words(past, floor),
    )


def _frame(past: list[tuple[float, float]], floor: float, outlook: Outlook | None) -> _Frame:
    values = [value for _, value in past]
    low, high = min(0.0, floor, *values), max(floor, *values)
    first = min(past[0][0], -1.0)
    room = (high - low) * 0.08 or 1.0
    return _Frame(first, _ahead(outlook, -first), low, high + room)


def _ahead(outlook: Outlook | None, shown: float) -> float:
    """Hours of the future to draw: to the end of the forecast, but no more than of the past."""
    if outlook is None or outlook.p50 is None:
        return shown * 0.03
    ends = [p for p in (outlook.p50, outlook.p90) if p is not None and math.isfinite(p)]
    return min(max(max(ends, default=shown) * 1.05, shown * 0.1), shown)


def _thinned(past: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """First, least, most and last of every column: no top-up and no dip is lost."""
    if len(past) <= _COLUMNS:
        return past
    size = math.ceil(len(past) * 4 / _COLUMNS)
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


def _rises(past: list[tuple[float, float]], frame: _Frame) -> tuple[Rise, ...]:
    least = (frame.high - frame.low) * _RISE
    found = [(b[1] - a[1], b) for a, b in pairwise(past) if b[1] - a[1] >= least]
    largest = sorted(found, reverse=True)[:_RISES]
    return tuple(
        Rise(frame.x(hours), frame.y(value), f"+{amount(by)}")
        for by, (hours, value) in sorted(largest, key=lambda r: r[1])
    )


def _ticks_x(frame: _Frame, now: datetime) -> tuple[tuple[float, str], ...]:
    span = frame.last - frame.first
    step = next((s for s in _HOUR_STEPS if span / s <= 6), _HOUR_STEPS[-1])
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


def _words(past: list[tuple[float, float]], floor: float) -> str:
    values = [value for _, value in past]
    parts = _sentence(values, -past[0][0])
    return ", ".join([*parts, f"floor {amount(floor)}"] if floor else parts)


def _sentence(values: list[float], hours: float) -> Iterator[str]:
    since = f"{round(hours / 24)} days" if hours >= 48 else f"{max(1, round(hours))} h"
    yield f"balance over the last {since}: from {amount(values[0])} to {amount(values[-1])}"
    yield f"lowest {amount(min(values))}"
    yield f"highest {amount(max(values))}"
