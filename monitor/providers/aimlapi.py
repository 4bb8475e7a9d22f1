"""AI/ML API (aimlapi.com): the account's credits.

Source: https://docs.aimlapi.com/api-references/service-endpoints/account-balance
"""

from __future__ import annotations

from monitor.core.model import Check
from monitor.core.spec import CheckSpec, ProviderSpec
from monitor.providers import Provider
from monitor.providers._balance import Balance

SPEC = ProviderSpec(
    name="aimlapi",
    title="AI/ML API",
    checks={Check.BALANCE: CheckSpec(interval=300.0, minimum=60.0, help="credits of the account")},
    urls={"base_url": "https://api.aimlapi.com"},
    docs="https://docs.aimlapi.com/api-references/service-endpoints/account-balance",
    links={
        "billing": "https://aimlapi.com/app/billing",
    },
    unit="credits",
    knows="The credits. What one is worth in USD is not documented.",
)
PROVIDER = Provider(SPEC, Balance(SPEC, "/v1/billing/balance", "balance"))
