"""The pages people read in order: links and anchors lead somewhere, commands are understood."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from understood import understood

from monitor.build import catalogue
from monitor.cli.commands import app
from monitor.core.builtin import EVERY
from monitor.core.model import Sample
from monitor.metrics import METRICS
from monitor.store import Batch
from monitor.store.sqlite import SqliteStore

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
TEXTS = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in (
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *sorted(DOCS.glob("*.md")),
        *sorted((ROOT / "benchmarks").glob("*.md")),
        *sorted((ROOT / "tests").glob("*/README.md")),
    )
}
PROSE = {
    page: re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M) for page, text in TEXTS.items()
}
ORDER = (
    "README", "first-minute", "first-account", "first-alert", "production",
    "runway", "alerts", "receivers", "mail", "usage", "faq",
    "deploy", "alertmanager", "grafana", "high-availability", "watching-the-watcher",
    "architecture",
)  # fmt: skip


# -- links ----------------------------------------------------------------------------------


def slugs(text: str) -> set[str]:
    """The anchors of a page as GitHub makes them, and those that it sets itself."""
    found: set[str] = set(re.findall(r'<a id="([^"]+)">', text))
    for title in re.findall(r"^#{1,6} (.+)$", text, re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title.strip()).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        again = (f"{slug}-{n}" for n in range(1, 100))
        found.add(slug if slug not in found else next(s for s in again if s not in found))
    return found


def links(page: str) -> list[str]:
    """Every address within the project that a page leads to or shows."""
    text = re.sub(r"`[^`\n]*`", "", PROSE[page])
    found = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    return [address for address in found if not re.match(r"https?:|mailto:", address)]


@pytest.mark.parametrize("page", TEXTS)
def test_every_link_and_every_anchor_leads_somewhere(page: str) -> None:
    for address in links(page):
        path, _, anchor = address.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), f"{page}: {address}"
        if anchor:
            assert anchor in slugs(target.read_text()), f"{page}: {address}"


def test_anchors_are_made_as_github_makes_them() -> None:
    text = "# Over HTTP\n## `web.config_file`\n## Why is it so?\n## [A](b.md) & c\n## Over HTTP\n"
    assert slugs(text) == {"over-http", "webconfig_file", "why-is-it-so", "a--c", "over-http-1"}


def test_the_table_of_contents_has_every_page() -> None:
    named = {address.partition("#")[0] for address in links("docs/README.md")}
    assert {page.name for page in DOCS.glob("*.md")} - {"README.md"} <= named


@pytest.mark.parametrize(("page", "following"), list(pairwise(ORDER)))
def test_who_reads_in_order_is_led_to_the_next_page(page: str, following: str) -> None:
    last = re.findall(r"^Next: \[[^]]+\]\(([^)]+)\)", TEXTS[f"docs/{page}.md"], re.MULTILINE)
    assert last == [f"{following}.md"]


@pytest.mark.parametrize("page", ORDER[1:-1])
def test_a_page_that_teaches_names_its_reference(page: str) -> None:
    end = TEXTS[f"docs/{page}.md"].rpartition("\nNext: ")[2]
    assert "Reference: [" in end


# -- what is typed --------------------------------------------------------------------------


def typed() -> list[tuple[str, str]]:
    """Each line to type that calls monitor, page by page."""
    return [
        (page, line)
        for page, text in PROSE.items()
        for line in re.findall(r"^ {4,}(monitor(?: .*)?)$", text, re.MULTILINE)
    ]


@pytest.mark.parametrize(("page", "line"), typed())
def test_every_line_that_is_typed_is_understood(page: str, line: str) -> None:
    understood(line)


@pytest.mark.parametrize("page", TEXTS)
def test_every_command_in_a_sentence_exists(page: str) -> None:
    known = app.registered_commands
    commands = {c.name or (c.callback.__name__ if c.callback else "") for c in known}
    for words in re.findall(r"`monitor ([^`]*)`", TEXTS[page]):
        first = words.split()[0]
        assert first.startswith("-") or first in commands, f"{page}: monitor {words}"


@pytest.mark.parametrize("page", TEXTS)
def test_every_make_target_that_is_named_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"^ {4}make ([a-z-]+)|`make ([a-z-]+)", TEXTS[page], re.MULTILINE)
    assert {a or b for a, b in named} <= targets


@pytest.mark.parametrize("page", TEXTS)
def test_every_metric_that_is_named_exists(page: str) -> None:
    known = {metric.name for metric in METRICS}
    for name in re.findall(r"\bmonitor_[a-z_]*[a-z]\b(?![*./-])", PROSE[page]):
        assert name in known, f"{page}: {name}"


async def test_the_backup_that_is_printed_is_whole_and_is_taken_up(tmp_path: Path) -> None:
    """Made while another has the database open, with all of it still in the log."""
    script = r"^    python3 -c '(import sqlite3.*?)' "
    (line,) = re.findall(script, TEXTS["docs/production.md"], re.MULTILINE)
    living, copy, now = tmp_path / "monitor.db", tmp_path / "copy.db", datetime.now(UTC)
    sample = Sample(now, Decimal(5))
    store = SqliteStore(living, now=lambda: now)
    await store.commit(Batch(samples=(("kie/balance", sample),)))
    words = [sys.executable, "-c", line, str(living), str(copy)]
    await asyncio.to_thread(subprocess.run, words, check=True, timeout=30)
    await store.close()
    restored = SqliteStore(copy, now=lambda: now)
    assert await restored.samples("kie/balance") == (sample,)
    await restored.commit(Batch(samples=(("kie/balance", Sample(now, Decimal(6))),)))
    await restored.close()


# -- what is claimed ------------------------------------------------------------------------


def test_the_readme_is_short() -> None:
    assert len(TEXTS["README.md"].splitlines()) <= 150


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md"])
def test_the_number_of_providers_is_right(page: str) -> None:
    (more,) = re.findall(r"KIE,? and (\d+) more", TEXTS[page])
    assert int(more) == len(catalogue().providers.keys() - {"huggingface", "kie", "json"})


def test_the_changelogs_number_of_rules_is_right_and_it_names_every_channel() -> None:
    text = TEXTS["CHANGELOG.md"]
    assert f"- {len(EVERY)} built-in rules" in text
    told = text.split("**Telling**")[1].split("**Looking**")[0].lower().replace("-", "")
    assert [name for name in catalogue().channels if name not in told] == []


def test_every_file_at_the_top_of_the_house_stands_in_one_group() -> None:
    table = TEXTS["docs/architecture.md"].split("### The files at the top")[1].split("###")[0]
    files = [f.name for f in (ROOT / "monitor").glob("*.py") if not f.name.startswith("__")]
    assert sorted(re.findall(r"`(\w+\.py)`", table)) == sorted(files)


def test_the_architecture_names_every_file_of_the_top_level_and_of_the_core() -> None:
    text = TEXTS["docs/architecture.md"].split("### What you look for")[1]
    house = ROOT / "monitor"
    files = [*house.glob("*.py"), *(house / "core").glob("*.py")]
    names = {str(f.relative_to(house)) for f in files if not f.name.startswith("__")}
    assert {name for name in names if not re.search(rf"`{re.escape(name)}`", text)} == set()
