"""Which unit a balance is counted in, and what it takes to believe that it is another one now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

_NEEDED, _MOST = 3, 24  # readings in a row; at most, after runs that were broken off
_CALM = 48  # readings in the own unit after which earlier runs are forgotten


@dataclass(frozen=True, slots=True)
class Series:
    """The samples of one target since its unit last changed. Older ones are of another series."""

    target: str
    since: datetime  # of its first sample
    unit: str


def differs(known: str | None, said: str | None) -> bool:
    """Whether two units are not the same; one that is missing is no change."""
    if not known or not said:
        return False
    return known.strip().casefold() != said.strip().casefold()


@dataclass(frozen=True, slots=True)
class Doubt:
    """How often an account has answered in a unit that is not its series'.

    Three readings in a row are believed. Two machines behind one address may differ for ever: each
    run doubles what the next one needs, up to 24, until 48 readings were all in one unit.
    """

    unit: str = ""  # the odd one
    run: int = 0  # readings in it, in a row
    needed: int = _NEEDED
    calm: int = 0  # readings in the own unit since

    def hear(self, known: str | None, said: str | None) -> Doubt:
        """After one more reading that came in the unit `said`; `known` is the series'."""
        if differs(known, said):
            again = not differs(self.unit, said) and self.run > 0
            return Doubt(said or "", self.run + 1 if again else 1, self.needed)
        if self.run:
            return self.over()
        calm = self.calm + 1
        return Doubt() if calm >= _CALM else Doubt(needed=self.needed, calm=calm)

    def over(self) -> Doubt:
        """After a run, broken off or believed: the next change has to show more."""
        return Doubt(needed=min(2 * self.needed, _MOST))

    @property
    def believed(self) -> bool:
        """Whether the odd unit has been read often enough."""
        return self.run >= self.needed
