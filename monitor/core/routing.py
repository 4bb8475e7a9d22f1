"""Since when an address is told what it is told now: another routing is a new receiver's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from monitor.core.settings import ReceiverSettings


def met(
    receivers: Iterable[ReceiverSettings],
    seen: Mapping[str, datetime],
    key: Callable[[ReceiverSettings, str], str],
) -> dict[tuple[str, str], datetime]:
    """(receiver, address) to when it was `seen` first; without those that never were."""
    every = {(r.name, a): key(r, a) for r in receivers for a in r.addresses}
    return {who: seen[name] for who, name in every.items() if name in seen}


def seen_key(receiver: ReceiverSettings, address: str) -> str:
    """What `seen` is kept per: an address with its routing, so that a new routing is new."""
    severities = ",".join(sorted(receiver.severities))
    routing = f"{severities}|{','.join(receiver.on)}|{receiver.escalate_after or 0:g}"
    for name, hours in (("hours", receiver.hours), ("quiet", receiver.quiet_hours)):
        routing += "" if hours is None else f"|{name} {hours}"
    return f"{receiver.name}|{address}|{routing}"


def digest_key(receiver: ReceiverSettings, address: str) -> str:
    """What `seen` is kept per: an address with the moments of its digest; empty without any."""
    return f"{receiver.name}|{address}|digest {receiver.digest}" if receiver.digest else ""
