"""One account of the operator's page: balance, runway, jobs left, quotas, models, the rest."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.accuracy import Hindsight
from monitor.core.causes import Severity, Status, worst
from monitor.core.durations import about
from monitor.core.jobs import jobs_of
from monitor.core.limits import declared_words
from monitor.core.model import Outlook, Quota
from monitor.core.phrases import by_plan
from monitor.core.settings import Account
from monitor.core.snapshot import Snapshot
from monitor.core.view import View
from monitor.core.words import amount, percent
from monitor.web.chart import NARROW, WIDE, Chart, chart
from monitor.web.entries import Entry

_LINES, _JOBS, _QUOTAS = 40, 40, 20  # shown at most per account
_OWN = ("model", "balance")  # checks with a place of their own
_SHAPES = {Status.OK: "●", Status.WARNING: "▲", Status.CRITICAL: "■", Status.UNKNOWN: "?"}
_OF_SEVERITY = {Severity.WARNING: Status.WARNING, Severity.CRITICAL: Status.CRITICAL}


@dataclass(frozen=True, slots=True)
class Badge:
    """A status as text, shape and colour."""

    word: str
    shape: str
    colour: str  # the name of a class
    badness: int = 0

    @classmethod
    def of(cls, status: Status) -> Badge:
        """The badge of a status."""
        return cls(status.value, _SHAPES[status], status.value, status.badness)

    @classmethod
    def severe(cls, severity: Severity) -> Badge:
        """The badge of a severity."""
        status = _OF_SEVERITY.get(severity, Status.OK)
        return cls(severity.value, _SHAPES[status], status.value)


@dataclass(frozen=True, slots=True)
class Line:
    """One target of an account."""

    name: str  # the model's ID, else the check
    target: str
    badge: Badge
    cause: str  # empty where it is plainly fine
    words: str
    next_step: str


@dataclass(frozen=True, slots=True)
class BalanceCard:
    """The account's money."""

    badge: Badge
    balance: str  # `5916.25 credits`, or `unknown`
    read_at: datetime | None
    unit_since: datetime | None  # when its unit last changed
    runway: str  # empty where unknown
    spread: str  # `P10 about 4 days, P90 about 9 days`
    burn: str
    floor: str
    words: str
    next_step: str
    jobs: tuple[tuple[str, int], ...]
    main_job: tuple[str, int] | None  # the one that messages name
    charts: tuple[Chart, ...]  # the same, for screens and for phones
    forecasts: tuple[str, ...]  # how wrong they were


@dataclass(frozen=True, slots=True)
class QuotaLine:
    """A limit that resets."""

    quota: str
    words: str
    share: float | None  # 0 to 1, for a meter
    resets_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccountCard:
    """One account."""

    name: str
    provider: str
    badge: Badge
    balance: BalanceCard | None
    quotas: tuple[QuotaLine, ...]
    models: tuple[Line, ...]
    models_hidden: int
    others: tuple[Line, ...]
    others_hidden: int
    gist: str  # the account in a line, for where the rest is folded away
    drawn: bool = True  # whether there are charts
    open: bool = True  # whether the rest is shown at once


def account_card(
    account: Account, found: Sequence[Entry], snapshot: Snapshot, *, drawn: bool = True
) -> AccountCard:
    """The account as `found` (its targets in the status document) and the snapshot have it."""
    views = {e.target: snapshot.views[e.target] for e in found if e.target in snapshot.views}
    models = [_line(e, views.get(e.target)) for e in found if e.check == "model"]
    # In the order the product tries them, so that the first usable one is seen.
    models.sort(key=lambda m: _place(account.models, m.name))
    others = [_line(e, views.get(e.target)) for e in found if e.check not in _OWN]
    quotas = [q for view in views.values() for q in view.known_quotas]
    balance = _balance(found, snapshot, drawn=drawn)
    return AccountCard(
        name=account.name,
        provider=account.provider,
        badge=Badge.of(worst([e.status for e in found])),
        balance=balance,
        quotas=tuple(_quota(q) for q in quotas[:_QUOTAS]),
        models=_shown(models),
        models_hidden=len(models) - len(_shown(models)),
        others=_shown(others),
        others_hidden=len(others) - len(_shown(others)),
        gist=", ".join(_gist(balance, models, others)),
        drawn=drawn,
    )


def _gist(balance: BalanceCard | None, models: list[Line], others: list[Line]) -> Iterator[str]:
    if balance is not None:
        yield balance.balance
        if balance.runway:
            yield balance.runway
        if balance.main_job:
            yield f"{balance.main_job[1]} {balance.main_job[0]}"
    for noun, lines in (("model", models), ("check", others)):
        bad = sum(line.badge.colour != "ok" for line in lines)
        if lines and (noun == "model" or bad):
            number = f"{len(lines)} {noun}{'' if len(lines) == 1 else 's'}"
            yield f"{bad} of {number} not ok" if bad else f"{number} ok"


def _shown(lines: list[Line]) -> tuple[Line, ...]:
    """The first ones, and of the rest those that are not fine."""
    rest = [line for line in lines[_LINES:] if line.badge.colour != "ok"]
    return tuple(lines[:_LINES] + rest[:_LINES])


def _place(order: Sequence[str], model: str) -> int:
    return order.index(model) if model in order else len(order)


def _line(entry: Entry, view: View | None) -> Line:
    subject = view.subject if view is not None else None
    name = entry.check if subject is None or entry.check != "model" else subject
    if entry.check == "inference" and subject:
        name = f"inference {subject}"
    cause = "" if entry.cause in ("", "ok") else entry.cause
    return Line(name, entry.target, Badge.of(entry.status), cause, entry.words, entry.next_step)


def _balance(found: Sequence[Entry], snapshot: Snapshot, *, drawn: bool) -> BalanceCard | None:
    entry = next((e for e in found if e.check == "balance"), None)
    view = snapshot.views.get(entry.target) if entry else None
    if entry is None or view is None:
        return None
    known = view.known_balance
    outlook = view.outlook if view.known else None
    unit = view.unit or "credits"
    return BalanceCard(
        badge=Badge.of(entry.status),
        balance="unknown" if known is None else f"{amount(known)} {unit}",
        read_at=view.last_success,
        unit_since=view.unit_since,
        runway=_runway(outlook),
        spread=_spread(outlook),
        burn=_burn(outlook, unit),
        floor=f"{amount(view.floor)} {unit}",
        words=entry.words,
        next_step=entry.next_step,
        jobs=jobs_of(view)[:_JOBS],
        main_job=_main_job(view),
        charts=_charts(view, snapshot, outlook) if drawn else (),
        forecasts=tuple(_hindsight(h) for h in view.hindsight),
    )


def _main_job(view: View) -> tuple[str, int] | None:
    """The first, where the config names one."""
    return next(iter(jobs_of(view)), None) if view.main_job in view.jobs_left else None


def _charts(view: View, snapshot: Snapshot, outlook: Outlook | None) -> tuple[Chart, ...]:
    points = list(snapshot.history.get(view.target, ()))
    at, latest = view.last_success, view.known_balance
    if at is not None and latest is not None and (not points or points[-1][0] < at):
        points.append((at, float(latest)))
    # To the whole minute: a page that says nothing new is the same page.
    now = snapshot.at.replace(second=0, microsecond=0) + timedelta(minutes=1)
    floor = float(view.floor)
    made = (chart(points, now=now, floor=floor, outlook=outlook, box=b) for b in (WIDE, NARROW))
    return tuple(drawing for drawing in made if drawing is not None)


def _hindsight(known: Hindsight) -> str:
    """`24 h ahead: P50 off by a factor of 1.15, P10 to P90 held 6 of the last 7`."""
    off = amount(round(known.factor, 2))
    held = f"P10 to P90 held {known.held} of the last {known.scores}"
    return f"{known.before} h ahead: P50 off by a factor of {off} (median), {held}"


def _runway(outlook: Outlook | None) -> str:
    if outlook is None or outlook.p25 is None:
        return ""
    if math.isinf(outlook.p25):
        return "nothing burns" if outlook.burn_per_hour == 0 else "without end"
    return "at the floor" if outlook.p25 <= 0 else about(outlook.p25 * 3600)


def _spread(outlook: Outlook | None) -> str:
    if outlook is None or not outlook.p25 or math.isinf(outlook.p25):
        return ""
    named = {"P10": outlook.p10, "P50": outlook.p50, "P90": outlook.p90}
    return ", ".join(f"{n} {about(h * 3600)}" for n, h in named.items() if h is not None)


def _burn(outlook: Outlook | None, unit: str) -> str:
    if outlook is None or outlook.burn_per_hour is None:
        return ""
    return f"{amount(outlook.burn_per_hour)} {unit} an hour{by_plan(outlook)}"


def _quota(quota: Quota) -> QuotaLine:
    share = quota.used_share
    bounded = None if share is None else min(max(share, 0.0), 1.0)
    if quota.declared:
        return QuotaLine(quota.quota, declared_words(quota), bounded, None)
    used = "unknown" if quota.used is None else amount(quota.used)
    words = f"{used} {quota.unit} used, no limit"
    if quota.limit is not None:
        words = f"{used} of {amount(quota.limit)} {quota.unit} used"
    if share is not None:
        words += f" ({percent(share)})"
    return QuotaLine(quota.quota, words, bounded, quota.resets_at)
