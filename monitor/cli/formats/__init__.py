"""The status document in the form that was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from monitor.cli.formats.github import render_github, render_summary
from monitor.cli.formats.junit import render_junit
from monitor.cli.formats.nagios import render_nagios
from monitor.cli.formats.report import Report, read
from monitor.cli.formats.text import render_text

__all__ = ["FORMATS", "render", "step_summary"]

_PLAIN: dict[str, Callable[[Report], str]] = {
    "junit": render_junit,
    "github": render_github,
    "nagios": render_nagios,
}
FORMATS = ("text", "json", *_PLAIN)


def render(
    document: Mapping[str, object],
    format: str,
    *,
    colour: bool,
    width: int,
    courses: Mapping[str, str] | None = None,
) -> str:
    """`document` as one of `FORMATS`, ending in a newline.

    `colour`, `width` (columns; 0: unbounded) and `courses` (of a target's last day) are for text
    alone. Raises ValueError for a
    format that is not one of ours, and for a document that is not strict JSON.
    """
    if format == "json":
        # ASCII only: the output of a cron job in the C locale must not fail on a name.
        return json.dumps(document, indent=2, allow_nan=False) + "\n"
    report = read(document)
    if format == "text":
        return render_text(report, colour=colour, width=width, courses=courses or {})
    if format not in _PLAIN:
        raise ValueError(f"{format!r} is not a format; there are: {', '.join(FORMATS)}")
    return _PLAIN[format](report)


def step_summary(document: Mapping[str, object]) -> str:
    """The document as a table in Markdown, to be appended to `$GITHUB_STEP_SUMMARY`."""
    return render_summary(read(document))
