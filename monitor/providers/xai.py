"""xAI: the prepaid credit of a team, as its management API keeps it.

The ledger is turned round: ten dollars paid in are "-1000", cents as text. Spending is posted when
the billing cycle closes; until then more is shown than is left. A key for inference reads nothing
here.
Source: https://docs.x.ai/developers/rest-api-reference/management/billing and
https://docs.x.ai/developers/debugging
"""

from __future__ import annotations

from monitor.answers import Row
from monitor.core.causes import Cause
from monitor.core.model import Check
from monitor.core.spec import CheckSpec, Field, FieldKind, ProviderSpec
from monitor.providers import Provider
from monitor.providers._balance import CENTS, Balance

SPEC = ProviderSpec(
    name="xai",
    title="xAI",
    checks={Check.BALANCE: CheckSpec(interval=300.0, minimum=60.0, help="prepaid, of one team")},
    urls={"base_url": "https://management-api.x.ai"},
    docs="https://docs.x.ai/developers/rest-api-reference/management/billing",
    unit="USD",
    fields=(
        Field(
            "team_id",
            FieldKind.TEXT,
            "the team's ID, as the address of its console names it",
            required=True,
            example="team-example",
        ),
    ),
    key="a management key that may read the team's billing",
    knows=(
        "The prepaid credit of a team as it is posted: what the present billing cycle has spent "
        "is taken off at its end."
    ),
)
ERRORS = (
    Row(400, "api key|management key", Cause.KEY_REJECTED, "xAI rejects the key"),
    Row(401, "", Cause.KEY_REJECTED, "xAI rejects the key: it has to be a management key"),
    Row(403, "", Cause.NOT_KNOWABLE,
        "xAI tells the credit only to a management key that may read this team's billing"),
    Row(404, "", Cause.NOT_KNOWABLE,
        "xAI knows no such team_id, or the key belongs to another team"),
)  # fmt: skip
PROVIDER = Provider(
    SPEC,
    Balance(
        SPEC,
        "/v1/billing/teams/{team_id}/prepaid/balance",
        "total.val",
        strings=True,
        scale=-CENTS,
        errors=ERRORS,
        cap=1024 * 1024,  # every change there ever was stands beside the total
    ),
)
