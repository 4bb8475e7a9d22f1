"""What became of a balance: spent, refunded, topped up, adjusted, misread."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from monitor.core.model import Totals

_AGREEING = 3  # further samples that make a suspect believed
_FEWER, _SPAN = 2, 5400.0  # or this many over this many seconds
_APART = 30.0  # seconds: quick repeats of one probe are one answer, not several
_UNDONE = 7200.0  # seconds in which a big fall may turn out to have been none
_AGAIN = 6 * 86400.0  # two adjustments are further apart than this
_HALF = 12 * 3600.0  # half-life of what refunds are measured against
_FACE = 6 * 3600.0  # seconds for which a disproved value is known again
_LATE, _LATE_BY = 5, 900.0  # late samples in a row, and seconds, that show a clock set back
_CREDIT = 33.0  # jobs: a top-up of this size is nothing special
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


_UNREAD, _IGNORED = Entry(EntryKind.UNREAD), Entry(EntryKind.IGNORED)


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


@dataclass(slots=True, kw_only=True)
class Ledger:
    """A balance's sums (Decimal), and what is needed to judge the next sample.

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
    largest: float = 0.0  # the largest balance ever believed, without its sign
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
        return max(self.block_drop, self.last_block_drop) or self.scale / 100

    def enter(self, at: float, balance: Decimal | None, pace: Pace) -> Entry:
        """Book one sample; `at` in Unix seconds."""
        if balance is None:
            return _UNREAD
        if self.balance is None:
            return self._begin(at, balance)
        if at <= self.seen_at and not self._clock_went_back(at):
            return _IGNORED
        self.seen_at, self.late = at, 0
        if self.suspect is None:
            return self._judge(at, balance, pace, 0)
        if not self.suspect.agrees(balance, self.balance):
            return self._judge(at, balance, pace, self._disprove(at))
        if self.suspect.hear(at, balance):
            return self._believe(at, balance, pace)
        return Entry(EntryKind.SUSPECT, abs(balance - self.balance))

    def _begin(self, at: float, balance: Decimal) -> Entry:
        self.start = self.balance = balance
        self.at = self.seen_at = at
        self.largest = self.scale = abs(float(balance))
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

    def _judge(self, at: float, balance: Decimal, pace: Pace, disproved: int) -> Entry:
        if not self._odd(at, float(balance), pace):
            return self._book(at, balance, pace, disproved)
        self.suspect = Suspect(at, balance, balance, at)
        again = balance == self.disproved and at - self.disproved_at < _FACE
        kind = EntryKind.MISREAD if again else EntryKind.SUSPECT
        return Entry(kind, abs(balance - (self.balance or _ZERO)), disproved)

    def _odd(self, at: float, balance: float, pace: Pace) -> bool:
        """Whether it takes more than this one sample to believe it."""
        accepted = float(self.balance or _ZERO)
        fall = accepted - balance
        if fall <= 0:
            return self.leaps(-fall, pace)
        if fall <= accepted / 2:
            return False
        return fall > (pace.job if balance <= 0 else pace.explains((at - self.at) / 3600))

    def leaps(self, rise: float, pace: Pace) -> bool:
        """Whether a rise is beyond ten times anything seen or sold."""
        return self.largest > 0 and rise > 10 * max(self.largest, _CREDIT * pace.job)

    def _disprove(self, at: float) -> int:
        suspect = self.suspect
        if suspect is None:
            return 0
        self.suspect, self.disproved, self.disproved_at = None, suspect.balance, at
        self.misread += 1 + suspect.further
        return 1 + suspect.further

    def _believe(self, at: float, balance: Decimal, pace: Pace) -> Entry:
        suspect, accepted = self.suspect, self.balance
        if suspect is None or accepted is None or balance > accepted:
            self.suspect = None
            return self._book(at, balance, pace, 0)
        fall = float(accepted - balance)
        known = fall < 2 * self.largest_drop or at - self.adjusted_at < _AGAIN
        self.suspect = None
        if suspect.kept_falling or known:
            return self._spend(at, balance, pace, 0)
        return self._adjust(at, balance)

    def _book(self, at: float, balance: Decimal, pace: Pace, disproved: int) -> Entry:
        if balance > (self.balance or _ZERO):
            return self._rise(at, balance, pace, disproved)
        return self._spend(at, balance, pace, disproved)

    def _spend(self, at: float, balance: Decimal, pace: Pace, disproved: int) -> Entry:
        before, since = float(self.balance or _ZERO), self.at
        amount = self._move(at, balance)
        fall = -float(amount)
        # What is refused is not seen: quiet tells nothing where the next job cannot be paid.
        blind = before <= pace.job / 12 or (not amount and before < pace.job)
        burn = None if blind else fall
        if not amount:
            return Entry(EntryKind.UNCHANGED, _ZERO, disproved, since, burn)
        self.spent -= amount
        self.lately += fall
        self._count(fall)
        if fall > before / 2:
            self.fall_at, self.fall, self.fall_spent = at, fall, True
        return Entry(EntryKind.SPENT, -amount, disproved, since, burn)

    def _count(self, drop: float) -> None:
        self.drops += 1
        self.largest_drop = max(self.largest_drop, drop)
        if self.drops % 200 == 0:
            self.last_block_drop, self.block_drop = self.block_drop, 0.0
        self.block_drop = max(self.block_drop, drop)

    def _rise(self, at: float, balance: Decimal, pace: Pace, disproved: int) -> Entry:
        since = self.at
        amount = self._move(at, balance)
        rise = float(amount)
        undone = at - self.fall_at <= _UNDONE and abs(rise - self.fall) <= self.fall / 5
        if undone and not self.fall_spent:
            self.fall_at = -math.inf
            self.adjusted += amount
            return Entry(EntryKind.ADJUSTED, amount, disproved)
        # Twice: a lone job may be refunded half a day later, when half of it is forgotten.
        if undone or rise <= min(2 * self.lately, max(pace.job, self.lately / 10)):
            self.fall_at = -math.inf
            self.refunded += amount
            self.lately = max(0.0, self.lately - rise)
            return Entry(EntryKind.REFUNDED, amount, disproved, since, -rise)
        return self._credit(balance, amount, disproved)

    def _credit(self, balance: Decimal, amount: Decimal, disproved: int) -> Entry:
        """A top-up; a reset where the same level is reached again by another amount."""
        reset = balance == self.credit_level and amount != self.credit_amount
        self.credit_level, self.credit_amount = balance, amount
        if reset:
            self.adjusted += amount
            return Entry(EntryKind.ADJUSTED, amount, disproved)
        self.topped_up += amount
        return Entry(EntryKind.TOPPED_UP, amount, disproved)

    def _adjust(self, at: float, balance: Decimal) -> Entry:
        amount = self._move(at, balance)
        self.adjusted += amount
        self.adjusted_at = self.fall_at = at
        self.fall, self.fall_spent = -float(amount), False
        return Entry(EntryKind.ADJUSTED, amount)

    def _move(self, at: float, balance: Decimal) -> Decimal:
        """Accept a balance; returns the change."""
        change = balance - (self.balance or _ZERO)
        if at > self.at:
            self.lately *= 2.0 ** ((self.at - at) / _HALF)
        self.at, self.balance = at, balance
        self.largest = max(self.largest, abs(float(balance)))
        self.scale = self.scale or self.largest
        return change
