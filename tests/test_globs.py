"""Globs: what fits, and that whoever writes one cannot hold up the daemon."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.core.globs import matches

WORDS = st.text(alphabet="ab/*?.", max_size=8)
NAMES = st.text(alphabet="ab/.", max_size=10)


@cache
def fits(glob: str, name: str) -> bool:
    """The same as slowly as it can be said."""
    if not glob:
        return not name
    if glob[0] == "*":
        return fits(glob[1:], name) or (bool(name) and fits(glob, name[1:]))
    return bool(name) and glob[0] in ("?", name[0]) and fits(glob[1:], name[1:])


@given(glob=WORDS, name=NAMES)
@example(glob="*a*b", name="ab/ab")
@example(glob="a*a", name="a")
@example(glob="**", name="")
def test_a_glob_fits_what_its_stars_and_marks_can_stand_for(glob: str, name: str) -> None:
    assert matches(glob, name) is fits(glob, name)


@pytest.mark.parametrize("glob", ["*" * 400 + "!", "*a" * 400 + "!", "*?" * 400 + "!"])
def test_a_glob_of_many_stars_is_answered_at_once(glob: str) -> None:
    assert not matches(glob, "a" * 500)
