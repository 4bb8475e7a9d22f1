"""What the Hub's headers say beside the answer: its rate limits, its notices. Pure.

The IETF's draft 09, on every answer: `RateLimit: "api";r=489;t=189` (left, seconds to the reset)
and `RateLimit-Policy: "fixed window";"api";q=500;w=300` (the whole, the window's seconds).
Source: https://huggingface.co/docs/hub/rate-limits and huggingface_hub utils/_http.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from monitor.answers import clean
from monitor.core.model import Finding, Quota
from monitor.edge import retry_after
from monitor.http import Answer

LONGEST = 3600  # seconds: a wrong header must not silence a target for days
BACK_OFF = 300.0  # seconds: whoami's own limiter names none, and wants minutes
# What the Hub counts apart; a name that is none of these makes no series.
COUNTED = frozenset({"api", "resolvers", "pages", "media", "search", "sensitive"})
_LEFT = re.compile(r'"([a-z]+)"\s*;\s*r\s*=\s*([0-9]{1,9})\s*;\s*t\s*=\s*([0-9]{1,6})(?![0-9])')
_WHOLE = re.compile(r'"([a-z]+)"\s*;\s*q\s*=\s*([0-9]{1,9})(?![0-9])')


def stay_away(answer: Answer) -> float:
    """Seconds to stay away after a 429.

    The header counts only where its remainder is 0: it is sent with every answer, and whoami is
    refused by a stricter limit that it does not speak of.
    """
    spent = [seconds for _, left, seconds in _told(answer) if left == 0]
    if spent:
        return float(min(max(spent), LONGEST))
    return retry_after(answer, default=BACK_OFF) or 0.0


def rate_quotas(answer: Answer, now: datetime) -> tuple[Quota, ...]:
    """`api requests` and the like: what is used of each window.

    Nothing where an answer does not tell how large the window is.
    """
    policy = answer.headers.get("ratelimit-policy", "")
    whole = {name: int(figure) for name, figure in _WHOLE.findall(policy)}
    return tuple(
        Quota(f"{name} requests", Decimal(whole[name] - left), Decimal(whole[name]), "requests",
              now + timedelta(seconds=min(seconds, LONGEST)))
        for name, left, seconds in {told[0]: told for told in _told(answer)}.values()
        if name in COUNTED and left <= whole.get(name, -1)
    )  # fmt: skip


def _told(answer: Answer) -> Iterator[tuple[str, int, int]]:
    """(name, left, seconds to the reset) of each window."""
    for name, left, seconds in _LEFT.findall(answer.headers.get("ratelimit", "")):
        yield name, int(left), int(seconds)


def noticed(finding: Finding, answer: Answer) -> Finding:
    """With the Hub's own notices, such as a deprecation, among the facts."""
    notices = clean(answer.headers.get("x-hf-warning", ""), 300)
    return replace(finding, facts={**finding.facts, "notices": notices}) if notices else finding
