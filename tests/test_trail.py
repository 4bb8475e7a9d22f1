"""The chart's points stay few and keep the whole course."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.trail import Trail

START = datetime(2026, 11, 20, tzinfo=UTC)


@given(st.integers(0, 5000))
def test_however_many_points_come_few_are_kept_and_they_span_the_course(count: int) -> None:
    trail = Trail()
    for step in range(count):
        trail.add(START + timedelta(minutes=step), float(step))
    points = trail.points()
    assert len(points) <= 480
    assert list(points) == sorted(points)
    assert all(value == (at - START).total_seconds() / 60 for at, value in points)
    if count:
        assert points[0][1] <= count / 50
        assert [value for _, value in points[-240:]] == list(range(max(0, count - 240), count))
