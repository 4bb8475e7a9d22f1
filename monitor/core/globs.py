"""Globs on target names."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def _compiled(glob: str) -> re.Pattern[str]:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in glob)
    return re.compile("".join(parts), re.DOTALL)


def matches(glob: str, name: str) -> bool:
    """Whether a target's name fits a glob: `*` crosses `/`, `?` is one character."""
    return _compiled(glob).fullmatch(name) is not None
