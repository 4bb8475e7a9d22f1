"""What has to be said: due() is what is true, less what people know.

There is no queue. Incidents say what is true, `told` says what each address knows, and the
difference is owed; so a failed send, a restart or the end of a silence come right by themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.core.desk import Desk, Key, Log, Owed, World, acknowledged
from monitor.core.hearing import next_hearing
from monitor.core.inhibit import Inhibition, hushes
from monitor.core.model import Incident, Kind, Notification, Silence, Told, receiver_target
from monitor.core.pace import followed, reminder_due
from monitor.core.settings import Interval, ReceiverSettings

KEPT = timedelta(days=7)  # how long after its end a closed incident is still spoken of
_ENDS = (Kind.RESOLVED, Kind.FOLLOW_UP)
_NOBODY: Mapping[tuple[str, str], datetime] = {}


def due(
    incidents: Sequence[Incident],
    receivers: Sequence[ReceiverSettings],
    silences: Sequence[Silence],
    told: Sequence[Told],
    now: datetime,
    *,
    since: Mapping[tuple[str, str], datetime] = _NOBODY,
    failing: frozenset[Key] = frozenset(),
    topics: Mapping[str, str] | None = None,
    watched: Callable[[Incident], bool] = lambda _: True,
) -> tuple[Notification, ...]:
    """All that has to be said now; to be asked again until it answers with nothing.

    `incidents`: open ones and those closed within 7 days; `silences`: also those that ended
    within 7 days. `since`: when (receiver, address) was first configured with its present
    routing; one that is missing is new and hears of open incidents only. `failing`: keys of sends
    that were refused or have failed three times; the receiver's `fallback` stands in for these.
    `topics`: what each rule is about, of `inhibit.topics`. `watched`: whether an incident's rule
    and target are still in the config; of others nobody knows that they have stayed resolved.
    Incidents come in the order of their opening, receivers in the config's.
    """
    world = World(
        receivers=receivers,
        silences=silences,
        log=_by_incident(told),
        now=now,
        since=since,
        failing=failing,
        inhibition=Inhibition.among(incidents, topics or {}),
        followed=followed(incidents),
        watched=watched,
    )
    spoken_of = [i for i in _in_order(incidents) if _recent(i, now)]
    found = [n for incident in spoken_of for n in _about(incident, world)]
    return tuple(_naming(found, spoken_of, world))


def _in_order(incidents: Iterable[Incident]) -> list[Incident]:
    return sorted(incidents, key=lambda i: (i.opened_at, i.id))


def _recent(incident: Incident, now: datetime) -> bool:
    """Past this its log may be pruned, and who was told is no longer known."""
    return incident.closed_at is None or now - incident.closed_at < KEPT


def _by_incident(told: Iterable[Told]) -> Log:
    log: defaultdict[tuple[str, str], list[Told]] = defaultdict(list)
    for entry in told:
        log[entry.incident, entry.receiver].append(entry)
    return log


# -- one incident ---------------------------------------------------------------------------


def _about(incident: Incident, world: World) -> list[Notification]:
    """What is owed about one incident. A mute delays a resolved one only if it is a silence."""
    if world.silenced(incident) or (incident.open and world.inhibition.mutes(incident)):
        return []
    stand_ins: dict[str, set[Interval]] = {}
    while True:
        found = [
            notification
            for receiver in world.receivers
            for notification in _to(receiver, incident, world, stand_ins.get(receiver.name))
        ]
        if not _hand_over(found, world, stand_ins):
            return found


def _naming(
    found: list[Notification], incidents: list[Incident], world: World
) -> Iterable[Notification]:
    """Put to each notification the open incidents that keep quiet because of its own."""
    quiet: defaultdict[str, list[Incident]] = defaultdict(list)
    for incident in incidents if found else ():
        if incident.open and not world.silenced(incident):
            for speaker in world.inhibition.for_(incident):
                quiet[speaker.id].append(incident)
    for notification in found:
        muted = quiet[notification.incident.id] if notification.incident.open else ()
        yield replace(notification, muted=tuple(muted))


def _hand_over(
    found: Iterable[Notification], world: World, stand_ins: dict[str, set[Interval]]
) -> bool:
    """Let the fallback of each receiver that cannot be reached stand in; whether one is new.

    An end is not handed on: who did not hear of the opening is told nothing of it.
    """
    before = {name: len(every) for name, every in stand_ins.items()}
    receivers = {r.name: r for r in world.receivers}
    for notification in found:
        receiver = receivers[notification.receiver]
        stuck = notification.key in world.failing and notification.kind not in _ENDS
        if stuck and receiver.fallback is not None:
            every = stand_ins.setdefault(receiver.fallback, set())
            every.update(() if receiver.remind_every is None else (receiver.remind_every,))
    return before != {name: len(every) for name, every in stand_ins.items()}


def _to(
    receiver: ReceiverSettings, incident: Incident, world: World, stands_in: set[Interval] | None
) -> list[Notification]:
    """What one receiver's addresses are owed about one incident, like news in one notification.

    That a receiver cannot be reached is told to the others alone.
    """
    if incident.target == receiver_target(receiver.name):
        return []
    log = world.log.get((incident.id, receiver.name), ())
    desk = Desk(receiver, incident, world, stands_in, log)
    gone = sorted({t.address for t in log} - set(receiver.addresses))
    news: defaultdict[Owed, list[str]] = defaultdict(list)
    for address in dict.fromkeys((*receiver.addresses, *gone)):
        owed = desk.owes(address)
        if owed is not None and not desk.postponed(address, owed[0]):
            news[owed].append(address)
    return [
        Notification(incident, kind, number, receiver.name, tuple(addresses))
        for (kind, number), addresses in news.items()
    ]


# -- when to look again ---------------------------------------------------------------------


def next_due(
    incidents: Sequence[Incident],
    receivers: Sequence[ReceiverSettings],
    silences: Sequence[Silence],
    told: Sequence[Told],
    now: datetime,
) -> datetime | None:
    """The earliest moment after `now` at which due() may say something new by time alone.

    A reminder, a follow-up, an `escalate_after` that is reached, the end of a silence, the begin
    of a receiver's hours or the end of its quiet ones; None: none of these.
    """
    log = _by_incident(told)
    spoken_of = [i for i in incidents if _recent(i, now)]
    moments = [s.ends_at for s in silences if any(hushes(s, i) for i in spoken_of)]
    for receiver in receivers if spoken_of else ():
        moments += next_hearing(receiver, now)
    for incident in spoken_of:
        if incident.open and not acknowledged(incident):
            moments += _moments(incident, receivers, log, now)
    stayed = followed(incidents)
    moments += [m for i in spoken_of if i.id in stayed for m in _follow_ups(i, receivers, log)]
    return min((m for m in moments if m > now), default=None)


def _moments(
    incident: Incident, receivers: Sequence[ReceiverSettings], log: Log, now: datetime
) -> Iterable[datetime]:
    for receiver in receivers:
        if receiver.escalate_after is not None:
            yield incident.opened_at + timedelta(seconds=receiver.escalate_after)
        entries = log.get((incident.id, receiver.name), ())
        if entries:
            paces = _reminds(receiver, receivers)
            yield from (m for pace in paces if (m := reminder_due([pace], entries, now)))


def _follow_ups(
    incident: Incident, receivers: Sequence[ReceiverSettings], log: Log
) -> Iterable[datetime]:
    for receiver in receivers:
        told = log.get((incident.id, receiver.name))
        if receiver.follow_up is not None and incident.closed_at is not None and told:
            yield incident.closed_at + timedelta(seconds=receiver.follow_up)


def _reminds(
    receiver: ReceiverSettings, receivers: Sequence[ReceiverSettings]
) -> Iterable[Interval]:
    """Its own `remind_every`, and of those it may have to stand in for."""
    near = concerning(receiver.name, receivers)
    return {r.remind_every for r in near if r.remind_every is not None}


def concerning(name: str, receivers: Sequence[ReceiverSettings]) -> tuple[ReceiverSettings, ...]:
    """A receiver and those it may have to stand in for, directly or not, in the config's order.

    What due() owes to it depends on these alone.
    """
    names, reached = {name}, 0
    while reached != len(names):
        reached = len(names)
        names |= {r.name for r in receivers if r.fallback in names}
    return tuple(r for r in receivers if r.name in names)
