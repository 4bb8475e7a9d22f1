"""The nouns of telling: verdict, alert, incident, what is said of one, to whom, and silences."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.core.causes import Cause, Severity
from monitor.core.flapping import Flaps
from monitor.core.measured import Measured

RESOLVED = "resolved"  # why an incident was closed: its alert is over
RULE_REMOVED, TARGET_REMOVED = "rule removed", "target removed"
REMOVED = (RULE_REMOVED, TARGET_REMOVED)  # closed by the config, not by being mended


class Verdict(StrEnum):
    """What a rule says of a target."""

    OK = "ok"
    BREACH = "breach"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and its reasons."""

    verdict: Verdict
    evidence_at: datetime | None  # the reading it rests on: the same one never counts twice
    cause: Cause = Cause.OK
    summary: str = ""  # `balance 5916.25 is under 10000`


class AlertState(StrEnum):
    """Where a rule stands for a target."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


@dataclass(frozen=True, slots=True)
class Alert:
    """Where one rule stands for one target. Persisted, so that a restart forgets nothing."""

    rule: str
    target: str
    state: AlertState = AlertState.INACTIVE
    since: datetime | None = None  # when this state began
    breaches: int = 0  # breaching readings in a row (an unknown one neither adds nor resets)
    evidence_at: datetime | None = None  # the last reading that counted
    clear_since: datetime | None = None  # firing, but fine since: `keep_firing_for` runs
    clears: int = 0  # firing: good readings in a row, counted as far as `clear_after` asks
    incident: str | None = None  # the open incident's id: set exactly while firing
    severity: Severity = Severity.WARNING
    cause: Cause = Cause.OK
    summary: str = ""
    flaps: Flaps | None = None  # firing: it flaps, and its incident is held open

    @property
    def said(self) -> str:
        """Its reasons, and before them that it flaps."""
        return self.summary if self.flaps is None else self.flaps.said(self.summary)

    @property
    def stands(self) -> bool:
        """Whether it fires, and would do so without damping: then `clear` decides its end."""
        return self.state is AlertState.FIRING and not (self.flaps is not None and self.flaps.fine)

    @property
    def key(self) -> tuple[str, str]:
        """Rule and target: what identifies an alert."""
        return self.rule, self.target


@dataclass(frozen=True, slots=True)
class Ack:
    """Somebody has seen it."""

    by: str
    comment: str
    at: datetime
    severity: Severity  # what it covers: a higher one speaks again


@dataclass(frozen=True, slots=True)
class Incident:
    """One firing episode of one alert. Labels are those of the opening, for its whole life."""

    id: str
    alert: str
    target: str
    account: str
    provider: str
    opened_at: datetime
    opening_severity: Severity
    opening_cause: Cause
    severity: Severity  # the present one
    cause: Cause
    summary: str
    closed_at: datetime | None = None
    close_reason: str = ""  # RESOLVED, RULE_REMOVED, TARGET_REMOVED
    ack: Ack | None = None
    worst: Severity = Severity.INFO  # the highest it had, where it has fallen since
    flapping: bool = False  # held open while its alert opens and closes
    opening: Measured | None = None  # what the figures were when it opened
    closing: Measured | None = None  # and when it was resolved

    @property
    def ever(self) -> Severity:
        """The highest severity it ever had."""
        return max(self.opening_severity, self.severity, self.worst, key=lambda s: s.rank)

    @property
    def open(self) -> bool:
        """Whether it still stands."""
        return self.closed_at is None

    @property
    def fingerprint(self) -> str:
        """16 hex digits, a function of alert and target: the same for every episode."""
        return hashlib.sha256(f"{self.alert}\0{self.target}".encode()).hexdigest()[:16]


_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def incident_id(rule: str, target: str, opened_at: datetime) -> str:
    """A ULID (26 characters, sorts by time) that is a function of what it names."""
    millis = int(opened_at.timestamp() * 1000)
    digest = hashlib.sha256(f"{rule}\0{target}\0{opened_at.isoformat()}".encode()).digest()
    number = (millis << 80) | int.from_bytes(digest[:10], "big")
    return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


class Kind(StrEnum):
    """What a notification says."""

    OPENED = "opened"
    ESCALATED = "escalated"
    REMINDER = "reminder"
    RESOLVED = "resolved"
    DIGEST = "digest"
    NOTICE = "notice"
    FOLLOW_UP = "follow_up"


@dataclass(frozen=True, slots=True)
class Told:
    """One address of one receiver has been told one thing: the log of what people know."""

    incident: str
    kind: Kind
    round: int  # how many of that kind went before, for this receiver
    receiver: str
    address: str
    at: datetime
    severity: Severity


@dataclass(frozen=True, slots=True)
class Silence:
    """A matcher, an interval, an author, a comment. It mutes telling, never state."""

    id: str
    targets: str  # a glob in which `*` crosses `/`
    alert: str | None
    starts_at: datetime
    ends_at: datetime
    author: str
    comment: str

    def active(self, now: datetime) -> bool:
        """Whether it mutes at `now`; the end is exclusive."""
        return self.starts_at <= now < self.ends_at


@dataclass(frozen=True, slots=True)
class Notification:
    """One thing that has to be said about one incident to one receiver, now."""

    incident: Incident
    kind: Kind
    round: int
    receiver: str
    addresses: tuple[str, ...]  # those still to be told
    muted: tuple[Incident, ...] = ()  # what this one speaks for

    @property
    def about(self) -> str:
        """The incident's id: what `told` is kept under."""
        return self.incident.id

    @property
    def id(self) -> str:
        """The Message-ID's local part and the Idempotency-Key: the same after a crash."""
        return notification_id(*self.key)

    @property
    def key(self) -> tuple[str, Kind, int, str]:
        """What identifies it in back-off."""
        return self.incident.id, self.kind, self.round, self.receiver


def notification_id(about: str, kind: Kind, number: int, receiver: str) -> str:
    """32 hex digits, a function of what is said, about what, and to whom."""
    words = f"{about}\0{kind.value}\0{number}\0{receiver}"
    return hashlib.sha256(words.encode()).hexdigest()[:32]
