"""A command needs the variables and files of what it uses, and those of nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from living import config, good_day, mail_to, monitor, world_in_thread
from postbox import Mailbox, in_thread

from monitor.demo.world import World

SECOND = "  second: {provider: kie, key: ${SECOND_KEY}, balance: {timeout: 2s}}\n"
THIRD = "  third: {provider: kie, key_file: nowhere, balance: {timeout: 2s}}\n"
MAIL = (
    "receivers:\n"
    "  lead: {webhook: {url: ${LEAD_URL}}}\n"
    "  oncall:\n"
    "    email:\n"
    "      to: [oncall@example.com]\n"
    "      from: m@example.com\n"
    "      smtp: {host: 127.0.0.1, port: 25, tls: none, username: m, password: ${MAIL_WORD}}\n"
)
WEB = 'web: {listen: "127.0.0.1:0", token: ${WEB_WORD}}\n'


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with world_in_thread() as made:
        good_day(made)
        yield made


def lacking(world: World, folder: Path) -> Path:
    """A config of which three accounts are asked for, and much is not there."""
    return config(world, folder, accounts=SECOND + THIRD, receivers=MAIL, web=WEB)


def missing(stderr: str) -> list[str]:
    """What is said not to be there, in the order it is said."""
    words = ("SECOND_KEY", "nowhere", "third.key_file", "LEAD_URL", "MAIL_WORD", "WEB_WORD")
    return [word for line in stderr.splitlines() for word in words if word in line]


EVERYTHING = ["SECOND_KEY", "third.key_file", "LEAD_URL", "MAIL_WORD", "WEB_WORD"]
NEEDED = [
    (("explain", "kie/balance"), 0, []),
    (("explain", "second/balance"), 78, ["SECOND_KEY"]),
    (("explain", "third/balance"), 78, ["third.key_file"]),
    (("explain", "third/key"), 78, ["third.key_file"]),
    (("explain", "nobody/balance"), 64, []),
    (("--once", "--only", "kie/*"), 0, []),
    (("--once", "--only", "*/balance"), 78, ["SECOND_KEY", "third.key_file"]),
    (("--once",), 78, ["SECOND_KEY", "third.key_file"]),
    (("--once", "--only", "kie/*", "--notify"), 78, EVERYTHING),
    (("--once", "--only", "nobody/*"), 64, []),
    (("test-receiver", "lead"), 78, ["LEAD_URL"]),
    (("test-receiver", "nobody"), 64, []),
    (("check-config",), 78, EVERYTHING),
    ((), 78, EVERYTHING),
    (("status",), 65, []),
]


@pytest.mark.parametrize(("words", "code", "named"), NEEDED, ids=[" ".join(n[0]) for n in NEEDED])
def test_what_a_command_does_not_use_need_not_be_there(
    world: World, tmp_path: Path, words: tuple[str, ...], code: int, named: list[str]
) -> None:
    result = monitor(lacking(world, tmp_path), *words)
    assert missing(result.stderr + (result.stdout if code == 78 else "")) == named
    assert result.returncode == code, result.stderr


def test_a_receiver_is_tested_without_the_keys_of_accounts(world: World, tmp_path: Path) -> None:
    with in_thread(Mailbox()) as box:
        path = config(world, tmp_path, accounts=SECOND, receivers=mail_to(box))
        result = monitor(path, "test-receiver", "oncall")
    assert result.stdout == "oncall@example.com: told\n", result.stderr


def test_what_is_wrong_stays_a_fault_wherever_it_stands(world: World, tmp_path: Path) -> None:
    path = config(world, tmp_path, accounts=SECOND, receivers="receivers: {lead: {webhok: {}}}\n")
    result = monitor(path, "explain", "kie/balance")
    assert result.returncode == 78
    assert "receivers.lead" in result.stderr
