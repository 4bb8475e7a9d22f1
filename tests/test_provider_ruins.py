"""What every provider's file makes of ruined answers: nothing else, or nothing at all.

All of it is derived from the file and its recordings: a new provider is held to it by being there.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import pytest
from recorded import Place, Player, answers, asked, changed, figures, good, members

from monitor.core.causes import Cause
from monitor.core.model import Check
from monitor.providers import Provider, load_providers

MEASURED = [
    (p, c)
    for p in load_providers().values()
    for c in p.spec.checks
    if c in (Check.BALANCE, Check.QUOTA)
]
Body = Any  # JSON


def label(x: object) -> str:
    """A case's name."""
    return x.spec.name if isinstance(x, Provider) else str(getattr(x, "value", x))


NUMBERS = ["null", "1e999", "1e15", "NaN", "true", "[]", "{}", '"1e999"', '"twelve"', '"\\u0661"']
TEXTS = ["5", "true", "[]", "{}", '""']
FLAGS = ["1", "0", '"yes"', "[]", "null"]


def ruins(value: Body) -> list[str]:
    """What else could stand in a value's place."""
    if isinstance(value, bool):
        return FLAGS
    figure = isinstance(value, (int, float)) or (isinstance(value, str) and _is_number(value))
    if value is None:
        return ['"text"', "true", "[]"]
    return NUMBERS if figure else TEXTS if isinstance(value, str) else ["5", '"text"', "null"]


def _is_number(said: str) -> bool:
    return said.lstrip("-").replace(".", "", 1).isdecimal()


def needed(provider: Provider, check: Check, body: Body) -> list[tuple[Place, Body]]:
    """Every member beside those that `may_lack` in the recording names."""
    spared = set(good(provider, check).said.get("may_lack", ()))
    return [(path, x) for path, x in members(body) if ".".join(map(str, path)) not in spared]


@pytest.mark.parametrize(("provider", "check"), MEASURED, ids=label)
async def test_a_ruined_member_makes_no_difference_or_the_answer_unreadable(
    provider: Provider, check: Check
) -> None:
    given = answers(provider, check)
    sound = figures(await asked(provider, check, Player(*given)))
    nullable = set(good(provider, check).said.get("may_be_null", ()))
    unreadable: dict[str, int] = defaultdict(int)
    for n, one in enumerate(given):
        for path, value in needed(provider, check, one["body"]):
            for raw in ruins(value):
                if raw == "null" and ".".join(map(str, path)) in nullable:
                    continue
                ruined = [*given[:n], {**one, "body": changed(one["body"], path, raw)}]
                found = await asked(provider, check, Player(*ruined, *given[n + 1 :]))
                malformed = found.cause is Cause.ANSWER_MALFORMED
                assert malformed or figures(found) == sound, (path, raw, found)
                assert not malformed or found.balance is None
                unreadable[raw] += malformed
    for raw in NUMBERS:
        assert unreadable[raw], f"{raw} in a number's place is read as if it were nothing"


@pytest.mark.parametrize(("provider", "check"), MEASURED, ids=label)
async def test_a_missing_member_makes_no_difference_or_the_answer_unreadable(
    provider: Provider, check: Check
) -> None:
    given = answers(provider, check)
    sound = figures(await asked(provider, check, Player(*given)))
    unreadable = 0
    for n, one in enumerate(given):
        for path, _ in needed(provider, check, one["body"]):
            if isinstance(path[-1], int):
                continue  # a shorter list is an answer as well
            ruined = [*given[:n], {**one, "body": changed(one["body"], path, None)}]
            found = await asked(provider, check, Player(*ruined, *given[n + 1 :]))
            malformed = found.cause is Cause.ANSWER_MALFORMED
            assert malformed or figures(found) == sound, (path, found)
            unreadable += malformed
    assert unreadable, "an answer without its number is read"


@pytest.mark.parametrize(("provider", "check"), MEASURED, ids=label)
async def test_an_answer_cut_off_is_no_answer(provider: Provider, check: Check) -> None:
    given = answers(provider, check)
    for n, one in enumerate(given):
        whole = json.dumps(one["body"])
        for cut in (0, 1, len(whole) // 2, len(whole) - 1):
            short = [*given[:n], {**one, "body": whole[:cut]}]
            found = await asked(provider, check, Player(*short))
            assert found.cause is Cause.ANSWER_MALFORMED, whole[:cut]
