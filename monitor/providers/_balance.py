"""The common case: one GET, one JSON answer, one number. And what other probes take from it.

A provider of the common case is a `ProviderSpec` and a `Balance`. One that needs more writes its
own probe around a `Call`: that carries the key, knows the errors, and hands over the JSON.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from decimal import Decimal
from urllib.parse import quote, urlsplit

from monitor.answers import (
    Malformed,
    Row,
    at,
    flag,
    listing,
    mapping,
    number,
    plain,
    read_json,
    shape,
    text,
)
from monitor.core.causes import Cause
from monitor.core.model import Finding
from monitor.core.secret import Secret
from monitor.core.settings import Account
from monitor.core.spec import ProviderSpec
from monitor.http import CAP, Answer, Request
from monitor.providers import Ask, Refused, address, bearer
from monitor.sayings import judged

CENTS = Decimal("0.01")
MINUTE, HOUR = 60.0, 3600.0

# How a key is carried

Carrier = Callable[[Account], Mapping[str, Secret]]  # `bearer` is one
Refusing = Callable[[Mapping[str, object]], bool]


def authorization(scheme: str) -> Carrier:
    """`Authorization: SCHEME key`, for vendors that do not say Bearer."""
    return lambda account: {"Authorization": Secret(f"{scheme} {account.key.reveal()}")}


def header(name: str) -> Carrier:
    """The key alone, in a header of its own."""
    return lambda account: {name: account.key}


def basic(user: str) -> Carrier:
    """HTTP Basic: the config field `user` is the name, the key is the password."""

    def carried(account: Account) -> Mapping[str, Secret]:
        pair = f"{account.fields.get(user) or ''}:{account.key.reveal()}"
        return {"Authorization": Secret(f"Basic {b64encode(pair.encode()).decode()}")}

    return carried


# What an error means


def errors(title: str, *own: Row) -> tuple[Row, ...]:
    """What the documented errors of a vendor mean: its own rows, then those all have in common."""
    gone = f"{title} no longer knows this address"
    return (
        *own,
        Row(401, "", Cause.KEY_REJECTED, f"{title} rejects the key"),
        Row(402, "", Cause.CREDITS_EXHAUSTED, f"{title} says that the credits are used up"),
        Row(403, "", Cause.KEY_LACKS_PERMISSION, f"{title} does not let this key ask"),
        Row(404, "", Cause.ENDPOINT_RETIRED, gone),
        Row(410, "", Cause.ENDPOINT_RETIRED, gone),
        Row(429, "", Cause.RATE_LIMITED, f"{title} was asked too often"),
        Row(range(500, 600), "", Cause.PROVIDER_ERROR, f"{title} has an error of its own"),
        Row(range(400, 500), "", Cause.PROVIDER_ERROR, f"{title} refuses the question"),
    )


@dataclass(frozen=True, slots=True)
class Code:
    """The code inside a 2xx answer, where that decides. Rows then speak of it as of a status.

    With `always` also inside an error, where it says more than the HTTP status does.
    """

    path: str
    fine: int
    among: range = range(100_000)  # what the vendor documents; another is no code of its own
    optional: bool = False  # an answer without one is judged by its data; the summary says so
    always: bool = False

    def lacks(self, body: Mapping[str, object]) -> bool:
        """Whether there is none, and need not be."""
        return self.optional and body.get(self.path) is None

    def read(self, body: Mapping[str, object]) -> int:
        """The code; `fine` where there need not be one. Raises Malformed."""
        if self.lacks(body):
            return self.fine
        code = number(at(body, self.path), self.path, digits=True)
        if code != int(code) or int(code) not in self.among:
            raise Malformed(f"{self.path} is none that is documented", evidence=shape(body))
        return int(code)

    def of_error(self, answer: Answer) -> int:
        """The code inside an error, where it has one; else the HTTP status."""
        try:
            code = self.read(mapping(read_json(answer))) if self.always else self.fine
        except Malformed:  # an edge answers for the vendor
            return answer.status
        return answer.status if code == self.fine else code


# One request


@dataclass(frozen=True, slots=True)
class Call:
    """One documented request: where, how the key is carried, what its errors mean.

    `{name}` in `path` is a field of the account, or what `body` is handed under that name.
    """

    spec: ProviderSpec
    path: str
    _: KW_ONLY
    key: Carrier = bearer
    headers: Mapping[str, str] = field(default_factory=dict)
    field_headers: Mapping[str, str] = field(default_factory=dict)  # config field to header
    code: Code | None = None
    errors: tuple[Row, ...] = ()  # the vendor's own; those all have in common come after
    url: str = "base_url"
    post: bytes = b""  # JSON, where the vendor wants a POST
    refuses: Refusing | None = None  # where the body of a 2xx is an error: read as a 400
    cap: int = CAP  # bytes of an answer
    follow: bool = False  # one Location on the same origin

    async def body(self, ask: Ask, **named: str) -> Mapping[str, object]:
        """The JSON object that answers. Raises Refused, Malformed, HttpFailure."""
        answer = await ask.send(self.request(ask.account, **named))
        if (refused := self.refusal(answer)) is not None:
            raise Refused(refused)
        return mapping(read_json(answer))

    def request(self, account: Account, **named: str) -> Request:
        """What is sent for this account."""
        given = {**account.fields, **named}
        path = self.path.format(**{name: quote(str(x), safe="") for name, x in given.items()})
        own = {h: str(given[f]) for f, h in self.field_headers.items() if given.get(f)}
        kind = {"Content-Type": "application/json"} if self.post else {}
        return Request(
            "POST" if self.post else "GET",
            address(account, self.spec, path, url=self.url),
            headers={"Accept": "application/json", **kind, **self.headers, **own},
            secret_headers=self.key(account),
            body=self.post,
            cap=self.cap,
            follow_same_origin=self.follow,
        )

    def refusal(self, answer: Answer) -> Finding | None:
        """What the answer says went wrong; None where nothing did. Raises Malformed."""
        code = self._code_of(answer)
        if code is None:
            return None
        return self.means(code, answer)

    def means(self, code: int, answer: Answer) -> Finding:
        """What a code says of an answer, by the vendor's rows and those all have in common."""
        title = self.spec.title
        return judged(title, errors(title, *self.errors), answer, code=code)

    def _code_of(self, answer: Answer) -> int | None:
        """The status, or the code that decides in its place; None: nothing went wrong."""
        if not 200 <= answer.status < 300:
            return answer.status if self.code is None else self.code.of_error(answer)
        if self.refuses is not None and self.refuses(mapping(read_json(answer))):
            return 400
        if self.code is None:
            return None
        code = self.code.read(mapping(read_json(answer)))
        return None if code == self.code.fine else code


# One number


@dataclass(frozen=True, slots=True)
class Must:
    """A flag that has to be `be`; where it is not, this is the cause, and the number is kept."""

    path: str
    cause: Cause
    summary: str
    be: bool = True


@dataclass(frozen=True, slots=True)
class Balance(Call):
    """A call whose answer holds the balance. It is a probe by itself.

    `amount` names where the number is: `data.credits`; of several the sum. `-` before a path
    takes it away, `?` behind it lets it be null, `*` in it stands for each of a list.
    """

    amount: str | tuple[str, ...]
    _: KW_ONLY
    strings: bool = False  # the vendor writes numbers as text
    scale: Decimal = Decimal(1)  # CENTS, 1/10000; negative where the vendor's credit is negative
    unit_at: str = ""  # where the answer names the currency; else the spec's unit
    unit_by_host: Mapping[str, str] = field(default_factory=dict)  # the end of a host to the unit
    must: tuple[Must, ...] = ()

    async def __call__(self, ask: Ask) -> Finding:
        """Ask, and read. Raises Malformed, HttpFailure."""
        answer = await ask.send(self.request(ask.account))
        return self.read(answer, self._unit_of(ask.account))

    def read(self, answer: Answer, unit: str | None = None) -> Finding:
        """The balance, or why there is none. Raises Malformed."""
        if (refused := self.refusal(answer)) is not None:
            return refused
        body = mapping(read_json(answer))
        paths = (self.amount,) if isinstance(self.amount, str) else self.amount
        balance = total(body, paths, strings=self.strings) * self.scale
        unit = currency(at(body, self.unit_at), self.unit_at) if self.unit_at else unit
        found = balance_of(balance, unit or self.spec.unit or "credits")
        if self.code is not None and self.code.lacks(body):
            words = f"{found.summary}; the answer lacks its `{self.code.path}`"
            found = replace(found, summary=words)  # said, and no state: the number was read
        for must in self.must:
            if sure(body, must.path) is not must.be:
                return replace(found, cause=must.cause, summary=must.summary)
        return found

    def _unit_of(self, account: Account) -> str | None:
        """What the account says, else what the host it asks says, else what the spec says."""
        if isinstance(said := account.fields.get("currency"), str):
            return said
        host = urlsplit(address(account, self.spec, "")).hostname or ""
        ends = (unit for end, unit in self.unit_by_host.items() if host.endswith(end))
        return next(ends, self.spec.unit)


def balance_of(balance: Decimal, unit: str) -> Finding:
    """A balance that was read; what zero, less, or too little means is judged elsewhere."""
    balance += 0  # a scale may have made -0 of nothing
    return Finding(Cause.OK, f"{plain(balance)} {unit}", balance=balance, unit=unit)


def total(body: Mapping[str, object], paths: tuple[str, ...], *, strings: bool = False) -> Decimal:
    """The sum of the numbers at `paths`; see Balance. Raises Malformed."""
    found = Decimal(0)
    for path in paths:
        sign, bare = (-1, path[1:]) if path.startswith("-") else (1, path)
        for value in _each(body, bare.removesuffix("?")):
            if value is None and bare.endswith("?"):
                continue
            found += sign * number(value, bare.removesuffix("?"), digits=strings)
    return found


def _each(body: Mapping[str, object], path: str) -> Iterator[object]:
    head, star, tail = path.partition(".*.")
    if not star:
        yield at(body, path)
        return
    many = listing(at(body, head), head)
    if not many:
        raise Malformed(f"{head} is empty", evidence=shape(body))
    for one in many:
        yield at(one, tail)


def currency(value: object, what: str) -> str:
    """`value` as a currency's three letters, in capitals. Raises Malformed."""
    said = text(value, what)
    if re.fullmatch("[A-Za-z]{3}", said) is None:
        raise Malformed(f"{what} names no currency")
    return said.upper()


def sure(body: Mapping[str, object], path: str) -> bool:
    """The flag at `path`, which has to be there. Raises Malformed."""
    value = at(body, path)
    if value is None:
        raise Malformed(f"{path} is missing", evidence=shape(body))
    return flag(value, path)
