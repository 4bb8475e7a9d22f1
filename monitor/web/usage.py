"""What applications report: the body of the request, and what they are answered."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request

from monitor.core.reports import MOST, Counted

CAP: Final = 1024 * 1024  # bytes: a thousand reports of a kilobyte
_SAID = 20  # faults, and reports that were not counted, in one answer


async def whole_body(
    request: Request, cap: int = CAP, advice: str = "send fewer reports at once"
) -> bytes:
    """The body; 413 as soon as it is seen to be too large."""
    too_large = HTTPException(413, f"larger than {cap // 1024} KiB: {advice}")
    said = request.headers.get("content-length", "0")
    if said.isdigit() and int(said) > cap:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > cap:
            raise too_large
    return bytes(body)


def read_body(body: bytes) -> object:
    """Strict JSON, its fractions exact; 400 for what is none, 413 for too long a list."""
    try:
        found: object = json.loads(body, parse_float=Decimal, parse_constant=_refused)
    except (ValueError, InvalidOperation, RecursionError):
        raise HTTPException(400, "the body is not JSON") from None
    if isinstance(found, list) and len(found) > MOST:
        raise HTTPException(413, f"more than {MOST} reports: send fewer at once")
    return found


def _refused(word: str) -> None:
    raise ValueError(word)


def outcome(found: Counted) -> dict[str, object]:
    """What was counted and what was not; or, where one is at fault, why none was."""
    if found.faults:
        first = [{"index": f.index, "fault": f.fault} for f in found.faults[:_SAID]]
        words = f"nothing was counted: report {found.faults[0].index}: {found.faults[0].fault}"
        return {"error": words, "faults": first}
    ignored = [{"id": name, "why": why} for name, why in found.ignored[:_SAID]]
    return {"counted": found.counted, "ignored": len(found.ignored), "not_counted": ignored}
