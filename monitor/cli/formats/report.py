"""Reads the status document. Members that are absent or of a wrong type count as unknown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TypeVar

from monitor.cli.formats.absence import config_fault, gone
from monitor.cli.formats.rows import (
    AccuracyRow,
    AlertRow,
    QuotaRow,
    Report,
    ServiceRow,
    SilenceRow,
    TargetRow,
)
from monitor.core.causes import Cause, Severity, Status

_Enum = TypeVar("_Enum", Status, Cause, Severity)
Member = Mapping[str, object]


def read(document: Member) -> Report:
    """The document's values."""
    return Report(
        at=_text(document, "at"),
        status=_one_of(Status, document.get("status")) or Status.UNKNOWN,
        duration=_number(document.get("duration_seconds")),
        targets=tuple(_target(m, _stored_at(document)) for m in _members(document, "targets")),
        alerts=tuple(_alert(m) for m in _members(document, "alerts")),
        services=tuple(_service(m) for m in _members(document, "services")),
        silences=tuple(_silence(m) for m in _members(document, "silences")),
        maintenance=tuple(_window(m) for m in _members(document, "maintenance")),
        leader=_leader(document.get("leader")),
        gone=gone(document.get("daemon")),
        config_fault=config_fault(document.get("daemon")),
    )


def _window(member: Member) -> str:
    globs, alert = member.get("targets"), _text(member, "alert")
    targets = ", ".join(str(g) for g in globs) if isinstance(globs, list) else ""
    begin, end = _text(member, "starts_at"), _text(member, "ends_at")
    when = f"now, until {end}" if member.get("active") is True else f"{begin} to {end}"
    return f"{_text(member, 'name')}  {f'{alert} on ' if alert else ''}{targets}: {when}"


def _leader(found: object) -> str:
    if not isinstance(found, Mapping) or not _text(found, "holder"):
        return ""
    listed = found.get("standbys")
    waiting = [s for s in listed if isinstance(s, str)] if isinstance(listed, list) else []
    beside = f"; standing by: {', '.join(waiting)}" if waiting else ""
    return f"led by {_text(found, 'holder')}, epoch {found.get('epoch')}{beside}"


def _silence(member: Member) -> SilenceRow:
    return SilenceRow(
        *(_text(member, n) for n in ("id", "targets", "ends_at", "author", "comment"))
    )


def _stored_at(document: Member) -> datetime | None:
    """The moment of a document of what was read before; None where it was probed for it."""
    return None if document.get("duration_seconds") is not None else _moment(document, "at")


def _target(member: Member, at: datetime | None) -> TargetRow:
    name = _text(member, "target")
    return TargetRow(
        target=name,
        account=_text(member, "account") or name.partition("/")[0],
        status=_one_of(Status, member.get("status")) or Status.UNKNOWN,
        cause=_one_of(Cause, member.get("cause")),
        summary=_text(member, "summary"),
        next_step=_text(member, "next_step_in_full") or _text(member, "next_step"),
        duration=_number(member.get("duration_seconds")),
        balance=_number(member.get("balance")),
        unit=_text(member, "unit"),
        floor=_number(member.get("floor")),
        burn=_number(member.get("burn_per_hour")),
        runway=_numbers(member, "runway_hours"),
        jobs_left=_texts(member, "jobs_in_words"),
        quotas=tuple(_quota(m) for m in _members(member, "quotas")),
        fires=tuple(_fires(m, _text(member, "summary")) for m in _members(member, "firing")),
        accuracy=accuracy(member.get("forecast_accuracy")),
        planned=member.get("burn_planned") is True,
        interval=_number(member.get("interval_seconds")),
        age=_age(_moment(member, "last_success"), at),
    )


def _fires(member: Member, said: str) -> str:
    """A rule, and why it fires, unless the target's own words have `said` that."""
    name, why = _text(member, "alert"), _text(member, "summary")
    return f"{name} fires" if not why or why in said else f"{name} fires: {why}"


def _age(read: datetime | None, at: datetime | None) -> float | None:
    return None if read is None or at is None else max(0.0, (at - read).total_seconds())


def accuracy(member: object) -> tuple[AccuracyRow, ...]:
    """The horizons of a `forecast_accuracy` that say all that a sentence needs."""
    found = member.items() if isinstance(member, Mapping) else ()
    rows = (_accuracy(str(name), m) for name, m in found if isinstance(m, Mapping))
    return tuple(row for row in rows if row is not None)


def _accuracy(before: str, member: Member) -> AccuracyRow | None:
    last = member.get("last")
    if not isinstance(last, Mapping):
        return None
    said, true = _number(last.get("said_hours")), _number(last.get("true_hours"))
    counts = [_number(member.get(n)) for n in ("scores", "within_p10_p90", "median_factor")]
    scores, held, factor = (0.0 if c is None or math.isinf(c) else c for c in counts)
    if said is None or not true or scores < 1:
        return None
    at, ended = _text(last, "at"), _text(last, "ended")
    return AccuracyRow(before, at, ended, said, true, int(scores), int(held), factor)


def _quota(member: Member) -> QuotaRow:
    return QuotaRow(
        quota=_text(member, "quota"),
        used=_number(member.get("used")),
        limit=_number(member.get("limit")),
        unit=_text(member, "unit"),
        resets_at=_text(member, "resets_at"),
    )


def _alert(member: Member) -> AlertRow:
    names = ("alert", "target", "severity", "state", "summary", "since")
    alert, target, severity, state, summary, since = (_text(member, name) for name in names)
    by = _acknowledged(member.get("acknowledged"), severity)
    held = tuple(_untold(m, severity) for m in _members(member, "untold"))
    return AlertRow(alert, target, severity, state, summary, since, by, held)


def _acknowledged(ack: object, severity: str) -> str:
    """By whom; where it has become worse since, at which severity."""
    if not isinstance(ack, Mapping):
        return ""
    by, seen = _text(ack, "by"), _one_of(Severity, ack.get("severity"))
    now = _one_of(Severity, severity)
    outgrown = seen is not None and now is not None and now.rank > seen.rank
    return f"{by} at {seen}" if outgrown else by


def _untold(member: Member, severity: str) -> str:
    until, who = _text(member, "until"), _text(member, "receiver")
    what = f" that it is {severity}" if _text(member, "knows") else ""
    held = f"{who}{what}: {_text(member, 'why')}"
    return f"{held}, until {until}" if until else held


def _service(member: Member) -> ServiceRow:
    return ServiceRow(**{n: _text(member, n) for n in ("service", "status", "tell_customers")})


def _text(member: Member, name: str) -> str:
    value = member.get(name)
    return value if isinstance(value, str) else ""


def _moment(member: Member, name: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(_text(member, name))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _number(value: object) -> float | None:
    if value == "+Inf":
        return math.inf
    return float(value) if isinstance(value, int | float) and value is not True else None


def _numbers(member: Member, name: str) -> dict[str, float]:
    found = member.get(name)
    pairs = found.items() if isinstance(found, Mapping) else ()
    read_as = {str(key): _number(value) for key, value in pairs}
    return {key: value for key, value in read_as.items() if value is not None}


def _texts(member: Member, name: str) -> tuple[str, ...]:
    found = member.get(name)
    values = found.values() if isinstance(found, Mapping) else ()
    return tuple(value for value in values if isinstance(value, str))


def _members(member: Member, name: str) -> Iterator[Member]:
    found = member.get(name)
    for item in found if isinstance(found, list | tuple) else ():
        if isinstance(item, Mapping):
            yield item


def _one_of(kind: type[_Enum], value: object) -> _Enum | None:
    return next((member for member in kind if member.value == value), None)
