"""Notices in the config: an entry switches one on or off and routes it, and has no `when`."""

from __future__ import annotations

from pathlib import Path

import pytest
from catalogue import CATALOGUE

from monitor.config import ConfigFaults, load
from monitor.config.load import effective
from monitor.core.builtin import NOTICES
from monitor.core.settings import Settings

ACCOUNTS = "accounts: {kie: {}, huggingface: {models: [a/b]}}\n"


def loaded(folder: Path, *entries: str) -> Settings:
    path = folder / "config.yaml"
    path.write_text(ACCOUNTS + "alerts:\n" + "".join(f"  - {e}\n" for e in entries))
    return load(str(path), CATALOGUE, {})


def once(made: Settings) -> dict[str, tuple[str, str]]:
    """Name to glob and severity of the notices in force."""
    found = {r.name: (r.on, r.severity.value) for r in made.rules if r.name in NOTICES}
    assert found.pop("key-changed") == ("*/key", "warning")
    return found


UNIT = ("*/balance", "warning")


@pytest.mark.parametrize(("entry", "found"), [
    ("{name: burn-spike, enabled: false}", {"unit-changed": UNIT}),
    ("{name: topped-up}", {"unit-changed": UNIT, "topped-up": ("*/balance", "info")}),
    ("{name: topped-up, enabled: true}",
     {"unit-changed": UNIT, "topped-up": ("*/balance", "info")}),
    ("{name: topped-up, on: kie/balance, severity: warning}",
     {"unit-changed": UNIT, "topped-up": ("kie/balance", "warning")}),
    ("{name: topped-up, enabled: false}", {"unit-changed": UNIT}),
    ("{name: unit-changed, enabled: false}", {}),
    ("{name: unit-changed, severity: critical}", {"unit-changed": ("*/balance", "critical")}),
])  # fmt: skip
def test_an_entry_without_a_when_says_whether_and_whom_a_notice_reaches(
    tmp_path: Path, entry: str, found: dict[str, tuple[str, str]]
) -> None:
    made = loaded(tmp_path, entry)
    assert once(made) == found
    assert all(r.builtin for r in made.rules if r.name in NOTICES)
    shown = effective(str(tmp_path / "config.yaml"), CATALOGUE, {})
    again = tmp_path / "again.yaml"
    again.write_text(shown)
    assert load(str(again), CATALOGUE, {}).rules == made.rules


@pytest.mark.parametrize(("entry", "fault"), [
    ("{name: topped-up, for: 5m}",
     "3:23: alerts.0.for: topped-up is told once and is never open: it has no for"),
    ("{name: topped-up, clear: balance > 5}", "it has no clear"),
    ("{name: unit-changed, keep_firing_for: 5m}", "it has no keep_firing_for"),
    ("{name: topped-up, on: huggingface/key}",
     "topped-up is of a balance, and huggingface/key is none"),
    ("{name: topped-up, on: huggingface/*}", "none of its targets is one"),
    ("{name: topped-up, on: kai/balance}", "did you mean kie/balance?"),
    ("{name: toped-up, enabled: false}", "did you mean topped-up?"),
])  # fmt: skip
def test_what_an_entry_of_a_notice_cannot_have_is_a_fault(
    tmp_path: Path, entry: str, fault: str
) -> None:
    with pytest.raises(ConfigFaults) as caught:
        loaded(tmp_path, entry)
    assert fault in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
