"""The page that may be shown to customers: services and their words, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.core.model import ServiceState, ServiceStatus

SHAPES = {
    ServiceStatus.UP: "●",
    ServiceStatus.DEGRADED: "▲",
    ServiceStatus.DOWN: "■",
    ServiceStatus.UNKNOWN: "?",
}
_WHOLE = {
    ServiceStatus.UP: "Everything is up.",
    ServiceStatus.DEGRADED: "Some services are degraded.",
    ServiceStatus.DOWN: "Some services are down.",
    ServiceStatus.UNKNOWN: "Some services have not been checked yet.",
}
_BADNESS = (
    ServiceStatus.UP,
    ServiceStatus.UNKNOWN,
    ServiceStatus.DEGRADED,
    ServiceStatus.DOWN,
)


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """One service as text, shape and colour."""

    service: str
    status: str
    shape: str
    words: str
    badness: int


@dataclass(frozen=True, slots=True)
class ServicesPage:
    """What customers see."""

    at: datetime
    status: str
    shape: str
    headline: str
    services: tuple[ServiceLine, ...]


def lines(services: Sequence[ServiceState]) -> tuple[ServiceLine, ...]:
    """Every service, in the config's order; its words stand while it is degraded or down."""
    return tuple(
        ServiceLine(
            service=s.service,
            status=s.status.value,
            shape=SHAPES[s.status],
            words=s.tell_customers,
            badness=_BADNESS.index(s.status),
        )
        for s in services
    )


def services_page(services: Sequence[ServiceState], at: datetime) -> ServicesPage:
    """The customers' page."""
    statuses = [s.status for s in services]
    worst = max(statuses, key=_BADNESS.index, default=ServiceStatus.UNKNOWN)
    headline = _WHOLE[worst] if services else "There are no services to show."
    return ServicesPage(at, worst.value, SHAPES[worst], headline, lines(services))
