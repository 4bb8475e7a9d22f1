"""What is remembered of a target, reading by reading, also where it is found late."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from core_scenes import NOW
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.causes import FAILURES, Cause
from monitor.core.model import Finding, Reading, TargetRecord
from monitor.core.views import continued, fold

NOTHING = TargetRecord("kie/balance", None)
ANSWERS = st.lists(st.sampled_from([Cause.OK, *sorted(FAILURES)]), max_size=6)


def after(record: TargetRecord, answers: list[Cause], begin: int) -> TargetRecord:
    """The record after probes that came a minute apart, the first in minute `begin`."""
    for number, cause in enumerate(answers, start=begin):
        balance = Decimal(1000 - number) if cause is Cause.OK else None
        found = Finding(cause, balance=balance, unit="credits" if balance else None)
        reading = Reading(record.target, NOW + timedelta(minutes=number), 0.5, found)
        record = fold(record, reading, balance)
    return record


@given(before=ANSWERS, since=ANSWERS)
def test_what_is_found_late_is_as_if_it_had_been_known_from_the_start(
    before: list[Cause], since: list[Cause]
) -> None:
    stored, seen = after(NOTHING, before, 0), after(NOTHING, since, len(before))
    assert continued(stored, seen) == after(stored, since, len(before))


def test_what_another_process_has_read_since_is_newer() -> None:
    newer, older = after(NOTHING, [Cause.OK], 5), after(NOTHING, [Cause.TIMED_OUT], 3)
    assert continued(newer, older) == newer
