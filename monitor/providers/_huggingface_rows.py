"""What each error of Hugging Face means: one table per question, read from above.

A row is: HTTP status, words in the body or in the X-Error-* headers, cause, sentence. The first
that fits says what an answer means; what fits none is the provider's error.
410 never means quota here: it is a retired model or a retired host; 402 is money.
Sources: https://huggingface.co/docs/hub/rate-limits, /docs/inference-providers/pricing, the
huggingface_hub client, and answers recorded up to 2026.
"""

from __future__ import annotations

from collections.abc import Mapping

from monitor.answers import Row
from monitor.core.causes import Cause
from monitor.core.model import Check

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
# What a payload that is refused is told: the model itself, or its provider, has looked at it.
PAYLOAD = (
    r"\b(inputs?|prompts?|payload|parameters?)\b|fields? (is )?required|validation.?error"
    r"|value_error|type_error|unprocessable entity|valid (string|list|dictionary|number|integer)"
)
ROUTER_ROWS = (
    Row(410, "deprecated.*provider", Cause.MODEL_RETIRED, "hf-inference has retired the model"),
    *HOST_ROWS,
    Row(400, "not supported by (any )?provider|model_not_supported", Cause.MODEL_NOT_SERVED,
        "hf-inference does not serve the model"),
    Row(400, PAYLOAD, Cause.OK, "the model is reached"),
    Row(402, "spending limit", Cause.QUOTA_EXHAUSTED,
        "the spending limit set at Hugging Face is reached"),
    Row(402, "", Cause.CREDITS_EXHAUSTED,
        "the included credits are used up, and no others are left"),
    Row(403, "sufficient permissions", Cause.KEY_LACKS_PERMISSION,
        "the token may not call Inference Providers: it lacks inference.serverless.write"),
    Row(404, "", Cause.MODEL_MISSING, "the router does not know the model"),
    Row(410, "", Cause.MODEL_RETIRED, "the model has been retired"),
    Row(422, PAYLOAD, Cause.OK, "the model is reached"),
    Row(503, "loading", Cause.MODEL_LOADING, "the model is being loaded"),
    *TOKEN_ROWS,
    Row(403, ".", Cause.KEY_LACKS_PERMISSION, "the token may not call the model"),
)  # fmt: skip
# The status page, on a host of its own: without a token, so only load and faults count.
STATUS_ROWS = TOKEN_ROWS[-2:]
# An error has been seen with HTTP 200, from an edge that answers for the Hub.
SPOKEN_ROWS = (
    Row(200, "rate limit", Cause.RATE_LIMITED, "Hugging Face was asked too often"),
    Row(200, "is expired", Cause.KEY_EXPIRED, "the token has expired"),
    Row(200, "invalid credentials|invalid username or password", Cause.KEY_REJECTED,
        "Hugging Face rejects the token"),
    Row(200, "", Cause.PROVIDER_ERROR, "Hugging Face answers with an error"),
)  # fmt: skip
# Which table reads what is refused on which check.
TABLES: Mapping[Check, tuple[Row, ...]] = {
    Check.KEY: KEY_ROWS,
    Check.MODEL: MODEL_ROWS,
    Check.QUOTA: QUOTA_ROWS,
    Check.STATUS: STATUS_ROWS,
    Check.INFERENCE: ROUTER_ROWS,
}
