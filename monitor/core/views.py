"""From what was read to what may be seen: views of targets, and of the derived ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from monitor.core.accuracy import Hindsight
from monitor.core.causes import FAILURES, KEY_CAUSES, Cause
from monitor.core.globs import matches
from monitor.core.model import (
    STORE_TARGET,
    Check,
    Outlook,
    Quota,
    Reading,
    TargetRecord,
    key_target,
    models_target,
    quota_target,
)
from monitor.core.settings import Account, Settings, TargetSettings
from monitor.core.view import View

_WHOLE_KEY = frozenset({Cause.KEY_REJECTED, Cause.KEY_EXPIRED})  # nothing can be read with it
TOLD = " (told by the provider)"
_EPOCH = datetime.fromtimestamp(0, UTC)
_PLAIN = frozenset({Cause.OK, Cause.MODEL_LOADING})


def fold(record: TargetRecord, reading: Reading, balance: Decimal | None) -> TargetRecord:
    """What is remembered after one more probe; `balance` is the accepted one, if any."""
    failed = reading.cause in FAILURES
    streak = record.streak
    if reading.read:
        short = balance is not None and balance <= 0
        streak = 0 if reading.cause in _PLAIN and not short else streak + 1
    return TargetRecord(
        target=record.target,
        reading=reading,
        last_success=reading.at if reading.read else record.last_success,
        failures=record.failures + 1 if failed else 0,
        failed_from=_failed_from(record, reading) if failed else None,
        streak=streak,
        balance=record.balance if balance is None else balance,
        unit=reading.finding.unit or record.unit,
    )


def continued(stored: TargetRecord, seen: TargetRecord) -> TargetRecord:
    """What is remembered where the record of an earlier process is found only after probes of
    this one: what this one has `seen` goes on from there."""
    if seen.reading is None or (stored.reading and stored.reading.at > seen.reading.at):
        return stored
    goes_on = stored.failures if seen.failures and seen.last_success is None else 0
    return replace(
        seen,
        last_success=seen.last_success or stored.last_success,
        failures=seen.failures + goes_on,
        failed_from=stored.failed_from if goes_on else seen.failed_from,
        streak=seen.streak if seen.last_success else stored.streak,
        balance=stored.balance if seen.balance is None else seen.balance,
        unit=seen.unit or stored.unit,
    )


def _failed_from(record: TargetRecord, reading: Reading) -> datetime | None:
    """When the first probe of a run of failures was begun; None: an earlier version saw it."""
    if record.failures:
        return record.failed_from
    return reading.at - timedelta(seconds=reading.duration)


def jobs_left(balance: Decimal | None, jobs: Mapping[str, Decimal]) -> dict[str, int]:
    """Whole jobs of each price that the balance still pays."""
    if balance is None:
        return {}
    return {name: max(0, int(balance // price)) for name, price in jobs.items()}


def judged_cause(record: TargetRecord, check: Check, floor: Decimal) -> Cause | None:
    """The reading's cause; a balance that pays for no job is `credits_exhausted`."""
    if record.reading is None:
        return None
    cause = record.reading.cause
    short = record.balance is not None and (record.balance <= 0 or record.balance < floor)
    if check is Check.BALANCE and cause is Cause.OK and short:
        return Cause.CREDITS_EXHAUSTED
    return cause


def target_view(
    account: Account,
    settings: TargetSettings,
    record: TargetRecord,
    *,
    outlook: Outlook | None = None,
    doubted: tuple[Decimal, datetime] | None = None,
    hindsight: tuple[Hindsight, ...] = (),
    named: bool = False,
    whole_key: View | None = None,
    watched_since: datetime | None = None,
    unit_since: datetime | None = None,
    declared: tuple[Quota, ...] = (),
    counted_at: datetime | None = None,
    rest: tuple[float, str] = (0.0, ""),
) -> View:
    """One configured target as it stands. `whole_key`: the account's key, if it is known bad.

    `rest`: seconds between two probes where that is more than the config says, and why.
    `declared`: of a quota's target what is counted here, as of `counted_at`.
    """
    target, reading = settings.target, record.reading
    spends = target.check is Check.BALANCE
    return View(
        target=target.name,
        account=account.name,
        provider=account.provider,
        check=target.check,
        subject=target.subject,
        cause=judged_cause(record, target.check, account.floor),
        summary=reading.finding.summary if reading else "",
        evidence_at=_latest(reading.at if reading else None, counted_at),
        reading=reading,
        last_success=record.last_success,
        failures=record.failures,
        failed_from=record.failed_from,
        streak=record.streak,
        local=not settings.asked,
        interval=max(settings.interval.longest, rest[0]),
        resting=rest[1],
        timeout=settings.timeout,
        unit=record.unit,
        unit_since=unit_since,
        outlook=outlook,
        hindsight=hindsight,
        job_titles=account.job_titles,
        main_job=account.main_job,
        quotas=(*_told(reading, account), *declared),
        facts=reading.finding.facts if reading else {},
        warning=reading.finding.warning if reading else False,
        key_cause=_key_cause(reading, whole_key) if _by_key(settings) else None,
        watched_since=watched_since,
        named=named,
        balance=record.balance if spends else None,
        doubted=doubted if spends else None,
        floor=account.floor if spends else Decimal(0),
        jobs_left=jobs_left(record.balance, account.jobs) if spends else {},
    )


def _by_key(settings: TargetSettings) -> bool:
    """Whether it is asked with the account's key: a status page is not, what is counted is not."""
    return settings.asked and settings.target.check is not Check.STATUS


def _told(reading: Reading | None, account: Account) -> tuple[Quota, ...]:
    """The provider's quotas; one that is named like a declared one says whose it is.

    Two of one name would be one series in the metrics, and one of them would not be seen.
    """
    taken = {q.name for q in account.quotas}
    told = reading.finding.quotas if reading else ()
    return tuple(replace(q, quota=f"{q.quota}{TOLD}") if q.quota in taken else q for q in told)


def _latest(*times: datetime | None) -> datetime | None:
    return max((at for at in times if at is not None), default=None)


def _key_cause(reading: Reading | None, whole_key: View | None) -> Cause | None:
    if reading is not None and reading.cause in KEY_CAUSES:
        return reading.cause
    if whole_key is None or whole_key.cause not in _WHOLE_KEY or whole_key.evidence_at is None:
        return None
    older = reading is None or reading.at < whole_key.evidence_at
    return whole_key.cause if older else None


def key_view(account: Account, views: Iterable[View]) -> View:
    """`ACCOUNT/key`: its own check if there is one, else or worse what any target saw of it."""
    # A status page is asked without the key, and what is counted here without asking.
    members = tuple(v for v in views if v.check is not Check.STATUS and not v.local)
    name = key_target(account.name)
    own = next((v for v in members if v.target == name), None)
    seen = [v for v in members if v.reading is not None and v.reading.cause in KEY_CAUSES]
    base = own or _derived(name, account.name, account.provider, members)
    if own is not None and own in seen:
        return replace(own, key_cause=None, members=members)
    if seen:
        latest = max(seen, key=lambda v: v.evidence_at or _EPOCH)
        return replace(
            base,
            cause=latest.reading.cause if latest.reading else latest.cause,
            summary=latest.summary,
            evidence_at=latest.evidence_at,
            streak=latest.streak,
            failures=0,
            key_cause=None,
            members=members,
        )
    return replace(base, key_cause=None, members=members)


def _derived(name: str, account: str, provider: str, members: tuple[View, ...]) -> View:
    """A target nobody asks for: fine where a member was read, unknown before."""
    read = [v for v in members if v.reading is not None and v.reading.read]
    asked = [v for v in members if v.cause is not None]
    newest = max(read, key=lambda v: v.evidence_at or _EPOCH, default=None)
    cause = Cause.OK if newest else asked[0].cause if asked else None
    evidence = [v.evidence_at for v in members if v.evidence_at is not None]
    return View(
        target=name,
        account=account,
        provider=provider,
        check=None,
        cause=cause,
        evidence_at=max(evidence, default=None),
        last_success=newest.last_success if newest else None,
        interval=max((v.interval for v in members), default=300.0),
        members=members,
    )


def models_view(account: Account, views: Iterable[View]) -> View:
    """`ACCOUNT/model`: all models of an account, in the order the product tries them."""
    members = tuple(v for v in views if v.check is Check.MODEL)
    return _derived(models_target(account.name), account.name, account.provider, members)


def store_view(trouble: str, now: datetime) -> View:
    """`monitor/store`: our own memory; `trouble` says what is wrong with it."""
    return View(
        target=STORE_TARGET,
        account="monitor",
        provider="monitor",
        check=None,
        cause=Cause.OK,
        summary=trouble,
        evidence_at=now,
        facts={"trouble": trouble} if trouble else {},
    )


def named_targets(settings: Settings) -> frozenset[str]:
    """Targets that a rule or a service of the user's names, or a query of theirs."""
    names = {t.target.name for t in settings.targets}
    queried = {quota_target(a.name) for a in settings.accounts if any(q.query for q in a.quotas)}
    globs = [r.on for r in settings.rules if not r.builtin]
    globs += [g for s in settings.services for g in (*s.needs, *s.any_of)]
    return frozenset(n for n in names if n in queried or any(matches(g, n) for g in globs))
