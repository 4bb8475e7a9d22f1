"""What applications report, as rows."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from decimal import Decimal
from typing import Final

from monitor.core.counts import JobHour, Known, Used
from monitor.store.cells import Cells, decimal, micros, moment, money, text
from monitor.store.rows import Table

LONGER: Final = timedelta(days=33)  # how much longer than what has ended it is kept
SHIFT = LONGER // timedelta(microseconds=1)


def _used_cells(row: Used) -> Cells:
    return {
        "account": text(row.account),
        "quota": text(row.quota),
        "at": micros(row.at),
        "used": money(row.used),
    }


def _used(row: sqlite3.Row) -> Used:
    return Used(row["account"], row["quota"], moment(row["at"]), Decimal(row["used"]))


def _job_cells(row: JobHour) -> Cells:
    return {
        "account": text(row.account),
        "job": text(row.job),
        "at": micros(row.at),
        "count": row.count,
        "credits": money(row.credits),
    }


def _job(row: sqlite3.Row) -> JobHour:
    at, credits = moment(row["at"]), decimal(row["credits"])
    return JobHour(row["account"], row["job"], at, row["count"], credits)


def _known_cells(row: Known) -> Cells:
    return {"account": text(row.account), "digest": row.digest, "at": micros(row.at)}


def _known(row: sqlite3.Row) -> Known:
    return Known(row["account"], bytes(row["digest"]), moment(row["at"]))


USED = Table(
    "used", ("account", "quota", "at"), ("account", "quota", "at", "used"), _used_cells, _used
)
JOBS = Table(
    "jobs_reported",
    ("account", "job", "at"),
    ("account", "job", "at", "count", "credits"),
    _job_cells,
    _job,
)
REPORTS = Table(
    "reports", ("account", "digest"), ("account", "digest", "at"), _known_cells, _known
)
IN_ORDER: Final = "SELECT * FROM reports ORDER BY at"  # the oldest are forgotten first


def delete_old(connection: sqlite3.Connection, edge: int, most: int) -> None:
    """Delete some rows of what is `LONGER` older than `edge`, in microseconds."""
    for table in (USED, JOBS, REPORTS):
        key = ", ".join(table.key)
        old = f"SELECT {key} FROM {table.name} WHERE at < ? LIMIT ?"  # noqa: S608 - names of ours
        connection.execute(
            f"DELETE FROM {table.name} WHERE ({key}) IN ({old})",  # noqa: S608 - names of ours
            (edge - SHIFT, most),
        )
