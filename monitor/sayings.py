"""What an answer says went wrong, and what that means by a vendor's table.

Of the words nothing leaves here: they are for matching only.
"""

from __future__ import annotations

from collections.abc import Iterable

from monitor.answers import Malformed, Row, classify, finding_of, read_json
from monitor.core.causes import Cause
from monitor.core.model import Finding
from monitor.edge import is_page
from monitor.http import Answer


def judged(
    title: str, rows: Iterable[Row], answer: Answer, *, code: int, words: str | None = None
) -> Finding:
    """What an error means: `code` is the HTTP status, or what decides in its place.

    A web page in the vendor's place is read by its HTTP status alone, and never by `rows`.
    """
    if is_page(answer):
        return finding_of(classify(of_a_page(title), answer.status, ""), answer)
    said = words_of(answer) if words is None else words
    return finding_of(classify(rows, code, said), answer)


def of_a_page(title: str) -> tuple[Row, ...]:
    """What a web page means: who stands in front of a vendor knows of haste and of faults."""
    edge = f"a web page in front of {title} refuses us"
    return (
        Row(429, "", Cause.RATE_LIMITED, f"{title} was asked too often"),
        Row(range(400, 500), "", Cause.PROVIDER_ERROR, edge),
        Row(range(500, 600), "", Cause.PROVIDER_ERROR, f"{title} has an error of its own"),
    )


def words_of(answer: Answer) -> str:
    """What an answer says went wrong, in all the forms seen, for matching only.

    `error`, `message`, `msg`, `detail`, `type` and the like, also nested, and the X-Error-*
    headers. Of HTML nothing: an edge that answers for the provider says nothing of key or model.
    """
    said = [answer.headers.get(f"x-error-{name}", "") for name in ("code", "message")]
    try:
        body = read_json(answer)
    except Malformed:
        body = None
    return " ".join([*said, *_sentences(body)]).strip()[:4000]


def _sentences(value: object, depth: int = 4) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and depth:
        for item in value[:20]:
            yield from _sentences(item, depth - 1)
    elif isinstance(value, dict) and depth:
        for key in _SPEAKING:
            yield from _sentences(value.get(key), depth - 1)
        for key in _NAMING:
            if isinstance(name := value.get(key), str) and name not in _GENERAL:
                yield name


_SPEAKING = (
    "error", "errors", "message", "msg", "detail", "details", "code", "error_description",
    "status", "category", "err_code", "err_msg",
)  # fmt: skip
# What an error is called says more than its sentence, but for these: they hold "request" or
# "invalid" whatever went wrong, and the HTTP status says as much.
_NAMING = ("type", "error_type", "name")
_GENERAL = frozenset({
    "error", "api_error", "server_error", "invalid_request_error", "authentication_error",
    "permission_error", "not_found_error",
})  # fmt: skip
