"""Leonardo.Ai: the API's tokens, bought and of the plan together.

`paidTokens` and `subscriptionTokens` in the same answer are the web app's and pay no API call. The
tokens of the plan come anew at a date that is told.
Source: https://docs.leonardo.ai/reference/getuserself,
https://docs.leonardo.ai/docs/api-error-messages and its Python SDK 7.0.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from monitor.answers import Row, at, mapping, moment
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding
from monitor.core.spec import CheckSpec, ProviderSpec
from monitor.providers import Ask, Provider
from monitor.providers._balance import Call, balance_of, total

SPEC = ProviderSpec(
    name="leonardo",
    title="Leonardo.Ai",
    checks={Check.BALANCE: CheckSpec(interval=300.0, minimum=60.0, help="the API's tokens")},
    urls={"base_url": "https://cloud.leonardo.ai"},
    docs="https://docs.leonardo.ai/reference/getuserself",
    unit="tokens",
    key="an API key; the web app's plan has none",
    knows=(
        "The API's tokens, bought and of the plan together, and when the plan's come anew. The "
        "web app's own tokens are not in it."
    ),
)
ERRORS = (
    Row(range(400, 600), "invalid response from authorization hook", Cause.KEY_REJECTED,
        "Leonardo.Ai rejects the key: it has to be a UUID, as it was handed out"),
    Row(range(400, 600), "access-denied|hook unauthorized", Cause.KEY_REJECTED,
        "Leonardo.Ai rejects the key"),
)  # fmt: skip
ME = Call(SPEC, "/api/rest/v1/me", errors=ERRORS)
TOKENS = ("apiPaidTokens", "apiSubscriptionTokens")


async def probe(ask: Ask) -> Finding:
    """Ask whose key it is, and what is left. Raises Refused, Malformed, HttpFailure."""
    body = await ME.body(ask)
    details = mapping(at(body, "user_details.0"), "user_details.0")
    if all(at(details, name) is None for name in TOKENS):
        return Finding(Cause.NOT_KNOWABLE, "Leonardo.Ai names no tokens: is there an API plan?")
    found = balance_of(total(details, tuple(f"{name}?" for name in TOKENS)), "tokens")
    renews = _moment(details.get("apiPlanTokenRenewalDate"))
    return replace(found, facts={"renews_at": f"{renews:%Y-%m-%dT%H:%M:%SZ}"}) if renews else found


def _moment(value: object) -> datetime | None:
    """A time as Leonardo.Ai writes it: without a zone it is UTC."""
    return moment(value) or moment(f"{value}Z")


PROVIDER = Provider(SPEC, probe)
