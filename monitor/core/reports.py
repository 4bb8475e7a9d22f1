"""What an application sends, read strictly: JSON to reports, or the first fault of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import Final

from monitor.core.counts import Report
from monitor.core.windows import DeclaredQuota

MOST: Final = 1000  # reports in one list
RESERVED: Final = ("id", "at", "quota", "job")  # members that are no unit
_CREDITS = "credits"  # what a job cost, and a unit where a quota has it
_AHEAD = timedelta(minutes=1)  # by which another machine's clock may be fast
_LARGEST = Decimal(10) ** 15
_FINEST = -12  # digits after the point: beyond is noise
_MOST_JOBS = 200  # names of one account: each is a series of Prometheus
_JOB = re.compile(r"[^\s()=,\x00-\x1f\x7f]{1,100}")
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


class Unfit(ValueError):
    """Why a report cannot be taken, in the user's terms: never what it holds at length."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one report of a list."""

    index: int
    fault: str


@dataclass(frozen=True, slots=True)
class Counted:
    """What became of some reports."""

    counted: int
    ignored: tuple[tuple[str, str], ...] = ()  # (id, why)
    faults: tuple[Fault, ...] = ()  # then nothing was counted


@dataclass(frozen=True, slots=True)
class Taker:
    """What an account takes reports for."""

    quotas: Sequence[DeclaredQuota]
    jobs: Mapping[str, Decimal]  # credits per job
    seen_jobs: frozenset[str]  # reported before
    now: datetime

    @property
    def _counted(self) -> dict[str, list[DeclaredQuota]]:
        found: dict[str, list[DeclaredQuota]] = {}
        for quota in self.quotas:
            if quota.query is None:
                found.setdefault(quota.unit, []).append(quota)
        return found

    def take(self, body: object) -> tuple[list[Report], list[Fault]]:
        """Every report of `body`, one object or a list of them, and every fault.

        Raises Unfit where it is neither.
        """
        items = body if isinstance(body, list) else [body]
        if not items:
            raise Unfit("the list is empty: send one report, or a list of them")
        reports, faults = [], []
        for index, item in enumerate(items):
            try:
                reports.append(self._report(item))
            except Unfit as unfit:
                faults.append(Fault(index, str(unfit)))
        return reports, faults

    def _report(self, item: object) -> Report:
        if not isinstance(item, dict):
            raise Unfit('it is not an object such as {"id": "req-123", "calls": 1}')
        report = Report(
            id=_id(item.get("id")),
            at=_moment(item.get("at"), self.now),
            amounts=self._amounts(item),
            job=self._job(item.get("job")),
            credits=self._credits(item),
        )
        if not report.amounts and report.job is None:
            raise Unfit(f"it counts nothing: {self._wanted()}")
        return report

    def _wanted(self) -> str:
        units = list(self._counted)
        return f"give {', '.join(units)} or job" if units else "give a job"

    def _amounts(self, item: Mapping[str, object]) -> dict[str, Decimal]:
        named = self._named(item.get("quota"))
        amounts: dict[str, Decimal] = {}
        for member, value in item.items():
            if member in RESERVED or (member == _CREDITS and member not in self._counted):
                continue
            quotas = self._of_unit(member)
            if named is None or named.unit == member:
                amount = _amount(value, member)
                amounts |= {q.name: amount for q in quotas if named in (None, q)}
            elif member != _CREDITS:
                raise Unfit(f"{member}: {named.name} is counted in {named.unit}")
        if named is not None and not amounts:
            raise Unfit(f"{named.unit}: is missing: how much of {named.name}")
        return amounts

    def _of_unit(self, member: str) -> list[DeclaredQuota]:
        found = self._counted.get(member)
        if found is None:
            known = [*self._counted, *RESERVED, _CREDITS]
            text = _shown(member)
            raise Unfit(f"{text}: no quota of this account counts it{near_or_all(member, known)}")
        return found

    def _named(self, value: object) -> DeclaredQuota | None:
        if value is None:
            return None
        names = {q.name: q for q in self.quotas}
        if not isinstance(value, str) or value not in names:
            raise Unfit(f"quota: {_shown(value)} is not declared{near_or_all(value, names)}")
        if names[value].query is not None:
            raise Unfit(f"quota: {value} is read by its query, and takes no reports")
        return names[value]

    def _job(self, value: object) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str) or not (_JOB.fullmatch(value) and value.isprintable()):
            raise Unfit(
                "job: must be a name of 1 to 100 printable characters, "
                "without spaces, brackets, commas or equals signs"
            )
        known = self.seen_jobs | frozenset(self.jobs)
        if value not in known and len(known) >= _MOST_JOBS:
            raise Unfit(f"job: there are {_MOST_JOBS} already: name kinds of jobs, not each one")
        return value

    def _credits(self, item: Mapping[str, object]) -> Decimal | None:
        value, job = item.get(_CREDITS), item.get("job")
        if value is not None:
            if job is None and _CREDITS not in self._counted:
                raise Unfit("credits: whose? give the job as well")
            return _amount(value, _CREDITS)
        return self.jobs.get(job) if isinstance(job, str) else None


def _id(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 200:
        raise Unfit("id: must be text of 1 to 200 characters, the same when it is sent again")
    return value


def _moment(value: object, now: datetime) -> datetime:
    """When it happened; without a word of it, now."""
    if value is None:
        return now
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise Unfit("at: must be a time with its zone, such as 2026-11-20T10:31:28Z")
    try:
        at = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unfit(f"at: {value!r} is no time there is") from None
    if at > now + _AHEAD:
        raise Unfit(f"at: {value} lies in the future")
    return min(at, now)


def _amount(value: object, member: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Unfit(f"{member}: must be a number")
    amount = Decimal(value)
    if not amount.is_finite() or not 0 <= amount < _LARGEST:
        raise Unfit(f"{member}: must be a number from 0 up to 1e15")
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and exponent < _FINEST:
        raise Unfit(f"{member}: has more than {-_FINEST} digits after the point")
    return amount


def _shown(value: object) -> str:
    return repr(value if len(str(value)) <= 60 else f"{str(value)[:59]}…")


def near_or_all(name: object, names: Iterable[str]) -> str:
    """`, did you mean NAME?` where one of `names` is near, else all of them."""
    known = list(names)
    near = get_close_matches(str(name)[:200], known, n=1, cutoff=0.6)
    if near:
        return f", did you mean {near[0]}?"
    return f"; there are {', '.join(known)}" if known else "; none is declared"
