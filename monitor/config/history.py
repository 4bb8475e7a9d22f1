"""How long history is kept."""

from __future__ import annotations

from monitor.config.blocks import HistoryBlock
from monitor.config.context import Context
from monitor.core.durations import format_duration
from monitor.core.settings import HistorySettings

_DAY = 86400.0


def read_history(context: Context, block: HistoryBlock) -> HistorySettings:
    """The `history:` block. Alone, samples longer than the hours' default take these along."""
    usual = HistorySettings()
    samples = usual.samples if block.samples is None else block.samples
    hours = max(usual.hours, samples) if block.hours is None else block.hours
    if samples < _DAY:
        context.fault(("history", "samples"), "must be at least 1d")
    elif hours < samples:
        at_least = format_duration(samples)
        message = f"must be at least as long as samples are kept, which is {at_least}"
        context.fault(("history", "hours"), message)
    return HistorySettings(samples, hours)
