"""Recorded answers, played through the real door."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from monitor.core.model import Check, Finding, Target
from monitor.core.secret import Secret
from monitor.core.settings import Account
from monitor.core.spec import Field, FieldKind
from monitor.http import Door
from monitor.providers import Provider, run_probe

FOLDER = Path(__file__).parent / "recordings"
NOW = datetime(2026, 11, 20, 10, 31, 28, tzinfo=UTC)
KEY = "hf_planted-key-0001"
Place = tuple[str | int, ...]  # in a JSON value


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

    @property
    def answers(self) -> list[Mapping[str, Any]]:
        """The answer, and those to further questions."""
        then = self.said.get("then", [])
        return [self.said, *(then if isinstance(then, list) else [then])]

    def account(self, provider: Provider) -> Account:
        """Whom it is about."""
        account = account_of(provider, needs=frozenset(self.said.get("needs", ())))
        said, own = self.said.get("fields", {}), provider.spec.fields
        told = {f.name: _core(f, said[f.name]) for f in own if f.name in said}
        fields = {**account.fields, **told}
        if any(check.field in said for check in provider.spec.checks.values()):
            left = {c.field for c in provider.spec.checks.values()} - set(said)
            fields |= dict.fromkeys(left - {""})  # one takes the place of another
        return replace(account, fields=fields, urls={**account.urls, **self.said.get("urls", {})})


def recordings(provider: str | None = None) -> list[Recording]:
    """All of them, or those of one provider."""
    return [_read(p) for p in sorted(FOLDER.glob(f"{provider or '*'}/*.json"))]


@cache  # a few hundred small files, each asked for many times
def _read(path: Path) -> Recording:
    said = json.loads(path.read_text())
    check = Check(said["check"])
    return Recording(path.parent.name, path.stem, check, said.get("subject"), said)


def good(provider: Provider, check: Check) -> Recording:
    """The answer that goes well and says the most."""
    name = provider.spec.name
    found = [r for r in recordings(name) if r.check is check and r.expect["cause"] == "ok"]
    found = [r for r in found if all("request" in x for x in r.answers)]  # none after a redirect
    assert found, "\n\n".join(wanting(provider))
    return max(found, key=lambda r: (len(r.answers), len(json.dumps(r.said["body"]))))


def account_of(provider: Provider, **changes: Any) -> Account:
    """An account with a key, what its provider requires, and nothing else."""
    spec = provider.spec
    asked = {check.field for check in spec.checks.values()}
    fields = {f.name: _given(f, needed=f.name in asked) for f in spec.fields}
    homeless = [name for name, origin in spec.urls.items() if not origin]
    urls = dict.fromkeys(homeless, f"https://{spec.name}.example")
    account = Account("acme", spec.name, Secret(KEY), targets=(), fields=fields, urls=urls)
    return replace(account, **changes)


def _given(declared: Field, *, needed: bool = False) -> object:
    if declared.kind is FieldKind.SECRET:
        return Secret(f"planted-{declared.name}-0002")
    if not (declared.required or needed):
        return declared.default
    if declared.kind is FieldKind.TABLE:
        return {f.name: _given(f) for f in declared.fields}
    return (declared.example,) if declared.kind is FieldKind.MEMBERS else declared.example


def _core(declared: Field, said: Any) -> object:
    """A field as a recording writes it, as the config would hand it over."""
    if declared.kind is FieldKind.TABLE:
        return {f.name: _core(f, said[f.name]) if f.name in said else f.default
                for f in declared.fields}  # fmt: skip
    if declared.kind is FieldKind.TABLES:
        return tuple(_core(replace(declared, kind=FieldKind.TABLE), one) for one in said)
    if declared.kind is FieldKind.MAP:
        return {name: Secret(value) for name, value in said.items()}
    if declared.kind is FieldKind.SECRET:
        return Secret(said)
    if declared.kind is FieldKind.NUMBER:
        return Decimal(str(said))
    several = declared.kind in (FieldKind.MEMBERS, FieldKind.TEXTS)
    return (tuple(said) if isinstance(said, list) else (said,)) if several else said


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
        headers = answer.get("headers", {"content-type": "application/json"})
        return httpx.Response(answer["status"], headers=headers, content=content)


def door_of(player: Any) -> Door:
    """The real door, with the player behind it."""
    return Door(transport=lambda _context: httpx.MockTransport(player))


async def played(
    provider: Provider,
    player: Any,
    check: Check,
    subject: str | None = None,
    *,
    account: Account | None = None,
    timeout: float = 15,
) -> Finding:
    """What the provider finds when the player answers."""
    account = account or account_of(provider)
    target = Target(account.name, provider.spec.name, check, subject)
    door = door_of(player)
    return await run_probe(provider, door, account, target, now=NOW, timeout=timeout)


def answers(provider: Provider, check: Check) -> list[dict[str, Any]]:
    """The good answers, in the order they are given."""
    return [dict(x) for x in good(provider, check).answers]


async def asked(provider: Provider, check: Check, player: Any, **more: Any) -> Finding:
    """What the provider makes of it, for the account its good answer is about."""
    fine = good(provider, check)
    account = fine.account(provider)
    return await played(provider, player, check, fine.subject, account=account, **more)


def figures(found: Finding) -> tuple[object, ...]:
    """What is measured."""
    return found.cause, found.balance, found.unit, found.quotas


def members(body: Any, path: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every member of a JSON value at any depth, with where it stands."""
    inside = body.items() if isinstance(body, dict) else enumerate(body)
    for name, value in inside:
        yield (*path, name), value
        if isinstance(value, (dict, list)):
            yield from members(value, (*path, name))


def changed(body: Any, path: Place, raw: str | None) -> str:
    """The body as text, with other text at `path`; None: without that member."""
    new = copy.deepcopy(body)
    parent = new
    for name in path[:-1]:
        parent = parent[name]
    if raw is None:
        del parent[path[-1]]
        return json.dumps(new)
    parent[path[-1]] = "@here@"
    return json.dumps(new).replace('"@here@"', raw)


# What a newcomer has to write


def wanting(provider: Provider) -> list[str]:
    """What the folder of a provider lacks, each with what to write; nothing: it is complete."""
    name, found = provider.spec.name, recordings(provider.spec.name)
    well = {r.check for r in found if r.expect["cause"] == "ok"}
    out = [_please(provider, c, "ok", 200) for c in provider.spec.checks if c not in well]
    check = next(iter(provider.spec.checks))
    if not any(r.expect["cause"] == "key_rejected" for r in found):
        out.append(_please(provider, check, "key_rejected", 401))
    if not any(r.said["request"].get("headers") for r in found):
        words = 'says how the key is carried: "request": {"headers": {"authorization": "Bearer'
        out.append(f'no recording in tests/recordings/{name}/ {words} KEY"}}}}')
    return out


def _please(provider: Provider, check: Check, cause: str, status: int) -> str:
    name = provider.spec.name
    expect = {"cause": cause} | ({"balance": "5916.25"} if cause == "ok" else {})
    example = {
        "source": f"{provider.spec.docs or 'where the answer comes from'}",
        "check": check.value,
        "request": {"method": "GET", "path": "/…", "headers": {"authorization": "Bearer KEY"}},
        "status": status,
        "body": {"…": "…"},
        "expect": expect,
    }
    place = f"tests/recordings/{name}/{check.value}-{cause.replace('_', '-')}.json"
    shape = json.dumps(example, indent=1, ensure_ascii=False)
    lack = f"{name} has no recorded answer of its {check} check that is {cause}"
    return f"{lack}: write {place}\n{shape}"
