"""KIE (kie.ai): the account's credits, and with them the key.

It answers HTTP 200 with an error `code` in the body: that code decides, unless the HTTP status
says otherwise. There is no call for the key alone; a balance that can be read proves it.
Source: https://docs.kie.ai/common-api/get-account-credits, and answers recorded in 2025 and 2026.
"""

from __future__ import annotations

from collections.abc import Mapping

from monitor.answers import (
    Malformed,
    Row,
    classify,
    finding_of,
    mapping,
    number,
    plain,
    read_json,
    shape,
    words_of,
)
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding
from monitor.core.spec import CheckSpec, ProviderSpec
from monitor.http import Answer, Request
from monitor.providers import Ask, Provider, address, bearer

CREDITS_GONE = (
    r"credits?\s+(are\s+)?insufficient|insufficient\s+credits?"
    r"|current balance isn.t enough|top\s*up"
)

# (HTTP status, or `code` of the body where HTTP says 200), words, cause, sentence: the first fits.
ROWS = (
    Row(401, "", Cause.KEY_REJECTED, "KIE rejects the key"),
    Row(402, "", Cause.CREDITS_EXHAUSTED, "KIE says that the credits are used up"),
    Row(403, "text/html", Cause.PROVIDER_ERROR, "a web page in front of KIE refuses us"),
    Row(403, "", Cause.KEY_LACKS_PERMISSION,
        "KIE refuses the key: it is disabled, or this machine's address is not on its whitelist"),
    Row(404, "", Cause.ENDPOINT_RETIRED, "KIE no longer knows the address for credits"),
    Row(429, "", Cause.RATE_LIMITED, "KIE was asked too often"),
    Row(433, "", Cause.KEY_CAP_REACHED, "the key has reached the credit cap set for it"),
    Row(455, "", Cause.PROVIDER_MAINTENANCE, "KIE is under maintenance"),
    # An empty account was seen as code 500 (2026-09-13), not as the documented 402.
    Row(range(400, 600), CREDITS_GONE, Cause.CREDITS_EXHAUSTED,
        "KIE says that the credits are used up"),
    # "Feature disabled": switched off by KIE itself, nothing broke, and it comes back.
    Row(505, "disabled", Cause.PROVIDER_MAINTENANCE, "KIE has switched this function off"),
    Row(range(500, 600), "", Cause.PROVIDER_ERROR, "KIE has an error of its own"),
    Row(range(400, 500), "", Cause.PROVIDER_ERROR, "KIE refuses the question"),
)  # fmt: skip

SPEC = ProviderSpec(
    name="kie",
    title="KIE",
    checks={
        Check.BALANCE: CheckSpec(interval=300.0, minimum=30.0, help="credits of the account"),
    },
    urls={"base_url": "https://api.kie.ai"},
    docs="https://docs.kie.ai/common-api/get-account-credits",
    unit="credits",
)


async def probe(ask: Ask) -> Finding:
    """Ask for the credits."""
    url = address(ask.account, SPEC, "/api/v1/chat/credit")
    headers = {"Accept": "application/json"}
    request = Request("GET", url, headers=headers, secret_headers=bearer(ask.account))
    return read_balance(await ask.send(request))


def read_balance(answer: Answer) -> Finding:
    """The balance, or why there is none. Raises Malformed."""
    if not 200 <= answer.status < 300:
        return _refused(answer.status, answer)
    body = mapping(read_json(answer))
    code = _code(body)
    if code != 200:
        return _refused(code, answer)
    balance = number(body.get("data"), "data")
    return Finding(Cause.OK, f"{plain(balance)} credits", balance=balance, unit=SPEC.unit)


def _code(body: Mapping[str, object]) -> int:
    """The body's own verdict; an answer without one is judged by its data."""
    if body.get("code") is None:
        return 200
    code = number(body["code"], "code", digits=True)
    if code != int(code) or not 200 <= code < 1000:
        raise Malformed("code is no code that KIE documents", evidence=shape(body))
    return int(code)


def _refused(code: int, answer: Answer) -> Finding:
    words = f"{words_of(answer)} {answer.headers.get('content-type', '')}"
    return finding_of(classify(ROWS, code, words), answer)


PROVIDER = Provider(SPEC, probe)
