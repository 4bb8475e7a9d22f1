"""How everything stands: the status of a target, of the whole, and the exit code of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitor.core.advice import whoami_only
from monitor.core.causes import CAUSES, KEY_CAUSES, Cause, Severity, Standing, Status, worst
from monitor.core.model import Alert, AlertState, Check, models_target, provider_target
from monitor.core.snapshot import Snapshot
from monitor.core.view import View

_OF_SEVERITY = {
    Severity.INFO: Status.OK,
    Severity.WARNING: Status.WARNING,
    Severity.CRITICAL: Status.CRITICAL,
}


def concerned(view: View) -> frozenset[str]:
    """The targets whose alerts speak of this one: itself, its account's models, its provider.

    A status page, on a host of its own, is not what `PROVIDER/provider` stands for.
    """
    names = {view.target}
    if view.check is Check.MODEL:
        names.add(models_target(view.account))
    asked = view.check is not Check.STATUS and not view.local
    if asked and view.cause is not Cause.NOT_CONFIGURED:
        names.add(provider_target(view.provider))
    return frozenset(names)


def _firing(view: View, alerts: Iterable[Alert]) -> list[Alert]:
    """The firing alerts that speak of a target, the worst first."""
    names = concerned(view)
    found = [a for a in alerts if a.state is AlertState.FIRING and a.target in names]
    return sorted(found, key=lambda a: (-a.severity.rank, a.rule, a.target))


def _unusable(view: View) -> bool:
    return view.standing is Standing.UNUSABLE and view.key_cause is None


def cause_status(view: View, siblings: Iterable[View] = ()) -> Status:
    """What the table of causes says of a target. `siblings`: the views of its account."""
    siblings = tuple(siblings)
    if view.cause is None or (view.key_cause is not None and view.cause not in KEY_CAUSES):
        return Status.UNKNOWN
    if view.cause in (Cause.NOT_KNOWABLE, Cause.NOT_CONFIGURED):
        needed = view.check is Check.BALANCE or view.named
        return Status.UNKNOWN if needed else Status.OK
    if whoami_only(view, siblings):
        return Status.OK
    status = CAUSES[view.cause].once
    if view.check is Check.MODEL and _unusable(view):
        models = [s for s in siblings if s.check is Check.MODEL]
        gone = bool(models) and all(_unusable(m) for m in models)
        return Status.CRITICAL if gone else status
    return worst([status, Status.WARNING]) if view.warning else status


def target_status(view: View, alerts: Iterable[Alert], siblings: Iterable[View] = ()) -> Status:
    """The worst severity of the firing alerts that speak of it, else what its cause says.

    An alert of severity info counts as ok, but does not make a target known that was not read;
    a model is critical when none of its account is left, and what sees its key refused is, though
    its own alert only warns: the alert that says more stands on `ACCOUNT/key` or `ACCOUNT/model`.
    """
    by_cause, firing = cause_status(view, siblings), _firing(view, alerts)
    if not firing:
        return by_cause
    by_alert = _OF_SEVERITY[firing[0].severity]
    if by_cause is Status.CRITICAL and (view.check is Check.MODEL or view.cause in KEY_CAUSES):
        return Status.CRITICAL
    unread = by_alert is Status.OK and by_cause is Status.UNKNOWN
    return Status.UNKNOWN if unread else by_alert


@dataclass(frozen=True, slots=True)
class Row:
    """One configured target as it stands. Of `ACCOUNT/key`: with what any target saw of it."""

    view: View
    status: Status
    firing: tuple[Alert, ...]  # the worst first; those of derived targets too
    siblings: tuple[View, ...]  # of the same account

    @property
    def counts(self) -> bool:
        """Whether it weighs in the whole: a status page alone does not."""
        return self.view.check is not Check.STATUS or bool(self.firing)


def rows(snapshot: Snapshot) -> tuple[Row, ...]:
    """Every configured target as it stands, in the config's order."""
    views = [snapshot.derived.get(n, v) for n, v in snapshot.views.items()]
    accounts: dict[str, list[View]] = defaultdict(list)
    alerts: dict[str, list[Alert]] = defaultdict(list)
    for view in views:
        accounts[view.account].append(view)
    for alert in snapshot.alerts:
        alerts[alert.target].append(alert)
    return tuple(_row(v, tuple(accounts[v.account]), alerts) for v in views)


def _row(view: View, siblings: tuple[View, ...], alerts: Mapping[str, list[Alert]]) -> Row:
    heard = [a for name in concerned(view) for a in alerts.get(name, ())]
    firing = tuple(_firing(view, heard))
    return Row(view, target_status(view, heard, siblings), firing, siblings)


def whole(found: Iterable[Row]) -> Status:
    """The worst of them; of none, ok."""
    return worst([row.status for row in found if row.counts])


def overall(snapshot: Snapshot) -> Status:
    """The worst target; of none, ok."""
    return whole(rows(snapshot))


def exit_code(status: Status, fail_on: Status = Status.UNKNOWN) -> int:
    """Nagios' exit code of the whole; what is below `fail_on` exits 0."""
    return status.exit_code if status.badness >= fail_on.badness else 0
