"""Quotas that no API tells, and the Prometheus that may know what is used of them."""

from __future__ import annotations

import re
from datetime import UTC, time
from decimal import Decimal

from monitor.config.addresses import host_of, is_loopback
from monitor.config.blocks import AccountBlock, PrometheusBlock, QuotaBlock
from monitor.config.context import Context
from monitor.config.faults import PathTuple
from monitor.config.secrets import resolve_secret
from monitor.core.model import Check, Target
from monitor.core.reports import RESERVED
from monitor.core.settings import Interval, PrometheusSettings, TargetSettings
from monitor.core.windows import DeclaredQuota, Per

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_UNIT = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
_EVERY = Interval(60.0, 60.0)  # nobody is asked but, with a query, a Prometheus nearby
_TIMEOUT = 15.0
_REQUIRED = {
    "name": "is missing",
    "limit": "is missing: how much of it in one window",
    "per": "is missing: minute, hour, day, week or month",
}


def read_quotas(context: Context, at: PathTuple, block: AccountBlock) -> tuple[DeclaredQuota, ...]:
    """The sound ones of `quotas:`, every fault of the others noted."""
    here: PathTuple = (*at, "quotas")
    written = context.document.get(*here)
    items = written if isinstance(written, list) else []
    places: list[PathTuple] = [(*here, i) for i, one in enumerate(items) if isinstance(one, dict)]
    found: dict[str, DeclaredQuota] = {}
    for place, one in zip(places, block.quotas or [], strict=False):
        quota = _quota(context, place, one)
        if quota is not None and quota.name in found:
            context.fault((*place, "name"), "another quota of this account has this name")
        elif quota is not None:
            found[quota.name] = quota
    return tuple(found.values())


def _quota(context: Context, at: PathTuple, block: QuotaBlock) -> DeclaredQuota | None:
    for name, message in _REQUIRED.items():
        if getattr(block, name) is None:
            context.missing(at, name, message)
    _check_words(context, at, block)
    _check_reset(context, at, block)
    if block.query is not None and not context.written(("prometheus", "url")):
        words = "there is nobody to ask: `prometheus: {url: ...}` is missing at the top"
        context.fault((*at, "query"), words)
    if block.name is None or block.limit is None or block.per is None:
        return None
    return DeclaredQuota(
        name=block.name,
        limit=block.limit,
        per=Per(block.per),
        unit=block.unit or "calls",
        resets_at=block.resets_at or time(0),
        timezone=block.timezone or UTC,
        query=block.query,
    )


def _check_words(context: Context, at: PathTuple, block: QuotaBlock) -> None:
    if block.name is not None and not _NAME.fullmatch(block.name):
        context.fault((*at, "name"), "the name of a quota is [A-Za-z0-9._-]+")
    if block.unit is not None and not _UNIT.fullmatch(block.unit):
        context.fault((*at, "unit"), "a unit is one word, such as calls or images")
    elif block.unit in RESERVED:
        context.fault((*at, "unit"), f"{block.unit} has another meaning in a report")


def _check_reset(context: Context, at: PathTuple, block: QuotaBlock) -> None:
    """Minutes and hours begin everywhere at once."""
    if block.per not in (Per.MINUTE.value, Per.HOUR.value):
        return
    for name in ("resets_at", "timezone"):
        if getattr(block, name) is not None:
            words = f"has no effect on a quota per {block.per}: it resets with every {block.per}"
            context.fault((*at, name), words)


def with_quota(
    account: str,
    provider: str,
    targets: tuple[TargetSettings, ...],
    quotas: tuple[DeclaredQuota, ...],
) -> tuple[TargetSettings, ...]:
    """`ACCOUNT/quota` for what is declared, where the provider is not asked for its own."""
    if not quotas or any(t.target.check is Check.QUOTA for t in targets):
        return targets
    own = TargetSettings(Target(account, provider, Check.QUOTA), _EVERY, _TIMEOUT, asked=False)
    return (*targets, own)


def read_prometheus(context: Context, block: PrometheusBlock | None) -> PrometheusSettings | None:
    """The `prometheus:` block. Over http:// a token would be readable on its way."""
    if block is None:
        return None
    at: PathTuple = ("prometheus",)
    token = resolve_secret(context, (*at, "token"), given=block.token, file=block.token_file)
    if block.url is None:
        context.missing(at, "url")
        return None
    if token and block.url.startswith("http://") and not is_loopback(host_of(block.url)):
        words = "http:// would send the token in the clear: use https://, or a loopback address"
        context.fault((*at, "url"), words)
    return PrometheusSettings(block.url, token)


def dumped(quota: DeclaredQuota) -> dict[str, object]:
    """A quota as a config says it."""
    found: dict[str, object] = {"name": quota.name, "limit": _number(quota.limit)}
    found |= {"per": quota.per.value, "unit": quota.unit}
    if quota.per not in (Per.MINUTE, Per.HOUR):
        found |= {"resets_at": f"{quota.resets_at:%H:%M}", "timezone": str(quota.timezone)}
    return found | ({"query": quota.query} if quota.query is not None else {})


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
