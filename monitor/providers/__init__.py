"""One file per vendor; the file's name is its name in the config."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from monitor.core.model import Finding, Target
from monitor.core.settings import Account
from monitor.core.spec import ProviderSpec
from monitor.http import Answer, Request


class Ask(Protocol):
    """What a provider's code is handed for one probe: whom it asks for, and the way out."""

    account: Account
    target: Target
    now: datetime

    async def send(self, request: Request) -> Answer:
        """Raises HttpFailure; the probe's total timeout is already around it."""
        ...


Probe = Callable[[Ask], Awaitable[Finding]]


@dataclass(frozen=True, slots=True)
class Provider:
    """A vendor: what it declares, and how it is asked."""

    spec: ProviderSpec
    probe: Probe
