"""The nouns of the house. Every value is frozen; every time is an aware UTC datetime.

Those of incidents and of telling stand in `core/incident.py`; all can be had from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from monitor.core.causes import CAUSES, Cause, Standing
from monitor.core.incident import (
    Ack,
    Alert,
    AlertState,
    Incident,
    Judgement,
    Kind,
    Notification,
    Silence,
    Told,
    Verdict,
    incident_id,
    notification_id,
)

__all__ = [
    "CANARY_TARGET",
    "NETWORK_TARGET",
    "STORE_TARGET",
    "Ack",
    "Alert",
    "AlertState",
    "Check",
    "Finding",
    "Incident",
    "Judgement",
    "Kind",
    "Notification",
    "Outlook",
    "Quota",
    "Reading",
    "Sample",
    "ServiceState",
    "ServiceStatus",
    "Silence",
    "Target",
    "TargetRecord",
    "Told",
    "Totals",
    "Verdict",
    "incident_id",
    "key_target",
    "models_target",
    "notification_id",
    "ours",
    "provider_target",
    "quota_target",
    "receiver_target",
]


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
_RECEIVERS = "monitor/receiver/"


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


def receiver_target(receiver: str) -> str:
    """The derived target that stands for our way to a receiver."""
    return f"{_RECEIVERS}{receiver}"


def ours(target: str) -> bool:
    """Whether a target is about this monitor itself: an account may be called `monitor`, too."""
    return target in (NETWORK_TARGET, STORE_TARGET) or target.startswith(_RECEIVERS)


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
    failed_from: datetime | None = None  # when the first of `failures` was begun; None: unknown


@dataclass(frozen=True, slots=True)
class Sample:
    """One believed (time, balance) point, or a probe that could not read (None)."""

    at: datetime
    balance: Decimal | None


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
    planned: bool = False  # burn and runway follow the plan: too little has been seen to speak


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
