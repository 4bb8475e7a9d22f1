"""Incidents with what was told about them, to whom and when."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.core.advice import step_of
from monitor.core.desk import acknowledged
from monitor.core.durations import about
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
    lasted: str  # `about 5 h`: until it was closed, or until now
    account: str  # whose targets a silence may cover as a whole; empty where it has none
    command: str  # what acknowledges it from a shell


def episodes(
    snapshot: Snapshot, found: Mapping[str, Entry], *, lines: int = _TOLD
) -> list[Episode]:
    """Every incident of the snapshot, each with so many lines of who was told."""
    heard: dict[str, list[Told]] = defaultdict(list)
    for told in snapshot.told:
        heard[told.incident].append(told)
    every = (*snapshot.silences, *planned(snapshot.settings.maintenance, snapshot.at))
    silences = [s for s in every if s.active(snapshot.at)]
    accounts = {a.name for a in snapshot.settings.accounts}
    return [
        _episode(
            incident,
            _said(heard[incident.id]),
            silences,
            found.get(incident.target),
            lines=lines,
            now=snapshot.at,
            account=incident.account if incident.account in accounts else "",
        )
        for incident in snapshot.incidents
    ]


def _episode(
    incident: Incident,
    said: list[Said],
    silences: list[Silence],
    entry: Entry | None,
    *,
    lines: int,
    now: datetime,
    account: str,
) -> Episode:
    end = incident.closed_at or now
    return Episode(
        id=incident.id,
        alert=incident.alert,
        target=incident.target,
        severity=incident.severity.value,
        badge=Badge.severe(incident.severity),
        cause="" if incident.cause.value == "ok" else incident.cause.value,
        summary=incident.summary,
        next_step=_next_step(incident, entry),
        opened_at=incident.opened_at,
        closed_at=incident.closed_at,
        close_reason=incident.close_reason,
        acknowledged=_acknowledged(incident),
        silenced=_silenced(incident, silences),
        told=tuple(said[-lines:]),
        told_before=max(0, len(said) - lines),
        lasted=about((end - incident.opened_at).total_seconds()),
        account=account,
        command=shlex.join(("monitor", "ack", incident.target, "--alert", incident.alert)),
    )


def _acknowledged(incident: Incident) -> str:
    ack = incident.ack
    if ack is None:
        return ""
    at = "" if acknowledged(incident) else f" at {ack.severity}"  # it has become worse since
    return f"{ack.by}{at}: {ack.comment}"


def _next_step(incident: Incident, entry: Entry | None) -> str:
    if not incident.open:
        return ""
    return step_of(incident) if entry is None else entry.next_step


@dataclass(frozen=True, slots=True)
class Heard:
    """One line of what was told lately: about what, and the notification."""

    incident: str  # its ID; empty for what was no incident
    alert: str
    target: str
    said: Said


def lately(snapshot: Snapshot, lines: int) -> tuple[Heard, ...]:
    """The last notifications of all, the latest first: whom, when, about what."""
    by_id = {i.id: (i.id, i.alert, i.target) for i in snapshot.incidents}
    by_id |= {n.id: ("", n.name, n.target) for n in snapshot.notices}
    heard: dict[str, list[Told]] = defaultdict(list)
    for told in sorted(snapshot.told, key=lambda t: t.at)[-lines * 8 :]:
        heard[told.incident].append(told)
    found = [
        Heard(*by_id[name], said)
        for name, told in heard.items()
        if name in by_id
        for said in _said(told)
    ]
    found.sort(key=lambda h: (h.said.at, h.said.receiver, h.incident), reverse=True)
    return tuple(found[:lines])


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
