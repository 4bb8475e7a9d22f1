"""What every provider's file must survive: bad lines, echoed keys, its own limits.

All of it is derived from the file and its recordings: a new provider is held to it by being there.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from recorded import (
    KEY,
    NOW,
    Player,
    account_of,
    answers,
    asked,
    changed,
    figures,
    good,
    members,
    played,
    recordings,
)
from wire import Line, serving
from wire import answer as wired

from monitor.core.causes import Cause
from monitor.core.model import Check, Target
from monitor.core.secret import Secret
from monitor.core.spec import FieldKind, Limit
from monitor.http import Door
from monitor.providers import Provider, load_providers, run_probe
from monitor.providers._balance import Call

PROVIDERS = load_providers()
CHECKS = [(p, c) for p in PROVIDERS.values() for c in p.spec.checks]
Body = Any  # JSON


def label(x: object) -> str:
    """A case's name."""
    return x.spec.name if isinstance(x, Provider) else str(getattr(x, "value", x))


# Bad lines: the good answers come, until one does not

Fault = Callable[[httpx.Request], Any]


class Faulty:
    """Good answers, then a fault; keeps what was asked."""

    def __init__(self, before: list[dict[str, Any]], fault: Fault) -> None:
        self._player, self._left, self._fault = Player(*before), len(before), fault
        self.asked: list[httpx.Request] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self._left:
            self._left -= 1
            return self._player(request)
        made = self._fault(request)
        found: httpx.Response = made if isinstance(made, httpx.Response) else await made
        return found


class Dripping(httpx.AsyncByteStream):
    """A byte at a time, for ever."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.001)


async def hangs(_: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


def breaks(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("reset", request=request)


def drips(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, headers={"content-length": "60000"}, stream=Dripping())


def bombs(_: httpx.Request) -> httpx.Response:
    content = gzip.compress(bytes(2_000_000), mtime=0)
    return httpx.Response(200, headers={"content-encoding": "gzip"}, content=content)


def floods(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=b"[" + b" " * 20_000_000 + b"]")


def sent_to(status: int, there: str) -> Fault:
    return lambda _: httpx.Response(status, headers={"location": there})


ELSEWHERE = "https://elsewhere.example/steal"
BAD_LINES: Mapping[str, tuple[Fault, Cause]] = {
    "hangs": (hangs, Cause.TIMED_OUT),
    "drips": (drips, Cause.TIMED_OUT),
    "breaks off": (breaks, Cause.PROVIDER_UNREACHABLE),
    "a bomb": (bombs, Cause.ANSWER_MALFORMED),
    "a flood": (floods, Cause.ANSWER_MALFORMED),
    "redirects elsewhere": (sent_to(302, ELSEWHERE), Cause.ANSWER_MALFORMED),
    "redirects elsewhere with 307": (sent_to(307, ELSEWHERE), Cause.ANSWER_MALFORMED),
    "redirects elsewhere for good": (sent_to(301, ELSEWHERE), Cause.ENDPOINT_RETIRED),
}


@pytest.mark.parametrize("line", BAD_LINES)
@pytest.mark.parametrize(("provider", "check"), CHECKS, ids=label)
async def test_a_bad_line_is_named_and_gives_no_number(
    provider: Provider, check: Check, line: str
) -> None:
    fault, cause = BAD_LINES[line]
    given = answers(provider, check)
    set_by_hand = good(provider, check).account(provider).urls
    home = {
        urlsplit(url).hostname for url in (*provider.spec.urls.values(), *set_by_hand.values())
    }
    for n in range(len(given)):
        faulty = Faulty(given[:n], fault)
        patience = 0.02 if cause is Cause.TIMED_OUT else 15
        found = await asked(provider, check, faulty, timeout=patience)
        assert (found.cause, found.balance, found.quotas) == (cause, None, ())
        assert len(faulty.asked) == n + 1
        assert {request.url.host for request in faulty.asked} <= home


@pytest.mark.parametrize(("provider", "check"), CHECKS, ids=label)
async def test_it_reads_the_same_over_a_real_wire(provider: Provider, check: Check) -> None:
    fine = good(provider, check)
    given = answers(provider, check)
    sound = figures(await asked(provider, check, Player(*given)))

    async def script(line: Line) -> bool:
        one = given.pop(0)
        body = one["body"] if isinstance(one["body"], str) else json.dumps(one["body"])
        kind = one.get("headers", {}).get("content-type", "application/json")
        await line.say(wired(body.encode(), status=one["status"], Content_Type=kind))
        return True

    door = Door()
    async with serving(script) as wire:
        here = dict.fromkeys(provider.spec.urls, wire.url)
        account = account_of(provider, urls=here, fields=fine.account(provider).fields)
        target = Target("acme", provider.spec.name, check, fine.subject)
        found = await run_probe(provider, door, account, target, now=NOW, timeout=5)
        await door.aclose()
    assert figures(found)[:2] == sound[:2]
    assert found.quotas == sound[3]


# What must not leave


async def credentials(provider: Provider, check: Check) -> list[str]:
    """What of the requests is secret: the words in headers that another key would change."""
    asked_with = []
    for key in (KEY, "another-planted-key-0003"):
        player, fine = Player(*answers(provider, check)), good(provider, check)
        account = account_of(provider, key=Secret(key), fields=fine.account(provider).fields)
        await played(provider, player, check, fine.subject, account=account)
        asked_with.append(player.asked)
    one, other = asked_with
    assert [(r.method, r.url, r.content) for r in one] == [
        (r.method, r.url, r.content) for r in other
    ], "the key is carried in a header, never in an address or a body"
    return [
        word
        for mine, theirs in zip(one, other, strict=True)
        for name, value in mine.headers.items()
        if theirs.headers[name] != value
        for word in value.split()
        if word not in theirs.headers[name].split()
    ]


def secrets_of(provider: Provider) -> list[str]:
    """What else of the account is secret."""
    own = [f for f in provider.spec.fields if f.kind is FieldKind.SECRET]
    return [f"planted-{f.name}-0002" for f in own]


PERSON = "erika.mustermann@example.com"


@pytest.mark.parametrize(("provider", "check"), CHECKS, ids=label)
async def test_what_is_echoed_goes_no_further(
    provider: Provider, check: Check, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = [*await credentials(provider, check), KEY, *secrets_of(provider), PERSON]
    echo = f"wrong: {' '.join(secret)}"
    names = ("error", "message", "msg", "detail", "code", "status", "data", "errors", "name")
    told: list[Body] = [dict.fromkeys(names, echo), {"error": {"message": echo, "type": echo}}]
    told += [{name: {KEY: echo}} for name in names] + [f'"{echo}"', echo]
    for status in (200, 400, 401, 403, 404, 418, 429, 500):
        for body in told:
            headers = {"content-type": "application/json", "x-error-message": echo}
            answer = {"status": status, "headers": headers, "body": body}
            found = await asked(provider, check, Player(answer, answer, answer))
            assert [x for x in secret if x in repr(found)] == []
    assert [x for x in secret if x in caplog.text] == []


@pytest.mark.parametrize(("provider", "check"), CHECKS, ids=label)
async def test_what_stands_in_a_good_answer_goes_no_further(
    provider: Provider, check: Check
) -> None:
    given = answers(provider, check)
    secret = [*await credentials(provider, check), KEY, *secrets_of(provider), PERSON]
    echo = json.dumps(" ".join(secret))
    for n, one in enumerate(given):
        if isinstance(one["body"], str):
            continue
        texts = [path for path, value in members(one["body"]) if isinstance(value, str)]
        for path in texts:
            body = changed(one["body"], path, echo)
            told = [*given[:n], {**one, "body": body}, *given[n + 1 :]]
            found = await asked(provider, check, Player(*told))
            assert [x for x in secret if x in repr(found)] == [], path


WHO = {
    "email", "username", "account_name", "account_id", "fullname", "phone", "label", "image",
    "api_key", "access_token", "introduction", "project_id",
}  # fmt: skip


@pytest.mark.parametrize(("provider", "check"), CHECKS, ids=label)
async def test_who_the_account_belongs_to_is_not_told(provider: Provider, check: Check) -> None:
    given = answers(provider, check)
    found = repr(await asked(provider, check, Player(*given)))
    bodies = [x["body"] for x in given if isinstance(x["body"], dict)]
    for path, value in (pair for body in bodies for pair in members(body)):
        if path[-1] in WHO and isinstance(value, str) and value:
            assert value not in found


# Documented errors, documented limits


def calls_of(provider: Provider) -> list[Call]:
    """The requests its file declares."""
    module = sys.modules[f"monitor.providers.{provider.spec.name}"]
    return [x for x in (*vars(module).values(), provider.probe) if isinstance(x, Call)]


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=label)
async def test_every_error_a_provider_documents_has_been_recorded(provider: Provider) -> None:
    met = set()
    for one in recordings(provider.spec.name):
        account, player = one.account(provider), Player(*one.answers)
        found = await played(provider, player, one.check, one.subject, account=account)
        met.add((found.cause, found.summary))
    for row in (row for call in calls_of(provider) for row in call.errors):
        words = f"no recording in tests/recordings/{provider.spec.name}/ meets {row}"
        assert (row.cause, row.summary) in met, words


def shared(provider: Provider) -> Mapping[Limit, list[Check]]:
    """The checks that one documented limit holds together."""
    found: dict[Limit, list[Check]] = defaultdict(list)
    for check, declared in provider.spec.checks.items():
        if declared.limit is not None:
            found[declared.limit].append(check)
    return found


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=label)
def test_it_never_asks_more_often_than_the_provider_allows(provider: Provider) -> None:
    for limit, checks in shared(provider).items():
        assert limit.source.startswith("https://")
        least = [provider.spec.checks[c].minimum or 0.001 for c in checks]
        calls = [len(good(provider, c).answers) for c in checks]
        rate = sum(Decimal(n) / Decimal(s) for n, s in zip(calls, least, strict=True))
        assert rate <= Decimal(limit.calls) / Decimal(limit.seconds), checks
        assert all(n <= limit.calls for n in calls), "one probe alone would break the limit"
