"""`monitor --once`: probe every target once, judge, print, exit."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from monitor.cli import BAD_INPUT, USAGE, Refusal
from monitor.cli.setting import Globals
from monitor.cli.terminal import colour, width
from monitor.core.causes import Status
from monitor.core.globs import matches
from monitor.core.settings import Settings

Document = dict[str, object]


@dataclass(frozen=True, slots=True)
class OnceOptions:
    """The options of `--once`."""

    format: str
    output: Path | None
    notify: bool
    only: tuple[str, ...]
    fail_on: str


def run_once(options: Globals, once: OnceOptions) -> int:
    """Print the document as asked; the exit code of the worst target."""
    from monitor.core.status import exit_code
    from monitor.once import probe_once

    settings = options.loader()()
    names = _only(settings, once.only)
    with _progress(len(names)) as advance:
        result = asyncio.run(
            probe_once(settings, os.environ, names=names, notify=once.notify, done=advance)
        )
    _write(once, result.metrics if once.format == "prometheus" else _render(once, result.document))
    if once.format == "github":
        _step_summary(result.document)
    return exit_code(result.overall, Status(once.fail_on))


def _only(settings: Settings, globs: tuple[str, ...]) -> frozenset[str]:
    """The targets to probe: all, or those like one of the globs."""
    names = [t.target.name for t in settings.targets]
    kept = [n for n in names if not globs or any(matches(g, n) for g in globs)]
    if not kept:
        known = "\n  ".join(names)
        raise Refusal(f"--only {' '.join(globs)} matches no target; there are:\n  {known}", USAGE)
    return frozenset(kept)


def _render(once: OnceOptions, document: Document) -> str:
    from monitor.cli.formats import render

    wanted = once.output is None and colour(sys.stdout)
    return render(document, once.format, colour=wanted, width=width())


def _write(once: OnceOptions, text: str) -> None:
    if once.output is None:
        sys.stdout.write(text)
        return
    try:
        once.output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refusal(f"--output {once.output}: {error.strerror}", BAD_INPUT) from error


def _step_summary(document: Document) -> None:
    """GitHub's page of the step, where it offers one."""
    from monitor.cli.formats import step_summary

    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if not place:
        return
    try:
        with Path(place).open("a", encoding="utf-8") as page:
            page.write(step_summary(document))
    except OSError as error:
        sys.stderr.write(f"$GITHUB_STEP_SUMMARY {place}: {error.strerror}\n")


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[str], None]]:
    """A bar on stderr while probes run, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda target: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("probing", total=total)
        yield lambda target: bar.update(task, advance=1, description=target[:40])
