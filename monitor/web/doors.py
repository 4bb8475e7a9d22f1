"""What the page is handed by the composition root: it reaches the house by nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.core.message import Runbook
from monitor.core.pattern import Pattern
from monitor.core.reports import Counted
from monitor.core.settings import Settings
from monitor.core.snapshot import Snapshot


async def _none(targets: Sequence[str]) -> Mapping[str, Pattern]:
    del targets
    return {}


async def _nobody(account: str, body: object) -> tuple[str, ...]:
    del account, body
    return ()


async def _nothing(asked: Mapping[str, str]) -> Mapping[str, object]:
    return {"error": f"cannot do {asked.get('do', '')!r}"}


@dataclass(frozen=True, slots=True)
class WebDoors:
    """Callables into the running daemon."""

    snapshot_of: Callable[[], Snapshot]
    document: Callable[[], Mapping[str, object]]  # the status document, for strict JSON
    metrics: Callable[[str], Awaitable[tuple[bytes, str]]]  # Accept to body and content type
    ready: Callable[[], bool]
    history: Callable[[str, datetime], Awaitable[Mapping[str, object] | str]]
    # of target, since when: its past for strict JSON, or why it cannot be had at present
    probe_now: Callable[[str], float | None]
    # seconds until a target may be asked for again, 0: it is being asked; None: no such target
    reload: Callable[[], Awaitable[str | None]]  # what is wrong with the config, or None
    settings_of: Callable[[], Settings]  # the present ones: the rules of access
    runbook: Callable[[str], Runbook | None] = lambda name: None  # by a cause's or rule's name
    patterns: Callable[[Sequence[str]], Awaitable[Mapping[str, Pattern]]] = _none  # by balance
    usage: Callable[[str, object], Awaitable[Counted | tuple[str, ...]]] = _nobody
    # of an account what its application reports; the known accounts where it is none. Raises Unfit
    standby: Callable[[], str] = lambda: ""  # another daemon leads: who; else empty
    act: Callable[[Mapping[str, str]], Awaitable[Mapping[str, object]]] = _nothing
    # what the command line asks of the daemon as well: silence, unsilence, ack
