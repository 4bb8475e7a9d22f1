"""One number out of Prometheus: an instant query over the one door to HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from urllib.parse import urlencode

from monitor.answers import LIMIT, Malformed, at, read_json
from monitor.core.causes import Cause
from monitor.core.secret import Secret
from monitor.core.settings import PrometheusSettings
from monitor.http import Answer, Door, HttpFailure, Request

PATIENCE = 10.0  # seconds for one answer
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}

Query = Callable[[PrometheusSettings, str, float], Awaitable[Decimal]]


def querier(door: Door) -> Query:
    """Asks what is used: the server, the query, and how many seconds old the window is.

    `[window]` in the query stands for that age, as in `increase(calls_total[window])`. Raises
    HttpFailure, also for an answer that is not one number from 0 up: no answer is never 0.
    """

    async def ask(server: PrometheusSettings, query: str, age: float) -> Decimal:
        request = _request(server, query.replace("[window]", f"[{max(1, round(age))}s]"))
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await door.send(request)
        except TimeoutError:
            raise HttpFailure(Cause.TIMED_OUT, "Prometheus does not answer in time") from None
        return _number(answer)

    return ask


def _request(server: PrometheusSettings, query: str) -> Request:
    token = server.token
    return Request(
        "POST",
        f"{server.url}/api/v1/query",
        headers=_FORM,
        secret_headers={"Authorization": Secret(f"Bearer {token.reveal()}")} if token else {},
        body=urlencode({"query": query}).encode(),
    )


def _number(answer: Answer) -> Decimal:
    if answer.status != 200:
        words = "cannot answer the query" if answer.status in (400, 422) else "refuses to answer"
        raise HttpFailure(Cause.PROVIDER_ERROR, f"Prometheus {words}: HTTP {answer.status}")
    body = read_json(answer)
    kind, result = at(body, "data.resultType"), at(body, "data.result")
    if kind == "scalar":
        return _amount(result)
    if kind != "vector" or not isinstance(result, list):
        raise Malformed("the query gives no instant vector: wrap it in sum()")
    if len(result) != 1:
        many = "nothing" if not result else f"{len(result)} values"
        hint = "add `or vector(0)` where none is 0" if not result else "wrap it in sum()"
        raise Malformed(f"the query gives {many}, not one value: {hint}")
    return _amount(at(result[0], "value"))


def _amount(pair: object) -> Decimal:
    """The second of `[time, "number"]`."""
    text = pair[1] if isinstance(pair, list) and len(pair) == 2 else None
    try:
        amount = Decimal(text) if isinstance(text, str) else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount < LIMIT:
        raise Malformed("the query gives no number from 0 up")
    return amount.quantize(Decimal("1e-6")).normalize()
