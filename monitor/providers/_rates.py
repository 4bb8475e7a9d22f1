"""Rate limits as some vendors tell them in the headers of an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from monitor.answers import LIMIT, moment
from monitor.core.model import Quota

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h)")


def openai_rates(headers: Mapping[str, str], now: datetime) -> tuple[Quota, ...]:
    """`x-ratelimit-limit-requests` and its like; the resets are durations such as `6m0s`."""
    names = {"requests": "requests", "tokens": "tokens"}
    return tuple(_quotas(headers, "x-ratelimit-{what}-{name}", names, now))


def anthropic_rates(headers: Mapping[str, str], now: datetime) -> tuple[Quota, ...]:
    """`anthropic-ratelimit-requests-limit` and its like; the resets are times."""
    names = {
        "requests": "requests", "tokens": "tokens", "input-tokens": "tokens",
        "output-tokens": "tokens",
    }  # fmt: skip
    return tuple(_quotas(headers, "anthropic-ratelimit-{name}-{what}", names, now))


def _quotas(
    headers: Mapping[str, str], form: str, names: Mapping[str, str], now: datetime
) -> Iterator[Quota]:
    """Those of which limit and rest are told; what cannot be read is left out."""
    for name, unit in names.items():
        said = {w: headers.get(form.format(what=w, name=name), "") for w in _TOLD}
        limit, left = (_count(said[w]) for w in ("limit", "remaining"))
        if limit is not None and left is not None and left <= limit and limit > 0:
            resets = moment(said["reset"]) or _after(said["reset"], now)
            yield Quota(f"{name}-rate", limit - left, limit, unit, resets)


_TOLD = ("limit", "remaining", "reset")


def _count(said: str) -> Decimal | None:
    """A whole number; some vendors write -1 for one they do not have."""
    found = Decimal(said) if re.fullmatch("[0-9]{1,15}", said) else None
    return found if found is not None and found < LIMIT else None


def _after(said: str, now: datetime) -> datetime | None:
    """`now` and a duration as Go writes it: `12ms`, `1s`, `6m0s`, `1h2m3s`."""
    parts = _PART.findall(said)
    if not parts or "".join(n + unit for n, unit in parts) != said:
        return None
    seconds = sum(float(n) * _SECONDS[unit] for n, unit in parts)
    return now + timedelta(seconds=seconds) if seconds < 10**7 else None
