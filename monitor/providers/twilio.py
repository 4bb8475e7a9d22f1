"""Twilio: the balance of a main account.

HTTP Basic with the account's SID as the name and its Auth Token as the password. A sub-account
has no balance of its own: what it spends is taken from the main account's.
Source: https://www.twilio.com/docs/usage/api, the resource Balance, and its Python SDK 9.13.
"""

from __future__ import annotations

from monitor.answers import Row
from monitor.core.causes import Cause
from monitor.core.model import Check
from monitor.core.spec import CheckSpec, Field, FieldKind, ProviderSpec
from monitor.providers import Provider
from monitor.providers._balance import Balance, basic

SPEC = ProviderSpec(
    name="twilio",
    title="Twilio",
    checks={Check.BALANCE: CheckSpec(interval=300.0, minimum=60.0, help="of the main account")},
    urls={"base_url": "https://api.twilio.com"},
    docs="https://www.twilio.com/docs/usage/api",
    unit="USD",
    fields=(
        Field(
            "account_sid",
            FieldKind.TEXT,
            "the SID of the main account",
            required=True,
            example="AC-example",
        ),
    ),
    key="the Auth Token of the main account",
    knows="The balance of a main account, which may lag; a sub-account has none of its own.",
)
ERRORS = (
    Row(404, "not found", Cause.NOT_KNOWABLE,
        "Twilio has no balance for this account_sid: a sub-account has none of its own"),
)  # fmt: skip
PROVIDER = Provider(
    SPEC,
    Balance(
        SPEC,
        "/2010-04-01/Accounts/{account_sid}/Balance.json",
        "balance",
        key=basic("account_sid"),
        strings=True,
        unit_at="currency",
        errors=ERRORS,
    ),
)
