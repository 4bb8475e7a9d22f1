"""Two replicas at a provider that disagree by a constant amount, and answer as it comes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

_KNOWN = 24 * 3600.0  # seconds without a change of sides after which it is forgotten
_STAYS = 20  # answers in a row from the higher side that make it a credit after all


@dataclass(slots=True)
class Swing:
    """How far apart two replicas are, and which of them answered last.

    The ledger follows the lower one: which of the two is right nobody can tell, and a runway that
    is too short does less harm than one that is too long.
    """

    apart: Decimal = Decimal(0)  # credits; 0: no swing is known
    at: float = -math.inf  # Unix seconds: the last change of sides
    high: bool = False  # the last answer was the higher one's
    stays: int = 0  # answers since, from the same side

    def begin(self, at: float, apart: Decimal, *, high: bool) -> None:
        """A change has been taken back: so far apart are the two."""
        self.apart, self.at, self.high, self.stays = apart, at, high, 0

    def level(self, at: float, balance: Decimal, accepted: Decimal) -> Decimal:
        """What the lower replica would have said, where `balance` is the answer."""
        if not self.apart:
            return balance
        self._hear(at, balance - accepted)
        if at - self.at > _KNOWN or (self.high and self.stays >= _STAYS):
            self.begin(self.at, Decimal(0), high=False)
        return balance - self.apart if self.high else balance

    def _hear(self, at: float, over: Decimal) -> None:
        """Which side an answer is from that is `over` what the lower one said last."""
        low, high = abs(over), abs(over - self.apart)
        if min(low, high) > self.apart / 2:  # neither: what has happened is for the ledger to say
            self.high = self.high and over > 0  # a deep fall is taken as it was told
            return
        self.stays += 1
        if (high < low) is self.high:
            return
        # Spending in between makes a rise too small and a fall too large: never the other way.
        self.apart = max(self.apart, over) if high < low else min(self.apart, self.apart - over)
        self.at, self.high, self.stays = at, high < low, 0
