"""Vast.ai: the account's prepaid credit.

`credit` is what was paid in advance; `balance` is another account, often zero or less. The answer
also holds the API key, the e-mail address and the postal one: nothing of it but the number leaves
here. A 429 is plain text.
Source: https://docs.vast.ai/api-reference/authentication,
https://docs.vast.ai/api-reference/rate-limits-and-errors and its Python SDK 1.9.
"""

from __future__ import annotations

from monitor.answers import Row
from monitor.core.causes import Cause
from monitor.core.model import Check
from monitor.core.spec import CheckSpec, ProviderSpec
from monitor.providers import Provider
from monitor.providers._balance import Balance

SPEC = ProviderSpec(
    name="vast",
    title="Vast.ai",
    checks={Check.BALANCE: CheckSpec(interval=300.0, minimum=60.0, help="prepaid credit in USD")},
    urls={"base_url": "https://console.vast.ai"},
    docs="https://docs.vast.ai/api-reference/rate-limits-and-errors",
    unit="USD",
    key="one with the permission user_read",
    knows="The prepaid credit. What a host earns is not in it.",
)
ERRORS = (
    Row(400, "auth_error|invalid user key", Cause.KEY_REJECTED, "Vast.ai rejects the key"),
    Row(403, "", Cause.NOT_KNOWABLE,
        "Vast.ai tells the credit only to a key with the permission user_read"),
)  # fmt: skip
PROVIDER = Provider(
    SPEC,
    Balance(
        SPEC,
        "/api/v0/users/current",
        "credit",
        refuses=lambda body: body.get("success") is False,
        errors=ERRORS,
        follow=True,  # some pages of its docs write this path with a slash at its end
    ),
)
