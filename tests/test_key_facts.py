"""What a key may do, which plan it has and when it ends: shown, and told when it changes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from core_scenes import NOW, a_view
from house import START, House, database, huggingface, settings

from monitor.core.advice import summary
from monitor.core.builtin import BUILTIN
from monitor.core.causes import Cause
from monitor.core.document import document
from monitor.core.keys import changes, ends_soon, expires_at
from monitor.core.model import Finding, Kind, Quota, Verdict
from monitor.core.rules import judge
from monitor.notifiers._mail import text_of
from monitor.notifiers.webhook import body_of
from monitor.store.sqlite import SqliteStore

KEY = "huggingface/key"
EXPIRES = next(r for r in BUILTIN if r.name == "key-expires")
GOOD = {"plan": "pro", "role": "write"}


def at(days: float) -> str:
    return (START + timedelta(days=days)).isoformat()


CHANGES = [
    ({}, {}, ""),
    ({"plan": "free"}, {"plan": "pro"}, "plan free pro better"),
    ({"plan": "pro"}, {"plan": "free"}, "plan pro free worse"),
    ({"plan": "creator"}, {"plan": "starter"}, "plan creator starter better"),
    ({"role": "write"}, {"role": "read"}, "role write read worse"),
    ({"role": "write"}, {"role": "fineGrained"}, "role write fineGrained worse"),
    ({"role": "read"}, {"role": "write"}, "role read write better"),
    ({"plan": "pro"}, {}, ""),
    ({}, {"plan": "free"}, ""),
    ({"expires": at(9)}, {"expires": at(3)}, ""),
    ({"role": "read", "expires": at(9)}, {"role": "read", "expires": at(3)},
     "expiry 2026-11-29 10:00 UTC 2026-11-23 10:00 UTC worse"),
    ({"role": "read", "expires_at": at(3)}, {"role": "read", "expires_at": at(9)},
     "expiry 2026-11-23 10:00 UTC 2026-11-29 10:00 UTC better"),
    ({"role": "read", "expires": at(3)}, {"role": "read"},
     "expiry 2026-11-23 10:00 UTC never better"),
    ({"role": "read"}, {"role": "read", "expires": at(3)},
     "expiry never 2026-11-23 10:00 UTC worse"),
    ({"role": "read", "expires": at(3)}, {}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "said"), CHANGES)
def test_what_is_another_and_whether_it_is_worse(
    before: dict[str, str], after: dict[str, str], said: str
) -> None:
    found = [f"{c.name} {c.before} {c.after} {'worse' if c.worse else 'better'}"
             for c in changes(before, after)]  # fmt: skip
    assert " ".join(found) == said


@pytest.mark.parametrize(("warned", "worse"), [
    (("", ""), None), (("lacks a", "lacks a"), None), (("lacks a", "lacks b"), None),
    (("", "lacks a"), True), (("lacks a", ""), False),
])  # fmt: skip
def test_a_permission_that_went_or_came_is_a_change(
    warned: tuple[str, str], worse: bool | None
) -> None:
    found = changes({}, {}, warned=warned)
    assert [c.worse for c in found] == ([] if worse is None else [worse])


@pytest.mark.parametrize("said", ["", "soon", "2026-11-29", "2026-11-29T10:00:00"])
def test_an_end_that_is_no_time_is_none(said: str) -> None:
    assert expires_at({"expires_at": said}) is None


ENDS = [
    ({"role": "read", "expires": "2026-12-24T00:00:00Z"}, False, Verdict.OK),
    ({"role": "read", "expires": "2026-11-23T00:00:00Z"}, False, Verdict.BREACH),
    ({"role": "read", "expires_at": "2026-11-23T00:00:00+00:00"}, False, Verdict.BREACH),
    ({"role": "read"}, False, Verdict.OK),
    ({"expires": "2026-11-23T00:00:00Z"}, False, Verdict.OK),  # OAuth: hours by nature
    ({"expires": "2026-11-23T00:00:00Z"}, True, Verdict.BREACH),
]


@pytest.mark.parametrize(("facts", "warning", "verdict"), ENDS)
def test_a_key_that_ends_within_a_week_is_spoken_of(
    facts: dict[str, str], warning: bool, verdict: Verdict
) -> None:
    view = replace(a_view(KEY), facts=facts, warning=warning)
    found = judge(EXPIRES, view, firing=False, now=NOW)
    assert found.verdict is verdict
    assert (ends_soon(view, NOW) is not None) == (verdict is Verdict.BREACH)
    if verdict is Verdict.BREACH:
        assert found.summary == "the key expires in about 3 days, at 2026-11-23 00:00 UTC"


@pytest.mark.parametrize("cause", [c for c in Cause if c is not Cause.OK])
def test_what_is_not_accepted_neither_opens_nor_ends_it(cause: Cause) -> None:
    facts = {"role": "read", "expires": "2026-11-23T00:00:00Z"}
    for said in ({}, facts):
        view = replace(a_view(KEY, cause), facts=said)
        assert judge(EXPIRES, view, firing=True, now=NOW).verdict is Verdict.UNKNOWN


# -- the pipeline ---------------------------------------------------------------------------


async def house(store: SqliteStore | None = None) -> House:
    return await House(settings((huggingface(),)), store=store).start()


async def read(house: House, after: float = 1800, **facts: str) -> None:
    """The key is accepted with these facts."""
    house.script.answers[KEY] = Finding(Cause.OK, "the token is valid", facts=facts)
    await house.probe(KEY, after=after)


async def test_an_end_is_told_once_a_week_before_and_is_over_when_it_is_renewed() -> None:
    made = await house()
    await read(made, **GOOD, expires=at(9))
    assert made.mail.said == []
    for _ in range(9):
        await read(made, after=86400 / 3, **GOOD, expires=at(9))
    assert made.mail.said == ["opened key-expires"]
    message = made.mail.sent[0][0]
    assert message.subject.startswith("[WARNING] huggingface: the key expires in about 7 days")
    made.script.cause(KEY, Cause.TIMED_OUT)
    await made.probe(KEY, after=1800)
    assert made.firing() == {"key-expires": KEY}
    await read(made, **GOOD, expires=at(90))
    assert made.mail.said[1:] == ["resolved key-expires", "notice key-changed"]


async def test_an_expired_key_is_rejected_and_not_said_to_be_renewed() -> None:
    made = await house()
    await read(made, **GOOD, expires=at(1))
    made.script.cause(KEY, Cause.KEY_EXPIRED)
    await made.probe(KEY, after=86400)
    assert "resolved key-expires" not in made.mail.said
    assert "key-rejected" in made.firing()


async def test_a_plan_that_ended_is_told_once_as_a_warning_with_what_to_do() -> None:
    made = await house()
    await read(made, plan="pro", role="write")
    await read(made, plan="free", role="write")
    await read(made, plan="free", role="write")
    assert made.mail.said == ["notice key-changed"]
    message = made.mail.sent[0][0]
    assert message.kind is Kind.NOTICE
    assert message.subject == "[WARNING] huggingface: the key has changed: plan free, before pro"
    assert message.todo
    assert ("Its plan", "free, before pro") in message.figures
    assert "plan free, before pro" in text_of(message)
    hook = json.loads(body_of("oncall", message))
    assert hook["commonLabels"]["alertname"] == "key-changed"


async def test_what_is_for_the_better_is_info() -> None:
    made = await house()
    await read(made, plan="free", role="read")
    await read(made, plan="pro", role="write")
    (notice,) = made.memory.notices.values()
    assert notice.severity.value == "info"
    assert notice.summary == "the key has changed: plan pro, before free; role write, before read"


async def test_a_failed_probe_between_hides_no_change_and_makes_none() -> None:
    made = await house()
    await read(made, **GOOD)
    made.script.cause(KEY, Cause.TIMED_OUT)
    await made.probe(KEY, after=1800)
    await read(made, **GOOD)
    assert not made.memory.notices
    made.script.cause(KEY, Cause.RATE_LIMITED)
    await made.probe(KEY, after=1800)
    await read(made, plan="free", role="write")
    assert len(made.memory.notices) == 1


async def test_a_permission_that_is_gone_is_told() -> None:
    made = await house()
    await read(made, role="fineGrained")
    words = "the token is valid but lacks inference.serverless.write: it cannot call models"
    made.script.answers[KEY] = Finding(
        Cause.OK, words, facts={"role": "fineGrained"}, warning=True
    )
    await made.probe(KEY, after=1800)
    (notice,) = made.memory.notices.values()
    assert "lacks inference.serverless.write" in notice.summary
    assert notice.severity.value == "warning"


async def test_an_end_that_comes_near_is_no_change_of_rights() -> None:
    made = await house()
    await read(made, role="read", expires=at(8))
    soon = {"role": "read", "expires": at(8)}
    made.script.answers[KEY] = Finding(Cause.OK, "valid until soon", facts=soon, warning=True)
    await made.probe(KEY, after=2 * 86400)
    assert not made.memory.notices


async def test_a_change_while_monitor_was_down_is_told_after_the_start(tmp_path: Path) -> None:
    store = SqliteStore(database(tmp_path))
    made = await house(store)
    await read(made, **GOOD)
    await made.pipeline.keeper.close()
    again = House(settings((huggingface(),)), store=SqliteStore(database(tmp_path)),
                  clock=made.clock)  # fmt: skip
    await again.start()
    await read(again, plan="free", role="write")
    assert again.mail.said == ["notice key-changed"]
    await again.pipeline.keeper.close()


async def test_what_is_known_of_a_key_is_in_the_status() -> None:
    made = await house()
    await read(made, **GOOD, expires=at(30), odd_unit="never shown")
    entries = document(made.memory.snapshot(made.clock.now()))["targets"]
    assert isinstance(entries, list)
    entry = next(e for e in entries if e["target"] == KEY)
    assert entry["facts"] == {**GOOD, "expires": at(30)}
    assert entry["summary"] == "the token is valid (plan pro, role write)"
    quota = Quota("api requests", Decimal(1), Decimal(1000), "requests")
    answer = made.script.answers[KEY]
    assert isinstance(answer, Finding)
    made.script.answers[KEY] = replace(answer, quotas=(quota,))
    await made.probe(KEY)
    assert summary(made.memory.views[KEY]) == "the token is valid (plan pro, role write)"
