"""A balance as a chart in a message: what was, top-ups, the floor, where the forecast leads.

Values and words only; who draws it needs to decide nothing. Bounded, whatever the history.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from monitor.core.durations import about
from monitor.core.phrases import money
from monitor.core.sentences import refused
from monitor.core.view import View
from monitor.core.words import amount, clean

POINTS: Final = 240  # at most
RISES: Final = 4  # marks at most: more would hide each other on a phone
_MOST_BACK = 30 * 24.0  # hours of the past at most
_LEAST_BACK = 3.0
_USUAL_BACK = 7 * 24.0  # where no end is foretold
_TIMES = 3.0  # of the past, so many runways: the band then has a good quarter of the drawing
_RISE = 0.05  # share of the height from which a rise is marked
_STEPS = (0.25, 0.5, 1, 2, 3, 6, 12, 24, 48, 96, 168, 336)  # hours from tick to tick
_TICKS = 5  # at most: a phone shows no more
_SPARKS = "▁▂▃▄▅▆▇█"

Points = Sequence[tuple[datetime, float]]
Hours = tuple[tuple[float, float], ...]  # (hours from `now`, credits)


@dataclass(frozen=True, slots=True)
class Ahead:
    """Hours until the floor is reached; inf: never."""

    soon: float  # P10
    middle: float  # P50
    late: float  # P90


@dataclass(frozen=True, slots=True)
class Chart:
    """What there is to draw, in hours from `now`; `words` says the same to who cannot see it."""

    now: datetime
    first: float  # hours, negative: the left edge
    last: float  # hours: the right edge
    points: Hours  # oldest first, the last one at 0
    rises: Hours  # (when, by how much): top-ups and refunds
    floor: float
    ahead: Ahead | None
    ticks: tuple[tuple[float, str], ...]
    title: str
    now_words: str
    floor_words: str  # empty: no floor
    end_words: str  # when the floor is reached; empty where nothing is foretold
    words: str


def balance_chart(
    view: View | None, points: Points, now: datetime, *, topped_up: datetime | None = None
) -> Chart | None:
    """The chart of a balance; None where there are not two points, or it is not known now.

    Where the provider refuses for want of money no forecast holds, and none is drawn.
    """
    if view is None or view.known_balance is None:
        return None
    now = _next_minute(now)
    balance, floor = float(view.known_balance), float(view.floor)
    ahead = None if refused(view) or balance <= floor else _ahead(view)
    back = _back(ahead, topped_up, now)
    past = _past(points, now, back, balance)
    if len(past) < 3:  # the last one is the present balance once more
        return None
    first = min(past[0][0], -_LEAST_BACK / 12)
    last, shown = _forward(ahead, -first), _thinned(past)
    rises = _rises(shown)
    return Chart(
        now=now,
        first=first,
        last=last,
        points=shown,
        rises=rises,
        floor=floor,
        ahead=ahead,
        ticks=_ticks(first, last, now),
        title=f"Balance in {clean(view.unit or 'credits', 20)}, times in UTC",
        now_words=f"{_short(balance)} now",
        floor_words=f"floor {_short(floor)}" if floor else "",
        end_words=_end(ahead),
        words=_words(view, past, rises, ahead),
    )


def sparkline(chart: Chart, width: int = 40) -> str:
    """The balance in `width` blocks, one for each like stretch of time: each at its lowest."""
    low = min(0.0, chart.floor, *(value for _, value in chart.points))
    high = max(value for _, value in chart.points)
    span, size = high - low or 1.0, -chart.first / width
    stood, levels = chart.points[0][1], []
    for column in range(width):
        edge = chart.first + (column + 1) * size
        begin = edge - size
        inside = [v for h, v in chart.points if begin < h <= edge + 1e-9]
        levels.append(min(inside, default=stood))
        stood = inside[-1] if inside else stood
    return "".join(_SPARKS[min(7, int((v - low) / span * 8))] for v in levels)


def _next_minute(now: datetime) -> datetime:
    """Several receivers who are told at once are shown one and the same chart."""
    return now.replace(second=0, microsecond=0) + timedelta(minutes=1)


# -- what is shown ------------------------------------------------------------------------------


def _ahead(view: View) -> Ahead | None:
    outlook = view.outlook
    if outlook is None or outlook.p10 is None or outlook.p50 is None or outlook.p90 is None:
        return None
    found = Ahead(outlook.p10, outlook.p50, outlook.p90)
    return found if found.soon > 0 else None


def _back(ahead: Ahead | None, topped_up: datetime | None, now: datetime) -> float:
    """Hours of the past: three runways, and to just before the last top-up if that is near."""
    end = ahead.middle if ahead is not None else math.inf
    back = _USUAL_BACK if math.isinf(end) else _TIMES * end
    if topped_up is not None:
        since = (now - topped_up).total_seconds() / 3600 * 1.05
        back = since if back < since <= 2 * back else back
    return min(max(back, _LEAST_BACK), _MOST_BACK)


def _forward(ahead: Ahead | None, shown: float) -> float:
    """Hours of the future: to the end of the forecast, but no more than two thirds of the past.

    Young pasts are short: then to the middle of the forecast. Never less than the words beside the
    present balance need.
    """
    least = shown * 0.34
    if ahead is None:
        return least
    ends = [h * 1.08 for h in (ahead.middle, ahead.late) if math.isfinite(h)]
    likely = ahead.middle * 1.15
    most = likely if shown * 0.66 < likely <= shown * 2 else shown * 0.66
    return min(max(least, *ends), most) if ends else least


def _past(points: Points, now: datetime, back: float, balance: float) -> list[tuple[float, float]]:
    """What was within `back`, with where it stood at the left edge, and the present balance."""
    every = [((at - now).total_seconds() / 3600, value) for at, value in points]
    every = [(h, v) for h, v in every if h <= 0 and math.isfinite(v)]
    inside = [(h, v) for h, v in every if h >= -back]
    before = [v for h, v in every if h < -back]
    edge = [(-back, before[-1])] if before else []
    return [*edge, *inside, (0.0, balance)]


def _thinned(past: list[tuple[float, float]]) -> Hours:
    """First, least, most and last of each stretch: no top-up and no dip is lost."""
    if len(past) <= POINTS:
        return tuple(past)
    size = math.ceil(len(past) * 4 / (POINTS - 4))
    out: list[tuple[float, float]] = []
    for start in range(0, len(past), size):
        part = past[start : start + size]
        least, most = (pick(part, key=lambda p: p[1]) for pick in (min, max))
        out += sorted({part[0], least, most, part[-1]})
    return tuple(out)


def _rises(shown: Hours) -> Hours:
    values = [value for _, value in shown]
    least = (max(values) - min(0.0, *values)) * _RISE
    found = [(b[1] - a[1], b[0]) for a, b in pairwise(shown) if b[1] - a[1] > max(least, 0.0)]
    largest = sorted(found, reverse=True)[:RISES]
    return tuple(sorted((hours, by) for by, hours in largest))


def _ticks(first: float, last: float, now: datetime) -> tuple[tuple[float, str], ...]:
    step = next((s for s in _STEPS if (last - first) / s <= _TICKS), 2 * _STEPS[-1])
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC)
    offset = (midnight - now).total_seconds() / 3600
    begin = math.ceil((first - offset) / step)
    hours = (offset + n * step for n in range(begin, begin + _TICKS + 2))
    return tuple((h, _clock(now, h, step)) for h in hours if h <= last)


def _clock(now: datetime, hours: float, step: float) -> str:
    at = now + timedelta(hours=hours, seconds=0.5)
    return f"{at.day} {at:%b}" if step >= 24 or at.hour + at.minute == 0 else f"{at:%H:%M}"


# -- in words -----------------------------------------------------------------------------------


def _short(value: float) -> str:
    """Without decimals where nobody needs them beside a line."""
    return f"{value:.0f}" if abs(value) >= 100 else amount(value)


def _end(ahead: Ahead | None) -> str:
    return "" if ahead is None or math.isinf(ahead.middle) else about(ahead.middle * 3600)


def _words(view: View, past: list[tuple[float, float]], rises: Hours, ahead: Ahead | None) -> str:
    return " ".join((_was(view, past), *_topped_up(rises, view), *_goes(view, ahead)))


def _was(view: View, past: list[tuple[float, float]]) -> str:
    values = [value for _, value in past]
    span = -past[0][0] * 3600
    over = f" over the last {about(span).removeprefix('about ')}" if span >= 60 else ""
    return (
        f"Balance{over}: from {_short(values[0])} to {money(values[-1], view.unit)} now,"
        f" lowest {_short(min(values))}, highest {_short(max(values))}."
    )


def _topped_up(rises: Hours, view: View) -> Iterator[str]:
    if rises:
        hours, by = rises[-1]
        yield f"It rose by {money(by, view.unit)} {about(-hours * 3600)} ago."


def _goes(view: View, ahead: Ahead | None) -> Iterator[str]:
    if ahead is None:
        return
    end = f"The floor of {money(view.floor, view.unit)} is reached" if view.floor else "It is gone"
    if math.isinf(ahead.middle):
        yield "As likely as not it never ends at this pace."
        return
    late = "never" if math.isinf(ahead.late) else about(ahead.late * 3600)
    yield (
        f"{end} in {about(ahead.middle * 3600)} as likely as not,"
        f" most likely between {about(ahead.soon * 3600)} and {late}."
    )
