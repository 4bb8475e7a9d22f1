"""Flap damping: an alert that opens and closes too often becomes one incident, held open.

Law: while it flaps its incident is open; the incident ends when the alert has been fine for the
whole window, and is an ordinary one again when the alert has stood in breach for as long.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.core.durations import spell

MOST = 100  # closings that are remembered: past this, the words say "at least"


@dataclass(frozen=True, slots=True)
class Damping:
    """From when on an alert flaps: `flapping` in the config."""

    more_than: int = 4  # times it opened and closed
    within: float = 3600.0  # seconds

    def began(self, closings: Iterable[datetime], now: datetime) -> Flaps | None:
        """What an alert that opens anew remembers of its flapping; None where it does not flap.

        `closings`: when earlier episodes ended that began and ended within the window.
        """
        ended = tuple(sorted(closings))
        return Flaps(ended[-MOST:], now, now, self.within) if len(ended) > self.more_than else None


@dataclass(frozen=True, slots=True)
class Flaps:
    """How an alert flaps. It goes with the alert, so that a restart forgets nothing.

    `seen` moves in steps of a tenth of the window, so that it need not be written at each look.
    """

    closings: tuple[datetime, ...]  # within the window, the oldest first, at most MOST
    since: datetime  # fine without a breach since, or in breach without a closing since
    seen: datetime  # when it was looked at last, and something was read
    within: float  # seconds: the window
    fine: bool = False  # it would have closed, and has not opened anew
    breach_since: datetime | None = None  # fine, but in breach since: `for` runs

    def looked(self, now: datetime, *, patience: timedelta, within: float) -> Flaps:
        """It is looked at, and something was read.

        Where nothing was for a whole window, nobody knows whether it was steady: that counts from
        now on. The same holds for a clock that has jumped.
        """
        here = replace(self, within=within)
        window = here._window
        lost = now - self.seen > max(window, patience) + window / 10
        closings = tuple(at for at in self.closings if now - window <= at <= now)
        moved = not self.seen <= now <= self.seen + window / 10
        return replace(
            here,
            closings=closings,
            since=now if lost else min(self.since, now),
            seen=now if moved else self.seen,
        )

    def steady(self, now: datetime) -> bool:
        """Whether it has been as it is for the whole window."""
        return now - self.since >= self._window

    def closed(self, now: datetime) -> Flaps:
        """It would have closed now."""
        closings = (*self.closings, now)[-MOST:]
        return replace(self, closings=closings, since=now, fine=True, breach_since=None)

    def recovered(self) -> Flaps:
        """One more good reading of what is fine: a breach too short to open it is over."""
        return replace(self, breach_since=None)

    def breached(self, now: datetime) -> Flaps:
        """A breach of what is fine: it is not steady, whether or not it opens anew."""
        began = now if self.breach_since is None else min(self.breach_since, now)
        return replace(self, since=now, breach_since=began)

    def opened(self, now: datetime) -> Flaps:
        """It would have opened now."""
        return replace(self, since=now, fine=False, breach_since=None)

    def said(self, summary: str) -> str:
        """`flapping: opened and closed 5 times within the last hour; balance 9 is under 10`."""
        how = f"flapping: {self._turns()}"
        if self.fine:
            return f"{how}; fine since {self.since:%H:%M} UTC"
        return f"{how}; {summary}" if summary else how

    def _turns(self) -> str:
        count = len(self.closings)
        if not count:
            return f"steady since {self.since:%H:%M} UTC"
        least = "at least " if count >= MOST else ""
        times = "once" if count == 1 else f"{least}{count} times"
        window = "hour" if self.within == 3600 else spell(self.within)
        return f"opened and closed {times} within the last {window}"

    @property
    def _window(self) -> timedelta:
        return timedelta(seconds=self.within)
