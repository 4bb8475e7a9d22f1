"""What an account at the provider `json` may hold, and what its fields say together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import cast

from monitor.core.causes import Cause
from monitor.core.secret import MASK, Secret
from monitor.core.spec import Field, FieldKind

Fields = Mapping[str, object]
Place = tuple[str | int, ...]

# What an error may mean. The others are the monitor's own to find out.
CAUSES = (
    Cause.KEY_REJECTED, Cause.KEY_EXPIRED, Cause.KEY_LACKS_PERMISSION, Cause.KEY_CAP_REACHED,
    Cause.CREDITS_EXHAUSTED, Cause.QUOTA_EXHAUSTED, Cause.RATE_LIMITED,
    Cause.PROVIDER_MAINTENANCE, Cause.PROVIDER_ERROR, Cause.ENDPOINT_RETIRED, Cause.NOT_KNOWABLE,
)  # fmt: skip
OK = (
    Field("path", FieldKind.MEMBER, "where the answer says it", required=True, example="code"),
    Field("equals", FieldKind.VALUE, "what it says then", required=True, example="0"),
)
ERRORS = (
    Field("status", FieldKind.INTEGER, "answers with this HTTP status"),
    Field("code", FieldKind.VALUE, "answers with this at the path of `ok`"),
    Field("says", FieldKind.PATTERN, "answers whose error or message holds this, case aside"),
    Field(
        "cause",
        FieldKind.TEXT,
        "what they mean",
        required=True,
        choices=tuple(cause.value for cause in CAUSES),
        example="credits_exhausted",
    ),
)
QUOTA = (
    Field("used", FieldKind.MEMBERS, "what is used of it", required=True, example="data.used"),
    Field("limit", FieldKind.MEMBERS, "the limit; with `?` behind, null means that there is none"),
    Field(
        "resets_at",
        FieldKind.MEMBER,
        "when it starts anew: a time with its zone, or Unix seconds or milliseconds",
    ),
    Field("unit", FieldKind.TEXT, "what is counted", default="credits", example="USD"),
)
FIELDS = (
    Field(
        "method",
        FieldKind.TEXT,
        "how it is asked",
        default="GET",
        choices=("GET", "POST"),
        example="POST",
    ),
    Field("headers", FieldKind.MAP, "sent with it; each value is kept secret"),
    Field("body", FieldKind.SECRET, "JSON, sent with a POST; kept secret"),
    Field(
        "balance",
        FieldKind.MEMBERS,
        "where the balance stands; of several the sum, `-` before one takes it away",
        example="data.credits",
    ),
    Field("unit", FieldKind.TEXT, "of the balance; by default credits", example="USD"),
    Field(
        "scale",
        FieldKind.NUMBER,
        "what the number is multiplied by; 0.01 for cents",
        default=Decimal(1),
        example="0.01",
    ),
    Field("quota", FieldKind.TABLE, "in place of `balance`, for what starts anew", fields=QUOTA),
    Field("ok", FieldKind.TABLE, "what a good answer says; by default 2xx is good", fields=OK),
    Field("errors", FieldKind.TABLES, "what errors mean; the first that fits", fields=ERRORS),
)
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_NOT_YOURS = frozenset({"host", "content-length", "transfer-encoding", "connection"})


def faults(fields: Fields) -> Iterator[tuple[Place, str]]:
    """What is wrong with the fields of an account together."""
    if fields["balance"] and fields["quota"]:
        yield ("quota",), "give either balance or quota, not both: write a second account"
    if fields["unit"] and fields["quota"]:
        yield ("unit",), "has no effect: the unit of a quota stands within `quota`"
    if fields["body"] and fields["method"] != "POST":
        yield ("body",), "is sent with `method: POST` only"
    elif not _is_json(fields):
        yield ("body",), "is not JSON"
    if fields["scale"] == 0:
        yield ("scale",), "would make every balance 0"
    yield from _faults_of_headers(mapped(fields["headers"]))
    for i, row in enumerate(rows(fields)):
        yield from _faults_of_row(("errors", i), row, coded=fields["ok"] is not None)


def _is_json(fields: Fields) -> bool:
    """Whether the body is JSON, or need not be: the config calls it something else.

    One that is hidden, or has variables that are not set, cannot be known.
    """
    body = fields["body"]
    said = body.reveal() if isinstance(body, Secret) else ""
    if said in ("", MASK) or "${" in said:
        return True
    named = {name.lower(): said for name, said in mapped(fields["headers"]).items()}
    kind = named.get("content-type")
    if isinstance(kind, Secret) and "json" not in kind.reveal().lower():
        return True
    try:
        json.loads(said)
    except (ValueError, RecursionError):
        return False
    return True


def _faults_of_headers(headers: Fields) -> Iterator[tuple[Place, str]]:
    for name, value in headers.items():
        said = value.reveal() if isinstance(value, Secret) else ""
        if not _NAME.fullmatch(name) or name.lower() in _NOT_YOURS:
            yield ("headers", name), "is no header that can be set"
        elif not said.isascii() or said != said.strip():
            yield ("headers", name), "is not printable ASCII without spaces around it"


def _faults_of_row(at_: Place, row: Fields, *, coded: bool) -> Iterator[tuple[Place, str]]:
    status = row["status"]
    if status is None and row["code"] is None and row["says"] is None:
        yield at_, "needs status, code or says: which answers are meant"
    if row["code"] is not None and not coded:
        yield (*at_, "code"), "needs `ok`: the code is what stands at its path"
    if isinstance(status, int) and not 100 <= status <= 599:
        yield (*at_, "status"), "must be an HTTP status, from 100 to 599"


def mapped(value: object) -> Fields:
    """A table or a map of the config; an empty one where it is not set."""
    return value if isinstance(value, Mapping) else {}


def rows(fields: Fields) -> Iterable[Fields]:
    """The rows of `errors`."""
    return cast("Iterable[Fields]", fields["errors"] or ())
