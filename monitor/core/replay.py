"""Recorded history, stepped through the present rules: what would have fired, and when."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from monitor.core.accuracy import Ending, Hindsight, figures, score_figures
from monitor.core.alerts import step
from monitor.core.book import Book
from monitor.core.causes import Cause
from monitor.core.conditions import CauseIn, Compare, Condition, Special
from monitor.core.figures import estimate, instant, number, runway_hours
from monitor.core.globs import matches
from monitor.core.model import (
    Alert,
    AlertState,
    Check,
    Finding,
    Incident,
    Outlook,
    Reading,
    Sample,
    Target,
    TargetRecord,
    Totals,
    Verdict,
)
from monitor.core.rules import Rule, judge
from monitor.core.secret import Secret
from monitor.core.settings import Account, Interval, TargetSettings
from monitor.core.view import View
from monitor.core.views import fold, target_view

_PLAIN = "replay"  # the account's name where no config gives one
_UNREAD = Finding(Cause.PROVIDER_ERROR, "could not be read")
_CAUSES = frozenset({Cause.OK, Cause.CREDITS_EXHAUSTED})  # a sample does not say why it is null
_SPECIALS = frozenset({"balance-unreadable"})
_NOT_RECORDED = frozenset({"latency", "quota_left", "quota_used"})
_GAPS = 5  # the last gaps between samples, of which the middle one is the pace


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay has found at one moment."""

    at: datetime  # "now"
    first: datetime | None
    last: datetime | None
    samples: int
    balance: Decimal | None
    floor: Decimal
    outlook: Outlook
    totals: Totals
    incidents: tuple[Incident, ...]  # in the order in which they opened
    endings: tuple[tuple[Ending, datetime | None], ...]  # each with its first warning
    hindsight: tuple[Hindsight, ...]


def plain_account() -> Account:
    """An account without a config: floor 0, no jobs, nothing planned."""
    target = Target(_PLAIN, _PLAIN, Check.BALANCE)
    settings = TargetSettings(target, Interval(0.0, 0.0), timeout=15.0)
    return Account(name=_PLAIN, provider=_PLAIN, key=Secret(""), targets=(settings,))


def new_book(account: Account) -> Book:
    """An empty book with an account's floor, prices and plan."""
    return Book(
        floor=account.floor, job_max=account.dearest_job, planned_burn=account.planned_burn
    )


def concerning(rules: Iterable[Rule], target: str) -> tuple[Rule, ...]:
    """The rules that a recorded balance can say something of."""
    return tuple(r for r in rules if matches(r.on, target) and _tellable(r.when))


def _tellable(condition: Condition) -> bool:
    match condition:
        case Special(name):
            return name in _SPECIALS
        case CauseIn(causes):
            return bool(causes & _CAUSES)
        case Compare():
            return condition.measure not in _NOT_RECORDED
        case _:
            return True


class Replay:
    """Steps samples through ledger, forecast, rules and alerts; the time of each is its now.

    `confirmed`: a doubtful value among the samples was asked for again when it was recorded, and
    stood, so that alerting believes it at once, as it did then. Bounded, but for what fired.
    """

    def __init__(
        self,
        account: Account,
        target: TargetSettings,
        rules: Iterable[Rule],
        *,
        confirmed: bool = False,
    ) -> None:
        self._account, self._target, self._confirmed = account, target, confirmed
        self._name, self._shortest = target.target.name, target.interval.longest
        self._rules = concerning(rules, self._name)
        self._book = new_book(account)
        self._record = TargetRecord(self._name, None)
        self._alerts: dict[str, Alert] = {}
        self._incidents: dict[str, Incident] = {}
        self._endings: list[tuple[Ending, datetime | None]] = []
        self._ending: Ending | None = None  # the newest of them
        self._gaps: deque[float] = deque(maxlen=_GAPS)
        self._first: datetime | None = None
        self._last: datetime | None = None
        self.samples = 0

    def step(self, sample: Sample) -> None:
        """Take one more sample; None is a probe that could not read. In time order."""
        at, balance = sample.at, sample.balance
        self._pace(at)
        self._enter(at, balance)
        outlook = self._book.outlook(at)
        view = self._look(at, balance, outlook)
        for rule in self._rules:
            self._judge(rule, view, at)
        if self._book.ending is not self._ending:
            self._end()

    def _end(self) -> None:
        """A balance has run out or was topped up; or it turned out not to have run out."""
        self._ending = ending = self._book.ending
        if ending is None:
            self._endings.pop()
            return
        known = [i for i in self._incidents.values() if i.opened_at < ending.at]
        stood = [i.opened_at for i in known if i.closed_at is None or i.closed_at >= ending.at]
        self._endings.append((ending, min(stood, default=None)))

    def _pace(self, at: datetime) -> None:
        if self._last is not None:
            self._gaps.append((at - self._last).total_seconds())
        self._first, self._last = self._first or at, at
        self.samples += 1
        if not self._gaps:
            return
        # The recording may be coarser than the config: what is pending must not lapse by that.
        usual = max(self._shortest, sorted(self._gaps)[len(self._gaps) // 2])
        if not usual <= self._target.interval.longest <= 2 * usual:
            self._target = replace(self._target, interval=Interval(usual, usual))

    def _enter(self, at: datetime, balance: Decimal | None) -> None:
        book = self._book
        if self._confirmed and balance is not None and book.suspect(at, balance):
            book.believe(at, balance)
        book.update(at, balance)

    def _look(self, at: datetime, balance: Decimal | None, outlook: Outlook) -> View:
        finding = _UNREAD if balance is None else Finding(Cause.OK, balance=balance)
        accepted = None if balance is None else self._book.accepted
        self._record = fold(self._record, Reading(self._name, at, 0.0, finding), accepted)
        return target_view(self._account, self._target, self._record, outlook=outlook)

    def _judge(self, rule: Rule, view: View, now: datetime) -> None:
        alert = self._alerts.get(rule.name)
        firing = alert is not None and alert.state is AlertState.FIRING
        judgement = judge(rule, view, firing=firing, now=now)
        if _idle(alert, judgement.verdict):
            return
        alert = alert or Alert(rule.name, self._name)
        stepped = step(
            alert,
            judgement,
            rule,
            now,
            incident=self._incidents.get(alert.incident) if alert.incident else None,
            account=view.account,
            provider=view.provider,
            interval=view.interval,
        )
        if stepped.incident is not None:
            self._incidents[stepped.incident.id] = stepped.incident
        if stepped.alert.state is AlertState.INACTIVE:
            self._alerts.pop(rule.name, None)
        else:
            self._alerts[rule.name] = stepped.alert

    def result(self, now: datetime | None = None) -> Replayed:
        """How it stands at `now`, by default when the last sample was read."""
        at = now or self._last
        if at is None:
            raise ValueError("nothing was replayed, and no time is given")
        return Replayed(
            at=at,
            first=self._first,
            last=self._last,
            samples=self.samples,
            balance=self._book.accepted,
            floor=self._account.floor,
            outlook=self._book.outlook(at),
            totals=self._book.totals,
            incidents=tuple(self._incidents.values()),
            endings=tuple(self._endings),
            hindsight=self._book.hindsight,
        )


def _idle(alert: Alert | None, verdict: Verdict) -> bool:
    """Whether a verdict changes nothing that a replay tells: most do not, and steps cost."""
    if alert is None:
        return verdict is not Verdict.BREACH
    firing = alert.state is AlertState.FIRING
    return firing and alert.clear_since is None and verdict is not Verdict.OK


def document(target: str | None, found: Replayed) -> dict[str, object]:
    """A replay's result, ready for strict JSON."""
    outlook, totals = found.outlook, found.totals
    return {
        "target": target,
        "from": instant(found.first),
        "to": instant(found.last),
        "at": instant(found.at),
        "samples": found.samples,
        "balance": number(found.balance),
        "floor": number(found.floor),
        "burn_per_hour": estimate(outlook.burn_per_hour),
        "burn_planned": outlook.planned,
        "runway_hours": runway_hours(outlook),
        "spent": number(totals.spent),
        "topped_up": number(totals.topped_up),
        "refunded": number(totals.refunded),
        "adjusted": number(totals.adjusted),
        "misread": totals.misread,
        "alerts": _alerts(found.incidents),
        "endings": [_ended(ending, warned) for ending, warned in found.endings],
        "forecast_accuracy": figures(found.hindsight),
    }


def _alerts(incidents: Sequence[Incident]) -> list[dict[str, object]]:
    return [
        {
            "alert": i.alert,
            "severity": i.severity.value,
            "opened": instant(i.opened_at),
            "closed": instant(i.closed_at),
        }
        for i in incidents
    ]


def _ended(ending: Ending, warned: datetime | None) -> dict[str, object]:
    return {
        "at": instant(ending.at),
        "ended": ending.ended.value,
        "warned": instant(warned),
        "forecasts": {f"{s.before}h": score_figures(s) for s in ending.scores},
    }
