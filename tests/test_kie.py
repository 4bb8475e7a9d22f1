"""KIE: what its file alone promises, beyond what was recorded."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import KEY, NOW, Player, played
from wire import answer, drip, hang, says, serving

from monitor.core.causes import Cause
from monitor.core.model import Check, Target
from monitor.core.secret import Secret
from monitor.core.settings import Account
from monitor.http import Answer, Door
from monitor.providers import load_providers, run_probe
from monitor.providers.kie import ROWS, read_balance

KIE = load_providers()["kie"]
UNREADABLE = "the answer is of a kind this version cannot read"  # what a stumbling parser becomes


def said(body: str, status: int = 200) -> Answer:
    """An answer of KIE's."""
    return Answer(status, {"content-type": "application/json"}, body.encode())


@pytest.mark.parametrize(
    ("data", "balance"),
    [
        ("5454.65", "5454.65"),
        ("0.25", "0.25"),
        ("1e3", "1000"),
        ("-0.5", "-0.5"),
        ("999999999999999", "999999999999999"),
    ],
)
def test_a_balance_is_read_to_the_last_digit(data: str, balance: str) -> None:
    found = read_balance(said(f'{{"code": 200, "data": {data}}}'))
    assert (found.cause, found.balance) == (Cause.OK, Decimal(balance))


@pytest.mark.parametrize(
    "data",
    ["1e15", "-1e15", "1e999", "1000000000000000", "9" * 400, "9" * 5000, "true", '"12"', "NaN"],
)
async def test_a_number_no_account_holds_is_a_fault(data: str) -> None:
    body = f'{{"code": 200, "data": {data}}}'
    found = await played(KIE, Player({"status": 200, "headers": {}, "body": body}), Check.BALANCE)
    assert (found.cause, found.balance) == (Cause.ANSWER_MALFORMED, None)


async def test_a_million_digits_behind_the_point_stay_no_million() -> None:
    body = '{"code": 200, "data": 1e-999999}'
    found = await played(KIE, Player({"status": 200, "headers": {}, "body": body}), Check.BALANCE)
    assert found.balance == 0
    assert len(found.summary) < 50


@pytest.mark.parametrize("code", ["200.5", "1", "0", "-401", "1e20", '"ok"', "[]", "true"])
async def test_a_code_nobody_documents_is_a_fault(code: str) -> None:
    body = f'{{"code": {code}, "data": 5}}'
    found = await played(KIE, Player({"status": 200, "headers": {}, "body": body}), Check.BALANCE)
    assert found.cause is Cause.ANSWER_MALFORMED


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r.status} {r.says}")
def test_a_row_says_in_words_what_is_wrong(row: object) -> None:
    summary = getattr(row, "summary", "")
    assert 10 < len(summary) < 100
    assert not summary.endswith(".")


@pytest.mark.parametrize("where", ["status", "code"])
@pytest.mark.parametrize(
    "words",
    [
        "The current credits are insufficient. Please top up.",
        "Credits insufficient : Your current balance isn’t enough to run this request.",
        "Insufficient Credits - Account does not have enough credits",
        "Please TOP  UP",
    ],
)
@pytest.mark.parametrize("code", [400, 402, 422, 500, 501])
def test_words_about_credits_are_believed_whatever_the_code(
    where: str, code: int, words: str
) -> None:
    status, inside = (code, code) if where == "status" else (200, code)
    found = read_balance(said(json.dumps({"code": inside, "msg": words}), status))
    assert found.cause is Cause.CREDITS_EXHAUSTED


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (401, Cause.KEY_REJECTED),
        (403, Cause.KEY_LACKS_PERMISSION),
        (429, Cause.RATE_LIMITED),
        (433, Cause.KEY_CAP_REACHED),
        (455, Cause.PROVIDER_MAINTENANCE),
    ],
)
def test_a_plain_code_is_not_overruled_by_advice_to_top_up(code: int, cause: Cause) -> None:
    found = read_balance(said(json.dumps({"code": code, "msg": "or top up your account"})))
    assert found.cause is cause


def test_the_status_decides_where_it_is_not_200() -> None:
    assert read_balance(said('{"code": 200, "data": 7}', 500)).cause is Cause.PROVIDER_ERROR


def test_what_a_rate_limit_asks_for_is_passed_on() -> None:
    limited = Answer(429, {"retry-after": "30"}, b"{}")
    assert read_balance(limited).retry_after == 30


async def test_the_key_is_sent_as_documented() -> None:
    player = Player({"status": 200, "headers": {}, "body": {"code": 200, "data": 1}})
    await played(KIE, player, Check.BALANCE)
    (asked,) = player.asked
    assert str(asked.url) == "https://api.kie.ai/api/v1/chat/credit"
    assert asked.headers["authorization"] == f"Bearer {KEY}"


# Over a real wire


async def over(script: object, *, timeout: float = 5) -> object:
    """What a probe finds where a server follows `script`."""
    door = Door()
    async with serving(script) as wire:  # type: ignore[arg-type]  # a script of `wire`
        account = Account("kie", "kie", Secret(KEY), (), urls={"base_url": wire.url})
        target = Target("kie", "kie", Check.BALANCE)
        found = await run_probe(KIE, door, account, target, now=NOW, timeout=timeout)
        await door.aclose()
    return found


async def test_a_balance_over_the_wire() -> None:
    found = await over(says(answer(b'{"code":200,"msg":"success","data":5916.25}')))
    assert getattr(found, "balance", None) == Decimal("5916.25")


@pytest.mark.parametrize("script", [hang, drip])
async def test_a_server_that_keeps_us_waiting_has_timed_out(script: object) -> None:
    found = await over(script, timeout=0.2)
    assert getattr(found, "cause", None) is Cause.TIMED_OUT


# Anything at all

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["200", "401", "5.5", "1e999"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["code", "msg", "data", "error", "x"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)
LIKELY = st.fixed_dictionaries(
    {}, optional={"code": JSON | st.integers(100, 600), "msg": JSON, "data": JSON | st.floats()}
)


async def anything(body: str | bytes, status: int) -> None:
    """Whatever comes: a finding, and of our own making."""
    text = body if isinstance(body, str) else body.decode("latin-1")
    player = Player({"status": status, "headers": {}, "body": text})
    found = await played(KIE, player, Check.BALANCE)
    assert found.summary
    assert found.summary != UNREADABLE
    assert (found.balance is not None) == (found.cause is Cause.OK)
    if found.balance is not None:
        assert found.balance.is_finite()
    (found.summary + found.evidence).encode()


@settings(max_examples=200, deadline=None)
@given(body=LIKELY | JSON, status=st.sampled_from([200, 200, 201, 401, 402, 500, 429]))
async def test_any_json_becomes_a_finding(body: object, status: int) -> None:
    await anything(json.dumps(body), status)


@settings(max_examples=150, deadline=None)
@given(body=st.binary(max_size=200), status=st.integers(200, 599))
async def test_any_bytes_become_a_finding(body: bytes, status: int) -> None:
    await anything(body, status)
