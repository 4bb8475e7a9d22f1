"""Putting the parts together: what every way of running monitor is built from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from monitor import logs
from monitor.asking import ProbeTarget, Reread
from monitor.config import load
from monitor.config.needs import Needs
from monitor.core.causes import Cause
from monitor.core.model import Finding, Target
from monitor.core.secret import Secret
from monitor.core.settings import Account, Settings
from monitor.core.spec import Catalogue, OnDemand
from monitor.http import Answer, Door, HttpFailure, Request
from monitor.keyring import Keyring
from monitor.notifiers import channel_specs
from monitor.providers import load_providers, run_probe

_CANARY_PATIENCE = 5.0  # seconds
_SWITCH_SAYS = 64 * 1024  # bytes of a dead-man's switch's answer, which nobody reads


def catalogue() -> Catalogue:
    """What providers and notifiers declare, for the config."""
    providers = load_providers()
    return Catalogue(OnDemand(providers, lambda name: providers[name].spec), channel_specs())


def load_settings(
    path: str,
    env: Mapping[str, str],
    *,
    need_secrets: bool = True,
    needs: Needs | None = None,
    database: str | None = None,
) -> Settings:
    """What the config means; its secrets are masked in every log from now on.

    Raises ConfigFaults with every fault at once.
    """
    settings = load(path, catalogue(), env, need_secrets=need_secrets, needs=needs)
    if database is not None:
        settings = replace(settings, database=str(Path(database).absolute()))
    logs.REDACTION.secrets = settings.secrets
    return settings


def _uncounted(account: Account, target: str, requests: int) -> None:
    del account, target, requests


def prober(door: Door, further: Callable[[Account, str, int], None] = _uncounted) -> ProbeTarget:
    """Ask a target's provider over the one door.

    `further` is told of every request of a probe beyond its first, with how many it took so far.
    """
    providers = load_providers()

    async def probe(account: Account, target: Target, now: datetime, timeout: float) -> Finding:
        provider, way = providers[account.provider], _Counting(door, account, target, further)
        return await run_probe(provider, way, account, target, now=now, timeout=timeout)

    return probe


class _Counting:
    """The way out of one probe, which counts."""

    def __init__(
        self,
        door: Door,
        account: Account,
        target: Target,
        further: Callable[[Account, str, int], None],
    ) -> None:
        self._door, self._account, self._target = door, account, target
        self._further, self._sent = further, 0

    async def send(self, request: Request) -> Answer:
        """Raises HttpFailure."""
        self._sent += 1
        if self._sent > 1:
            self._further(self._account, self._target.name, self._sent)
        return await self._door.send(request)


def rereader() -> Reread:
    """The files of keys, read anew; what they hold is masked in every log from then on."""
    keyring = Keyring()

    async def reread(account: Account) -> Account:
        found = await keyring.reread(account)
        held = (found.key, *(v for v in found.fields.values() if isinstance(v, Secret)))
        known = logs.REDACTION.secrets
        logs.REDACTION.secrets = (*known, *(s for s in held if s and s not in known))
        return found

    return reread


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


def caller(door: Door) -> Callable[[Secret, str], Awaitable[int | str]]:
    """Call a dead-man's switch: GET, or POST with why; the HTTP status, or one safe line."""

    async def call(url: Secret, body: str) -> int | str:
        way = "POST" if body else "GET"
        headers = {"Content-Type": "text/plain; charset=utf-8"} if body else {}
        request = Request(way, url.reveal(), headers, body=body.encode(), cap=_SWITCH_SAYS)
        try:
            return (await door.send(request)).status
        except HttpFailure as failure:
            return str(failure)

    return call
