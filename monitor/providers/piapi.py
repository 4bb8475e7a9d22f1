"""PiAPI (piapi.ai): what the account's credits are worth, in USD.

`equivalent_in_usd` is the balance that counts: expired credits are not in it. The names are
documented, the envelope `{code, data, message}` around them is as in the vendor's other answers.
Source: https://piapi.ai/docs/account-management/account-info
"""

from __future__ import annotations

from monitor.core.model import Check
from monitor.core.spec import CheckSpec, ProviderSpec
from monitor.providers import Provider
from monitor.providers._balance import Balance, Code, header

SPEC = ProviderSpec(
    name="piapi",
    title="PiAPI",
    checks={Check.BALANCE: CheckSpec(interval=300.0, minimum=60.0, help="balance in USD")},
    urls={"base_url": "https://api.piapi.ai"},
    docs="https://piapi.ai/docs/account-management/account-info",
    unit="USD",
    knows="What is left, in USD. Not known: when credits end (6 months after they were bought).",
)
PROVIDER = Provider(
    SPEC,
    Balance(
        SPEC,
        "/account/info",
        "data.equivalent_in_usd",
        key=header("x-api-key"),
        code=Code("code", fine=200, optional=True),
    ),
)
