"""What to do: one page per cause, one per built-in rule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from monitor.core.message import BY_HAND, Runbook
from monitor.core.spec import LINKS, ProviderSpec

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


def with_links(
    pages: Mapping[str, Runbook], specs: Mapping[str, ProviderSpec]
) -> Mapping[str, Runbook]:
    """The pages, each with what it asks of every vendor: its own pages, how a key is tried."""
    return MappingProxyType({name: _with_links(page, specs) for name, page in pages.items()})


def _with_links(page: Runbook, specs: Mapping[str, ProviderSpec]) -> Runbook:
    vendors = {v: _theirs(page, spec) for v, spec in specs.items()}
    asks = any(BY_HAND in step for step in page.steps)
    by_hand = {v: spec.by_hand for v, spec in specs.items() if asks and spec.by_hand}
    return replace(page, vendors=vendors, by_hand=by_hand)


def _theirs(page: Runbook, spec: ProviderSpec) -> tuple[tuple[str, str], ...]:
    """What the vendor has of what is asked for; where it has nothing, its documentation."""
    has = {**spec.links, "docs": spec.docs}
    found = [kind for kind in page.wants if kind in has] or ["docs"] * bool(page.wants)
    return tuple((f"{spec.title}: {LINKS[kind]}", has[kind]) for kind in found if has[kind])


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
        wants=_wants(links),
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
    """Those for everybody; beside them a line may name a page of the vendor's own, `- billing`."""
    matches = [_LINK.fullmatch(line) for line in body.splitlines()]
    links = tuple((m[1], m[2]) for m in matches if m is not None)
    if not matches or len(links) + len(_wants(body)) != len(matches):
        kinds = ", ".join(LINKS)
        raise RunbookError(
            f"{name}: a line of its links is neither `- [text](https://...)` nor one of {kinds}"
        )
    return links


def _wants(body: str) -> tuple[str, ...]:
    lines = (line.removeprefix("- ") for line in body.splitlines() if line.startswith("- "))
    return tuple(line for line in lines if line in LINKS)
