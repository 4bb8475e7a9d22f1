"""The documentation says what the code does."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
_spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
assert _spec is not None
assert _spec.loader is not None
build = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(build)


@pytest.mark.parametrize("place", build.PAGES)
def test_a_page_made_from_the_code_is_up_to_date(place: str) -> None:
    assert (ROOT / place).read_text() == build.PAGES[place](), "run `make docs`"


def pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", pages(), ids=lambda p: p.name)
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    for address in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text()):
        assert (page.parent / address).exists(), f"{page.name}: {address}"


@pytest.mark.parametrize("page", pages(), ids=lambda p: p.name)
def test_every_file_named_in_the_docs_exists(page: Path) -> None:
    house = {p.name for p in ROOT.rglob("*.py") if ".venv" not in p.parts}
    for name in re.findall(r"`(?:[a-z_]+/)*([a-z_]+\.py)`", page.read_text()):
        assert name in house, f"{page.name}: {name}"


def test_every_command_in_the_readme_exists() -> None:
    from monitor.cli.commands import app

    known = {
        c.name or (c.callback.__name__ if c.callback else "") for c in app.registered_commands
    }
    text = (ROOT / "README.md").read_text()
    for word in re.findall(r"^\s+monitor ([a-z][a-z-]+)", text, re.MULTILINE):
        assert word in known, word
    for name in known:
        assert f"monitor {name}" in text, f"README does not name {name}"


def test_the_readmes_config_loads_as_it_stands(tmp_path: Path) -> None:
    from monitor.build import load_settings

    (block,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    path = tmp_path / "config.yaml"
    path.write_text(block)
    keys = {"HUGGINGFACE_API_KEY": "a", "KIE_API_KEY": "b", "SMTP_PASSWORD": "c"}
    settings = load_settings(str(path), keys)
    assert [a.name for a in settings.accounts] == ["huggingface", "kie"]
