"""`was: OLDNAME`: what had another name before; two cannot have been one."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from monitor.config.context import Context


def check_was(
    context: Context,
    part: str,
    was: Mapping[str, str | None],
    *,
    known: Collection[str],
    names: re.Pattern[str],
) -> None:
    """Note what is wrong with the earlier names in `accounts` or `receivers`.

    `was`: each present name's earlier one; `known`: those there are now.
    """
    one, seen = part.removesuffix("s"), set[str]()
    for name, old in was.items():
        at = (part, name, "was")
        if old in known:
            context.fault(at, f"is the name of {_a(one)} that still exists")
        elif old in seen:
            context.fault(at, f"another {one} was this one already")
        elif old and not names.fullmatch(old):
            context.fault(at, f"the name of {_a(one)} is {names.pattern}")
        seen |= {old} if old else set()


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
