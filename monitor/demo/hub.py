"""The words of Hugging Face: documents and errors as its APIs and recorded answers have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from monitor.demo.wire import Reply, json_reply

INVALID = "Invalid credentials in Authorization header"
ANONYMOUS = "Invalid username or password."
NANO = 1_000_000_000

# Name of a token's state: HTTP status and words of whoami, and of every other authenticated call.
REFUSED_TOKENS: Mapping[str, tuple[int, str]] = {
    "rejected": (401, INVALID),
    "expired": (401, 'User Access Token "demo" is expired'),
    "org-pending": (
        403,
        "Due to the organization token policy, your token needs to be approved by the"
        " organization before you can access this resource.",
    ),
    "org-revoked": (
        403,
        "Your token has been revoked by the organization administrator, you can no longer access"
        " organization resources. Please contact them for more information.",
    ),
}
GOOD_TOKENS = ("ok", "write", "fine-grained", "no-inference", "no-billing", "oauth")
MODEL_STATES = (
    "live", "live-as-list", "error", "staging", "none", "absent", "loading", "retired",
    "gated", "gated-no-access", "disabled", "moved", "missing",
)  # fmt: skip
PAGE_STATES = ("operational", "degraded", "downtime", "maintenance")


@dataclass(slots=True)
class Model:
    """One model as the Hub knows it; `state` is one of MODEL_STATES."""

    state: str = "live"
    provider: str = "hf-inference"
    task: str = "text-to-image"
    moved_to: str = ""


def error(status: int, words: str, *, code: str = "", **headers: str) -> Reply:
    """`{"error": words}`, the same in X-Error-Message."""
    named = {"X-Error-Message": words, **({"X-Error-Code": code} if code else {})}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    return json_reply({"error": words}, status=status, headers=named)


def too_often(limit: int, left: int, again: int, *, retry_after: int | None = None) -> Reply:
    """429. The header's remainder says whether `api` was the reason."""
    words = (
        f"We had to rate limit you, you hit the quota of {limit} api requests per 5 minutes"
        " period. Upgrade to a PRO user or Team/Enterprise organization account"
        " (https://hf.co/pricing) to get higher limits. See"
        " https://huggingface.co/docs/hub/rate-limits"
    )
    later = {} if retry_after is None else {"Retry_After": str(retry_after)}
    return error(429, words, **rate_headers(left, again), **later)


def rate_headers(left: int, again: int) -> dict[str, str]:
    """What every answer of the Hub bears: requests left, seconds until they are new."""
    return {
        "RateLimit": f'"api";r={left};t={again}',
        "RateLimit-Policy": '"fixed window";"api";q=1000;w=300',
    }


def whoami(state: str, at: datetime) -> Mapping[str, object]:
    """The 200 of whoami-v2, with the e-mail address that must go nowhere."""
    token: dict[str, object] = {"displayName": "demo", "createdAt": f"{at:%Y-%m-%dT%H:%M:%S.000Z}"}
    if state in ("ok", "write"):
        token["role"] = "read" if state == "ok" else "write"
    else:
        rights = {"inference.serverless.write", "user.billing.read"}
        rights -= {"no-inference": {"inference.serverless.write"}}.get(state, set())
        rights -= {"no-billing": {"user.billing.read"}}.get(state, set())
        token |= {"role": "fineGrained", "fineGrained": _fine_grained(sorted(rights))}
    auth: dict[str, object] = {"type": "access_token", "accessToken": token}
    if state == "oauth":
        ends = at + timedelta(hours=8)
        auth = {"type": "oauth", "expiresAt": f"{ends:%Y-%m-%dT%H:%M:%S.000Z}"}
    return {
        "type": "user", "id": "62f264b9f3c9-demo", "name": "demo", "fullname": "Demo User",
        "email": "demo-user@example.com", "emailVerified": True, "canPay": False, "isPro": False,
        "periodEnd": None, "avatarUrl": "/avatars/demo.svg", "billingMode": "postpaid",
        "orgs": [], "auth": auth,
    }  # fmt: skip


def _fine_grained(rights: list[str]) -> Mapping[str, object]:
    entity = {"_id": "62f264b9f3c9-demo", "type": "user", "name": "demo"}
    return {
        "canReadGatedRepos": True,
        "global": [r for r in rights if r.startswith("inference")],
        "scoped": [{"entity": entity, "permissions": ["repo.content.read", *rights]}],
    }


def model_document(name: str, model: Model, expand: Iterable[str]) -> Mapping[str, object]:
    """With `expand`, only `_id`, `id` and what was asked for come back."""
    everything: dict[str, object] = {
        "gated": "auto" if model.state.startswith("gated") else False,
        "disabled": model.state == "disabled",
        "private": False,
        "pipeline_tag": model.task,
        "sha": "demo",
        "lastModified": "2026-08-21T09:00:00.000Z",
    }
    if model.state in _WARM:
        everything["inference"] = "warm"
    if model.state != "absent":
        everything["inferenceProviderMapping"] = _mapping(name, model)
    wanted = set(expand)
    return {"_id": "67c35b9bb236-demo", "id": name} | {
        key: value for key, value in everything.items() if key in wanted
    }


_WARM = {"live", "live-as-list", "error", "loading", "gated", "gated-no-access"}
_STATUS = {"error": "error", "staging": "staging"}


def _mapping(name: str, model: Model) -> object:
    if model.state in ("none", "retired", "disabled"):
        return {}
    entry = {
        "status": _STATUS.get(model.state, "live"),
        "providerId": name,
        "task": model.task,
        "isModelAuthor": False,
    }
    if model.state == "live-as-list":
        return [{"provider": model.provider, **entry}]
    return {model.provider: entry}


def usage(
    used: Decimal, included: Decimal, limit: Decimal, requests: int, at: datetime
) -> Mapping[str, object]:
    """The 200 of usage-v2: nano-dollars of this calendar month."""
    start = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = (start + timedelta(days=32)).replace(day=1)
    return {
        "usage": {
            "inferenceProviders": {
                "usedNanoUsd": int(used * NANO),
                "includedNanoUsd": int(included * NANO),
                "limitNanoUsd": int(limit * NANO),
                "numRequests": requests,
                "periodStart": f"{start:%Y-%m-%dT%H:%M:%SZ}",
                "periodEnd": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            },
            "jobs": {"usedMicroUsd": 0, "totalMinutes": 0.0},
        }
    }


def status_page(state: str, components: Mapping[str, str], at: datetime) -> Mapping[str, object]:
    """index.json of the status page (Better Stack), with an old report that is over."""
    resources = [
        {
            "id": str(number),
            "type": "status_page_resource",
            "attributes": {"public_name": name, "status": said, "position": number},
        }
        for number, (name, said) in enumerate(components.items(), start=1)
    ]
    reports = [_report("90", "Hub unavailable", at - timedelta(days=40), "resolved")]
    if state != "operational":
        reports.append(_report("91", f"Hub: {state}", at, state))
    return {
        "data": {
            "id": "1",
            "type": "status_page",
            "attributes": {
                "company_name": "Hugging Face",
                "aggregate_state": state,
                "updated_at": f"{at:%Y-%m-%dT%H:%M:%S.000Z}",
            },
        },
        "included": [*resources, *reports],
    }


def _report(number: str, title: str, at: datetime, state: str) -> Mapping[str, object]:
    return {
        "id": number,
        "type": "status_report",
        "attributes": {
            "title": title,
            "report_type": "manual",
            "starts_at": f"{at:%Y-%m-%dT%H:%M:%S.000Z}",
            "ends_at": None,  # stays null on resolved ones: the trap
            "aggregate_state": state,
        },
    }
