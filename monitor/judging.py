"""From views to alerts and incidents: the rules applied to what is in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.core.alerts import close, step
from monitor.core.blame import LASTING, lasting
from monitor.core.causes import KEY_CAUSES
from monitor.core.changed import marked
from monitor.core.incident import RULE_REMOVED, TARGET_REMOVED
from monitor.core.model import (
    NETWORK_TARGET,
    Alert,
    AlertState,
    Check,
    Incident,
    Judgement,
    Verdict,
    key_target,
    provider_target,
)
from monitor.core.notice import Notice
from monitor.core.rules import Rule, judge
from monitor.core.view import View
from monitor.memory import Memory


@dataclass(slots=True)
class Changes:
    """What judging has changed: for the batch, and to know whether somebody must be told."""

    alerts: dict[tuple[str, str], Alert] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    forgotten: set[tuple[str, str]] = field(default_factory=set)
    notices: dict[str, Notice] = field(default_factory=dict)  # seen with it, judged by nobody

    def __bool__(self) -> bool:
        return bool(self.alerts or self.incidents or self.forgotten or self.notices)


class Judge:
    """Applies the rules; the only writer of alerts and incidents in memory."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def after_probe(self, target: str, now: datetime, *, anew: bool = False) -> Changes:
        """Judge a target that was just probed, and the derived ones it may have moved.

        `anew`: its figures are of another series, so that no earlier breach counts.
        """
        memory, changes = self._memory, Changes()
        view = memory.views[target]
        if anew:
            self._forget_pending(target, changes)
        self._apply(view, now, changes)
        if view.check is Check.MODEL:
            self._apply(memory.models(view.account), now, changes)
        if self._key_moved(view):
            self._apply(memory.key(view.account), now, changes)
        lasts = view.failures >= LASTING
        if lasts or self._stands(provider_target(view.provider)):
            self._apply(memory.provider(view.provider), now, changes)
        if lasts or self._stands(NETWORK_TARGET):
            self._apply(memory.network(), now, changes)
        return changes

    def _forget_pending(self, target: str, changes: Changes) -> None:
        for alert in [a for a in self._memory.alerts.values() if a.target == target]:
            if alert.state is AlertState.PENDING:
                self._keep(alert, Alert(alert.rule, alert.target), changes)

    def _key_moved(self, view: View) -> bool:
        name = key_target(view.account)
        bad = view.reading is not None and view.reading.cause in KEY_CAUSES
        return (view.target != name and (bad or self._stands(name))) or view.target == name

    def _stands(self, target: str) -> bool:
        return any((r.name, target) in self._memory.alerts for r in self._memory.rules_for(target))

    def all(self, now: datetime) -> Changes:
        """Judge everything: after a start, a reload, and for what only time brings about."""
        memory, changes = self._memory, Changes()
        for view in [*memory.views.values(), *memory.derived().values()]:
            self._apply(view, now, changes)
        return changes

    def sweep(self, now: datetime) -> Changes:
        """Judge what time alone can change: pending alerts that lapse, targets gone stale."""
        memory, changes = self._memory, Changes()
        own = {v.target: v for v in memory.ours(now)}
        for view in own.values():
            self._apply(view, now, changes)
        for view in [v for v in memory.views.values() if _late(v, now)]:
            self._apply(view, now, changes)
        moved = [a for a in memory.alerts.values() if a.state is AlertState.PENDING or _timed(a)]
        for target in {a.target for a in moved} - own.keys():
            found = memory.look(target)
            if found is not None:
                self._apply(found, now, changes)
        return changes

    def reword(self, now: datetime) -> None:
        """Let what fires say the present figures: a store keeps the words of its opening."""
        memory = self._memory
        for key, alert in list(memory.alerts.items()):
            rule = next((r for r in memory.rules_for(alert.target) if r.name == alert.rule), None)
            view = memory.look(alert.target)
            if rule is None or view is None:
                continue
            found = judge(rule, view, firing=True, now=now)
            if found.verdict is Verdict.BREACH and found.summary:
                memory.alerts[key] = replace(alert, summary=found.summary)

    def _apply(self, view: View, now: datetime, changes: Changes) -> None:
        if view.target == key_target(view.account):
            view = self._memory.key(view.account)  # what any target saw of it
        memory, lasts = self._memory, lasting(view)
        network = memory.network() if lasts else None
        provider = memory.provider(view.provider) if lasts else None
        for rule in memory.rules_for(view.target):
            known = memory.alerts.get((rule.name, view.target))
            firing = known is not None and known.stands
            found = judge(rule, view, firing=firing, now=now, network=network, provider=provider)
            # Nearly always there is nothing to end, and nothing begins.
            if known is not None or found.verdict is Verdict.BREACH:
                self._judged(rule, view, found, now, changes)

    def _judged(
        self, rule: Rule, view: View, judgement: Judgement, now: datetime, changes: Changes
    ) -> None:
        memory, key = self._memory, (rule.name, view.target)
        alert = memory.alerts.get(key) or Alert(rule.name, view.target)
        incident = memory.incidents.get(alert.incident) if alert.incident else None
        stepped = step(
            alert,
            judgement,
            rule,
            now,
            incident=incident,
            account=view.account,
            provider=view.provider,
            interval=max(view.interval, view.reading.duration if view.reading else 0.0),
            damping=memory.settings.flapping,
            past=lambda: [i for i in memory.incidents.values() if (i.alert, i.target) == key],
        )
        if stepped.opened or stepped.closed:
            stepped = marked(stepped, view, memory.credit(view.target))
        if stepped.opened and stepped.incident:
            memory.opened[rule.name, stepped.incident.severity.value] += 1
        self._keep(alert, stepped.alert, changes)
        if stepped.incident is not None and stepped.incident != incident:
            memory.incidents[stepped.incident.id] = stepped.incident
            if incident is None or _told_apart(incident, stepped.incident):
                changes.incidents[stepped.incident.id] = stepped.incident

    def _keep(self, before: Alert, after: Alert, changes: Changes) -> None:
        """Remember an alert; one that is inactive is not worth a row."""
        memory = self._memory
        if after.state is AlertState.INACTIVE:
            if memory.alerts.pop(after.key, None) is not None:
                changes.forgotten.add(after.key)
                changes.alerts.pop(after.key, None)
            return
        memory.alerts[after.key] = after
        if _weighs(before) != _weighs(after):
            changes.alerts[after.key] = after
            changes.forgotten.discard(after.key)

    def removed(self, now: datetime) -> Changes:
        """Close what stands for a rule or a target that the config no longer has."""
        memory, changes = self._memory, Changes()
        own = (v.target for v in memory.ours(now))
        targets = {*memory.targets, *memory.derived(), *own}
        for key, alert in list(memory.alerts.items()):
            rules = {r.name for r in memory.rules_for(alert.target)}
            if alert.target in targets and alert.rule in rules:
                continue
            reason = RULE_REMOVED if alert.target in targets else TARGET_REMOVED
            incident = memory.incidents.get(alert.incident) if alert.incident else None
            if incident is not None:
                self._end(close(alert, incident, now, reason).incident, changes)
            del memory.alerts[key]
            changes.forgotten.add(key)
        held = {a.incident for a in memory.alerts.values()}
        for orphan in [i for i in memory.incidents.values() if i.open and i.id not in held]:
            alert = Alert(orphan.alert, orphan.target, AlertState.FIRING, incident=orphan.id)
            self._end(close(alert, orphan, now, "no alert stands behind it").incident, changes)
        return changes

    def _end(self, closed: Incident | None, changes: Changes) -> None:
        if closed is not None:
            self._memory.incidents[closed.id] = changes.incidents[closed.id] = closed


def _late(view: View, now: datetime) -> bool:
    seen = [at for at in (view.watched_since, view.reading and view.reading.at) if at]
    return bool(seen) and (now - max(seen)).total_seconds() > 3 * view.interval


def _timed(alert: Alert) -> bool:
    """Whether the passing of time ends it, not a reading: a stale target's."""
    return alert.rule == "target-stale"


def _weighs(alert: Alert) -> tuple[object, ...]:
    """What of an alert is worth a flush to the disk: not the figures that move every probe."""
    pending = alert.breaches if alert.state is AlertState.PENDING else 0
    end = (alert.clears, alert.clear_since, alert.flaps)
    return (alert.state, alert.since, alert.incident, alert.severity, alert.cause, pending, end)


def _told_apart(before: Incident, after: Incident) -> bool:
    same = (before.severity, before.cause, before.closed_at, before.ack, before.flapping)
    return same != (after.severity, after.cause, after.closed_at, after.ack, after.flapping)
