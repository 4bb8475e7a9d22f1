"""The nouns of the house. Every value is frozen; every time is an aware UTC datetime."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from monitor.core.causes import CAUSES, Cause, Severity, Standing


class Check(StrEnum):
    """What an account can be asked."""

    KEY = "key"
    MODEL = "model"
    BALANCE = "balance"
    QUOTA = "quota"
    STATUS = "status"
    INFERENCE = "inference"


NETWORK_TARGET = "monitor/network"  # our own way to the outside
CANARY_TARGET = "monitor/canary"  # what the config names to tell our own network by
STORE_TARGET = "monitor/store"  # our own memory


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """One check of one account, on its own schedule."""

    account: str
    provider: str
    check: Check
    subject: str | None = None  # the model's ID for `model` and `inference`

    @property
    def name(self) -> str:
        """`ACCOUNT/check` or `ACCOUNT/check/SUBJECT`: how people and alerts call it."""
        base = f"{self.account}/{self.check.value}"
        return base if self.subject is None else f"{base}/{self.subject}"


def models_target(account: str) -> str:
    """The derived target that stands for all models of an account."""
    return f"{account}/model"


def key_target(account: str) -> str:
    """Where every `key_*` cause of an account is judged, whichever target saw it."""
    return f"{account}/key"


def quota_target(account: str) -> str:
    """Where the quotas of an account are judged, those the provider tells and the declared."""
    return f"{account}/quota"


def provider_target(provider: str) -> str:
    """The derived target that stands for a whole provider."""
    return f"{provider}/provider"


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit that resets: what of it is used."""

    quota: str
    used: Decimal | None
    limit: Decimal | None  # None: no limit
    unit: str
    resets_at: datetime | None = None
    per: str = ""  # of a declared one, how long its window is: "day"; empty where an API tells it
    exhausted_at: datetime | None = None  # at the present pace; None: unknown, or after the reset
    sustained: Decimal | None = None  # of a window so short that a rule judges what lasts in it

    @property
    def declared(self) -> bool:
        """Whether the config declares it: counted here, whatever the provider answers."""
        return bool(self.per)

    @property
    def used_share(self) -> float | None:
        """Used part of the limit, 0.8 for 80 %; None where either is unknown or there is none."""
        if self.used is None or self.limit is None or self.limit <= 0:
            return None
        return float(self.used / self.limit)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a provider's code says of one answer, before time and target are put to it."""

    cause: Cause
    summary: str = ""  # one sentence in the user's terms; never a key, never a body as received
    balance: Decimal | None = None
    unit: str | None = None
    quotas: tuple[Quota, ...] = ()
    retry_after: float | None = None  # seconds the provider asked us to stay away
    warning: bool = False  # usable, but `summary` says what to look at (a missing permission)
    facts: Mapping[str, str] = field(default_factory=dict)  # plan, role, moved_to: never private
    evidence: str = ""  # redacted shape of an answer no table knows, so that one can be extended
    # Which line of the provider's table fitted, for whoever asks why. It is not kept.
    why: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a probe found, and when."""

    target: str
    at: datetime  # when the probe finished
    duration: float  # seconds
    finding: Finding

    @property
    def cause(self) -> Cause:
        """The finding's cause."""
        return self.finding.cause

    @property
    def read(self) -> bool:
        """Whether anything was read: `monitor_probe_success`."""
        return CAUSES[self.finding.cause].read

    @property
    def standing(self) -> Standing:
        """Usable, unusable or not read."""
        return CAUSES[self.finding.cause].standing


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """What is remembered of one target beside its samples."""

    target: str
    reading: Reading | None  # the last finished probe
    last_success: datetime | None = None
    failures: int = 0
    streak: int = 0
    balance: Decimal | None = None  # the accepted one
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One believed (time, balance) point, or a probe that could not read (None)."""

    at: datetime
    balance: Decimal | None


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
    incident: str | None = None  # the open incident's id: set exactly while firing
    severity: Severity = Severity.WARNING
    cause: Cause = Cause.OK
    summary: str = ""

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
    close_reason: str = ""  # "resolved", "rule removed", "target removed"
    ack: Ack | None = None

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


class ServiceStatus(StrEnum):
    """What customers see of a service."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One service as it stands."""

    service: str
    status: ServiceStatus
    tell_customers: str = ""  # stands while degraded or down


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the forecast says of one balance at one moment.

    Hours; `math.inf` where nothing burns; None where unknown. All 0 at or under the floor.
    """

    burn_per_hour: float | None
    p10: float | None
    p25: float | None
    p50: float | None
    p90: float | None
    usual_burn_per_hour: float | None = None  # this account's own usual for this hour
    recent_burn_per_hour: float | None = None  # what it has really spent of late, for burn-spike
    recent_noise_per_hour: float = 0.0  # as much of it may be chance: lumps that came together


@dataclass(frozen=True, slots=True)
class Totals:
    """A ledger's sums since it began. start - spent + refunded + topped_up + adjusted = end."""

    start: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)  # gross, never falls
    refunded: Decimal = Decimal(0)
    topped_up: Decimal = Decimal(0)
    adjusted: Decimal = Decimal(0)
    misread: int = 0  # values that were not believed
    end: Decimal = Decimal(0)
