"""What a failing store has not taken yet, and how it joins the next batch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from monitor.memory import Memory, TellKey, told_key
from monitor.store import Batch


@dataclass(slots=True)
class Owed:
    """What a failing store has not taken: keys alone, filled from memory when it works again."""

    alerts: set[tuple[str, str]] = field(default_factory=set)
    incidents: set[str] = field(default_factory=set)
    told: set[TellKey] = field(default_factory=set)
    silences: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    everything: bool = False

    def add(self, batch: Batch) -> None:
        """Owe what people depend on; a reading that is lost is read again."""
        self.alerts |= {a.key for a in batch.alerts} | set(batch.forget_alerts)
        self.incidents |= {i.id for i in batch.incidents}
        self.told |= {told_key(t) for t in batch.told}
        self.silences |= {s.id for s in batch.silences}
        self.seen |= set(batch.seen)

    def batch(self, memory: Memory) -> Batch:
        """It as memory has it now: never an older state over a newer one."""
        known = memory.alerts
        return Batch(
            alerts=tuple(known[k] for k in self.alerts if k in known),
            forget_alerts=tuple(k for k in self.alerts if k not in known),
            incidents=tuple(memory.incidents[i] for i in self.incidents if i in memory.incidents),
            told=tuple(memory.told[k] for k in self.told if k in memory.told),
            silences=tuple(memory.silences[s] for s in self.silences if s in memory.silences),
            seen={k: memory.seen[k] for k in self.seen if k in memory.seen},
        )


def joined(owed: Batch, batch: Batch) -> Batch:
    """Both in one transaction; of the same thing the batch's own, which is the newer."""
    alerts = {a.key: a for a in (*owed.alerts, *batch.alerts)}
    forgotten = {*owed.forget_alerts, *batch.forget_alerts}
    for alert in batch.alerts:
        forgotten.discard(alert.key)
    for key in forgotten:
        alerts.pop(key, None)
    incidents = {i.id: i for i in (*owed.incidents, *batch.incidents)}
    told = {told_key(t): t for t in (*owed.told, *batch.told)}
    return replace(
        batch,
        alerts=tuple(alerts.values()),
        forget_alerts=tuple(forgotten),
        incidents=tuple(incidents.values()),
        told=tuple(told.values()),
        silences=(*owed.silences, *batch.silences),
        seen={**owed.seen, **batch.seen},
    )
