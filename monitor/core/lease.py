"""Who leads, of several daemons on one database: what the lock and the lease say together.

The lock says that a leader is dead, at once: the kernel takes it from a process that ends. The
lease says that a leader hangs: its beat no longer moves. No two clocks are ever compared; whoever
waits measures with its own how long the beat has stood still.

A beat stands still as well where nobody can write: the database is locked by somebody else, the
disk is full. Whoever waits beside a leader that has its lock takes that for no hanging: it has to
write itself first, and then see the beat stand still on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

PROOF = 0.5  # of the patience: from then on it is tried to write, and so long is waited after it
HELD = 0.8  # of the patience: a leader holds back before anybody may take over from it


@dataclass(frozen=True, slots=True)
class Lease:
    """What the database says of the leader."""

    epoch: int  # grows with every leader there is
    holder: str
    locked: bool  # whether it holds the lock as well, so that a free lock means that it is dead
    beat: int
    at: datetime | None  # of the last beat; None: it has left in good order


class Lock(StrEnum):
    """How it stands with the lock beside the database."""

    OURS = "ours"
    THEIRS = "theirs"
    NONE = "none"  # it cannot be made there


class Reason(StrEnum):
    """Why a daemon takes the lead, as it says it."""

    FREE = "nobody leads"
    DIED = "the leader has died"
    HANGS = "the leader has not moved for longer than its lease"
    UNREADABLE = "the database cannot be read, and no other daemon holds its lock"


@dataclass(frozen=True, slots=True)
class Watch:
    """What somebody who waits has seen of the lease, and since when nothing of it has moved."""

    since: float  # seconds of its own monotonic clock
    lease: Lease | None = None
    readable: bool = True
    proven: float | None = None  # when it could be written while the beat stood still

    def see(self, lease: Lease | None, now: float, *, readable: bool = True) -> Watch:
        """One more look."""
        if (lease, readable) == (self.lease, self.readable):
            return self
        return Watch(now, lease, readable)

    def doubtful(self, lock: Lock, now: float, patience: float) -> bool:
        """Whether it has to be tried if the database can be written at all."""
        alive = self.readable and self.lease is not None and self.lease.at is not None
        unproven = lock is Lock.THEIRS and self.proven is None
        return alive and unproven and now - self.since >= patience * PROOF

    def _hangs(self, lock: Lock, now: float, patience: float) -> bool:
        if lock is Lock.THEIRS and (self.proven is None or now - self.proven < patience * PROOF):
            return False
        return now - self.since >= patience

    def may_lead(self, lock: Lock, now: float, patience: float) -> Reason | None:
        """Why whoever waits may lead now; None: it has to wait on."""
        if not self.readable:
            return None if lock is Lock.THEIRS else Reason.UNREADABLE
        if self.lease is None or self.lease.at is None:
            return None if lock is Lock.THEIRS else Reason.FREE
        if lock is Lock.OURS and self.lease.locked:
            return Reason.DIED
        return Reason.HANGS if self._hangs(lock, now, patience) else None


@dataclass(frozen=True, slots=True)
class Leading:
    """How one daemon stands, for people."""

    leads: bool
    holder: str  # who leads
    epoch: int
    since: datetime | None = None  # when this daemon took the lead
    alive_at: datetime | None = None  # its last beat, where it is another that says so
    standbys: tuple[str, ...] = ()  # those that have reported lately


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether a daemon lives on the database, for those who read what it has stored."""

    alive: bool
    ran: bool  # whether there ever was one
    last_seen: datetime | None  # its last beat; where it left in good order, the last reading
    config_fault: str = ""  # `FILE:LINE` of a config that it did not take

    @classmethod
    def of(
        cls, lease: Lease | None, read: datetime | None, now: datetime, *, within: timedelta
    ) -> Presence:
        """What the lease and the newest stored reading say; a beat counts for so long."""
        if lease is None:  # a reading was stored by `--once`
            return cls(alive=False, ran=False, last_seen=None)
        alive = lease.at is not None and now - lease.at < within
        return cls(alive, ran=True, last_seen=lease.at or read)


def held(confirmed: float, now: float, patience: float) -> bool:
    """Whether a leader may still act on a lease that it last confirmed at `confirmed`.

    For less long than others wait, and from before its question was asked: nobody can have taken
    over yet, whatever the time the answer took.
    """
    return now - confirmed < patience * HELD


def called(holder: str) -> str:
    """A holder without what tells two processes of one number apart."""
    return holder.rpartition(" ")[0] or holder
