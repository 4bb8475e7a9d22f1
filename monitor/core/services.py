"""From targets to what customers see of a service.

| `any`, in the order the product tries them | the service is |
|---|---|
| the first is usable | up |
| the first is unusable, another is usable | degraded: a fallback serves |
| the first was not read, another is usable | up: customers are served |
| none is usable, one was not read | unknown |
| all are unusable | down |

One of `needs` unusable is down, else one not read is unknown. Both together: the worst of the
two, where degraded, which is known, is worse than unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from monitor.core.causes import Standing
from monitor.core.model import ServiceState, ServiceStatus
from monitor.core.settings import Service
from monitor.core.view import View

_ORDER: Final = (
    ServiceStatus.UP,
    ServiceStatus.UNKNOWN,
    ServiceStatus.DEGRADED,
    ServiceStatus.DOWN,
)


def standing(view: View | None) -> Standing:
    """What a target is to a service: with a bad key nothing can be had from it."""
    if view is None:
        return Standing.NOT_READ
    return Standing.UNUSABLE if view.key_cause is not None else view.standing


def _needs(found: list[Standing]) -> ServiceStatus:
    if Standing.UNUSABLE in found:
        return ServiceStatus.DOWN
    return ServiceStatus.UNKNOWN if Standing.NOT_READ in found else ServiceStatus.UP


def _any(found: list[Standing]) -> ServiceStatus:
    if Standing.USABLE in found:
        fallback = found[0] is Standing.UNUSABLE
        return ServiceStatus.DEGRADED if fallback else ServiceStatus.UP
    return ServiceStatus.UNKNOWN if Standing.NOT_READ in found else ServiceStatus.DOWN


def _status(service: Service, look: Callable[[str], View | None]) -> ServiceStatus:
    parts = []
    if service.needs:
        parts.append(_needs([standing(look(name)) for name in service.needs]))
    if service.any_of:
        parts.append(_any([standing(look(name)) for name in service.any_of]))
    return max(parts, key=_ORDER.index, default=ServiceStatus.UNKNOWN)


def default_words(service: str, status: ServiceStatus) -> str:
    """What customers may be told where the config says nothing: no money, no provider."""
    name = service.replace("-", " ").replace("_", " ").replace(".", " ")
    if status is ServiceStatus.DEGRADED:
        return f"{name.capitalize()} may be slower than usual. Our team is on it."
    if status is ServiceStatus.DOWN:
        return f"We have a temporary issue with {name}. Our team is on it."
    return ""


def service_state(service: Service, standing_of: Callable[[str], View | None]) -> ServiceState:
    """One service as it stands. `standing_of` finds a target's view; None: there is none yet."""
    status = _status(service, standing_of)
    words = default_words(service.name, status)
    return ServiceState(service.name, status, (service.tell_customers or words) if words else "")
