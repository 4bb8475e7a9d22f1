"""Anthropic: the key, and for an admin key what the month has cost.

The prepaid balance is told to nobody but the Console. A balance that is too low is HTTP 400 with
its words, or `billing_error` with 402 or 403. Costs come as text, in cents.
Sources: https://platform.claude.com/docs/en/api/admin/cost_report,
https://platform.claude.com/docs/en/api/errors, https://platform.claude.com/docs/en/api/rate-limits
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from monitor.answers import Malformed, Row, at, listing, mapping, number, read_json
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding
from monitor.core.spec import CheckSpec, ProviderSpec
from monitor.providers import Ask, Provider, Refused
from monitor.providers._balance import CENTS, MINUTE, Call, currency, header
from monitor.providers._rates import anthropic_rates
from monitor.providers._spend import SPENT, Month, budget_faults, fields_of, spent, with_admin_key

SPEC = ProviderSpec(
    name="anthropic",
    title="Anthropic",
    checks={
        Check.KEY: CheckSpec(interval=15 * MINUTE, minimum=MINUTE, help="lists one model"),
        Check.QUOTA: SPENT,
    },
    urls={"base_url": "https://api.anthropic.com"},
    docs="https://platform.claude.com/docs/en/api/admin/cost_report",
    key_prefixes=("sk-ant-",),
    fields=fields_of("anthropic"),
    key="the product's own; costs are told to the `admin_key` of an organization only",
    knows=(
        "Whether the key is valid, and with `admin_key` what the month (UTC) has cost, without "
        "the Priority Tier. The prepaid balance cannot be known: the Console alone shows it."
    ),
    faults=budget_faults,
)
VERSION = {"anthropic-version": "2023-06-01"}
MONEY = "Anthropic says that the credit balance is too low"
ERRORS = (
    Row(400, "credit balance is too low", Cause.CREDITS_EXHAUSTED, MONEY),
    Row(402, "", Cause.CREDITS_EXHAUSTED, MONEY),
    Row(range(400, 500), "billing_error", Cause.CREDITS_EXHAUSTED, MONEY),
    Row(529, "", Cause.PROVIDER_ERROR, "Anthropic is overloaded"),
)
CARRIED = header("x-api-key")
MODELS = Call(SPEC, "/v1/models?limit=1", key=CARRIED, headers=VERSION, errors=ERRORS)
COSTS = Call(
    SPEC,
    "/v1/organizations/cost_report?starting_at={begins}&bucket_width=1d&limit=31",
    key=with_admin_key(CARRIED),
    headers=VERSION,
    errors=(
        *ERRORS,
        Row(
            403,
            "",
            Cause.NOT_KNOWABLE,
            "Anthropic tells costs only to an organization's admin key",
        ),
        Row(401, "", Cause.KEY_REJECTED, "Anthropic rejects the admin key"),
    ),
)


async def probe(ask: Ask) -> Finding:
    """Ask what the target is about. Raises Refused, Malformed, HttpFailure."""
    if ask.target.check is Check.QUOTA:
        begins = f"{Month.of(ask.now).begins:%Y-%m-%dT%H:%M:%SZ}"
        return await spent(ask, COSTS, begins, _usd)
    answer = await ask.send(MODELS.request(ask.account))
    rates = anthropic_rates(answer.headers, ask.now)
    if (refused := MODELS.refusal(answer)) is not None:
        raise Refused(replace(refused, quotas=rates))
    listing(at(mapping(read_json(answer)), "data"), "data")
    return Finding(Cause.OK, "the key is valid", quotas=rates)


def _usd(result: object) -> Decimal:
    """What one line of costs comes to. Raises Malformed."""
    if currency(at(result, "currency"), "currency") != "USD":
        raise Malformed("the costs are not in USD")
    return number(at(result, "amount"), "amount", digits=True) * CENTS


PROVIDER = Provider(SPEC, probe)
