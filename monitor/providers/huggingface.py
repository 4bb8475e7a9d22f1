"""Hugging Face: the token, the models, the monthly allowance, the status page, one real call.

A model is asked at the Hub, which costs nothing: its mapping names who serves it now. What its
errors mean stands in `_huggingface_rows.py`, what its answers say in `_huggingface.py`.
Sources: https://huggingface.co/docs/inference-providers/hub-api, /docs/hub/rate-limits,
/docs/inference-providers/pricing, the huggingface_hub client, and answers recorded up to 2026.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from urllib.parse import quote, urlsplit

from monitor.answers import Row, read_json
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding
from monitor.core.spec import CheckSpec, ProviderSpec, tried
from monitor.http import Answer, HttpFailure, Request
from monitor.providers import Ask, Provider, address, bearer
from monitor.providers._huggingface import (
    Usage,
    confirmed,
    read_key,
    read_model,
    read_quota,
    read_status,
    read_usage,
)
from monitor.providers._huggingface_rates import noticed, rate_quotas, stay_away
from monitor.providers._huggingface_rows import SPOKEN_ROWS, TABLES
from monitor.sayings import judged

MINUTE, HOUR = 60.0, 3600.0
GONE_HOST = "api-inference.huggingface.co"  # answered 410 until mid-2026; now the name is gone
EXPANDED = ("inference", "inferenceProviderMapping", "gated", "disabled", "private",
            "pipeline_tag")  # fmt: skip
PAGE_CAP = 1024 * 1024  # the status page carries 90 days of history
PICTURE_CAP = 16 * 1024 * 1024  # an inference answer is the picture itself
PATIENCE = 5.0  # seconds for the second look at a 402: the router's word stands without it

_MEDIA = ("image/", "audio/", "video/", "application/octet-stream")  # what a model makes
SPEC = ProviderSpec(
    name="huggingface",
    title="Hugging Face",
    checks={
        Check.KEY: CheckSpec(
            interval=30 * MINUTE, minimum=30 * MINUTE, help="whoami: is strictly limited"
        ),
        Check.MODEL: CheckSpec(
            interval=10 * MINUTE, minimum=10 * MINUTE, help="who serves it; costs nothing"
        ),
        Check.QUOTA: CheckSpec(
            interval=15 * MINUTE, minimum=5 * MINUTE, help="Inference Providers, this month"
        ),
        Check.STATUS: CheckSpec(interval=5 * MINUTE, minimum=MINUTE, help="the status page"),
        Check.INFERENCE: CheckSpec(
            interval=24 * HOUR,
            minimum=24 * HOUR,
            default=False,
            help="a real call; costs a little",
        ),
    },
    urls={
        "base_url": "https://huggingface.co",
        "router_url": "https://router.huggingface.co",
        "status_url": "https://status.huggingface.co",
    },
    docs="https://huggingface.co/docs/inference-providers/hub-api",
    by_hand=tried("https://huggingface.co/api/whoami-v2")
    + "; 429 says nothing about the key (ask again in 5 minutes)",
    links={
        "billing": "https://huggingface.co/settings/billing",
        "keys": "https://huggingface.co/settings/tokens",
        "prices": "https://huggingface.co/docs/inference-providers/pricing",
        "limits": "https://huggingface.co/docs/hub/rate-limits",
        "status": "https://status.huggingface.co",
        "models": "https://huggingface.co/models?pipeline_tag=text-to-image&inference_provider=all",
        "gated": "https://huggingface.co/docs/hub/models-gated",
    },
    key_prefixes=("hf_", "api_org_"),
    knows=(
        "Whether the token is valid and may call models, who serves each of them, what is used of "
        "the month's allowance, and of the key the Hub's rate limits (the quota `api requests`, "
        "which no built-in rule judges). What was paid in advance is told to no token."
    ),
)


async def probe(ask: Ask) -> Finding:
    """Ask what the target is about."""
    questions = {
        Check.KEY: _key,
        Check.MODEL: _model,
        Check.QUOTA: _quota,
        Check.STATUS: _status,
        Check.INFERENCE: _inference,
    }
    return await questions[ask.target.check](ask)


async def _get(ask: Ask, path: str) -> Answer:
    return await _send(
        Request(
            "GET",
            address(ask.account, SPEC, path),
            headers={"Accept": "application/json"},
            secret_headers=bearer(ask.account),
            follow_same_origin=True,
        ),
        ask,
    )


async def _send(request: Request, ask: Ask) -> Answer:
    try:
        return await ask.send(request)
    except HttpFailure as failure:
        unreached = failure.cause in (Cause.PROVIDER_UNREACHABLE, Cause.NETWORK_OFFLINE)
        if unreached and urlsplit(request.url).hostname == GONE_HOST:
            raise HttpFailure(
                Cause.ENDPOINT_RETIRED, f"{GONE_HOST} no longer exists: remove it from the config"
            ) from None
        raise


def _refused(answer: Answer, rows: tuple[Row, ...]) -> Finding | None:
    """What an answer says went wrong; None where nothing did. Raises Malformed."""
    if 200 <= answer.status < 300:
        if not _complains(answer):
            return None
        rows, status = SPOKEN_ROWS, 200
    else:
        status = answer.status
    finding = judged(SPEC.title, rows, answer, code=status)
    if finding.cause is Cause.RATE_LIMITED:
        finding = replace(finding, retry_after=stay_away(answer))
    return noticed(finding, answer)


def _complains(answer: Answer) -> bool:
    body = read_json(answer)
    return isinstance(body, dict) and bool(body.get("error"))


async def _key(ask: Ask) -> Finding:
    """The token, and with it the Hub's rate limits.

    They are the key's and not the quota's: a window of five minutes that is nearly used up harms
    nobody, and `quota-high` judges quota targets alone.
    """
    answer = await _get(ask, "/api/whoami-v2")
    if (refused := _refused(answer, TABLES[Check.KEY])) is not None:
        return refused
    needed = "inference" in ask.account.needs
    found = noticed(read_key(answer, ask.now, inference_needed=needed), answer)
    fine = found.cause is Cause.OK
    return replace(found, quotas=rate_quotas(answer, ask.now)) if fine else found


async def _model(ask: Ask) -> Finding:
    asked = ask.target.subject or ""
    expand = "&".join(f"expand[]={name}" for name in EXPANDED)
    answer = await _get(ask, f"/api/models/{quote(asked, safe='/')}?{expand}")
    return _refused(answer, TABLES[Check.MODEL]) or noticed(read_model(answer, asked), answer)


async def _quota(ask: Ask) -> Finding:
    answer = await _get(ask, _usage_path(ask))
    return _refused(answer, TABLES[Check.QUOTA]) or noticed(read_quota(answer, ask.now), answer)


def _usage_path(ask: Ask) -> str:
    """This month until now, in Unix seconds; the end has to lie behind the start."""
    start = ask.now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    begin = int(start.timestamp())
    end = max(int(ask.now.timestamp()), begin + 1)
    return f"/api/settings/billing/usage-v2?startDate={begin}&endDate={end}"


async def _status(ask: Ask) -> Finding:
    url = address(ask.account, SPEC, "/index.json", url="status_url")
    request = Request("GET", url, headers={"Accept": "application/json"}, cap=PAGE_CAP)
    answer = await ask.send(request)  # without the token: the page is another company's
    return _refused(answer, TABLES[Check.STATUS]) or read_status(answer)


async def _inference(ask: Ask) -> Finding:
    model = quote(ask.target.subject or "", safe="/")
    request = Request(
        "POST",
        address(ask.account, SPEC, f"/hf-inference/models/{model}", url="router_url"),
        headers={"Content-Type": "application/json"},
        secret_headers=bearer(ask.account),
        body=b'{"inputs": "a cup of tea"}',
        cap=PICTURE_CAP,
    )
    answer = await _send(request, ask)
    served = noticed(Finding(Cause.OK, "the model answers"), answer)
    if 200 <= answer.status < 300 and answer.headers.get("content-type", "").startswith(_MEDIA):
        return served
    refused = _refused(answer, TABLES[Check.INFERENCE])
    if refused is not None and refused.cause is Cause.CREDITS_EXHAUSTED:
        return confirmed(refused, await _usage(ask))
    return refused or served


async def _usage(ask: Ask) -> Usage | None:
    """What the account itself says is used; None where it cannot be had in time."""
    try:
        async with asyncio.timeout(PATIENCE):
            answer = await _get(ask, _usage_path(ask))
        return None if _refused(answer, TABLES[Check.QUOTA]) else read_usage(answer, ask.now)
    except (TimeoutError, HttpFailure):
        return None


PROVIDER = Provider(SPEC, probe)
