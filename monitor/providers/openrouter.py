"""OpenRouter: the key and its own limits, and for a management key the account's balance.

The balance is what was bought less what was used, may be negative, and may be a minute old. An
ordinary key gets 403 for it, and may be fine for everything else.
Sources: https://openrouter.ai/docs/api/api-reference/credits/get-credits,
https://openrouter.ai/docs/api_reference/limits, and its Python SDK 1.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from monitor.answers import Row, at, mapping, moment, number, plain, text
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding, Quota
from monitor.core.spec import CheckSpec, ProviderSpec, tried
from monitor.providers import Ask, Provider
from monitor.providers._balance import Balance, Call

SPEC = ProviderSpec(
    name="openrouter",
    title="OpenRouter",
    checks={
        Check.KEY: CheckSpec(interval=900.0, minimum=60.0, help="valid, and not at its limit"),
        Check.BALANCE: CheckSpec(interval=300.0, minimum=60.0, help="needs a management key"),
        Check.QUOTA: CheckSpec(interval=300.0, minimum=60.0, help="the key's own limits"),
    },
    urls={"base_url": "https://openrouter.ai"},
    docs="https://openrouter.ai/docs/api_reference/limits",
    by_hand=tried("https://openrouter.ai/api/v1/key"),
    links={
        "billing": "https://openrouter.ai/settings/credits",
        "keys": "https://openrouter.ai/settings/keys",
    },
    unit="USD",
    key="a management key for the balance; any key for the rest",
    knows=(
        "Of every key: whether it is valid, when it ends, its own limit and budget. The "
        "account's balance only with a management key."
    ),
)
CAP = (
    Row(403, "limit exceeded", Cause.KEY_CAP_REACHED, "the key has reached the limit set for it"),
)
CREDITS = Balance(
    SPEC,
    "/api/v1/credits",
    ("data.total_credits", "-data.total_usage"),
    errors=(
        Row(403, "", Cause.NOT_KNOWABLE,
            "OpenRouter tells the balance only to a management key, and this is an ordinary one"),
    ),
)  # fmt: skip
KEY = Call(SPEC, "/api/v1/key", errors=CAP)


async def probe(ask: Ask) -> Finding:
    """Ask what the target is about. Raises Refused, Malformed, HttpFailure."""
    if ask.target.check is Check.BALANCE:
        return await CREDITS(ask)
    data = mapping(at(await KEY.body(ask), "data"), "data")
    quotas = tuple(_quotas(data, ask.now))
    expires = moment(data.get("expires_at"))
    if expires is not None and expires <= ask.now:
        return Finding(Cause.KEY_EXPIRED, "the key has expired")
    spent = [q for q in quotas if q.used is not None and q.limit is not None and q.used >= q.limit]
    if spent:
        return Finding(Cause.KEY_CAP_REACHED, CAP[0].summary, quotas=quotas)
    if ask.target.check is Check.QUOTA:
        return Finding(Cause.OK, "; ".join(_words(q) for q in quotas), quotas=quotas)
    soon = expires is not None and expires - ask.now < timedelta(days=7)
    until = f" until {expires:%Y-%m-%d %H:%M} UTC" if expires is not None else ""
    return Finding(Cause.OK, f"the key is valid{until}", warning=soon)


def _quotas(data: Mapping[str, object], now: datetime) -> Iterator[Quota]:
    """The key's limit, or what it has used where there is none; then its budget."""
    limit = at(data, "limit")
    if limit is None:
        yield Quota("key", number(at(data, "usage"), "usage"), None, "USD")
    else:
        whole, left = (
            number(limit, "limit"),
            number(at(data, "limit_remaining"), "limit_remaining"),
        )
        yield Quota("key", whole - left, whole, "USD", _resets(data, now))
    budget = data.get("effective_budget")
    if budget is not None and at(budget, "limit_usd") is not None:
        used, whole = (_usd(budget, name) for name in ("spend_usd", "limit_usd"))
        yield Quota("budget", used, whole, "USD")


def _usd(budget: object, name: str) -> Decimal:
    return number(at(budget, name), f"effective_budget.{name}")


def _resets(data: Mapping[str, object], now: datetime) -> datetime | None:
    """Midnight UTC, of the day, of the week from Monday, or of the month."""
    every = data.get("limit_reset") and text(data["limit_reset"], "limit_reset")
    today = datetime(now.year, now.month, now.day, tzinfo=UTC)
    if every == "daily":
        return today + timedelta(days=1)
    if every == "weekly":
        return today + timedelta(days=7 - today.weekday())
    if every == "monthly":
        return (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return None


def _words(quota: Quota) -> str:
    used = plain(quota.used or Decimal(0))
    of = "no limit" if quota.limit is None else f"of {plain(quota.limit)}"
    return f"{quota.quota}: {used} USD used, {of}"


PROVIDER = Provider(SPEC, probe)
