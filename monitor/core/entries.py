"""What the ledger works with: its lines, the pace it judges by, a value it doubts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

_AGREEING = 3  # further samples that make a suspect believed
_FEWER, _SPAN = 2, 5400.0  # or this many over this many seconds
_APART = 30.0  # seconds: quick repeats of one probe are one answer, not several
_ZERO = Decimal(0)


class EntryKind(StrEnum):
    """What became of one sample."""

    FIRST = "first"
    SPENT = "spent"
    REFUNDED = "refunded"
    TOPPED_UP = "topped_up"
    ADJUSTED = "adjusted"  # a believed fall that is no burn, a reset to a quota
    SUSPECT = "suspect"  # not believed yet
    MISREAD = "misread"  # not believed: it looks like one that was disproved a short while ago
    UNREAD = "unread"
    IGNORED = "ignored"  # out of order, or a duplicate
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger. `amount` is never negative, but for `adjusted`: its sign there."""

    kind: EntryKind
    amount: Decimal = _ZERO
    disproved: int = 0  # earlier samples this one has shown to be misread
    since: float = 0.0  # Unix seconds of the last accepted sample before
    burn: float | None = None  # credits the forecast is to learn over [since, at]; None: nothing
    until: float | None = None  # or until then, where this sample has shown an earlier one true


@dataclass(frozen=True, slots=True)
class Pace:
    """What the ledger needs of the last forecast step."""

    slow: float  # credits per hour over the last days
    lump: float  # phi: variance by mean of what is spent, credits
    job: float  # the dearest job, credits

    def explains(self, hours: float) -> float:
        """Credits that may go within `hours` without anything being odd."""
        expected = self.slow * hours
        return 2.0 * self.job + expected + 6.0 * math.sqrt(self.lump * expected)


@dataclass(slots=True)
class Suspect:
    """A value that is not believed yet, and what has agreed with it since."""

    at: float
    balance: Decimal
    last: Decimal
    counted_at: float  # when a sample last counted as agreeing
    further: int = 0  # samples that agreed since

    def agrees(self, balance: Decimal, accepted: Decimal) -> bool:
        """Whether `balance` has stayed on the suspect's side of half way back."""
        half = (self.balance + accepted) / 2
        return balance < half if self.balance < accepted else balance > half

    def hear(self, at: float, balance: Decimal) -> bool:
        """Count one more agreeing sample; True when it is to be believed."""
        self.last = balance
        if at - self.counted_at >= _APART:
            self.further += 1
            self.counted_at = at
        return self.further >= _AGREEING or (self.further >= _FEWER and at - self.at >= _SPAN)

    @property
    def kept_falling(self) -> bool:
        """Whether what agreed went on down by more than a tenth."""
        return self.balance - self.last > abs(self.balance) / 10
