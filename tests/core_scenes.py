"""Views and readings for the tests of the core: one line each, defaults for the rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from monitor.core.causes import FAILURES, Cause
from monitor.core.members import NetworkMembers, ProviderMembers
from monitor.core.model import NETWORK_TARGET, Check, Finding, Outlook, Reading
from monitor.core.view import View

NOW = datetime(2026, 11, 20, 10, 31, 28, tzinfo=UTC)


def later(seconds: float) -> datetime:
    """`NOW` and so many seconds."""
    return NOW + timedelta(seconds=seconds)


def a_reading(
    target: str, cause: Cause = Cause.OK, *, at: datetime = NOW, duration: float = 0.25,
    balance: str | None = None, retry_after: float | None = None, summary: str = "",
) -> Reading:  # fmt: skip
    """What a probe found."""
    figure = None if balance is None else Decimal(balance)
    finding = Finding(cause, summary=summary, balance=figure, retry_after=retry_after)
    return Reading(target, at, duration, finding)


def a_view(
    target: str = "kie/balance", cause: Cause | None = Cause.OK, *, at: datetime = NOW,
    balance: str | None = None, provider: str | None = None, failures: int | None = None,
    last_success: datetime | None = None, **changes: object,
) -> View:  # fmt: skip
    """A target as it stands after a probe at `at` that found `cause`."""
    account, check, *subject = target.split("/", 2)
    found = None if cause is None else a_reading(target, cause, at=at, balance=balance)
    failing = cause in FAILURES
    plain = View(
        target=target,
        account=account,
        provider=provider or account,
        check=Check(check) if check in set(Check) else None,
        subject=subject[0] if subject else None,
        cause=cause,
        evidence_at=None if found is None else at,
        reading=found,
        last_success=at if found is not None and found.read else last_success,
        failures=(1 if failing else 0) if failures is None else failures,
        balance=None if balance is None else Decimal(balance),
    )
    return replace(plain, **changes)


def a_group(target: str, *members: View, provider: str = "", **changes: object) -> View:
    """A derived target with its members."""
    evidence = max((m.evidence_at for m in members if m.evidence_at), default=None)
    together = NetworkMembers() if target == NETWORK_TARGET else ProviderMembers(provider)
    for member in members:
        together.put(member)
    plain = View(
        target=target,
        account=target.split("/", maxsplit=1)[0],
        provider=provider or target.split("/", maxsplit=1)[0],
        check=None,
        evidence_at=evidence,
        members=members,
        evidence=together.view().evidence,
    )
    return replace(plain, **changes)


def an_outlook(
    burn: float | None = 41.5, *, p10: float | None = 90.1, p25: float | None = 112.0,
    p50: float | None = 139.3, p90: float | None = float("inf"),
    usual: float | None = None, recent: float | None = None,
) -> Outlook:  # fmt: skip
    """What the forecast says."""
    return Outlook(burn, p10, p25, p50, p90, usual, recent)
