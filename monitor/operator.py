"""What an operator does to a running monitor: silence, unsilence, acknowledge."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from difflib import get_close_matches

from monitor.clock import Clock
from monitor.core.durations import parse_duration
from monitor.core.globs import matches
from monitor.core.maintenance import is_planned
from monitor.core.model import Ack, Incident, Silence
from monitor.pipeline import Pipeline

Reply = Mapping[str, object]
_LONGEST = 3650 * 86400.0  # seconds of a silence: beyond it times end
_LISTED = 5  # names of what is open, at most


class Operator:
    """Answers the command line, through the socket or, without a daemon, on the store itself."""

    def __init__(self, pipeline: Pipeline, clock: Clock) -> None:
        self._pipeline, self._clock = pipeline, clock

    async def handle(self, asked: Mapping[str, str]) -> Reply:
        """Do what is asked; `{"error": …}` in the user's terms if it cannot be done."""
        if asked.get("do") == "ping":
            return {"alive": True}
        actions = {"silence": self._silence, "unsilence": self._unsilence, "ack": self._ack}
        action = actions.get(asked.get("do", ""))
        if action is None:
            return {"error": f"cannot do {asked.get('do', '')!r}"}
        try:
            return await action(asked)
        except (ValueError, KeyError, OverflowError) as error:
            return {"error": str(error).strip("'\"")}

    async def _silence(self, asked: Mapping[str, str]) -> Reply:
        now = self._clock.now()
        seconds = parse_duration(asked["for"])
        if not 0 < seconds <= _LONGEST:
            message = "a silence lasts longer than 0s and at most 3650d; to be rid of an alert, "
            return {"error": f"{message}switch its rule off in the config", "usage": True}
        unmatched = "" if asked.get("force") else self._unmatched(asked)
        if unmatched:
            return {"error": unmatched, "usage": True}
        words = "\0".join((asked["targets"], asked.get("alert", ""), asked["author"], str(now)))
        silence = Silence(
            id=hashlib.sha256(words.encode()).hexdigest()[:10],
            targets=asked["targets"],
            alert=asked.get("alert") or None,
            starts_at=now,
            ends_at=now + timedelta(seconds=seconds),
            author=asked["author"],
            comment=asked["comment"],
        )
        await self._pipeline.keeper.silence(silence)
        return {
            "id": silence.id,
            "ends_at": silence.ends_at.isoformat(),
            "matched": self._matched(silence.targets),
        }

    def _matched(self, glob: str) -> str:
        """The targets it is about, by name; empty where there is none yet."""
        memory = self._pipeline.memory
        found = [name for name in memory.views if matches(glob, name)]
        return _listed(found or [name for name in memory.derived() if matches(glob, name)])

    def _unmatched(self, asked: Mapping[str, str]) -> str:
        """Why a silence would mute nothing there is; empty where it may mute something."""
        memory, targets, alert = self._pipeline.memory, asked["targets"], asked.get("alert", "")
        names = [*memory.views, *memory.derived(), *(i.target for i in memory.incidents.values())]
        if not any(matches(targets, name) for name in names):
            return _nothing(f"no target matches {targets}", targets, names)
        rules = [r.name for r in memory.settings.rules]
        if alert and alert not in (*rules, *(i.alert for i in memory.incidents.values())):
            return _nothing(f"there is no alert {alert}", alert, rules)
        return ""

    async def _unsilence(self, asked: Mapping[str, str]) -> Reply:
        silence = self._pipeline.memory.silences.get(asked["id"])
        now = self._clock.now()
        if silence is not None and is_planned(silence):
            raise ValueError(f"{silence.comment} is in the config: change it there, and reload")
        if silence is None or silence.ends_at <= now:
            raise ValueError(f"no silence {asked['id']} is in force; `monitor status` lists them")
        ended = replace(silence, ends_at=max(now, silence.starts_at))
        await self._pipeline.keeper.silence(ended)
        return {"id": silence.id}

    async def _ack(self, asked: Mapping[str, str]) -> Reply:
        found = [i for i in self._pipeline.memory.incidents.values() if _meant(i, asked)]
        if not found:
            raise ValueError(_none_open(self._pipeline.memory.incidents.values(), asked))
        for incident in found:
            ack = Ack(asked["author"], asked["comment"], self._clock.now(), incident.severity)
            await self._pipeline.keeper.acknowledge(incident.id, ack)
        return {"acknowledged": [f"{i.alert} on {i.target}" for i in found]}


def _nothing(what: str, name: str, names: Sequence[str]) -> str:
    return f"{what}{_hint(name, names) or '.'} With --force it is silenced all the same."


def _hint(name: str, names: Sequence[str]) -> str:
    near = get_close_matches(name.strip("*?")[:200], list(dict.fromkeys(names)), n=3, cutoff=0.4)
    return f", did you mean {' or '.join(near)}?" if near else ""


def _none_open(incidents: Iterable[Incident], asked: Mapping[str, str]) -> str:
    """Why nothing is acknowledged, and what is open instead: there, else anywhere."""
    if asked.get("incident"):
        return f"no open incident matches {asked['incident']}"
    targets, alert = asked["targets"], asked.get("alert") or ""
    still = [i for i in incidents if i.open]
    there = sorted({i.alert for i in still if matches(targets, i.target)})
    if there:
        wrong = f"no open incident matches {targets} with the alert {alert}"
        hint = _hint(alert, there)
        return f"{wrong}{hint}{' Open' if hint else '; open'} there: {_listed(there)}"
    names = sorted({i.target for i in still})
    listed = f"; open: {_listed(names)}" if names else "; none is open"
    return f"no open incident matches {targets}{_hint(targets, names) or listed}"


def _listed(names: Sequence[str]) -> str:
    left = len(names) - _LISTED
    more = f" and {left} more" if left > 0 else ""
    return f"{', '.join(names[:_LISTED])}{more}"


def _meant(incident: Incident, asked: Mapping[str, str]) -> bool:
    if asked.get("incident"):
        return incident.open and incident.id == asked["incident"]
    alert = asked.get("alert")
    right = not alert or incident.alert == alert
    return incident.open and right and matches(asked["targets"], incident.target)
