"""Luma (lumalabs.ai), Dream Machine: the account's credits, told in US cents.

Source: https://docs.lumalabs.ai/reference/getcredits and its Python SDK 1.21.
"""

from __future__ import annotations

from monitor.core.model import Check
from monitor.core.spec import CheckSpec, ProviderSpec
from monitor.providers import Provider
from monitor.providers._balance import CENTS, Balance

SPEC = ProviderSpec(
    name="luma",
    title="Luma",
    checks={Check.BALANCE: CheckSpec(interval=300.0, minimum=60.0, help="credit in USD")},
    urls={"base_url": "https://api.lumalabs.ai"},
    docs="https://docs.lumalabs.ai/reference/getcredits",
    links={
        "billing": "https://lumalabs.ai/dream-machine/api/billing/overview",
        "keys": "https://lumalabs.ai/dream-machine/api/keys",
        "status": "https://status.lumalabs.ai",
    },
    unit="USD",
    knows="The prepaid credit. It is told in cents, and shown in USD.",
)
PROVIDER = Provider(
    SPEC, Balance(SPEC, "/dream-machine/v1/credits", "credit_balance", scale=CENTS)
)
