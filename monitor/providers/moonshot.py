"""Moonshot AI (Kimi): what the account may still spend.

The answer names no currency: api.moonshot.ai is in USD, api.moonshot.cn in CNY. Calls are refused
at 0 and below; the part paid in cash may be negative, which the available balance already heeds.
Source: https://platform.moonshot.ai/docs/api/balance
"""

from __future__ import annotations

from monitor.answers import Row
from monitor.core.causes import Cause
from monitor.core.model import Check
from monitor.core.spec import CheckSpec, Field, FieldKind, ProviderSpec
from monitor.providers import Provider
from monitor.providers._balance import Balance, Code, Must

SPEC = ProviderSpec(
    name="moonshot",
    title="Moonshot AI (Kimi)",
    checks={Check.BALANCE: CheckSpec(interval=300.0, minimum=60.0, help="cash and vouchers")},
    urls={"base_url": "https://api.moonshot.ai"},
    docs="https://platform.moonshot.ai/docs/api/balance",
    links={
        "billing": "https://platform.moonshot.ai/console/pay",
    },
    unit="USD",
    key_prefixes=("sk-",),
    fields=(
        Field(
            "currency",
            FieldKind.TEXT,
            "of the balance; by default what the host says: USD at .ai, CNY at .cn",
            choices=("CNY", "USD"),
            example="CNY",
        ),
    ),
    knows="Cash and vouchers together. `base_url: https://api.moonshot.cn` is in CNY.",
)
GONE = "Moonshot says that the credits are used up"
ERRORS = (
    Row(403, "insufficient balance|quota", Cause.CREDITS_EXHAUSTED, GONE),
    # Out of money looks like a rate limit here.
    Row(429, "exceeded_current_quota|insufficient balance|exceeded your current quota",
        Cause.CREDITS_EXHAUSTED, GONE),
)  # fmt: skip
PROVIDER = Provider(
    SPEC,
    Balance(
        SPEC,
        "/v1/users/me/balance",
        "data.available_balance",
        unit_by_host={".ai": "USD", ".cn": "CNY"},
        code=Code("code", fine=0),
        errors=ERRORS,
        must=(Must("status", Cause.PROVIDER_ERROR, "Moonshot calls its own answer a failure"),),
    ),
)
