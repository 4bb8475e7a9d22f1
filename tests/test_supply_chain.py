"""What is installed is what was tested, file by file; what lint lets pass has a reason."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TESTED = "requirements-dev.txt"
PINNED = (TESTED, "requirements.txt", ".ci/build.txt", ".ci/tools.txt")
Pins = dict[str, frozenset[str]]


def pins(name: str) -> Pins:
    """Each line of a file of pins (name, version, where it holds) with the hashes under it."""
    text = (ROOT / name).read_text()
    found = re.findall(r"^(\S+==[^\\\n]+?) \\\n((?:    --hash=.*\n)+)", text, re.MULTILINE)
    return {
        re.sub(r"\[.*?\]", "", line): frozenset(re.findall(r"sha256:([0-9a-f]{64})", hashes))
        for line, hashes in found
    }


@pytest.mark.parametrize("name", PINNED)
def test_every_pin_is_one_version_with_its_hashes(name: str) -> None:
    lines = re.findall(r"^[^\s#].*$", (ROOT / name).read_text(), re.MULTILINE)
    found = pins(name)
    assert len(found) == len(lines) > 0
    assert all(found.values())


@pytest.mark.parametrize("name", ["requirements.txt", ".ci/build.txt"])
def test_what_production_installs_is_what_the_tests_ran_with(name: str) -> None:
    tested = pins(TESTED)
    assert {line: tested.get(line) for line in pins(name)} == pins(name)


def test_production_has_all_that_the_program_needs_and_nothing_of_development() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    wanted = [*project["project"]["dependencies"], *extras["apprise"], *extras["charts"]]
    installed = {line.partition("==")[0] for line in pins("requirements.txt")}
    assert {re.split(r"[<>=\[ ]", want)[0] for want in wanted} <= installed
    assert installed.isdisjoint({"pytest", "mypy", "ruff", "hypothesis", "playwright", "aiosmtpd"})


def test_the_source_distribution_holds_all_that_its_tests_open(tmp_path: Path) -> None:
    build = "import sys; from hatchling.build import build_sdist; build_sdist(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, tmp_path], cwd=ROOT, check=True)
    (archive,) = tmp_path.iterdir()
    with tarfile.open(archive) as packed:
        held = {name.split("/")[1] for name in packed.getnames()}
    tests = "".join(p.read_text() for p in (ROOT / "tests").glob("*.py"))
    named = {n for n in re.findall(r'\bROOT / "([^"/]+)', tests) if (ROOT / n).exists()}
    folders = {p.parent.name for p in ROOT.glob("[a-z]*/*.py")}
    assert len(named) > 10
    assert {"tests", "grafana", "benchmarks"} <= folders
    assert sorted((named | folders | {"Makefile", ".ci", *PINNED[:2]}) - held) == []


def test_everything_that_lint_lets_pass_for_safety_says_why() -> None:
    """ruff's S rules are bandit's: an exception without a reason is not one."""
    ours = [p for p in ROOT.rglob("*.py") if not {".venv", "dist"} & set(p.parts)]
    lines = [f"{p.name}: {line}" for p in ours for line in p.read_text().splitlines()]
    passed = [line for line in lines if re.search(r"# noqa: [A-Z0-9, ]*\bS\d{3}", line)]
    assert len(passed) > 20
    assert [line for line in passed if not re.search(r"\bS\d{3}\b.* - \S", line)] == []


def test_every_rule_that_is_off_says_why() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    block = re.search(r"^ignore = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    assert [line for line in block[1].splitlines() if "#" not in line] == []
