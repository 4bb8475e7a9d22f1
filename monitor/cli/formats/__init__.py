"""The status document in the form that was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.cli.formats.rows import Report

__all__ = ["FORMATS", "render", "step_summary"]

FORMATS = ("text", "json", "junit", "github", "nagios")


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
    from monitor.cli.formats.report import read

    if format == "text":
        from monitor.cli.formats.text import render_text

        return render_text(read(document), colour=colour, width=width, courses=courses or {})
    if format not in FORMATS:
        raise ValueError(f"{format!r} is not a format; there are: {', '.join(FORMATS)}")
    return _plain(format)(read(document))


def _plain(format: str) -> Callable[[Report], str]:
    """What writes one of the other formats: its module is loaded for whoever asks for it."""
    if format == "junit":
        from monitor.cli.formats.junit import render_junit

        return render_junit
    if format == "github":
        from monitor.cli.formats.github import render_github

        return render_github
    from monitor.cli.formats.nagios import render_nagios

    return render_nagios


def step_summary(document: Mapping[str, object]) -> str:
    """The document as a table in Markdown, to be appended to `$GITHUB_STEP_SUMMARY`."""
    from monitor.cli.formats.github import render_summary
    from monitor.cli.formats.report import read

    return render_summary(read(document))
