"""What survives a restart: a small protocol. SQLite stands behind it; another may stand beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from monitor.core.counts import NO_COUNTS, Counts, JobHour
from monitor.core.hours import Hour
from monitor.core.lease import Lease
from monitor.core.model import Ack, Alert, Incident, Sample, Silence, TargetRecord, Told
from monitor.core.notice import Notice, TopUp
from monitor.core.series import Series


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A balance's ledger and forecast, packed, with the last sample folded in."""

    target: str
    at: datetime  # of the last sample folded in
    state: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction holds: all of it is kept or nothing.

    Alerts and incidents replace what is stored under their key. A batch with alerts, incidents,
    told, silences, notices, series or reports is flushed to the disk before `commit` returns
    (synchronous FULL).
    """

    targets: tuple[TargetRecord, ...] = ()
    samples: tuple[tuple[str, Sample], ...] = ()  # (target, sample); a duplicate time is ignored
    hours: tuple[tuple[str, Hour], ...] = ()  # (target, hour); replaces the one that is there
    filled: tuple[str, ...] = ()  # targets whose hours hold all their samples, see Stored.unfilled
    checkpoints: tuple[Checkpoint, ...] = ()
    alerts: tuple[Alert, ...] = ()
    incidents: tuple[Incident, ...] = ()
    told: tuple[Told, ...] = ()
    silences: tuple[Silence, ...] = ()
    seen: Mapping[str, datetime] = field(default_factory=dict)  # see Stored.seen
    forget_alerts: tuple[tuple[str, str], ...] = ()  # (rule, target) to delete
    notices: tuple[Notice, ...] = ()
    series: tuple[Series, ...] = ()  # begun: older samples of the target are of another
    top_ups: tuple[TopUp, ...] = ()
    counts: Counts = NO_COUNTS  # what applications reported; replaces the rows that are there

    @property
    def durable(self) -> bool:
        """Whether losing it would make somebody miss or repeat something."""
        said = self.told or self.silences or self.seen or self.notices or self.series
        # What an application was answered for it sends no more.
        return bool(self.alerts or self.incidents or said or self.counts.known)


@dataclass(frozen=True, slots=True)
class Stored:
    """What a start finds."""

    targets: Mapping[str, TargetRecord] = field(default_factory=dict)
    checkpoints: Mapping[str, Checkpoint] = field(default_factory=dict)
    alerts: tuple[Alert, ...] = ()
    incidents: tuple[Incident, ...] = ()  # open ones and those closed since `since`
    told: tuple[Told, ...] = ()  # of those incidents
    silences: tuple[Silence, ...] = ()  # those that end after `since`
    seen: Mapping[str, datetime] = field(default_factory=dict)
    # `seen`: when a receiver's address was first configured with its present routing, so that a
    # new receiver hears open incidents only. Key: whatever the pipeline makes it.
    unfilled: frozenset[str] = frozenset()  # targets with samples from before there were hours
    notices: tuple[Notice, ...] = ()  # of what happened since `since`
    series: Mapping[str, Series] = field(default_factory=dict)  # the present one, by target
    top_ups: Mapping[str, TopUp] = field(default_factory=dict)  # the last one, by target
    counts: Counts = NO_COUNTS  # what applications reported
    troubles: tuple[str, ...] = ()  # what was survived on the way, one line each, for people


class StoreError(Exception):
    """The database cannot be used. `str()` is one line for people: what is wrong, what to do."""


class StoreReplacedError(StoreError):
    """The database was lost (damaged and set aside, or deleted); an empty one takes its place.

    Nothing of the batch is kept. Whoever holds the state in memory commits all of it again.
    """


class LeaseLostError(StoreError):
    """Another daemon has taken over: nothing is kept, and this one says nothing more."""


class NewerSchemaError(StoreError):
    """Written by a newer version of monitor: refused, exit 70."""


class Store(Protocol):
    """Async to the caller; all SQL happens on one writer thread, in order of the calls."""

    async def load(self, since: datetime) -> Stored:
        """What is remembered. Raises StoreError."""
        ...

    async def commit(self, batch: Batch) -> None:
        """Keep a batch. Raises StoreError; then nothing of it is kept."""
        ...

    async def samples(
        self,
        target: str,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        most: int | None = None,
    ) -> tuple[Sample, ...]:
        """Believed points in time order, `since` exclusive, `until` inclusive, the first `most`.

        Those of the present series: of an older one, in another unit, none is among them.
        """
        ...

    async def hours(
        self, target: str, since: datetime | None = None, until: datetime | None = None
    ) -> tuple[Hour, ...]:
        """Hours in time order, from the one `since` lies in to the one `until` lies in.

        An hour in which nothing was asked has none.
        """
        ...

    async def jobs_reported(self, account: str, since: datetime) -> tuple[JobHour, ...]:
        """The jobs applications have reported of an account, from the hour of `since` on."""
        ...

    async def carry_over(self, old: str, new: str) -> bool:
        """Give `new` a copy of the samples and hours of `old`; False where it has its own."""
        ...

    async def acknowledge(self, incident: str, ack: Ack) -> bool:
        """Put an acknowledgement to an open incident; False if there is none such."""
        ...

    async def acks(self) -> Mapping[str, Ack]:
        """Acknowledgements of open incidents, by incident (another process may have made them)."""
        ...

    async def silences(self, since: datetime) -> tuple[Silence, ...]:
        """Silences that end after `since` (another process may have made them)."""
        ...

    async def incidents(self, since: datetime) -> tuple[Incident, ...]:
        """Incidents that are open or closed after `since`, of the last 40 days, oldest first."""
        ...

    async def lease(self) -> Lease | None:
        """Which daemon leads; None: none ever has. Raises StoreError."""
        ...

    async def claim(
        self, holder: str, expected: Lease | None, at: datetime, *, locked: bool
    ) -> bool:
        """Lead from now on: commits raise LeaseLostError once another has taken over.

        False where the lease has moved since `expected` was seen. Raises StoreError; `insist`
        then leads all the same.
        """
        ...

    def insist(self, holder: str, *, locked: bool) -> None:
        """Lead with a store that cannot be used: the first transaction that works claims it."""
        ...

    @property
    def epoch(self) -> int | None:
        """Of what was claimed; None: not claimed, or not yet."""
        ...

    async def heartbeat(self, at: datetime) -> None:
        """A daemon lives on this database."""
        ...

    async def last_heartbeat(self) -> datetime | None:
        """When a daemon last lived on this database; None: never, or it said goodbye."""
        ...

    async def goodbye(self) -> None:
        """The daemon leaves in good order: clears the heartbeat."""
        ...

    async def prune(self, before: datetime) -> int:
        """Delete ended silences, and what was told, older than `before`; rows deleted.

        Closed incidents, and what was reported, go 33 days later: a digest, or a window, may be of
        a month.
        """
        ...

    async def retain(self, samples_before: datetime, hours_before: datetime) -> int:
        """Delete samples, and hours, from before these times; rows deleted.

        A sample goes only where its hour is kept. A target that was not asked since goes with the
        last of them. Commits get their turn between the chunks; where
        it is cancelled, what it has deleted stays deleted.
        """
        ...

    async def close(self) -> None:
        """Checkpoint and close; further calls raise StoreError."""
        ...
