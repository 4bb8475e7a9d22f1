"""Stability AI: the credits of the account, or of the organization a field names.

Source: https://platform.stability.ai/docs/api-reference#tag/User/operation/userBalance
"""

from __future__ import annotations

from monitor.core.model import Check
from monitor.core.spec import CheckSpec, Field, FieldKind, Limit, ProviderSpec
from monitor.providers import Provider
from monitor.providers._balance import Balance

REFERENCE = "https://platform.stability.ai/docs/api-reference"
SPEC = ProviderSpec(
    name="stability",
    title="Stability AI",
    checks={
        Check.BALANCE: CheckSpec(
            interval=300.0,
            minimum=60.0,
            help="credits of the account",
            limit=Limit(150, 10.0, REFERENCE),
        ),
    },
    urls={"base_url": "https://api.stability.ai"},
    docs=f"{REFERENCE}#tag/User/operation/userBalance",
    links={
        "billing": "https://platform.stability.ai/account/credits",
        "keys": "https://platform.stability.ai/account/keys",
    },
    unit="credits",
    fields=(
        Field(
            "organization",
            FieldKind.TEXT,
            "whose credits are meant; by default those of the key's own",
            example="org-example",
        ),
    ),
    knows="The credits. What a picture costs is on the vendor's price list.",
)
PROVIDER = Provider(
    SPEC,
    Balance(SPEC, "/v1/user/balance", "credits", field_headers={"organization": "Organization"}),
)
