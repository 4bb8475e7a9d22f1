"""Values to rows and back: the only place that knows how a value looks in a table."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

from monitor.core.causes import Cause, Severity
from monitor.core.model import (
    Ack,
    Alert,
    AlertState,
    Incident,
    Kind,
    Sample,
    Silence,
    Told,
)
from monitor.store import Checkpoint
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
from monitor.store.hours import COLUMNS, hour_cells, hour_of_row
from monitor.store.lives import cell, flaps_of, flaps_text, measured_of, measured_text
from monitor.store.records import NO_READING, record, record_cells

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Table(Generic[T]):
    """A table, and how a value becomes one of its rows; `value` raises ValueError and its like."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    cells: Callable[[T], Cells]
    value: Callable[[sqlite3.Row], T]
    unless: str = ""  # a condition under which the row that is there stays as it is

    @property
    def put(self) -> str:
        """The statement that writes one row in place of the one under its key."""
        rest = [c for c in self.columns if c not in self.key]
        change = ", ".join(f"{c} = excluded.{c}" for c in rest)
        change += f" WHERE NOT ({self.unless})" if self.unless else ""
        return (
            f"INSERT INTO {self.name} ({', '.join(self.columns)})"  # noqa: S608 - names of ours
            f" VALUES ({', '.join(f':{c}' for c in self.columns)})"
            f" ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {change}"
        )


def sample_of(row: sqlite3.Row) -> Sample:
    """One point of a row with `at` and `balance`."""
    return Sample(moment(row["at"]), decimal(row["balance"]))


def sample_cells(pair: tuple[str, Sample]) -> Cells:
    """The row of one point."""
    target, point = pair
    return {
        "target": text(target),
        "at": micros(point.at),
        "balance": money(point.balance),
    }


def _checkpoint_cells(checkpoint: Checkpoint) -> Cells:
    return {
        "target": text(checkpoint.target),
        "at": micros(checkpoint.at),
        "state": checkpoint.state,
    }


def _checkpoint(row: sqlite3.Row) -> Checkpoint:
    return Checkpoint(row["target"], moment(row["at"]), row["state"])


def _alert_cells(alert: Alert) -> Cells:
    return {
        "rule": text(alert.rule),
        "target": text(alert.target),
        "state": alert.state.value,
        "since": micros_or_none(alert.since),
        "breaches": alert.breaches,
        "evidence_at": micros_or_none(alert.evidence_at),
        "clear_since": micros_or_none(alert.clear_since),
        "clears": alert.clears,
        "flaps": flaps_text(alert.flaps),
        "incident": text_or_none(alert.incident),
        "severity": alert.severity.value,
        "cause": alert.cause.value,
        "summary": text(alert.summary),
    }


def _alert(row: sqlite3.Row) -> Alert:
    return Alert(
        rule=row["rule"],
        target=row["target"],
        state=AlertState(row["state"]),
        since=moment_or_none(row["since"]),
        breaches=row["breaches"],
        evidence_at=moment_or_none(row["evidence_at"]),
        clear_since=moment_or_none(row["clear_since"]),
        clears=int(cell(row, "clears", 0) or 0),
        flaps=flaps_of(cell(row, "flaps")),
        incident=row["incident"],
        severity=Severity(row["severity"]),
        cause=Cause(row["cause"]),
        summary=row["summary"],
    )


def _incident_cells(incident: Incident) -> Cells:
    return {
        "id": text(incident.id),
        "alert": text(incident.alert),
        "target": text(incident.target),
        "account": text(incident.account),
        "provider": text(incident.provider),
        "opened_at": micros(incident.opened_at),
        "opening_severity": incident.opening_severity.value,
        "opening_cause": incident.opening_cause.value,
        "severity": incident.severity.value,
        "cause": incident.cause.value,
        "summary": text(incident.summary),
        "closed_at": micros_or_none(incident.closed_at),
        "close_reason": text(incident.close_reason),
        "worst": incident.worst.value,
        "flapping": incident.flapping,
        "opening": measured_text(incident.opening),
        "closing": measured_text(incident.closing),
    }


def _incident(row: sqlite3.Row) -> Incident:
    return Incident(
        id=row["id"],
        alert=row["alert"],
        target=row["target"],
        account=row["account"],
        provider=row["provider"],
        opened_at=moment(row["opened_at"]),
        opening_severity=Severity(row["opening_severity"]),
        opening_cause=Cause(row["opening_cause"]),
        severity=Severity(row["severity"]),
        cause=Cause(row["cause"]),
        summary=row["summary"],
        closed_at=moment_or_none(row["closed_at"]),
        close_reason=row["close_reason"],
        worst=Severity(str(cell(row, "worst", Severity.INFO.value))),
        flapping=bool(cell(row, "flapping")),
        opening=measured_of(cell(row, "opening")),
        closing=measured_of(cell(row, "closing")),
    )


def _ack_cells(pair: tuple[str, Ack]) -> Cells:
    incident, ack = pair
    return {
        "incident": text(incident),
        "by": text(ack.by),
        "comment": text(ack.comment),
        "at": micros(ack.at),
        "severity": ack.severity.value,
    }


def _ack(row: sqlite3.Row) -> tuple[str, Ack]:
    severity = Severity(row["severity"])
    return row["incident"], Ack(row["by"], row["comment"], moment(row["at"]), severity)


def _told_cells(told: Told) -> Cells:
    return {
        "incident": text(told.incident),
        "kind": told.kind.value,
        "round": told.round,
        "receiver": text(told.receiver),
        "address": text(told.address),
        "at": micros(told.at),
        "severity": told.severity.value,
    }


def _told(row: sqlite3.Row) -> Told:
    return Told(
        incident=row["incident"],
        kind=Kind(row["kind"]),
        round=row["round"],
        receiver=row["receiver"],
        address=row["address"],
        at=moment(row["at"]),
        severity=Severity(row["severity"]),
    )


def _silence_cells(silence: Silence) -> Cells:
    return {
        "id": text(silence.id),
        "targets": text(silence.targets),
        "alert": text_or_none(silence.alert),
        "starts_at": micros(silence.starts_at),
        "ends_at": micros(silence.ends_at),
        "author": text(silence.author),
        "comment": text(silence.comment),
    }


def _silence(row: sqlite3.Row) -> Silence:
    return Silence(
        id=row["id"],
        targets=row["targets"],
        alert=row["alert"],
        starts_at=moment(row["starts_at"]),
        ends_at=moment(row["ends_at"]),
        author=row["author"],
        comment=row["comment"],
    )


def _seen_cells(pair: tuple[str, datetime]) -> Cells:
    return {"key": text(pair[0]), "at": micros(pair[1])}


def _seen(row: sqlite3.Row) -> tuple[str, datetime]:
    return row["key"], moment(row["at"])


def _table(
    name: str,
    key: str,
    others: str,
    cells: Callable[[T], Cells],
    value: Callable[[sqlite3.Row], T],
) -> Table[T]:
    return Table(name, tuple(key.split()), (*key.split(), *others.split()), cells, value)


TARGETS = _table(
    "targets",
    "target",
    "last_success failures failed_from streak balance unit " + " ".join(NO_READING),
    record_cells,
    record,
)
CHECKPOINTS = _table("checkpoints", "target", "at state", _checkpoint_cells, _checkpoint)
ALERTS = _table(
    "alerts",
    "rule target",
    "state since breaches evidence_at clear_since clears flaps incident severity cause summary",
    _alert_cells,
    _alert,
)
INCIDENTS = _table(
    "incidents",
    "id",
    "alert target account provider opened_at opening_severity opening_cause severity cause"
    " summary closed_at close_reason worst flapping opening closing",
    _incident_cells,
    _incident,
)
ACKS = replace(
    _table("acks", "incident", "by comment at severity", _ack_cells, _ack),
    unless="acks.at > excluded.at",
)
TOLD = _table("told", "incident kind round receiver address", "at severity", _told_cells, _told)
SILENCES = _table(
    "silences", "id", "targets alert starts_at ends_at author comment", _silence_cells, _silence
)
SEEN = _table("seen", "key", "at", _seen_cells, _seen)
HOURS = _table("hours", "target at", COLUMNS, hour_cells, hour_of_row)
UNFILLED: Table[str] = _table(
    "unfilled", "target", "", lambda target: {"target": text(target)}, lambda row: row["target"]
)
ADD_SAMPLE = (
    "INSERT INTO samples (target, at, balance) VALUES (:target, :at, :balance)"
    " ON CONFLICT (target, at) DO NOTHING"
)
