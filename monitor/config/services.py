"""Services: what customers see, as a combination of targets."""

from __future__ import annotations

import re

from monitor.config.blocks import ServiceBlock
from monitor.config.context import Context
from monitor.config.faults import PathTuple
from monitor.config.references import Targets
from monitor.core.settings import Service

NAME = re.compile(r"[A-Za-z0-9._-]+")


def read_services(
    context: Context, blocks: dict[str, ServiceBlock], targets: Targets
) -> tuple[Service, ...]:
    """Every service with its globs resolved; one of disabled accounts only is left out."""
    found = (_service(context, name, block, targets) for name, block in blocks.items())
    return tuple(service for service in found if service.needs or service.any_of)


def _service(context: Context, name: str, block: ServiceBlock, targets: Targets) -> Service:
    at = ("services", name)
    if not NAME.fullmatch(name):
        context.fault(at, "the name of a service is [A-Za-z0-9._-]+", at_key=True)
    if not context.written((*at, "needs"), (*at, "any")):
        context.missing(at, "needs", "is missing: name targets with needs or any")
    return Service(
        name,
        needs=_resolved(context, (*at, "needs"), block.needs, targets),
        any_of=_resolved(context, (*at, "any"), block.any_of, targets),
        tell_customers=(block.tell_customers or "").strip(),
    )


def _resolved(
    context: Context, at: PathTuple, patterns: list[str] | None, targets: Targets
) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for path, pattern in context.items(at, patterns or []):
        found |= dict.fromkeys(targets.resolve(context, path, pattern, derived=False))
    return tuple(found)
