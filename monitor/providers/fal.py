"""fal (fal.ai): the team's balance, for a key that may read billing.

A plain API key runs models and gets 403 here: that says nothing against it.
Source: https://fal.ai/docs/platform-apis/v1/account/billing
"""

from __future__ import annotations

from monitor.answers import Row
from monitor.core.causes import Cause
from monitor.core.model import Check
from monitor.core.spec import CheckSpec, ProviderSpec
from monitor.providers import Provider
from monitor.providers._balance import Balance, authorization

SPEC = ProviderSpec(
    name="fal",
    title="fal",
    checks={Check.BALANCE: CheckSpec(interval=300.0, minimum=60.0, help="balance of the team")},
    urls={"base_url": "https://api.fal.ai"},
    docs="https://fal.ai/docs/platform-apis/v1/account/billing",
    links={
        "billing": "https://fal.ai/dashboard/billing",
        "status": "https://status.fal.ai",
    },
    unit="USD",
    key="an admin key, or one with the billing scope; a plain API key may not ask",
    knows=(
        "The balance, with a key that may read billing. Not known: at which balance fal locks the "
        "account, and that purchased credits end after 365 days."
    ),
)
ERRORS = (
    Row(403, "", Cause.NOT_KNOWABLE,
        "fal tells the balance only to a key with the permission billing:usage:read"),
)  # fmt: skip
PROVIDER = Provider(
    SPEC,
    Balance(
        SPEC,
        "/v1/account/billing?expand=credits",
        "credits.current_balance",
        key=authorization("Key"),
        unit_at="credits.currency",
        errors=ERRORS,
    ),
)
