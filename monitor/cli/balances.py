"""A balance named on the command line, and times and values for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime

from monitor.cli import USAGE, Refusal
from monitor.core.model import Check
from monitor.core.settings import Account, Settings, TargetSettings


def balances(settings: Settings) -> dict[str, tuple[Account, TargetSettings]]:
    """Every balance in the config, by its target's name."""
    return {
        t.target.name: (a, t)
        for a in settings.accounts
        for t in a.targets
        if t.target.check is Check.BALANCE
    }


def no_such_balance(name: str, known: Iterable[str]) -> Refusal:
    """What is said of a target that is none, or has no balance: the ones there are."""
    from monitor.config.readers import nearest

    names = sorted(known)
    if not names:
        return Refusal(f"no balance {name!r}: the config has no account with one", USAGE)
    near = nearest(name, names)
    hint = f", did you mean {near}?" if near else ";"
    return Refusal(f"no balance {name!r}{hint} there are: {', '.join(names)}", USAGE)


def minute(at: datetime) -> str:
    """`2026-11-20 10:31`, in UTC."""
    return f"{at:%Y-%m-%d %H:%M}"


def write_json(document: Mapping[str, object]) -> None:
    """One strict JSON document on stdout, in ASCII."""
    sys.stdout.write(json.dumps(document, indent=2, allow_nan=False) + "\n")


def write_text(text: str) -> None:
    """Text on stdout; what its encoding cannot show becomes a question mark."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
