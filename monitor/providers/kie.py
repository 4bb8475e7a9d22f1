"""KIE (kie.ai): the account's credits, and with them the key.

It answers HTTP 200 with an error `code` in the body: that code decides, unless the HTTP status
says otherwise. There is no call for the key alone; a balance that can be read proves it.
Source: https://docs.kie.ai/common-api/get-account-credits, and answers recorded in 2025 and 2026.
"""

from __future__ import annotations

from monitor.answers import Row
from monitor.core.causes import Cause
from monitor.core.model import Check
from monitor.core.spec import CheckSpec, ProviderSpec
from monitor.providers import Provider
from monitor.providers._balance import Balance, Code, errors

CREDITS_GONE = (
    r"credits?\s+(are\s+)?insufficient|insufficient\s+credits?"
    r"|current balance isn.t enough|top\s*up"
)
GONE = "KIE says that the credits are used up"

# (HTTP status, or `code` of the body where HTTP says 200), words, cause, sentence: the first fits.
OWN = (
    Row(401, "", Cause.KEY_REJECTED, "KIE rejects the key"),
    Row(402, "", Cause.CREDITS_EXHAUSTED, GONE),
    Row(403, "", Cause.KEY_LACKS_PERMISSION,
        "KIE refuses the key: it is disabled, or this machine's address is not on its whitelist"),
    Row(404, "", Cause.ENDPOINT_RETIRED, "KIE no longer knows the address for credits"),
    Row(429, "", Cause.RATE_LIMITED, "KIE was asked too often"),
    Row(433, "", Cause.KEY_CAP_REACHED, "the key has reached the credit cap set for it"),
    Row(455, "", Cause.PROVIDER_MAINTENANCE, "KIE is under maintenance"),
    # An empty account was seen as code 500 (2026-09-13), not as the documented 402.
    Row(range(400, 600), CREDITS_GONE, Cause.CREDITS_EXHAUSTED, GONE),
    # "Feature disabled": switched off by KIE itself, nothing broke, and it comes back.
    Row(505, "disabled", Cause.PROVIDER_MAINTENANCE, "KIE has switched this function off"),
)  # fmt: skip
ROWS = errors("KIE", *OWN)

SPEC = ProviderSpec(
    name="kie",
    title="KIE",
    checks={
        Check.BALANCE: CheckSpec(interval=300.0, minimum=30.0, help="credits of the account"),
    },
    urls={"base_url": "https://api.kie.ai"},
    docs="https://docs.kie.ai/common-api/get-account-credits",
    by_hand='`curl -sS -H "Authorization: Bearer $KEY" https://api.kie.ai/api/v1/chat/credit` '
    'answers HTTP 200 with `"code":401` in the body for a key that is rejected; if the key is '
    "right, see whether its IP whitelist names this machine",
    links={
        "billing": "https://kie.ai/billing",
        "keys": "https://kie.ai/api-key",
        "usage": "https://kie.ai/logs",
        "prices": "https://kie.ai/pricing",
    },
    unit="credits",
    knows="The credits of the account. The caps of a single key are not told before one is hit.",
)
CREDITS = Balance(
    SPEC,
    "/api/v1/chat/credit",
    "data",
    code=Code("code", fine=200, among=range(200, 1000), optional=True),
    errors=OWN,
)
read_balance = CREDITS.read
PROVIDER = Provider(SPEC, CREDITS)
