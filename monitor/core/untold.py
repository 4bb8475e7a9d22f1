"""Why a receiver has not been told of an open incident, or not that it has become worse."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.causes import Severity
from monitor.core.desk import acknowledged, routed
from monitor.core.hearing import hears
from monitor.core.inhibit import Inhibition, hushes, topics
from monitor.core.maintenance import is_planned, planned
from monitor.core.model import Incident, Silence, Told
from monitor.core.settings import ReceiverSettings
from monitor.core.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Untold:
    """What holds an incident back from one receiver; `until` None: no time alone ends it."""

    incident: str
    receiver: str
    why: str
    until: datetime | None = None
    knows: Severity | None = None  # it was told, and of no worse than this; None: of nothing


def untold(snapshot: Snapshot) -> tuple[Untold, ...]:
    """What each open incident waits for, as far as something holds it back.

    What is only on its way, or cannot be delivered, is not among it: the metrics count that.
    """
    heard = _by_receiver(snapshot.told)
    every = (*snapshot.silences, *planned(snapshot.settings.maintenance, snapshot.at))
    silences = [s for s in every if s.active(snapshot.at)]
    inhibition = Inhibition.among(snapshot.incidents, topics(snapshot.settings.rules))
    found = []
    for incident in snapshot.incidents:
        if not incident.open:
            continue
        muted = _muted(incident, silences, inhibition)
        for receiver in snapshot.settings.receivers:
            log = heard.get((incident.id, receiver.name), [])
            if routed(incident, receiver) and (not log or _worse(incident, receiver, log)):
                why, until = muted or _waits(incident, receiver, snapshot.at, told=bool(log))
                knows = _known(receiver, log)
                found += [Untold(incident.id, receiver.name, why, until, knows)] if why else []
    return tuple(found)


def _by_receiver(told: Iterable[Told]) -> Mapping[tuple[str, str], list[Told]]:
    log: defaultdict[tuple[str, str], list[Told]] = defaultdict(list)
    for entry in told:
        log[entry.incident, entry.receiver].append(entry)
    return log


def _worse(incident: Incident, receiver: ReceiverSettings, log: Sequence[Told]) -> bool:
    """Whether an address is owed that it has become worse than all it has heard of."""
    known = _known(receiver, log)
    return known is not None and incident.severity.rank > known.rank and not acknowledged(incident)


def _known(receiver: ReceiverSettings, log: Sequence[Told]) -> Severity | None:
    """The worst severity heard of, by the address that knows least; None: by none that is left."""
    worst: dict[str, Severity] = {}
    for entry in log:
        if entry.address in receiver.addresses:
            before = worst.get(entry.address, entry.severity)
            worst[entry.address] = max(before, entry.severity, key=lambda s: s.rank)
    return min(worst.values(), key=lambda s: s.rank, default=None)


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


def _waits(incident: Incident, receiver: ReceiverSettings, now: datetime, *, told: bool) -> Reason:
    """What keeps it from one receiver; nothing where it is on its way."""
    return next(_reasons(incident, receiver, now, told=told), ("", None))


def _reasons(
    incident: Incident, receiver: ReceiverSettings, now: datetime, *, told: bool
) -> Iterator[Reason]:
    """`told`: of its opening, so that it is no more asked whether it lasts."""
    if receiver.escalate_after is not None and not told:
        patience = incident.opened_at + timedelta(seconds=receiver.escalate_after)
        if acknowledged(incident) and incident.ack is not None:
            yield f"acknowledged by {incident.ack.by}", None
        if now < patience:
            yield "hears only of what lasts", patience
    if receiver.hours is not None and not receiver.hours.holds(now):
        yield "outside its hours", receiver.hours.next_begin(now)
    if not hears(receiver, incident.severity, now) and receiver.quiet_hours is not None:
        yield "its quiet hours", receiver.quiet_hours.next_end(now)
