"""The chart's points stay few and keep the whole course."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.trail import Courses, Trail

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


def a_trail(count: int) -> Trail:
    trail = Trail()
    for step in range(count):
        trail.add(START + timedelta(minutes=step), float(step))
    return trail


def test_a_course_stays_as_it_was_while_the_trail_goes_on() -> None:
    trail = a_trail(700)
    courses, before = Courses({"kie/balance": trail.course()}), trail.points()
    trail.add(START + timedelta(days=9), 1.0)
    assert dict(courses) == {"kie/balance": before}
    assert courses.get("another") is None
    assert trail.points() != before


def test_courses_take_little_until_somebody_looks() -> None:
    trails = [a_trail(700) for _ in range(20)]
    tracemalloc.start()
    courses = Courses({str(n): trail.course() for n, trail in enumerate(trails)})
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(courses) == 20
    assert taken < 20 * 10_000  # bytes; as points they have six times as many
