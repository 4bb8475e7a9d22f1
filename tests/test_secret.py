"""A secret does not show itself, whatever is done with it."""

from __future__ import annotations

import copy
import json
import logging
import os
import pickle
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import logs
from monitor.core.secret import MASK, Secret, redact

PLANTED = "hf_planted-key-0001"


@dataclass(frozen=True, slots=True)
class Holder:
    """Something that has one."""

    key: Secret


@pytest.mark.parametrize(
    "shown",
    [
        repr(Secret(PLANTED)),
        str(Secret(PLANTED)),
        f"{Secret(PLANTED)}",
        f"{Secret(PLANTED):>12}",
        f"{Secret(PLANTED)!r:<40}",
        "%s %r" % (Secret(PLANTED), Secret(PLANTED)),  # noqa: UP031 - a way of printing
        repr([Secret(PLANTED)]),
        repr({"key": Secret(PLANTED)}),
        repr(Holder(Secret(PLANTED))),
        repr(dir(Secret(PLANTED))),
    ],
)
def test_a_secret_prints_as_a_mask(shown: str) -> None:
    assert PLANTED not in shown


def test_the_value_is_had_by_asking_for_it() -> None:
    assert Secret(PLANTED).reveal() == PLANTED


def test_an_empty_secret_is_false_and_any_other_is_true() -> None:
    assert not Secret("")
    assert Secret(" ")


def test_secrets_are_equal_by_value_and_never_to_text() -> None:
    assert Secret(PLANTED) == Secret(PLANTED)
    assert Secret(PLANTED) != Secret(PLANTED + "x")
    assert Secret(PLANTED) != PLANTED
    assert len({Secret(PLANTED), Secret(PLANTED), Secret("")}) == 2


def test_a_secret_is_not_pickled_copied_or_made_json() -> None:
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError) as caught:
            attempt(Secret(PLANTED))
        assert PLANTED not in str(caught.value)


def test_a_log_line_and_a_traceback_hold_the_mask(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("monitor.test").warning("key %s", Secret(PLANTED))
    assert caplog.messages == [f"key {MASK}"]
    with pytest.raises(ValueError, match="bad key") as caught:
        raise ValueError(f"bad key {Secret(PLANTED)}")
    assert PLANTED not in repr(caught.value)


def test_redaction_masks_the_longest_first_so_that_no_tail_stays() -> None:
    secrets = (Secret("planted"), Secret("planted-0001"), Secret("abc"), Secret(""))
    assert redact("x planted-0001 y planted z abc", secrets) == f"x {MASK} y {MASK} z abc"


ODD = "it's\\planted-0002"  # a repr writes it otherwise


@pytest.mark.parametrize("style", ["text", "json"])
@pytest.mark.parametrize("key", [PLANTED, ODD])
def test_a_log_shows_no_secret_however_deep_it_lies(
    style: str, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(style, "info")
    logs.REDACTION.secrets = (Secret(PLANTED), Secret(ODD))
    logs.Log("monitor.test").info(
        f"said {key}", plain=f"a {key}", listed=["fine", key, (f"b {key}", 7, None)],
        named={key: {f"c {key}", 1.5}, "n": [{"deep": frozenset({key})}]},
        fault=ValueError(key), path=Path("/x") / key, bare=[1, 2.5, True],
        held=Holder(Secret(key)),
    )  # fmt: skip
    said = capsys.readouterr().err
    assert "planted" not in said
    assert said.count("********") >= 9
    assert "fine" in said
    if style == "json":
        assert json.loads(said)["bare"] == [1, 2.5, True]


class Unspeakable:
    """Cannot be printed."""

    def __repr__(self) -> str:
        raise RuntimeError(ODD)


@pytest.mark.parametrize("style", ["text", "json"])
def test_what_cannot_be_shown_costs_a_log_no_line_and_its_caller_nothing(
    style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(style, "info")
    logs.REDACTION.secrets = (Secret(ODD),)
    endless: list[object] = [ODD]
    endless.append(endless)
    pile = deque([ODD])  # is shown as Python writes it
    logs.Log("monitor.test").info(
        "said", odd=Unspeakable(), endless=endless, long=["x"] * 10_000, pile=pile
    )
    said = capsys.readouterr().err
    assert "planted" not in said
    assert "cannot be shown" in said
    assert len(said) < 5000


@given(st.text(min_size=4), st.text(), st.text())
def test_what_is_redacted_is_gone(value: str, before: str, after: str) -> None:
    shown = redact(before + value + after, (Secret(value),))
    assert value not in shown.replace(MASK, "\0") or value in MASK


def test_no_plugin_of_pydantics_sees_what_the_config_holds(tmp_path: Path) -> None:
    (tmp_path / "curious.py").write_text("print('PLUGIN LOADED')\nplugin = None\n")
    beside = tmp_path / "curious-1.dist-info"
    beside.mkdir()
    (beside / "METADATA").write_text("Metadata-Version: 2.1\nName: curious\nVersion: 1\n")
    (beside / "entry_points.txt").write_text("[pydantic]\ncurious = curious:plugin\n")
    (tmp_path / "config.yaml").write_text("accounts: {kie: {key: abcdefgh}}\n")
    words = ("check-config", "--config", str(tmp_path / "config.yaml"))
    result = subprocess.run(
        [sys.executable, "-m", "monitor", *words],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "PLUGIN LOADED" not in result.stdout
    assert "provider: kie" in result.stdout
