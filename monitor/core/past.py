"""All that is shown of a balance's past and what is ahead of it, as one document."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import Final

from monitor.core.burners import JobsReported, burners_document
from monitor.core.days import History, Span
from monitor.core.figures import estimate, instant, number, runway_hours, second
from monitor.core.hours import Hour
from monitor.core.model import Outlook
from monitor.core.pattern import DAYS, Month, Pattern, Rate, ToppedUp, month_of, pattern

WEEKS: Final = 13  # of which the pattern of a week is drawn, or more if more is asked for
_WEEK_SPAN = timedelta(weeks=WEEKS)
_YEAR = timedelta(days=365)
_SHARES = ("p10", "p25", "p50", "p90")


@dataclass(frozen=True, slots=True)
class Past:
    """A balance's history, its pattern, and the forecast at one moment."""

    at: datetime
    history: History
    pattern: Pattern
    outlook: Outlook | None  # None: nothing is known
    burners: JobsReported | None = None  # which job burns; None: nobody reports


def pattern_since(since: datetime, zone: tzinfo, now: datetime) -> datetime:
    """From when on hours are wanted for a pattern: whole months, a year of them at least."""
    return month_of(min(since, now - _YEAR), zone)


def past(
    found: History, kept: tuple[Hour, ...], *, since: datetime, now: datetime,
    outlook: Outlook | None,
) -> Past:  # fmt: skip
    """Put together. `kept` hours also tell of the time before `since`."""
    merged = {h.at: h for h in found.hours} | {h.at: h for h in kept}
    hours = [merged[at] for at in sorted(merged)]
    drawn = pattern(hours, found.zone, now=now, since=min(since, now - _WEEK_SPAN))
    if found.top_ups:  # known to the second
        drawn = replace(drawn, top_up=found.top_ups[-1])
    return Past(now, found, drawn, outlook)


def ends_at(hours: float | None, now: datetime) -> datetime | None:
    """When a runway ends; None: unknown, or not within the calendar."""
    if hours is None or not math.isfinite(hours):
        return None
    try:
        return now + timedelta(hours=hours)
    except OverflowError:
        return None


def document(it: Past) -> dict[str, object]:
    """A past, ready for strict JSON."""
    found = it.history
    samples, total = found.samples, found.total
    begins = found.older[0].at if found.older else samples[0].at if samples else None
    ends = samples[-1].at if samples else found.hours[-1].at if found.hours else None
    return {
        "target": found.target,
        "unit": found.unit,
        "floor": number(found.floor),
        "timezone": str(found.zone),
        "from": instant(begins),
        "to": instant(ends),
        "start": number(found.start),
        "end": number(found.end),
        "total": None if total is None else _figures(total),
        "days": [{"day": d.at.date().isoformat(), **_figures(d)} for d in found.days],
        "forecast": _forecast(it.outlook, it.at),
        "pattern": pattern_document(it.pattern, it.at),
        "hours": [_hour(h) for h in found.older],
        "samples": [{"at": instant(s.at), "balance": number(s.balance)} for s in samples],
        **({"jobs_reported": burners_document(it.burners)} if it.burners is not None else {}),
    }


def _figures(span: Span | Month | Hour) -> dict[str, object]:
    return {
        "spent": number(span.spent),
        "topped_up": number(span.topped_up),
        "refunded": number(span.refunded),
        "adjusted": number(span.adjusted),
    }


def _hour(hour: Hour) -> dict[str, object]:
    return {
        "at": instant(hour.at),
        "low": number(hour.low),
        "high": number(hour.high),
        "last": number(hour.last),
        **_figures(hour),
    }


def _forecast(outlook: Outlook | None, now: datetime) -> dict[str, object] | None:
    """Null where nothing is known."""
    if outlook is None or outlook.burn_per_hour is None:
        return None
    ends = {name: second(ends_at(getattr(outlook, name), now)) for name in _SHARES}
    return {
        "at": second(now),
        "burn_per_hour": estimate(outlook.burn_per_hour),
        "burn_planned": outlook.planned,
        "runway_hours": runway_hours(outlook),
        "ends_at": ends,
    }


def pattern_document(drawn: Pattern, now: datetime) -> dict[str, object]:
    """A pattern, ready for strict JSON. Rates are credits per watched hour, net of refunds."""
    return {
        "timezone": drawn.zone,
        "since": second(drawn.since),
        "week": {day: [_rate(r) for r in row] for day, row in zip(DAYS, drawn.week, strict=True)},
        "by_hour": [_rate(r) for r in drawn.hours],
        "by_weekday": {d: _rate(r) for d, r in zip(DAYS, drawn.days, strict=True)},
        "busiest_hour": drawn.busiest_hour,
        "busiest_weekday": None if drawn.busiest_day is None else DAYS[drawn.busiest_day],
        "months": [_month(m) for m in drawn.months],
        "since_top_up": None if drawn.top_up is None else _top_up(drawn.top_up, now),
    }


def _rate(rate: Rate) -> object:
    return estimate(rate.per_hour)


def _month(month: Month) -> dict[str, object]:
    return {
        "month": f"{month.month:%Y-%m}",
        **_figures(month),
        "watched": round(month.watched, 4),
    }


def _top_up(it: ToppedUp, now: datetime) -> dict[str, object]:
    return {
        "at": second(it.at),
        "amount": number(it.amount),
        "spent": number(it.spent),
        "days": round(it.days(now), 3),
        "spent_per_day": estimate(it.per_day(now)),
    }
