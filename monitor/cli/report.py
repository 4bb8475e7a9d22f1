"""A balance's past in words and drawings for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo

from monitor.cli.balances import minute
from monitor.cli.drawing import Ahead, Paint, Points, Scene, bar, chart, legend
from monitor.cli.heat import heat_legend, heat_map
from monitor.core.days import History, Span
from monitor.core.durations import about
from monitor.core.model import Outlook
from monitor.core.past import Past, ends_at
from monitor.core.pattern import Month, Pattern, ToppedUp
from monitor.core.phrases import by_plan, money
from monitor.core.sayings import busiest
from monitor.core.words import amount, percent

_BAR = 30  # columns at most
_DAYS, _MONTHS = 31, 24  # the last ones that are listed


def report(it: Past, since: str, *, width: int, paint: Paint) -> Iterator[str]:
    """Line by line; no wider than `width` where that is 60 or more."""
    found, zone = it.history, it.history.zone
    points = course(found)
    if not points or found.end is None:
        yield f"{found.target}: nothing was read within {since}; --since looks further back"
    else:
        yield f"{found.target}: {money(found.end, found.unit)}, {_counted(found)}"
        yield from _forecast(it.outlook, found, it.at)
        scene = _scene(it, points)
        yield ""
        yield from chart(scene, width=width, paint=paint)
        yield from filter(None, [legend(scene, paint)])
        yield from ("", f"spent per day ({zone})")
        yield from _days(found.days, width=width, paint=paint)
    yield from _pattern(it.pattern, width=width, paint=paint)
    yield from _since_top_up(it.pattern.top_up, found.unit, zone, it.at)
    total = found.total
    if total is not None:
        yield from ("", _sum(found, total))


def course(found: History) -> Points:
    """The balance over time: of an hour without its samples, least, most and last."""
    points: list[tuple[datetime, float]] = []
    for hour in found.older:
        for minutes, value in ((15, hour.low), (30, hour.high), (59, hour.last)):
            if value is not None:
                points.append((hour.at + timedelta(minutes=minutes), float(value)))
    points += [(s.at, float(s.balance)) for s in found.samples if s.balance is not None]
    return points


def _counted(found: History) -> str:
    read = sum(s.balance is not None for s in found.samples)
    parts = [_count(found.filled, "hour")] if found.filled else []
    return " and ".join([*parts, _count(read, "sample")])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _scene(it: Past, points: Points) -> Scene:
    found, outlook = it.history, it.outlook
    ahead = None
    if outlook is not None and outlook.p10 is not None and outlook.p50 is not None:
        late = math.inf if outlook.p90 is None else outlook.p90
        ahead = Ahead(outlook.p10, outlook.p50, late)
    top_ups = [t.at for t in found.top_ups]
    now = max(it.at, points[-1][0])
    return Scene(points, float(found.floor), now, top_ups, ahead, found.zone)


def _forecast(outlook: Outlook | None, found: History, now: datetime) -> Iterator[str]:
    if outlook is None or outlook.burn_per_hour is None:
        yield "how fast it burns is not known yet"
        return
    burn = outlook.burn_per_hour
    a_day = f"burns {money(burn, found.unit)} an hour, {amount(_rounded(burn * 24))} a day"
    yield f"{a_day}{by_plan(outlook)}" if burn > 0 else "nothing burns"
    if outlook.p25 is None or math.isinf(outlook.p25):
        return
    if outlook.p25 <= 0:
        yield "at its floor" if found.floor else "nothing is left"
        return
    end = ends_at(outlook.p25, now)
    at = f", {minute(end.astimezone(found.zone))}" if end else ""
    what = f"reaches its floor of {amount(found.floor)}" if found.floor else "used up"
    yield f"{what} in {about(outlook.p25 * 3600)}{at} (P25)"
    yield f"  {_spread(outlook)}"


def _spread(outlook: Outlook) -> str:
    named = {"P10": outlook.p10, "P50": outlook.p50, "P90": outlook.p90}
    return ", ".join(f"{n} {about(h * 3600)}" for n, h in named.items() if h is not None)


def _days(days: Sequence[Span], *, width: int, paint: Paint) -> Iterator[str]:
    if len(days) > _DAYS:
        yield f"  … and {len(days) - _DAYS} days before these"
        days = days[-_DAYS:]
    labels = [f"{day.at:%a %Y-%m-%d}" for day in days]
    yield from _bars(days, labels, [_marks(d) for d in days], width=width, paint=paint)


def _bars(
    spans: Sequence[Span | Month],
    labels: Sequence[str],
    marks: Sequence[str],
    *,
    width: int,
    paint: Paint,
) -> Iterator[str]:
    """Label, what was spent, a bar, and what else there is to say."""
    most = max((float(span.spent) for span in spans), default=0.0)
    room = max((len(amount(span.spent)) for span in spans), default=0)
    taken = max(map(len, labels), default=0) + room + max(map(len, marks), default=0) + 6
    across = max(5, min(_BAR, width - taken))
    for span, label, mark in zip(spans, labels, marks, strict=True):
        drawn = paint(f"{bar(float(span.spent), most, across):<{across}}", "past")
        line = f"  {label}  {amount(span.spent):>{room}} {drawn}"
        yield f"{line} {paint(mark, 'rise')}".rstrip() if mark else line.rstrip()


def _marks(span: Span | Month) -> str:
    """What else became of the balance."""
    marks = [f"▲ {amount(span.topped_up)}"] if span.topped_up else []
    marks += [f"refunded {amount(span.refunded)}"] if span.refunded else []
    marks += [f"adjusted {amount(span.adjusted)}"] if span.adjusted else []
    return ", ".join(marks)


def _pattern(drawn: Pattern, *, width: int, paint: Paint) -> Iterator[str]:
    if drawn.mean is None:
        return
    yield from ("", f"spent by weekday and hour ({drawn.zone}), since {drawn.since:%Y-%m-%d}")
    yield from heat_map(drawn, width=width, paint=paint)
    yield from heat_legend(drawn, width)
    yield from busiest(drawn)
    yield from ("", f"spent per month ({drawn.zone})")
    months = drawn.months[-_MONTHS:]
    marks = [", ".join(filter(None, [_marks(m), _watched(m)])) for m in months]
    labels = [f"{m.month:%Y-%m}" for m in months]
    yield from _bars(months, labels, marks, width=width, paint=paint)


def _watched(month: Month) -> str:
    """How much of it was seen, where that is not all."""
    if month.watched >= 0.995:
        return ""
    return f"watched {percent(round(month.watched, 2)) if month.watched >= 0.01 else 'under 1 %'}"


def _since_top_up(
    it: ToppedUp | None, unit: str | None, zone: tzinfo, now: datetime
) -> Iterator[str]:
    if it is None:
        return
    pace = it.per_day(now)
    a_day = "" if pace is None else f", {amount(_rounded(pace))} a day"
    ago = about(it.days(now) * 86400).removeprefix("about ")
    yield ""
    yield f"last topped up {minute(it.at.astimezone(zone))} by {money(it.amount, unit)}, {ago} ago"
    yield f"  since then {amount(it.spent)} spent{a_day}"


def _sum(found: History, total: Span) -> str:
    parts = [f"{amount(total.spent)} spent"]
    parts += [f"{amount(total.refunded)} refunded"] if total.refunded else []
    parts += [f"{amount(total.topped_up)} topped up"] if total.topped_up else []
    parts += [f"{amount(total.adjusted)} adjusted"] if total.adjusted else []
    start, end = amount(found.start or 0), amount(found.end or 0)
    return f"from {start} to {end}: {', '.join(parts)}"


def _rounded(value: float) -> float:
    """To three digits: an estimate is no more exact than that."""
    return float(f"{value:.3g}")
