"""Globs on target names: `*` crosses `/`, `?` is one character, everything else is itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.globs import matches

NAMES = st.text(st.sampled_from("ab/.-[]+^$\\\n"), max_size=8)


@pytest.mark.parametrize(
    ("glob", "name", "expected"),
    [
        ("kie/balance", "kie/balance", True),
        ("kie/balance", "kie/balance2", False),
        ("kie/balance", "akie/balance", False),
        ("*", "huggingface/model/a/b", True),
        ("*", "", True),
        ("huggingface/model/*", "huggingface/model/stabilityai/sdxl", True),
        ("huggingface/model/*", "huggingface/model", False),
        ("*/balance", "kie/balance", True),
        ("*/balance", "kie/balance/x", False),
        ("k?e/*", "kie/balance", True),
        ("k?e/*", "ke/balance", False),
        ("?", "/", True),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("[ab]", "[ab]", True),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_a_glob_fits_whole_names(glob: str, name: str, *, expected: bool) -> None:
    assert matches(glob, name) is expected


@given(NAMES)
def test_a_name_without_wildcards_fits_itself_alone(name: str) -> None:
    assert matches(name, name)
    assert not matches(name, name + "x")


@given(NAMES, NAMES, NAMES)
def test_a_star_stands_for_anything(before: str, middle: str, after: str) -> None:
    assert matches(f"{before}*{after}", before + middle + after)


@given(NAMES, NAMES)
def test_a_question_mark_stands_for_one_character(before: str, after: str) -> None:
    assert matches(f"{before}?{after}", f"{before}/{after}")
    assert not matches(f"{before}?{after}", before + after)


@given(st.text(), st.text())
def test_whatever_is_written_a_glob_says_yes_or_no(glob: str, name: str) -> None:
    assert matches(glob, name) in (True, False)
