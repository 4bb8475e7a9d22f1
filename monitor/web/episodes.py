"""Incidents with what was told about them, to whom and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.core.globs import matches
from monitor.core.maintenance import is_planned, planned
from monitor.core.model import Incident, Kind, Silence, Told
from monitor.core.snapshot import Snapshot
from monitor.web.accounts import Badge
from monitor.web.entries import Entry

_TOLD = 8  # lines shown of one incident, the latest


@dataclass(frozen=True, slots=True)
class Said:
    """One notification that reached a receiver."""

    receiver: str
    kind: str
    at: datetime
    addresses: int


@dataclass(frozen=True, slots=True)
class Episode:
    """One incident as the page tells it."""

    id: str
    alert: str
    target: str
    severity: str
    badge: Badge
    cause: str
    summary: str
    next_step: str
    opened_at: datetime
    closed_at: datetime | None
    close_reason: str
    acknowledged: str  # by whom, with what comment
    silenced: str  # until when, by whom
    told: tuple[Said, ...]
    told_before: int  # earlier lines that are left out


def episodes(snapshot: Snapshot, found: Mapping[str, Entry]) -> list[Episode]:
    """Every incident of the snapshot."""
    heard: dict[str, list[Told]] = defaultdict(list)
    for told in snapshot.told:
        heard[told.incident].append(told)
    every = (*snapshot.silences, *planned(snapshot.settings.maintenance, snapshot.at))
    silences = [s for s in every if s.active(snapshot.at)]
    return [
        _episode(incident, _said(heard[incident.id]), silences, found.get(incident.target))
        for incident in snapshot.incidents
    ]


def _episode(
    incident: Incident, said: list[Said], silences: list[Silence], entry: Entry | None
) -> Episode:
    ack = incident.ack
    return Episode(
        id=incident.id,
        alert=incident.alert,
        target=incident.target,
        severity=incident.severity.value,
        badge=Badge.severe(incident.severity),
        cause="" if incident.cause.value == "ok" else incident.cause.value,
        summary=incident.summary,
        next_step=entry.next_step if entry and incident.open else "",
        opened_at=incident.opened_at,
        closed_at=incident.closed_at,
        close_reason=incident.close_reason,
        acknowledged=f"{ack.by}: {ack.comment}" if ack else "",
        silenced=_silenced(incident, silences),
        told=tuple(said[-_TOLD:]),
        told_before=max(0, len(said) - _TOLD),
    )


def _silenced(incident: Incident, silences: list[Silence]) -> str:
    for silence in silences:
        named = silence.alert in (None, incident.alert)
        if named and matches(silence.targets, incident.target):
            who = silence.comment if is_planned(silence) else silence.author
            return f"until {silence.ends_at:%Y-%m-%d %H:%M} UTC by {who}"
    return ""


def _said(told: list[Told]) -> list[Said]:
    """One line per notification, however many addresses it went to; the oldest first."""
    rounds: dict[tuple[str, Kind, int], list[datetime]] = defaultdict(list)
    for one in told:
        rounds[one.receiver, one.kind, one.round].append(one.at)
    lines = [
        Said(receiver, kind.value, max(times), len(times))
        for (receiver, kind, _), times in rounds.items()
    ]
    return sorted(lines, key=lambda line: (line.at, line.receiver))
