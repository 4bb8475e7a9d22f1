"""Reading answers strictly: JSON, typed members, tables of causes, and what may be said of them.

For the providers. What leaves here is a typed value, a cause, or a shape: never a body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from monitor.core.causes import CAUSES, Cause
from monitor.core.model import Finding
from monitor.core.secret import Secret, redact
from monitor.edge import retry_after
from monitor.http import Answer, HttpFailure

LIMIT = Decimal(10) ** 15  # no account holds that much: a number this large is a fault
_FINEST = Decimal("1e-12")  # digits beyond are noise, and a million of them an attack


class Malformed(HttpFailure):
    """An answer that cannot be what was asked for: `answer_malformed`."""

    def __init__(self, text: str, *, evidence: str = "") -> None:
        super().__init__(Cause.ANSWER_MALFORMED, text, evidence=evidence)


def read_json(answer: Answer) -> object:
    """The body as strict JSON; fractions are Decimal. Raises Malformed.

    Refused: an empty body, bytes that are not UTF-8, NaN and Infinity, nesting without end.
    """
    if not answer.body.strip():
        raise Malformed("the answer is empty")
    try:
        text = answer.body.decode("utf-8-sig")
        value: object = _JSON.decode(text)
    except (ValueError, InvalidOperation, RecursionError):
        value = _NOT_JSON
    if value is _NOT_JSON:  # raised here: the parser's error carries the text it was given
        raise Malformed("the answer is not JSON", evidence=_kind_of_body(answer))
    return value


_NOT_JSON = object()


def _not_json(name: str) -> object:
    raise ValueError(name)


_JSON = json.JSONDecoder(parse_float=Decimal, parse_constant=_not_json)


def _kind_of_body(answer: Answer) -> str:
    kind = clean(answer.headers.get("content-type", "no content type"), 60)
    return f"{len(answer.body)} bytes of {kind}"


def mapping(value: object, what: str = "the answer") -> Mapping[str, object]:
    """`value` as a JSON object. Raises Malformed."""
    if isinstance(value, dict):
        return value
    raise _wrong(value, what, "an object")


def at(value: object, path: str) -> object:
    """The member at `path`, such as `data.user.0.credits`; None where it is null.

    Raises Malformed where it is not there.
    """
    found, names = value, path.split(".")
    for place, name in enumerate(names):
        here = ".".join(names[:place]) or "the answer"
        if name.isdecimal():
            members: Mapping[object, object] = dict(enumerate(listing(found, here)))
            found = members.get(int(name), _MISSING)
        else:
            found = mapping(found, here).get(name, _MISSING)
        if found is _MISSING:
            raise Malformed(f"{'.'.join(names[: place + 1])} is missing", evidence=shape(value))
    return found


_MISSING = object()


def listing(value: object, what: str) -> list[object]:
    """`value` as a JSON list. Raises Malformed."""
    if isinstance(value, list):
        return value
    raise _wrong(value, what, "a list")


def number(value: object, what: str, *, digits: bool = False) -> Decimal:
    """`value` as a finite number under 1e15; strings of digits only with `digits`.

    Raises Malformed; a bool is no number.
    """
    found = value
    if digits and isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", value):
        found = Decimal(value)
    if isinstance(found, bool) or not isinstance(found, (int, Decimal)):
        raise _wrong(value, what, "a number")
    # An int is compared before it is converted: a long one would take its time.
    if not -LIMIT < found < LIMIT:
        raise Malformed(f"{what} is a number no account holds")
    amount = Decimal(found)
    return amount.quantize(_FINEST) if _decimals(amount) > 12 else amount


def _decimals(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def text(value: object, what: str) -> str:
    """`value` as a string, cleaned and at most 200 characters long. Raises Malformed."""
    if isinstance(value, str):
        return clean(value)
    raise _wrong(value, what, "text")


def flag(value: object, what: str) -> bool:
    """`value` as true or false; absent and null are false. Raises Malformed."""
    if value is None or isinstance(value, bool):
        return bool(value)
    raise _wrong(value, what, "true or false")


def moment(value: object) -> datetime | None:
    """`value` as a time: ISO 8601 with its zone, or None where it is nothing of the kind."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _wrong(value: object, what: str, wanted: str) -> Malformed:
    if value is None:
        return Malformed(f"{what} is missing", evidence=shape(value))
    return Malformed(f"{what} is {_kind(value)}, not {wanted}", evidence=shape(value))


_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "true or false"), (int, "a number"), (Decimal, "a number"), (str, "text"),
    (dict, "an object"), (list, "a list"),
)  # fmt: skip


def _kind(value: object) -> str:
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "null")


_TELLING = frozenset({"code", "status", "type", "state", "error_code", "error_type", "role"})
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")


def shape(value: object, depth: int = 3) -> str:
    """Keys and types of an unknown answer; of values only codes such as `"code": 433`."""
    if isinstance(value, dict):
        if depth == 0:
            return "{…}"
        items = list(value.items())
        inside = [_member(str(key), x, depth - 1) for key, x in items[:12]]
        return "{" + ", ".join(inside + ["…"] * (len(items) > 12)) + "}"
    if isinstance(value, list):
        first = shape(value[0], depth - 1) if value and depth else ""
        return f"[{first}] x{len(value)}"
    return {"a number": "number", "true or false": "bool", "text": "text"}.get(
        _kind(value), "null"
    )


def _member(key: str, value: object, depth: int) -> str:
    name = key if _WORD.fullmatch(key) else "…"
    if key in _TELLING and (
        (isinstance(value, str) and _WORD.fullmatch(value))
        or (isinstance(value, int) and abs(value) < 1000)
    ):
        return f"{name}: {value}"
    return f"{name}: {shape(value, depth)}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a provider's table: the first that fits says what an answer means."""

    status: int | range  # the HTTP status, or the code in the body where that decides
    says: str  # a pattern, searched without regard to case; "" fits always
    cause: Cause
    summary: str  # in the user's terms; nothing of the answer's own words


def classify(rows: Iterable[Row], status: int, words: str) -> Row | None:
    """The first row that fits."""
    return next((row for row in rows if _fits(row, status, words)), None)


def _fits(row: Row, status: int, words: str) -> bool:
    among = status in row.status if isinstance(row.status, range) else status == row.status
    return among and re.search(row.says, words, re.IGNORECASE) is not None


def finding_of(row: Row | None, answer: Answer) -> Finding:
    """What a table says of an answer; one that it does not know is the provider's error."""
    if row is None:
        text_ = f"an answer nobody documents: HTTP {answer.status}"
        why = f"no line of the provider's table fits HTTP {answer.status}"
        stay = retry_after(answer)
        return Finding(
            Cause.PROVIDER_ERROR, text_, evidence=shape_of(answer), why=why, retry_after=stay
        )
    stay = None if CAUSES[row.cause].read else retry_after(answer)
    return Finding(row.cause, row.summary, retry_after=stay, why=_line(row, answer))


def _line(row: Row, answer: Answer) -> str:
    """The line that fitted: `HTTP 401 that says "is expired"`, `code 433 in the body`."""
    kind = f"HTTP {answer.status}"
    if isinstance(row.status, int) and row.status != answer.status:
        kind = f"HTTP {answer.status} with code {row.status} in the body"
    return kind if row.says in ("", ".") else f'{kind} that says "{row.says}"'


def shape_of(answer: Answer) -> str:
    """The shape of a body, or its size and kind where it is no JSON."""
    try:
        return f"HTTP {answer.status} {shape(read_json(answer))}"
    except Malformed as fault:
        return f"HTTP {answer.status} {fault.evidence or 'empty'}"


def clean(said: str, longest: int = 200) -> str:
    """One printable line of somebody else's text, cut to `longest`."""
    line = said.encode("utf-8", "replace").decode()
    line = " ".join("".join(c if c.isprintable() else " " for c in line[: longest * 4]).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def plain(amount: Decimal) -> str:
    """A number for people: no exponent, no zeros at the end."""
    said = f"{amount:f}"
    return said.rstrip("0").rstrip(".") if "." in said else said


_PRIVATE = re.compile(
    r"(?i:bearer)\s+[\w+/=.-]{16,}"  # credentials with their scheme
    r"|\b(?:hf_|api_org_|sk-|rpa_|r8_)[\w-]{6,}"  # keys that say what they are
    r"|(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{24,}"  # long, with digits: keys, ids
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # e-mail addresses
    r"|\b(?!127\.)\d{1,3}(?:\.\d{1,3}){3}\b"  # addresses, as in a 429: not one's own loopback
)


def scrubbed(said: str, secrets: tuple[Secret, ...] = ()) -> str:
    """`said` without the secrets, and without all that looks like a key or a person."""
    return _PRIVATE.sub("********", redact(said, secrets)) if said else said
