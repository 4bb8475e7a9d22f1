"""The real probes, through the real door, name the cause of every state of the simulated world."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from monitor.core.causes import Cause
from monitor.core.model import Check, Finding, Target
from monitor.core.secret import Secret
from monitor.core.settings import Account
from monitor.demo import hub
from monitor.demo.kie import ANSWERS, ODD
from monitor.demo.world import World
from monitor.http import Door
from monitor.providers import load_providers, run_probe

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
MODEL = "stabilityai/stable-diffusion-3-medium-diffusers"
PROVIDERS = load_providers()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(now=lambda: NOW) as made:
        yield made
        assert (made.kie.wrong, made.huggingface.wrong, made.strayed) == ([], [], [])


async def probe(world: World, check: Check, subject: str | None = None, **more: float) -> Finding:
    name = "kie" if check is Check.BALANCE else "huggingface"
    vendor = world.kie if name == "kie" else world.huggingface
    urls = {
        "kie": {"base_url": world.kie_url},
        "huggingface": {
            "base_url": world.huggingface_url,
            "router_url": world.router_url,
            "status_url": world.status_url,
        },
    }[name]
    account = Account(name, name, Secret(vendor.key), (), urls=urls)
    target, door = Target(name, name, check, subject), Door()
    try:
        timeout = more.get("timeout", 5.0)
        return await run_probe(PROVIDERS[name], door, account, target, now=NOW, timeout=timeout)
    finally:
        await door.aclose()


KIE_STATES = {
    "ok": Cause.OK,
    "code-as-text": Cause.OK,
    "code-missing": Cause.OK,
    "unauthorized": Cause.KEY_REJECTED,
    "unauthorized-http-401": Cause.KEY_REJECTED,
    "insufficient-402": Cause.CREDITS_EXHAUSTED,
    "insufficient-http-402": Cause.CREDITS_EXHAUSTED,
    "insufficient-500": Cause.CREDITS_EXHAUSTED,
    "sub-key-cap-433": Cause.KEY_CAP_REACHED,
    "rate-limited-429": Cause.RATE_LIMITED,
    "maintenance-455": Cause.PROVIDER_MAINTENANCE,
    "error-500": Cause.PROVIDER_ERROR,
    "error-http-500": Cause.PROVIDER_ERROR,
    "html-520": Cause.PROVIDER_ERROR,
    "validation-422": Cause.PROVIDER_ERROR,
    "forbidden-403": Cause.KEY_LACKS_PERMISSION,
}


@pytest.mark.parametrize("state", KIE_STATES)
async def test_each_state_of_kie_has_its_cause(world: World, state: str) -> None:
    world.kie.answer = state
    found = await probe(world, Check.BALANCE)
    assert found.cause is KIE_STATES[state]
    assert found.balance == (world.kie.balance if found.cause is Cause.OK else None)


def test_every_state_of_kie_is_in_the_table_or_open_to_more_than_one_reading() -> None:
    open_to_reading = {"not-found-404", "disabled-505", "balance-as-text"}
    assert set(KIE_STATES) | open_to_reading == {*ANSWERS, *ODD}


FAULTS = {
    "refused": Cause.PROVIDER_UNREACHABLE,
    "reset": Cause.PROVIDER_UNREACHABLE,
    "half-body": Cause.PROVIDER_UNREACHABLE,
    "gigabyte": Cause.ANSWER_MALFORMED,
    "gzip-bomb": Cause.ANSWER_MALFORMED,
    "redirect-elsewhere": Cause.ANSWER_MALFORMED,
    "redirect-for-good": Cause.ENDPOINT_RETIRED,
    "empty": Cause.ANSWER_MALFORMED,
    "html": Cause.ANSWER_MALFORMED,
    "html-520": Cause.PROVIDER_ERROR,
    "not-json": Cause.ANSWER_MALFORMED,
    "NaN": Cause.ANSWER_MALFORMED,
    "1e999": Cause.ANSWER_MALFORMED,
    "bool": Cause.ANSWER_MALFORMED,
    "null": Cause.ANSWER_MALFORMED,
    "object": Cause.ANSWER_MALFORMED,
    "missing-member": Cause.ANSWER_MALFORMED,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("check", [Check.BALANCE, Check.QUOTA, Check.STATUS])
async def test_each_fault_of_the_wire_has_its_cause(
    world: World, fault: str, check: Check
) -> None:
    world.kie.fault = fault
    world.huggingface.fault = world.huggingface.faults["status"] = fault
    assert (await probe(world, check)).cause is FAULTS[fault]


@pytest.mark.parametrize("fault", ["hang", "drip"])
async def test_what_does_not_end_in_time_timed_out(world: World, fault: str) -> None:
    world.kie.fault = fault
    assert (await probe(world, Check.BALANCE, timeout=0.2)).cause is Cause.TIMED_OUT


TOKEN_STATES = {
    "ok": Cause.OK,
    "write": Cause.OK,
    "fine-grained": Cause.OK,
    "no-inference": Cause.OK,
    "no-billing": Cause.OK,
    "oauth": Cause.OK,
    "rejected": Cause.KEY_REJECTED,
    "expired": Cause.KEY_EXPIRED,
    "org-pending": Cause.KEY_LACKS_PERMISSION,
    "org-revoked": Cause.KEY_LACKS_PERMISSION,
}


@pytest.mark.parametrize("state", [*hub.GOOD_TOKENS, *hub.REFUSED_TOKENS])
async def test_each_state_of_a_token_has_its_cause(world: World, state: str) -> None:
    world.huggingface.token = state
    found = await probe(world, Check.KEY)
    assert found.cause is TOKEN_STATES[state]
    assert found.warning == (state == "no-inference")
    assert "demo-user" not in repr(found)


async def test_a_token_that_may_not_see_the_bill_makes_the_quota_not_knowable(
    world: World,
) -> None:
    world.huggingface.token = "no-billing"
    assert (await probe(world, Check.QUOTA)).cause is Cause.NOT_KNOWABLE


MODEL_STATES = {
    "live": Cause.OK,
    "live-as-list": Cause.OK,
    "loading": Cause.OK,
    "gated": Cause.OK,
    "error": Cause.MODEL_DEGRADED,
    "staging": Cause.MODEL_NOT_SERVED,
    "none": Cause.MODEL_NOT_SERVED,
    "absent": Cause.MODEL_NOT_SERVED,
    "retired": Cause.MODEL_NOT_SERVED,  # the Hub says no more; the router says 410
    "gated-no-access": Cause.MODEL_GATED,
    "disabled": Cause.MODEL_RETIRED,
    "moved": Cause.MODEL_MOVED,
    "missing": Cause.MODEL_MISSING,
}


@pytest.mark.parametrize("state", hub.MODEL_STATES)
async def test_each_state_of_a_model_has_its_cause(world: World, state: str) -> None:
    moved_to = "new-org/new-name" if state == "moved" else ""
    world.huggingface.set_model(MODEL, state, moved_to=moved_to)
    assert (await probe(world, Check.MODEL, MODEL)).cause is MODEL_STATES[state]


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        ("live", Cause.OK),
        ("loading", Cause.MODEL_LOADING),
        ("retired", Cause.MODEL_RETIRED),
        ("none", Cause.MODEL_NOT_SERVED),
    ],
)
async def test_a_real_call_tells_retired_from_not_served(
    world: World, state: str, cause: Cause
) -> None:
    world.huggingface.set_model(MODEL, state)
    assert (await probe(world, Check.INFERENCE, MODEL)).cause is cause


async def test_a_used_up_allowance_is_seen_by_the_quota_and_refused_by_the_router(
    world: World,
) -> None:
    world.huggingface.used = world.huggingface.limit
    found = await probe(world, Check.INFERENCE, MODEL)
    assert found.cause is Cause.CREDITS_EXHAUSTED
    (quota,) = (await probe(world, Check.QUOTA)).quotas
    assert (quota.used, quota.limit, quota.unit) == (Decimal("0.1"), Decimal("0.1"), "USD")


async def test_whoamis_own_limit_is_not_a_dead_key(world: World) -> None:
    world.huggingface.whoami_limit = 0
    found = await probe(world, Check.KEY)
    assert found.cause is Cause.RATE_LIMITED
    assert (found.retry_after or 0) >= 300  # the header's own 241 s are another bucket's
    assert (await probe(world, Check.MODEL, MODEL)).cause is Cause.OK


@pytest.mark.parametrize(
    ("page", "cause"),
    [
        ("operational", Cause.OK),
        ("degraded", Cause.PROVIDER_ERROR),
        ("downtime", Cause.PROVIDER_ERROR),
        ("maintenance", Cause.PROVIDER_MAINTENANCE),
    ],
)
async def test_the_status_page_has_its_cause(world: World, page: str, cause: Cause) -> None:
    world.huggingface.page = page
    assert (await probe(world, Check.STATUS)).cause is cause
