"""Answers ruined at random, and what every finding must be all the same.

For `test_parsers_fuzz.py` and `benchmarks/fuzz_parsers.py`. All choices are one `Random`'s, so
that a seed (or hypothesis) can bring an answer back.
"""

from __future__ import annotations

import copy
import json
import random
from base64 import b64encode
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from recorded import KEY, NOW, Recording, members

from monitor.core.causes import CAUSES, Cause
from monitor.core.model import Check, Finding, Quota, Target
from monitor.core.secret import Secret
from monitor.http import Answer, Request
from monitor.providers import Provider, run_probe

UNREADABLE = "the answer is of a kind this version cannot read"  # what a stumbling parser becomes
NO_FIGURES = {Cause.ANSWER_MALFORMED, Cause.TIMED_OUT, Cause.PROVIDER_UNREACHABLE}
PERSON, ADDRESS = "erika.mustermann@example.com", "203.0.113.7"
STATUSES = (200, 200, 200, 200, 201, 204, 206, 304, 400, 401, 402, 403, 404, 410, 418, 422, 429,
            430, 433, 451, 455, 500, 502, 503, 504, 505, 520, 530)  # fmt: skip
TEXTS = ("", " ", "live", "error", "staging", "true", "0", "-1", "1e999", "12.5", "\u0661\u0662",
         "\ud800", "\x00", "a\nb", KEY, f"wrong {KEY}", PERSON, f"your IP ({ADDRESS})", "USD",
         "x" * 500, "2026-12-01T00:00:00Z", "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00Z",
         "is expired", "top up", "rate limit", "spending limit", "loading", "\u202e")  # fmt: skip
RAW = ("NaN", "Infinity", "-Infinity", "1e999", "1e-999999", "-0", "1e15", "-1e15",
       "999999999999999", "9" * 400, "0.1", "-0.5", "200", "401", "20000", "null", "true", "false",
       "[]", "{}", "[[]]", '{"message": "no"}', "[" * 90 + "]" * 90,
       '"' + "\\u0000" * 3 + '"')  # fmt: skip
HEADERS = (
    ("retry-after", ("30", "-5", "1e9", "99999999999", "Wed, 21 Oct 2026 07:28:00 GMT", "\u0663")),
    ("ratelimit", ('"api";r=0;t=241', '"api";r=489;t=189', '"api";r=999999999;t=999999', "x",
                   f'"{KEY}";r=1;t=1', '"pages";r=0;t=0, "api";r=1;t=2')),
    ("ratelimit-policy", ('"fixed window";"api";q=500;w=300', '"api";q=0;w=300', "y",
                          '"a";"api";q=5;w=1, "b";"pages";q=9;w=2')),
    ("x-error-code", ("GatedRepo", "RepoNotFound", KEY)),
    ("x-error-message", ("is expired", f"{KEY} {PERSON}", "\x7f")),
    ("x-hf-warning", ("topic; message", f"topic; {KEY} {PERSON}", "z" * 4000)),
    ("content-type", ("application/json", "text/html", "image/png", "", KEY)),
)  # fmt: skip


class Ruined:
    """A way out that gives ruined answers, the last again and again."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)

    async def send(self, _: Request) -> Answer:
        """The next answer."""
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def ruined(recording: Recording, rng: random.Random) -> tuple[Answer, ...]:
    """The recorded answers (those after a redirect, as if there had been none), spoilt."""
    kept = [x for x in recording.answers if x["status"] not in (301, 302, 307, 308)]
    spoilt = rng.randrange(len(kept)) if kept else 0
    return tuple(
        _spoilt(one, rng) if n == spoilt else _whole(one) for n, one in enumerate(kept)
    ) or (Answer(404, {}, b""),)


def _whole(one: Any) -> Answer:
    body = one["body"]
    text = body if isinstance(body, str) else json.dumps(body)
    headers = one.get("headers", {"content-type": "application/json"})
    return Answer(one["status"], headers, text.encode("utf-8", "surrogatepass"))


def _spoilt(one: Any, rng: random.Random) -> Answer:
    answer = _whole(one)
    status = answer.status if rng.random() < 0.7 else rng.choice(STATUSES)
    headers = dict(answer.headers)
    for name, values in HEADERS:
        if rng.random() < 0.15:
            headers[name] = rng.choice(values)
    return Answer(status, headers, _body(one["body"], answer.body, rng))


def _body(recorded: Any, sent: bytes, rng: random.Random) -> bytes:
    kind = rng.randrange(10)
    if kind < 6 and isinstance(recorded, (dict, list)) and recorded:
        return _changed(recorded, rng)
    if kind == 6:
        return bytes(rng.randrange(256) for _ in range(rng.randrange(60)))
    if kind == 7:
        return sent[: rng.randrange(len(sent) + 1)]
    if kind == 8 and sent:
        at = rng.randrange(len(sent))
        return sent[:at] + bytes([rng.randrange(256)]) + sent[at + 1 :]
    return rng.choice(RAW).encode() if kind == 9 else sent


def _changed(recorded: Any, rng: random.Random) -> bytes:
    """One to three members replaced, taken away or doubled; then written, with raw numbers."""
    body, raws = copy.deepcopy(recorded), dict[str, str]()
    for n in range(rng.randrange(1, 4)):
        places = list(members(body))
        if not places:
            break
        path, _ = rng.choice(places)
        parent = body
        for name in path[:-1]:
            parent = parent[name]
        _replace(parent, path[-1], n, raws, rng)
    text = json.dumps(body)
    for mark, raw in raws.items():
        text = text.replace(f'"{mark}"', raw)
    return text.encode()


def _replace(parent: Any, name: Any, n: int, raws: dict[str, str], rng: random.Random) -> None:
    kind = rng.randrange(5)
    if kind == 0:
        del parent[name]
    elif kind == 1:
        parent[name] = rng.choice(TEXTS)
    elif kind == 2:
        parent[name] = [parent[name], parent[name]]
    elif kind == 3 and isinstance(parent, dict):
        parent[rng.choice(("error", "code", "message", "status", "data", "detail"))] = parent[name]
    else:
        raws[f"@{n}@"] = rng.choice(RAW)
        parent[name] = f"@{n}@"


async def probed(provider: Provider, recording: Recording, answers: tuple[Answer, ...]) -> Finding:
    """What the provider makes of these answers."""
    account = recording.account(provider)
    name = provider.spec.name
    target = Target(account.name, name, recording.check, recording.subject)
    way = Ruined(*answers)
    return await run_probe(provider, way, account, target, now=NOW, timeout=60)


# What every finding must be


def faults(provider: Provider, recording: Recording, found: Finding) -> Iterator[str]:
    """What is wrong with a finding; nothing: it may leave."""
    if found.summary == UNREADABLE:
        yield f"an exception nobody declared: {found.evidence}"
    yield from _faults_of_words(found)
    yield from _faults_of_figures(provider, found, recording.check)
    account = recording.account(provider)
    held = [v.reveal() for v in account.fields.values() if isinstance(v, Secret)]
    pairs = [b64encode(f"{v}:{KEY}".encode()).decode() for v in account.fields.values()]
    said = repr(found)
    for secret in (KEY, PERSON, ADDRESS, *held, *pairs):
        if secret and secret in said:
            yield "something private has left"


def _faults_of_words(found: Finding) -> Iterator[str]:
    if not found.summary:
        yield "no summary"
    for words in (found.summary, found.evidence, *found.facts, *found.facts.values()):
        if not words.isprintable() or len(words) > 1000:
            yield f"words that are not one printable line: {words!r:.80}"
    if found.retry_after is not None and not 0 <= found.retry_after <= 3600:
        yield f"to stay away for {found.retry_after} s"


def _faults_of_figures(provider: Provider, found: Finding, check: Check) -> Iterator[str]:
    beside = {must.cause for must in getattr(provider.probe, "must", ())}  # the number is kept
    read = CAUSES[found.cause].read or found.cause in beside
    if found.balance is not None and not read:
        yield f"a balance with {found.cause}"
    if found.quotas and found.cause in NO_FIGURES:  # headers may tell them beside a refusal
        yield f"a quota with {found.cause}"
    if found.balance is not None:
        if not found.balance.is_finite() or abs(found.balance) >= Decimal(10) ** 18:
            yield f"a balance of {found.balance}"
        if not found.unit or check is not Check.BALANCE:
            yield "a balance without unit, or of another check"
    elif check is Check.BALANCE and found.cause is Cause.OK:
        yield "fine, and no balance"
    for quota in found.quotas:
        yield from _faults_of_quota(quota)
    spent = [q for q in found.quotas if q.used is not None and q.limit and q.used >= q.limit]
    none = not any(q.limit == 0 for q in found.quotas) and not spent
    if found.cause is Cause.QUOTA_EXHAUSTED and check is Check.QUOTA and found.quotas and none:
        yield "exhausted, and no quota is"


def _faults_of_quota(quota: Quota) -> Iterator[str]:
    for figure in (quota.used, quota.limit):
        if figure is not None and not figure.is_finite():
            yield f"a quota of {figure}"
    if not quota.unit or not quota.quota or not (quota.quota + quota.unit).isprintable():
        yield "a quota without name or unit"
    if quota.resets_at is not None and quota.resets_at.tzinfo is None:
        yield "a reset in no zone"
