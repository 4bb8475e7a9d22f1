"""The status document as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.core.causes import Cause, Status
from monitor.core.words import WHAT

_NAMED = 3  # alerts of one target, in one sentence


@dataclass(frozen=True, slots=True)
class QuotaRow:
    """A limit that resets."""

    quota: str
    used: float | None
    limit: float | None
    unit: str
    resets_at: str


@dataclass(frozen=True, slots=True)
class AccuracyRow:
    """How the forecasts made so long before an ending have done."""

    before: str  # `24h`
    at: str  # of the last ending
    ended: str
    said: float  # hours
    true: float  # hours
    scores: int
    held: int
    factor: float


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One target of the document."""

    target: str
    account: str
    status: Status
    cause: Cause | None
    summary: str
    next_step: str
    duration: float | None  # seconds
    balance: float | None
    unit: str
    floor: float | None
    burn: float | None  # credits per hour
    runway: Mapping[str, float]  # percentile to hours, `math.inf` where nothing burns
    jobs_left: tuple[str, ...]  # `43 Sora 2 Pro 720p 15 s videos`
    quotas: tuple[QuotaRow, ...]
    fires: tuple[str, ...] = ()  # `kie-low fires: balance 28880.25 is under 100000`; worst first
    accuracy: tuple[AccuracyRow, ...] = ()
    planned: bool = False  # the burn is the plan's: hardly any was seen
    interval: float | None = None  # seconds
    age: float | None = None  # seconds since it was read; None where it was for this document

    @property
    def words(self) -> str:
        """How it stands, in one sentence."""
        what = WHAT[self.cause] if self.cause else "not probed yet"
        return self.summary or what

    @property
    def why(self) -> str:
        """How it stands, and by which rules that is wrong: for who sees no list of alerts."""
        named, left = self.fires[:_NAMED], len(self.fires) - _NAMED
        more = [f"{left} more alert{'s' if left > 1 else ''}"] if left > 0 else []
        return "; ".join([self.words, *named, *more])

    @property
    def doubt(self) -> str:
        """The cause where it is not plainly fine: `model_not_served`, else empty."""
        return "" if self.cause in (None, Cause.OK) else self.cause.value


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One pending or firing alert of the document."""

    alert: str
    target: str
    severity: str
    state: str
    summary: str
    since: str
    acknowledged: str = ""  # `ada`; `ada at warning` where it has become worse since
    untold: tuple[str, ...] = ()  # `office: outside its hours, until 2026-11-23T07:00:00Z`


@dataclass(frozen=True, slots=True)
class SilenceRow:
    """One silence in force."""

    id: str
    targets: str
    ends_at: str
    author: str
    comment: str


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """One service of the document."""

    service: str
    status: str
    tell_customers: str


@dataclass(frozen=True, slots=True)
class Report:
    """The whole document."""

    at: str
    status: Status
    duration: float | None  # seconds
    targets: tuple[TargetRow, ...]
    alerts: tuple[AlertRow, ...]
    services: tuple[ServiceRow, ...]
    silences: tuple[SilenceRow, ...] = ()
    maintenance: tuple[str, ...] = ()  # `backup  kie/*: now, until 2026-11-22T03:00:00Z`
    leader: str = ""  # which daemon leads, and who stands by
    gone: str = ""  # that no daemon is alive, and since when; empty where one is
    config_fault: str = ""  # where the config is broken that the daemon did not take

    def of(self, status: Status) -> tuple[TargetRow, ...]:
        """The targets that stand so, in the document's order."""
        return tuple(t for t in self.targets if t.status is status)

    @property
    def counts(self) -> str:
        """`1 critical, 2 ok`, the worst first; `no targets` of none."""
        worst_first = sorted(Status, key=lambda s: -s.badness)
        found = [(len(self.of(status)), status.value) for status in worst_first]
        return ", ".join(f"{n} {word}" for n, word in found if n) or "no targets"
