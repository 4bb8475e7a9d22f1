"""How often an account may still be asked today: calls are counted from midnight to midnight UTC.

A budget is no schedule. What a target would like is stretched where all the account's targets
together would ask for more than is left, so that what is left lasts until the count begins anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Calls:
    """What one account has been asked with in one day."""

    day: date  # UTC
    made: int = 0  # requests since midnight, as far as this process has seen them
    gone: int = 0  # of the budget, for the part of the day that nobody here has seen


def begun(now: datetime, budget: int | None) -> Calls:
    """The count of a process that begins at `now`.

    What an earlier one has asked is not known: the part of the budget that belongs to the part of
    the day that is past counts as used, so that no number of restarts goes above a day's budget.
    """
    past = 1 - renews_in(now) / _DAY
    return Calls(_day(now), gone=0 if budget is None else round(budget * past))


def counted(calls: Calls, now: datetime, requests: int = 1) -> Calls:
    """After `requests` more at `now`; a day that has ended is forgotten."""
    today = calls if calls.day == _day(now) else Calls(_day(now))
    return replace(today, made=today.made + requests)


def left(calls: Calls, now: datetime, budget: int | None) -> float:
    """Requests that may still be sent today; infinite without a budget."""
    if budget is None:
        return float("inf")
    today = calls if calls.day == _day(now) else Calls(_day(now))
    return max(0, budget - today.gone - today.made)


def renews_at(now: datetime) -> datetime:
    """The next midnight UTC."""
    day = datetime(now.year, now.month, now.day, tzinfo=UTC)
    return day + timedelta(days=1)


def renews_in(now: datetime) -> float:
    """Seconds until then, more than 0."""
    return (renews_at(now) - now).total_seconds()


def stretched(
    delay: float, now: datetime, remaining: float, wanted: Iterable[tuple[int, float]]
) -> float:
    """Seconds to a target's next probe, so that what remains lasts until midnight.

    `delay`: what the target would like. `wanted`: (requests a probe, seconds between two) of every
    target of the account, this one among them. Past midnight nothing is stretched: the count
    begins anew there.
    """
    rest = renews_in(now)
    if remaining <= 0:
        return max(delay, rest)
    asked = sum(requests / seconds for requests, seconds in wanted) * rest
    if asked <= remaining:
        return delay
    return max(delay, min(delay * asked / remaining, rest))


def _day(now: datetime) -> date:
    return now.astimezone(UTC).date()
