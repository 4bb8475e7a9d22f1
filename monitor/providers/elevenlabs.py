"""ElevenLabs: the characters of the plan, which come anew every period.

A used-up quota has been HTTP 401 here, and so is a restricted key: the status in the body tells
them from a wrong key, whatever HTTP says.
Source: https://elevenlabs.io/docs/api-reference/user/subscription/get,
https://help.elevenlabs.io/hc/en-us/articles/19572237925521, and its Python SDK 2.78.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from monitor.answers import Malformed, Row, at, flag, number, plain, shape, text
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding, Quota
from monitor.core.spec import CheckSpec, ProviderSpec
from monitor.providers import Ask, Provider
from monitor.providers._balance import Call, header

SPEC = ProviderSpec(
    name="elevenlabs",
    title="ElevenLabs",
    checks={Check.QUOTA: CheckSpec(interval=300.0, minimum=60.0, help="characters of the period")},
    urls={"base_url": "https://api.elevenlabs.io"},
    docs="https://elevenlabs.io/docs/api-reference/user/subscription/get",
    links={
        "billing": "https://elevenlabs.io/app/subscription",
    },
    key="one with the permission user_read",
    knows=(
        "The characters used, the limit, and when it starts anew. A restricted key without "
        "user_read may work for everything else, and cannot be read here."
    ),
)
ERRORS = (
    Row(range(400, 500), "quota_exceeded|max_character_limit_exceeded", Cause.QUOTA_EXHAUSTED,
        "ElevenLabs says that the characters of this period are used up"),
    Row(401, "missing_permissions", Cause.NOT_KNOWABLE,
        "the key lacks the permission user_read: ElevenLabs does not tell it the quota"),
)  # fmt: skip
SUBSCRIPTION = Call(SPEC, "/v1/user/subscription", key=header("xi-api-key"), errors=ERRORS)


async def probe(ask: Ask) -> Finding:
    """Ask for the subscription. Raises Refused, Malformed, HttpFailure."""
    body = await SUBSCRIPTION.body(ask)
    used, included = (_count(body, f"character_{name}") for name in ("count", "limit"))
    limit, resets = _limit(body, included), _resets(body)
    facts = {"plan": text(body["tier"], "tier")} if body.get("tier") else {}
    quota = Quota("characters", used, limit, "characters", resets)
    words = f"{plain(used)} of {plain(included)} characters used"
    if limit != included:
        words += ", more is billed" if limit is None else f", up to {plain(limit)} is billed"
    spent = limit is not None and used >= limit
    cause = Cause.QUOTA_EXHAUSTED if spent else Cause.OK
    return Finding(cause, words, quotas=(quota,), facts=facts)


def _count(body: Mapping[str, object], name: str) -> Decimal:
    found = number(at(body, name), name)
    if found < 0:
        raise Malformed(f"{name} is negative", evidence=shape(body))
    return found


def _limit(body: Mapping[str, object], included: Decimal) -> Decimal | None:
    """Where calls are refused: beyond the plan where more may be billed; None: nowhere."""
    more = body.get("max_credit_limit_extension")
    if not more or not flag(body.get("can_extend_character_limit"), "can_extend_character_limit"):
        return included
    return None if more == "unlimited" else included + _count(body, "max_credit_limit_extension")


def _resets(body: Mapping[str, object]) -> datetime | None:
    at_ = body.get("next_character_count_reset_unix")
    if at_ is None:
        return None
    seconds = number(at_, "next_character_count_reset_unix")
    if not 0 <= seconds < 10**11:
        raise Malformed("next_character_count_reset_unix is no time", evidence=shape(body))
    return datetime.fromtimestamp(int(seconds), UTC)


PROVIDER = Provider(SPEC, probe)
