"""Globs on target names."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def _compiled(glob: str) -> re.Pattern[str]:
    first, *parts = (_literal(part) for part in glob.split("*"))
    if not parts:
        return re.compile(first, re.DOTALL)
    # The first place where a part fits is as good as any later one. So it is never gone back on:
    # a glob of forty stars would else be tried for years, and hold up all there is.
    found = "".join(f"(?>.*?{part})" for part in parts[:-1] if part)
    return re.compile(f"{first}{found}.*{parts[-1]}", re.DOTALL)


def _literal(part: str) -> str:
    return "".join("." if c == "?" else re.escape(c) for c in part)


def matches(glob: str, name: str) -> bool:
    """Whether a target's name fits a glob: `*` crosses `/`, `?` is one character."""
    return _compiled(glob).fullmatch(name) is not None
