"""Venice (venice.ai): the balance in USD or DIEM, and the DIEM of the day as a quota.

DIEM come anew every day (00:00 UTC) and are spent first. The balance is the USD, or the DIEM of
an account that has no USD; the field `currency` says otherwise. `canConsume` false means that
calls are refused, whatever the numbers say.
Source: https://docs.venice.ai/api-reference/endpoint/billing/balance
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from monitor.answers import Malformed, Row, at, number, plain, shape
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding, Quota
from monitor.core.spec import CheckSpec, Field, FieldKind, ProviderSpec
from monitor.providers import Ask, Provider
from monitor.providers._balance import Call, balance_of, sure

SPEC = ProviderSpec(
    name="venice",
    title="Venice",
    checks={
        Check.BALANCE: CheckSpec(interval=300.0, minimum=60.0, help="USD or DIEM"),
        Check.QUOTA: CheckSpec(
            interval=300.0, minimum=60.0, default=False, help="DIEM of the day"
        ),
    },
    urls={"base_url": "https://api.venice.ai"},
    docs="https://docs.venice.ai/api-reference/endpoint/billing/balance",
    unit="USD",
    fields=(
        Field(
            "currency",
            FieldKind.TEXT,
            "which balance is meant; by default USD, and DIEM where there are no USD",
            choices=("USD", "DIEM"),
            example="USD",
        ),
    ),
    key="an admin key; an inference key is refused like a wrong one",
    knows=(
        "The balance; with `checks: [balance, quota]` also the DIEM of the day. Bundled "
        "credits of a plan are not told."
    ),
)
ERRORS = (
    Row(401, "", Cause.KEY_REJECTED, "Venice rejects the key: it is wrong, or no admin key"),
)  # fmt: skip
BILLING = Call(SPEC, "/api/v1/billing/balance", errors=ERRORS)


async def probe(ask: Ask) -> Finding:
    """Ask for the balances. Raises Refused, Malformed, HttpFailure."""
    body = await BILLING.body(ask)
    usable = sure(body, "canConsume")
    if ask.target.check is Check.QUOTA:
        return _diem(body, ask.now)
    unit, amount = _chosen(body, ask.account.fields.get("currency"))
    found = balance_of(amount, unit)
    if usable:
        return found
    words = "Venice takes no calls: neither DIEM nor USD are left"
    return replace(found, cause=Cause.CREDITS_EXHAUSTED, summary=words)


def _chosen(body: object, wanted: object) -> tuple[str, Decimal]:
    """The currency and its balance. Raises Malformed."""
    told = {unit: at(body, f"balances.{unit.lower()}") for unit in ("USD", "DIEM")}
    found = {unit: number(x, f"balances.{unit}") for unit, x in told.items() if x is not None}
    units = [str(wanted)] if wanted else sorted(found, key=lambda unit: found[unit] == 0)
    if not units or units[0] not in found:
        raise Malformed(f"Venice names no balance in {wanted or 'USD'}", evidence=shape(body))
    return units[0], found[units[0]]


def _diem(body: object, now: datetime) -> Finding:
    left, of = (number(at(body, p), p) for p in ("balances.diem", "diemEpochAllocation"))
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)
    quota = Quota("diem", max(of - left, of * 0), of, "DIEM", midnight)
    cause = Cause.QUOTA_EXHAUSTED if left <= 0 < of else Cause.OK
    return Finding(cause, f"{plain(left)} of {plain(of)} DIEM left today", quotas=(quota,))


PROVIDER = Provider(SPEC, probe)
