"""Annotations and the step's summary for GitHub Actions."""

from __future__ import annotations

import html
import re
from itertools import accumulate

from monitor.cli.formats.figures import figures
from monitor.cli.formats.rows import Report, TargetRow
from monitor.cli.formats.safe import one_line
from monitor.core.causes import Status

_PER_KIND = 10  # GitHub shows that many annotations of a kind per step, and drops the rest
_ROWS, _BYTES = 500, 512 * 1024  # a step's summary may hold 1 MiB, and others may write to it
_KINDS = {Status.CRITICAL: "error", Status.WARNING: "warning", Status.UNKNOWN: "warning"}


def render_github(report: Report) -> str:
    """`::error` and `::warning` for what is not ok, and every target on a line of its own."""
    lines = [*_annotations(report, "error"), *_annotations(report, "warning")]
    lines.append(f"{report.status.upper()}: {report.counts}")
    for row in report.targets:
        doubt = f" [{row.doubt}]" if row.doubt else ""
        lines.append(_inert(f"{row.status.upper():<8}  {row.target}: {row.why}{doubt}"))
    return "\n".join(lines) + "\n"


def _inert(text: str) -> str:
    """A runner also obeys the old `##[command]`, anywhere in a line."""
    return one_line(text).replace("##[", "## [")


def _annotations(report: Report, kind: str) -> list[str]:
    rows = [row for row in report.targets if _KINDS.get(row.status) == kind]
    rows.sort(key=lambda row: -row.status.badness)
    if len(rows) <= _PER_KIND:
        return [_annotation(kind, row) for row in rows]
    shown, rest = rows[: _PER_KIND - 1], len(rows) - _PER_KIND + 1
    more = f"and {rest} more targets; the log and the step's summary name them all"
    return [*(_annotation(kind, row) for row in shown), f"::{kind} title=monitor::{more}"]


def _annotation(kind: str, row: TargetRow) -> str:
    title = f"{row.target} {row.doubt or row.status.value}"
    text = f"{row.why.rstrip('.')}. Next: {row.next_step}" if row.next_step else row.why
    return annotation(kind, text, title=title)


def annotation(kind: str, text: str, **properties: str) -> str:
    """`::error title=...::text`, with what would end it or begin another escaped."""
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{kind} {given}::{_data(text)}"


def _data(text: str) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return _inert(escaped)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def render_summary(report: Report) -> str:
    """A table in Markdown for `$GITHUB_STEP_SUMMARY`, the worst first."""
    rows = [_table_row(r) for r in sorted(report.targets, key=lambda r: -r.status.badness)]
    shown = _fitting(rows)
    lines = [
        f"### monitor: {report.status.value}",
        "",
        f"{report.counts}, at {_cell(report.at)}",
        "",
        "| status | target | what | next step |",
        "| --- | --- | --- | --- |",
        *shown,
    ]
    if len(rows) > len(shown):
        lines += ["", f"and {len(rows) - len(shown)} more targets"]
    return "\n".join(lines) + "\n\n"


def _fitting(rows: list[str]) -> list[str]:
    """As many whole rows as there is room for."""
    sizes = accumulate(len(row.encode("utf-8", "replace")) + 1 for row in rows[:_ROWS])
    return [row for row, size in zip(rows, sizes, strict=False) if size <= _BYTES]


def _table_row(row: TargetRow) -> str:
    what = "; ".join([row.why, *figures(row)])
    cells = (row.status.value, row.target, what, row.next_step)
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~@:])")


def _cell(text: str) -> str:
    """No mark-up, no mention, no link, and no end of the cell."""
    return _MARKDOWN.sub(r"\\\1", html.escape(one_line(text), quote=False))
