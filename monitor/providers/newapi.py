"""A gateway of the one-api and new-api family: what a key, or its owner's account, has left.

An sk- key is asked as OpenAI's old dashboard was: a limit less what was used of it. 100000000 is
how the gateway writes that a key has no limit, and no balance. Where the gateway shows whole
accounts in place of keys (DisplayTokenStatEnabled off), some versions leave what was used out of
the limit: ask with the system access token there. Errors may come with 200; an answer about a
user holds the e-mail address and the token: nothing of it but the number leaves here.
Sources: https://docs.newapi.pro and the sources of one-api and new-api (controller/billing.go,
middleware/auth.go, model/token.go).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from monitor.answers import Row, at, flag, number
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding
from monitor.core.spec import CheckSpec, Field, FieldKind, ProviderSpec
from monitor.providers import Ask, Provider
from monitor.providers._balance import MINUTE, Call, balance_of, header

ENDLESS = Decimal(100_000_000)
PER_USD = Decimal(500_000)
FINEST = Decimal("1e-12")
FIELDS = (
    Field(
        "token",
        FieldKind.TEXT,
        "what `key` is: the key of an API, or the system access token of a user",
        default="api",
        choices=("api", "system"),
        example="system",
    ),
    Field(
        "user", FieldKind.VALUE, "that user's number; new-api wants it, one-api not", example="7"
    ),
    Field(
        "per_usd",
        FieldKind.NUMBER,
        "how much of the gateway's quota is 1 USD; asked with a system token",
        default=PER_USD,
        example="500000",
    ),
    Field(
        "unit",
        FieldKind.TEXT,
        "of the balance, where the gateway counts in another than USD",
        default="USD",
        example="CNY",
    ),
)


def faults(fields: Mapping[str, object]) -> list[tuple[tuple[str | int, ...], str]]:
    """A quota is divided by `per_usd`."""
    per = fields["per_usd"]
    wrong = isinstance(per, Decimal) and per <= 0
    return [(("per_usd",), "must be more than 0")] if wrong else []


SPEC = ProviderSpec(
    name="newapi",
    title="one-api / new-api",
    checks={
        Check.BALANCE: CheckSpec(
            interval=5 * MINUTE, minimum=MINUTE, help="of one key, or of a user"
        )
    },
    urls={"base_url": ""},
    docs="https://docs.newapi.pro",
    unit="USD",
    fields=FIELDS,
    key="an sk- key; or, with `token: system`, the system access token of a user's settings",
    knows=(
        "For one-api, new-api and their like. What is left of the key's own limit; of a key "
        "without one, nothing: the account's balance is told to a system access token only."
    ),
    faults=faults,
)
SPENT = "该令牌额度已用尽|token quota (is )?(exhausted|not enough)|pre_consume_token_quota_failed"
POOR = "用户额度不足|额度不足|insufficient_user_quota|insufficient user quota"
ENDED = "令牌已过期|token (has )?expired"
KEYED = tuple(
    row
    for status in (400, 401, 403)
    for row in (
        Row(status, SPENT, Cause.KEY_CAP_REACHED, "the key has used up the quota set for it"),
        Row(status, ENDED, Cause.KEY_EXPIRED, "the key has expired"),
        Row(status, POOR, Cause.CREDITS_EXHAUSTED, "the account of the key has no quota left"),
    )
)
USER = "未提供 New-Api-User|New-Api-User.*(not provided|required|格式)"
OTHER = "用户不匹配|登录用户不匹配|does not match|mismatch"
USERS = tuple(
    row
    for status in (400, 401, 403)
    for row in (
        Row(status, "封禁|banned", Cause.KEY_REJECTED, "the gateway has banned the user"),
        Row(status, OTHER, Cause.NOT_KNOWABLE, "the token is not that of the user in `user`"),
        Row(status, USER, Cause.NOT_KNOWABLE, "the gateway wants the user's number: set `user`"),
        Row(status, "access token|令牌", Cause.KEY_REJECTED, "the gateway rejects the token"),
    )
)


def _is_error(body: Mapping[str, object]) -> bool:
    return bool(body.get("error"))


def _failed(body: Mapping[str, object]) -> bool:
    return not flag(body.get("success"), "success")


BILLING = "/v1/dashboard/billing"
LIMIT = Call(SPEC, f"{BILLING}/subscription", errors=KEYED, refuses=_is_error)
USAGE = Call(
    SPEC,
    f"{BILLING}/usage?start_date={{start}}&end_date={{end}}",
    errors=KEYED,
    refuses=_is_error,
)
WINDOW = timedelta(days=100)  # what is asked for of a key that is not billed by the month
SELF = Call(
    SPEC,
    "/api/user/self",
    key=header("Authorization"),
    field_headers={"user": "New-Api-User"},
    errors=USERS,
    refuses=_failed,
)


async def probe(ask: Ask) -> Finding:
    """Ask as the token allows. Raises Refused, Malformed, HttpFailure."""
    fields = ask.account.fields
    unit = str(fields.get("unit") or "USD")
    if fields.get("token") == "system":
        per = fields.get("per_usd")
        quota = number(at(await SELF.body(ask), "data.quota"), "data.quota")
        per = per if isinstance(per, Decimal) else PER_USD
        return balance_of((quota / per).quantize(FINEST), unit)
    billed = await LIMIT.body(ask)
    limit = number(at(billed, "hard_limit_usd"), "hard_limit_usd")
    if limit == ENDLESS:
        words = "the key has no limit; the account's balance is told to a system token only"
        return Finding(Cause.NOT_KNOWABLE, words)
    monthly = flag(billed.get("has_payment_method"), "has_payment_method")
    start = ask.now.replace(day=1) if monthly else ask.now - WINDOW
    used = await USAGE.body(ask, start=f"{start:%Y-%m-%d}", end=f"{ask.now:%Y-%m-%d}")
    cents = number(at(used, "total_usage"), "total_usage")
    return balance_of(limit - cents / 100, unit)


PROVIDER = Provider(SPEC, probe)
