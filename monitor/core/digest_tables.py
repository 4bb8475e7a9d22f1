"""The tables of a digest: each account's money, incidents, services, quotas, keys."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from monitor.core.accuracy import Hindsight
from monitor.core.digest import Digest
from monitor.core.durations import about
from monitor.core.jobs import jobs_of
from monitor.core.keys import expires_at
from monitor.core.message import jobs_in_words
from monitor.core.model import Check, Incident, Quota
from monitor.core.phrases import by_plan, clean, headline, hours, quota_figure, top_up
from monitor.core.retrospect import Balance, Retrospect, Spell
from monitor.core.topping import unit
from monitor.core.view import View
from monitor.core.words import amount, percent, thousands

DAYS = 30  # that a suggested top-up is to last
_NEAR = 0.8  # share of a quota that is worth a line
_SOON = timedelta(days=30)  # before its end a key is
_NAMED = 20  # lines of one table
_DAY = timedelta(days=1)

Rows = tuple[tuple[str, str], ...]
Section = tuple[str, Rows]  # with its title


def overview(found: Retrospect) -> Rows:
    """What fits everywhere: one line for each account."""
    digest, zone = found.digest, found.zone
    rows = [("From", minute_in(digest.since, zone)), ("To", minute_in(digest.at, zone))]
    for balance in found.balances:
        spent = "" if balance.spell is None else f"{_money(balance.spell.spent, balance)} spent"
        lasts = runway_of(balance.view)
        rows.append((balance.view.account, ", ".join(filter(None, [spent, lasts])) or "not read"))
    return (*rows, ("Incidents", str(len(found.incidents))))


def sections_of(found: Retrospect) -> tuple[Section, ...]:
    """One table for each account's money, and for each other thing there is to look at."""
    digest, zone = found.digest, found.zone
    accounts = [(b.view.account, tuple(_account(b, digest))) for b in found.balances]
    others = (
        ("Incidents", _incidents(found)),
        ("Services", _services(found)),
        (f"Quotas over {percent(_NEAR)}", tuple(_quotas(found.views))),
        ("Keys that expire soon", tuple(_keys(found.views, digest.at, zone))),
    )
    every = (*accounts, *others)
    return tuple((clean(title, 80), _bounded(rows)) for title, rows in every if rows)


def _bounded(rows: Rows) -> Rows:
    more = len(rows) - _NAMED
    return rows if more <= 0 else (*rows[:_NAMED], ("and", f"{more} more"))


def _account(balance: Balance, digest: Digest) -> Iterable[tuple[str, str]]:
    if balance.spell is not None:
        yield from _past(balance, balance.spell, while_of(digest))
    yield from _present(balance)
    for hindsight in balance.view.hindsight:
        yield f"Forecasts {hindsight.before} h before", _accuracy(hindsight)
    if runway_of(balance.view):
        yield f"To last {DAYS} days", _suggested(balance.view)


def _past(balance: Balance, here: Spell, name: str) -> Iterable[tuple[str, str]]:
    yield "Spent", _spent(balance, here, name)
    if here.top_ups:
        yield "Topped up", _topped_up(balance, here)
    if not here.whole:
        yield "Watched", f"{about(here.watched.total_seconds())} of it"


def _present(balance: Balance) -> Iterable[tuple[str, str]]:
    view = balance.view
    if view.balance is not None:
        label = "Last known balance" if view.known_balance is None else "Balance"
        yield label, _money(view.balance, balance)
    outlook = view.outlook if view.known else None
    if outlook is not None and outlook.burn_per_hour is not None:
        yield "Burn", f"{_money(outlook.burn_per_hour, balance)} an hour{by_plan(outlook)}"
    if runway := runway_of(view):
        likely = outlook.p50 if outlook is not None else None
        yield "Runway", runway + (f", as likely as not {hours(likely)}" if likely else "")
    if jobs := jobs_in_words(jobs_of(view)):
        yield "Jobs left", jobs


def _spent(balance: Balance, here: Spell, name: str) -> str:
    spent, before = _money(here.spent, balance), balance.before
    if before is None or not (before.whole and here.whole):
        return spent
    against = f"{spent}; {_money(before.spent, balance)} the {name} before"
    if before.spent <= 0 or here.spent == before.spent:
        return against
    share = float(here.spent / before.spent) - 1
    return f"{against} ({percent(round(abs(share), 2))} {'more' if share > 0 else 'less'})"


def _topped_up(balance: Balance, here: Spell) -> str:
    times = "once" if here.top_ups == 1 else f"{here.top_ups} times"
    return f"{_money(here.topped_up, balance)}, {times}"


def _accuracy(found: Hindsight) -> str:
    off = f"off by a factor of {amount(round(found.factor, 2))}"
    if found.scores == 1:
        held = "within" if found.held else "outside of"
        return f"{off}, once, {held} the range that was said"
    return f"{off} at the median, {found.held} of {found.scores} within the range that was said"


def _suggested(view: View) -> str:
    said = top_up(view, DAYS)
    return f"t{said[1:].partition(':')[0]}" if said else "what is there is enough"


def _incidents(found: Retrospect) -> Rows:
    return tuple(
        (clean(headline(i, None), 90), _stood(i, found.digest, found.zone))
        for i in found.incidents
    )


def _stood(incident: Incident, digest: Digest, zone: tzinfo) -> str:
    end = incident.closed_at
    since = f"{incident.severity.value}, {minute_in(incident.opened_at, zone)}"
    if end is None or end > digest.at:
        return f"{since}, still open after {_length(incident.opened_at, digest.at)}"
    return f"{since}, for {_length(incident.opened_at, end)}"


def _length(begin: datetime, end: datetime) -> str:
    return about((end - begin).total_seconds())


def _services(found: Retrospect) -> Rows:
    down = [d for d in found.downtimes if d.seconds > 0]
    rows = tuple((d.service, f"what it needs was unusable for {about(d.seconds)}") for d in down)
    fine = [d.service for d in found.downtimes if d.seconds <= 0]
    return (*rows, (", ".join(fine), "no downtime known")) if fine else rows


def _quotas(views: Iterable[View]) -> Iterable[tuple[str, str]]:
    for view in views:
        for quota in view.known_quotas:
            if _is_near(quota):
                yield f"{view.account}: {clean(quota.quota, 60)}", quota_figure(quota)


def _is_near(quota: Quota) -> bool:
    return quota.used_share is not None and quota.used_share >= _NEAR


def _keys(views: Iterable[View], at: datetime, zone: tzinfo) -> Iterable[tuple[str, str]]:
    for view in views:
        end = expires_at(view.facts) if view.check is Check.KEY else None
        if end is not None and "role" in view.facts and end - at < _SOON:
            ends = "expires" if end > at else "has expired"
            yield view.account, f"{ends} {minute_in(end, zone)}"


# -- phrases --------------------------------------------------------------------------------


def _money(value: Decimal | float, balance: Balance) -> str:
    return f"{thousands(value)} {unit(balance.view)}"


def cautious(view: View) -> float | None:
    """Its runway in hours, P25; None where it is not known."""
    return view.outlook.p25 if view.outlook is not None and view.known else None


def runway_of(view: View) -> str:
    """`about 6 days`; empty where it is not known."""
    p25 = cautious(view)
    return "" if p25 is None else hours(p25) if p25 > 0 else "no longer"


def minute_in(at: datetime, zone: tzinfo) -> str:
    """`Mon 2026-11-30 09:00`, on the receiver's clock."""
    return f"{at.astimezone(zone):%a %Y-%m-%d %H:%M}"


def while_of(digest: Digest) -> str:
    """`week`, also where the clocks changed in it."""
    days = round((digest.at - digest.since) / _DAY)
    names = {1: "day", 7: "week", **dict.fromkeys(range(28, 32), "month")}
    return names.get(days, f"{days} days")
