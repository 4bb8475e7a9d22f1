"""One file per vendor; the file's name is its name in the config."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Protocol

from monitor.answers import scrubbed
from monitor.core.causes import Cause
from monitor.core.durations import format_duration
from monitor.core.model import Finding, Target
from monitor.core.secret import Secret
from monitor.core.settings import Account
from monitor.core.spec import OnDemand, ProviderSpec
from monitor.http import Answer, HttpFailure, Request


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


class Refused(Exception):
    """An answer that a provider's table of errors knows: what it means is `finding`."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.cause.value)
        self.finding = finding


class WayOut(Protocol):
    """What carries requests: the Door, or one that also writes down what passes."""

    async def send(self, request: Request) -> Answer:
        """Raises HttpFailure."""
        ...


@dataclass(slots=True)
class _Asked:
    """One probe under way."""

    account: Account
    target: Target
    now: datetime
    door: WayOut

    async def send(self, request: Request) -> Answer:
        return await self.door.send(request)


def load_providers() -> Mapping[str, Provider]:
    """Every module beside this one, by its file's name: the file is the registration.

    A file is imported when its provider is looked up: a config names few of them. A file whose
    name begins with `_` is shared code. A look-up raises TypeError where the file declares no
    PROVIDER, or one of another name.
    """
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    return OnDemand(names, lambda n: declared(importlib.import_module(f"{__name__}.{n}"), n))


def declared(module: ModuleType, name: str) -> Provider:
    """The provider a module declares under its file's name. Raises TypeError."""
    found = getattr(module, "PROVIDER", None)
    if not isinstance(found, Provider):
        raise TypeError(f"monitor/providers/{name}.py declares no PROVIDER")
    if found.spec.name != name:
        raise TypeError(f"monitor/providers/{name}.py calls itself {found.spec.name!r}")
    return found


async def run_probe(
    provider: Provider,
    door: WayOut,
    account: Account,
    target: Target,
    *,
    now: datetime,
    timeout: float,
) -> Finding:
    """Ask once, within `timeout` seconds. Never raises but CancelledError, and ImportError where
    monitor is not installed whole, for which no provider is to be blamed.

    Whatever the provider's code makes of the answer leaves here without a secret in it.
    """
    if lacking := _lacking(provider.spec, account, target):
        words = f"no {lacking} is set for the account {account.name}"
        return Finding(Cause.NOT_CONFIGURED, words)
    limit = asyncio.timeout(timeout)
    try:
        async with limit:
            finding = await provider.probe(_Asked(account, target, now, door))
    except Refused as refused:
        finding = refused.finding
    except HttpFailure as failure:
        finding = Finding(failure.cause, str(failure), evidence=failure.evidence)
    except ImportError:
        raise
    except Exception as error:  # noqa: BLE001 - an answer no code foresaw must not end the daemon
        if limit.expired():
            words = f"no answer within {format_duration(timeout)}"
            finding = Finding(Cause.TIMED_OUT, words)
        else:
            finding = _unforeseen(error)
    return _without_secrets(finding, account)


def _lacking(spec: ProviderSpec, account: Account, target: Target) -> str:
    """The config key without which there is nothing to ask with; nothing where it is set."""
    check = spec.checks.get(target.check)
    if check is not None and check.field:
        return "" if account.fields.get(check.field) else check.field
    return "" if account.configured else "key"


def _unforeseen(error: Exception) -> Finding:
    """Type and place only: an exception's text may hold the answer."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}:{last.lineno}"
    return Finding(
        Cause.ANSWER_MALFORMED,
        "the answer is of a kind this version cannot read",
        evidence=f"{type(error).__name__} at {place}",
    )


def _without_secrets(finding: Finding, account: Account) -> Finding:
    said = (finding.summary, finding.evidence, finding.facts)
    secrets = (account.key, *_held(account.fields))
    facts = {name: scrubbed(value, secrets) for name, value in finding.facts.items()}
    clean = (scrubbed(finding.summary, secrets), scrubbed(finding.evidence, secrets), facts)
    if clean == said:
        return finding
    return replace(finding, summary=clean[0], evidence=clean[1], facts=facts)


_WORD = 8  # letters of a word in a secret that is a secret by itself: `Bearer` is none


def _held(fields: Mapping[str, object]) -> Iterator[Secret]:
    """The secrets among an account's fields, and the words of each: `Bearer KEY` is two."""
    for value in fields.values():
        if isinstance(value, Mapping):
            yield from _held(value)
        if isinstance(value, Secret):
            yield value
            yield from (Secret(w) for w in value.reveal().split() if len(w) >= _WORD)


def address(account: Account, spec: ProviderSpec, path: str, *, url: str = "base_url") -> str:
    """Where a documented `path` is asked: the account's own `url` if it sets one, else the real.

    What an account sets stands for scheme, host and port; the path stays as documented.
    """
    return (account.urls.get(url) or spec.urls[url]).rstrip("/") + path


def bearer(account: Account) -> Mapping[str, Secret]:
    """The account's key as most vendors want it."""
    return {"Authorization": Secret(f"Bearer {account.key.reveal()}")}
