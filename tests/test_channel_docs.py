"""What the docs say of channels is what their files declare, and the examples load."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pytest
import yaml

from monitor.build import catalogue, load_settings
from monitor.config.schema import schema
from monitor.core.spec import Field, FieldKind
from monitor.notifiers import channel_names
from monitor.notifiers._template import FIELDS

ROOT = Path(__file__).parent.parent
SPECS = catalogue().channels
PAGE = (ROOT / "docs" / "channels.md").read_text()
CLASHES = {  # of two ways to say the same, one has to go
    "alertmanager": ("token",), "ntfy": ("token",), "webhook": ("template_file",),
}  # fmt: skip


def section(name: str) -> str:
    return PAGE.split(f"\n## {name}\n")[1].split("\n## ")[0]


class Everything(dict[str, str]):
    """An environment in which every variable is set."""

    def __missing__(self, name: str) -> str:
        return "https://example.com/planted" if name.endswith("URL") else "planted"

    def __contains__(self, name: object) -> bool:
        return True

    def get(self, name: str, default: object = None) -> str:  # type: ignore[override]
        return "" if name in ("CREDENTIALS_DIRECTORY", "STATE_DIRECTORY") else self[name]


def test_every_channel_has_its_section() -> None:
    assert re.findall(r"^## (.*)$", PAGE, re.MULTILINE) == list(channel_names())


def names_of(fields: tuple[Field, ...]) -> list[str]:
    return [name for f in fields for name in (f.name, *names_of(f.fields))]


@pytest.mark.parametrize("name", SPECS)
def test_the_page_says_what_the_file_declares(name: str) -> None:
    spec = SPECS[name]
    words = [spec.title, spec.docs, spec.knows, *(f"{n}:" for n in names_of(spec.fields))]
    assert [said for said in words if said not in section(name)] == []


@pytest.mark.parametrize("optional", [False, True], ids=["the least", "everything"])
@pytest.mark.parametrize("name", SPECS)
def test_the_example_in_the_docs_loads(name: str, optional: bool, tmp_path: Path) -> None:
    example = re.findall(r"```yaml\n(.*?)```", section(name), re.DOTALL)[0]
    if optional:
        example = re.sub("^( +)# ", r"\1", example, flags=re.MULTILINE)
        for field in CLASHES.get(name, ()):
            example = re.sub(f"^ +{field}: .*\n", "", example, flags=re.MULTILINE)
    path = tmp_path / "config.yaml"
    path.write_text("accounts: {kie: {key: x}}\n" + example)
    (found,) = load_settings(str(path), Everything()).receivers
    assert found.channel == name
    jsonschema.validate(yaml.safe_load(path.read_text()), schema(catalogue()))


def test_a_template_of_several_lines_loads_as_the_docs_write_it(tmp_path: Path) -> None:
    example = re.findall(r"```yaml\n(.*?)```", section("webhook"), re.DOTALL)[1]
    path = tmp_path / "config.yaml"
    path.write_text("accounts: {kie: {key: x}}\n" + example)
    (found,) = load_settings(str(path), Everything()).receivers
    assert str(found.options["template"]).count("\n") == 2
    jsonschema.validate(yaml.safe_load(path.read_text()), schema(catalogue()))


def test_every_secret_of_a_channel_is_masked_everywhere(tmp_path: Path) -> None:
    for name, spec in SPECS.items():
        secrets = [f.name for f in spec.fields if f.kind is FieldKind.SECRET]
        example = re.findall(r"```yaml\n(.*?)```", section(name), re.DOTALL)[0]
        path = tmp_path / f"{name}.yaml"
        path.write_text("accounts: {kie: {key: x}}\n" + example)
        (found,) = load_settings(str(path), Everything()).receivers
        written = [s for s in secrets if found.options.get(s)]
        assert all("planted" not in str(found.options[s]) for s in written)
        assert "planted" not in repr(found)


def test_the_templates_values_are_all_explained() -> None:
    table = section("webhook").split("| name | what it is |")[1]
    rows: Mapping[str, str] = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE))
    assert rows == {name: words for name, (words, _) in FIELDS.items()}
