"""Target records, and the reading in them, as rows."""

from __future__ import annotations

import json
import sqlite3

from monitor.core.causes import Cause
from monitor.core.model import Finding, Quota, Reading, TargetRecord
from monitor.store.cells import (
    Cells,
    decimal,
    micros,
    micros_or_none,
    moment,
    moment_or_none,
    money,
    text,
    text_or_none,
)
from monitor.store.lives import cell


def _quotas_text(quotas: tuple[Quota, ...]) -> str:
    return json.dumps(
        [
            [
                *(q.quota, money(q.used), money(q.limit), q.unit, micros_or_none(q.resets_at)),
                *(q.per, micros_or_none(q.exhausted_at), money(q.sustained)),
            ]
            for q in quotas
        ]
    )


def _quotas(value: str) -> tuple[Quota, ...]:
    return tuple(_quota(*cells) for cells in json.loads(value))


def _quota(
    quota: str,
    used: str | None,
    limit: str | None,
    unit: str,
    resets_at: int | None,
    per: str = "",
    exhausted_at: int | None = None,
    sustained: str | None = None,
) -> Quota:
    """One row's quota; an older one ends with its reset."""
    return Quota(
        quota=quota,
        used=decimal(used),
        limit=decimal(limit),
        unit=unit,
        resets_at=moment_or_none(resets_at),
        per=per,
        exhausted_at=moment_or_none(exhausted_at),
        sustained=decimal(sustained),
    )


NO_READING: Cells = dict.fromkeys(
    (
        "read_at", "duration", "cause", "summary", "read_balance", "read_unit", "quotas",
        "retry_after", "warning", "facts", "evidence",
    )
)  # fmt: skip


def _reading_cells(reading: Reading | None) -> Cells:
    if reading is None:
        return NO_READING
    found = reading.finding
    return {
        "read_at": micros(reading.at),
        "duration": reading.duration,
        "cause": found.cause.value,
        "summary": text(found.summary),
        "read_balance": money(found.balance),
        "read_unit": text_or_none(found.unit),
        "quotas": _quotas_text(found.quotas),
        "retry_after": found.retry_after,
        "warning": int(found.warning),
        "facts": json.dumps(dict(found.facts)),
        "evidence": text(found.evidence),
    }


def _reading(row: sqlite3.Row) -> Reading | None:
    if row["read_at"] is None:
        return None
    finding = Finding(
        cause=Cause(row["cause"]),
        summary=row["summary"],
        balance=decimal(row["read_balance"]),
        unit=row["read_unit"],
        quotas=_quotas(row["quotas"]),
        retry_after=row["retry_after"],
        warning=bool(row["warning"]),
        facts=json.loads(row["facts"]),
        evidence=row["evidence"],
    )
    return Reading(row["target"], moment(row["read_at"]), row["duration"], finding)


def record_cells(record: TargetRecord) -> Cells:
    """The row of one target's record."""
    return {
        "target": text(record.target),
        "last_success": micros_or_none(record.last_success),
        "failures": record.failures,
        "failed_from": micros_or_none(record.failed_from),
        "streak": record.streak,
        "balance": money(record.balance),
        "unit": text_or_none(record.unit),
        **_reading_cells(record.reading),
    }


def record(row: sqlite3.Row) -> TargetRecord:
    """What a row remembers of one target."""
    failed_from = cell(row, "failed_from")
    return TargetRecord(
        target=row["target"],
        reading=_reading(row),
        last_success=moment_or_none(row["last_success"]),
        failures=row["failures"],
        failed_from=moment(failed_from) if isinstance(failed_from, int) else None,
        streak=row["streak"],
        balance=decimal(row["balance"]),
        unit=row["unit"],
    )
