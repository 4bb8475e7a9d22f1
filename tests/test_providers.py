"""What every provider's file promises: it is found, declares itself, reads what was recorded.

A new file in `monitor/providers/` with its recordings is held to all of this without a line here.
"""

from __future__ import annotations

import asyncio
import json
import re
import traceback
from base64 import b64encode
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import httpx
import pytest
from recorded import (
    FOLDER,
    KEY,
    NOW,
    Player,
    Recording,
    account_of,
    door_of,
    played,
    recordings,
    wanting,
)

import monitor.providers as package
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding, Target
from monitor.core.secret import Secret
from monitor.core.spec import CheckSpec, ProviderSpec
from monitor.http import Answer, Door, HttpFailure, Request
from monitor.providers import Ask, Provider, address, declared, load_providers, run_probe

PROVIDERS = load_providers()
CHECKS = [(p, c) for p in PROVIDERS.values() for c in p.spec.checks]
SUBJECT = "acme/model-1"


def label(x: object) -> str:
    """A case's name."""
    if isinstance(x, Recording):
        return f"{x.provider}/{x.name}"
    return x.spec.name if isinstance(x, Provider) else str(getattr(x, "value", x))


# The file is the registration


def test_every_file_is_found_by_its_name() -> None:
    folder = Path(package.__file__).parent
    files = {p.stem for p in folder.glob("*.py") if not p.stem.startswith("_")}
    assert set(PROVIDERS) == files
    assert {"huggingface", "kie"} <= files


def test_every_folder_of_recordings_has_its_provider() -> None:
    assert {p.name for p in FOLDER.iterdir() if p.is_dir()} <= set(PROVIDERS)


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=label)
def test_a_provider_declares_what_the_config_must_know(provider: Provider) -> None:
    spec = provider.spec
    assert spec.title
    assert spec.checks
    assert spec.docs.startswith("https://")
    for url in filter(None, spec.urls.values()):
        parts = urlsplit(url)
        assert (parts.scheme, parts.path, parts.query) == ("https", "", "")
    for check in spec.checks.values():
        assert check.interval is None or check.minimum is None or check.minimum <= check.interval
    for own in spec.fields:
        assert own.help
        assert own.example or not own.required, "the docs show how it is written"


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=label)
def test_a_provider_has_its_recordings(provider: Provider) -> None:
    assert not wanting(provider), "\n\n".join(wanting(provider))


def test_a_provider_without_recordings_is_told_what_to_write() -> None:
    well, rejected, carried = wanting(made(None))
    assert "tests/recordings/own/key-ok.json" in well
    assert '"cause": "ok"' in well
    assert "tests/recordings/own/key-key-rejected.json" in rejected
    assert '"status": 401' in rejected
    assert "Bearer KEY" in carried


# What was recorded


@pytest.mark.parametrize("recording", recordings(), ids=label)
async def test_a_recorded_answer_is_read_as_it_was_meant(recording: Recording) -> None:
    expect = recording.expect
    provider = PROVIDERS[recording.provider]
    player, account = Player(*recording.answers), recording.account(provider)
    found = await played(provider, player, recording.check, recording.subject, account=account)
    assert found.cause == expect["cause"], found
    assert found.balance == (Decimal(expect["balance"]) if "balance" in expect else None)
    assert expect.get("summary", "") in found.summary
    for name in ("unit", "facts", "warning", "retry_after"):
        assert getattr(found, name) == expect.get(name, getattr(found, name))
    if "quotas" in expect:
        assert [as_json(q) for q in found.quotas] == expect["quotas"]
    for private in (KEY, *expect.get("never", ())):
        assert private not in repr(found)
    assert found.summary


@pytest.mark.parametrize("recording", recordings(), ids=label)
async def test_it_is_asked_as_documented(recording: Recording) -> None:
    provider = PROVIDERS[recording.provider]
    player, account = Player(*recording.answers), recording.account(provider)
    await played(provider, player, recording.check, recording.subject, account=account)
    home = {
        urlsplit(url).hostname for url in (*provider.spec.urls.values(), *account.urls.values())
    }
    assert {asked.url.host for asked in player.asked} <= home
    for asked, answer in zip(player.asked, recording.answers, strict=True):
        if "request" not in answer:
            continue  # after a redirect
        wanted = answer["request"]
        path = httpx.URL("https://any" + wanted["path"]).raw_path
        assert (asked.method, asked.url.raw_path) == (wanted["method"], path)
        for name, value in wanted.get("headers", {}).items():
            assert asked.headers[name] == carried(value)


def carried(value: str) -> str:
    """A header as a recording writes it: KEY is the key, BASIC(name:KEY) a pair in base64."""
    value = re.sub(r"KEY\((\w+)\)", r"planted-\1-0002", value).replace("KEY", KEY)
    return re.sub(r"BASIC\((.*)\)", lambda m: b64encode(m[1].encode()).decode(), value)


def as_json(quota: object) -> dict[str, object]:
    """A quota as recordings write it."""
    names = ("quota", "used", "limit", "unit", "resets_at")
    found = {name: getattr(quota, name) for name in names}
    for name in ("used", "limit"):
        found[name] = None if found[name] is None else f"{found[name].normalize():f}"
    resets = found["resets_at"]
    return {**found, "resets_at": resets and resets.isoformat()}


@pytest.mark.parametrize("recording", recordings(), ids=label)
def test_a_recording_holds_no_key(recording: Recording) -> None:
    text = json.dumps(recording.said)
    assert "hf_" not in text.replace("hf_TOKEN", "").replace("hf_inference.py", "")
    assert "Bearer" not in text.replace("Bearer KEY", "")
    assert recording.said["source"]


# Answers that no table knows

HTML = "<!DOCTYPE html><title>Oops</title>"
STRANGE = {
    "HTML with 500": (500, "text/html", HTML, {Cause.PROVIDER_ERROR}),
    "HTML with 502": (502, "text/html", HTML, {Cause.PROVIDER_ERROR}),
    "an edge's 522": (522, "text/html", HTML, {Cause.PROVIDER_ERROR}),
    "a teapot": (418, "application/json", '{"error": "teapot"}', {Cause.PROVIDER_ERROR}),
    "not modified": (304, "text/plain", "", {Cause.PROVIDER_ERROR}),
    "nothing": (200, "application/json", "", {Cause.ANSWER_MALFORMED}),
    "half of it": (200, "application/json", '{"data": {"x": 1', {Cause.ANSWER_MALFORMED}),
    "NaN": (200, "application/json", '{"data": NaN}', {Cause.ANSWER_MALFORMED}),
    "minus infinity": (200, "application/json", "[-Infinity]", {Cause.ANSWER_MALFORMED}),
    "a well without ground": (200, "application/json", "[" * 60000, {Cause.ANSWER_MALFORMED}),
    "a list": (200, "application/json", "[]", {Cause.ANSWER_MALFORMED}),
    "null": (200, "application/json", "null", {Cause.ANSWER_MALFORMED}),
    "true": (200, "application/json", "true", {Cause.ANSWER_MALFORMED}),
    "an empty object": (200, "application/json", "{}", {Cause.ANSWER_MALFORMED}),
}


@pytest.mark.parametrize("strange", STRANGE)
@pytest.mark.parametrize(("provider", "check"), CHECKS, ids=label)
async def test_a_strange_answer_is_neither_zero_nor_fine(
    provider: Provider, check: Check, strange: str
) -> None:
    status, kind, body, causes = STRANGE[strange]
    player = Player({"status": status, "headers": {"content-type": kind}, "body": body})
    found = await played(provider, player, check, SUBJECT)
    if check is Check.INFERENCE and status == 200 and body in ("[]", "null", "true", "{}"):
        causes = {Cause.OK}  # whatever it is, the model gave it
    assert found.cause in causes
    assert found.balance is None


@pytest.mark.parametrize(
    ("provider", "check"), [x for x in CHECKS if x[1] is not Check.INFERENCE], ids=label
)
async def test_html_with_200_is_no_answer(provider: Provider, check: Check) -> None:
    player = Player({"status": 200, "headers": {"content-type": "text/html"}, "body": HTML})
    assert (await played(provider, player, check, SUBJECT)).cause is Cause.ANSWER_MALFORMED


@pytest.mark.parametrize(("provider", "check"), CHECKS, ids=label)
async def test_a_key_goes_in_headers_and_to_the_configured_place_only(
    provider: Provider, check: Check
) -> None:
    player = Player({"status": 500, "headers": {}, "body": "no"})
    here = dict.fromkeys(provider.spec.urls, "http://127.0.0.1:8001/")
    await played(provider, player, check, SUBJECT, account=account_of(provider, urls=here))
    (asked,) = player.asked
    assert (asked.url.host, asked.url.port) == ("127.0.0.1", 8001)
    assert asked.url.path.startswith("/")
    assert not asked.url.path.startswith("//")
    assert KEY not in str(asked.url)
    assert KEY.encode() not in asked.content


# The runner


class Silent:
    """A way out that never comes back."""

    async def send(self, request: Request) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")


def made(probe: object) -> Provider:
    """A provider whose probe is a test's own."""
    spec = ProviderSpec("own", "Own", {Check.KEY: CheckSpec()}, {"base_url": "https://a"}, "")
    return Provider(spec, probe)  # type: ignore[arg-type]  # coroutine functions of the tests


TARGET = Target("acme", "own", Check.KEY)


async def ran(
    probe: object, *, door: object = None, timeout: float = 5, **changes: object
) -> Finding:
    """What the runner makes of a probe."""
    provider = made(probe)
    account = account_of(provider, **changes)
    way = door or Silent()
    return await run_probe(provider, way, account, TARGET, now=NOW, timeout=timeout)  # type: ignore[arg-type]  # a way out


async def test_without_a_key_nothing_is_asked() -> None:
    found = await ran(None, key=Secret(""))
    assert found.cause is Cause.NOT_CONFIGURED
    assert "acme" in found.summary


async def test_a_probe_ends_by_its_timeout_and_says_so() -> None:
    async def asks(ask: Ask) -> Finding:
        await ask.send(Request("GET", "https://a"))
        raise AssertionError("unreachable")

    found = await ran(asks, timeout=0.05)
    assert (found.cause, found.summary) == (Cause.TIMED_OUT, "no answer within 50ms")


async def test_a_failure_on_the_way_keeps_its_cause() -> None:
    async def fails(_: Ask) -> Finding:
        raise HttpFailure(Cause.TLS_INVALID, f"with {KEY}", evidence=f"and {KEY}")

    found = await ran(fails)
    assert found.cause is Cause.TLS_INVALID
    assert KEY not in repr(found)


async def test_an_error_nobody_foresaw_tells_its_place_and_nothing_else() -> None:
    async def stumbles(_: Ask) -> Finding:
        raise ValueError(f"could not read {{'email': 'me@example.com', 'key': '{KEY}'}}")

    found = await ran(stumbles)
    assert found.cause is Cause.ANSWER_MALFORMED
    assert found.evidence.startswith("ValueError at test_providers.py:")
    assert "example.com" not in repr(found)


async def test_a_timeout_that_is_not_ours_is_an_error_nobody_foresaw() -> None:
    async def stumbles(_: Ask) -> Finding:
        raise TimeoutError

    assert (await ran(stumbles)).cause is Cause.ANSWER_MALFORMED


async def test_a_probe_can_be_cancelled() -> None:
    async def asks(ask: Ask) -> Finding:
        await ask.send(Request("GET", "https://a"))
        raise AssertionError("unreachable")

    task = asyncio.create_task(ran(asks))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


PRIVATE = {
    "the key": f"wrong key {KEY}",
    "another field's secret": "wrong secret-of-a-field",
    "a token": "token hf_other-planted-key",
    "a long word": "id " + "a1b2c3d4" * 3,
    "an address": "We had to rate limit your IP (203.0.113.7).",
    "an e-mail": "user me.too+x@mail.example.com",
    "a header": "Bearer some.planted-credential/x=",
}


@pytest.mark.parametrize("said", PRIVATE.values(), ids=PRIVATE)
async def test_what_leaves_a_provider_holds_nothing_private(said: str) -> None:
    async def tells(_: Ask) -> Finding:
        return Finding(Cause.OK, said, evidence=said, facts={"notices": said})

    found = await ran(tells, fields={"team": Secret("secret-of-a-field")})
    private = max(said.split(), key=len).strip("().")
    assert "********" in found.summary
    assert private not in repr(found)


@pytest.mark.parametrize(
    "said",
    [
        "stabilityai/stable-diffusion-3-medium-diffusers is served by hf-inference",
        "meta-llama/Llama_3_8B_Instruct_Q4_K_M_GGUF_v2",
        "5916.25 credits",
        "127.0.0.1 refuses the connection",
        "the token lacks inference.serverless.write",
        "the token is valid until 2026-12-01 00:00 UTC",
    ],
)
async def test_what_people_must_read_is_left_alone(said: str) -> None:
    async def tells(_: Ask) -> Finding:
        return Finding(Cause.OK, said)

    assert (await ran(tells)).summary == said


def test_an_account_may_ask_elsewhere() -> None:
    provider = made(None)
    assert address(account_of(provider), provider.spec, "/x?y=1") == "https://a/x?y=1"
    there = account_of(provider, urls={"base_url": "http://127.0.0.1:8001"})
    assert address(there, provider.spec, "/x?y=1") == "http://127.0.0.1:8001/x?y=1"


@pytest.mark.parametrize("there", [None, 3, made(None)], ids=["nothing", "a number", "another"])
def test_a_file_that_does_not_declare_itself_is_named(there: object) -> None:
    module = ModuleType("broken_one")
    if there is not None:
        module.PROVIDER = there  # type: ignore[attr-defined]  # what a file would hold
    with pytest.raises(TypeError, match="broken_one"):
        declared(module, "broken_one")


def test_a_file_is_taken_under_its_own_name() -> None:
    module = ModuleType("own")
    module.PROVIDER = made(None)  # type: ignore[attr-defined]  # what a file would hold
    assert declared(module, "own").spec.name == "own"


async def test_a_failure_has_no_secret_in_its_traceback() -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        raise RuntimeError(f"with {KEY}")

    door = Door(transport=lambda _: httpx.MockTransport(handler))
    with pytest.raises(HttpFailure) as caught:
        await door.send(Request("GET", "https://a.example"))
    assert KEY not in "".join(traceback.format_exception(caught.value))


async def test_no_provider_is_blamed_where_monitor_is_not_installed_whole() -> None:
    async def probe(_: object) -> Finding:
        raise ModuleNotFoundError("No module named 'httptools'")

    account = account_of(made(probe))
    target = Target("acme", "own", Check.BALANCE)
    with pytest.raises(ImportError):
        await run_probe(made(probe), door_of(Player({})), account, target, now=NOW, timeout=5)


async def test_the_same_question_is_asked_the_same_way_twice() -> None:
    """A probe holds no state: what it asks is a function of account, target and now."""
    for provider, check in CHECKS:
        asked = []
        for _ in range(2):
            player = Player({"status": 500, "headers": {}, "body": "no"})
            target = Target("acme", provider.spec.name, check, SUBJECT)
            account = account_of(provider)
            await run_probe(provider, door_of(player), account, target, now=NOW, timeout=5)
            asked.append((player.asked[0].method, str(player.asked[0].url)))
        assert asked[0] == asked[1]
