"""`monitor init`: what it asks, what it writes, what it says of the keys, what it never does."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from admitted import errors
from living import environment, there, world_in_thread
from terminal import terminal

from monitor.build import catalogue
from monitor.cli import main
from monitor.config import ConfigFaults
from monitor.config.load import loads, variables
from monitor.config.starter import Mail, Wanted, required, starter
from monitor.core.settings import Settings
from monitor.demo.world import World

CATALOGUE = catalogue()
TO = ("a@example.com", "Ops, at night <b@example.com>")
MAIL = Mail(TO, "m@example.com", "smtp.example.com", username="monitor")


def meant(text: str) -> Settings:
    """What a written config means once its variables are set."""
    env = dict.fromkeys(variables("config.yaml", text), "https://planted.example.com/x")
    return loads("config.yaml", text, CATALOGUE, env)


def uncommented(text: str) -> str:
    """Every line that could be a key's, switched on."""
    return re.sub(r"^( *)# (?= *[\w-]+:(?: |$)| +- )", r"\1", text, flags=re.MULTILINE)


@pytest.mark.parametrize("name", CATALOGUE.providers)
def test_every_provider_has_an_account_that_is_sound(name: str) -> None:
    given = dict.fromkeys(required(CATALOGUE.providers[name]), "https://x.example.com")
    text = starter(CATALOGUE, Wanted({name: given}, MAIL, webhook=True))
    settings = meant(text)
    assert [a.provider for a in settings.accounts] == [name]
    assert [r.name for r in settings.receivers] == ["mail", "hook"]
    assert settings.receivers[0].addresses == MAIL.to
    assert errors(text, CATALOGUE) == []


def test_the_comments_of_the_file_are_keys_that_are_sound_as_well() -> None:
    text = starter(CATALOGUE, Wanted({"kie": {}}))
    assert meant(text).receivers == ()
    body = text[text.index("defaults:") :].replace("huggingface/model/", "kie/")
    settings = meant(uncommented(body))
    assert [r.name for r in settings.receivers] == ["mail", "hook"]
    assert settings.accounts[0].jobs
    assert [s.name for s in settings.services] == ["image-generation"]
    assert "credits-low" in [r.name for r in settings.rules]


@pytest.mark.parametrize(
    "value", ["a: b", "x #y", "no", "0123", "''", "[a/b, c/d]", "{a: 1}", "- a", "${NAME}", "é"]
)
def test_a_value_that_is_set_stays_one_value(value: str) -> None:
    text = starter(CATALOGUE, Wanted({"kie": {"was": value}}))
    found = yaml.safe_load(text)["accounts"]["kie"]["was"]
    listed = {"[a/b, c/d]": ["a/b", "c/d"], "{a: 1}": {"a": 1}}
    assert found == listed.get(value, value)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with world_in_thread() as made:
        yield made


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in an environment with one key."""
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.endswith(("_API_KEY", "_PASSWORD"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KIE_API_KEY", "kie-demo-key")
    return tmp_path


def init(*words: str) -> int | None:
    with pytest.raises(SystemExit) as end:
        main(["init", *words])
    code = end.value.code
    assert isinstance(code, int)
    return code


def test_flags_write_a_file_without_a_key_and_say_what_the_keys_are_worth(
    here: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    at = f"kie.base_url={world.kie_url}"
    words = ["--provider", "kie", "--provider", "openai", "--set", at, "--email", "a@example.com",
             "--smtp-host", "smtp.example.com", "--smtp-username", "monitor"]  # fmt: skip
    assert init(*words) == 0
    said, text = capsys.readouterr().out, (here / "config.yaml").read_text()
    assert (
        said
        == """\
config.yaml is written.
  kie: the key is valid: 12480.25 credits
  openai: $OPENAI_API_KEY is not set: not tried

Next:
  export OPENAI_API_KEY=...
  export SMTP_PASSWORD=...
  monitor check-config        # what is wrong, what is unwise, what it means
  monitor --once              # ask every target once
  monitor test-receiver mail  # send a real message
  monitor                     # run; the page is http://127.0.0.1:9877/
"""
    )
    assert "kie-demo-key" not in text + said
    assert [a.name for a in meant(text).accounts] == ["kie", "openai"]
    assert {p.name for p in here.iterdir()} == {"config.yaml"}


@pytest.mark.parametrize(
    ("answer", "fault", "words"),
    [
        ("unauthorized", None, "the key is refused: KIE rejects the key"),
        ("insufficient-402", None, "the key is known, but: "),
        ("ok", "refused", "the key could not be tried: "),
    ],
)
def test_a_key_that_is_worth_nothing_is_said_so(
    here: Path, world: World, capsys: pytest.CaptureFixture[str], answer: str,
    fault: str | None, words: str,
) -> None:  # fmt: skip
    world.kie.answer = answer
    there(world, lambda: setattr(world.kie, "fault", fault))
    try:
        assert init("--provider", "kie", "--set", f"kie.base_url={world.kie_url}") == 0
    finally:
        world.kie.answer = "ok"
        there(world, lambda: setattr(world.kie, "fault", None))
    assert f"  kie: {words}" in capsys.readouterr().out


REFUSED = [
    ("--provider kei", "--provider: 'kei' is no provider, did you mean kie?\n"),
    ("--provider twilio", "twilio needs account_sid (the SID of the main account): --set "
     "twilio.account_sid=VALUE\n"),
    ("--provider kie --set kie", "--set kie: write PROVIDER.FIELD=VALUE\n"),
    ("--provider kie --set fal.was=x", "--set fal.was=x: 'fal' is not among --provider\n"),
    ("--provider kie --set kie.key=planted-0001", "--set kie.key: a secret is not written into "
     "the file: name a variable, such as '${NAME}'\n"),
    ("--provider kie --set kie.intervall=5m", "what was given does not make a config:\n"
     "accounts.kie.intervall: unknown key, did you mean interval?\n"),
    ("--provider kie --email a@example.com",
     "--email needs --smtp-host: the server that takes the mail\n"),
    ("--provider kie --email nobody --smtp-host smtp.example.com",
     "what was given does not make a config:\nreceivers.mail.email.to.0: 'nobody' is not an "
     "e-mail address such as oncall@example.com\n"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "said"), REFUSED)
def test_what_makes_no_config_is_refused_and_nothing_is_written(
    here: Path, capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    assert init(*words.split(" "), "--no-check") == 64
    assert capsys.readouterr() == ("", said)
    assert list(here.iterdir()) == []


def test_a_file_that_is_there_is_overwritten_only_when_it_is_said(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "config.yaml").write_text("mine")
    assert init("--provider", "kie", "--no-check") == 64
    assert capsys.readouterr().err == "config.yaml exists: --force overwrites it\n"
    assert (here / "config.yaml").read_text() == "mine"
    assert init("--provider", "kie", "--no-check", "--output", "-") == 0
    assert meant(capsys.readouterr().out).accounts[0].name == "kie"
    assert init("--provider", "kie", "--no-check", "--force") == 0
    assert meant((here / "config.yaml").read_text()).accounts[0].name == "kie"


def test_without_a_terminal_and_without_a_provider_it_says_what_there_is(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init() == 64
    assert "kie, kling" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "host", "port", "tls"),
    [("smtp.example.com", "smtp.example.com", 587, "starttls"),
     ("127.0.0.1:12525", "127.0.0.1", 12525, "starttls"),
     ("[::1]:25", "::1", 25, "starttls"),
     ("smtp.example.com:465", "smtp.example.com", 465, "implicit"),
     ("::1", "::1", 587, "starttls")],
)  # fmt: skip
def test_a_mail_server_may_be_given_with_its_port(
    here: Path, capsys: pytest.CaptureFixture[str], given: str, host: str, port: int, tls: str
) -> None:
    words = ("--provider", "kie", "--email", "a@example.com", "--smtp-host", given)
    assert init(*words, "--output", "-") == 0
    server = yaml.safe_load(capsys.readouterr().out)["receivers"]["mail"]["email"]["smtp"]
    assert [server[key] for key in ("host", "port", "tls")] == [host, port, tls]


def test_at_a_terminal_a_few_questions_do(tmp_path: Path) -> None:
    with terminal(["init", "--no-check"], tmp_path, environment(tmp_path)) as seen:
        seen.until("Which providers do you use: ")
        seen.type("huggingfase\n")
        assert "did you mean huggingface?" in seen.until("Which providers do you use: ")
        seen.type("huggingface, twilio\n")
        seen.until("(none: Enter): ")
        seen.type("a/b c/d\n")
        seen.until("account_sid (the SID of the main account): ")
        seen.type("AC-example\n")
        seen.until("(nobody: Enter): ")
        seen.type("a@example.com\n")
        seen.until("The mail server: ")
        seen.type("smtp.example.com:2525\n")
        seen.until("(none: Enter): ")
        seen.type("\n")
        assert seen.ended() == 0
    settings = meant((tmp_path / "config.yaml").read_text())
    assert settings.accounts[0].models == ("a/b", "c/d")
    assert settings.accounts[1].fields["account_sid"] == "AC-example"
    assert settings.receivers[0].addresses == ("a@example.com",)
    (server,) = settings.receivers[0].options["smtp"]  # type: ignore[misc]  # one relay
    assert (server["host"], server["port"]) == ("smtp.example.com", 2525)


def test_at_a_terminal_it_asks_before_it_overwrites(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("mine")
    words = ["init", "--provider", "kie", "--no-check"]
    with terminal(words, tmp_path, environment(tmp_path)) as seen:
        seen.until("config.yaml exists: overwrite it? [y/N]: ")
        seen.type("\n")
        assert seen.ended() == 130
    assert (tmp_path / "config.yaml").read_text() == "mine"


def test_a_text_that_is_no_config_has_no_variables() -> None:
    with pytest.raises(ConfigFaults):
        variables("config.yaml", "a: [")
    assert variables("c.yaml", "b: ${B}\na: [{c: '${C} ${B}'}, x]\n") == ("B", "C")
