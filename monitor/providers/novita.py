"""Novita AI: what the account may still spend, told as text in 1/10000 USD.

Source: https://novita.ai/docs/api-reference/basic-get-user-balance
"""

from __future__ import annotations

from decimal import Decimal

from monitor.core.model import Check
from monitor.core.spec import CheckSpec, ProviderSpec
from monitor.providers import Provider
from monitor.providers._balance import Balance

SPEC = ProviderSpec(
    name="novita",
    title="Novita AI",
    checks={Check.BALANCE: CheckSpec(interval=300.0, minimum=60.0, help="cash and credit line")},
    urls={"base_url": "https://api.novita.ai"},
    docs="https://novita.ai/docs/api-reference/basic-get-user-balance",
    links={
        "billing": "https://novita.ai/billing",
    },
    unit="USD",
    knows="What may still be spent: the cash, and the credit line where there is one.",
)
PROVIDER = Provider(
    SPEC,
    Balance(
        SPEC,
        "/openapi/v1/billing/balance/detail",
        "availableBalance",
        strings=True,
        scale=Decimal("0.0001"),
    ),
)
