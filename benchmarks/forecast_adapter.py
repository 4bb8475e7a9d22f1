"""The forecast behind the scorer's two calls: update(t, balance) and estimate(now)."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from monitor.core.book import Book


class Forecaster:
    """One balance, in Unix seconds and credits."""

    def __init__(self, job_max: float | None = 300.0, floor: float = 0.0) -> None:
        """Begin empty. `job_max`: the dearest job's price, None: nobody told it."""
        dearest = None if job_max is None else Decimal(job_max)
        self._book = Book(floor=Decimal(floor), job_max=dearest, planned_burn=Decimal(0))

    def update(self, t: float, balance: float | None) -> None:
        """One sample; None: a probe that could not read."""
        value = None if balance is None else Decimal(balance)
        self._book.update(datetime.fromtimestamp(t, UTC), value)

    def estimate(self, now: float) -> dict[str, float | None]:
        """Credits per hour, and hours; None abstains, inf will not run out."""
        outlook = self._book.outlook(datetime.fromtimestamp(now, UTC))
        return {
            "burn_per_hour": outlook.burn_per_hour,
            "runway_hours_p50": outlook.p50,
            "p10": outlook.p10,
            "p90": outlook.p90,
        }
