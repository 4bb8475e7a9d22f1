"""The example, the reference and the JSON Schema say what the code does."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from admitted import errors
from catalogue import CATALOGUE

from monitor.config import ConfigFaults, load
from monitor.config.reference import reference
from monitor.config.schema import schema
from monitor.core.spec import Catalogue, ProviderSpec
from monitor.http import Door
from monitor.notifiers import load_notifiers
from monitor.providers import load_providers

ROOT = Path(__file__).parent.parent
ENV = {
    "HUGGINGFACE_API_KEY": "hf_planted-key-0001",
    "KIE_API_KEY": "kie-planted-key-0002",
    "SMTP_PASSWORD": "planted-0003",
    "OPS_WEBHOOK_URL": "https://hooks.example.com/planted-0004",
    "OPS_WEBHOOK_SECRET": "planted-secret-0005",
}


@pytest.fixture(scope="module")
def real() -> Catalogue:
    """What the program itself declares."""
    return Catalogue(
        providers={name: provider.spec for name, provider in load_providers().items()},
        channels={name: notifier.spec for name, notifier in load_notifiers(Door()).items()},
    )


# -- what is in the repository --------------------------------------------------------------


def test_the_reference_in_docs_is_that_of_the_code(real: Catalogue) -> None:
    found = (ROOT / "docs" / "config.md").read_text()
    assert found == reference(real), "run `make docs`"


def test_the_schema_in_the_repository_is_that_of_the_code(real: Catalogue) -> None:
    found = json.loads((ROOT / "monitor.schema.json").read_text())
    assert found == schema(real), "run `make docs`"


def test_the_example_loads_with_the_real_providers_and_notifiers(real: Catalogue) -> None:
    found = load(str(ROOT / "config.yaml"), real, ENV)
    names = [settings.target.name for settings in found.targets]
    assert "kie/balance" in names
    assert "huggingface/key" in names
    assert "huggingface/model/black-forest-labs/FLUX.1-schnell" in names
    assert [(r.name, r.channel) for r in found.receivers] == [
        ("oncall", "email"),
        ("lead", "webhook"),
    ]


def test_the_example_is_what_the_schema_admits(real: Catalogue) -> None:
    text = (ROOT / "config.yaml").read_text()
    assert errors(text, real) == []
    assert text.startswith("# yaml-language-server: $schema=./monitor.schema.json\n")


def test_every_real_provider_takes_an_account_with_nothing_but_what_it_requires(
    real: Catalogue, tmp_path: Path
) -> None:
    for name, spec in real.providers.items():
        lines = [
            f"  {f.name}: {_sample(f.kind.value, f.choices)}"
            for f in spec.fields
            if f.required or f.name == _asked_by(spec)
        ]
        models = ["  models: [a/b]"] if {"model", "inference"} & set(spec.checks) else []
        urls = [f"  {key}: https://example.com" for key, origin in spec.urls.items() if not origin]
        text = "\n".join([f"{name}:", "  key: key-planted-0001", *models, *urls, *lines])
        path = tmp_path / f"{name}.yaml"
        path.write_text("accounts:\n" + "\n".join(f"  {line}" for line in text.splitlines()))
        assert load(str(path), real, {}).targets, name
        assert errors(path.read_text(), real) == [], name


def _asked_by(spec: ProviderSpec) -> str:
    """The field that a provider needs to be asked anything at all; nothing: it needs none."""
    fields = [check.field for check in spec.checks.values()]
    return fields[0] if all(fields) else ""


def _sample(kind: str, choices: tuple[str, ...]) -> str:
    if choices:
        return choices[0]
    samples = {"url": "https://example.com", "duration": "5s", "integer": "1", "number": "1"}
    return samples.get(kind, "{}" if kind in ("map", "table") else "text")


# -- the schema and the reader agree --------------------------------------------------------

GOOD = [
    "accounts: {kie: {key: x}}",
    "accounts: {kie: }",
    "accounts: {mine: {provider: kie, floor: 5, base_url: 'http://127.0.0.1:1'}}",
    "accounts: {kie: {provider: huggingface, models: [a/b], key_check: {interval: 1s}}}",
    "accounts: {kie: {balance: {interval: 1m..15m}, jobs: {a: 0.5}, usage: {a: 40/day}}}",
    "accounts: {openai: {days: 3, admin_key_file: a}}",
    "accounts: {kie: {floor: '${FLOOR:-5}', timeout: '${T:-3s}', enabled: '${E:-true}'}}",
    "accounts: {kie: {}}\nalerts: [{name: burn-spike, enabled: false}]",
    "accounts: {kie: {}}\nservices: {v: {needs: kie/balance, tell_customers: hello}}",
    "accounts: {kie: {}}\nreceivers: {r: {webhook: {url: 'https://h.example.com'}}}",
    "accounts: {kie: {}}\nflapping: off",
    "accounts: {kie: {}}\nflapping: {more_than: 2, within: 90s, enabled: true}",
    "accounts: {kie: {}}\nreceivers: {r: {webhook: {url: 'https://h.example.com'},"
    " remind_every: 1h..24h, follow_up: 24h}}",
    "accounts: {kie: {}}\nweb: {listen: '[::1]:0', token: x, users: {a: b}}\ndatabase: m.db",
]
BAD = [
    "accounts: {}",
    "web: {}",
    "accounts: {Kie: {provider: kie}}",
    "accounts: {kie: {intervall: 5m}}",
    "accounts: {kie: {models: [a/b]}}",
    "accounts: {mine: {key: x}}",
    "accounts: {mine: {provider: kei}}",
    "accounts: {mine: {provider: kie, models: [a]}}",
    "accounts: {kie: {interval: 5}}",
    "accounts: {kie: {interval: five}}",
    "accounts: {kie: {jobs: {a: 0}}}",
    "accounts: {kie: {jobs: {a: '5'}}}",
    "accounts: {kie: {usage: {a: 5}}}",
    "accounts: {kie: {floor: -1}}",
    "accounts: {huggingface: {models: [a, a]}}",
    "accounts: {huggingface: {models: []}}",
    "accounts: {huggingface: {checks: [balance]}}",
    "accounts: {kie: {}}\nalerts: [{on: kie/balance, when: unavailable}]",
    "accounts: {kie: {}}\nalerts: [{name: a, on: kie/balance, when: unavailable, severity: bad}]",
    "accounts: {kie: {}}\nreceivers: {r: {}}",
    "accounts: {kie: {}}\nreceivers: {r: {email: {to: a@example.com}}}",
    "accounts: {kie: {}}\nweb: {listen: 9877}",
    "accounts: {kie: {}}\nweb: {lisen: 127.0.0.1:1}",
    "accounts: {kie: {}}\nextra: 1",
    "accounts: {kie: {}}\nflapping: {more_than: 0}",
    "accounts: {kie: {}}\nflapping: never",
]


@pytest.mark.parametrize("text", GOOD)
def test_what_loads_is_admitted_by_the_schema(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    (tmp_path / "a").write_text("key-planted-0001")
    load(str(path), CATALOGUE, {})
    assert errors(text) == []


@pytest.mark.parametrize("text", BAD)
def test_what_the_schema_refuses_is_refused_by_the_reader(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    assert errors(text)
    with pytest.raises(ConfigFaults):
        load(str(path), CATALOGUE, {})


def test_the_schema_is_a_draft_07_schema_in_which_every_object_is_closed() -> None:
    found = schema(CATALOGUE)
    jsonschema.Draft7Validator.check_schema(found)
    assert found["$schema"] == "http://json-schema.org/draft-07/schema#"
    blocks = [d for d in _within(found) if d.get("type") == "object" and "properties" in d]
    open_ones = [b for b in blocks if b.get("additionalProperties") is not False]
    assert len(blocks) > 10
    assert [b.get("required") or b.get("minProperties") for b in open_ones] == [1, ["provider"]]


def _within(value: object) -> list[dict[str, object]]:
    if isinstance(value, list):
        return [d for item in value for d in _within(item)]
    if not isinstance(value, dict):
        return []
    return [value, *(d for item in value.values() for d in _within(item))]


def test_every_key_of_the_schema_has_a_description() -> None:
    for block in _within(schema(CATALOGUE)):
        properties = block.get("properties")
        if isinstance(properties, dict) and block.get("additionalProperties") is False:
            for name, value in properties.items():
                assert "description" in value or "$ref" in value, name


def test_every_key_of_the_schema_is_in_the_reference_and_every_provider() -> None:
    text = reference(CATALOGUE)
    for block in _within(schema(CATALOGUE)):
        properties = block.get("properties")
        if isinstance(properties, dict) and block.get("additionalProperties") is False:
            for name in properties:
                assert f"`{name}`" in text or name in CATALOGUE.providers, name
    for name in [*CATALOGUE.providers, *CATALOGUE.channels]:
        assert f"# `{name}`" in text
