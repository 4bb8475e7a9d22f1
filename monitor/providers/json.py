"""Any JSON there is: the config says where it is asked, where the number stands, what errors mean.

For a vendor without a file here, a billing service of your own, a gateway. Nothing is guessed: a
path that is not there, or holds no number, is `answer_malformed`. Every value of `headers` is a
secret, and so is the body; the address is not.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import cast
from urllib.parse import urlsplit

from monitor.answers import (
    Malformed,
    at,
    clean,
    flag,
    mapping,
    moment,
    number,
    plain,
    read_json,
    scrubbed,
    shape,
    shape_of,
    text,
)
from monitor.core.causes import CAUSES, Cause
from monitor.core.model import Check, Finding, Quota
from monitor.core.secret import Secret
from monitor.core.settings import Account
from monitor.core.spec import CheckSpec, ProviderSpec
from monitor.edge import is_page, retry_after
from monitor.http import Answer, Request
from monitor.providers import Ask, Provider, Refused, bearer
from monitor.providers._balance import balance_of, errors, total
from monitor.providers._json import FIELDS, Fields, faults, mapped, rows
from monitor.sayings import judged, words_of

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")

SPEC = ProviderSpec(
    name="json",
    title="Any JSON",
    checks={
        Check.BALANCE: CheckSpec(field="balance", help="the number at `balance`"),
        Check.QUOTA: CheckSpec(field="quota", help="what is used of a limit"),
    },
    urls={"url": ""},
    docs="https://www.rfc-editor.org/rfc/rfc8259",
    fields=FIELDS,
    key="optional; sent as `Authorization: Bearer KEY` unless `headers` has an Authorization",
    knows=(
        "What the config says: `balance`, or `quota: {used, limit, resets_at, unit}` in its "
        "place. How to write it, step by step: [json-provider.md](json-provider.md)."
    ),
    faults=faults,
    example="""\
url: https://api.example.com/v1/account
# method: POST  # how it is asked
# headers: {X-Team: team-example}  # sent with it; each value is kept secret
# body: '{"query": "{ credits }"}'  # JSON, sent with a POST; kept secret
balance: data.credits  # where the balance stands
# unit: USD  # by default credits
# scale: 0.01  # the number is in cents
# ok: {path: code, equals: 0}  # what a good answer says
# errors: [{code: 402, cause: credits_exhausted}, {status: 403, says: cap, cause: key_cap_reached}]
""",
)


async def probe(ask: Ask) -> Finding:
    """Ask, and read what the config says. Raises Refused, Malformed, HttpFailure."""
    fields = ask.account.fields
    answer = await ask.send(_request(ask.account))
    if (refused := _refusal(fields, answer, _host(ask.account))) is not None:
        raise Refused(refused)
    body = mapping(read_json(answer))
    if ask.target.check is Check.QUOTA:
        return _quota(body, mapped(fields["quota"]), _scale(fields))
    amount = total(body, _paths(fields["balance"]), strings=True) * _scale(fields)
    return balance_of(amount, str(fields["unit"] or "credits"))


def _request(account: Account) -> Request:
    fields = account.fields
    headers = {n: v for n, v in mapped(fields["headers"]).items() if isinstance(v, Secret)}
    set_by_hand = {name.lower() for name in headers}
    body = fields["body"]
    posted = isinstance(body, Secret) and fields["method"] == "POST"
    own = {"Accept": "application/json", "Content-Type": "application/json" if posted else ""}
    key = bearer(account) if account.key and "authorization" not in set_by_hand else {}
    return Request(
        str(fields["method"]),
        account.urls["url"],
        headers={n: v for n, v in own.items() if v and n.lower() not in set_by_hand},
        secret_headers={**key, **headers},
        body=body.reveal().encode() if isinstance(body, Secret) and posted else b"",
    )


def _host(account: Account) -> str:
    return urlsplit(account.urls["url"]).hostname or "the address"


def _paths(value: object) -> tuple[str, ...]:
    return cast("tuple[str, ...]", value)


def _scale(fields: Fields) -> Decimal:
    return cast("Decimal", fields["scale"])


# What an answer means


def _refusal(fields: Fields, answer: Answer, host: str) -> Finding | None:
    """What the answer says went wrong; None where nothing did. Raises Malformed."""
    well, code = 200 <= answer.status < 300, _code(fields, answer)
    failed = not well or (code is not None and code != str(mapped(fields["ok"])["equals"]))
    words = words_of(answer)
    for row in () if is_page(answer) else rows(fields):  # an edge answers for the vendor
        if (failed or row["status"] == answer.status) and _fits(row, answer.status, code, words):
            return _meant(Cause(str(row["cause"])), answer, host)
    if not failed:
        return None
    told = int(code) if well and code and re.fullmatch("[1-9][0-9]{2}", code) else answer.status
    if not 400 <= told < 600 and well:
        return Finding(Cause.PROVIDER_ERROR, _unlike(fields, host), evidence=shape_of(answer))
    return judged(host, errors(host), answer, code=told, words=words)


def _unlike(fields: Fields, host: str) -> str:
    """What `ok` asks for and did not find; what stood there instead may be private."""
    ok = mapped(fields["ok"])
    path, equals = (scrubbed(clean(str(ok[name]), 60)) for name in ("path", "equals"))
    failed = f"{host} calls its own answer a failure: {path.removesuffix('?')} is not {equals}"
    return f"{failed}; if the answer is good, `ok` in the config is wrong"


def _fits(row: Fields, status: int, code: str | None, words: str) -> bool:
    wanted, says = row["code"], row["says"]
    return (
        row["status"] in (None, status)
        and (wanted is None or wanted == code)
        and (says is None or re.search(str(says), words, re.IGNORECASE) is not None)
    )


def _meant(cause: Cause, answer: Answer, host: str) -> Finding:
    stay = None if CAUSES[cause].read else retry_after(answer)
    return Finding(cause, f"{host} answers what the config calls {cause}", retry_after=stay)


def _code(fields: Fields, answer: Answer) -> str | None:
    """What stands at the path of `ok`; None without `ok`, or where an error has no such thing.

    Raises Malformed.
    """
    ok = mapped(fields["ok"])
    if not ok:
        return None
    path = str(ok["path"]).removesuffix("?")
    try:
        return _spelled(at(mapping(read_json(answer)), path), path, str(ok["equals"]))
    except Malformed:
        if 200 <= answer.status < 300:
            raise
        return None


def _spelled(value: object, path: str, like: str) -> str:
    """`value` as the config would write it, of the kind that `like` is. Raises Malformed."""
    if like in ("true", "false"):
        if value is None:
            raise Malformed(f"{path} is missing")
        return str(flag(value, path)).lower()
    if _NUMBER.fullmatch(like):
        return plain(number(value, path, digits=True))
    return text(value, path)


# What is measured


def _quota(body: Fields, wanted: Fields, scale: Decimal) -> Finding:
    used = total(body, _paths(wanted["used"]), strings=True) * scale
    if used < 0:
        raise Malformed("what is used is negative", evidence=shape(body))
    limit = _limit(body, _paths(wanted["limit"] or ()))
    limit = None if limit is None else limit * scale
    unit = str(wanted["unit"] or "credits")
    quota = Quota("plan", used, limit, unit, _resets(body, wanted["resets_at"]))
    of = "no limit" if limit is None else f"of {plain(limit)}"
    spent = limit is not None and used >= limit
    cause = Cause.QUOTA_EXHAUSTED if spent else Cause.OK
    return Finding(cause, f"{plain(used)} {of} {unit} used", quotas=(quota,))


def _limit(body: Fields, paths: tuple[str, ...]) -> Decimal | None:
    """The limit; None where there is none. Raises Malformed."""
    if not paths:
        return None
    if len(paths) == 1 and paths[0].endswith("?") and at(body, paths[0][:-1]) is None:
        return None
    return total(body, paths, strings=True)


_FIRST, _MILLI = 946_684_800, 1000  # the year 2000: what is before is no time to start anew


def _resets(body: Fields, path: object) -> datetime | None:
    """When it starts anew; None where the config does not say where, or the answer never."""
    if path is None:
        return None
    name = str(path).removesuffix("?")
    value = at(body, name)
    if value is None and str(path).endswith("?"):
        return None
    if (said := moment(value)) is not None:
        return said
    seconds = number(value, name, digits=True)
    seconds = seconds / _MILLI if seconds >= _FIRST * _MILLI else seconds
    if not _FIRST <= seconds < 10**11:
        raise Malformed(f"{name} is no time", evidence=shape(body))
    return datetime.fromtimestamp(int(seconds), UTC)


PROVIDER = Provider(SPEC, probe)
