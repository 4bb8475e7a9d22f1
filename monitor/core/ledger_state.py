"""What a ledger holds: its sums, and what it measures the next sample by."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal

from monitor.core.entries import Entry, EntryKind, Suspect
from monitor.core.model import Totals
from monitor.core.replicas import Swing

_HALF = 12 * 3600.0  # half-life of what refunds are measured against
_LATE, _LATE_BY = 5, 900.0  # late samples in a row, and seconds, that show a clock set back
_ZERO = Decimal(0)


@dataclass(slots=True, kw_only=True)
class LedgerState:
    """A balance's sums (Decimal), and the marks that earlier samples have left.

    Mutable and bounded: it stands for one balance over years of samples, a step for each.
    `start - spent + refunded + topped_up + adjusted = end` holds after every sample.
    """

    start: Decimal = _ZERO
    spent: Decimal = _ZERO
    refunded: Decimal = _ZERO
    topped_up: Decimal = _ZERO
    adjusted: Decimal = _ZERO
    misread: int = 0
    balance: Decimal | None = None  # the accepted one
    at: float = 0.0  # Unix seconds of the accepted one
    seen_at: float = 0.0  # of the last sample, believed or not
    late_at: float = 0.0
    late: int = 0  # samples in a row from before `seen_at`, rising among themselves
    drops: int = 0  # believed ones
    scale: float = 0.0  # the first balance believed that was not 0, without its sign
    largest: float = 0.0  # the largest balance ever believed; a negative one measures nothing
    largest_drop: float = 0.0
    block_drop: float = 0.0  # the largest of the present 200 drops
    last_block_drop: float = 0.0  # and of the 200 before
    lately: float = 0.0  # spent, halved every 12 h
    fall_at: float = -math.inf  # the last fall by more than half, and by how much
    fall: float = 0.0
    fall_spent: bool = False  # booked as spent, not adjusted
    adjusted_at: float = -math.inf
    credit_level: Decimal | None = None  # balance after the last credit
    credit_amount: Decimal = _ZERO
    disproved: Decimal | None = None  # the last value that turned out to be misread
    disproved_at: float = -math.inf
    suspect: Suspect | None = None
    uncounted: bool = False  # the last fall: odd, and no job's price for good until it stands
    swing: Swing = field(default_factory=Swing)

    def totals(self, end: Decimal | None) -> Totals:
        """The sums up to `end`, which is booked as adjusted where it is not the accepted one."""
        accepted = self.balance or _ZERO
        end = accepted if end is None else end
        return Totals(
            start=self.start,
            spent=self.spent,
            refunded=self.refunded,
            topped_up=self.topped_up,
            adjusted=self.adjusted + (end - accepted),
            misread=self.misread,
            end=end,
        )

    @property
    def learned_job(self) -> float:
        """A dearest job that nobody has configured: the largest of the last 200 to 400 drops."""
        odd = self.fall if self.uncounted else 0.0
        return max(self.block_drop, self.last_block_drop, odd) or self.scale / 100

    def _begin(self, at: float, balance: Decimal) -> Entry:
        self.start = self.balance = balance
        self.at = self.seen_at = at
        self.largest, self.scale = max(0.0, float(balance)), abs(float(balance))
        return Entry(EntryKind.FIRST, balance)

    def _clock_went_back(self, at: float) -> bool:
        """Whether late samples keep coming in order: then it was the clock that was ahead."""
        self.late = self.late + 1 if at > self.late_at else 1
        self.late_at = at
        if self.late < _LATE or self.seen_at - at < _LATE_BY:
            return False
        self.at = at  # the time between is unknown: nothing is learned from it
        self.fall_at, self.adjusted_at = min(at, self.fall_at), min(at, self.adjusted_at)
        self.disproved_at = min(at, self.disproved_at)
        if self.suspect is not None:
            self.suspect.at = self.suspect.counted_at = at
        return True

    def _count(self, drop: float, *, priced: bool = True) -> None:
        self.drops += 1
        self.largest_drop = max(self.largest_drop, drop)
        if self.drops % 200 == 0:
            self.last_block_drop, self.block_drop = self.block_drop, 0.0
        if priced:
            self.block_drop = max(self.block_drop, drop)

    def _move(self, at: float, balance: Decimal) -> Decimal:
        """Accept a balance; returns the change."""
        change = balance - (self.balance or _ZERO)
        if at > self.at:
            self.lately *= 2.0 ** ((self.at - at) / _HALF)
        self.at, self.balance = at, balance
        self.largest = max(self.largest, float(balance))
        self.scale = self.scale or abs(float(balance))
        return change
