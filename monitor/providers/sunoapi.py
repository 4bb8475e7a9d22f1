"""SunoAPI (sunoapi.org): the account's credits.

HTTP 200 carries a `code` that decides, and its meanings are its own: 429 is money here, 430 is the
rate limit, 405 a limit of calls.
Source: https://docs.sunoapi.org/suno-api/get-remaining-credits
"""

from __future__ import annotations

from monitor.answers import Row
from monitor.core.causes import Cause
from monitor.core.model import Check
from monitor.core.spec import CheckSpec, ProviderSpec
from monitor.providers import Provider
from monitor.providers._balance import Balance, Code

SPEC = ProviderSpec(
    name="sunoapi",
    title="SunoAPI",
    checks={Check.BALANCE: CheckSpec(interval=300.0, minimum=30.0, help="credits of the account")},
    urls={"base_url": "https://api.sunoapi.org"},
    docs="https://docs.sunoapi.org/suno-api/get-remaining-credits",
    links={
        "billing": "https://sunoapi.org/billing",
    },
    unit="credits",
    knows="The credits of the account.",
)
ERRORS = (
    Row(405, "", Cause.RATE_LIMITED, "SunoAPI says that the limit of calls is reached"),
    Row(429, "", Cause.CREDITS_EXHAUSTED, "SunoAPI says that the credits are used up"),
    Row(430, "", Cause.RATE_LIMITED, "SunoAPI was asked too often"),
    Row(455, "", Cause.PROVIDER_MAINTENANCE, "SunoAPI is under maintenance"),
)
PROVIDER = Provider(
    SPEC,
    Balance(
        SPEC,
        "/api/v1/generate/credit",
        "data",
        code=Code("code", fine=200, among=range(200, 1000)),
        errors=ERRORS,
    ),
)
