"""Hugging Face: the token, the models, the monthly allowance, the status page, one real call.

A model is asked at the Hub, which costs nothing: its mapping names who serves it now. 410 never
means quota here: it is a retired model or a retired host; 402 is money.
Sources: https://huggingface.co/docs/inference-providers/hub-api, /docs/hub/rate-limits,
/docs/inference-providers/pricing, the huggingface_hub client, and answers recorded up to 2026.
"""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import quote, urlsplit

from monitor.answers import (
    Row,
    classify,
    clean,
    finding_of,
    read_json,
    retry_after,
    words_of,
)
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding
from monitor.core.spec import CheckSpec, ProviderSpec
from monitor.http import Answer, HttpFailure, Request
from monitor.providers import Ask, Provider, address, bearer
from monitor.providers._huggingface import read_key, read_model, read_quota, read_status

MINUTE, HOUR = 60.0, 3600.0
GONE_HOST = "api-inference.huggingface.co"  # answered 410 until mid-2026; now the name is gone
EXPANDED = ("inference", "inferenceProviderMapping", "gated", "disabled", "private",
            "pipeline_tag")  # fmt: skip
PAGE_CAP = 1024 * 1024  # the status page carries 90 days of history
PICTURE_CAP = 16 * 1024 * 1024  # an inference answer is the picture itself

# Rows: HTTP status, words in body or X-Error-* headers, cause, sentence. The first that fits.
TOKEN_ROWS = (
    Row(401, "is expired", Cause.KEY_EXPIRED, "the token has expired"),
    Row(401, "", Cause.KEY_REJECTED, "Hugging Face rejects the token"),
    Row(403, "token policy|approved by the organi[sz]ation", Cause.KEY_LACKS_PERMISSION,
        "the organization's token policy does not admit this token"),
    Row(403, "revoked by the organi[sz]ation", Cause.KEY_LACKS_PERMISSION,
        "the organization has revoked this token's access to it"),
    Row(429, "", Cause.RATE_LIMITED, "Hugging Face was asked too often"),
    Row(range(500, 600), "", Cause.PROVIDER_ERROR, "Hugging Face has an error of its own"),
)  # fmt: skip
HOST_ROWS = (
    Row(410, r"https?://\S+ is no longer supported", Cause.ENDPOINT_RETIRED,
        "this host has been retired: it says nothing about model or token"),
)  # fmt: skip
KEY_ROWS = (
    *HOST_ROWS, *TOKEN_ROWS,
    Row(403, ".", Cause.KEY_LACKS_PERMISSION, "Hugging Face does not let this token ask"),
    Row(410, "", Cause.ENDPOINT_RETIRED, "this address has been retired"),
)  # fmt: skip
MODEL_ROWS = (
    *HOST_ROWS,
    Row(403, "GatedRepo|gated", Cause.MODEL_GATED,
        "the model is gated and this account has no access: accept its terms on its page"),
    Row(403, "is disabled", Cause.MODEL_RETIRED, "the model has been disabled"),
    *TOKEN_ROWS,
    Row(403, ".", Cause.KEY_LACKS_PERMISSION, "the token may not see this model"),
    Row(404, "", Cause.MODEL_MISSING, "the model is gone, or this token may not see it"),
    Row(410, "", Cause.MODEL_RETIRED, "the model has been retired"),
)  # fmt: skip
QUOTA_ROWS = (
    Row(403, "", Cause.NOT_KNOWABLE, "the token lacks the permission user.billing.read"),
    *KEY_ROWS,
    Row(404, "", Cause.ENDPOINT_RETIRED, "the address for usage has been retired"),
)  # fmt: skip
_MEDIA = ("image/", "audio/", "video/", "application/octet-stream")  # what a model makes
ROUTER_ROWS = (
    Row(410, "deprecated.*provider", Cause.MODEL_RETIRED, "hf-inference has retired the model"),
    *HOST_ROWS,
    Row(400, "not supported by (any )?provider|model_not_supported", Cause.MODEL_NOT_SERVED,
        "hf-inference does not serve the model"),
    Row(400, "", Cause.OK, "the model is reached"),
    Row(402, "", Cause.CREDITS_EXHAUSTED,
        "the included credits are used up, and no others are left"),
    Row(403, "sufficient permissions", Cause.KEY_LACKS_PERMISSION,
        "the token may not call Inference Providers: it lacks inference.serverless.write"),
    Row(404, "", Cause.MODEL_MISSING, "the router does not know the model"),
    Row(410, "", Cause.MODEL_RETIRED, "the model has been retired"),
    Row(422, "", Cause.OK, "the model is reached"),
    Row(503, "loading", Cause.MODEL_LOADING, "the model is being loaded"),
    *TOKEN_ROWS,
    Row(403, ".", Cause.KEY_LACKS_PERMISSION, "the token may not call the model"),
)  # fmt: skip
# An error has been seen with HTTP 200, from an edge that answers for the Hub.
SPOKEN_ROWS = (
    Row(200, "rate limit", Cause.RATE_LIMITED, "Hugging Face was asked too often"),
    Row(200, "is expired", Cause.KEY_EXPIRED, "the token has expired"),
    Row(200, "invalid credentials|invalid username or password", Cause.KEY_REJECTED,
        "Hugging Face rejects the token"),
    Row(200, "", Cause.PROVIDER_ERROR, "Hugging Face answers with an error"),
)  # fmt: skip
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
    key_prefixes=("hf_", "api_org_"),
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
    finding = finding_of(classify(rows, status, words_of(answer)), answer)
    if finding.cause is Cause.RATE_LIMITED:
        finding = replace(finding, retry_after=_stay(answer))
    return _noticed(finding, answer)


def _complains(answer: Answer) -> bool:
    body = read_json(answer)
    return isinstance(body, dict) and bool(body.get("error"))


def _stay(answer: Answer) -> float:
    """Seconds to stay away. RateLimit counts only where its remainder is 0: it is always sent."""
    said = re.findall(r"r\s*=\s*0\s*;\s*t\s*=\s*(\d{1,6})\b", answer.headers.get("ratelimit", ""))
    if said:
        return float(min(int(max(said, key=int)), 3600))
    return retry_after(answer, default=300.0) or 0.0


def _noticed(finding: Finding, answer: Answer) -> Finding:
    """With the provider's own notices, such as a deprecation, among the facts."""
    notices = clean(answer.headers.get("x-hf-warning", ""), 300)
    return replace(finding, facts={**finding.facts, "notices": notices}) if notices else finding


async def _key(ask: Ask) -> Finding:
    answer = await _get(ask, "/api/whoami-v2")
    refused = _refused(answer, KEY_ROWS)
    needed = "inference" in ask.account.needs
    return refused or _noticed(read_key(answer, ask.now, inference_needed=needed), answer)


async def _model(ask: Ask) -> Finding:
    asked = ask.target.subject or ""
    expand = "&".join(f"expand[]={name}" for name in EXPANDED)
    answer = await _get(ask, f"/api/models/{quote(asked, safe='/')}?{expand}")
    return _refused(answer, MODEL_ROWS) or _noticed(read_model(answer, asked), answer)


async def _quota(ask: Ask) -> Finding:
    start = ask.now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    begin = int(start.timestamp())
    end = max(int(ask.now.timestamp()), begin + 1)
    path = f"/api/settings/billing/usage-v2?startDate={begin}&endDate={end}"
    answer = await _get(ask, path)
    return _refused(answer, QUOTA_ROWS) or _noticed(read_quota(answer, ask.now), answer)


async def _status(ask: Ask) -> Finding:
    url = address(ask.account, SPEC, "/index.json", url="status_url")
    request = Request("GET", url, headers={"Accept": "application/json"}, cap=PAGE_CAP)
    answer = await ask.send(request)  # without the token: the page is another company's
    return _refused(answer, TOKEN_ROWS[-2:]) or read_status(answer)


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
    served = _noticed(Finding(Cause.OK, "the model answers"), answer)
    if 200 <= answer.status < 300 and answer.headers.get("content-type", "").startswith(_MEDIA):
        return served
    return _refused(answer, ROUTER_ROWS) or served


PROVIDER = Provider(SPEC, probe)
