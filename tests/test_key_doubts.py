"""A key that looks wrong is a warning with its place, never a fault, and never shown."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from catalogue import CATALOGUE
from living import config, daemon, monitor, world_in_thread

from monitor.config import load

KEY = "hf_planted-key-0001"
BLANKS = "accounts.huggingface.key: has blanks or line breaks around it, which are left out"
QUOTES = "has quotes around it, which the provider would take for a part of it"
KEYLESS = (
    "there is no key: nothing is asked with it, and nobody is told of it; `enabled: false` says "
    "that this is meant"
)
LOOKS = "does not look like a key of Hugging Face, which begins with hf_"

GIVEN = [
    ("key: '${K}'", KEY, KEY, []),
    ("key: '${K}'", "", "", [f"accounts.huggingface.key: {KEYLESS}"]),
    ("key: '${K}'", f"{KEY}\n", KEY, [BLANKS]),
    ("key: '${K}'", f" \t{KEY} ".replace("\t", ""), KEY, [BLANKS]),
    ("key: '${K}'", f"'{KEY}'", f"'{KEY}'", [f"accounts.huggingface.key: {QUOTES}"]),
    ("key: '${K}'", f'"{KEY}"', f'"{KEY}"', [f"accounts.huggingface.key: {QUOTES}"]),
    ("key: '${K}'", f"Bearer {KEY}", f"Bearer {KEY}",
     ["accounts.huggingface.key: begins with Bearer, which is put before it anyway: write the key "
      "alone"]),
    ("key: '${K}'", "sk-planted-0002", "sk-planted-0002", [f"accounts.huggingface.key: {LOOKS}"]),
    ("key: '${K}'", "hf_planted key", "hf_planted key",
     ["accounts.huggingface.key: has a blank in it: see whether all of it belongs to the key"]),
    ("key_file: f", f"{KEY}\n", KEY, []),
    ("key_file: f", f" {KEY} \r\n\n", KEY, [BLANKS.replace(".key:", ".key_file:")]),
    ("key_file: f", "sk-planted-0002", "sk-planted-0002",
     [f"accounts.huggingface.key_file: {LOOKS}"]),
]  # fmt: skip


@pytest.mark.parametrize(("line", "value", "key", "doubts"), GIVEN)
def test_what_is_odd_in_a_key_is_noted_with_its_place(
    tmp_path: Path, line: str, value: str, key: str, doubts: list[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"accounts:\n  huggingface:\n    {line}\n    models: [a/b]\n")
    (tmp_path / "f").write_bytes(value.encode())
    (tmp_path / "f").chmod(0o600)
    found = load(str(path), CATALOGUE, {"K": value})
    assert found.accounts[0].key.reveal() == key
    column = 5 + len(line.split(" ")[0]) + 1
    said = [doubt.replace(": ", ": warning: ", 1) for doubt in doubts]
    assert of_keys(found.doubts) == [f"{path}:3:{column}: {doubt}" for doubt in said]
    assert not any("planted" in d.replace(str(tmp_path), "") for d in found.doubts)


def of_keys(doubts: Iterable[str]) -> list[str]:
    """Without what is odd of the config as a whole: that nobody is told."""
    return [doubt for doubt in doubts if ": receivers: " not in doubt]


def test_a_provider_that_says_nothing_of_its_keys_takes_any(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("accounts: {kie: {key: sk-planted-0002}}\n")
    assert of_keys(load(str(path), CATALOGUE, {}).doubts) == []


CONFIG = "accounts:\n  huggingface: {key: sk-planted-0002, models: [a/b]}\n"


def test_check_config_warns_beside_the_effective_config_and_exits_0(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    result = monitor(path, "check-config")
    assert result.returncode == 0
    (said,) = of_keys(result.stderr.splitlines())
    assert said.startswith(
        f"{path}:2:22: accounts.huggingface.key: warning: does not look like a key of Hugging Face"
    )
    assert "planted" not in (result.stderr + result.stdout).replace(str(tmp_path), "")
    assert "warning:" not in result.stdout


def test_the_daemon_says_it_in_its_log_at_the_start_and_runs(tmp_path: Path) -> None:
    with world_in_thread() as world:
        path = config(world, tmp_path)
        with daemon(path, HUGGINGFACE_API_KEY="sk-planted-0002") as living:
            living.until(lambda: living.get("/-/ready")[0] == 200)
            assert living.stop() == 0
    odd = [line for line in living.log if "the config looks odd" in line]
    said = [line for line in odd if "accounts.huggingface.key:" in line]
    assert len(said) == 1
    assert "does not look like a key of Hugging Face" in said[0]
    assert "sk-planted" not in "\n".join(living.log)
