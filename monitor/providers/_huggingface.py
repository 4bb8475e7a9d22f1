"""What the answers of Hugging Face say, once nothing was refused. Pure; all raise Malformed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from monitor.answers import (
    Malformed,
    clean,
    flag,
    mapping,
    moment,
    number,
    plain,
    read_json,
    shape,
    text,
)
from monitor.core.causes import Cause
from monitor.core.model import Finding, Quota
from monitor.http import Answer

INFERENCE = "inference.serverless.write"  # the fine-grained permission to call Inference Providers
# What the mapping of a model says, the best first: (a provider's status, cause, words about the
# providers that have it). The first status that anybody has decides.
SERVED = (
    ("live", Cause.OK, "served by {}"),
    ("error", Cause.MODEL_DEGRADED, "the health check of {} fails: calls may fail"),
    ("staging", Cause.MODEL_NOT_SERVED, "no provider serves the model: {} only tests it"),
)
# aggregate_state of the status page, a Better Stack one.
STATES = {
    "operational": Cause.OK,
    "degraded": Cause.PROVIDER_ERROR,
    "downtime": Cause.PROVIDER_ERROR,
    "maintenance": Cause.PROVIDER_MAINTENANCE,
}
# Each call books 0.01 USD until it is settled, minutes later: with less left, 402 is the truth.
PLACEHOLDER = Decimal("0.01")
SETTLED = 600.0  # seconds until the calls in flight are settled and counted


def read_key(answer: Answer, now: datetime, *, inference_needed: bool = False) -> Finding:
    """What whoami says of the token; never who it is. Raises Malformed."""
    body = mapping(read_json(answer))
    if not any(isinstance(body.get(name), str) for name in ("type", "name")):
        raise Malformed("the answer does not say whose token it is", evidence=shape(body))
    auth = mapping(body.get("auth") or {}, "auth")
    token = mapping(auth.get("accessToken") or {}, "auth.accessToken")
    expires = moment(auth.get("expiresAt"))
    facts = dict(_key_facts(body, token, expires))
    if expires is not None and expires <= now:
        return Finding(Cause.KEY_EXPIRED, "the token has expired", facts=facts)
    if token.get("role") == "fineGrained" and INFERENCE not in set(_permissions(token)):
        cause = Cause.KEY_LACKS_PERMISSION if inference_needed else Cause.OK
        words = f"the token is valid but lacks {INFERENCE}: it cannot call models"
        return Finding(cause, words, facts=facts, warning=True)
    words = "the token is valid"
    soon = expires is not None and bool(token) and expires - now < timedelta(days=7)
    if expires is not None:
        words += f" until {expires:%Y-%m-%d %H:%M} UTC"
    return Finding(Cause.OK, words, facts=facts, warning=soon)


def _key_facts(
    body: Mapping[str, object], token: Mapping[str, object], expires: datetime | None
) -> Iterator[tuple[str, str]]:
    if isinstance(role := token.get("role"), str):
        yield "role", clean(role, 40)
    if isinstance(pro := body.get("isPro"), bool):
        yield "plan", "pro" if pro else "free"
    if expires is not None:
        yield "expires", expires.isoformat()


def _permissions(token: Mapping[str, object]) -> Iterator[str]:
    """What a fine-grained token may do, anywhere: the permission has been seen in both places."""
    fine = mapping(token.get("fineGrained") or {}, "fineGrained")
    yield from _texts(fine.get("global"))
    scoped = fine.get("scoped")
    for scope in scoped if isinstance(scoped, list) else []:
        yield from _texts(mapping(scope, "scoped").get("permissions"))


def _texts(value: object) -> list[str]:
    return [x for x in value if isinstance(x, str)] if isinstance(value, list) else []


def read_model(answer: Answer, asked: str) -> Finding:
    """Whether somebody serves the model now. Raises Malformed."""
    body = mapping(read_json(answer))
    if not body.keys() & {"id", "_id", "modelId", "inference", "inferenceProviderMapping"}:
        raise Malformed("the answer is not about a model", evidence=shape(body))
    name = text(body.get("id", asked), "id")
    if flag(body.get("disabled"), "disabled"):
        return Finding(Cause.MODEL_RETIRED, "the model has been disabled")
    finding = _served(body)
    if name.lower() == asked.lower():
        return finding
    facts = {**finding.facts, "moved_to": name}
    # A redirect may drop what was asked for: only what the answer does say counts.
    silent = not body.keys() & {"inference", "inferenceProviderMapping"}
    if finding.cause is Cause.OK or silent:
        return Finding(Cause.MODEL_MOVED, f"the model is now called {name}", facts=facts)
    return replace(finding, summary=f"now called {name}: {finding.summary}", facts=facts)


def _served(body: Mapping[str, object]) -> Finding:
    stated = tuple(_mapping_entries(body.get("inferenceProviderMapping")))
    facts = dict(_model_facts(body, stated))
    known = {status for status, _, _ in SERVED}
    odd = any(entry.status not in known for entry in stated)
    for status, cause, words in SERVED:
        if odd and cause is Cause.MODEL_NOT_SERVED:  # the odd one may be serving it
            break
        names = sorted(entry.provider for entry in stated if entry.status == status)
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            said = words.format(", ".join(names[:3]) + more)
            other = f" as {facts['served_as']}" if "served_as" in facts else ""
            return Finding(cause, said + other, facts=facts)
    if odd:
        raise Malformed("a provider has a status that nobody documents", evidence=shape(body, 5))
    inference = body.get("inference")
    if inference == "warm":
        return Finding(Cause.OK, "served by at least one provider", facts=facts)
    # Warm or nothing: another word is none that says whether the model is served.
    if inference is not None and body.get("inferenceProviderMapping") is None:
        raise Malformed("`inference` says what nobody documents", evidence=shape(body))
    return Finding(Cause.MODEL_NOT_SERVED, "no provider serves the model", facts=facts)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One provider of a model's mapping."""

    provider: str
    status: str
    task: str


def _model_facts(
    body: Mapping[str, object], stated: tuple[_Entry, ...]
) -> Iterator[tuple[str, str]]:
    """`served_as` where providers serve another task than the model's own: calls differ."""
    live = [entry for entry in stated if entry.status == "live"]
    task = body.get("pipeline_tag")
    if isinstance(task, str):
        yield "task", clean(task, 60)
    if isinstance(gated := body.get("gated"), str):
        yield "gated", clean(gated, 20)
    if live:
        yield "providers", ", ".join(sorted(entry.provider for entry in live))
    served = {entry.task for entry in live if entry.task}
    if isinstance(task, str) and served and clean(task, 60) not in served:
        yield "served_as", ", ".join(sorted(served))


def _mapping_entries(value: object) -> Iterator[_Entry]:
    """From the object of one model's answer, or the list of the others. Raises Malformed."""
    what = "inferenceProviderMapping"
    if isinstance(value, list):
        entries = [(text(mapping(x, what).get("provider"), what), x) for x in value]
    else:
        entries = list(mapping(value if value is not None else {}, what).items())
    for name, said in entries:
        entry = mapping(said, what)
        task = entry.get("task")
        yield _Entry(
            clean(name, 40),
            text(entry.get("status"), f"{what}.status"),
            clean(task, 60) if isinstance(task, str) else "",
        )


@dataclass(frozen=True, slots=True)
class Usage:
    """What is used of this month's Inference Providers allowance, in USD."""

    used: Decimal
    limit: Decimal | None  # calls beyond are refused; None: there is none
    included: Decimal | None  # free of charge; None: nothing is
    resets: datetime

    @property
    def left(self) -> Decimal | None:
        """What is surely left, for whoever has bought nothing; None: cannot be known."""
        if self.included is None:
            return None
        return min(self.included, self.limit or self.included) - self.used


def read_usage(answer: Answer, now: datetime) -> Usage:
    """What usage-v2 says of this month. Raises Malformed."""
    body = mapping(read_json(answer))
    usage = body.get("usage")
    within = usage if isinstance(usage, dict) and "inferenceProviders" in usage else body
    billed = mapping(within.get("inferenceProviders"), "inferenceProviders")
    limit, included = (_positive(billed, n) for n in ("limitNanoUsd", "includedNanoUsd"))
    ends = moment(billed.get("periodEnd"))
    resets = ends if ends is not None and ends > now else _next_month(now)
    return Usage(_usd(billed, "usedNanoUsd"), limit, included, resets)


def read_quota(answer: Answer, now: datetime) -> Finding:
    """What is used of this month's Inference Providers allowance, in USD. Raises Malformed."""
    usage = read_usage(answer, now)
    used, limit, resets = usage.used, usage.limit, usage.resets
    quota = Quota("inference-providers", used, limit, "USD", resets)
    if limit is not None:
        words = f"{plain(used)} of {plain(limit)} USD used, until {resets:%Y-%m-%d}"
        cause = Cause.QUOTA_EXHAUSTED if used >= limit else Cause.OK
        return Finding(cause, words, quotas=(quota,))
    # No limit is set: what is beyond the included credits is billed, not refused.
    words = f"{plain(used)} USD used, no limit"
    if usage.included is not None:
        words = f"{plain(used)} USD used, no limit; {plain(usage.included)} of it is included"
    return Finding(Cause.OK, words, quotas=(quota,))


def confirmed(refused: Finding, usage: Usage | None) -> Finding:
    """The router's 402 beside what the account says is used.

    With about ten calls in flight it comes for minutes though there is money: that is no empty
    account. Where the account says nothing, the router's word stands.
    """
    if usage is None or usage.left is None:
        return replace(refused, summary=f"{refused.summary}; the account's usage does not say")
    if usage.left < PLACEHOLDER:
        return refused
    words = (
        f"the router says 402, but {plain(usage.left)} USD of the included credits are left: "
        "calls not settled yet count as spent, ask again in 10 minutes"
    )
    return replace(refused, cause=Cause.RATE_LIMITED, summary=words, retry_after=SETTLED)


def _positive(billed: Mapping[str, object], name: str) -> Decimal | None:
    """Absent, null and 0 are none; anything else that is no number is malformed."""
    amount = _usd(billed, name) if billed.get(name) is not None else Decimal(0)
    return amount if amount > 0 else None


def _usd(billed: Mapping[str, object], name: str) -> Decimal:
    nano = number(billed.get(name), name)
    if nano < 0:
        raise Malformed(f"{name} is negative", evidence=shape(billed))
    return nano / 10**9


def _next_month(now: datetime) -> datetime:
    year, month = (now.year, now.month + 1) if now.month < 12 else (now.year + 1, 1)
    return datetime(year, month, 1, tzinfo=UTC)


def read_status(answer: Answer) -> Finding:
    """What the status page says of the whole. Raises Malformed."""
    body = mapping(read_json(answer))
    page = mapping(mapping(body.get("data"), "data").get("attributes"), "attributes")
    state = text(page.get("aggregate_state"), "aggregate_state")
    cause = STATES.get(state)
    if cause is None:
        raise Malformed("the status page tells a state nobody documents", evidence=shape(page))
    reports = ", ".join(_reports(body.get("included")))
    facts = {"state": state} | ({"reports": clean(reports, 300)} if reports else {})
    return Finding(cause, f"{state}: {reports}" if reports else state, facts=facts)


def _reports(included: object) -> Iterator[str]:
    """Titles of the reports that stand; a resolved one may lack its end."""
    for item in included if isinstance(included, list) else []:
        if isinstance(item, dict) and item.get("type") == "status_report":
            report = mapping(item.get("attributes"), "attributes")
            if not report.get("ends_at") and report.get("aggregate_state") != "resolved":
                yield text(report.get("title"), "title")
