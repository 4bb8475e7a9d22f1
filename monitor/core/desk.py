"""What each address of one receiver is owed about one incident: one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.core.causes import Severity
from monitor.core.globs import matches
from monitor.core.hearing import deaf, hears
from monitor.core.inhibit import Inhibition, covered, hushes
from monitor.core.model import Incident, Kind, Silence, Told
from monitor.core.pace import reminder_due
from monitor.core.settings import Interval, ReceiverSettings

Key = tuple[str, Kind, int, str]  # Notification.key
Owed = tuple[Kind, int]  # what is to be said, and how many of that kind went before
Log = Mapping[tuple[str, str], Sequence[Told]]  # (incident, receiver)


@dataclass(frozen=True, slots=True)
class World:
    """Everything due() was given."""

    receivers: Sequence[ReceiverSettings]
    silences: Sequence[Silence]
    log: Log
    now: datetime
    since: Mapping[tuple[str, str], datetime]
    failing: frozenset[Key]
    inhibition: Inhibition
    followed: frozenset[str] = frozenset()  # of `pace.followed`
    watched: Callable[[Incident], bool] = lambda _: True  # its rule and target are still there

    def silenced(self, incident: Incident) -> bool:
        """Whether a silence keeps it quiet at this moment."""
        return any(hushes(s, incident) and s.active(self.now) for s in self.silences)

    def ever_heard(
        self, incident: Incident, receiver: ReceiverSettings, start: datetime, end: datetime
    ) -> bool:
        """Whether there was a moment from `start` to `end` at which nothing muted it."""
        spans = [(s.starts_at, s.ends_at) for s in self.silences if hushes(s, incident)]
        spans += deaf(receiver, incident.severity, start, end)
        return not covered(start, end, [*spans, *self.inhibition.spans(incident)])


@dataclass(frozen=True, slots=True)
class Desk:
    """One receiver and one incident: who knows what, and what each address is owed."""

    receiver: ReceiverSettings
    incident: Incident
    world: World
    stands_in: set[Interval] | None  # for others, with their `remind_every`; None: for nobody
    log: Sequence[Told] = field(repr=False)

    def owes(self, address: str) -> Owed | None:
        """The next thing to say to one address; one step at a time."""
        heard = [t for t in self.log if t.address == address]
        kinds = {t.kind for t in heard}
        if Kind.OPENED not in kinds:
            return (Kind.OPENED, 0) if self._owes_opening(address) else None
        if not self.incident.open:
            return self._follow_up(heard) if Kind.RESOLVED in kinds else (Kind.RESOLVED, 0)
        if address not in self.receiver.addresses or acknowledged(self.incident):
            return None
        return self._escalation(heard) or self._reminder(heard)

    def postponed(self, address: str, kind: Kind) -> bool:
        """Whether what is owed waits for the receiver's hours, or for the end of its quiet ones.

        What it stands in for does not: it was handed over at hours of the other's.
        """
        severity = self.incident.severity
        if kind is Kind.RESOLVED:  # who heard that it was critical hears of its end as well
            heard = [t.severity for t in self.log if t.address == address]
            severity = max([severity, *heard], key=lambda s: s.rank)
        if kind is Kind.FOLLOW_UP:  # good news wakes nobody
            severity = Severity.INFO
        return self.stands_in is None and not hears(self.receiver, severity, self.world.now)

    def _owes_opening(self, address: str) -> bool:
        if address not in self.receiver.addresses:
            return False
        if self.stands_in is not None:
            return True
        if not routed(self.incident, self.receiver) or self._waits():
            return False
        return self.incident.open or self._missed(address)

    def _waits(self) -> bool:
        """A receiver with `escalate_after` hears only of what lasts and nobody has seen."""
        if self.receiver.escalate_after is None:
            return False
        lasted = (self.incident.closed_at or self.world.now) - self.incident.opened_at
        return lasted < self._patience or acknowledged(self.incident)

    @property
    def _patience(self) -> timedelta:
        return timedelta(seconds=self.receiver.escalate_after or 0.0)

    def _missed(self, address: str) -> bool:
        """Closed before its opening could be told, though there was a time to tell it."""
        opened, closed = self.incident.opened_at, self.incident.closed_at
        since = self.world.since.get((self.receiver.name, address))
        if closed is None or since is None or not (since <= opened or since < closed):
            return False
        start = max(opened + self._patience, since)
        return self.world.ever_heard(self.incident, self.receiver, start, closed)

    def _escalation(self, heard: Sequence[Told]) -> Owed | None:
        """Worse than the worst this address has heard. A round is one severity's."""
        severity = self.incident.severity
        known = max(t.severity.rank for t in heard)
        if severity.rank <= known or (self.stands_in is None and not self._routed):
            return None
        rounds = {t.round: t.severity for t in self.log if t.kind is Kind.ESCALATED}
        last = max(rounds, default=-1)
        unfinished = last >= 0 and rounds[last] is severity
        return Kind.ESCALATED, last if unfinished else last + 1

    @property
    def _routed(self) -> bool:
        return routed(self.incident, self.receiver)

    def _reminder(self, heard: Sequence[Told]) -> Owed | None:
        """The next round once it is time; until then, the last round to whom it missed."""
        moment = reminder_due(self._paces(heard), self.log, self.world.now)
        if moment is None:
            return None
        rounds = [t for t in self.log if t.kind is Kind.REMINDER]
        last = max((t.round for t in rounds), default=-1)
        if self.world.now >= moment:
            return Kind.REMINDER, last + 1
        began = min((t.at for t in rounds if t.round == last), default=None)
        missed = began is not None and max(t.at for t in heard) < began
        return (Kind.REMINDER, last) if missed else None

    def _paces(self, heard: Sequence[Told]) -> set[Interval]:
        """Its own, while it is routed or has yet to hear that the severity fell."""
        paces = set(self.stands_in or ())
        latest = max(heard, key=lambda t: (t.at, t.severity.rank))
        fell = self.incident.severity.rank < latest.severity.rank
        on = any(matches(glob, self.incident.target) for glob in self.receiver.on)
        if self.receiver.remind_every is not None and (self._routed or (on and fell)):
            paces.add(self.receiver.remind_every)
        return paces

    def _follow_up(self, heard: Sequence[Told]) -> Owed | None:
        """That it has stayed resolved: once, unless its end was news at that time or later."""
        wait, closed = self.receiver.follow_up, self.incident.closed_at
        if wait is None or closed is None or self.incident.id not in self.world.followed:
            return None
        moment = closed + timedelta(seconds=wait)
        known = any(t.kind is Kind.RESOLVED and t.at < moment for t in heard)
        told = any(t.kind is Kind.FOLLOW_UP for t in heard)
        if self.world.now < moment or not known or told:
            return None
        here = heard[0].address in self.receiver.addresses
        return (Kind.FOLLOW_UP, 0) if here and self.world.watched(self.incident) else None


def routed(incident: Incident, receiver: ReceiverSettings) -> bool:
    """Whether a receiver's own `severities` and `on` take an incident as it stands."""
    fits = any(matches(glob, incident.target) for glob in receiver.on)
    return fits and incident.severity in receiver.severities


def acknowledged(incident: Incident) -> bool:
    """Whether somebody has seen it at its present severity, or at a higher one."""
    ack = incident.ack
    return ack is not None and incident.severity.rank <= ack.severity.rank
