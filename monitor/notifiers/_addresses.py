"""Addresses as a config holds them, and as a mail server wants them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.utils import parseaddr

_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


def bare(address: str) -> str:
    """What stands in the envelope: no name, the domain in ASCII; empty if it is no address."""
    if not address.isprintable():
        return ""
    local, _, domain = parseaddr(address)[1].rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    usable = local and domain and local.isascii() and not set(local + domain) & set(" <>,;")
    return f"{local}@{domain}" if usable else ""


def domain_of(address: str) -> str:
    """The domain of an address in ASCII, for the ids of its mails."""
    return token(bare(address).rpartition("@")[2]) or "monitor.invalid"


def token(text: str) -> str:
    """`text` fit to stand inside an id."""
    return _UNFIT.sub("-", text)[:200]


def sorted_out(addresses: Iterable[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Those a server can be asked for, and why not the others: one bad must not stop the rest."""
    every = tuple(dict.fromkeys(addresses))
    good = tuple(a for a in every if bare(a))
    why = "not an address mail can be sent to: NAME@DOMAIN, in ASCII before the @"
    return good, {a: why for a in every if a not in good}
