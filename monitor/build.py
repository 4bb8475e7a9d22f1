"""Putting the parts together: what every way of running monitor is built from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from monitor import logs
from monitor.clock import Clock
from monitor.config import load
from monitor.core.causes import Cause
from monitor.core.model import Finding, Target
from monitor.core.settings import Account, Settings
from monitor.core.spec import Catalogue
from monitor.http import Door, HttpFailure, Request
from monitor.notifiers import load_notifiers
from monitor.pipeline import ProbeTarget
from monitor.providers import load_providers, run_probe
from monitor.runbooks import load_runbooks
from monitor.telling import Teller

_CANARY_PATIENCE = 5.0  # seconds


def catalogue() -> Catalogue:
    """What providers and notifiers declare, for the config."""
    return Catalogue(
        providers={n: p.spec for n, p in load_providers().items()},
        channels={n: c.spec for n, c in load_notifiers(Door()).items()},
    )


def load_settings(
    path: str, env: Mapping[str, str], *, need_secrets: bool = True, database: str | None = None
) -> Settings:
    """What the config means; its secrets are masked in every log from now on.

    Raises ConfigFaults with every fault at once.
    """
    settings = load(path, catalogue(), env, need_secrets=need_secrets)
    if database is not None:
        settings = replace(settings, database=str(Path(database).absolute()))
    logs.REDACTION.secrets = settings.secrets
    return settings


def prober(door: Door) -> ProbeTarget:
    """Ask a target's provider over the one door."""
    providers = load_providers()

    async def probe(account: Account, target: Target, now: datetime, timeout: float) -> Finding:
        provider = providers[account.provider]
        return await run_probe(provider, door, account, target, now=now, timeout=timeout)

    return probe


def canary(door: Door) -> Callable[[str], Awaitable[Finding]]:
    """Ask an address of the user's choice: any answer shows that our network carries."""

    async def ask(url: str) -> Finding:
        try:
            async with asyncio.timeout(_CANARY_PATIENCE):
                answer = await door.send(Request("GET", url))
        except TimeoutError:
            return Finding(Cause.TIMED_OUT, "the canary did not answer")
        except HttpFailure as failure:
            return Finding(failure.cause, str(failure))
        return Finding(Cause.OK, f"the canary answered HTTP {answer.status}")

    return ask


def teller(door: Door, clock: Clock) -> Teller:
    """Tell people, by every channel there is."""
    return Teller(load_notifiers(door), load_runbooks(), clock)
