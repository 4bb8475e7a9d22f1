"""Why a probe failed or a target is unusable: the closed list, and what follows from each.

The table `CAUSES` is the contract's: a newcomer who wants to know what a cause does reads it here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """What a probe found, as one word."""

    OK = "ok"
    KEY_REJECTED = "key_rejected"
    KEY_EXPIRED = "key_expired"
    KEY_LACKS_PERMISSION = "key_lacks_permission"
    KEY_CAP_REACHED = "key_cap_reached"
    CREDITS_EXHAUSTED = "credits_exhausted"
    QUOTA_EXHAUSTED = "quota_exhausted"
    RATE_LIMITED = "rate_limited"
    MODEL_MISSING = "model_missing"
    MODEL_MOVED = "model_moved"
    MODEL_GATED = "model_gated"
    MODEL_NOT_SERVED = "model_not_served"
    MODEL_RETIRED = "model_retired"
    MODEL_DEGRADED = "model_degraded"
    MODEL_LOADING = "model_loading"
    PROVIDER_MAINTENANCE = "provider_maintenance"
    PROVIDER_ERROR = "provider_error"
    PROVIDER_UNREACHABLE = "provider_unreachable"
    ENDPOINT_RETIRED = "endpoint_retired"
    TIMED_OUT = "timed_out"
    TLS_INVALID = "tls_invalid"
    NETWORK_OFFLINE = "network_offline"
    ANSWER_MALFORMED = "answer_malformed"
    NOT_KNOWABLE = "not_knowable"
    NOT_CONFIGURED = "not_configured"


class Severity(StrEnum):
    """How bad a firing alert is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info, 1 for warning, 2 for critical."""
        return ("info", "warning", "critical").index(self.value)


class Status(StrEnum):
    """How a target stands, for `--once`, the status document and the page."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"

    @property
    def badness(self) -> int:
        """Order for "the worst": critical > warning > unknown > ok."""
        return ("ok", "unknown", "warning", "critical").index(self.value)

    @property
    def exit_code(self) -> int:
        """The Nagios plugin convention: 0 ok, 1 warning, 2 critical, 3 could not be checked."""
        return {"ok": 0, "warning": 1, "critical": 2, "unknown": 3}[self.value]


def worst(statuses: list[Status]) -> Status:
    """The worst of `statuses`; of none, ok."""
    return max(statuses, key=lambda s: s.badness, default=Status.OK)


class Standing(StrEnum):
    """What a cause says of its target."""

    USABLE = "usable"
    UNUSABLE = "unusable"
    NOT_READ = "not_read"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row of the contract's table of causes."""

    standing: Standing
    once: Status  # what it means for a target where no rule says worse
    after: int = 1  # readings in a row before the daemon's own rule believes it

    @property
    def read(self) -> bool:
        """Whether the probe read anything: `monitor_probe_success`."""
        return self.standing is not Standing.NOT_READ


def _rows(standing: Standing, once: Status, after: int, *causes: Cause) -> dict[Cause, Meaning]:
    return dict.fromkeys(causes, Meaning(standing, once, after))


CAUSES: dict[Cause, Meaning] = {
    **_rows(Standing.USABLE, Status.OK, 1, Cause.OK, Cause.MODEL_LOADING),
    **_rows(
        Standing.UNUSABLE, Status.CRITICAL, 1,
        Cause.KEY_REJECTED, Cause.KEY_EXPIRED, Cause.KEY_CAP_REACHED, Cause.KEY_LACKS_PERMISSION,
        Cause.CREDITS_EXHAUSTED, Cause.QUOTA_EXHAUSTED,
    ),
    **_rows(Standing.UNUSABLE, Status.WARNING, 1, Cause.MODEL_MISSING, Cause.MODEL_RETIRED),
    **_rows(Standing.UNUSABLE, Status.WARNING, 2, Cause.MODEL_NOT_SERVED, Cause.MODEL_GATED),
    **_rows(Standing.USABLE, Status.WARNING, 3, Cause.MODEL_MOVED, Cause.MODEL_DEGRADED),
    **_rows(
        Standing.NOT_READ, Status.UNKNOWN, 3,
        Cause.RATE_LIMITED, Cause.TIMED_OUT, Cause.PROVIDER_MAINTENANCE, Cause.PROVIDER_ERROR,
        Cause.PROVIDER_UNREACHABLE, Cause.TLS_INVALID, Cause.NETWORK_OFFLINE,
        Cause.ANSWER_MALFORMED, Cause.ENDPOINT_RETIRED,
    ),
    **_rows(Standing.NOT_READ, Status.OK, 1, Cause.NOT_KNOWABLE, Cause.NOT_CONFIGURED),
}  # fmt: skip

KEY_CAUSES = frozenset(c for c in Cause if c.startswith("key_"))
MODEL_CAUSES = frozenset(
    c for c in Cause if c.startswith("model_") and c is not Cause.MODEL_LOADING
)
MONEY_CAUSES = frozenset({Cause.CREDITS_EXHAUSTED, Cause.QUOTA_EXHAUSTED})
FAILURES = frozenset(
    c for c, m in CAUSES.items() if not m.read and m.once is Status.UNKNOWN
)  # a probe that tried and could not read
