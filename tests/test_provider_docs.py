"""What the docs and `monitor providers` say of providers is what their files declare."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.build import load_settings
from monitor.cli.commands import app
from monitor.providers import load_providers

ROOT = Path(__file__).parent.parent
SPECS = {name: provider.spec for name, provider in load_providers().items()}
PAGE = (ROOT / "docs" / "providers.md").read_text()


@pytest.mark.parametrize("name", SPECS)
def test_the_example_in_the_docs_loads(name: str, tmp_path: Path) -> None:
    section = PAGE.split(f"\n## {name}\n")[1]
    example = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)[0]
    path = tmp_path / "config.yaml"
    for text in (example, re.sub("^( +)# ", r"\1", example, flags=re.MULTILINE)):  # optional, too
        path.write_text(text)
        keys = {f"{name.upper()}_{kind}_KEY": "planted" for kind in ("API", "ADMIN")}
        settings = load_settings(str(path), keys)
        assert [a.provider for a in settings.accounts] == [name]
        asked = {t.target.check for t in settings.targets}
        checks = {c: declared for c, declared in SPECS[name].checks.items() if declared.default}
        written = settings.accounts[0].fields
        assert asked == {c for c, own in checks.items() if not own.field or written[own.field]}


@pytest.mark.parametrize("name", SPECS)
def test_the_page_says_what_the_file_declares(name: str) -> None:
    spec, section = SPECS[name], PAGE.split(f"\n## {name}\n")[1].split("\n## ")[0]
    limits = [check.limit.source for check in spec.checks.values() if check.limit]
    words = [spec.title, spec.docs, spec.key, spec.knows, *limits, *spec.checks]
    for said in (*words, *(f"{own.name}: " for own in spec.fields)):
        assert said in section


def test_the_command_says_the_same() -> None:
    text = CliRunner().invoke(app, ["providers"]).output
    found = json.loads(CliRunner().invoke(app, ["providers", "--format", "json"]).output)
    assert list(found) == sorted(SPECS)
    for name, spec in SPECS.items():
        limits = [check.limit.source for check in spec.checks.values() if check.limit]
        for said in (spec.title, spec.docs, spec.key, spec.knows, *limits):
            assert said in text
        assert found[name]["knows"] == spec.knows
        assert {f["name"] for f in found[name]["fields"]} == {f.name for f in spec.fields}
        assert found[name]["checks"].keys() == {check.value for check in spec.checks}
