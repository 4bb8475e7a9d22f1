"""Recorded answers, played through the real door."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from monitor.core.model import Check, Finding, Target
from monitor.core.secret import Secret
from monitor.core.settings import Account
from monitor.http import Door
from monitor.providers import Provider, run_probe

FOLDER = Path(__file__).parent / "recordings"
NOW = datetime(2026, 11, 20, 10, 31, 28, tzinfo=UTC)
KEY = "hf_planted-key-0001"


@dataclass(frozen=True)
class Recording:
    """One file: what is asked, what comes back, what it means."""

    provider: str
    name: str
    check: Check
    subject: str | None
    said: Mapping[str, Any]

    @property
    def expect(self) -> Mapping[str, Any]:
        """What the provider's file must make of it."""
        found: Mapping[str, Any] = self.said["expect"]
        return found


def recordings(provider: str | None = None) -> list[Recording]:
    """All of them, or those of one provider."""
    return [_read(p) for p in sorted(FOLDER.glob(f"{provider or '*'}/*.json"))]


def _read(path: Path) -> Recording:
    said = json.loads(path.read_text())
    check = Check(said["check"])
    return Recording(path.parent.name, path.stem, check, said.get("subject"), said)


def account_of(provider: Provider, **changes: Any) -> Account:
    """An account with a key and nothing else."""
    account = Account("acme", provider.spec.name, Secret(KEY), targets=())
    return replace(account, **changes)


class Player:
    """Gives the recorded answers in order; keeps what was asked."""

    def __init__(self, *answers: Mapping[str, Any]) -> None:
        self._answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self._answers.pop(0)
        body = answer["body"]
        content = body if isinstance(body, str) else json.dumps(body)
        return httpx.Response(answer["status"], headers=answer["headers"], content=content)


def door_of(player: Player) -> Door:
    """The real door, with the player behind it."""
    return Door(transport=lambda _context: httpx.MockTransport(player))


async def played(
    provider: Provider,
    player: Player,
    check: Check,
    subject: str | None = None,
    *,
    account: Account | None = None,
) -> Finding:
    """What the provider finds when the player answers."""
    account = account or account_of(provider)
    target = Target(account.name, provider.spec.name, check, subject)
    return await run_probe(provider, door_of(player), account, target, now=NOW, timeout=15)
