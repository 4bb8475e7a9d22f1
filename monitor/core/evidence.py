"""What a step of an alert is handed: a verdict, and whether what it rests on counts.

Law: a reading counts once, however often it is judged, and none that is too old counts at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.flapping import Damping
from monitor.core.model import Alert, Incident, Judgement
from monitor.core.rules import Rule


@dataclass(frozen=True, slots=True)
class Moment:
    """One verdict on an alert, with all that weighs it."""

    judgement: Judgement
    rule: Rule
    now: datetime
    account: str
    provider: str
    patience: timedelta  # how long a pending alert outlives the last reading
    damping: Damping | None
    past: Callable[[], Sequence[Incident]]

    @property
    def needed(self) -> int:
        """Breaching readings in a row before the alert fires."""
        return self.rule.after_by_cause.get(self.judgement.cause, self.rule.after)

    @property
    def evidence(self) -> datetime:
        """When what the verdict rests on was read."""
        return self.judgement.evidence_at or self.now

    def silent(self, evidence: datetime | None) -> bool:
        """Whether what was read then is so old that it says nothing of the present.

        Just as far in the future, it was dated by a clock that has jumped back since.
        """
        return evidence is not None and abs(self.now - evidence) > self.patience

    def fresh(self, alert: Alert) -> bool:
        """Whether the verdict rests on a reading that has not counted yet, also after a clock
        has jumped back: then what counted lies in the future."""
        counted = alert.evidence_at
        if counted is None:
            return True
        return self.evidence > counted or (counted > self.now and self.evidence != counted)

    def stood(self, since: datetime) -> bool:
        """Whether a breach that began then has lasted as long as the rule asks."""
        return self.now - since >= timedelta(seconds=self.rule.for_seconds)
