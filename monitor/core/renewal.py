"""A renewal that the provider itself announces: it replaces guessing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from monitor.core.entries import Pace

LATE = 3600.0  # seconds by which what is renewed may be seen late
_NEAR = 0.1  # part of the plan by which what is renewed to may differ from it


@dataclass(frozen=True, slots=True)
class Renewal:
    """When a plan renews. In a `Standing`, `to` is counted above the floor, as `left` is."""

    at: float  # Unix seconds
    to: float | None = None  # the balance it renews to, credits; None: unknown
    every: float | None = None  # seconds from one renewal to the next; None: unknown

    @classmethod
    def told(cls, facts: Mapping[str, str]) -> Renewal | None:
        """What a reading's facts say: `renews_at` (RFC 3339), `renews_to`; None: nothing."""
        if "renews_at" not in facts:
            return None
        to = facts.get("renews_to")
        return cls(
            datetime.fromisoformat(facts["renews_at"]).timestamp(),
            None if to is None else float(to),
        )

    def above(self, floor: float) -> Renewal:
        """This renewal with its balance counted from `floor` on."""
        return self if self.to is None else replace(self, to=self.to - floor)

    def explains(
        self, since: float, accepted: Decimal, at: float, balance: Decimal, pace: Pace
    ) -> bool:
        """Whether this renewal is what took `accepted` at `since` to `balance` at `at`.

        It is at the first sample after it, or where an answer lagged, within an hour. Unknown is
        what it renews to: then a rise of more than a job's price, at the first sample.
        """
        first = since < self.at <= at
        if not first and not self.at <= since <= at <= self.at + LATE:
            return False
        rise = float(balance - accepted)
        if self.to is None:
            return first and rise > pace.job
        used = pace.explains((at - self.at) / 3600.0)
        arrived = self._about(float(balance), used)
        return arrived and (not self._about(float(accepted), used) or (first and rise > 0))

    def _about(self, balance: float, used: float) -> bool:
        """Whether `balance` is what was renewed to, of which as much as `used` may be gone."""
        to = self.to or 0.0
        return -min(max(used, _NEAR * to), to / 2) <= balance - to <= _NEAR * to
