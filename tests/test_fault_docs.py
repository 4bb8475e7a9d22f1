"""docs/faults.md promises what tests hold: each test it names exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
MATRIX = (ROOT / "docs" / "faults.md").read_text()
ROWS = [
    row
    for row in MATRIX.splitlines()
    if row.startswith("|") and not row.startswith(("|---", "| fault "))
]


def test_every_fault_is_held_by_a_test_that_exists() -> None:
    sources = "\n".join(p.read_text() for p in sorted((ROOT / "tests").glob("test_*.py")))
    written = set(re.findall(r"^(?:async )?def (test_\w+)\(", sources, re.MULTILINE))
    assert len(ROWS) > 15
    for row in ROWS:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, f"nothing holds it: {row}"
        assert set(named) <= written, f"there is no {set(named) - written}"


def test_every_test_of_a_fault_is_in_the_matrix() -> None:
    files = sorted((ROOT / "tests").glob("test_fault_[cdp]*.py"))
    tests = {
        name
        for path in files
        if path.name != "test_fault_docs.py"
        for name in re.findall(r"^(?:async )?def (test_\w+)\(", path.read_text(), re.MULTILINE)
    }
    assert tests
    assert tests <= set(re.findall(r"`(test_\w+)`", MATRIX))
