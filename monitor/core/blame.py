"""Who is to blame when probes fail: our own network, the provider, or only this target.

After three failures the first that fits is told: monitor-offline, provider-down, rate-limited,
balance-unreadable. What answered since the failures began is evidence to the contrary.
"""

from __future__ import annotations

from datetime import datetime, timedelta

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


def answered(member: View) -> bool:
    """Whether the last probe got any answer at all: then the network carries."""
    cause = _asked(member)
    return cause is not None and cause not in _NETWORK


def unreached(member: View) -> bool:
    """Whether the last probe found nobody there: it may be us."""
    return _failing(member, _NETWORK)


def blames_provider(view: View) -> bool:
    """Whether the last probe failed in a way that is the provider's.

    What a balance's own address answers wrongly is balance-unreadable's.
    """
    unreadable = frozenset() if view.check is Check.BALANCE else _UNREADABLE
    return _failing(view, _PROVIDER | unreadable)


def lasting(view: View) -> bool:
    """Whether a target, or one of its members, has failed so often that somebody is blamed."""
    return view.evidence.lasting or any(v.failures >= LASTING for v in (view, *view.members))


def offline_member(network: View | None) -> View | None:
    """The member whose failures show that we are offline; None: that does not fit."""
    return network.evidence.blamed if network is not None else None


def down_member(provider: View | None, network: View | None) -> View | None:
    """The member whose failures show that the provider is down; None: that does not fit."""
    if provider is None or offline_member(network) is not None:
        return None
    return provider.evidence.blamed
