"""What can be wrong with an answer, whoever gives it."""

from __future__ import annotations

import functools
import json
import zlib
from collections.abc import Mapping
from enum import StrEnum


class Fault(StrEnum):
    """The first group is done by the wire, the second to what is answered."""

    REFUSED = "refused"  # nothing listens
    RESET = "reset"  # the connection breaks before the answer
    HANG = "hang"  # no answer, ever
    DRIP = "drip"  # a byte a second
    HALF_BODY = "half-body"  # announced, half of it sent, closed
    GIGABYTE = "gigabyte"  # without a length announced

    REDIRECT_ELSEWHERE = "redirect-elsewhere"  # 302 to another origin
    REDIRECT_FOR_GOOD = "redirect-for-good"  # 308 to another origin
    GZIP_BOMB = "gzip-bomb"  # 32 MiB in 32 KiB, nobody asked for gzip
    EMPTY = "empty"
    HTML = "html"  # with HTTP 200
    HTML_520 = "html-520"  # what the edge says when the server behind it is down
    NOT_JSON = "not-json"  # cut off, but announced so
    # these are put in the place of the member that matters most
    NAN = "NaN"
    ENDLESS = "1e999"
    BOOL = "bool"
    NULL = "null"
    OBJECT = "object"
    MISSING_MEMBER = "missing-member"

    @property
    def on_the_wire(self) -> bool:
        """Whether the wire does it, not the words."""
        return self in _WIRE


_WIRE = frozenset(
    {Fault.REFUSED, Fault.RESET, Fault.HANG, Fault.DRIP, Fault.HALF_BODY, Fault.GIGABYTE}
)
_LITERALS = {
    Fault.NAN: "NaN",
    Fault.ENDLESS: "1e999",
    Fault.BOOL: "true",
    Fault.NULL: "null",
    Fault.OBJECT: '{"nested": 1}',
}
_PLACE = "the place of a literal"
_HTML = b"<!DOCTYPE html><html><head><title>%s</title></head><body><h1>%s</h1></body></html>"

Spoilt = tuple[int, bytes, Mapping[str, str]]


def spoil(
    fault: Fault,
    status: int,
    body: bytes,
    headers: Mapping[str, str],
    *,
    main: str,
    elsewhere: str,
) -> Spoilt:
    """Status, body and headers as the fault makes them; `main` is a path such as `usage.used`."""
    if fault in (Fault.REDIRECT_ELSEWHERE, Fault.REDIRECT_FOR_GOOD):
        code = 308 if fault is Fault.REDIRECT_FOR_GOOD else 302
        return code, b"", {"Location": f"{elsewhere}/api"}
    if fault is Fault.GZIP_BOMB:
        return 200, _bomb(), {**headers, "Content-Encoding": "gzip"}
    if fault in (Fault.HTML, Fault.HTML_520):
        words = b"520: Web server is returning an unknown error"
        code = 520 if fault is Fault.HTML_520 else 200
        return code, _HTML % (words, words), {"Content-Type": "text/html; charset=UTF-8"}
    if fault is Fault.EMPTY:
        return status, b"", headers
    if fault is Fault.NOT_JSON:
        return status, body[:-1] + b",", headers
    return status, _with_literal(fault, body, main), headers


def _with_literal(fault: Fault, body: bytes, main: str) -> bytes:
    *way, last = main.split(".")
    try:
        within = document = json.loads(body)
        for step in way:
            within = within[step]
    except (ValueError, KeyError, TypeError):
        return body  # an answer that is an error already
    if fault is Fault.MISSING_MEMBER:
        within.pop(last, None)
        return json.dumps(document).encode()
    within[last] = _PLACE
    return json.dumps(document).replace(f'"{_PLACE}"', _LITERALS[fault]).encode()


@functools.cache
def _bomb() -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    megabyte = b" " * (1 << 20)
    return b"".join(squeeze.compress(megabyte) for _ in range(32)) + squeeze.flush()
