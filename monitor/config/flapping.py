"""From when on an alert flaps."""

from __future__ import annotations

from monitor.config.blocks import FlappingBlock
from monitor.config.context import Context
from monitor.core.flapping import Damping

REMEMBERED = 6 * 86400.0  # seconds: what is over is forgotten a day later
WHY = "must be at most 6d: what is over is remembered for 7 days"


def read_flapping(context: Context, block: FlappingBlock | None) -> Damping | None:
    """The `flapping:` block; None where it is switched off."""
    usual = Damping()
    if block is None:
        return usual
    within = usual.within if block.within is None else block.within
    if within > REMEMBERED:
        context.fault(("flapping", "within"), WHY)
    return None if block.enabled is False else Damping(block.more_than or usual.more_than, within)
