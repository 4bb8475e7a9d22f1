"""One file per way of telling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from monitor.core.message import Message
from monitor.core.settings import ReceiverSettings
from monitor.core.spec import ChannelSpec


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one notification, address by address. Texts are one safe line."""

    told: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)  # to be tried again
    refused: Mapping[str, str] = field(default_factory=dict)  # for good, for now


class Notifier(Protocol):
    """The code that reaches a kind of receiver. Never raises but CancelledError."""

    spec: ChannelSpec

    async def send(
        self, receiver: ReceiverSettings, message: Message, addresses: tuple[str, ...]
    ) -> Delivery:
        """Tell `addresses`. The same message gives the same bytes, however often it is sent."""
        ...
