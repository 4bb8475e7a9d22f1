"""Since when an address is told what it is told now: another routing is a new receiver's.

So is another name, unless the config says which one it had before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from monitor.core.model import Told
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


def carried_told(receivers: Iterable[ReceiverSettings], told: Iterable[Told]) -> Iterator[Told]:
    """What receivers with another name were told under the old one, as told under the new one."""
    renamed = {r.was: r for r in receivers if r.was is not None}
    for entry in told:
        receiver = renamed.get(entry.receiver)
        if receiver is not None:
            itself = entry.address == entry.receiver and receiver.addresses == (receiver.name,)
            address = receiver.name if itself else entry.address
            yield replace(entry, receiver=receiver.name, address=address)


def carried_seen(
    receivers: Iterable[ReceiverSettings], seen: Mapping[str, datetime]
) -> dict[str, datetime]:
    """Since when receivers with another name are told so: since they were under the old one.

    Not of digests: the last one was told under the old name, and would be owed anew.
    """
    found = {}
    for receiver in receivers:
        was, itself = receiver.was, receiver.addresses == (receiver.name,)
        for address in receiver.addresses if was is not None else ():
            old = replace(receiver, name=was or "")
            before = seen_key(old, old.name if itself else address)
            if before in seen:
                found[seen_key(receiver, address)] = seen[before]
    return found


def digest_key(receiver: ReceiverSettings, address: str) -> str:
    """What `seen` is kept per: an address with the moments of its digest; empty without any."""
    return f"{receiver.name}|{address}|digest {receiver.digest}" if receiver.digest else ""
