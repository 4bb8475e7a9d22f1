"""A LiteLLM proxy: the virtual key, and what is spent of its budget.

Without a `max_budget` there is no limit. A key at its budget is refused with 400 or 429, as the
proxy is configured. The answer also holds whose key it is: nothing of that leaves here.
Source: https://docs.litellm.ai/docs/proxy/users and its source, 1.109.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from monitor.answers import Malformed, Row, at, flag, mapping, number, plain, shape
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding, Quota
from monitor.core.spec import CheckSpec, ProviderSpec
from monitor.providers import Ask, Provider
from monitor.providers._balance import MINUTE, Call

SPEC = ProviderSpec(
    name="litellm",
    title="LiteLLM",
    checks={
        Check.KEY: CheckSpec(
            interval=15 * MINUTE, minimum=MINUTE, help="valid, not blocked, within its budget"
        ),
        Check.QUOTA: CheckSpec(
            interval=5 * MINUTE, minimum=MINUTE, help="what is spent of the key's budget"
        ),
    },
    urls={"base_url": ""},
    docs="https://docs.litellm.ai/docs/proxy/users",
    key="a virtual key; the proxy's master key has no budget to tell",
    knows=(
        "Whether the virtual key is valid, blocked or expired, and what is spent of its own "
        "budget. The budgets of its team and its user are not asked."
    ),
)
CAP = "LiteLLM says that a budget of this key, its team or its user is used up"
EXPIRED = "LiteLLM says that the key has expired"
BUDGET = "budget_exceeded|ExceededBudget|budget has been exceeded|over budget"
ERRORS = (
    Row(400, BUDGET, Cause.KEY_CAP_REACHED, CAP),
    Row(429, BUDGET, Cause.KEY_CAP_REACHED, CAP),
    Row(400, "expired_key|expired key", Cause.KEY_EXPIRED, EXPIRED),
    Row(401, "expired_key|expired key", Cause.KEY_EXPIRED, EXPIRED),
    Row(401, "key is blocked", Cause.KEY_REJECTED, "LiteLLM says that the key is blocked"),
    Row(403, "not allowed to call this route", Cause.NOT_KNOWABLE,
        "LiteLLM does not let this key ask about itself: allow it the route /key/info"),
)  # fmt: skip
INFO = Call(SPEC, "/key/info", errors=ERRORS)


async def probe(ask: Ask) -> Finding:
    """Ask for the key's own record. Raises Refused, Malformed, HttpFailure."""
    info = mapping(at(await INFO.body(ask), "info"), "info")
    quota = _budget(info)
    expires = _time(info, "expires")
    if flag(info.get("blocked"), "blocked"):
        return Finding(Cause.KEY_REJECTED, "LiteLLM says that the key is blocked")
    if expires is not None and expires <= ask.now:
        return Finding(Cause.KEY_EXPIRED, EXPIRED)
    if quota.used is not None and quota.limit is not None and quota.used >= quota.limit:
        return Finding(Cause.KEY_CAP_REACHED, "the key has spent its budget", quotas=(quota,))
    if ask.target.check is Check.QUOTA:
        return Finding(Cause.OK, _words(quota), quotas=(quota,))
    soon = expires is not None and expires - ask.now < timedelta(days=7)
    until = f" until {expires:%Y-%m-%d %H:%M} UTC" if expires is not None else ""
    return Finding(Cause.OK, f"the key is valid{until}", warning=soon)


def _budget(info: Mapping[str, object]) -> Quota:
    """What is spent, and the limit where there is one. Raises Malformed."""
    spent, limit = number(at(info, "spend"), "spend"), at(info, "max_budget")
    most = None if limit is None else number(limit, "max_budget")
    if spent < 0 or (most is not None and most < 0):
        raise Malformed("spend or max_budget is negative", evidence=shape(info))
    return Quota("key", spent, most, "USD", _time(info, "budget_reset_at"))


def _time(info: Mapping[str, object], name: str) -> datetime | None:
    """A time; LiteLLM writes some without their zone, which is UTC. Raises Malformed."""
    said = info.get(name)
    if said is None:
        return None
    try:
        found = datetime.fromisoformat(said) if isinstance(said, str) else None
        if found is not None:
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    raise Malformed(f"{name} is no time", evidence=shape(info))


def _words(quota: Quota) -> str:
    of = "no limit" if quota.limit is None else f"of {plain(quota.limit)}"
    return f"{plain(quota.used or Decimal(0))} USD spent, {of}"


PROVIDER = Provider(SPEC, probe)
