"""The program itself: the options before a command, and what it does without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import typer

from monitor.cli import USAGE, Refusal, options
from monitor.cli.choices import Colour, FailOn, LogFormat, LogLevel, OnceFormat
from monitor.cli.examples import EXAMPLES, PANELS, ROOT
from monitor.cli.help import Command, Group
from monitor.cli.setting import Globals
from monitor.cli.terminal import choose_colour

_F = TypeVar("_F", bound=Callable[..., int])
_OF_ONCE = ("--format", "--output", "--only", "--fail-on", "--notify", "--timeout")

app = typer.Typer(
    name="monitor",
    cls=Group,
    epilog=ROOT,
    no_args_is_help=False,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 100},
    help="Tells you before the AI API you paid for in advance stops answering. "
    "Without a command it runs as a daemon.",
)


def command(name: str) -> Callable[[_F], _F]:
    """A command with its place in the help and its examples."""
    return app.command(name, cls=Command, rich_help_panel=PANELS[name], epilog=EXAMPLES[name])


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    config: options.Config = None,
    database: options.DatabaseFile = None,
    log_format: options.LogAs = LogFormat.TEXT,
    log_level: options.Level = None,
    color: options.Color = Colour.AUTO,
    once: options.Once = False,
    output_format: options.OnceAs = None,
    output: options.Output = None,
    notify: options.Notify = False,
    only: options.Only = None,
    fail_on: options.LeastThatFails = None,
    timeout: options.Timeout = None,
    version: options.Version = False,
) -> int:
    """Run as a daemon, or probe once with --once."""
    daemon = not once and ctx.invoked_subcommand is None
    level = log_level or (LogLevel.INFO if daemon else LogLevel.WARNING)
    given_globals = Globals(config, database, log_format.value, level.value)
    ctx.obj = given_globals
    choose_colour(color.value)
    given_globals.logging()
    if version:
        from monitor import __version__

        typer.echo(__version__)
        raise typer.Exit(0)
    of_once = (output_format, output, only, fail_on, notify, timeout)
    _refuse_mixtures(once, ctx.invoked_subcommand, of_once)
    if ctx.invoked_subcommand is not None:
        return 0
    if daemon:
        from monitor.cli.daemon import run

        return run(given_globals)
    from monitor.cli.once import OnceOptions, run_once, seconds_of

    return run_once(
        given_globals,
        OnceOptions(
            format=(output_format or OnceFormat.TEXT).value,
            output=output,
            notify=notify,
            only=tuple(only or ()),
            fail_on=(fail_on or FailOn.UNKNOWN).value,
            within=seconds_of(timeout),
        ),
    )


def _refuse_mixtures(once: bool, command: str | None, of_once: Sequence[object]) -> None:
    """`of_once`: what was given to `_OF_ONCE`, in that order."""
    pairs = zip(_OF_ONCE, of_once, strict=True)
    astray = [name for name, given in pairs if given not in (None, False, [])]
    if astray and not once:
        raise Refusal(f"{', '.join(astray)}: only with --once", USAGE)
    if once and command is not None:
        raise Refusal(f"--once stands alone, not with {command}", USAGE)
