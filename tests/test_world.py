"""The simulated world answers as the real one does, and is as bad as it when told to be."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from monitor.clock import SteppedClock
from monitor.demo import hub
from monitor.demo.faults import Fault
from monitor.demo.kie import ANSWERS, ODD, PRICES
from monitor.demo.world import World

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
MODEL = "stabilityai/stable-diffusion-3-medium-diffusers"
EXPAND = "?expand[]=inference&expand[]=inferenceProviderMapping&expand[]=gated&expand[]=disabled"
CREDIT = "/api/v1/chat/credit"
WHOAMI = "/api/whoami-v2"
USAGE = "/api/settings/billing/usage-v2?startDate=1793491200&endDate=1795132800"
SOON = 5.0  # seconds within which anything on loopback has happened


@dataclass
class Got:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body, parse_float=Decimal)


@pytest.fixture
async def clock() -> SteppedClock:
    return SteppedClock(NOW)


@pytest.fixture
async def world(clock: SteppedClock) -> AsyncIterator[World]:
    async with World(now=clock.now) as made:
        yield made
        assert made.strayed == []
    assert not [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]


async def ask(
    url: str,
    path: str,
    key: str | None = None,
    *,
    method: str = "GET",
    body: bytes = b"",
    **more: str,
) -> Got:
    """One request on a connection of its own; ConnectionError where it ends too soon."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        return await _ask(reader, writer, path, key, method, body, more)
    finally:
        writer.close()


async def _ask(reader, writer, path, key, method, body, more) -> Got:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}"]
    lines += [f"Authorization: Bearer {key}"] if key is not None else []
    lines += [f"{name}: {value}" for name, value in more.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *rest = head.strip().split("\r\n")
    headers = {n.lower(): v for n, v in (line.split(": ", 1) for line in rest)}
    length = int(headers["content-length"])
    return Got(int(first.split()[1]), headers, await reader.readexactly(length))


async def credit(world: World, **more: str) -> Got:
    return await ask(world.kie_url, CREDIT, world.kie.key, **more)


async def of_hub(world: World, path: str, key: str | None = "hf_demo-key") -> Got:
    return await ask(world.huggingface_url, path, key)


async def infer(world: World, model: str = MODEL, key: str | None = "hf_demo-key") -> Got:
    path = f"/hf-inference/models/{model}"
    return await ask(world.router_url, path, key, method="POST", body=b'{"inputs": "tea"}')


# -- KIE ----------------------------------------------------------------------------------------


async def test_kie_tells_a_fractional_balance_and_sets_a_cookie(world: World) -> None:
    world.kie.balance = Decimal("5916.25")
    got = await credit(world)
    assert got.status == 200
    assert got.body == b'{"code":200,"msg":"success","data":5916.25}'
    assert got.headers["content-type"] == "application/json;charset=UTF-8"
    assert got.headers["set-cookie"].startswith("JSESSIONID=")
    assert "retry-after" not in got.headers


@pytest.mark.parametrize("key", [None, "", "kie-other-key", "hf_demo-key"])
async def test_kie_refuses_a_wrong_key_with_http_200(world: World, key: str | None) -> None:
    got = await ask(world.kie_url, CREDIT, key)
    assert (got.status, got.json["code"]) == (200, 401)


@pytest.mark.parametrize("name", ANSWERS)
async def test_kie_is_in_any_documented_state(world: World, name: str) -> None:
    world.kie.answer = name
    got = await credit(world)
    status, code, words = ANSWERS[name]
    assert (got.status, got.json["code"], got.json["msg"]) == (status, code, words)


async def test_an_unknown_state_is_refused(world: World) -> None:
    for set_state in (
        lambda: setattr(world.kie, "answer", "bananas"),
        lambda: setattr(world.kie, "fault", "bananas"),
        lambda: world.huggingface.set_model(MODEL, "bananas"),
    ):
        with pytest.raises(ValueError, match="bananas"):
            set_state()


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        ("ok", 200, b'{"code":200,"msg":"success","data":7}'),
        ("code-as-text", 200, b'{"code":"200","msg":"success","data":7}'),
        ("code-missing", 200, b'{"data":7}'),
        ("balance-as-text", 200, b'{"code":200,"msg":"success","data":"7"}'),
        ("forbidden-403", 403, b"Forbidden"),
    ],
)
async def test_kie_answers_oddly_when_told_to(
    world: World, name: str, status: int, body: bytes
) -> None:
    assert name in ODD
    world.kie.answer, world.kie.balance = name, Decimal(7)
    got = await credit(world)
    assert (got.status, got.body) == (status, body)


async def test_a_drain_is_seen_and_stops_before_a_job_that_cannot_be_paid(world: World) -> None:
    world.kie.balance = Decimal(300)
    assert world.kie.spend("sora-2-pro-720p-15s")
    assert world.kie.spend(100.25)
    assert not world.kie.spend("sora-2-pro-720p-15s")
    assert (await credit(world)).json["data"] == Decimal("64.75")
    world.kie.refund("sora-2-pro-720p-15s")
    world.kie.top_up(1000)
    assert (await credit(world)).json["data"] == Decimal("1199.75")
    assert (world.kie.spent, world.kie.refunded, world.kie.topped_up) == (
        Decimal("235.25"),
        135,
        1000,
    )


async def test_a_customers_order_costs_its_price_until_the_credits_are_gone(world: World) -> None:
    world.kie.balance = Decimal(PRICES["sora-2-720p-10s"])
    order = json.dumps({"model": "sora-2-720p-10s", "input": {}}).encode()

    async def create() -> dict:
        path = "/api/v1/jobs/createTask"
        return (await ask(world.kie_url, path, world.kie.key, method="POST", body=order)).json

    assert (await create())["data"]["taskId"]
    assert (await create())["code"] == 402
    assert world.kie.balance == 0
    assert world.kie.requests == {"job": 2}


async def test_a_key_in_the_wrong_place_and_a_returned_cookie_are_noticed(world: World) -> None:
    key = world.kie.key
    await credit(world)
    assert world.kie.wrong == []
    await ask(world.kie_url, f"{CREDIT}?key={key}", key, Cookie="JSESSIONID=1")
    await ask(world.kie_url, CREDIT, None, **{"X-Api-Key": key})
    await ask(world.status_url, "/index.json", "hf_demo-key")
    assert world.kie.wrong == [
        "balance: the key is in the address",
        "balance: a cookie came back",
        "balance: the key is in the header x-api-key",
    ]
    assert world.huggingface.wrong == ["status: the status page was sent credentials"]


# -- Hugging Face: the token --------------------------------------------------------------------


async def test_whoami_knows_the_token_and_the_address_that_must_go_nowhere(world: World) -> None:
    got = await of_hub(world, WHOAMI)
    assert got.json["auth"]["accessToken"]["role"] == "read"
    assert "@" in got.json["email"]
    assert got.headers["ratelimit"].startswith('"api";r=')
    assert got.headers["ratelimit-policy"] == '"fixed window";"api";q=1000;w=300'


@pytest.mark.parametrize("state", hub.REFUSED_TOKENS)
@pytest.mark.parametrize("path", [WHOAMI, f"/api/models/{MODEL}", USAGE])
async def test_a_refused_token_is_refused_everywhere(world: World, state: str, path: str) -> None:
    world.huggingface.token = state
    got = await of_hub(world, path)
    assert (got.status, got.json["error"]) == hub.REFUSED_TOKENS[state]
    assert got.headers["x-error-message"] == got.json["error"]
    assert (await infer(world)).status == got.status


async def test_a_wrong_token_and_none_are_told_apart(world: World) -> None:
    wrong, none = await of_hub(world, WHOAMI, "hf_other"), await of_hub(world, WHOAMI, None)
    assert (wrong.status, wrong.json["error"]) == (401, hub.INVALID)
    assert (none.status, none.json["error"]) == (401, hub.ANONYMOUS)
    assert (await of_hub(world, f"/api/models/{MODEL}", None)).status == 200
    assert (await of_hub(world, f"/api/models/{MODEL}", "hf_other")).status == 401
    gone = "/api/models/runwayml/stable-diffusion-v1-5"
    assert (await of_hub(world, gone, None)).status == 401
    assert (await of_hub(world, gone)).status == 404


@pytest.mark.parametrize(
    ("state", "infers", "billing"),
    [("fine-grained", 200, 200), ("no-inference", 403, 200), ("no-billing", 200, 403)],
)
async def test_a_fine_grained_token_may_what_it_says(
    world: World, state: str, infers: int, billing: int
) -> None:
    world.huggingface.token = state
    fine = (await of_hub(world, WHOAMI)).json["auth"]["accessToken"]["fineGrained"]
    rights = {*fine["global"], *fine["scoped"][0]["permissions"]}
    assert ("inference.serverless.write" in rights) == (infers == 200)
    assert ("user.billing.read" in rights) == (billing == 200)
    assert (await infer(world)).status == infers
    assert (await of_hub(world, USAGE)).status == billing


async def test_whoami_is_limited_by_itself_and_its_header_blames_nobody(
    world: World, clock: SteppedClock
) -> None:
    world.huggingface.whoami_limit = 2
    assert [(await of_hub(world, WHOAMI)).status for _ in range(4)] == [200, 200, 429, 429]
    refused = await of_hub(world, WHOAMI)
    assert refused.headers["ratelimit"] == '"api";r=794;t=241'
    assert (await of_hub(world, f"/api/models/{MODEL}")).status == 200
    clock.step(301)
    assert (await of_hub(world, WHOAMI)).status == 200


async def test_the_whole_hub_can_be_limited_and_its_edge_speak_with_http_200(world: World) -> None:
    world.huggingface.rate_limited = True
    got = await of_hub(world, f"/api/models/{MODEL}")
    assert (got.status, got.headers["ratelimit"]) == (429, '"api";r=0;t=241')
    world.huggingface.rate_limited = False
    world.huggingface.edge_error = "We had to rate limit your IP (192.0.2.4)."
    got = await of_hub(world, f"/api/models/{MODEL}")
    assert (got.status, list(got.json)) == (200, ["error"])


# -- Hugging Face: models, quota, status --------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "mapping", "warm"),
    [
        ("live", {"hf-inference": "live"}, True),
        ("error", {"hf-inference": "error"}, True),
        ("staging", {"hf-inference": "staging"}, False),
        ("none", {}, False),
        ("retired", {}, False),
        ("absent", None, False),
    ],
)
async def test_a_models_mapping_follows_its_state(
    world: World, state: str, mapping: dict | None, warm: bool
) -> None:
    world.huggingface.set_model(MODEL, state)
    got = (await of_hub(world, f"/api/models/{MODEL}{EXPAND}")).json
    said = got.get("inferenceProviderMapping")
    assert (None if said is None else {p: m["status"] for p, m in said.items()}) == mapping
    assert got.get("inference") == ("warm" if warm else None)
    assert set(got) <= {"_id", "id", "inference", "inferenceProviderMapping", "gated", "disabled"}


async def test_a_mapping_may_be_a_list(world: World) -> None:
    world.huggingface.set_model(MODEL, "live-as-list")
    (entry,) = (await of_hub(world, f"/api/models/{MODEL}{EXPAND}")).json[
        "inferenceProviderMapping"
    ]
    assert (entry["provider"], entry["status"]) == ("hf-inference", "live")


async def test_a_renamed_model_leads_to_its_new_name(world: World) -> None:
    world.huggingface.set_model(MODEL, "moved", moved_to="new-org/new-name")
    got = await of_hub(world, f"/api/models/{MODEL}{EXPAND}")
    assert (got.status, got.headers["location"]) == (307, "/api/models/new-org/new-name")
    assert (await of_hub(world, got.headers["location"])).json["id"] == "new-org/new-name"


@pytest.mark.parametrize(
    ("state", "status", "code"),
    [("missing", 404, "RepoNotFound"), ("gated-no-access", 403, "GatedRepo"), ("gated", 200, "")],
)
async def test_a_model_that_cannot_be_had_says_why_in_a_header(
    world: World, state: str, status: int, code: str
) -> None:
    world.huggingface.set_model(MODEL, state)
    got = await of_hub(world, f"/api/models/{MODEL}{EXPAND}")
    assert (got.status, got.headers.get("x-error-code", "")) == (status, code)


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [
        ("retired", 410, "deprecated and no longer supported by provider hf-inference"),
        ("none", 400, "Model not supported by provider hf-inference"),
        ("loading", 503, "is currently loading"),
    ],
)
async def test_the_router_says_what_is_wrong_with_a_model(
    world: World, state: str, status: int, words: str
) -> None:
    world.huggingface.set_model(MODEL, state)
    got = await infer(world)
    assert got.status == status
    assert words in got.json["error"]


async def test_inference_uses_up_the_allowance_until_the_router_wants_money(world: World) -> None:
    face = world.huggingface
    face.used = face.limit - Decimal("0.0012")
    picture = await infer(world)
    assert picture.headers["content-type"] == "image/jpeg"
    depleted = await infer(world)
    assert depleted.status == 402
    assert "depleted your monthly included credits" in depleted.json["error"]
    used = (await of_hub(world, USAGE)).json["usage"]["inferenceProviders"]
    assert used["usedNanoUsd"] == used["limitNanoUsd"] == 100_000_000
    assert (used["periodStart"], used["periodEnd"]) == (
        "2026-11-01T00:00:00Z",
        "2026-12-01T00:00:00Z",
    )


@pytest.mark.parametrize(
    "query", ["", "?startDate=5&endDate=5", "?startDate=2026-11-01&endDate=9"]
)
async def test_usage_wants_a_period_in_seconds(world: World, query: str) -> None:
    path = USAGE.partition("?")[0]
    assert (await of_hub(world, path + query)).status == 400


@pytest.mark.parametrize("state", hub.PAGE_STATES)
async def test_the_status_page_names_its_state_and_keeps_old_reports(
    world: World, state: str
) -> None:
    world.huggingface.page = state
    got = (await ask(world.status_url, "/index.json")).json
    assert got["data"]["attributes"]["aggregate_state"] == state
    reports = [r["attributes"] for r in got["included"] if r["type"] == "status_report"]
    assert reports[0]["aggregate_state"] == "resolved"
    assert [r["ends_at"] for r in reports] == [None] * len(reports)
    assert len(reports) == (1 if state == "operational" else 2)
    assert (await ask(world.status_url, "/api/v2/summary.json")).status == 301


# -- faults -------------------------------------------------------------------------------------


async def test_a_refusing_origin_listens_again_on_the_same_port(world: World) -> None:
    before = world.kie_url
    world.kie.fault = "refused"
    with pytest.raises(ConnectionRefusedError):
        await credit(world)
    world.kie.fault = None
    assert (await credit(world)).status == 200
    assert world.kie_url == before


async def test_refusing_breaks_connections_that_are_open(world: World) -> None:
    world.kie.fault = "hang"
    waiting = asyncio.ensure_future(credit(world))
    await asyncio.wait_for(world.kie.asked.wait(), SOON)
    world.kie.fault = "refused"
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(waiting, SOON)


async def test_one_route_may_fail_while_the_others_work(world: World) -> None:
    faults = world.huggingface.faults
    faults[f"model/{MODEL}"] = "html"
    faults["inference"] = "refused"
    assert (await of_hub(world, f"/api/models/{MODEL}")).headers["content-type"].startswith("text")
    assert (await of_hub(world, "/api/models/black-forest-labs/FLUX.1-schnell")).json["id"]
    assert (await of_hub(world, WHOAMI)).status == 200
    with pytest.raises(ConnectionRefusedError):
        await infer(world)
    faults.clear()
    assert (await infer(world)).status == 200


async def test_the_status_page_outlives_its_subject(world: World) -> None:
    world.huggingface.fault = "refused"
    with pytest.raises(ConnectionRefusedError):
        await of_hub(world, WHOAMI)
    assert (await ask(world.status_url, "/index.json")).status == 200
    world.huggingface.faults["status"] = "refused"
    with pytest.raises(ConnectionRefusedError):
        await ask(world.status_url, "/index.json")


@pytest.mark.parametrize("fault", ["reset", "half-body"])
async def test_a_broken_answer_ends_too_soon(world: World, fault: str) -> None:
    world.kie.fault = fault
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await credit(world)


async def test_a_hanging_answer_never_comes(world: World) -> None:
    world.kie.fault = "hang"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(credit(world), 0.05)


async def test_a_dripping_answer_comes_byte_by_byte(world: World) -> None:
    world.kie.fault = "drip"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(credit(world), 0.05)
    world.drip = 0.0
    assert (await asyncio.wait_for(credit(world), SOON)).json["code"] == 200


async def test_a_gigabyte_goes_on_as_long_as_somebody_reads(world: World) -> None:
    world.kie.fault = "gigabyte"
    host, port = world.kie_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {CREDIT} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert b"content-length" not in (await reader.readuntil(b"\r\n\r\n")).lower()
    await reader.readexactly(4 << 20)
    writer.close()


async def test_a_bomb_is_small_on_the_wire(world: World) -> None:
    world.kie.fault = "gzip-bomb"
    got = await credit(world)
    assert got.headers["content-encoding"] == "gzip"
    assert len(got.body) < 64 * 1024
    assert len(gzip.decompress(got.body)) == 32 << 20


async def test_a_redirect_leads_elsewhere_and_who_follows_is_seen(clock: SteppedClock) -> None:
    async with World(now=clock.now) as world:
        for fault, status in (("redirect-elsewhere", 302), ("redirect-for-good", 308)):
            world.kie.fault = fault
            got = await credit(world)
            assert got.status == status
            assert not got.headers["location"].startswith(world.kie_url)
        assert world.strayed == []
        elsewhere, _, path = got.headers["location"].rpartition("/")
        await ask(elsewhere, f"/{path}", "kie-demo-key")
        assert [a.headers["authorization"] for a in world.strayed] == ["Bearer kie-demo-key"]


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        ("NaN", b'{"code": 200, "msg": "success", "data": NaN}'),
        ("1e999", b'{"code": 200, "msg": "success", "data": 1e999}'),
        ("bool", b'{"code": 200, "msg": "success", "data": true}'),
        ("null", b'{"code": 200, "msg": "success", "data": null}'),
        ("object", b'{"code": 200, "msg": "success", "data": {"nested": 1}}'),
        ("missing-member", b'{"code": 200, "msg": "success"}'),
        ("empty", b""),
        ("not-json", b'{"code":200,"msg":"success","data":12480.25,'),
    ],
)
async def test_words_are_spoilt_where_it_hurts(world: World, fault: str, body: bytes) -> None:
    world.kie.fault = fault
    got = await credit(world)
    assert (got.status, got.body) == (200, body)


@pytest.mark.parametrize("fault", [f for f in Fault if not f.on_the_wire])
@pytest.mark.parametrize("path", [WHOAMI, f"/api/models/{MODEL}{EXPAND}", USAGE])
async def test_every_answer_can_be_spoilt(world: World, fault: Fault, path: str) -> None:
    good = await of_hub(world, path)
    world.huggingface.fault = fault
    bad = await of_hub(world, path)
    assert (bad.status, bad.body) != (good.status, good.body)


# -- the world itself ---------------------------------------------------------------------------


async def test_a_connection_serves_many_requests(world: World) -> None:
    host, port = world.kie_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for _ in range(3):
        got = await _ask(reader, writer, CREDIT, world.kie.key, "GET", b"", {})
        assert got.json["code"] == 200
    writer.close()
    assert world.kie.requests["balance"] == 3


async def test_leaving_ends_whatever_still_hangs(clock: SteppedClock) -> None:
    async with World(now=clock.now) as world:
        world.kie.fault = "hang"
        waiting = asyncio.ensure_future(credit(world))
        await asyncio.wait_for(world.kie.asked.wait(), SOON)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(waiting, SOON)


async def test_nonsense_on_the_wire_disturbs_nobody(world: World) -> None:
    host, port = world.kie_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
    assert await asyncio.wait_for(reader.read(), SOON) == b""
    writer.close()
    assert (await credit(world)).status == 200


async def test_two_worlds_stand_side_by_side_and_a_taken_port_is_said(
    clock: SteppedClock, world: World
) -> None:
    async with World(now=clock.now) as other:
        assert other.kie_url != world.kie_url
    taken = int(world.kie_url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        await World(now=clock.now, kie_port=taken).__aenter__()
