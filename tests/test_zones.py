"""`timezone:` in the config: a name that means the same everywhere, or a fault in words."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from catalogue import CATALOGUE
from living import monitor

from monitor.config import ConfigFaults, load
from monitor.config.load import effective
from monitor.core.settings import Settings

ACCOUNTS = "accounts: {kie: {key: planted}}\n"


def loaded(folder: Path, line: str = "", **env: str) -> Settings:
    path = folder / "config.yaml"
    path.write_text(ACCOUNTS + line)
    return load(str(path), CATALOGUE, env)


@pytest.mark.parametrize("line", ["", "timezone: UTC", "timezone:"])
def test_without_a_name_it_is_utc(tmp_path: Path, line: str) -> None:
    assert loaded(tmp_path, line).timezone is UTC


def test_a_zone_is_read_by_its_name_and_said_by_it(tmp_path: Path) -> None:
    assert loaded(tmp_path, "timezone: Europe/Berlin").timezone == ZoneInfo("Europe/Berlin")
    said = effective(str(tmp_path / "config.yaml"), CATALOGUE, {})
    assert "timezone: Europe/Berlin\n" in said
    (tmp_path / "config.yaml").write_text(said)
    again = load(str(tmp_path / "config.yaml"), CATALOGUE, {})
    assert again.timezone == ZoneInfo("Europe/Berlin")


def test_a_zone_may_come_from_the_environment(tmp_path: Path) -> None:
    found = loaded(tmp_path, "timezone: ${TZ_NAME}", TZ_NAME="Asia/Kolkata")
    assert found.timezone == ZoneInfo("Asia/Kolkata")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Europe/Berln", "did you mean Europe/Berlin?"),
        ("europe/berlin", "did you mean Europe/Berlin?"),
        ("Berlin", "did you mean Europe/Berlin?"),
        ("Europe", "is no time zone such as Europe/Berlin"),
        ("../../../etc/passwd", "is no time zone such as Europe/Berlin"),
        ("/etc/localtime", "is no time zone such as Europe/Berlin"),
        ("localtime", "is no time zone such as Europe/Berlin"),
        ("'x\\0y'", "is no time zone such as Europe/Berlin"),
        ("5", "put it in quotes"),
        ("[UTC]", "must be text, not a list"),
    ],
)
def test_what_is_no_zone_is_a_fault_with_its_place(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(ConfigFaults) as caught:
        loaded(tmp_path, f"timezone: {name}")
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{tmp_path}/config.yaml:2:11: timezone: ")
    assert words in line


def test_what_a_variable_holds_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigFaults) as caught:
        loaded(tmp_path, "timezone: ${TZ_NAME}", TZ_NAME="planted-0001")
    assert "planted" not in str(caught.value)


def test_a_machine_without_zones_says_what_to_install(tmp_path: Path) -> None:
    none = tmp_path / "none" / "tzdata"
    none.mkdir(parents=True)
    (none / "__init__.py").write_text("raise ImportError")
    bare = {"PYTHONTZPATH": "", "PYTHONPATH": str(none.parent)}
    path = tmp_path / "config.yaml"
    path.write_text(ACCOUNTS + "timezone: Europe/Berlin\n")
    result = monitor(path, "check-config", **bare)
    assert result.returncode == 78
    assert "install tzdata" in result.stdout
    path.write_text(ACCOUNTS + "timezone: UTC\n")
    assert monitor(path, "check-config", **bare).returncode == 0
