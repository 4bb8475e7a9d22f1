"""A message in Alertmanager's shape of an alert: its labels are its identity for life."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from monitor.core.message import Message

VALUE = 8_000  # characters of one label or annotation


def labels_of(message: Message) -> dict[str, str]:
    """Those of the opening, in a fixed order."""
    return _values(message.labels)


def annotations_of(message: Message) -> dict[str, str]:
    """What is true now."""
    return _values(message.annotations)


def _values(words: Mapping[str, str]) -> dict[str, str]:
    """Label values may be long and may hold lines, but not without end, and no half characters."""
    return {
        name: words[name][:VALUE].encode("utf-8", "replace").decode() for name in sorted(words)
    }


def rfc3339(at: datetime) -> str:
    """`2026-11-20T10:31:28Z`, with milliseconds where there are some."""
    whole = at.astimezone(UTC)
    spec = "milliseconds" if whole.microsecond else "seconds"
    return whole.isoformat(timespec=spec).replace("+00:00", "Z")
