"""DeepSeek: the balance in one currency.

The answer lists a balance for each currency, as text; they cannot be added up. The field
`currency` says which is meant; without it, the first that is not zero, and USD where all are: an
account in USD whose money ends must not turn into one in CNY. One that pays in CNY and is told a
balance in USD as well turns the other way at 0, unless `currency` is set: the answer does not say
what the account pays in. `is_available` false means that calls are refused, whatever the numbers
say.
Source: https://api-docs.deepseek.com/api/get-user-balance
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from monitor.answers import Malformed, at, listing, number, shape
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding
from monitor.core.spec import CheckSpec, Field, FieldKind, ProviderSpec, tried
from monitor.providers import Ask, Provider
from monitor.providers._balance import Call, balance_of, currency, sure

SPEC = ProviderSpec(
    name="deepseek",
    title="DeepSeek",
    checks={Check.BALANCE: CheckSpec(interval=300.0, minimum=60.0, help="in one currency")},
    urls={"base_url": "https://api.deepseek.com"},
    docs="https://api-docs.deepseek.com/api/get-user-balance",
    by_hand=tried("https://api.deepseek.com/user/balance"),
    links={
        "billing": "https://platform.deepseek.com/top_up",
        "keys": "https://platform.deepseek.com/api_keys",
    },
    fields=(
        Field(
            "currency",
            FieldKind.TEXT,
            "which balance is meant; by default the first that is not zero, USD where all are",
            choices=("CNY", "USD"),
            example="USD",
        ),
    ),
    knows="The balance, granted and paid together, in one currency, and whether calls are taken.",
)
BALANCES = Call(SPEC, "/user/balance")


async def probe(ask: Ask) -> Finding:
    """Ask for the balances, and choose one. Raises Refused, Malformed, HttpFailure."""
    body = await BALANCES.body(ask)
    unit, amount = _chosen(body, ask.account.fields.get("currency"))
    found = balance_of(amount, unit)
    if sure(body, "is_available"):
        return found
    words = "DeepSeek takes no calls: it says that the balance does not suffice"
    return replace(found, cause=Cause.CREDITS_EXHAUSTED, summary=words)


def _chosen(body: Mapping[str, object], wanted: object) -> tuple[str, Decimal]:
    """The currency and its balance. Raises Malformed."""
    found = {}
    for one in listing(at(body, "balance_infos"), "balance_infos"):
        unit = currency(at(one, "currency"), "currency")
        found[unit] = number(at(one, "total_balance"), "total_balance", digits=True)
    zero_last = sorted(found, key=lambda unit: (found[unit] == 0) * (1 + (unit != "USD")))
    units = [str(wanted)] if wanted else zero_last
    if not units or units[0] not in found:
        words = f"DeepSeek names no balance in {wanted or 'any currency'}"
        raise Malformed(words, evidence=shape(body))
    return units[0], found[units[0]]


PROVIDER = Provider(SPEC, probe)
