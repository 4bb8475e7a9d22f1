"""What a month has cost, where the vendor tells that and not what is left.

The money is set against the `budget` of the config: a quota that starts anew with the month (UTC).
The two keys of such a vendor are told apart: `admin_key` reads costs, `key` serves the product.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from monitor.answers import Malformed, at, listing, plain, shape
from monitor.core.causes import Cause
from monitor.core.model import Finding, Quota
from monitor.core.secret import Secret
from monitor.core.settings import Account
from monitor.core.spec import CheckSpec, Field, FieldKind
from monitor.providers import Ask
from monitor.providers._balance import HOUR, MINUTE, Call, Carrier, sure

PAGES = 4  # a month is one page: where these do not suffice, something is wrong
Amount = Callable[[object], Decimal]  # the money of one result, in USD. Raises Malformed


def fields_of(name: str) -> tuple[Field, ...]:
    """What an account says beside its key."""
    variable = f"${{{name.upper()}_ADMIN_KEY}}"
    return (
        Field(
            "admin_key", FieldKind.SECRET, "reads the costs: asks for the quota", example=variable
        ),
        Field("budget", FieldKind.NUMBER, "what a month may cost, in USD", example="500"),
    )


SPENT = CheckSpec(
    interval=HOUR,
    minimum=5 * MINUTE,
    help="the month's costs against `budget`",
    field="admin_key",
)


def budget_faults(fields: Mapping[str, object]) -> list[tuple[tuple[str | int, ...], str]]:
    """A budget is more than nothing, and says nothing without the costs."""
    budget = fields["budget"]
    if budget is None:
        return []
    if not isinstance(budget, Decimal) or budget <= 0:
        return [(("budget",), "must be more than 0")]
    if not fields["admin_key"]:
        return [(("budget",), "has no effect without `admin_key`: only that reads the costs")]
    return []


def with_admin_key(carrier: Carrier) -> Carrier:
    """As `carrier`, with the admin key in the key's place."""

    def carried(account: Account) -> Mapping[str, Secret]:
        admin = account.fields.get("admin_key")
        return carrier(replace(account, key=admin if isinstance(admin, Secret) else Secret("")))

    return carried


@dataclass(frozen=True, slots=True)
class Month:
    """The calendar month of a moment, in UTC."""

    begins: datetime
    ends: datetime

    @classmethod
    def of(cls, now: datetime) -> Month:
        """The month that `now` is in."""
        begins = datetime(now.year, now.month, 1, tzinfo=UTC)
        return cls(begins, (begins + timedelta(days=32)).replace(day=1))


async def spent(ask: Ask, call: Call, begins: str, amount: Amount) -> Finding:
    """The costs since `begins` as a quota. Raises Refused, Malformed, HttpFailure."""
    used = Decimal(0)
    async for body in _pages(ask, call, begins):
        for bucket in listing(at(body, "data"), "data"):
            used += sum(map(amount, listing(at(bucket, "results"), "results")), Decimal(0))
    budget = ask.account.fields.get("budget")
    limit = budget if isinstance(budget, Decimal) else None
    quota = Quota("month", used, limit, "USD", Month.of(ask.now).ends)
    of = "no budget is set" if limit is None else f"the budget is {plain(limit)}"
    over = limit is not None and used >= limit
    cause = Cause.QUOTA_EXHAUSTED if over else Cause.OK
    cents = used.quantize(Decimal("0.01"))
    return Finding(cause, f"{plain(cents)} USD spent this month, {of}", quotas=(quota,))


async def _pages(ask: Ask, call: Call, begins: str) -> AsyncIterator[Mapping[str, object]]:
    """Every page, at most PAGES of them. Raises Malformed where there are more."""
    body = await call.body(ask, begins=begins)
    more = replace(call, path=call.path + "&page={page}")
    for _ in range(PAGES - 1):
        yield body
        if not sure(body, "has_more"):
            return
        body = await more.body(ask, begins=begins, page=_next(body))
    yield body
    if sure(body, "has_more"):
        raise Malformed(f"the costs of a month have more than {PAGES} pages")


def _next(body: Mapping[str, object]) -> str:
    page = at(body, "next_page")
    if not isinstance(page, str) or not 0 < len(page) <= 2000 or not page.isascii():
        raise Malformed("next_page is missing", evidence=shape(body))
    return page
