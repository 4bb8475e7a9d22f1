"""The common case of a provider, piece by piece: the key, the errors, the code, the number."""

from __future__ import annotations

import json
from base64 import b64encode
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import KEY, NOW, Player, account_of, played

from monitor.answers import Malformed, Row, at, classify
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding, Target
from monitor.core.spec import CheckSpec, Field, FieldKind, ProviderSpec
from monitor.http import CAP, Answer
from monitor.providers import Ask, Provider, Refused, run_probe
from monitor.providers._balance import (
    CENTS,
    Balance,
    Call,
    Code,
    Must,
    authorization,
    basic,
    currency,
    errors,
    header,
    sure,
    total,
)

SPEC = ProviderSpec(
    name="own",
    title="Own",
    checks={Check.BALANCE: CheckSpec()},
    urls={"base_url": "https://own.example"},
    docs="https://own.example/docs",
    unit="USD",
    fields=(
        Field("team", FieldKind.TEXT, "whose", required=True, example="a/b c"),
        Field("org", FieldKind.TEXT, "which"),
    ),
)


def said(body: object, status: int = 200, **headers: str) -> Answer:
    """An answer; names of headers with `_` for `-`."""
    text = body if isinstance(body, str) else json.dumps(body)
    given_ = {"content-type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return Answer(status, given_, text.encode())


def read(body: object, amount: str | tuple[str, ...] = "x", **more: object) -> Finding:
    """What a Balance makes of a body."""
    return Balance(SPEC, "/x", amount, **more).read(said(body))  # type: ignore[arg-type]  # of a table


# The key and the request


@pytest.mark.parametrize(
    ("carrier", "name", "value"),
    [
        (authorization("Key"), "Authorization", f"Key {KEY}"),
        (authorization("Token"), "Authorization", f"Token {KEY}"),
        (header("x-api-key"), "x-api-key", KEY),
        (basic("team"), "Authorization", "Basic " + b64encode(f"a/b c:{KEY}".encode()).decode()),
        (basic("org"), "Authorization", "Basic " + b64encode(f":{KEY}".encode()).decode()),
    ],
)
def test_a_key_is_carried_as_the_vendor_wants_it(carrier: object, name: str, value: str) -> None:
    call = Call(SPEC, "/x", key=carrier)  # type: ignore[arg-type]  # of a table
    request = call.request(account_of(Provider(SPEC, call_nobody)))
    assert {n: s.reveal() for n, s in request.secret_headers.items()} == {name: value}
    assert KEY not in repr(request)


async def call_nobody(ask: Ask) -> Finding:
    """A probe that is never run."""
    raise AssertionError(ask)


def test_fields_stand_in_path_and_headers() -> None:
    account = account_of(Provider(SPEC, call_nobody), fields={"team": "a/b c", "org": None})
    call = Call(SPEC, "/t/{team}/p/{project}", headers={"X": "1"}, field_headers={"org": "Org"})
    request = call.request(account, project="../1?")
    assert (request.method, request.url) == ("GET", "https://own.example/t/a%2Fb%20c/p/..%2F1%3F")
    assert request.headers == {"Accept": "application/json", "X": "1"}
    named = account_of(Provider(SPEC, call_nobody), fields={"team": "a", "org": "o"})
    assert call.request(named, project="1").headers["Org"] == "o"


def test_a_post_is_json() -> None:
    account = account_of(Provider(SPEC, call_nobody))
    request = Call(SPEC, "/graphql", post=b'{"query": "q"}').request(account)
    assert (request.method, request.body) == ("POST", b'{"query": "q"}')
    assert request.headers["Content-Type"] == "application/json"


def test_a_call_says_how_much_it_takes_and_whether_it_follows() -> None:
    account = account_of(Provider(SPEC, call_nobody))
    usual = Call(SPEC, "/x").request(account)
    other = Call(SPEC, "/x", cap=9, follow=True).request(account)
    assert (usual.cap, usual.follow_same_origin) == (CAP, False)
    assert (other.cap, other.follow_same_origin) == (9, True)


# What an error means


@pytest.mark.parametrize(
    ("status", "words", "cause"),
    [
        (400, "", Cause.PROVIDER_ERROR),
        (401, "", Cause.KEY_REJECTED),
        (402, "", Cause.CREDITS_EXHAUSTED),
        (403, "", Cause.KEY_LACKS_PERMISSION),
        (404, "", Cause.ENDPOINT_RETIRED),
        (410, "", Cause.ENDPOINT_RETIRED),
        (418, "", Cause.PROVIDER_ERROR),
        (429, "", Cause.RATE_LIMITED),
        (499, "", Cause.PROVIDER_ERROR),
        (500, "", Cause.PROVIDER_ERROR),
        (599, "", Cause.PROVIDER_ERROR),
    ],
)
def test_errors_all_have_in_common(status: int, words: str, cause: Cause) -> None:
    row = classify(errors("Own"), status, words)
    assert row is not None
    assert row.cause is cause
    assert "Own" in row.summary
    assert 10 < len(row.summary) < 100


def test_a_vendors_own_rows_come_first_but_a_web_page_is_never_its_word() -> None:
    own = (
        Row(403, "", Cause.NOT_KNOWABLE, "not told"),
        Row(429, "", Cause.CREDITS_EXHAUSTED, "g"),
    )
    call = Call(SPEC, "/x", errors=own)
    causes = [call.refusal(said({}, status)) for status in (403, 429, 401)]
    assert [c and c.cause for c in causes] == [
        Cause.NOT_KNOWABLE, Cause.CREDITS_EXHAUSTED, Cause.KEY_REJECTED,
    ]  # fmt: skip
    pages = [
        call.refusal(said("<html>", status, content_type="text/html; charset=UTF-8"))
        for status in (401, 402, 403, 429)
    ]
    assert [c and c.cause for c in pages] == [Cause.PROVIDER_ERROR] * 3 + [Cause.RATE_LIMITED]


@pytest.mark.parametrize(("after", "stay"), [("30", 30), ("999999", 3600), ("soon", None)])
def test_a_rate_limit_says_how_long(after: str, stay: float | None) -> None:
    found = Call(SPEC, "/x").refusal(said({}, 429, retry_after=after))
    assert found is not None
    assert (found.cause, found.retry_after) == (Cause.RATE_LIMITED, stay)


@pytest.mark.parametrize("status", [304, 300, 600, 199])
def test_a_status_of_no_error_is_no_answer_either(status: int) -> None:
    found = Call(SPEC, "/x").refusal(said({"x": 5}, status))
    assert found is not None
    assert found.cause is Cause.PROVIDER_ERROR


# The code in the body

CODE = Code("code", fine=20000)


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ({"code": 20000, "x": 5}, Cause.OK),
        ({"code": "20000", "x": 5}, Cause.OK),
        ({"code": 401, "x": 5}, Cause.KEY_REJECTED),
        ({"code": 429, "x": 5}, Cause.RATE_LIMITED),
        ({"code": 200, "x": 5}, Cause.PROVIDER_ERROR),
        ({"code": 30001, "x": 5}, Cause.PROVIDER_ERROR),
    ],
)
def test_the_code_decides_where_it_is_declared(body: object, cause: Cause) -> None:
    assert read(body, code=CODE).cause is cause


@pytest.mark.parametrize("code", [None, True, 20000.5, "ok", [], -1, 10**6, 1e300])
def test_a_code_that_is_none_is_unreadable(code: object) -> None:
    with pytest.raises(Malformed):
        read({"code": code, "x": 5}, code=CODE)
    with pytest.raises(Malformed):
        read({"x": 5}, code=CODE)


def test_a_code_may_be_optional() -> None:
    loose = Code("code", fine=0, optional=True)
    assert read({"x": 5}, code=loose).balance == 5
    assert read({"code": None, "x": 5}, code=loose).balance == 5
    assert read({"code": 402, "x": 5}, code=loose).cause is Cause.CREDITS_EXHAUSTED


def test_the_status_decides_where_it_is_an_error() -> None:
    found = Balance(SPEC, "/x", "x", code=CODE).read(said({"code": 20000, "x": 5}, 500))
    assert found.cause is Cause.PROVIDER_ERROR


ALWAYS = Code("code", fine=0, among=range(2000), always=True)
OWN = (
    Row(1102, "", Cause.CREDITS_EXHAUSTED, "no packs"),
    Row(429, "", Cause.RATE_LIMITED, "slow"),
)


@pytest.mark.parametrize(
    ("body", "status", "code", "cause"),
    [
        ({"code": 1102}, 429, ALWAYS, Cause.CREDITS_EXHAUSTED),
        ({"code": 1102}, 200, ALWAYS, Cause.CREDITS_EXHAUSTED),
        ({"code": 1102}, 429, Code("code", fine=0), Cause.RATE_LIMITED),
        ({"code": 0}, 429, ALWAYS, Cause.RATE_LIMITED),
        ({"code": 5000}, 429, ALWAYS, Cause.RATE_LIMITED),
        ({"code": "slow"}, 429, ALWAYS, Cause.RATE_LIMITED),
        ({}, 429, ALWAYS, Cause.RATE_LIMITED),
        ("Too Many Requests", 429, ALWAYS, Cause.RATE_LIMITED),
        ([], 401, ALWAYS, Cause.KEY_REJECTED),
    ],
)
def test_a_code_may_say_more_than_an_errors_status(
    body: object, status: int, code: Code, cause: Cause
) -> None:
    found = Call(SPEC, "/x", code=code, errors=OWN).refusal(said(body, status))
    assert found is not None
    assert found.cause is cause


def test_a_body_that_refuses_is_read_as_an_error_of_the_request() -> None:
    own = (Row(400, "no entry", Cause.NOT_KNOWABLE, "not told"),)
    call = Call(SPEC, "/x", refuses=lambda body: bool(body.get("errors")), errors=own)
    bodies: tuple[object, ...] = (
        {"errors": []},
        {"errors": [{"message": "No entry"}]},
        {"errors": "?"},
    )
    found = [call.refusal(said(body)) for body in bodies]
    assert [x and x.cause for x in found] == [None, Cause.NOT_KNOWABLE, Cause.PROVIDER_ERROR]
    with pytest.raises(Malformed):
        call.refusal(said([]))


# The number

BODY = {
    "a": 1.25, "b": {"c": 3, "n": None}, "s": "-0.10", "l": [{"m": 1}, {"m": 2.5}], "e": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("amount", "more", "balance"),
    [
        ("a", {}, "1.25"),
        ("b.c", {}, "3"),
        ("l.1.m", {}, "2.5"),
        (("a", "b.c"), {}, "4.25"),
        (("a", "-b.c"), {}, "-1.75"),
        (("a", "b.n?"), {}, "1.25"),
        ("l.*.m", {}, "3.5"),
        ("-l.*.m", {}, "-3.5"),
        ("s", {"strings": True}, "-0.10"),
        ("a", {"strings": True}, "1.25"),
        ("a", {"scale": CENTS}, "0.0125"),
        ("b.c", {"scale": -CENTS}, "-0.03"),
    ],
)
def test_where_the_number_is(amount: object, more: dict[str, object], balance: str) -> None:
    found = read(BODY, amount, **more)  # type: ignore[arg-type]  # of a table
    assert (found.cause, found.balance, found.unit) == (Cause.OK, Decimal(balance), "USD")


@pytest.mark.parametrize(
    "amount",
    ["z", "b", "s", "b.z", "b.n", "b.z?", "a.c", "l", "l.2.m", "l.x.m", "b.0", "e.*.m", "a.*.m",
     "l.*.z", ("a", "z"), "e", ""],
)  # fmt: skip
def test_what_is_not_there_or_no_number_is_unreadable(amount: object) -> None:
    with pytest.raises(Malformed):
        read(BODY, amount)  # type: ignore[arg-type]  # of a table


def test_a_member_is_named_by_its_path_and_never_by_what_it_holds() -> None:
    with pytest.raises(Malformed) as caught:
        at({"data": {"email": "me@example.com"}}, "data.credits.0")
    assert str(caught.value) == "data.credits is missing"
    assert caught.value.evidence == "{data: {email: text}}"


@given(st.lists(st.decimals(-(10**6), 10**6, places=4), min_size=1, max_size=6))
def test_a_sum_is_exact(amounts: list[Decimal]) -> None:
    body = {"l": [{"m": x} for x in amounts]}
    assert total(body, ("l.*.m",)) == sum(amounts)
    assert total(body, ("l.*.m", "-l.*.m")) == 0


# The unit


@pytest.mark.parametrize(("said_", "unit"), [("usd", "USD"), ("EUR", "EUR"), ("Cny", "CNY")])
def test_the_answer_may_name_the_currency(said_: str, unit: str) -> None:
    assert read({"x": 5, "in": {"unit": said_}}, unit_at="in.unit").unit == unit


@pytest.mark.parametrize("unit", [None, 5, "", "dollars", "us", "US$", "hour"])
def test_what_is_no_currency_is_unreadable(unit: object) -> None:
    with pytest.raises(Malformed):
        currency(unit, "unit")


@pytest.mark.parametrize(
    ("base_url", "field", "unit"),
    [
        (None, None, "USD"),
        ("https://api.own.cn", None, "CNY"),
        ("https://api.own.ai/", None, "GBP"),
        ("https://proxy.example", None, "USD"),
        ("https://own.cn.proxy.example", None, "USD"),
        ("https://api.own.cn", "EUR", "EUR"),
    ],
)
async def test_the_host_may_say_the_currency(
    base_url: str | None, field: str | None, unit: str
) -> None:
    probe = Balance(SPEC, "/x", "x", unit_by_host={".cn": "CNY", ".ai": "GBP"})
    provider = Provider(SPEC, probe)
    urls = {"base_url": base_url} if base_url else {}
    account = account_of(provider, urls=urls, fields={"currency": field})
    player = Player({"status": 200, "body": {"x": 5}})
    found = await played(provider, player, Check.BALANCE, account=account)
    assert (found.balance, found.unit) == (5, unit)


# Flags, and what a probe of one's own raises

MUST = Must("can", Cause.CREDITS_EXHAUSTED, "no calls are taken")


def test_a_flag_may_overrule_the_number_and_keeps_it() -> None:
    assert read({"x": 5, "can": True}, must=(MUST,)).cause is Cause.OK
    found = read({"x": 5, "can": False}, must=(MUST,))
    assert (found.cause, found.summary) == (Cause.CREDITS_EXHAUSTED, "no calls are taken")
    assert (found.balance, found.unit) == (5, "USD")


def test_a_flag_may_have_to_be_false() -> None:
    barred = (Must("barred", Cause.CREDITS_EXHAUSTED, "barred", be=False),)
    causes = [read({"x": 5, "barred": x}, must=barred).cause for x in (False, True)]
    assert causes == [Cause.OK, Cause.CREDITS_EXHAUSTED]


def test_nothing_turned_round_is_nothing() -> None:
    assert read({"x": 0}, scale=-CENTS).summary == "0 USD"


@pytest.mark.parametrize("body", [{}, {"can": None}, {"can": 1}, {"can": "true"}, {"can": []}])
def test_a_flag_has_to_be_there_and_a_flag(body: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        sure(body, "can")


async def test_a_probe_of_ones_own_ends_at_the_first_refusal() -> None:
    first, second = Call(SPEC, "/1"), Call(SPEC, "/2/{id}")

    async def probe(ask: Ask) -> Finding:
        found = await first.body(ask)
        await second.body(ask, id=str(found["id"]))
        raise AssertionError("unreachable")

    player = Player({"status": 200, "body": {"id": 7}}, {"status": 401, "body": {}})
    found = await played(Provider(SPEC, probe), player, Check.BALANCE)
    assert found.cause is Cause.KEY_REJECTED
    assert [r.url.path for r in player.asked] == ["/1", "/2/7"]


async def test_what_is_refused_leaves_the_runner_as_its_finding_without_a_secret() -> None:
    async def probe(_: Ask) -> Finding:
        raise Refused(Finding(Cause.RATE_LIMITED, f"slow down, {KEY}", retry_after=7))

    provider = Provider(SPEC, probe)
    target = Target("acme", "own", Check.BALANCE)
    found = await run_probe(provider, Silent(), account_of(provider), target, now=NOW, timeout=5)
    assert (found.cause, found.retry_after) == (Cause.RATE_LIMITED, 7)
    assert KEY not in repr(found)


class Silent:
    """A way out that nobody may take."""

    async def send(self, request: object) -> Answer:
        raise AssertionError(request)
