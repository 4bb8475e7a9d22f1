"""`monitor --once` against the simulated world in each of its states."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from living import SECRETS, config, good_day, monitor, there, world_in_thread

from monitor.demo.story import accounts_of
from monitor.demo.world import World

KIE, KEY = "kie/balance", "huggingface/key"
FIRST = "huggingface/model/stabilityai/stable-diffusion-3-medium-diffusers"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with world_in_thread() as made:
        yield made


@pytest.fixture(autouse=True)
def fresh(world: World) -> None:
    """Every test finds the world as it is on a good day."""
    good_day(world)


def once(world: World, folder: Path, *words: str, **more: str) -> tuple[int, dict[str, dict]]:
    result = monitor(config(world, folder), "--once", "--format", "json", *words, **more)
    assert "Traceback" not in result.stderr, result.stderr
    assert result.stdout, result.stderr
    document = json.loads(result.stdout)
    assert document["exit_code"] == result.returncode
    for secret in SECRETS.values():
        assert secret not in result.stdout + result.stderr
    return result.returncode, {t["target"]: t for t in document["targets"]}


def test_on_a_good_day_all_is_ok(world: World, tmp_path: Path) -> None:
    code, targets = once(world, tmp_path)
    assert code == 0
    assert targets[KIE]["balance"] == 12480.25
    assert targets[KIE]["jobs_left"] == {"sora-2-pro-720p-15s": 92}
    assert targets[KIE]["runway_hours"]["p25"] is not None  # the plan carries it
    assert {t["cause"] for t in targets.values()} == {"ok"}
    assert not (tmp_path / "monitor.db").exists()


def test_a_config_of_ones_own_may_watch_the_demos_world(world: World, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(accounts_of(world))
    result = monitor(path, "--once", "--format", "json")
    assert result.returncode == 0, result.stderr
    assert {t["status"] for t in json.loads(result.stdout)["targets"]} == {"ok"}


STATES = [
    ("unauthorized", "key_rejected", 2),
    ("unauthorized-http-401", "key_rejected", 2),
    ("insufficient-402", "credits_exhausted", 2),
    ("insufficient-http-402", "credits_exhausted", 2),
    ("insufficient-500", "credits_exhausted", 2),
    ("sub-key-cap-433", "key_cap_reached", 2),
    ("rate-limited-429", "rate_limited", 3),
    ("maintenance-455", "provider_maintenance", 3),
    ("error-500", "provider_error", 3),
    ("error-http-500", "provider_error", 3),
    ("html-520", "provider_error", 3),
    ("forbidden-403", "key_lacks_permission", 2),
    ("code-as-text", "ok", 0),
    ("code-missing", "ok", 0),
]


@pytest.mark.parametrize(("state", "cause", "code"), STATES)
def test_kies_answers_have_their_cause(
    world: World, tmp_path: Path, state: str, cause: str, code: int
) -> None:
    world.kie.answer = state
    found, targets = once(world, tmp_path, "--only", "kie/*")
    assert (targets[KIE]["cause"], found) == (cause, code)


FAULTS = [
    ("refused", "provider_unreachable"),
    ("reset", "provider_unreachable"),
    ("half-body", "provider_unreachable"),
    ("hang", "timed_out"),
    ("drip", "timed_out"),
    ("redirect-elsewhere", "answer_malformed"),
    ("redirect-for-good", "endpoint_retired"),
    ("gigabyte", "answer_malformed"),
    ("gzip-bomb", "answer_malformed"),
    ("empty", "answer_malformed"),
    ("html", "answer_malformed"),
    ("html-520", "provider_error"),
    ("not-json", "answer_malformed"),
    ("NaN", "answer_malformed"),
    ("1e999", "answer_malformed"),
    ("bool", "answer_malformed"),
    ("null", "answer_malformed"),
    ("object", "answer_malformed"),
    ("missing-member", "answer_malformed"),
]


@pytest.mark.parametrize(("fault", "cause"), FAULTS)
def test_a_ruined_answer_has_its_cause_and_spoils_nobody_elses(
    world: World, tmp_path: Path, fault: str, cause: str
) -> None:
    there(world, lambda: setattr(world.kie, "fault", fault))
    code, targets = once(world, tmp_path)
    assert targets[KIE]["cause"] == cause
    assert targets[KIE]["status"] == "unknown"
    assert code == 3
    assert targets[FIRST]["cause"] == "ok"
    assert world.strayed == []


TOKENS = [
    ("ok", "ok", 0),
    ("write", "ok", 0),
    ("fine-grained", "ok", 0),
    ("oauth", "ok", 0),
    ("no-inference", "ok", 1),  # valid, but it may not do what it is for
    ("rejected", "key_rejected", 2),
    ("expired", "key_expired", 2),
    ("org-pending", "key_lacks_permission", 2),
    ("org-revoked", "key_lacks_permission", 2),
]


@pytest.mark.parametrize(("state", "cause", "code"), TOKENS)
def test_a_tokens_state_has_its_cause(
    world: World, tmp_path: Path, state: str, cause: str, code: int
) -> None:
    world.huggingface.token = state
    found, targets = once(world, tmp_path, "--only", KEY)
    assert (targets[KEY]["cause"], found) == (cause, code)


MODELS = [
    ("live", "ok", 0),
    ("live-as-list", "ok", 0),
    ("error", "model_degraded", 1),
    ("staging", "model_not_served", 1),
    ("none", "model_not_served", 1),
    ("absent", "model_not_served", 1),
    ("disabled", "model_retired", 1),
    ("moved", "model_moved", 1),
    ("missing", "model_missing", 1),
    ("gated-no-access", "model_gated", 1),
]


@pytest.mark.parametrize(("state", "cause", "code"), MODELS)
def test_a_models_state_has_its_cause(
    world: World, tmp_path: Path, state: str, cause: str, code: int
) -> None:
    more = {"moved_to": "elsewhere/model"} if state == "moved" else {}
    world.huggingface.set_model("stabilityai/stable-diffusion-3-medium-diffusers", state, **more)
    found, targets = once(world, tmp_path)
    assert (targets[FIRST]["cause"], found) == (cause, code)


def test_a_token_that_may_not_read_the_bill_is_no_fault(world: World, tmp_path: Path) -> None:
    world.huggingface.token = "no-billing"
    code, targets = once(world, tmp_path)
    assert targets["huggingface/quota"]["cause"] == "not_knowable"
    assert (targets["huggingface/quota"]["status"], code) == ("ok", 0)


def test_an_empty_account_is_critical_though_it_was_read(world: World, tmp_path: Path) -> None:
    world.kie.balance = type(world.kie.balance)("134.99")
    code, targets = once(world, tmp_path)
    assert code == 2
    assert targets[KIE]["cause"] == "credits_exhausted"
    assert targets[KIE]["balance"] == 134.99
    assert targets[KIE]["runway_hours"] == {"p10": 0, "p25": 0, "p50": 0, "p90": 0}


def test_a_retired_model_warns_and_without_any_left_it_is_critical(
    world: World, tmp_path: Path
) -> None:
    world.huggingface.set_model("black-forest-labs/FLUX.1-schnell", "none")
    code, targets = once(world, tmp_path)
    assert code == 1
    assert targets[FIRST]["status"] == "ok"
    world.huggingface.set_model("stabilityai/stable-diffusion-3-medium-diffusers", "missing")
    code, targets = once(world, tmp_path)
    assert (code, targets[FIRST]["cause"], targets[FIRST]["status"]) == (
        2, "model_missing", "critical",
    )  # fmt: skip


def test_whoamis_own_429_is_ok_where_the_hub_accepted_the_key(
    world: World, tmp_path: Path
) -> None:
    world.huggingface.whoami_limit = 0  # its own, strict one; the Hub's is far from empty
    _, targets = once(world, tmp_path)
    assert targets[KEY]["cause"] == "rate_limited"
    assert targets[KEY]["status"] == "ok"
    assert targets[KEY]["summary"] == "accepted by the Hub; whoami is rate-limited"


def test_no_key_is_not_configured_and_the_others_run(world: World, tmp_path: Path) -> None:
    path = config(world, tmp_path)
    path.write_text(path.read_text().replace("${KIE_API_KEY}", "${NO_SUCH_KEY:-}"))
    result = monitor(path, "--once", "--format", "json")
    targets = {t["target"]: t for t in json.loads(result.stdout)["targets"]}
    assert targets[KIE]["cause"] == "not_configured"
    assert targets[KIE]["status"] == "unknown"  # a balance nobody can read is not fine
    assert targets[KEY]["cause"] == "ok"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--only", "nothing/*"), 64),
        (("--format", "yaml"), 64),
        (("--nonsense",), 64),
        (("nonsense",), 64),
        (("--fail-on", "sometimes"), 64),
    ],
)
def test_wrong_usage_is_64(
    world: World, tmp_path: Path, words: tuple[str, ...], code: int
) -> None:
    once_or_not = () if words == ("nonsense",) else ("--once",)
    result = monitor(config(world, tmp_path), *once_or_not, *words)
    assert result.returncode == code
    assert result.stderr
    assert "Traceback" not in result.stderr


def test_what_is_below_fail_on_exits_0(world: World, tmp_path: Path) -> None:
    world.kie.answer = "error-500"
    path = config(world, tmp_path)
    codes = [
        monitor(path, "--once", "--fail-on", level).returncode
        for level in ("critical", "warning", "unknown")
    ]
    assert codes == [0, 0, 3]


def test_a_missing_config_is_78_and_says_where_it_looked(tmp_path: Path) -> None:
    result = monitor(tmp_path / "none.yaml", "--once")
    assert result.returncode == 78
    assert "none.yaml" in result.stderr


def test_text_names_every_target_and_its_state(world: World, tmp_path: Path) -> None:
    world.kie.answer = "unauthorized"
    result = monitor(config(world, tmp_path), "--once")
    for target in (KIE, KEY, FIRST):
        assert target in result.stdout
    assert "CRITICAL" in result.stdout
    assert "\x1b[" not in result.stdout


def test_junit_has_a_case_per_target(world: World, tmp_path: Path) -> None:
    world.kie.answer = "maintenance-455"
    world.huggingface.set_model("black-forest-labs/FLUX.1-schnell", "none")
    result = monitor(config(world, tmp_path), "--once", "--format", "junit")
    cases = {c.get("name"): c for c in ET.fromstring(result.stdout).iter("testcase")}  # noqa: S314 - our own
    assert cases[KIE].find("error") is not None
    flux = cases["huggingface/model/black-forest-labs/FLUX.1-schnell"]
    assert flux.find("failure") is not None
    assert list(cases[FIRST]) == []


def test_github_annotates_what_is_not_ok_and_nothing_else(world: World, tmp_path: Path) -> None:
    path = config(world, tmp_path)
    good = monitor(path, "--once", "--format", "github")
    assert not [line for line in good.stdout.splitlines() if line.startswith("::")]
    world.kie.answer = "unauthorized"
    summary = tmp_path / "summary.md"
    bad = monitor(path, "--once", "--format", "github", GITHUB_STEP_SUMMARY=str(summary))
    assert [line for line in bad.stdout.splitlines() if line.startswith("::error")]
    assert KIE in summary.read_text()


def test_nagios_says_one_line(world: World, tmp_path: Path) -> None:
    result = monitor(config(world, tmp_path), "--once", "--format", "nagios")
    assert result.stdout.startswith("MONITOR OK - ")
    assert "'kie/balance'=12480.25" in result.stdout
    assert len(result.stdout.strip().splitlines()) == 1


def test_prometheus_is_the_text_of_metrics(world: World, tmp_path: Path) -> None:
    output = tmp_path / "monitor.prom"
    monitor(config(world, tmp_path), "--once", "--format", "prometheus", "--output", str(output))
    text = output.read_text()
    assert 'monitor_balance{account="kie",provider="kie",unit="credits"} 12480.25' in text
    assert "process_cpu" not in text


def test_a_cron_job_with_notify_tells_once(world: World, tmp_path: Path) -> None:
    from postbox import Mailbox, in_thread

    with in_thread(Mailbox()) as box:
        path = config(
            world,
            tmp_path,
            receivers="receivers: {oncall: {email: {to: [a@example.com], from: m@example.com, "
            f"smtp: {{host: 127.0.0.1, port: {box.port}, tls: none}}}}}}}}\n",
        )
        world.kie.answer = "unauthorized"
        for _ in range(3):
            assert monitor(path, "--once", "--notify").returncode == 2
        world.kie.answer = "ok"
        assert monitor(path, "--once", "--notify").returncode == 0
        subjects = [m.message["X-Monitor-Notification"] for m in box.wait_blocking(2)]
    assert subjects == ["opened", "resolved"]


def test_a_part_that_is_asked_for_closes_nothing_of_the_rest(world: World, tmp_path: Path) -> None:
    from postbox import Mailbox, in_thread

    with in_thread(Mailbox()) as box:
        smtp = f"{{host: 127.0.0.1, port: {box.port}, tls: none}}"
        email = f"{{to: [a@example.com], from: m@example.com, smtp: {smtp}}}"
        path = config(world, tmp_path, receivers=f"receivers: {{oncall: {{email: {email}}}}}\n")
        world.kie.answer = "unauthorized"
        assert monitor(path, "--once", "--notify").returncode == 2
        assert monitor(path, "--once", "--notify", "--only", "huggingface/*").returncode == 0
        assert monitor(path, "--once", "--notify").returncode == 2
        kinds = [m.message["X-Monitor-Notification"] for m in box.wait_blocking(1)]
    assert kinds == ["opened"]


def test_the_whole_ends_by_timeout_and_people_are_told_within_it(
    world: World, tmp_path: Path
) -> None:
    from postbox import Mailbox, in_thread

    there(world, lambda: setattr(world.kie, "fault", "hang"))
    world.huggingface.token = "rejected"
    with in_thread(Mailbox()) as box:
        smtp = f"{{host: 127.0.0.1, port: {box.port}, tls: none}}"
        email = f"{{to: [a@example.com], from: m@example.com, smtp: {smtp}}}"
        path = config(world, tmp_path, receivers=f"receivers: {{oncall: {{email: {email}}}}}\n")
        path.write_text(path.read_text().replace("timeout: 2s", "timeout: 5m"))
        words = ("--once", "--notify", "--timeout", "4", "--format", "json")
        result = monitor(path, *words)
        (told,) = box.wait_blocking(1)
    targets = {t["target"]: t for t in json.loads(result.stdout)["targets"]}
    assert (targets[KIE]["cause"], targets[KIE]["status"]) == ("timed_out", "unknown")
    assert (targets[KEY]["cause"], result.returncode) == ("key_rejected", 2)
    assert told.message["X-Monitor-Target"] == KEY


def test_what_is_remembered_of_a_target_is_no_answer_where_none_came_in_time(
    world: World, tmp_path: Path
) -> None:
    path = config(world, tmp_path)
    assert monitor(path, "--once", "--notify").returncode == 0
    result = monitor(path, "--once", "--timeout", "1ms", "--format", "json")
    said = {t["target"]: (t["cause"], t["status"]) for t in json.loads(result.stdout)["targets"]}
    assert set(said.values()) == {("timed_out", "unknown")}
    assert result.returncode == 3


def test_an_unwritable_step_summary_is_one_line(world: World, tmp_path: Path) -> None:
    result = monitor(
        config(world, tmp_path), "--once", "--format", "github", GITHUB_STEP_SUMMARY="/no/where"
    )
    assert result.returncode == 0
    assert "Traceback" not in result.stderr
    assert "/no/where" in result.stderr
