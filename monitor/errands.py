"""Errands: notifications under way, how each address has fared, and when it is tried again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from monitor.core.digest import Digest
from monitor.core.message import Message
from monitor.core.model import Kind, Notification
from monitor.core.notice import Announcement
from monitor.notifiers import Delivery

_FIRST_RETRY, _LONGEST_RETRY = 1.5, 20.0  # seconds; at most doubling in between
_LONGEST_ASKED = 60.0  # seconds a server may ask us to wait
_FORGIVEN_AFTER = 3600.0  # seconds until a refused send is tried anew
_FALLBACK_AFTER = 3  # failed attempts

Key = tuple[str, Kind, int, str]
Owing = Notification | Announcement | Digest  # what is due: about an incident, beside them


@dataclass(slots=True)
class Attempt:
    """How one notification to one address has fared. Forgotten by a restart, on purpose."""

    failures: int = 0
    again_at: float = 0.0  # monotonic seconds of the machine's
    refused: bool = False


@dataclass(slots=True)
class Errand:
    """One notification under way: its words stay the same however often it is sent."""

    message: Message
    attempts: dict[str, Attempt] = field(default_factory=dict)

    @property
    def given_up(self) -> bool:
        """Whether the receiver's fallback stands in."""
        tries = self.attempts.values()
        return any(a.refused or a.failures >= _FALLBACK_AFTER for a in tries)

    def turn(self, addresses: Iterable[str], at: float) -> tuple[str, ...]:
        """Those of `addresses` that may be tried by now."""
        return tuple(a for a in addresses if self._again(a) <= at)

    def waits(self, addresses: Iterable[str], at: float) -> Iterator[float]:
        """Seconds until each of `addresses` that has been tried may be tried again."""
        return (max(0.0, self._again(a) - at) for a in addresses if a in self.attempts)

    def fared(self, delivery: Delivery, at: float) -> None:
        """Put down who has to be tried again, and when."""
        for address in delivery.failed:
            attempt = self.attempts.setdefault(address, Attempt())
            attempt.failures += 1
            asked = min(delivery.wait.get(address, 0.0), _LONGEST_ASKED)
            attempt.again_at = at + max(retry_after(attempt.failures), asked)
        for address in delivery.refused:
            self.attempts[address] = Attempt(refused=True, again_at=at + _FORGIVEN_AFTER)

    def _again(self, address: str) -> float:
        attempt = self.attempts.get(address)
        return attempt.again_at if attempt is not None else -math.inf


class Errands:
    """All that are under way; the same notification never flies twice at once."""

    def __init__(self) -> None:
        self._begun: dict[Key, Errand] = {}
        self._flying: set[Key] = set()

    def forgive(self) -> None:
        """Try what was refused anew: after a reload somebody may have mended it."""
        self._begun.clear()

    def failing(self) -> frozenset[Key]:
        """Those in which the receiver's fallback stands in."""
        return frozenset(key for key, errand in self._begun.items() if errand.given_up)

    def find(self, key: Key) -> Errand | None:
        """The one that was begun, if any."""
        return self._begun.get(key)

    def begin(self, key: Key, message: Message) -> Errand:
        """One with these words, where none was begun meanwhile."""
        return self._begun.setdefault(key, Errand(message))

    def drop_done(self, receiver: str, due: set[Key]) -> None:
        """Forget those of a receiver that are neither due nor flying."""
        kept = due | self._flying
        for key in [k for k in self._begun if k[3] == receiver and k not in kept]:
            del self._begun[key]

    @contextmanager
    def flying(self, key: Key) -> Iterator[None]:
        """Meanwhile it is on its way."""
        self._flying.add(key)
        try:
            yield
        finally:
            self._flying.discard(key)

    def count_flying(self, receiver: str) -> int:
        """How many are on their way to a receiver."""
        return sum(key[3] == receiver for key in self._flying)

    def ready(self, owing: Owing, at: float) -> Owing | None:
        """What is due, to those addresses whose turn it is; None if it is nobody's."""
        if owing.key in self._flying:
            return None
        errand = self._begun.get(owing.key)
        if errand is None:
            return owing
        turn = errand.turn(owing.addresses, at)
        return replace(owing, addresses=turn) if turn else None

    def waits(self, owings: Iterable[Owing], at: float) -> Iterator[float]:
        """Seconds until each retry; of what is flying none, for its own end looks again."""
        for owing in owings:
            errand = self._begun.get(owing.key)
            if errand is not None and owing.key not in self._flying:
                yield from errand.waits(owing.addresses, at)


def retry_after(failures: int) -> float:
    """Seconds until the next attempt: 1.5, 3, 6 and so on up to 20."""
    return min(_FIRST_RETRY * 2.0 ** min(failures - 1, 10), _LONGEST_RETRY)
