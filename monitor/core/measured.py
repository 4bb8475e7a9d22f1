"""What the figures of a target were at one moment: of an incident at its opening and its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from monitor.core.causes import Cause


@dataclass(frozen=True, slots=True)
class Measured:
    """Bounded, and nothing secret: numbers, a unit, a cause. None where a figure is not known."""

    cause: Cause
    balance: Decimal | None = None
    unit: str = ""
    burn: float | None = None  # per hour
    runway: float | None = None  # hours, P25; `math.inf` where nothing burns
    quota: str = ""  # the one of which most was used at the opening
    used: float | None = None  # its used share
    topped_up: Decimal | None = None  # credit topped up since the ledger began
    topped_up_at: datetime | None = None  # the last time
