"""xAI: a ledger that grows with every top-up. Its other answers are in the recordings."""

from __future__ import annotations

from recorded import Player, account_of, played

from monitor.core.causes import Cause
from monitor.core.model import Check
from monitor.http import CAP
from monitor.providers.xai import PROVIDER

CHANGE = {
    "teamId": "team-example",
    "changeOrigin": "AUTO_PURCHASE",
    "topupStatus": "SUCCEEDED",
    "amount": {"val": "-2500"},
    "createTime": "2026-10-31T23:59:59Z",
}


async def test_years_of_top_ups_do_not_hide_the_credit() -> None:
    player = Player(
        {"status": 200, "body": {"changes": [CHANGE] * 3000, "total": {"val": "-799"}}}
    )
    found = await played(PROVIDER, player, Check.BALANCE, account=account_of(PROVIDER))
    assert len(str(CHANGE)) * 3000 > 5 * CAP
    assert (found.cause, found.summary) == (Cause.OK, "7.99 USD")
