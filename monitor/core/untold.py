"""Why an open incident has not been told to a receiver that would hear of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.desk import acknowledged, routed
from monitor.core.hearing import hears
from monitor.core.inhibit import Inhibition, hushes, topics
from monitor.core.maintenance import is_planned, planned
from monitor.core.model import Incident, Kind, Silence
from monitor.core.settings import ReceiverSettings
from monitor.core.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Untold:
    """What holds an incident back from one receiver; `until` None: no time alone ends it."""

    incident: str
    receiver: str
    why: str
    until: datetime | None = None


def untold(snapshot: Snapshot) -> tuple[Untold, ...]:
    """What each open incident waits for, as far as something holds it back.

    What is only on its way, or cannot be delivered, is not among it: the metrics count that.
    """
    told = {(t.incident, t.receiver) for t in snapshot.told if t.kind is Kind.OPENED}
    every = (*snapshot.silences, *planned(snapshot.settings.maintenance, snapshot.at))
    silences = [s for s in every if s.active(snapshot.at)]
    inhibition = Inhibition.among(snapshot.incidents, topics(snapshot.settings.rules))
    found = []
    for incident in snapshot.incidents:
        if not incident.open:
            continue
        muted = _muted(incident, silences, inhibition)
        for receiver in snapshot.settings.receivers:
            if routed(incident, receiver) and (incident.id, receiver.name) not in told:
                why, until = muted or _waits(incident, receiver, snapshot.at)
                found += [Untold(incident.id, receiver.name, why, until)] if why else []
    return tuple(found)


Reason = tuple[str, datetime | None]


def _muted(
    incident: Incident, silences: Iterable[Silence], inhibition: Inhibition
) -> Reason | None:
    """What keeps it from everybody: the silence that ends last, or another incident."""
    mine = [s for s in silences if hushes(s, incident)]
    if mine:
        last = max(mine, key=lambda s: s.ends_at)
        return last.comment if is_planned(last) else f"silenced by {last.author}", last.ends_at
    speakers = [s for s in inhibition.for_(incident) if s.open]
    return (f"{speakers[0].alert} speaks for it", None) if speakers else None


def _waits(incident: Incident, receiver: ReceiverSettings, now: datetime) -> Reason:
    """What keeps it from one receiver; nothing where it is on its way."""
    return next(_reasons(incident, receiver, now), ("", None))


def _reasons(incident: Incident, receiver: ReceiverSettings, now: datetime) -> Iterator[Reason]:
    if receiver.escalate_after is not None:
        patience = incident.opened_at + timedelta(seconds=receiver.escalate_after)
        if acknowledged(incident) and incident.ack is not None:
            yield f"acknowledged by {incident.ack.by}", None
        if now < patience:
            yield "hears only of what lasts", patience
    if receiver.hours is not None and not receiver.hours.holds(now):
        yield "outside its hours", receiver.hours.next_begin(now)
    if not hears(receiver, incident.severity, now) and receiver.quiet_hours is not None:
        yield "its quiet hours", receiver.quiet_hours.next_end(now)
