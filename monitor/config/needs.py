"""Which parts of a config a command uses: of the others no credential need be there."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import TypeAlias

from monitor.config.faults import PathTuple
from monitor.core.settings import Settings

Parts: TypeAlias = "Set[PathTuple]"  # each with all that is in it
Needs: TypeAlias = "Callable[[Settings], Parts]"

_OF_THE_DAEMON = frozenset({"receivers", "web", "heartbeat"})


def is_needed(path: PathTuple, parts: Parts) -> bool:
    """Whether what stands at `path` is in one of `parts`."""
    return any(path[:length] in parts for length in range(1, len(path) + 1))


def of_account(name: str) -> Parts:
    """What one probe of an account uses."""
    return frozenset({("defaults",), ("accounts", name)})


def of_receiver(name: str) -> Parts:
    """What a message to a receiver uses."""
    return frozenset({("receivers", name)})


def of_probes(settings: Settings, targets: Set[str]) -> Parts:
    """What it takes to probe `targets` and to judge what was found, and to tell nobody."""
    from monitor.config.blocks import ConfigBlock
    from monitor.config.validate import known_keys

    asked = {t.target.account for t in settings.targets if t.target.name in targets}
    rest = {(key,) for key in known_keys(ConfigBlock) if key not in _OF_THE_DAEMON}
    return (rest - {("accounts",)}) | {("accounts", name) for name in asked}
