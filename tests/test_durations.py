"""Durations: read as Prometheus writes them, written back exactly, and said as people say them."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.durations import PATTERN, about, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0), ("500ms", 0.5), ("1s", 1), ("90s", 90), ("5m", 300), ("1h30m", 5400),
        ("1d", 86400), ("1w", 604800), ("1y", 31_536_000), ("1d2h3m4s5ms", 93784.005),
        ("007s", 7), ("1y1w1d1h1m1s1ms", 31_536_000 + 604_800 + 86_400 + 3_661.001),
    ],
)  # fmt: skip
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)
    assert re.fullmatch(PATTERN, text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "5", "m", "5 m", "5m ", " 5m", "5min", "5M", "-5m", "+5m", "1.5h", "1e3s", "5m1h",
     "1m1m", "1s1m", "5 minutes", "1h 30m", "5m\n", "٣s", "5ms5s", "1234567890123s",
     "9" * 400 + "y"],
)  # fmt: skip
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as '30s', '5m' or '1h30m'"):
        parse_duration(text)


# Almost one, or one.
ALMOST = st.from_regex(r"(\d{1,3}d)?(\d{1,3}h)?(\d{1,3}m)?(\d{1,3}(\.\d)?s)?s?", fullmatch=True)


@given(st.text() | ALMOST)
def test_whatever_is_written_the_answer_is_seconds_or_a_refusal(text: str) -> None:
    try:
        seconds = parse_duration(text)
    except ValueError:
        return
    assert math.isfinite(seconds)
    assert seconds >= 0
    assert re.fullmatch(PATTERN, text)


@given(st.integers(min_value=0, max_value=10**13))
def test_what_is_written_is_read_back_to_the_millisecond(millis: int) -> None:
    assert round(parse_duration(format_duration(millis / 1000)) * 1000) == millis


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (-3, "0s"), (0.0004, "0s"), (0.25, "250ms"), (15, "15s"), (300, "5m"),
     (5400, "1h30m"), (86400, "1d"), (604800, "7d"), (93784.005, "1d2h3m4s5ms")],
)  # fmt: skip
def test_a_duration_is_written_as_short_as_it_can_be_exact(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "under a minute"), (59.9, "under a minute"), (60, "about 1 min"), (5399, "about 90 min"),
     (5400, "about 2 h"), (18_000, "about 5 h"), (47 * 3600, "about 47 h"),
     (48 * 3600, "about 2 days"), (6 * 86400, "about 6 days"), (math.inf, "without end")],
)  # fmt: skip
def test_people_hear_about_how_long(seconds: float, words: str) -> None:
    assert about(seconds) == words
