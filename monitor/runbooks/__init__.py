"""What to do: one page per cause, one per built-in rule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from monitor.core.message import Runbook

SECTIONS: Final = (
    "What it means",
    "What to do",
    "Who acts",
    "What customers may be told",
    "What they may not be told",
    "Links",
)
_LINK = re.compile(r"- \[([^\]]+)\]\((https://[^\s)]+)\)")
_STEP = re.compile(r"(\d+)\. (.+)")


class RunbookError(ValueError):
    """A page that is not made as every page is. `str()` names it and says what is wrong."""


@lru_cache(maxsize=1)
def load_runbooks() -> Mapping[str, Runbook]:
    """Every page by its name; read once. Raises RunbookError."""
    pages = (p for p in files(__name__).iterdir() if p.name.endswith(".md"))
    texts = {p.name.removesuffix(".md"): p.read_text(encoding="utf-8") for p in pages}
    return MappingProxyType({name: parse(name, texts[name]) for name in sorted(texts)})


def parse(name: str, text: str) -> Runbook:
    """One page: a title and the sections in their order, none of them empty."""
    head, *rest = re.split(r"^## +", text.strip(), flags=re.MULTILINE)
    title = head.removeprefix("# ").strip()
    if not head.startswith("# ") or not title or "\n" in title:
        raise RunbookError(f"{name}: begins with something else than one title")
    bodies = [body.partition("\n") for body in rest]
    found = tuple(heading.strip() for heading, _, _ in bodies)
    if found != SECTIONS:
        raise RunbookError(f"{name}: its sections are {found}, not {SECTIONS}")
    meaning, steps, who, customers, not_customers, links = (b.strip() for _, _, b in bodies)
    return Runbook(
        name=name,
        title=title,
        meaning=_prose(name, "What it means", meaning),
        steps=_steps(name, steps),
        who=_prose(name, "Who acts", who),
        customers=_prose(name, "What customers may be told", customers),
        not_customers=_prose(name, "What they may not be told", not_customers),
        links=_links(name, links),
    )


def _prose(name: str, section: str, body: str) -> str:
    if not body:
        raise RunbookError(f"{name}: {section!r} is empty")
    return " ".join(body.split())


def _steps(name: str, body: str) -> tuple[str, ...]:
    """Numbered from 1; a line that is indented goes on with the step before it."""
    steps: list[str] = []
    for line in body.splitlines():
        match = _STEP.fullmatch(line)
        if match is not None and int(match[1]) == len(steps) + 1:
            steps.append(match[2].strip())
        elif steps and line.startswith("   "):
            steps[-1] += " " + line.strip()
        else:
            raise RunbookError(f"{name}: {line!r} is no step, they are numbered from 1")
    if not steps:
        raise RunbookError(f"{name}: no step says what to do")
    return tuple(steps)


def _links(name: str, body: str) -> tuple[tuple[str, str], ...]:
    matches = [_LINK.fullmatch(line) for line in body.splitlines()]
    links = tuple((m[1], m[2]) for m in matches if m is not None)
    if not links or len(links) != len(matches):
        raise RunbookError(f"{name}: a line of its links is not `- [text](https://...)`")
    return links
