"""Killed before any step of any task and before any SQL statement: everybody hears all, once."""

from __future__ import annotations

import logging
import random
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest
import structlog
from crashing import (
    Moment,
    Step,
    Story,
    contents,
    overtaken,
    repeats,
    resumed,
    said,
    terminated,
    unwritten,
    watched,
)
from house import START, House, huggingface, kie, receiver, rule, settings

from monitor.config.timetables import parse_moment, parse_stretch
from monitor.core.builtin import BUILTIN
from monitor.core.causes import Cause, Severity
from monitor.core.flapping import Damping
from monitor.core.maintenance import Window
from monitor.core.timetable import Hours, Recurrence
from monitor.operator import Operator

CONFIG = settings(
    (kie(), huggingface()),
    rules=(
        rule("low", "kie/balance", "balance < 10000"),
        rule("very-low", "kie/balance", "balance < 5000", "critical", after=2),
    ),
    receivers=(
        receiver("oncall", remind_every=None, fallback="lead"),
        receiver("lead", severities=frozenset({Severity.CRITICAL})),
        receiver("late", escalate_after=900.0),
    ),
    builtin=True,
)
LOW = CONFIG.rules[-2]
WORSE = replace(
    CONFIG, rules=(*CONFIG.rules[:-2], replace(LOW, severity=Severity.CRITICAL), CONFIG.rules[-1])
)


def balance(amount: int):
    return lambda script: script.balance(amount)


def models_gone(script) -> None:
    for target in huggingface().targets[1:]:
        script.cause(target.target.name, Cause.MODEL_RETIRED)


def models_back(script) -> None:
    for target in huggingface().targets[1:]:
        script.answers.pop(target.target.name)


async def silence(house: House) -> None:
    asked = {"targets": "kie/*", "for": "20m", "author": "me", "comment": "x", "do": "silence"}
    if not any(s.active(house.clock.now()) for s in house.memory.silences.values()):
        assert "id" in await Operator(house.pipeline, house.clock).handle(asked)


async def acknowledge(house: House) -> None:
    asked = {"targets": "kie/balance", "author": "me", "comment": "on it", "do": "ack"}
    assert "acknowledged" in await Operator(house.pipeline, house.clock).handle(asked)


STORY = Story(
    CONFIG,
    (
        Step(0, balance(50_000)),
        Step(300, balance(9_000)),
        Step(300, models_gone),
        Step(300, does=acknowledge),
        Step(300, settings=WORSE),
        Step(300, balance(4_000)),
        Step(300, models_back),
        Step(300, balance(30_000), does=silence),
        Step(1500, balance(30_000)),
        Step(300, balance(0)),
        Step(300, balance(30_000)),
        Step(300),
    ),
    arrives=lambda receiver, attempt, _now: not (receiver == "oncall" and attempt in (1, 2, 5)),
)

# -- a night: what flaps, waits for its hour, is planned, cannot be told, or is said later -----

BACK = START + timedelta(minutes=73)  # from when on the receiver `dead` takes something
WATCHED = tuple(r for r in BUILTIN if r.name in ("receiver-failing", "models-exhausted"))
DAY = replace(
    settings(
        (kie(), huggingface()),
        rules=(
            *WATCHED,
            rule("low", "kie/balance", "balance < 10000"),
            rule("empty", "kie/balance", "balance < 1000", "critical"),
        ),
        receivers=(
            receiver("oncall", follow_up=600.0),
            receiver("night", quiet_hours=Hours((parse_stretch("daily 10:20-11:05"),), UTC)),
            receiver("dead", on=("kie/*",)),
            receiver(
                "boss",
                severities=frozenset(),
                digest=Recurrence((parse_moment("daily 11:00"),), UTC),
            ),
        ),
        builtin=False,
    ),
    flapping=Damping(more_than=1, within=1800.0),
    maintenance=(
        Window(
            "backup",
            ("huggingface/*",),
            UTC,
            every=Recurrence((parse_moment("daily 10:50"),), UTC),
            lasts=1200.0,
        ),
    ),
)
NIGHT = Story(
    DAY,
    (
        Step(0, balance(50_000)),
        Step(300, balance(9_000)),
        Step(300, balance(50_000)),
        Step(300, balance(9_000)),
        Step(300, balance(50_000)),
        Step(300, balance(9_000)),
        Step(300, balance(50_000)),
        Step(1860),
        Step(120, models_gone),
        Step(600, balance(0)),
        Step(300, balance(50_000)),
        Step(700, models_back),
        Step(300),
    ),
    arrives=lambda receiver, _attempt, now: receiver != "dead" or now >= BACK,
)
STORIES = {"a week": STORY, "a night": NIGHT}


@pytest.fixture(autouse=True)
def silent() -> None:
    """What it logs is read by nobody, and writing it would take longer than all the rest."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


@pytest.fixture(scope="module", params=STORIES)
def told_whole(request, tmp_path_factory):
    story = STORIES[request.param]
    return story, *watched(story, tmp_path_factory.mktemp("whole"))


def heard_before(moments: list[Moment], step: int) -> int:
    """How many messages had arrived when a step began."""
    return min(len(m.heard) for m in moments if m.step == step)


def differing(moments: list[Moment], share: int, of: int) -> list[Moment]:
    """A share of every second one; of a long story of every fourth."""
    return moments[:: 4 if len(moments) > 150 else 2][share::of]


def test_the_stories_have_all_that_can_be_said(told_whole) -> None:
    story, watcher, house = told_whole
    kinds = {kind for _, kind, _, _ in watcher.postman.heard}
    more = {"escalated"} if story is STORY else {"digest", "follow_up"}
    assert {"opened", "resolved", *more} <= kinds
    assert {name for name, *_ in watcher.postman.heard} == {
        r.name for r in story.settings.receivers
    }
    assert repeats(watcher.postman.heard) == 0
    assert not house.firing()
    assert watcher.looked > 1000
    assert len(watcher.moments) > 100


@pytest.mark.parametrize("share", range(8))
def test_a_kill_anywhere_loses_no_incident_and_repeats_only_under_the_first_id(
    told_whole, tmp_path: Path, share: int
) -> None:
    story, watcher, _ = told_whole
    whole = said(watcher.postman.heard)
    for moment in differing(watcher.moments, share, 8):
        again, house = resumed(story, moment, tmp_path)
        heard = again.postman.heard
        assert said(heard) == whole, f"killed in step {moment.step} at {moment.at}"
        assert all(heard.count(message) <= 2 for message in heard)
        # At most what was under way in the step of the kill comes again.
        assert repeats(heard) <= len(moment.heard) - heard_before(watcher.moments, moment.step)
        assert not house.firing()


@pytest.mark.parametrize("seed", range(2))
def test_kills_one_after_the_other_lose_no_incident(told_whole, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - chance that can be repeated, not a secret
    story, watcher, _ = told_whole
    whole, kills = said(watcher.postman.heard), 0
    moments = watcher.moments
    while moments and kills < 4:
        kills += 1
        again, _ = resumed(story, chance.choice(moments), tmp_path, watch=True)
        heard, moments = again.postman.heard, again.moments
    assert said(heard) == whole


def test_on_a_bad_night_each_hears_what_it_is_to_hear(told_whole) -> None:
    story, watcher, _ = told_whole
    if story is not NIGHT:
        return
    whole = said(watcher.postman.heard)
    twice = ["opened", "resolved"] * 2
    assert whole["oncall", "low on kie/balance"] == [*twice, *twice]  # of six one was damped
    assert whole["night", "low on kie/balance"][:4] == twice
    assert whole["oncall", "empty on kie/balance"] == ["opened", "resolved", "follow_up"]
    assert whole["oncall", "receiver-failing on monitor/receiver/dead"] == ["opened", "resolved"]
    assert whole["boss", "digest on monitor/digest"] == ["digest"]
    assert whole["oncall", "models-exhausted on huggingface/model"] == ["opened", "resolved"]


@pytest.mark.parametrize("share", range(2))
def test_who_was_stopped_and_overtaken_says_nothing_new_and_writes_nothing(
    told_whole, tmp_path: Path, share: int
) -> None:
    """As SIGSTOP does, anywhere: in a step, in a send, in a transaction."""
    story, watcher, _ = told_whole
    whole, taken = said(watcher.postman.heard), 0
    for stop in range(50 + 190 * share, watcher.looked, 600):
        first, found, path = overtaken(story, stop, tmp_path)
        if found.second is None:
            assert said(first.postman.heard) == whole
            continue
        taken += 1
        heard = found.second.postman.heard
        assert said(heard) == whole, f"stopped at {stop}"
        assert set(first.postman.heard[found.before :]) <= set(heard)
        assert contents(path) == found.left
    assert taken


def first_of_each_step(moments: list[Moment]) -> list[Moment]:
    return list({m.step: m for m in reversed(moments)}.values())[::-1]


def counted(heard) -> dict[tuple[str, str], list[str]]:
    """What each heard of each alert, in whatever order: a start comes a second later."""
    return {about: sorted(kinds) for about, kinds in said(heard).items()}


@pytest.mark.parametrize("hurried", [False, True], ids=["in-peace", "cut-off"])
def test_told_to_end_anywhere_it_loses_nothing_and_what_it_ended_itself_is_not_repeated(
    told_whole, tmp_path: Path, *, hurried: bool
) -> None:
    """As SIGTERM does: at some step of each part of the story."""
    story, watcher, _ = told_whole
    whole, ended = counted(watcher.postman.heard), 0
    for moment in first_of_each_step(watcher.moments)[hurried::3]:
        found = terminated(story, moment, 1 + 53 * moment.step % 120, tmp_path, hurried=hurried)
        if found is None:
            continue
        left, _ = found
        ended += 1
        again, house = resumed(story, left, tmp_path)
        heard = again.postman.heard
        assert counted(heard) == whole, f"told to end in step {moment.step}"
        assert all(heard.count(message) <= 2 for message in heard)
        # Only a message that was cut off on its way may come again, under its first id.
        assert repeats(heard) <= (len(left.heard) - len(moment.heard) if hurried else 0)
        assert not house.firing()
    assert ended >= 3


def test_cut_off_anywhere_it_leaves_nothing_that_it_knew_unwritten(
    told_whole, tmp_path: Path
) -> None:
    story, watcher, _ = told_whole
    ended = 0
    for moment in first_of_each_step(watcher.moments):
        for stop in range(30 + 17 * moment.step % 40, 400, 80):
            found = terminated(story, moment, stop, tmp_path, hurried=True)
            if found is None:
                break
            ended += 1
            assert unwritten(*found, tmp_path) == [], f"step {moment.step}, stop {stop}"
    assert ended > 20
