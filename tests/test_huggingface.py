"""Hugging Face: what its file alone promises, beyond what was recorded."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import snapshots
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import KEY, NOW, Player, account_of, played, recordings

from monitor.answers import Malformed
from monitor.core.builtin import BUILTIN
from monitor.core.causes import CAUSES, Cause, Standing
from monitor.core.globs import matches
from monitor.core.model import Check, Finding, Quota, Reading, Target
from monitor.exporter import rows as rows_of
from monitor.http import Answer, Door, Request
from monitor.providers import _huggingface_rows as rows
from monitor.providers import huggingface, load_providers, run_probe
from monitor.providers._huggingface import read_key, read_model, read_quota
from monitor.providers._huggingface_rates import rate_quotas

HF = load_providers()["huggingface"]
UNREADABLE = "the answer is of a kind this version cannot read"  # what a stumbling parser becomes
TABLES = [*rows.TABLES.values(), rows.SPOKEN_ROWS]
MODEL = "google/gemma-3-27b-it"


def said(body: object, status: int = 200, **headers: str) -> Answer:
    """An answer of the Hub's."""
    return Answer(status, headers, json.dumps(body).encode())


# The tables


ROWS = dict.fromkeys(row for table in TABLES for row in table)


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.summary)
def test_a_row_says_in_words_what_is_wrong(row: Any) -> None:
    assert 10 < len(row.summary) < 100
    assert not row.summary.endswith(".")


@pytest.mark.parametrize("table", TABLES)
def test_410_is_never_about_quota_or_key(table: tuple[Any, ...]) -> None:
    """The mistake of incident A, which all of this exists to prevent."""
    found = {row.cause for row in table if row.status == 410}
    assert found <= {Cause.ENDPOINT_RETIRED, Cause.MODEL_RETIRED}


@pytest.mark.parametrize("table", TABLES)
def test_429_is_never_about_the_key(table: tuple[Any, ...]) -> None:
    assert {r.cause for r in table if r.status == 429} <= {Cause.RATE_LIMITED}


async def test_the_five_models_of_incident_a_come_out_right() -> None:
    found = {}
    for recording in recordings("huggingface"):
        if recording.name.startswith("incident-a"):
            answers = [
                recording.said,
                *([recording.said["then"]] if "then" in recording.said else []),
            ]
            finding = await played(HF, Player(*answers), Check.MODEL, recording.subject)
            found[recording.name.removeprefix("incident-a-")] = finding.cause
    assert found == {
        "1-sdxl": Cause.OK,
        "1-sdxl-retired": Cause.MODEL_NOT_SERVED,
        "2-sd15-gone": Cause.MODEL_MISSING,
        "2-sd15-moved": Cause.MODEL_MOVED,
        "2-sd15-moved-unserved": Cause.MODEL_NOT_SERVED,
        "3-openjourney": Cause.MODEL_NOT_SERVED,
        "4-sd14": Cause.MODEL_NOT_SERVED,
        "5-dreamlike": Cause.MODEL_NOT_SERVED,
    }


# How it asks


async def asked_for(check: Check, subject: str | None = None, **changes: Any) -> httpx.Request:
    """The request a probe sends."""
    player = Player({"status": 500, "headers": {}, "body": "no"})
    await played(HF, player, check, subject, account=account_of(HF, **changes))
    return player.asked[0]


@pytest.mark.parametrize(
    ("check", "host"),
    [
        (Check.KEY, "huggingface.co"),
        (Check.MODEL, "huggingface.co"),
        (Check.QUOTA, "huggingface.co"),
        (Check.STATUS, "status.huggingface.co"),
        (Check.INFERENCE, "router.huggingface.co"),
    ],
)
async def test_each_question_has_its_host_and_all_but_one_its_key(check: Check, host: str) -> None:
    asked = await asked_for(check, MODEL)
    sent = asked.headers.get("authorization")
    assert asked.url.host == host
    assert sent == (None if check is Check.STATUS else f"Bearer {KEY}")


async def test_each_address_can_be_set() -> None:
    urls = {
        "base_url": "http://127.0.0.1:8001",
        "router_url": "http://127.0.0.1:8002",
        "status_url": "http://127.0.0.1:8003",
    }
    for check, port, path in (
        (Check.KEY, 8001, "/api/whoami-v2"),
        (Check.MODEL, 8001, f"/api/models/{MODEL}"),
        (Check.INFERENCE, 8002, f"/hf-inference/models/{MODEL}"),
        (Check.STATUS, 8003, "/index.json"),
    ):
        asked = await asked_for(check, MODEL, urls=urls)
        assert (asked.url.port, asked.url.path) == (port, path)


async def test_a_models_name_stays_one_path() -> None:
    asked = await asked_for(Check.MODEL, "acme/a b?c#d")
    assert asked.url.path == "/api/models/acme/a b?c#d"
    assert asked.url.params.get_list("expand[]") == list(huggingface.EXPANDED)


def test_a_real_call_is_never_made_unasked() -> None:
    assert not HF.spec.checks[Check.INFERENCE].default
    assert HF.spec.checks[Check.INFERENCE].minimum == 24 * 3600
    assert all(c.default for k, c in HF.spec.checks.items() if k is not Check.INFERENCE)


def test_whoami_is_asked_seldom() -> None:
    assert HF.spec.checks[Check.KEY].interval == HF.spec.checks[Check.KEY].minimum == 1800
    assert HF.spec.checks[Check.MODEL].interval == HF.spec.checks[Check.MODEL].minimum == 600


@pytest.mark.parametrize("error", [httpx.ConnectError("no name"), httpx.ReadError("reset")])
@pytest.mark.parametrize("name", ["base_url", "router_url"])
async def test_a_host_that_no_longer_exists_is_not_taken_for_a_broken_network(
    name: str, error: Exception
) -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        raise error from socket.gaierror(socket.EAI_NONAME, "no such name")

    account = account_of(HF, urls={name: "https://api-inference.huggingface.co"})
    check = Check.MODEL if name == "base_url" else Check.INFERENCE
    target = Target("acme", "huggingface", check, MODEL)
    door = Door(transport=lambda _: httpx.MockTransport(handler))
    found = await run_probe(HF, door, account, target, now=NOW, timeout=5)
    assert found.cause is Cause.ENDPOINT_RETIRED


# The token


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"ratelimit": '"api";r=0;t=241'}, 241),
        ({"ratelimit": '"api";r=5;t=10, "pages";r=0;t=90'}, 90),
        ({"ratelimit": '"api";r=10;t=241'}, 300),
        ({"ratelimit": '"api";r=10;t=241', "retry-after": "60"}, 60),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 300),
        ({"retry-after": "99999999"}, 3600),
        ({"ratelimit": '"api";r=0;t=999999'}, 3600),
        ({}, 300),
    ],
)
async def test_a_rate_limit_says_how_long_to_stay_away(
    headers: dict[str, str], seconds: float
) -> None:
    player = Player({"status": 429, "headers": headers, "body": {"error": "We had to rate limit"}})
    found = await played(HF, player, Check.KEY)
    assert (found.cause, found.retry_after) == (Cause.RATE_LIMITED, seconds)


@pytest.mark.parametrize(
    "body",
    [
        {"type": "user", "auth": {"type": "access_token", "accessToken": "x"}},
        {"type": "user", "auth": [1]},
        {"auth": {"accessToken": {"role": "read"}}},
        {"type": 7},
    ],
)
async def test_a_whoami_of_another_shape_is_malformed(body: object) -> None:
    found = await played(HF, Player({"status": 200, "headers": {}, "body": body}), Check.KEY)
    assert found.cause is Cause.ANSWER_MALFORMED


def test_a_token_expires_at_the_very_moment() -> None:
    body = {"type": "user", "auth": {"expiresAt": "2026-11-20T10:31:28Z"}}
    assert read_key(said(body), NOW).cause is Cause.KEY_EXPIRED


@pytest.mark.parametrize(
    "at", ["soon", 5, None, "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00"]
)
def test_an_expiry_that_is_no_time_claims_nothing(at: object) -> None:
    found = read_key(said({"type": "user", "auth": {"expiresAt": at}}), NOW)
    assert (found.cause, found.facts) == (Cause.OK, {})


# The models


def mapped(*statuses: str) -> dict[str, object]:
    """A model with one provider per status."""
    entries = {f"p{i}": {"status": s} for i, s in enumerate(statuses)}
    return {"id": MODEL, "inferenceProviderMapping": entries}


@pytest.mark.parametrize(
    ("statuses", "cause"),
    [
        ("live", Cause.OK),
        ("error live staging", Cause.OK),
        ("error", Cause.MODEL_DEGRADED),
        ("error staging", Cause.MODEL_DEGRADED),
        ("staging", Cause.MODEL_NOT_SERVED),
        ("paused live", Cause.OK),
        ("paused error", Cause.MODEL_DEGRADED),
        ("", Cause.MODEL_NOT_SERVED),
    ],
)
def test_a_mapping_says_who_serves(statuses: str, cause: Cause) -> None:
    assert read_model(said(mapped(*statuses.split())), MODEL).cause is cause


@pytest.mark.parametrize("statuses", ["paused", "staging paused"])
def test_a_status_nobody_documents_says_neither_served_nor_not(statuses: str) -> None:
    with pytest.raises(Malformed, match="status that nobody documents"):
        read_model(said(mapped(*statuses.split())), MODEL)


@pytest.mark.parametrize(
    "mapping", ["warm", 3, True, {"p": None}, {"p": {}}, [3], [{"status": "live"}]]
)
async def test_a_mapping_of_another_shape_is_malformed(mapping: object) -> None:
    body = {"id": MODEL, "inferenceProviderMapping": mapping}
    player = Player({"status": 200, "headers": {}, "body": body})
    assert (await played(HF, player, Check.MODEL, MODEL)).cause is Cause.ANSWER_MALFORMED


def test_gated_metadata_alone_closes_nothing() -> None:
    body = {**mapped("live"), "gated": "manual"}
    assert read_model(said(body), MODEL).cause is Cause.OK


def test_a_moved_model_that_says_nothing_of_providers_is_moved() -> None:
    found = read_model(said({"id": "acme/new"}), MODEL)
    assert (found.cause, found.facts) == (Cause.MODEL_MOVED, {"moved_to": "acme/new"})


# The allowance


@pytest.mark.parametrize(
    ("now", "begin", "end"),
    [
        (datetime(2026, 11, 20, 10, 31, 28, tzinfo=UTC), 1793491200, 1795170688),
        (datetime(2026, 11, 1, tzinfo=UTC), 1793491200, 1793491201),
    ],
)
async def test_usage_is_asked_for_this_month(now: datetime, begin: int, end: int) -> None:
    player = Player({"status": 500, "headers": {}, "body": "no"})
    door = Door(transport=lambda _: httpx.MockTransport(player))
    target = Target("acme", "huggingface", Check.QUOTA)
    await run_probe(HF, door, account_of(HF), target, now=now, timeout=5)
    query = dict(player.asked[0].url.params)
    assert query == {"startDate": str(begin), "endDate": str(end)}


@pytest.mark.parametrize(
    ("now", "resets"),
    [
        (datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)),
        (datetime(2026, 12, 31, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("ends", [None, "2025-01-01T00:00:00Z", "never", 5])
def test_an_allowance_begins_anew_with_the_month(
    now: datetime, resets: datetime, ends: object
) -> None:
    usage = {"usedNanoUsd": 1, "limitNanoUsd": 5, "periodEnd": ends}
    found = read_quota(said({"usage": {"inferenceProviders": usage}}), now)
    assert found.quotas[0].resets_at == resets


@pytest.mark.parametrize(
    ("used", "limit", "included", "cause"),
    [
        (99, 100, 100, Cause.OK),
        (100, 100, 50, Cause.QUOTA_EXHAUSTED),
        (60, 100, 50, Cause.OK),
        (60, 0, 50, Cause.OK),
        (60, None, None, Cause.OK),
        (60, 0, 0, Cause.OK),
    ],
)
def test_an_allowance_ends_at_its_limit(
    used: int, limit: int | None, included: int | None, cause: Cause
) -> None:
    usage = {"usedNanoUsd": used, "limitNanoUsd": limit, "includedNanoUsd": included}
    found = read_quota(said({"usage": {"inferenceProviders": usage}}), NOW)
    assert found.cause is cause
    assert found.quotas[0].used == Decimal(used) / 10**9


@pytest.mark.parametrize("limit", [[], "", False, {}, "0", [0]])
@pytest.mark.parametrize("name", ["limitNanoUsd", "includedNanoUsd"])
async def test_a_limit_that_is_no_number_is_not_taken_for_none(name: str, limit: object) -> None:
    usage = {"usedNanoUsd": 5, "limitNanoUsd": 9, "includedNanoUsd": 9} | {name: limit}
    body = {"usage": {"inferenceProviders": usage}}
    found = await played(HF, Player({"status": 200, "headers": {}, "body": body}), Check.QUOTA)
    assert (found.cause, found.quotas) == (Cause.ANSWER_MALFORMED, ())


# A 402, looked at twice

DEPLETED = {"status": 402, "headers": {}, "body": {"error": "You have depleted your credits."}}
MILLION = 10**6  # nano-USD: 0.001 USD


@pytest.mark.parametrize(
    ("used", "limit", "included", "cause"),
    [
        (40, 100, 100, Cause.RATE_LIMITED),  # 0.06 USD are left
        (90, 100, 100, Cause.RATE_LIMITED),  # 0.01: one call more
        (91, 100, 100, Cause.CREDITS_EXHAUSTED),  # less than a call books
        (100, 100, 100, Cause.CREDITS_EXHAUSTED),
        (140, 100, 100, Cause.CREDITS_EXHAUSTED),
        (140, 900, 100, Cause.CREDITS_EXHAUSTED),  # a higher limit is no money
        (40, 45, 100, Cause.CREDITS_EXHAUSTED),  # the limit comes before the included ones
        (40, None, 100, Cause.RATE_LIMITED),
        (40, None, None, Cause.CREDITS_EXHAUSTED),  # nothing is included: bought credits
        (40, 100, None, Cause.CREDITS_EXHAUSTED),
    ],
)
async def test_a_402_is_believed_unless_the_account_says_that_credits_are_left(
    used: int, limit: int | None, included: int | None, cause: Cause
) -> None:
    said = {"usedNanoUsd": used, "limitNanoUsd": limit, "includedNanoUsd": included}
    usage = {name: n and n * MILLION for name, n in said.items()}
    body = {"usage": {"inferenceProviders": usage}}
    player = Player(DEPLETED, {"status": 200, "headers": {}, "body": body})
    found = await played(HF, player, Check.INFERENCE, MODEL)
    assert found.cause is cause
    assert found.retry_after == (600 if cause is Cause.RATE_LIMITED else None)
    assert [r.url.host for r in player.asked] == ["router.huggingface.co", "huggingface.co"]


@pytest.mark.parametrize("status", [200, 401, 403, 404, 429, 500])
async def test_where_the_account_does_not_say_the_routers_402_stands(status: int) -> None:
    player = Player(DEPLETED, {"status": status, "headers": {}, "body": {"error": "no"}})
    found = await played(HF, player, Check.INFERENCE, MODEL)
    assert found.cause is Cause.CREDITS_EXHAUSTED
    assert "usage does not say" in found.summary


async def test_a_usage_that_hangs_does_not_lose_the_routers_402() -> None:
    class Hanging:
        async def send(self, request: Request) -> Answer:
            if request.method == "POST":
                return Answer(402, {}, b'{"error": "depleted"}')
            raise TimeoutError  # what the second look's own limit becomes

    target = Target("acme", "huggingface", Check.INFERENCE, MODEL)
    found = await run_probe(HF, Hanging(), account_of(HF), target, now=NOW, timeout=15)
    assert found.cause is Cause.CREDITS_EXHAUSTED


async def test_a_402_about_a_limit_that_was_set_is_no_empty_account() -> None:
    body = {"error": "Your organization has exceeded your spending limit"}
    player = Player({"status": 402, "headers": {}, "body": body})
    assert (await played(HF, player, Check.INFERENCE, MODEL)).cause is Cause.QUOTA_EXHAUSTED
    assert len(player.asked) == 1


# What headers say

POLICY = '"fixed window";"api";q=500;w=300'


@pytest.mark.parametrize(
    ("left", "policy", "quotas"),
    [
        ('"api";r=489;t=189', POLICY, [("api requests", 11, 500, 189)]),
        ('"api";r=0;t=1', POLICY, [("api requests", 500, 500, 1)]),
        ('"api";r=500;t=300', POLICY, [("api requests", 0, 500, 300)]),
        ('"api";r=489;t=999999', POLICY, [("api requests", 11, 500, 3600)]),
        ('"api" ; r = 489 ; t = 189', POLICY, [("api requests", 11, 500, 189)]),
        ('"api";r=4;t=5, "pages";r=1;t=6', '"a";"api";q=5;w=9, "b";"pages";q=3;w=9',
         [("api requests", 1, 5, 5), ("pages requests", 2, 3, 6)]),
        ('"api";r=1;t=5, "api";r=2;t=6', POLICY, [("api requests", 498, 500, 6)]),  # one series
        ('"api";r=501;t=189', POLICY, []),  # more is left than there is
        ('"api";r=489;t=189', "", []),
        ("", POLICY, []),
        ('"secret-name";r=1;t=1', '"w";"secret-name";q=5;w=9', []),
        ('"acme";r=1;t=1', '"w";"acme";q=5;w=9', []),  # a name nobody documents makes no series
        ('"api";r=-1;t=1', POLICY, []),
        ('"api";r=\u0664;t=1', POLICY, []),
    ],
)  # fmt: skip
def test_the_rate_limits_are_a_quota(
    left: str, policy: str, quotas: list[tuple[str, int, int, int]]
) -> None:
    found = rate_quotas(Answer(200, {"ratelimit": left, "ratelimit-policy": policy}, b""), NOW)
    assert found == tuple(
        Quota(name, Decimal(used), Decimal(limit), "requests", NOW + timedelta(seconds=seconds))
        for name, used, limit, seconds in quotas
    )


async def test_the_rate_limits_are_the_keys_and_one_requests() -> None:
    """Of one target only: models would tell the same series again and again."""
    headers = {"ratelimit": '"api";r=1;t=189', "ratelimit-policy": POLICY}
    for check in HF.spec.checks:
        if check is not Check.STATUS:
            (one,) = [r for r in recordings("huggingface") if r.name == GOOD[check]]
            player = Player({**one.said, "headers": {**one.said["headers"], **headers}})
            found = await played(HF, player, check, one.subject)
            assert len(player.asked) == 1
            told = [q.quota for q in found.quotas if q.unit == "requests"]
            assert told == (["api requests"] if check is Check.KEY else [])


GOOD = {Check.KEY: "key-write", Check.MODEL: "model-served", Check.QUOTA: "quota-free",
        Check.INFERENCE: "inference-text"}  # fmt: skip


def test_a_window_that_is_nearly_used_up_harms_nobody() -> None:
    measured = [r for r in BUILTIN if r.name in ("quota-high", "quota-critical")]
    assert len(measured) == 2
    assert not any(matches(rule.on, "huggingface/key") for rule in measured)


def test_the_rate_limits_are_exported() -> None:
    quota = Quota("api requests", Decimal(11), Decimal(500), "requests", NOW)
    owner = snapshots.account("huggingface", provider="huggingface")
    reading = Reading("huggingface/key", NOW, 0.1, Finding(Cause.OK, "fine", quotas=(quota,)))
    view = snapshots.view(owner, "key", reading=reading, quotas=(quota,))
    shown = snapshots.snapshot(snapshots.settings(owner), (view,))
    labels = ("huggingface", "huggingface", "api requests", "requests")
    found = {(name, values): n for name, values, n in rows_of(shown)}
    assert found["monitor_quota_used", labels] == 11
    assert found["monitor_quota_limit", labels] == 500
    assert found["monitor_quota_reset_timestamp_seconds", labels] == NOW.timestamp()


# All ways to say 401

FORMS: Mapping[str, Callable[[str], object]] = {
    "text": lambda x: {"error": x},
    "list": lambda x: {"error": [x]},
    "object": lambda x: {"error": {"message": x, "type": "t", "param": None, "code": None}},
    "described": lambda x: {"error": "invalid_token", "error_description": x},
    "errors": lambda x: {"errors": [{"message": x}]},
    "message": lambda x: {"message": x},
    "detail": lambda x: {"detail": x},
}
WORDINGS = {
    "Invalid credentials in Authorization header": Cause.KEY_REJECTED,
    "Invalid username or password.": Cause.KEY_REJECTED,
    'User Access Token "prod-website" is expired': Cause.KEY_EXPIRED,
    "": Cause.KEY_REJECTED,
}
TOLD = [c for c in HF.spec.checks if c is not Check.STATUS]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("check", TOLD)
async def test_every_wording_of_401_is_about_the_key(check: Check, form: str) -> None:
    for words, cause in WORDINGS.items():
        for headers, body in (({}, FORMS[form](words)), ({"x-error-message": words}, "")):
            player = Player({"status": 401, "headers": headers, "body": body})
            found = await played(HF, player, check, MODEL)
            assert found.cause is cause
            assert "prod-website" not in repr(found)


# Anything at all

KEYS = (
    "id", "type", "name", "auth", "accessToken", "role", "fineGrained", "global", "scoped",
    "permissions", "expiresAt", "error", "disabled", "inference", "inferenceProviderMapping",
    "status", "provider", "usage", "inferenceProviders", "usedNanoUsd", "limitNanoUsd", "data",
    "attributes", "aggregate_state", "included", "title", "periodEnd",
)  # fmt: skip
WORDS = st.sampled_from(
    ["live", "error", "warm", "fineGrained", "user", "operational", "status_report", MODEL]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
    ),
    max_leaves=25,
)
CHECKS = st.sampled_from(sorted(HF.spec.checks))


async def anything(body: str, status: int, check: Check) -> Finding:
    """Whatever comes: a finding, and of our own making."""
    player = Player({"status": status, "headers": {}, "body": body})
    found = await played(HF, player, check, MODEL)
    assert found.summary
    assert found.summary != UNREADABLE
    " ".join([found.summary, found.evidence, *found.facts.values()]).encode()
    if not 200 <= status < 300:
        unread = CAUSES[found.cause].standing is not Standing.USABLE
        assert unread or check is Check.INFERENCE
    return found


@settings(max_examples=300, deadline=None)
@given(body=JSON, status=st.sampled_from([200, 200, 200, 401, 403, 404, 410, 503]), check=CHECKS)
async def test_any_json_becomes_a_finding(body: object, status: int, check: Check) -> None:
    await anything(json.dumps(body), status, check)


@settings(max_examples=150, deadline=None)
@given(body=st.binary(max_size=200), status=st.integers(200, 599), check=CHECKS)
async def test_any_bytes_become_a_finding(body: bytes, status: int, check: Check) -> None:
    await anything(body.decode("latin-1"), status, check)
