"""Maintenance windows: what is muted, and when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo

from monitor.config.blocks import MaintenanceBlock
from monitor.config.context import Context
from monitor.config.faults import PathTuple
from monitor.config.readers import did_you_mean
from monitor.config.references import Targets
from monitor.core.builtin import BUILTIN, NOTICES
from monitor.core.globs import matches
from monitor.core.inhibit import covered
from monitor.core.maintenance import Window
from monitor.core.rules import Rule
from monitor.core.timetable import Recurrence, Span, instant

_MONDAY = datetime(2001, 1, 1, tzinfo=UTC)
_LONG = timedelta(weeks=9)  # longer than between two moments that come again
_PAIRS = (("every", "for"), ("from", "until"))


def read_maintenance(
    context: Context,
    blocks: list[tuple[PathTuple, MaintenanceBlock]],
    targets: Targets,
    rules: Iterable[Rule],
    zone: tzinfo,
) -> tuple[Window, ...]:
    """Every window under `maintenance:`, in order. There may be none."""
    alerts = dict.fromkeys([*(r.name for r in rules), *(r.name for r in BUILTIN), *NOTICES])
    seen: set[str] = set()
    found = [_window(context, at, block, block.timezone or zone) for at, block in blocks]
    for (at, block), window in zip(blocks, found, strict=True):
        for path, glob in context.items((*at, "targets"), block.targets or []):
            targets.resolve(context, path, glob)
        if block.alert is not None and block.alert not in alerts:
            shown = context.document.shown(*at, "alert")
            hint = did_you_mean(block.alert, list(alerts))
            context.fault((*at, "alert"), f"{shown} is no alert{hint}")
        if block.name is not None and block.name in seen:
            context.fault((*at, "name"), "a maintenance window has this name already")
        seen |= {block.name} if block.name else set()
        if window is not None and _mutes_everything(window, targets):
            context.doubt(at, "covers every target at every time: nobody is ever told anything")
    return tuple(window for window in found if window is not None)


def _window(
    context: Context, at: PathTuple, block: MaintenanceBlock, zone: tzinfo
) -> Window | None:
    """One window; None where it cannot be made."""
    for name in ("name", "targets"):
        context.missing(at, name)
    if not _check_pairs(context, at) or block.name is None or not block.targets:
        return None
    once = _once(context, at, block, zone)
    if once is None and not (block.every and block.for_):
        return None
    return Window(
        name=block.name,
        targets=tuple(block.targets),
        zone=zone,
        alert=block.alert,
        every=Recurrence(tuple(block.every), zone) if block.every and once is None else None,
        lasts=block.for_ or 0.0,
        once=once,
    )


def _check_pairs(context: Context, at: PathTuple) -> bool:
    """`every` and `for`, or `from` and `until`: one pair, whole."""
    written = [pair for pair in _PAIRS if context.written(*((*at, key) for key in pair))]
    if not written:
        context.missing(at, "every", "is missing: a window has every and for, or from and until")
    for key in written[1] if len(written) > 1 else ():
        if context.written((*at, key)):
            context.fault((*at, key), "a window has every and for, or from and until", at_key=True)
    for key in written[0] if written else ():
        context.missing(at, key)
    return len(written) == 1


def _once(context: Context, at: PathTuple, block: MaintenanceBlock, zone: tzinfo) -> Span | None:
    if block.from_ is None or block.until is None:
        return None
    begin, end = _moment(block.from_, zone), _moment(block.until, zone, last=True)
    if begin >= end:
        context.fault((*at, "until"), "is not after from: a window ends after it has begun")
        return None
    return begin, end


def _moment(local: datetime, zone: tzinfo, *, last: bool = False) -> datetime:
    if local.tzinfo is not None:
        return local.astimezone(UTC)
    minutes = local.hour * 60 + local.minute
    begin = instant(local.date(), minutes, zone, last=last)
    return begin + timedelta(seconds=local.second)


def _mutes_everything(window: Window, targets: Targets) -> bool:
    names = (*targets.active, *targets.derived)
    all_of_it = all(any(matches(glob, name) for glob in window.targets) for name in names)
    if window.every is None or window.alert is not None or not all_of_it:
        return False
    end = _MONDAY + _LONG
    return covered(_MONDAY, end, window.spans(_MONDAY, end))
