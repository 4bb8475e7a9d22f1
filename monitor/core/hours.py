"""What each hour made of a balance: the small, lasting form of its history."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from monitor.core.model import Totals

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of one balance, from `at` (a whole hour, UTC) on.

    What was spent, refunded, topped up or adjusted is booked on the hour in which it was seen.
    """

    at: datetime
    samples: int = 0  # probes that finished, read or not
    unread: int = 0  # of them, those that could not read
    low: Decimal | None = None  # of the accepted balances; None: none was read
    high: Decimal | None = None
    last: Decimal | None = None
    spent: Decimal = _ZERO
    refunded: Decimal = _ZERO
    topped_up: Decimal = _ZERO
    adjusted: Decimal = _ZERO

    def plus(self, balance: Decimal | None, before: Totals, after: Totals) -> Hour:
        """With one more probe: the accepted balance, and the ledger before and after it.

        `balance` None: it could not be read.
        """
        return replace(
            self.moved(balance, before, after),
            samples=self.samples + 1,
            unread=self.unread + (balance is None),
        )

    def moved(self, balance: Decimal | None, before: Totals, after: Totals) -> Hour:
        """With what the ledger has booked between, and no probe more."""
        read = () if balance is None else (balance,)
        return replace(
            self,
            low=min((x for x in (self.low, *read) if x is not None), default=None),
            high=max((x for x in (self.high, *read) if x is not None), default=None),
            last=self.last if balance is None else balance,
            spent=self.spent + after.spent - before.spent,
            refunded=self.refunded + after.refunded - before.refunded,
            topped_up=self.topped_up + after.topped_up - before.topped_up,
            adjusted=self.adjusted + after.adjusted - before.adjusted,
        )


def hour_of(at: datetime) -> datetime:
    """The whole hour that `at` lies in."""
    return at.replace(minute=0, second=0, microsecond=0)
