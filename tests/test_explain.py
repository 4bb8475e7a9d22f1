"""`monitor explain`: one probe shown step by step, with nothing in it that must not be seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from living import SECRETS, config, good_day, monitor, there, world_in_thread

from monitor.core.secret import Secret
from monitor.demo.world import World
from monitor.explaining import shown

KIE, KEY = "kie/balance", "huggingface/key"
FIRST = "huggingface/model/stabilityai/stable-diffusion-3-medium-diffusers"
TOKENS = (
    "ok", "write", "fine-grained", "oauth", "no-inference", "no-billing", "rejected", "expired",
    "org-pending", "org-revoked",
)  # fmt: skip


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with world_in_thread() as made:
        yield made


@pytest.fixture(autouse=True)
def fresh(world: World) -> None:
    """Every test finds the world as it is on a good day."""
    good_day(world)


def said(world: World, folder: Path, *words: str) -> str:
    """What is printed; the probe ran, and nothing private is in it or in the log."""
    result = monitor(config(world, folder), "explain", *words)
    assert result.returncode == 0, result.stderr
    seen = result.stdout + result.stderr
    assert "Traceback" not in seen
    for private in (*SECRETS.values(), "Bearer hf", "Bearer kie", "@"):
        assert private not in seen, private
    assert sorted(p.name for p in folder.iterdir()) == ["config.yaml"]  # nothing is written
    return result.stdout


def explained(world: World, folder: Path, target: str) -> dict[str, object]:
    return json.loads(said(world, folder, target, "--format", "json"))


def test_a_balance_is_explained_from_the_request_to_the_jobs_it_pays(
    world: World, tmp_path: Path
) -> None:
    found = explained(world, tmp_path, KIE)
    (step,) = found["steps"]
    assert (step["method"], step["url"]) == ("GET", f"{world.kie_url}/api/v1/chat/credit")
    assert step["sent"] == {"Accept": "application/json", "Authorization": "********"}
    assert {"connect", "send", "wait", "receive"} <= set(step["timings"])
    assert (step["status"], step["failure"]) == (200, None)
    assert step["headers"]["content-type"].startswith("application/json")
    assert step["shape"] == "{code: 200, msg: text, data: number}"
    assert (found["cause"], found["standing"]) == ("ok", "usable")
    assert (found["balance"], found["unit"]) == (12480.25, "credits")
    assert found["jobs_left"] == {"sora-2-pro-720p-15s": 92}
    assert found["runbook"] is None


def test_the_text_says_the_same_for_people(world: World, tmp_path: Path) -> None:
    world.kie.answer = "unauthorized"
    text = said(world, tmp_path, KIE)
    assert text.startswith("kie/balance: key_rejected, the key is rejected\n")
    assert f"1. GET {world.kie_url}/api/v1/chat/credit\n" in text
    assert "sent      Authorization: ********" in text
    assert "in all" in text
    assert "shape     {code: 401, " in text
    assert "cause     key_rejected (unusable)" in text
    assert "balance   unknown: this probe did not read one" in text
    assert "next      Create a new key" in text
    assert "what to do\n1. " in text
    assert "ACCOUNT" not in text
    assert "Links\n- " in text


@pytest.mark.parametrize("state", TOKENS)
def test_no_state_of_a_token_shows_key_or_person(world: World, tmp_path: Path, state: str) -> None:
    world.huggingface.token = state
    text = said(world, tmp_path, KEY)
    assert "/api/whoami-v2" in text
    assert "HTTP 200" in text or "HTTP 40" in text


def test_a_refusal_shows_the_headers_that_tell_why(world: World, tmp_path: Path) -> None:
    world.huggingface.token = "expired"
    found = explained(world, tmp_path, KEY)
    (step,) = found["steps"]
    assert step["status"] == 401
    assert step["headers"]["x-error-message"].endswith("is expired")
    assert "ratelimit" in step["headers"] or "content-type" in step["headers"]
    assert set(step["headers"]) <= {
        "content-type", "content-length", "ratelimit", "ratelimit-policy", "x-error-message",
        "x-error-code",
    }  # fmt: skip
    assert found["cause"] == "key_expired"
    assert found["runbook"]["name"] == "key_expired"
    assert found["runbook"]["links"]


def test_a_token_that_may_not_do_its_work_is_ok_with_a_warning(
    world: World, tmp_path: Path
) -> None:
    world.huggingface.token = "no-inference"
    text = said(world, tmp_path, KEY)
    assert text.startswith("huggingface/key: ok, with a warning\n")
    assert "lacks inference.serverless.write" in text


def test_where_the_time_went_is_known_of_an_answer_that_never_came(
    world: World, tmp_path: Path
) -> None:
    there(world, lambda: setattr(world.kie, "fault", "hang"))
    found = explained(world, tmp_path, KIE)
    (step,) = found["steps"]
    assert found["cause"] == "timed_out"
    assert (step["status"], step["failure"]) == (None, "it was not answered in time")
    assert step["timings"]["wait"] > step["timings"]["connect"]
    assert found["balance"] is None


FAULTS = [
    ("refused", "provider_unreachable"),
    ("half-body", "provider_unreachable"),
    ("redirect-elsewhere", "answer_malformed"),
    ("gigabyte", "answer_malformed"),
]


@pytest.mark.parametrize(("fault", "cause"), FAULTS)
def test_a_request_that_fails_says_why(
    world: World, tmp_path: Path, fault: str, cause: str
) -> None:
    there(world, lambda: setattr(world.kie, "fault", fault))
    found = explained(world, tmp_path, KIE)
    (step,) = found["steps"]
    assert (found["cause"], found["standing"]) == (cause, "not_read")
    assert step["failure"]
    assert step["status"] is None


WHYS = [
    ("ok", "12480.25", None, "the answer holds what was asked for"),
    ("ok", "134.99", None, "the balance was read, and is under the floor of 135"),
    (
        "ok",
        "0",
        None,
        "the balance was read, and is 0; the daemon asks again before it believes a sudden one",
    ),
    ("unauthorized", "1", None, "kie: HTTP 200 with code 401 in the body means key_rejected"),
    ("ok", "1", "refused", "no answer that could be read: the cause is what failed on the way"),
    ("ok", "1", "html", "it follows from what the answer holds"),
]


@pytest.mark.parametrize(("answer", "balance", "fault", "why"), WHYS)
def test_it_says_what_gave_the_cause(
    world: World, tmp_path: Path, answer: str, balance: str, fault: str | None, why: str
) -> None:
    world.kie.answer, world.kie.balance = answer, Decimal(balance)
    there(world, lambda: setattr(world.kie, "fault", fault))
    assert explained(world, tmp_path, KIE)["why"] == why
    assert f"why       {why}\n" in said(world, tmp_path, KIE)


def test_a_line_of_a_table_is_named_with_the_words_it_looks_for(
    world: World, tmp_path: Path
) -> None:
    world.huggingface.token = "expired"
    why = 'huggingface: HTTP 401 that says "is expired" means key_expired'
    assert explained(world, tmp_path, KEY)["why"] == why


def test_of_a_page_that_is_no_json_only_size_and_kind_are_told(
    world: World, tmp_path: Path
) -> None:
    there(world, lambda: setattr(world.kie, "fault", "html"))
    found = explained(world, tmp_path, KIE)
    (step,) = found["steps"]
    assert "bytes of text/html" in step["shape"]
    assert "<" not in json.dumps(found)


def test_an_empty_account_is_exhausted_though_it_was_read(world: World, tmp_path: Path) -> None:
    world.kie.balance = type(world.kie.balance)("134.99")
    found = explained(world, tmp_path, KIE)
    assert (found["cause"], found["balance"]) == ("credits_exhausted", 134.99)
    assert found["next_step"].startswith("Top up")
    assert found["runbook"]["name"] == "credits_exhausted"


def test_an_unset_key_sends_nothing(world: World, tmp_path: Path) -> None:
    path = config(world, tmp_path)
    path.write_text(path.read_text().replace("${KIE_API_KEY}", "${NO_SUCH_KEY:-}"))
    result = monitor(path, "explain", KIE)
    assert result.returncode == 0
    assert "not_configured" in result.stdout
    assert "No request was sent." in result.stdout


ADDRESSES = [
    ("http://10.0.0.7:8080/v1/credit", "http://10.0.0.7:8080/v1/credit"),
    ("https://m:pa55word@h.example/v1#part", "https://h.example/v1"),
    ("https://h.example/v1?start=17&expand[]=x", "https://h.example/v1?start=17&expand[]=x"),
    ("https://h.example/v1?api_key=abc&x=1", "https://h.example/v1?api_key=********&x=1"),
    ("https://h.example/v1?q=planted%2Fkey-0001", "https://h.example/v1?q=********"),
    ("https://h.example/v1?q=hf_planted-key-0002", "https://h.example/v1?q=********"),
    ("https://h.example/planted/key-0001/v1", "https://h.example/********/v1"),
    ("https://h.example/v1?who=a@example.com", "https://h.example/v1?who=********"),
    ("https://h.example/org/model-v1.5", "https://h.example/org/model-v1.5"),
    ("https://[::1]:80/v1", "https://[::1]:80/v1"),
    ("https://h:port/v1", "an address nobody can read"),
]


@pytest.mark.parametrize(("address", "seen"), ADDRESSES)
def test_an_address_is_shown_without_what_is_secret_in_it(address: str, seen: str) -> None:
    assert shown(address, (Secret("planted/key-0001"),)) == seen


WRONG = [
    ("kie/nothing", ("no target 'kie/nothing'", KIE, FIRST)),
    ("huggingface/model", ("judged from", FIRST)),
    ("huggingface/provider", ("judged from", KEY, FIRST)),
    ("monitor/network", ("judged from", KIE, KEY)),
    ("monitor/store", ("no target", KIE)),
]


@pytest.mark.parametrize(("target", "words"), WRONG)
def test_what_cannot_be_asked_is_refused_with_what_can(
    world: World, tmp_path: Path, target: str, words: tuple[str, ...]
) -> None:
    result = monitor(config(world, tmp_path), "explain", target)
    assert (result.returncode, result.stdout) == (64, "")
    for word in words:
        assert word in result.stderr
    assert "Traceback" not in result.stderr


def test_a_key_without_a_call_of_its_own_is_explained_by_what_sees_it(
    world: World, tmp_path: Path
) -> None:
    result = monitor(config(world, tmp_path), "explain", "kie/key")
    assert result.returncode == 0
    assert f"judged from {KIE}" in result.stderr
    assert KIE in result.stdout


def test_a_key_that_is_not_set_in_the_environment_is_a_fault_of_the_config(
    world: World, tmp_path: Path
) -> None:
    path = config(world, tmp_path)
    path.write_text(path.read_text().replace("${KIE_API_KEY}", "${NO_SUCH_KEY}"))
    result = monitor(path, "explain", KIE)
    assert result.returncode == 78
    assert "NO_SUCH_KEY" in result.stderr
