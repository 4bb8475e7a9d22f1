"""What an alert and an incident remember of their lives, as JSON in one cell."""

from __future__ import annotations

import json
import sqlite3

from monitor.core.causes import Cause
from monitor.core.flapping import Flaps
from monitor.core.measured import Measured
from monitor.store.cells import (
    Cell,
    decimal,
    micros,
    micros_or_none,
    moment,
    moment_or_none,
    money,
)


def cell(row: sqlite3.Row, name: str, default: Cell = None) -> Cell:
    """A cell; its default where a reader has come before the daemon that adds the column."""
    found: Cell = row[name] if name in row.keys() else default  # noqa: SIM118 - no mapping
    return found


def flaps_text(flaps: Flaps | None) -> str | None:
    """How an alert flaps, for its cell."""
    if flaps is None:
        return None
    found = {
        "closings": [micros(at) for at in flaps.closings],
        "since": micros(flaps.since),
        "seen": micros(flaps.seen),
        "within": flaps.within,
        "fine": flaps.fine,
        "breach_since": micros_or_none(flaps.breach_since),
    }
    return json.dumps(found)


def flaps_of(value: Cell) -> Flaps | None:
    """What `flaps_text` has written."""
    if value is None:
        return None
    found = json.loads(str(value))
    return Flaps(
        closings=tuple(moment(at) for at in found["closings"]),
        since=moment(found["since"]),
        seen=moment(found["seen"]),
        within=float(found["within"]),
        fine=bool(found["fine"]),
        breach_since=moment_or_none(found["breach_since"]),
    )


def measured_text(measured: Measured | None) -> str | None:
    """The figures of one moment, for their cell."""
    if measured is None:
        return None
    found = {
        "cause": measured.cause.value,
        "balance": money(measured.balance),
        "unit": measured.unit,
        "burn": measured.burn,
        "runway": None if measured.runway is None else str(measured.runway),  # may have no end
        "quota": measured.quota,
        "used": measured.used,
        "topped_up": money(measured.topped_up),
        "topped_up_at": micros_or_none(measured.topped_up_at),
    }
    return json.dumps(found)


def measured_of(value: Cell) -> Measured | None:
    """What `measured_text` has written."""
    if value is None:
        return None
    found = json.loads(str(value))
    return Measured(
        cause=Cause(found["cause"]),
        balance=decimal(found["balance"]),
        unit=found["unit"],
        burn=found["burn"],
        runway=None if found["runway"] is None else float(found["runway"]),
        quota=found["quota"],
        used=found["used"],
        topped_up=decimal(found["topped_up"]),
        topped_up_at=moment_or_none(found["topped_up_at"]),
    )
