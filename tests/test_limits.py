"""A provider that asks to be left alone is: by every target that it limits together, for an hour
at most."""

from __future__ import annotations

from datetime import timedelta

import pytest
from house import MODELS, House, every, huggingface, kie, settings

from monitor.asking import NUDGES
from monitor.core.advice import summary
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding, Target
from monitor.core.settings import Account

KEY = "huggingface/key"
FIRST, SECOND, THIRD = (f"huggingface/model/{m}" for m in MODELS)


def account(**changes: object) -> Account:
    """Every kind of target, each wanted every ten minutes."""
    name = "huggingface"
    checks = [(Check.KEY, None), (Check.QUOTA, None), (Check.STATUS, None)]
    checks += [(Check.MODEL, m) for m in MODELS] + [(Check.INFERENCE, MODELS[0])]
    targets = tuple(every(Target(name, name, c, m), 600) for c, m in checks)
    return huggingface(targets=targets, **changes)


async def house() -> House:
    """Everything has been asked once."""
    made = await House(settings((account(), kie()))).start()
    made.script.balance(5000)
    await made.probe()
    made.script.asked.clear()
    return made


def limited(seconds: float | None = 300.0) -> Finding:
    return Finding(Cause.RATE_LIMITED, "asked too often", retry_after=seconds)


async def asked(house: House, after: float) -> set[str]:
    """Who is asked when it is everybody's turn that much later."""
    house.script.asked.clear()
    await house.probe(after=after)
    return set(house.script.asked)


ALONE = {"huggingface/status", f"huggingface/inference/{MODELS[0]}", "kie/balance"}
TOGETHER = {KEY, "huggingface/quota", FIRST, SECOND, THIRD}


@pytest.mark.parametrize("target", sorted(TOGETHER - {KEY}))
async def test_a_429_delays_its_siblings_and_nobody_elses(target: str) -> None:
    made = await house()
    made.script.answers[target] = limited()
    await made.probe(target)
    del made.script.answers[target]
    assert await asked(made, after=100) == ALONE
    assert await asked(made, after=190) == ALONE
    assert await asked(made, after=20) == TOGETHER | ALONE


async def test_a_key_call_has_a_limit_of_its_own() -> None:
    made = await house()
    made.script.answers[KEY] = limited()
    await made.probe(KEY)
    assert await asked(made, after=100) == TOGETHER - {KEY} | ALONE


@pytest.mark.parametrize("target", sorted(ALONE - {"kie/balance"}))
async def test_another_origin_says_nothing_of_this_one(target: str) -> None:
    made = await house()
    made.script.answers[target] = limited()
    await made.probe(target)
    assert await asked(made, after=100) == TOGETHER | ALONE - {target}


@pytest.mark.parametrize("cause", [Cause.PROVIDER_ERROR, Cause.PROVIDER_MAINTENANCE])
async def test_a_stay_without_a_limit_delays_the_target_alone(cause: Cause) -> None:
    made = await house()
    made.script.answers[FIRST] = Finding(cause, "away", retry_after=300.0)
    await made.probe(FIRST)
    assert await asked(made, after=100) == (TOGETHER | ALONE) - {FIRST}
    assert await asked(made, after=210) == TOGETHER | ALONE


async def test_without_a_time_nothing_is_delayed() -> None:
    made = await house()
    made.script.answers[FIRST] = limited(None)
    await made.probe(FIRST)
    assert await asked(made, after=1) == TOGETHER | ALONE


async def test_nobody_stays_away_longer_than_an_hour() -> None:
    made = await house()
    made.script.answers[FIRST] = limited(10**6)
    before = made.clock.now()
    following = await made.pipeline.observe(FIRST)
    assert following is not None
    assert following - before <= timedelta(hours=1)
    del made.script.answers[FIRST]
    assert await asked(made, after=3590) == ALONE
    assert await asked(made, after=20) == TOGETHER | ALONE


async def test_who_waits_says_so_comes_back_in_turn_and_is_not_stale() -> None:
    made = await house()
    made.script.answers[FIRST] = limited(3000)
    began = made.clock.now()
    await made.probe(FIRST)
    back = [await made.pipeline.observe(name) for name in (SECOND, THIRD)]
    assert back[0] is not None
    assert back[0] - began >= timedelta(seconds=3000)
    assert back[0] != back[1]  # not all in one moment
    said = summary(made.memory.views[SECOND])
    assert said == "fine; the provider asks to be left alone until 2026-11-20 10:50 UTC"
    for _ in range(290):
        made.clock.step(10)
        await made.pipeline.sweep()
    assert "target-stale" not in {a for a, t in made.firing().items() if t == SECOND}
    del made.script.answers[FIRST]
    made.clock.step(150)
    await made.probe(SECOND)
    assert summary(made.memory.views[SECOND]) == "fine"


async def test_a_clock_that_is_set_back_prolongs_nothing() -> None:
    made = await house()
    made.script.answers[FIRST] = limited(300)
    await made.probe(FIRST)
    del made.script.answers[FIRST]
    made.clock.jump(-86400)
    assert SECOND in await asked(made, after=310)


# -- somebody asks --------------------------------------------------------------------------


async def test_a_nudge_is_heard_once_in_a_few_seconds_for_each_target() -> None:
    made = await house()
    nudge = made.pipeline.asker.nudge
    assert nudge(FIRST) == 0
    assert nudge(SECOND) == 0
    made.clock.step(1)
    assert nudge(FIRST) == NUDGES - 1
    made.clock.step(NUDGES - 1)
    assert nudge(FIRST) == 0


async def test_a_nudge_does_not_ask_whom_the_provider_wants_to_be_left_alone_by() -> None:
    made = await house()
    made.script.answers[FIRST] = limited(300)
    await made.probe(FIRST)
    assert made.pipeline.asker.nudge(SECOND) == pytest.approx(300, abs=10)
    made.clock.step(310)
    assert made.pipeline.asker.nudge(SECOND) == 0
