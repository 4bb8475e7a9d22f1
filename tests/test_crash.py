"""Killed before any step of any task and before any SQL statement: everybody hears all, once."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from crashing import Moment, Step, Story, repeats, resumed, said, watched
from house import House, huggingface, kie, receiver, rule, settings

from monitor.core.causes import Cause, Severity
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
    arrives=lambda receiver, attempt: not (receiver == "oncall" and attempt in (1, 2, 5)),
)


@pytest.fixture(scope="module")
def told_whole(tmp_path_factory):
    return watched(STORY, tmp_path_factory.mktemp("whole"))


def heard_before(moments: list[Moment], step: int) -> int:
    """How many messages had arrived when a step began."""
    return min(len(m.heard) for m in moments if m.step == step)


def differing(moments: list[Moment], share: int, of: int) -> list[Moment]:
    return moments[share::of]


def test_the_story_has_all_that_can_be_said(told_whole) -> None:
    watcher, house = told_whole
    kinds = {kind for _, kind, _, _ in watcher.postman.heard}
    assert {"opened", "escalated", "resolved"} <= kinds
    assert {name for name, *_ in watcher.postman.heard} == {"oncall", "lead", "late"}
    assert repeats(watcher.postman.heard) == 0
    assert not house.firing()
    assert watcher.looked > 1000
    assert len(watcher.moments) > 100


@pytest.mark.parametrize("share", range(8))
def test_a_kill_anywhere_loses_no_incident_and_repeats_only_under_the_first_id(
    told_whole, tmp_path: Path, share: int
) -> None:
    watcher, _ = told_whole
    whole = said(watcher.postman.heard)
    for moment in differing(watcher.moments, share, 8):
        again, house = resumed(STORY, moment, tmp_path)
        heard = again.postman.heard
        assert said(heard) == whole, f"killed in step {moment.step} at {moment.at}"
        assert all(heard.count(message) <= 2 for message in heard)
        # At most what was under way in the step of the kill comes again.
        assert repeats(heard) <= len(moment.heard) - heard_before(watcher.moments, moment.step)
        assert not house.firing()


@pytest.mark.parametrize("seed", range(6))
def test_kills_one_after_the_other_lose_no_incident(told_whole, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - chance that can be repeated, not a secret
    watcher, _ = told_whole
    whole, kills = said(watcher.postman.heard), 0
    moments = watcher.moments
    while moments and kills < 4:
        kills += 1
        again, _ = resumed(STORY, chance.choice(moments), tmp_path, watch=True)
        heard, moments = again.postman.heard, again.moments
    assert said(heard) == whole
