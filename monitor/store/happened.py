"""What happens once, and the series of balances, as rows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from monitor.core.causes import Severity
from monitor.core.notice import Notice, TopUp
from monitor.core.series import Series
from monitor.store.cells import Cell, Cells, micros, moment, money, text
from monitor.store.rows import Table

LATEST_SERIES = "SELECT * FROM series ORDER BY since"  # of each target the last one wins
_KNOWN = "SELECT name FROM sqlite_schema WHERE name = 'series'"
_SINCE = "SELECT since FROM series WHERE target = ? ORDER BY since DESC LIMIT 1"
ALWAYS = -(2**62)  # before every time there is


class Reads(Protocol):
    """`Database.read`."""

    def __call__(
        self, value: Callable[[sqlite3.Row], int], query: str, *values: Cell
    ) -> tuple[int, ...]:
        """The values of the rows that a query finds."""
        ...


def first_of_series(read: Reads, target: str) -> int:
    """When the present series of a target began, in microseconds; ALWAYS where there is one only.

    A reader may come before the daemon that brings the database up to date.
    """
    if not read(len, _KNOWN):
        return ALWAYS
    return next(iter(read(lambda row: int(row["since"]), _SINCE, target)), ALWAYS)


def _notice_cells(notice: Notice) -> Cells:
    return {
        "id": text(notice.id),
        "name": text(notice.name),
        "target": text(notice.target),
        "account": text(notice.account),
        "provider": text(notice.provider),
        "severity": notice.severity.value,
        "at": micros(notice.at),
        "summary": text(notice.summary),
        "facts": json.dumps(dict(notice.facts)),
    }


def _notice(row: sqlite3.Row) -> Notice:
    return Notice(
        id=row["id"],
        name=row["name"],
        target=row["target"],
        account=row["account"],
        provider=row["provider"],
        severity=Severity(row["severity"]),
        at=moment(row["at"]),
        summary=row["summary"],
        facts=json.loads(row["facts"]),
    )


def _series_cells(series: Series) -> Cells:
    return {
        "target": text(series.target),
        "since": micros(series.since),
        "unit": text(series.unit),
    }


def _series(row: sqlite3.Row) -> Series:
    return Series(row["target"], moment(row["since"]), row["unit"])


def _top_up_cells(top_up: TopUp) -> Cells:
    return {
        "target": text(top_up.target),
        "at": micros(top_up.at),
        "spent": money(top_up.spent),
    }


def _top_up(row: sqlite3.Row) -> TopUp:
    return TopUp(row["target"], moment(row["at"]), Decimal(row["spent"]))


NOTICES = Table(
    "notices",
    ("id",),
    ("id", "name", "target", "account", "provider", "severity", "at", "summary", "facts"),
    _notice_cells,
    _notice,
)
SERIES = Table("series", ("target", "since"), ("target", "since", "unit"), _series_cells, _series)
TOP_UPS = Table("top_ups", ("target",), ("target", "at", "spent"), _top_up_cells, _top_up)
