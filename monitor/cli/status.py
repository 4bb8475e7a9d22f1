"""`monitor status`: what the store knows."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from monitor.cli import USAGE, Refusal
from monitor.cli.balances import write_text
from monitor.cli.setting import Globals, Known
from monitor.cli.spark import spark
from monitor.cli.terminal import colour, draws, width
from monitor.core.durations import parse_duration
from monitor.core.model import Check
from monitor.core.settings import Settings
from monitor.history import Archive
from monitor.store import StoreError

_SHOWN = timedelta(hours=24)
_SHORTEST = 0.2  # seconds from one look to the next
_LONGEST = 86400.0
_PATIENCE = 2.0  # seconds for a leader to say who stands by
_LONG_PATIENCE = 10.0  # seconds for it to say everything


def run(options: Globals, output_format: str) -> int:
    """Print the status document of what was read last; its own exit code is 0."""
    known = options.known()
    try:
        text = _shown(known, output_format)
    except StoreError:
        for doubt in known.settings.doubts:
            if ": database: " in doubt:  # where in the config it is named
                sys.stderr.write(f"{doubt}\n")
        raise
    known.warn()
    write_text(text)
    return 0


def _shown(known: Known, output_format: str) -> str:
    """Raises StoreError; ConfigFaults where only a daemon could say it, and none answers."""
    from monitor.cli.formats import render

    if output_format == "text":
        return text_of(known, columns=width())
    return render(asyncio.run(_document(known)), output_format, colour=False, width=0)


async def _document(known: Known) -> dict[str, object]:
    """What is stored, as the config has it judged; of a broken config what the daemon says."""
    if known.broken is None:
        return await _stored(known.settings)
    found = await _asked(known.settings, "status", timeout=_LONG_PATIENCE)
    if found is None or "error" in found:  # one of an older version does not know the question
        raise known.broken
    return dict(found)


async def _asked(settings: Settings, what: str, *, timeout: float) -> Mapping[str, object] | None:
    """What the daemon says, if one answers."""
    from monitor.control import ask, socket_paths

    question = {"do": what, "database": settings.database}
    paths = socket_paths(settings.database, os.environ)
    return await asyncio.to_thread(ask, paths, question, timeout=timeout)


async def _stored(settings: Settings) -> dict[str, object]:
    """What is stored, and of a daemon that leads who would take over."""
    from monitor.stored import stored_document

    document = await stored_document(settings)
    leader = document.get("leader")
    if isinstance(leader, dict):
        found = await _asked(settings, "who", timeout=_PATIENCE)
        leader |= {n: v for n, v in (found or {}).items() if n == "standbys"}
        daemon = document.get("daemon")
        if found and isinstance(daemon, dict):  # one that cannot write its beat lives all the same
            daemon |= {"alive": True, "config_fault": found.get("config_fault")}
    return document


def text_of(known: Known, *, columns: int) -> str:
    """How everything stands, for people. Raises StoreError, ConfigFaults."""
    from monitor.cli.formats import render

    document, courses = asyncio.run(_read(known))
    painted = colour(sys.stdout)
    return render(document, "text", colour=painted, width=columns, courses=courses)


async def _read(known: Known) -> tuple[dict[str, object], dict[str, str]]:
    document = await _document(known)
    if not draws(sys.stdout.encoding):
        return document, {}
    archive, now = Archive(known.settings.database), datetime.now(UTC)
    courses: dict[str, str] = {}
    with contextlib.suppress(StoreError):  # a daemon answers whoever may not read its database
        for name in _balances(document):
            courses[name] = await _course(archive, name, now)
    return document, courses


def _balances(document: Mapping[str, object]) -> list[str]:
    found = document["targets"]
    rows = [r for r in found if isinstance(r, dict)] if isinstance(found, list) else []
    return [str(row["target"]) for row in rows if row.get("check") == Check.BALANCE]


async def _course(archive: Archive, target: str, now: datetime) -> str:
    """The last day of a balance in 24 characters, from hour to hour; empty of a young one."""
    hours = await archive.hours(target, now - _SHOWN, now)
    values: Mapping[datetime, float] = {
        hour.at: float(hour.last) for hour in hours if hour.last is not None
    }
    if len(values) < 2:
        return ""
    first = min(values)
    count = round((max(values) - first) / timedelta(hours=1)) + 1
    return spark([values.get(first + timedelta(hours=n)) for n in range(count)])


def seconds_between(text: str) -> float:
    """What --watch says: a duration, or plain seconds; never more often than every 0.2 s."""
    try:
        plain = text.replace(".", "", 1).isdecimal()
        seconds = float(text) if plain else parse_duration(text)
    except ValueError as error:
        raise Refusal(f"--watch: {error}", USAGE) from error
    if not 0 < seconds <= _LONGEST:
        raise Refusal(f"--watch: {text} is not between 0.2s and 1d", USAGE)
    return max(_SHORTEST, seconds)
