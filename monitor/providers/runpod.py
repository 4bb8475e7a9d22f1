"""Runpod: the account's balance, and what its running pods cost an hour.

One GraphQL question. Its errors come with HTTP 200 as well as with 400, and what a restricted key
may not read is "Unauthorized" there; a wrong key is HTTP 401.
Source: https://docs.runpod.io/get-started/api-keys, https://graphql-spec.runpod.io, its Python SDK
1.12, and public clients that ask for the balance.
"""

from __future__ import annotations

from dataclasses import replace

from monitor.answers import Row, at, mapping, number, plain
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding
from monitor.core.spec import CheckSpec, ProviderSpec
from monitor.providers import Ask, Provider
from monitor.providers._balance import Call, balance_of

SPEC = ProviderSpec(
    name="runpod",
    title="Runpod",
    checks={Check.BALANCE: CheckSpec(interval=300.0, minimum=60.0, help="of the account, in USD")},
    urls={"base_url": "https://api.runpod.io"},
    docs="https://docs.runpod.io/get-started/api-keys",
    unit="USD",
    key="one that may read GraphQL",
    knows=(
        "The balance of the account, and what it spends an hour at present. A restricted key may "
        "work for endpoints and cannot be read here."
    ),
)
WITHHELD = "Runpod tells the balance only to a key that may read GraphQL"
ERRORS = (
    Row(400, "unauthorized|unauthenticated|forbidden|permission", Cause.NOT_KNOWABLE, WITHHELD),
    Row(403, "", Cause.NOT_KNOWABLE, WITHHELD),
    Row(400, "cannot query field", Cause.ENDPOINT_RETIRED, "Runpod no longer knows this question"),
    Row(400, "too many requests|rate.?limit", Cause.RATE_LIMITED, "Runpod was asked too often"),
)
MYSELF = Call(
    SPEC,
    "/graphql",
    post=b'{"query": "query { myself { clientBalance currentSpendPerHr } }"}',
    refuses=lambda body: bool(body.get("errors")),
    errors=ERRORS,
)


async def probe(ask: Ask) -> Finding:
    """Ask for the balance and what is spent an hour. Raises Refused, Malformed, HttpFailure."""
    body = await MYSELF.body(ask)
    myself = mapping(at(body, "data.myself"), "data.myself")
    found = balance_of(number(at(myself, "clientBalance"), "clientBalance"), "USD")
    if myself.get("currentSpendPerHr") is None:
        return found
    spends = plain(number(myself["currentSpendPerHr"], "currentSpendPerHr"))
    words = f"{found.summary}, {spends} USD an hour is being spent"
    return replace(found, summary=words, facts={"spend_per_hour": spends})


PROVIDER = Provider(SPEC, probe)
