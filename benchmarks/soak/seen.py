"""What was seen of a soak from outside: what was said, the incidents, what the monitor weighed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from benchmarks.soak.script import Script
from monitor.clock import SteppedClock
from monitor.core.causes import Severity
from monitor.core.message import Message
from monitor.core.settings import ReceiverSettings
from monitor.core.spec import ChannelSpec
from monitor.notifiers import Delivery


@dataclass(frozen=True, slots=True)
class Said:
    """One thing said to one address."""

    t: float
    at: datetime
    id: str
    receiver: str
    address: str
    kind: str
    incident: str
    alert: str
    target: str
    severity: Severity


@dataclass(slots=True)
class Episode:
    """One incident, as it was seen from outside."""

    alert: str
    target: str
    severity: Severity  # at its opening
    opened: float
    closed: float | None = None


@dataclass(frozen=True, slots=True)
class Weight:
    """What the monitor holds at one moment, and what has happened until then."""

    day: float
    probes: int
    rows: dict[str, int]  # by table
    memory: dict[str, int]  # entries, by table
    held: int  # bytes of memory's tables and of what is being told
    objects: int  # that the collector knows
    checkpoint: int  # bytes, of all books
    file: int  # bytes
    statements: float  # for each probe of a day that changed nothing


class Mail:
    """A channel that keeps what it was told, and is down at times."""

    spec = ChannelSpec("recorded", "Recorded", ())

    def __init__(self, clock: SteppedClock, made: Script) -> None:
        self._clock, self._script = clock, made
        self.said: list[Said] = []

    @property
    def down(self) -> bool:
        """Whether nobody can be told now."""
        return any(s.begin <= self._clock.monotonic() < s.end for s in self._script.no_mail)

    async def send(
        self, to: ReceiverSettings, message: Message, addresses: tuple[str, ...]
    ) -> Delivery:
        """Take it, or refuse for now."""
        if self.down:
            return Delivery(failed=dict.fromkeys(addresses, "451 try again later"))
        t, at, labels = self._clock.monotonic(), self._clock.now(), message.labels
        self.said += [
            Said(t, at, message.id, to.name, a, message.kind.value, message.incident,
                 labels["alertname"], labels["target"], message.severity)
            for a in addresses
        ]  # fmt: skip
        return Delivery(addresses)
