"""What a failing store has not taken yet, and how it joins the next batch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.core.counts import Counts, gathered
from monitor.core.hours import Hour
from monitor.memory import Memory, TellKey, told_key
from monitor.store import Batch

_MOST_HOURS = 5000  # rows: half a year of one balance, three weeks of ten


@dataclass(slots=True)
class Owed:
    """What a failing store has not taken: keys alone, filled from memory when it works again.

    Hours are held themselves: memory knows only the present one of each balance.
    """

    targets: set[str] = field(default_factory=set)
    alerts: set[tuple[str, str]] = field(default_factory=set)
    incidents: set[str] = field(default_factory=set)
    told: set[TellKey] = field(default_factory=set)
    silences: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    notices: set[str] = field(default_factory=set)
    series: set[str] = field(default_factory=set)
    top_ups: set[str] = field(default_factory=set)
    hours: dict[tuple[str, datetime], Hour] = field(default_factory=dict)
    used: set[tuple[str, str, datetime]] = field(default_factory=set)
    jobs: set[tuple[str, str, datetime]] = field(default_factory=set)
    known: set[tuple[str, bytes]] = field(default_factory=set)
    everything: bool = False

    def __bool__(self) -> bool:
        """Whether anything is owed; asked with every probe, of which nearly none owes."""
        return self != _NOTHING

    def add(self, batch: Batch) -> None:
        """Owe what people depend on, and how the targets stand that it rests on.

        A sample that is lost is lost: the next reading comes soon.
        """
        self.targets |= {t.target for t in batch.targets}
        self.alerts |= {a.key for a in batch.alerts} | set(batch.forget_alerts)
        self.incidents |= {i.id for i in batch.incidents}
        self.told |= {told_key(t) for t in batch.told}
        self.silences |= {s.id for s in batch.silences}
        self.seen |= set(batch.seen)
        self.hours |= hours_by_key(batch)
        for key in sorted(self.hours, key=lambda k: k[1])[:-_MOST_HOURS]:
            del self.hours[key]
        self.notices |= {n.id for n in batch.notices}
        self.series |= {s.target for s in batch.series}
        self.top_ups |= {t.target for t in batch.top_ups}
        self.used |= {row.key for row in batch.counts.used}
        self.jobs |= {hour.key for hour in batch.counts.jobs}
        self.known |= {(k.account, k.digest) for k in batch.counts.known}

    def batch(self, memory: Memory) -> Batch:
        """It as memory has it now: never an older state over a newer one."""
        known = memory.alerts
        return Batch(
            targets=tuple(memory.records[t] for t in self.targets if t in memory.records),
            alerts=tuple(known[k] for k in self.alerts if k in known),
            forget_alerts=tuple(k for k in self.alerts if k not in known),
            incidents=tuple(memory.incidents[i] for i in self.incidents if i in memory.incidents),
            told=tuple(memory.told[k] for k in self.told if k in memory.told),
            silences=tuple(memory.silences[s] for s in self.silences if s in memory.silences),
            seen={k: memory.seen[k] for k in self.seen if k in memory.seen},
            hours=tuple((target, hour) for (target, _), hour in self.hours.items()),
            notices=tuple(memory.notices[n] for n in self.notices if n in memory.notices),
            series=tuple(memory.series[t] for t in self.series if t in memory.series),
            top_ups=tuple(memory.top_ups[t] for t in self.top_ups if t in memory.top_ups),
            counts=self._counts(memory),
        )

    def _counts(self, memory: Memory) -> Counts:
        """As memory has them; of an account that is gone none."""
        tallies = memory.tallies
        used = (tallies[a].at_minute(q, at) for a, q, at in self.used if a in tallies)
        jobs = (tallies[a].at_hour(job, at) for a, job, at in self.jobs if a in tallies)
        known = (tallies[a].known(digest) for a, digest in self.known if a in tallies)
        return Counts(
            used=tuple(row for row in used if row is not None),
            jobs=tuple(hour for hour in jobs if hour is not None),
            known=tuple(one for one in known if one is not None),
        )


_NOTHING = Owed()


def hours_by_key(*batches: Batch) -> dict[tuple[str, datetime], Hour]:
    """The hours of some batches; of the same hour that of the last."""
    return {(target, hour.at): hour for batch in batches for target, hour in batch.hours}


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
    targets = {t.target: t for t in (*owed.targets, *batch.targets)}
    checkpoints = {c.target: c for c in (*owed.checkpoints, *batch.checkpoints)}
    return replace(
        batch,
        targets=tuple(targets.values()),
        alerts=tuple(alerts.values()),
        forget_alerts=tuple(forgotten),
        incidents=tuple(incidents.values()),
        told=tuple(told.values()),
        checkpoints=tuple(checkpoints.values()),
        silences=(*owed.silences, *batch.silences),
        seen={**owed.seen, **batch.seen},
        hours=tuple((t, hour) for (t, _), hour in hours_by_key(owed, batch).items()),
        notices=(*owed.notices, *batch.notices),
        series=(*owed.series, *batch.series),
        top_ups=(*owed.top_ups, *batch.top_ups),
        counts=gathered((owed.counts, batch.counts)),
    )
