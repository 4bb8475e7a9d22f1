"""How long to wait until a target is probed again."""

from __future__ import annotations

import math

from monitor.core.causes import KEY_CAUSES, Cause
from monitor.core.model import Outlook
from monitor.core.settings import Interval

LONGEST_STAY = 3600.0  # seconds: a wrong Retry-After must not silence a target for days
_LEAST_LIMITED = 300.0  # seconds: a rate limit without a Retry-After, as its runbook says
# What asking sooner does not mend: somebody has to act, or it makes things worse.
_CALM = KEY_CAUSES | {Cause.RATE_LIMITED, Cause.NOT_KNOWABLE, Cause.NOT_CONFIGURED}
_LOOKS = 24  # probes that a cautious runway (P10) should still see before it ends


def next_delay(
    interval: Interval,
    *,
    outlook: Outlook | None = None,
    failures: int = 0,
    cause: Cause | None = None,
    retry_after: float | None = None,
) -> float:
    """Seconds to the next probe: within the interval, never sooner than the provider asked.

    A range is probed faster as the runway shortens and while something fails; without a runway
    it is probed at its longest; so it is after a `cause` that asking sooner does not mend.
    """
    delay = interval.longest
    if cause in _CALM:
        limited = cause is Cause.RATE_LIMITED and not retry_after
        if limited and interval.shortest < interval.longest:
            delay = max(delay, _LEAST_LIMITED)
    elif failures:
        delay = interval.shortest
    elif outlook is not None and outlook.p10 is not None and not math.isinf(outlook.p10):
        delay = min(max(outlook.p10 * 3600 / _LOOKS, interval.shortest), interval.longest)
    return max(delay, min(retry_after or 0.0, LONGEST_STAY))
