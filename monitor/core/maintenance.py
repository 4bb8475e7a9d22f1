"""Maintenance windows: silences that the config plans. They mute telling, never state."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from monitor.core.model import Silence
from monitor.core.timetable import Recurrence, Span

KEPT = timedelta(days=7)  # how long after its end a window still says why nothing was told
AUTHOR = "the config"
_ID = "maintenance-"  # what the id of a window's silence begins with; a person's never does


@dataclass(frozen=True, slots=True)
class Window:
    """One entry of `maintenance`: it comes `every` so often and `lasts`, or `once`."""

    name: str
    targets: tuple[str, ...]  # globs
    zone: tzinfo
    alert: str | None = None
    every: Recurrence | None = None
    lasts: float = 0.0  # seconds that pass, whatever clocks do meanwhile
    once: Span | None = None

    def spans(self, start: datetime, end: datetime) -> list[Span]:
        """Those that share a moment with [start, end), in order; they may overlap."""
        if self.every is None:
            return [s for s in (self.once,) if s is not None and s[0] < end and s[1] > start]
        lasts = timedelta(seconds=self.lasts)
        found = self.every.between(start - lasts, end)
        return [(begin, begin + lasts) for begin in found if begin + lasts > start]

    def coming(self, now: datetime) -> Span | None:
        """The span that `now` lies in, else the next one; None: it is over for good."""
        if self.once is not None:
            return self.once if self.once[1] > now else None
        here = self.spans(now, now + timedelta(microseconds=1))
        if here:
            return here[-1]  # the one that lasts longest
        begin = self.every.next(now) if self.every is not None else None
        return None if begin is None else (begin, begin + timedelta(seconds=self.lasts))


def planned(windows: Iterable[Window], now: datetime) -> tuple[Silence, ...]:
    """What the windows mute at `now`, or have muted within 7 days, as silences.

    One for each span and glob; its id is a function of these.
    """
    soon = now + timedelta(microseconds=1)
    return tuple(
        _silence(window, targets, span)
        for window in windows
        for span in window.spans(now - KEPT, soon)
        for targets in window.targets
    )


def _silence(window: Window, targets: str, span: Span) -> Silence:
    words = "\0".join((window.name, targets, window.alert or "", span[0].isoformat()))
    return Silence(
        id=_ID + hashlib.sha256(words.encode()).hexdigest()[:10],
        targets=targets,
        alert=window.alert,
        starts_at=span[0],
        ends_at=span[1],
        author=AUTHOR,
        comment=f"maintenance window {window.name}",
    )


@dataclass(frozen=True, slots=True)
class WindowState:
    """A window with the span it is in, or that comes next."""

    window: Window
    starts_at: datetime
    ends_at: datetime
    active: bool


def states(windows: Iterable[Window], now: datetime) -> tuple[WindowState, ...]:
    """Every window that is not over for good, in the config's order."""
    coming = [(window, window.coming(now)) for window in windows]
    return tuple(WindowState(w, *span, span[0] <= now) for w, span in coming if span is not None)


def is_planned(silence: Silence) -> bool:
    """Whether it is of a maintenance window; else a person made it."""
    return silence.id.startswith(_ID)


def muting(
    made: Mapping[str, Silence], windows: Iterable[Window], now: datetime
) -> tuple[Silence, ...]:
    """All silences that `due` is to know: those `made`, and what the windows mute.

    What was kept of a span says what it muted, also when the config has since become another.
    """
    return tuple(({s.id: s for s in planned(windows, now)} | dict(made)).values())


def to_keep(
    made: Mapping[str, Silence], windows: Iterable[Window], now: datetime
) -> tuple[Silence, ...]:
    """The silences to put down now, so that what the windows muted outlives their entry.

    A window that has begun, or become another; and the end of one that the config has no more.
    """
    wanted = {s.id: s for s in planned(windows, now) if s.active(now)}
    new = [s for s in wanted.values() if made.get(s.id) != s]
    gone = [s for s in made.values() if is_planned(s) and s.active(now) and s.id not in wanted]
    return (*new, *(_ended(s, now) for s in gone))


def _ended(silence: Silence, now: datetime) -> Silence:
    return Silence(
        id=silence.id,
        targets=silence.targets,
        alert=silence.alert,
        starts_at=silence.starts_at,
        ends_at=max(now, silence.starts_at),
        author=silence.author,
        comment=silence.comment,
    )
