"""OpenAI: the key, and for an admin key what the month has cost.

The prepaid balance is told to nobody but the dashboard. `insufficient_quota` is HTTP 429 and means
money, not speed. A restricted key may be fine for the product and not be allowed to list models.
Sources: https://platform.openai.com/docs/api-reference/usage/costs,
https://platform.openai.com/docs/guides/error-codes,
https://platform.openai.com/docs/guides/rate-limits, and its Python SDK 3.51.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from monitor.answers import Malformed, Row, at, listing, mapping, number, read_json
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding
from monitor.core.spec import CheckSpec, ProviderSpec, tried
from monitor.providers import Ask, Provider, Refused, bearer
from monitor.providers._balance import MINUTE, Call, currency
from monitor.providers._rates import openai_rates
from monitor.providers._spend import SPENT, Month, budget_faults, fields_of, spent, with_admin_key

SPEC = ProviderSpec(
    name="openai",
    title="OpenAI",
    checks={
        Check.KEY: CheckSpec(interval=15 * MINUTE, minimum=MINUTE, help="lists the models"),
        Check.QUOTA: SPENT,
    },
    urls={"base_url": "https://api.openai.com"},
    docs="https://platform.openai.com/docs/api-reference/usage/costs",
    by_hand=tried("https://api.openai.com/v1/models"),
    key_prefixes=("sk-",),
    fields=fields_of("openai"),
    key="the product's own; costs are told to the `admin_key` of an organization's owner only",
    knows=(
        "Whether the key is valid, and with `admin_key` what the month (UTC) has cost. Costs come "
        "some hours late. The prepaid balance cannot be known: the dashboard alone shows it."
    ),
    faults=budget_faults,
)
MONEY = "OpenAI says that the credits are used up, or the month's limit is reached"
ERRORS = (
    Row(429, "insufficient_quota|exceeded your current quota|billing_hard_limit_reached",
        Cause.CREDITS_EXHAUSTED, MONEY),
    Row(429, "billing_not_active", Cause.CREDITS_EXHAUSTED,
        "OpenAI says that billing is not active for this account"),
    Row(403, "unsupported_country", Cause.PROVIDER_ERROR,
        "OpenAI does not serve the country that this is asked from"),
)  # fmt: skip
UNLISTED = "OpenAI knows the key; it is a restricted one that may not list models"
MODELS = Call(
    SPEC,
    "/v1/models",
    errors=(
        *ERRORS,
        Row(403, "missing scopes|insufficient permissions", Cause.OK, UNLISTED),
        Row(401, "missing scopes|insufficient permissions", Cause.OK, UNLISTED),
    ),
    cap=1024 * 1024,  # fine-tuned models are listed as well
)
ADMIN = "OpenAI tells costs only to an admin key with the scope api.usage.read"
COSTS = Call(
    SPEC,
    "/v1/organization/costs?start_time={begins}&bucket_width=1d&limit=31",
    key=with_admin_key(bearer),
    errors=(
        *ERRORS,
        Row(403, "", Cause.NOT_KNOWABLE, ADMIN),
        Row(401, "missing scopes|insufficient permissions", Cause.NOT_KNOWABLE, ADMIN),
        Row(401, "", Cause.KEY_REJECTED, "OpenAI rejects the admin key"),
    ),
)


async def probe(ask: Ask) -> Finding:
    """Ask what the target is about. Raises Refused, Malformed, HttpFailure."""
    if ask.target.check is Check.QUOTA:
        begins = int(Month.of(ask.now).begins.timestamp())
        return await spent(ask, COSTS, str(begins), _usd)
    answer = await ask.send(MODELS.request(ask.account))
    rates = openai_rates(answer.headers, ask.now)
    if (refused := MODELS.refusal(answer)) is not None:
        raise Refused(replace(refused, quotas=rates))
    listing(at(mapping(read_json(answer)), "data"), "data")
    return Finding(Cause.OK, "the key is valid", quotas=rates)


def _usd(result: object) -> Decimal:
    """What one line of costs comes to. Raises Malformed."""
    if currency(at(result, "amount.currency"), "currency") != "USD":
        raise Malformed("the costs are not in USD")
    return number(at(result, "amount.value"), "amount.value", digits=True)


PROVIDER = Provider(SPEC, probe)
