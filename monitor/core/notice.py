"""What happened once: a top-up, another unit. It is said, and it is never open or over.

The same idea as for incidents, in its simplest form: notices say what happened, the log of what
was told says what people know, and the difference is owed.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from monitor.core.causes import Severity
from monitor.core.globs import matches
from monitor.core.hearing import hears, next_hearing
from monitor.core.model import Kind, Silence, Told, notification_id
from monitor.core.settings import ReceiverSettings

KEPT = timedelta(days=7)  # how long after it happened it is still told
Key = tuple[str, Kind, int, str]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened. `id` is `incident_id` of rule, target and time."""

    id: str
    name: str  # the rule's that routes it
    target: str
    account: str
    provider: str
    severity: Severity
    at: datetime
    summary: str  # `topped up by 5,000 credits`
    facts: Mapping[str, str] = field(default_factory=dict)  # what the words are made of

    @property
    def fingerprint(self) -> str:
        """16 hex digits, its own: who keeps one open alert for each must not swallow the next."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class TopUp:
    """The last top-up of a balance, whether or not anybody was told."""

    target: str
    at: datetime  # when it was seen
    spent: Decimal  # what the ledger had counted as spent by then


@dataclass(frozen=True, slots=True)
class Announcement:
    """A notice that has to be said to one receiver, now."""

    notice: Notice
    receiver: str
    addresses: tuple[str, ...]  # those still to be told

    @property
    def kind(self) -> Kind:
        """Always `notice`."""
        return Kind.NOTICE

    @property
    def round(self) -> int:
        """It is said once."""
        return 0

    @property
    def about(self) -> str:
        """The notice's id: what `told` is kept under."""
        return self.notice.id

    @property
    def id(self) -> str:
        """The Message-ID's local part and the Idempotency-Key: the same after a crash."""
        return notification_id(*self.key)

    @property
    def key(self) -> Key:
        """What identifies it in back-off."""
        return self.notice.id, Kind.NOTICE, 0, self.receiver


@dataclass(frozen=True, slots=True)
class _World:
    """Everything due_notices() was given."""

    receivers: Sequence[ReceiverSettings]
    now: datetime
    heard: Mapping[tuple[str, str], set[str]]  # (notice, receiver): the addresses that know
    since: Mapping[tuple[str, str], datetime]
    failing: frozenset[Key]


def due_notices(
    notices: Iterable[Notice],
    receivers: Sequence[ReceiverSettings],
    silences: Sequence[Silence],
    told: Iterable[Told],
    now: datetime,
    *,
    since: Mapping[tuple[str, str], datetime],
    failing: frozenset[Key] = frozenset(),
) -> tuple[Announcement, ...]:
    """What has to be said of what happened within 7 days; the arguments are those of `due`.

    Each address that was configured with its present routing when it happened hears of it once. A
    silence delays it, and so do the receiver's hours. A receiver with `escalate_after` hears of
    none: nothing lasts here. A `fallback` stands in for a receiver that cannot be reached.
    """
    world = _World(receivers, now, _heard(told), since, failing)
    spoken_of = sorted((n for n in notices if now - n.at < KEPT), key=lambda n: (n.at, n.id))
    return tuple(
        announcement
        for notice in spoken_of
        if not any(hushes_notice(s, notice) and s.active(now) for s in silences)
        for announcement in _about(notice, world)
    )


def next_notice(
    notices: Iterable[Notice],
    receivers: Sequence[ReceiverSettings],
    silences: Sequence[Silence],
    now: datetime,
) -> datetime | None:
    """When the next silence ends, or hours begin, that a notice may be waiting for, if any."""
    spoken_of = [n for n in notices if now - n.at < KEPT]
    ends = [s.ends_at for s in silences if any(hushes_notice(s, n) for n in spoken_of)]
    for receiver in receivers if spoken_of else ():
        ends += next_hearing(receiver, now)
    return min((end for end in ends if end > now), default=None)


def hushes_notice(silence: Silence, notice: Notice) -> bool:
    """Whether a silence, while it is active, is about a notice."""
    return silence.alert in (None, notice.name) and matches(silence.targets, notice.target)


def _heard(told: Iterable[Told]) -> Mapping[tuple[str, str], set[str]]:
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for entry in told:
        if entry.kind is Kind.NOTICE:
            found[entry.incident, entry.receiver].add(entry.address)
    return found


def _about(notice: Notice, world: _World) -> list[Announcement]:
    stand_ins: set[str] = set()
    while True:
        found = [a for r in world.receivers if (a := _to(r, notice, world, stand_ins))]
        fallbacks = {r.name: r.fallback for r in world.receivers if r.fallback}
        stuck = {fallbacks.get(a.receiver) for a in found if a.key in world.failing}
        more = {name for name in stuck if name} - stand_ins
        if not more:
            return found
        stand_ins |= more


def _to(
    receiver: ReceiverSettings, notice: Notice, world: _World, stand_ins: set[str]
) -> Announcement | None:
    if receiver.name not in stand_ins and not hears(receiver, notice.severity, world.now):
        return None
    know = world.heard.get((notice.id, receiver.name), set())
    owed = [
        address
        for address in dict.fromkeys(receiver.addresses)
        if address not in know
        and (receiver.name in stand_ins or _routed(receiver, address, notice, world))
    ]
    return Announcement(notice, receiver.name, tuple(owed)) if owed else None


def _routed(receiver: ReceiverSettings, address: str, notice: Notice, world: _World) -> bool:
    since = world.since.get((receiver.name, address))
    if since is None or since > notice.at or receiver.escalate_after is not None:
        return False
    fits = any(matches(glob, notice.target) for glob in receiver.on)
    return fits and notice.severity in receiver.severities
