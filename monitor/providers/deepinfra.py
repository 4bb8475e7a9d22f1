"""DeepInfra: the prepaid credit, less what is used and not yet billed.

`stripe_balance` is negative where there is credit, positive where money is owed; `recent` is taken
from it with the next invoice. The answer also holds the postal address and the means of payment:
nothing of it but the number leaves here.
Source: https://docs.deepinfra.com/api-reference/billing/get-checklist
"""

from __future__ import annotations

from monitor.answers import Row
from monitor.core.causes import Cause
from monitor.core.model import Check
from monitor.core.spec import CheckSpec, ProviderSpec
from monitor.providers import Provider
from monitor.providers._balance import Balance, Must

SPEC = ProviderSpec(
    name="deepinfra",
    title="DeepInfra",
    checks={Check.BALANCE: CheckSpec(interval=300.0, minimum=60.0, help="prepaid credit in USD")},
    urls={"base_url": "https://api.deepinfra.com"},
    docs="https://docs.deepinfra.com/api-reference/billing/get-checklist",
    unit="USD",
    key="one that may read billing",
    knows=(
        "The prepaid credit less what is not yet billed, negative where money is owed, and "
        "whether the account is suspended."
    ),
)
ERRORS = (
    Row(403, "", Cause.NOT_KNOWABLE,
        "DeepInfra tells the credit only to a key that may read billing"),
)  # fmt: skip
SUSPENDED = "DeepInfra has suspended the account: its billing page says what is due"
PROVIDER = Provider(
    SPEC,
    Balance(
        SPEC,
        "/payment/checklist?compute_owed=true",
        ("-stripe_balance", "-recent"),
        errors=ERRORS,
        must=(Must("suspended", Cause.CREDITS_EXHAUSTED, SUSPENDED, be=False),),
    ),
)
