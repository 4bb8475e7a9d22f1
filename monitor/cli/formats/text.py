"""The status document for people."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from types import MappingProxyType

from monitor.cli.formats.accuracy import forecasts
from monitor.cli.formats.figures import figures
from monitor.cli.formats.rows import Report, TargetRow
from monitor.cli.formats.safe import one_line
from monitor.core.causes import Severity, Status
from monitor.core.louder import louder
from monitor.core.model import AlertState

_COLOURS = {Status.OK: "32", Status.WARNING: "33", Status.CRITICAL: "1;31", Status.UNKNOWN: "35"}
_INDENT = " " * 12
_WIDEST_NAME = 44  # a longer name pushes its own sentence, not everybody's

Paint = Callable[[str, Status], str]


def render_text(
    report: Report, *, colour: bool, width: int, courses: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Every target with its state, what was measured and the next step; then services and alerts.

    A target's first line is never wrapped, so that `grep` finds name and state together.
    """
    paint: Paint = _painted if colour else lambda text, _: text
    lines = [_headline(report, paint)]
    lines += [paint(one_line(report.gone), Status.UNKNOWN)] if report.gone else []
    lines += [paint(one_line(report.config_fault), Status.WARNING)] if report.config_fault else []
    for account, rows in groupby(report.targets, lambda t: t.account):
        lines += ["", one_line(account), *_account(list(rows), paint, width, courses)]
    lines += [*_services(report, width), *_alerts(report), *_silences(report), *_windows(report)]
    lines += ["", one_line(report.leader)] if report.leader and not report.gone else []
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _painted(text: str, status: Status) -> str:
    return f"\x1b[{_COLOURS[status]}m{text}\x1b[0m"


def _headline(report: Report, paint: Paint) -> str:
    took = "" if report.duration is None else f", {report.duration:.2f} s"
    loud = louder(_firing(report), report.status)
    also = one_line(f"{loud.status.upper()}: {loud.words}")
    more = f"; {paint(also, loud.status)}" if loud.words else ""
    state = paint(report.status.upper(), report.status)
    return f"{state}: {report.counts}{more} ({report.at}{took})"


def _firing(report: Report) -> Iterator[tuple[str, Severity]]:
    known = {severity.value: severity for severity in Severity}
    for row in report.alerts:
        if row.state == AlertState.FIRING and row.severity in known:
            yield row.alert, known[row.severity]


def _account(
    rows: list[TargetRow], paint: Paint, width: int, courses: Mapping[str, str]
) -> Iterator[str]:
    names = [len(one_line(r.target)) for r in rows]
    column = max((n for n in names if n <= _WIDEST_NAME), default=0)
    for row in rows:
        state = paint(f"{row.status.upper():<8}", row.status)
        doubt = f" [{row.doubt}]" if row.doubt else ""
        words = one_line(row.words)
        yield f"  {state}  {one_line(row.target):<{column}}  {words}{doubt}"
        if courses.get(row.target):
            yield f"{_INDENT}last 24 h {courses[row.target]}"
        for figure in (*figures(row), *forecasts(row.accuracy)):
            yield from _wrapped(one_line(figure), width)
        if row.next_step:
            yield from _wrapped(f"next: {one_line(row.next_step)}", width)


def _wrapped(text: str, width: int) -> list[str]:
    if width <= 0:
        return [_INDENT + text]
    return textwrap.wrap(
        text,
        max(width, 40),
        initial_indent=_INDENT,
        subsequent_indent=_INDENT + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _services(report: Report, width: int) -> Iterator[str]:
    if report.services:
        yield from ("", "services")
    for row in report.services:
        yield f"  {one_line(row.status.upper()):<8}  {one_line(row.service)}"
        if row.tell_customers:
            yield from _wrapped(f"tell customers: {one_line(row.tell_customers)}", width)


def _alerts(report: Report) -> Iterator[str]:
    if report.alerts:
        yield from ("", "alerts")
    for row in report.alerts:
        words = f"{row.alert} on {row.target}, {row.state} since {row.since}: {row.summary}"
        known = f" (acknowledged by {row.acknowledged})" if row.acknowledged else ""
        yield f"  {one_line(row.severity.upper()):<8}  {one_line(words + known)}"
        for held in row.untold:
            yield f"            not told to {one_line(held)}"


def _silences(report: Report) -> Iterator[str]:
    if report.silences:
        yield from ("", "silences")
    for row in report.silences:
        words = f"{row.targets} until {row.ends_at}, by {row.author}: {row.comment}"
        yield f"  {one_line(row.id)}  {one_line(words)}"


def _windows(report: Report) -> Iterator[str]:
    if report.maintenance:
        yield from ("", "maintenance")
    for row in report.maintenance:
        yield f"  {one_line(row)}"
