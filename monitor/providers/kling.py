"""Kling AI: what is left of the account's resource packs.

Two kinds of key. An API key is sent as it is. An access key goes with its secret key: the two sign
a token (JWT, HS256) that is good for half an hour; it is made anew for each question. Packs end on
a date, used up or not. The numbers may be 12 hours old, and may be asked for once a second.
Errors carry a code of their own in the body, which says more than the HTTP status: 429 may mean
too often (1302) or no credit (1102).
Source: https://app.klingai.com/global/dev/document-api, "Account Information Inquiry" and "Error
Code".
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from monitor.answers import Malformed, Row, at, listing, mapping, number, plain, shape, text
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding
from monitor.core.secret import Secret
from monitor.core.settings import Account
from monitor.core.spec import CheckSpec, Field, FieldKind, Limit, ProviderSpec
from monitor.http import Answer
from monitor.providers import Ask, Provider, Refused, bearer
from monitor.providers._balance import Call, Carrier, Code, balance_of

DOCS = "https://app.klingai.com/global/dev/document-api"
SPEC = ProviderSpec(
    name="kling",
    title="Kling AI",
    checks={
        Check.BALANCE: CheckSpec(
            interval=900.0,
            minimum=60.0,
            help="units left in resource packs",
            limit=Limit(1, 1.0, DOCS),
        )
    },
    urls={"base_url": "https://api-singapore.klingai.com"},
    docs=DOCS,
    unit="units",
    fields=(
        Field(
            "secret_key",
            FieldKind.SECRET,
            "the secret key, where `key` is an access key; an API key has none",
        ),
        Field(
            "packs",
            FieldKind.TEXT,
            "count only packs whose name holds this; by default all",
            example="Video",
        ),
    ),
    key="an access key with its secret_key, or an API key",
    knows=(
        "What is left of the packs in force, up to 12 hours old, and when the next of them ends. "
        "Video and image packs are counted together unless `packs` names one kind. What is paid "
        "afterwards is not told. In China: `base_url: https://api-beijing.klingai.com`."
    ),
)
ERRORS = (
    Row(range(1000, 1003), "", Cause.KEY_REJECTED,
        "Kling rejects the key; an access key needs its secret_key beside it"),
    Row(range(1003, 1005), "", Cause.KEY_REJECTED,
        "Kling calls the key's token too old or too new: is this machine's clock right?"),
    Row(1100, "", Cause.KEY_LACKS_PERMISSION, "Kling calls the state of the account abnormal"),
    Row(1101, "", Cause.CREDITS_EXHAUSTED, "Kling says that the account is in arrears"),
    Row(1102, "", Cause.CREDITS_EXHAUSTED, "Kling says that the packs are used up or ended"),
    Row(1103, "", Cause.NOT_KNOWABLE, "Kling does not let this key read the packs"),
    Row(range(1202, 1204), "", Cause.ENDPOINT_RETIRED, "Kling no longer knows this address"),
    Row(range(1302, 1304), "", Cause.RATE_LIMITED, "Kling was asked too often"),
    Row(1304, "", Cause.KEY_LACKS_PERMISSION,
        "Kling serves this key from the addresses on its list only, and ours is not on it"),
    Row(range(1200, 1400), "", Cause.PROVIDER_ERROR, "Kling refuses the question"),
    Row(5001, "", Cause.PROVIDER_MAINTENANCE, "Kling is under maintenance"),
    Row(range(5000, 6000), "", Cause.PROVIDER_ERROR, "Kling has an error of its own"),
)  # fmt: skip
CODE = Code("code", fine=0, among=range(10_000), always=True)
COSTS = Call(
    SPEC, "/account/costs?start_time={start}&end_time={end}", code=CODE, errors=ERRORS
)  # fmt: skip
BOUGHT_WITHIN = timedelta(days=400)  # the window is of purchases; a pack lasts a year
GOOD_FOR, GOOD_SINCE = 1800, 5  # seconds, as documented
IN_FORCE = "online"
STATES = {IN_FORCE, "toBeOnline", "expired", "runOut"}


def token(access_key: str, secret_key: str, now: datetime) -> str:
    """The signed token that stands for both keys from just before `now` on."""
    at_ = int(now.timestamp())
    claims = {"iss": access_key, "exp": at_ + GOOD_FOR, "nbf": at_ - GOOD_SINCE}
    signed = ".".join(_part(_json(x)) for x in ({"alg": "HS256", "typ": "JWT"}, claims))
    mac = hmac.new(secret_key.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_part(mac)}"


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _part(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed_at(now: datetime) -> Carrier:
    """How a key is carried at that time."""

    def carried(account: Account) -> Mapping[str, Secret]:
        secret = account.fields.get("secret_key")
        if not isinstance(secret, Secret) or not secret:
            return bearer(account)
        made = token(account.key.reveal(), secret.reveal(), now)
        return {"Authorization": Secret(f"Bearer {made}")}

    return carried


@dataclass(frozen=True, slots=True)
class Pack:
    """One resource pack that may be used at present."""

    left: Decimal
    ends: datetime


async def probe(ask: Ask) -> Finding:
    """Ask for the packs, and count those in force. Raises Refused, Malformed, HttpFailure."""
    start, end = (_milliseconds(x) for x in (ask.now - BOUGHT_WITHIN, ask.now))
    body = await replace(COSTS, key=signed_at(ask.now)).body(ask, start=start, end=end)
    data = mapping(at(body, "data"), "data")
    if (code := replace(CODE, optional=True).read(data)) != CODE.fine:
        raise Refused(COSTS.means(code, Answer(200, {}, b"")))
    name = str(ask.account.fields.get("packs") or "")
    packs = [pack for pack in _packs(data) if not name or _is(pack, name)]
    if not packs:
        return Finding(Cause.NOT_KNOWABLE, _none(name))
    return _counted([p for x in packs if (p := _in_force(x, ask.now)) is not None])


def _packs(data: Mapping[str, object]) -> list[Mapping[str, object]]:
    name = "resource_pack_subscribe_infos"
    return [mapping(x, "a pack") for x in listing(at(data, name), name)]


def _is(pack: Mapping[str, object], name: str) -> bool:
    return name.lower() in text(at(pack, "resource_pack_name"), "resource_pack_name").lower()


def _none(name: str) -> str:
    which = f"whose name holds {name!r}" if name else "bought"
    return f"Kling tells of no pack {which} within {BOUGHT_WITHIN.days} days"


def _in_force(pack: Mapping[str, object], now: datetime) -> Pack | None:
    """The pack, where it may be used; its state alone does not say so: it is told late."""
    state = text(at(pack, "status"), "status")
    if state not in STATES:
        raise Malformed("a pack has a status that nobody documents", evidence=shape(pack))
    if state != IN_FORCE:  # one that waits for its first use has no times
        return None
    left = number(at(pack, "remaining_quantity"), "remaining_quantity")
    since, ends = (_time(pack, name) for name in ("effective_time", "invalid_time"))
    return Pack(left, ends) if since <= now < ends else None


def _counted(packs: list[Pack]) -> Finding:
    found = balance_of(sum((p.left for p in packs), Decimal(0)), "units")
    if not (ends := [p.ends for p in packs if p.left > 0]):
        return found
    first = min(ends)
    due = sum((p.left for p in packs if p.ends == first), Decimal(0))
    part = "all" if due == found.balance else plain(due)
    words = f"{found.summary}, {part} until {first:%Y-%m-%d %H:%M} UTC"
    return replace(found, summary=words, facts={"expires_at": f"{first:%Y-%m-%dT%H:%M:%SZ}"})


def _milliseconds(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))


def _time(pack: Mapping[str, object], name: str) -> datetime:
    told = number(at(pack, name), name)
    if not 0 <= told < 10**14:
        raise Malformed(f"{name} is no time", evidence=shape(pack))
    return datetime.fromtimestamp(int(told) // 1000, UTC)


PROVIDER = Provider(SPEC, probe)
