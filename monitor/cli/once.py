"""`monitor --once`: probe every target once, judge, print, exit."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.cli import BAD_INPUT, USAGE, Refusal
from monitor.cli.balances import write_text
from monitor.cli.setting import Globals
from monitor.cli.terminal import colour, width
from monitor.core.causes import Status
from monitor.core.durations import parse_duration
from monitor.core.globs import matches
from monitor.core.settings import Settings

if TYPE_CHECKING:
    from monitor.config.needs import Parts
    from monitor.once import Once

Document = dict[str, object]


@dataclass(frozen=True, slots=True)
class OnceOptions:
    """The options of `--once`."""

    format: str
    output: Path | None
    notify: bool
    only: tuple[str, ...]
    fail_on: str
    within: float | None = None  # seconds, for the whole run


def run_once(options: Globals, once: OnceOptions) -> int:
    """Print the document as asked; the exit code of the worst target."""
    from monitor.core.status import exit_code
    from monitor.once import probe_once

    settings = _settings(options, once)
    names = _only(settings, once.only)
    with _progress(len(names)) as advance:
        result = asyncio.run(
            probe_once(
                settings,
                os.environ,
                names=names,
                notify=once.notify,
                within=once.within,
                done=advance,
            )
        )
    _write(once, _text(once, result))
    if once.format == "github":
        _step_summary(result.document)
    return exit_code(result.overall, Status(once.fail_on))


def _settings(options: Globals, once: OnceOptions) -> Settings:
    """The config. A core of Nagios shows a plugin's stdout alone: it hears of a fault as well."""
    from monitor.config import ConfigFaults
    from monitor.config.needs import of_probes

    def needs(settings: Settings) -> Parts:
        return of_probes(settings, _only(settings, once.only))

    try:
        return options.loader(needs=None if once.notify else needs)()
    except (ConfigFaults, Refusal) as error:
        if once.format == "nagios":
            from monitor.cli.formats.nagios import unknown

            sys.stdout.write(unknown(str(error)))
        raise


def seconds_of(text: str | None) -> float | None:
    """What --timeout says: a duration, or plain seconds."""
    if text is None:
        return None
    try:
        seconds = float(text) if text.replace(".", "", 1).isdecimal() else parse_duration(text)
    except ValueError as error:
        raise Refusal(f"--timeout: {error}", USAGE) from error
    if seconds <= 0:
        raise Refusal("--timeout: a run takes longer than 0s", USAGE)
    return seconds


def _only(settings: Settings, globs: tuple[str, ...]) -> frozenset[str]:
    """The targets to probe: all, or those like one of the globs."""
    names = [t.target.name for t in settings.targets]
    kept = [n for n in names if not globs or any(matches(g, n) for g in globs)]
    if not kept:
        raise Refusal(_matches_nothing(globs, names), USAGE)
    return frozenset(kept)


def _matches_nothing(globs: tuple[str, ...], names: list[str]) -> str:
    from monitor.config.readers import did_you_mean

    near = did_you_mean(globs[0].strip("*?"), names) if len(globs) == 1 else ""
    known = "\n  ".join(names)
    return f"--only {' '.join(globs)} matches no target{near or ';'} there are:\n  {known}"


def _text(once: OnceOptions, result: Once) -> str:
    if once.format == "prometheus":
        from monitor.exporter import metrics_text

        return metrics_text(result.snapshot)
    from monitor.cli.formats import render

    wanted = once.output is None and colour(sys.stdout)
    return render(result.document, once.format, colour=wanted, width=width())


def _write(once: OnceOptions, text: str) -> None:
    if once.output is None or str(once.output) == "-":
        with contextlib.suppress(BrokenPipeError):  # the exit code says it to who reads no more
            write_text(text)
        return
    try:
        put(once.output, text)
    except OSError as error:
        raise Refusal(f"--output {once.output}: {error.strerror}", BAD_INPUT) from error


def put(place: Path, text: str) -> None:
    """Write a file whole or not at all: node_exporter may read its folder at any instant.

    A device, a pipe or a link is written into. Raises OSError.
    """
    if place.is_symlink() or (place.exists() and not place.is_file()):
        place.write_text(text, encoding="utf-8")
        return
    beside = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(place)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


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
    from rich.markup import escape
    from rich.progress import Progress

    from monitor.cli.formats.safe import one_line

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("probing", total=total)
        yield lambda target: bar.update(task, advance=1, description=escape(one_line(target)[:40]))
