"""What became of a balance: spent, refunded, topped up, adjusted, misread."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal

from monitor.core.entries import Entry, EntryKind, Pace, Suspect
from monitor.core.ledger_state import LedgerState
from monitor.core.renewal import Renewal

__all__ = ["Entry", "EntryKind", "Ledger", "Pace", "Suspect"]

_UNDONE = 7200.0  # seconds in which a big fall may turn out to have been none
_AGAIN = 6 * 86400.0  # two adjustments are further apart than this
_FACE = 6 * 3600.0  # seconds for which a disproved value is known again
_CREDIT = 33.0  # jobs: a top-up of this size is nothing special
_NOBODY_HAS = Decimal("1e18")  # beyond it sums of 28 digits would not add up
_ZERO = Decimal(0)
_UNREAD, _IGNORED = Entry(EntryKind.UNREAD), Entry(EntryKind.IGNORED)


@dataclass(slots=True, kw_only=True)
class Ledger(LedgerState):
    """One balance, sample after sample: what each of them means, and books it so."""

    def enter(
        self, at: float, balance: Decimal | None, pace: Pace, renewal: Renewal | None = None
    ) -> Entry:
        """Book one sample; `at` in Unix seconds. `renewal`: the provider's own word of one."""
        if balance is None or abs(balance) >= _NOBODY_HAS:
            return _UNREAD
        if self.balance is None:
            return self._begin(at, balance)
        if at <= self.seen_at and not self._clock_went_back(at):
            return _IGNORED
        self.seen_at, self.late = at, 0
        if renewal is not None and renewal.explains(self.at, self.balance, at, balance, pace):
            return self._renew(at, balance)
        balance = self.swing.level(at, balance, self.balance)
        if self.suspect is None:
            return self._judge(at, balance, pace, 0)
        if self._refilled(at, balance, pace):
            return self._refill(self.suspect, at, balance, pace)
        if not self.suspect.agrees(balance, self.balance):
            return self._judge(at, balance, pace, self._disprove(at))
        if self.suspect.hear(at, balance):
            return self._believe(at, balance, pace)
        return Entry(EntryKind.SUSPECT, abs(balance - self.balance))

    def _judge(self, at: float, balance: Decimal, pace: Pace, disproved: int) -> Entry:
        if not self._odd(at, float(balance), pace):
            return self._book(at, balance, pace, disproved)
        self.suspect = Suspect(at, balance, balance, at)
        kind = EntryKind.MISREAD if self._known_misread(at, balance) else EntryKind.SUSPECT
        return Entry(kind, abs(balance - (self.balance or _ZERO)), disproved)

    def _known_misread(self, at: float, balance: Decimal) -> bool:
        return balance == self.disproved and at - self.disproved_at < _FACE

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

    def _refilled(self, at: float, balance: Decimal, pace: Pace) -> bool:
        """Whether a rise past the old balance shows that the fall which is doubted was true.

        What was misread comes back to where it was. Higher, by what only a credit explains, it
        comes because somebody has paid, and they pay for what has run low. A lone value that is
        nothing, or was misread a short while ago, is no such proof; nor is a rise by no more than
        a job, which nobody buys.
        """
        suspect, accepted = self.suspect, self.balance or _ZERO
        if suspect is None or not suspect.balance < accepted < balance:
            return False
        lone, value = not suspect.further, suspect.balance
        if lone and (value <= 0 or self._known_misread(suspect.at, value)):
            return False
        over = float(balance - accepted)
        returned = self._undone(at, over, pace) or self._refunds(over, pace)
        return over > pace.job and not returned and not self.leaps(over, pace)

    def _refill(self, suspect: Suspect, at: float, balance: Decimal, pace: Pace) -> Entry:
        """Book the fall that was doubted at its own time, and then the credit upon it."""
        fell = self._believe(suspect.counted_at, suspect.last, pace)
        self.fall_at, self.uncounted = -math.inf, False
        credit = self._credit(balance, self._move(at, balance), 0)
        return replace(credit, since=fell.since, until=suspect.counted_at, burn=fell.burn)

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
        if self._takes_back(at, balance, pace):
            self.fall_at, self.fall, self.fall_spent = at, float(self.credit_amount), False
            self.swing.begin(at, self.credit_amount, high=False)
            return self._mend(at, balance, pace, disproved, -self.credit_amount)
        return self._spend(at, balance, pace, disproved)

    def _spend(self, at: float, balance: Decimal, pace: Pace, disproved: int) -> Entry:
        before, since = float(self.balance or _ZERO), self.at
        most = pace.explains((at - since) / 3600)
        amount = self._move(at, balance)
        fall = -float(amount)
        # What is refused is not seen: quiet tells nothing where the next job cannot be paid.
        blind = before <= pace.job / 12 or (not amount and before < pace.job)
        burn = None if blind else fall
        if not amount:
            return Entry(EntryKind.UNCHANGED, _ZERO, disproved, since, burn)
        self.spent -= amount
        self.lately += fall
        self._fell(at, fall, half=fall > before / 2, odd=fall > most)
        return Entry(EntryKind.SPENT, -amount, disproved, since, burn)

    def _fell(self, at: float, fall: float, *, half: bool, odd: bool) -> None:
        """Count a fall; one that is `odd` is no price of a job for good until it has stood."""
        if self.uncounted and (odd or half or at - self.fall_at > _UNDONE):
            self.block_drop, self.uncounted = max(self.block_drop, self.fall), False
        doubtful = odd and not half
        self.uncounted = self.uncounted or doubtful
        self._count(fall, priced=not doubtful)
        if half or odd:
            self.fall_at, self.fall, self.fall_spent = at, fall, True

    def _rise(self, at: float, balance: Decimal, pace: Pace, disproved: int) -> Entry:
        since, rise = self.at, float(balance - (self.balance or _ZERO))
        undone = self._undone(at, rise, pace)
        if undone and not self.fall_spent:
            self.fall_at, back = -math.inf, Decimal(repr(self.fall))
            self.credit_level, self.credit_amount = balance, back
            return self._mend(at, balance, pace, disproved, back)
        if undone and self.uncounted:
            return self._swings(at, balance - (self.balance or _ZERO), disproved)
        amount = self._move(at, balance)
        if undone or self._refunds(rise, pace):
            self.fall_at, self.uncounted = -math.inf, False
            self.refunded += amount
            self.lately = max(0.0, self.lately - rise)
            return Entry(EntryKind.REFUNDED, amount, disproved, since, -rise)
        return self._credit(balance, amount, disproved)

    def _undone(self, at: float, rise: float, pace: Pace) -> bool:
        """Whether a rise takes back the last great fall: to where it was, or a job above."""
        near, over = self.fall / 5, rise - self.fall
        return at - self.fall_at <= _UNDONE and -near <= over <= min(near, pace.job)

    def _refunds(self, rise: float, pace: Pace) -> bool:
        """Whether a rise may be jobs given back, by its size and by what was spent lately."""
        # Twice: a lone job may be refunded half a day later, when half of it is forgotten.
        return rise <= min(2 * self.lately, max(pace.job, self.lately / 10))

    def _credit(self, balance: Decimal, amount: Decimal, disproved: int) -> Entry:
        """A top-up; a reset where the same level is reached again by another amount."""
        reset = balance == self.credit_level and amount != self.credit_amount
        self.credit_level, self.credit_amount = balance, amount
        if reset:
            self.adjusted += amount
            return Entry(EntryKind.ADJUSTED, amount, disproved)
        self.topped_up += amount
        return Entry(EntryKind.TOPPED_UP, amount, disproved)

    def _swings(self, at: float, rise: Decimal, disproved: int) -> Entry:
        """A fall that nothing explained is taken back: two replicas, and the lower one counts."""
        since = self.at
        self.swing.begin(at, rise, high=True)
        self.fall_at, self.uncounted = -math.inf, False
        self.refunded += rise
        self.adjusted -= rise
        self.lately = max(0.0, self.lately - float(rise))
        self._move(at, self.balance or _ZERO)
        return Entry(EntryKind.REFUNDED, rise, disproved, since, -float(rise))

    def _takes_back(self, at: float, balance: Decimal, pace: Pace) -> bool:
        """Whether a fall that nothing explains takes back the last credit.

        It is so where a provider's replicas disagree and answer in turn: no burn, each time.
        """
        accepted, level, credit = self.balance, self.credit_level, self.credit_amount
        if accepted is None or level is None or not level - credit / 2 <= accepted <= level:
            return False
        fall = accepted - balance
        if abs(fall - credit) > credit / 5:
            return False
        return float(fall) > pace.explains((at - self.at) / 3600)

    def _mend(
        self, at: float, balance: Decimal, pace: Pace, disproved: int, back: Decimal
    ) -> Entry:
        """Book a change of which `back` takes an earlier one back, and the rest was spent."""
        before, since = float(self.balance or _ZERO), self.at
        most = pace.explains((at - since) / 3600)
        amount = self._move(at, balance)
        rest = float(back - amount)
        spent = back - amount if 0 < rest <= most else _ZERO
        self.spent += spent
        self.adjusted += amount + spent
        if spent:
            self.lately += rest
            self._count(rest)
        blind = not 0 <= rest <= most or before <= (pace.job / 12 if rest else pace.job)
        return Entry(EntryKind.ADJUSTED, amount, disproved, since, None if blind else rest)

    def _adjust(self, at: float, balance: Decimal) -> Entry:
        amount = self._move(at, balance)
        self.adjusted += amount
        self.adjusted_at = self.fall_at = at
        self.fall, self.fall_spent = -float(amount), False
        return Entry(EntryKind.ADJUSTED, amount)

    def _renew(self, at: float, balance: Decimal) -> Entry:
        """Book a plan's renewal; what was doubted before it is neither believed nor disproved."""
        amount = self._move(at, balance)
        self.suspect, self.fall_at = None, -math.inf
        self.credit_level, self.credit_amount = balance, amount
        self.adjusted += amount
        return Entry(EntryKind.ADJUSTED, amount)
