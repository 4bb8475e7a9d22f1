"""SiliconFlow: the account's balance, gift and paid together.

Success is code 20000 in the body. The answer also holds the owner's name and e-mail address:
nothing of it but the number leaves here. siliconflow.cn answers in CNY, siliconflow.com in USD.
Source: https://docs.siliconflow.cn/cn/api-reference/userinfo/get-user-info
"""

from __future__ import annotations

from monitor.core.causes import Cause
from monitor.core.model import Check
from monitor.core.spec import CheckSpec, Field, FieldKind, ProviderSpec
from monitor.providers import Provider
from monitor.providers._balance import Balance, Code, Must

SPEC = ProviderSpec(
    name="siliconflow",
    title="SiliconFlow",
    checks={Check.BALANCE: CheckSpec(interval=300.0, minimum=60.0, help="gift and paid balance")},
    urls={"base_url": "https://api.siliconflow.cn"},
    docs="https://docs.siliconflow.cn/cn/api-reference/userinfo/get-user-info",
    unit="CNY",
    fields=(
        Field(
            "currency",
            FieldKind.TEXT,
            "of the balance; by default what the host says: CNY at .cn, USD at .com",
            choices=("CNY", "USD"),
            example="USD",
        ),
    ),
    knows="Gift and paid together. `base_url: https://api.siliconflow.com` is in USD.",
)
PROVIDER = Provider(
    SPEC,
    Balance(
        SPEC,
        "/v1/user/info",
        "data.totalBalance",
        strings=True,
        unit_by_host={".cn": "CNY", ".com": "USD"},
        code=Code("code", fine=20000),
        must=(Must("status", Cause.PROVIDER_ERROR, "SiliconFlow calls its own answer a failure"),),
    ),
)
