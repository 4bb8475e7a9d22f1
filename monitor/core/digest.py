"""Who is owed a digest, and when: the same idea as for incidents, one for each moment.

At its moments a receiver hears how everything has gone since the one before. A digest that could
not be told is told late, within two days; after that the next one tells it all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.model import Kind, Told, incident_id, notification_id
from monitor.core.settings import ReceiverSettings

LATE = timedelta(days=2)  # after its moment a digest is still told
NAME = "digest"  # its alertname
TARGET = "monitor/digest"
_INSTANT = timedelta(microseconds=1)

Key = tuple[str, Kind, int, str]


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest that has to be told to one receiver: of the time from `since` to `at`."""

    receiver: str
    at: datetime  # its moment
    since: datetime  # the moment before
    addresses: tuple[str, ...]  # those still to be told

    @property
    def kind(self) -> Kind:
        """Always `digest`."""
        return Kind.DIGEST

    @property
    def round(self) -> int:
        """It is said once."""
        return 0

    @property
    def about(self) -> str:
        """What `told` is kept under: a function of receiver and moment."""
        return incident_id(NAME, self.receiver, self.at)

    @property
    def id(self) -> str:
        """The Message-ID's local part and the Idempotency-Key: the same after a crash."""
        return notification_id(*self.key)

    @property
    def key(self) -> Key:
        """What identifies it in back-off."""
        return self.about, Kind.DIGEST, 0, self.receiver


def due_digests(
    receivers: Sequence[ReceiverSettings],
    told: Iterable[Told],
    now: datetime,
    *,
    since: Mapping[tuple[str, str], datetime],
) -> tuple[Digest, ...]:
    """The digests that have to be told now; `since`: when (receiver, address) was given its own.

    Neither silences nor hours hold one back: its moment was chosen. No fallback takes it over.
    """
    heard = {(t.incident, t.receiver, t.address) for t in told if t.kind is Kind.DIGEST}
    found = []
    for receiver in receivers:
        digest = _latest(receiver, now)
        if digest is None:
            continue
        owed = tuple(
            address
            for address in dict.fromkeys(receiver.addresses)
            if (digest.about, receiver.name, address) not in heard
            and since.get((receiver.name, address), now) < digest.at
        )
        if owed:
            found.append(Digest(receiver.name, digest.at, digest.since, owed))
    return tuple(found)


def _latest(receiver: ReceiverSettings, now: datetime) -> Digest | None:
    """The one of the last moment, to nobody yet; None where it is too late for it."""
    at = receiver.digest.last(now) if receiver.digest is not None else None
    if at is None or receiver.digest is None or now - at > LATE:
        return None
    before = receiver.digest.last(at - _INSTANT)
    return None if before is None else Digest(receiver.name, at, before, ())


def next_digest(receivers: Iterable[ReceiverSettings], now: datetime) -> datetime | None:
    """The next moment of a digest; None: nobody hears one."""
    moments = [r.digest.next(now) for r in receivers if r.digest is not None]
    return min((m for m in moments if m is not None), default=None)
