"""Whether a receiver can be reached: what it is owed, since when, and how telling it has gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from monitor.core.causes import Cause
from monitor.core.durations import about
from monitor.core.incident import Kind
from monitor.core.model import receiver_target
from monitor.core.view import View
from monitor.core.words import clean

FAILING_AFTER: Final = timedelta(minutes=10)
_WORDS = 200  # characters of a reason
Key = tuple[str, Kind, int, str]  # Notification.key


@dataclass(frozen=True, slots=True)
class Reach:
    """One receiver, as this process has seen it. A restart knows nothing yet."""

    owed: Mapping[Key, datetime] = field(default_factory=dict)  # since when it is due
    looked: bool = False  # whether it is known what is owed
    reached: bool = False  # an attempt has told somebody, and none has failed since
    failing_since: datetime | None = None  # no attempt has told anybody since
    why: str = ""

    def owes(self, keys: Iterable[Key], now: datetime) -> Reach:
        """What is due now; who is owed nothing is not tried: no failing begins, and none ends."""
        owed = {key: self.owed.get(key, now) for key in keys}
        since = self.failing_since if owed else None
        return replace(self, owed=owed, looked=True, failing_since=since)

    def tried(self, now: datetime, *, told: bool, why: str) -> Reach:
        """One attempt: whether it reached any of its addresses, and if not, why."""
        if told:
            return replace(self, reached=True, failing_since=None, why="")
        return replace(self, reached=False, failing_since=self.failing_since or now, why=why)

    @property
    def oldest(self) -> datetime | None:
        """Since when the oldest of what is owed is due."""
        return min(self.owed.values(), default=None)

    def failing(self, now: datetime) -> bool:
        """Whether nothing has reached it for so long that others have to know."""
        return self.failing_since is not None and now - self.failing_since >= FAILING_AFTER

    def trouble(self, now: datetime) -> str:
        """What is wrong, in words; empty while nothing is, or not for long."""
        if self.failing_since is None or not self.failing(now):
            return ""
        lasted = about((now - self.failing_since).total_seconds()).removeprefix("about ")
        waiting = f"{len(self.owed)} notification{'s' * (len(self.owed) != 1)} to it waiting"
        return f"not reached for {lasted}, {waiting}: {clean(self.why, _WORDS)}"

    @property
    def settled(self) -> bool:
        """Whether it is known that it can be reached, or that nobody has tried in vain."""
        return self.looked and (self.reached or not (self.owed or self.why))


def receiver_view(name: str, reach: Reach, now: datetime) -> View:
    """`monitor/receiver/NAME`: unknown while an attempt is owed and none has told anybody, and
    where the last one failed and nothing is owed any more."""
    trouble = reach.trouble(now)
    known = bool(trouble) or reach.settled
    return View(
        target=receiver_target(name),
        account="monitor",
        provider="monitor",
        check=None,
        cause=Cause.OK if known else None,
        summary=trouble,
        evidence_at=now,
        facts={"trouble": f"receiver {name}: {trouble}"} if trouble else {},
    )
