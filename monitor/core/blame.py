"""Who is to blame when probes fail: our own network, the provider, or only this target.

After three failures the first that fits is told: monitor-offline, provider-down, rate-limited,
balance-unreadable. What answered since the failures began is evidence to the contrary.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from operator import itemgetter

from monitor.core.causes import Cause
from monitor.core.model import Check
from monitor.core.view import View

LASTING = 3  # failures in a row before anybody is blamed
_NETWORK = frozenset({Cause.NETWORK_OFFLINE, Cause.PROVIDER_UNREACHABLE, Cause.TIMED_OUT})
_PROVIDER = frozenset(
    {
        Cause.TIMED_OUT,
        Cause.PROVIDER_MAINTENANCE,
        Cause.PROVIDER_ERROR,
        Cause.PROVIDER_UNREACHABLE,
        Cause.TLS_INVALID,
    }
)
_UNREADABLE = frozenset({Cause.ANSWER_MALFORMED, Cause.ENDPOINT_RETIRED})


def failing_since(view: View) -> datetime | None:
    """When the present run of failures began; None: it is not failing.

    That is when its first probe was begun: what answered between the last one that read and that
    one says nothing of it. Where an earlier version saw it, which did not keep it, it is the
    earliest moment that can have been: probes are at most an interval and a probe's length apart,
    and none failed before the last one that read.
    """
    if not view.failures or view.reading is None:
        return None
    if view.failed_from is not None:
        return view.failed_from
    gap = view.interval + view.reading.duration
    earliest = view.reading.at - timedelta(seconds=gap * min(view.failures - 1, 1000))
    return max(earliest, view.last_success) if view.last_success else earliest


def _asked(member: View) -> Cause | None:
    """What the last probe found, if there was one that asked somebody."""
    cause = member.reading.cause if member.reading is not None else None
    return None if cause is Cause.NOT_CONFIGURED else cause


def _failing(member: View, causes: frozenset[Cause]) -> bool:
    return _asked(member) in causes


def _since(member: View, moment: datetime) -> bool:
    return member.reading is not None and member.reading.at > moment


def answered(member: View) -> bool:
    """Whether the last probe got any answer at all: then the network carries."""
    cause = _asked(member)
    return cause is not None and cause not in _NETWORK


def offline_member(network: View | None) -> View | None:
    """The member whose failures show that we are offline; None: that does not fit.

    Its failures last, nobody answered since they began, and another provider (or the canary)
    fails the same way, unless the system itself says that there is no network.
    """
    members = network.members if network is not None else ()
    lasting = [m for m in members if m.failures >= LASTING and _failing(m, _NETWORK)]
    runs = [(began, m) for m in lasting if (began := failing_since(m)) is not None]
    if not runs:
        return None
    began, youngest = max(runs, key=itemgetter(0))
    if any(answered(m) and _since(m, began) for m in members):
        return None
    providers = {m.provider for m in members if _failing(m, _NETWORK) and _since(m, began)}
    said = any(_asked(m) is Cause.NETWORK_OFFLINE for m in lasting)
    return youngest if said or len(providers) > 1 else None


def blames_provider(view: View) -> bool:
    """Whether the last probe failed in a way that is the provider's.

    What a balance's own address answers wrongly is balance-unreadable's.
    """
    unreadable = frozenset() if view.check is Check.BALANCE else _UNREADABLE
    return _failing(view, _PROVIDER | unreadable)


def down_member(provider: View | None, network: View | None) -> View | None:
    """The member whose failures show that the provider is down; None: that does not fit.

    A status page, on a host of its own, neither blames nor clears.
    """
    if provider is None or offline_member(network) is not None:
        return None
    members = [m for m in provider.members if m.check is not Check.STATUS]
    for member in members:
        began = failing_since(member)
        if began is None or member.failures < LASTING or not blames_provider(member):
            continue
        if not any(m.reading and m.reading.read and _since(m, began) for m in members):
            return member
    return None
