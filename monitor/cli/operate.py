"""`silence`, `unsilence`, `ack`: asked of the running daemon, else done on the database."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from datetime import datetime

from monitor.cli import USAGE, Refusal
from monitor.cli.setting import Globals, Known
from monitor.core.durations import parse_duration
from monitor.core.phrases import moment


def run(options: Globals, asked: Mapping[str, str]) -> int:
    """Print what came of it; 1 where it cannot be done or nobody listens."""
    from monitor.control import ask, socket_paths

    known = options.known()
    database = known.settings.database
    reply = ask(socket_paths(database, os.environ), {**asked, "database": database})
    if reply is None:
        reply = _on_store(known, asked)
    else:
        known.warn()
    if "error" in reply:
        raise Refusal(str(reply["error"]), USAGE if reply.get("usage") else 1)
    for line in _lines(reply):
        sys.stdout.write(f"{line}\n")
    if asked.get("do") == "silence":
        sys.stderr.write(f"{_silenced(asked, reply)}\n")
    return 0


def _on_store(known: Known, asked: Mapping[str, str]) -> Mapping[str, object]:
    """Raises ConfigFaults where the config is broken and no daemon lives that took another."""
    from monitor.stored import operate_on_store, touched_lately

    if known.broken is not None:
        if not asyncio.run(touched_lately(known.settings)):
            raise known.broken
        known.warn("the daemon of the last minute took the one before")
        asked = {**asked, "force": "yes"}  # which targets there are, a whole config would say
    reply = asyncio.run(operate_on_store(known.settings, asked))
    if "error" not in reply:
        sys.stderr.write("no daemon answers on its socket: written to the database\n")
    return reply


def seconds_of(duration: str) -> float:
    """What --for says. Refuses what is no duration, or none at all."""
    try:
        seconds = parse_duration(duration)
    except ValueError as error:
        raise Refusal(f"--for: {error}", USAGE) from error
    if seconds <= 0:
        raise Refusal("--for: a silence lasts longer than 0s", USAGE)
    return seconds


def _silenced(asked: Mapping[str, str], reply: Mapping[str, object]) -> str:
    """What is mute and until when: beside the id, which stands alone for scripts."""
    ends, matched = reply.get("ends_at"), reply.get("matched")
    until = f" until {moment(datetime.fromisoformat(ends))}" if isinstance(ends, str) else ""
    alert = f"{asked['alert']} on " if asked.get("alert") else ""
    return f"silenced{until}: {alert}{matched or asked['targets']}"


def _lines(reply: Mapping[str, object]) -> list[str]:
    acknowledged = reply.get("acknowledged")
    if isinstance(acknowledged, list):
        return [f"acknowledged: {line}" for line in acknowledged]
    return [str(reply.get("id", ""))]
