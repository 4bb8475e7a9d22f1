"""The commands and their options; what is more than a few lines has a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monitor.cli import USAGE, Refusal
from monitor.cli.choices import (
    DocumentFormat,
    FailOn,
    HistoryBy,
    HistoryFormat,
    LogFormat,
    LogLevel,
    OnceFormat,
)
from monitor.cli.setting import Globals

app = typer.Typer(
    name="monitor",
    no_args_is_help=False,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Tells you before the AI API you paid for in advance stops answering. "
    "Without a command it runs as a daemon.",
)


_Author = Annotated[str, typer.Option("--author", help="Who says so.")]
_Comment = Annotated[str, typer.Option("--comment", help="Why.")]
_AlertName = Annotated[str | None, typer.Option("--alert", help="Only this rule's.")]


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    config: Annotated[str | None, typer.Option(help="The config file.")] = None,
    database: Annotated[str | None, typer.Option(help="Instead of the config's.")] = None,
    log_format: Annotated[LogFormat, typer.Option(help="Of the log on stderr.")] = LogFormat.TEXT,
    log_level: Annotated[
        LogLevel | None, typer.Option(help="Default info; with --once warning.")
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Probe every target once, judge, print, exit.")
    ] = False,
    output_format: Annotated[
        OnceFormat | None, typer.Option("--format", help="Of --once; default text.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Of --once: write there instead.")] = None,
    notify: Annotated[
        bool, typer.Option("--notify", help="With --once: remember and tell receivers.")
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="With --once: only targets like this glob.")
    ] = None,
    fail_on: Annotated[
        FailOn | None, typer.Option(help="With --once: the least state that fails (unknown).")
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="Print it and exit.")] = False,
) -> int:
    """Run as a daemon, or probe once with --once."""
    daemon = not once and ctx.invoked_subcommand is None
    level = log_level or (LogLevel.INFO if daemon else LogLevel.WARNING)
    options = Globals(config, database, log_format.value, level.value)
    ctx.obj = options
    options.logging()
    if version:
        from monitor import __version__

        typer.echo(__version__)
        raise typer.Exit(0)
    given = {
        "--format": output_format is not None,
        "--output": output is not None,
        "--only": bool(only),
        "--fail-on": fail_on is not None,
        "--notify": notify,
    }
    astray = [] if once else [name for name, is_given in given.items() if is_given]
    if astray:
        raise Refusal(f"{', '.join(astray)}: only with --once", USAGE)
    if ctx.invoked_subcommand is not None:
        if once:
            raise Refusal(f"--once stands alone, not with {ctx.invoked_subcommand}", USAGE)
        return 0
    if not once:
        from monitor.cli.daemon import run

        return run(options)
    from monitor.cli.once import OnceOptions, run_once

    return run_once(
        options,
        OnceOptions(
            format=(output_format or OnceFormat.TEXT).value,
            output=output,
            notify=notify,
            only=tuple(only or ()),
            fail_on=(fail_on or FailOn.UNKNOWN).value,
        ),
    )


@app.command("check-config")
def check_config(
    ctx: typer.Context,
    no_secrets: Annotated[
        bool, typer.Option("--no-secrets", help="Unset variables are no faults.")
    ] = False,
    effective: Annotated[
        bool, typer.Option("--effective", help="Print what the config means (the default).")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print faults and warnings only.")
    ] = False,
) -> int:
    """Every fault of the config, or what it means with secrets masked."""
    from monitor.cli.check import run

    if effective and quiet:
        raise Refusal("--effective or --quiet, not both", USAGE)
    return run(ctx.obj, need_secrets=not no_secrets, quiet=quiet)


@app.command()
def status(
    ctx: typer.Context,
    output_format: Annotated[DocumentFormat, typer.Option("--format")] = DocumentFormat.TEXT,
) -> int:
    """What the store knows; works beside the running daemon."""
    from monitor.cli.status import run

    return run(ctx.obj, output_format.value)


@app.command()
def providers(
    output_format: Annotated[DocumentFormat, typer.Option("--format")] = DocumentFormat.TEXT,
) -> int:
    """What can be watched, and how."""
    from monitor.cli.declared import show_providers

    return show_providers(output_format.value)


@app.command()
def schema() -> int:
    """The config's JSON Schema, for editors."""
    from monitor.cli.declared import show_schema

    return show_schema()


@app.command("test-receiver")
def test_receiver(ctx: typer.Context, name: str) -> int:
    """Send a real message to one receiver."""
    from monitor.cli.receivers import run

    return run(ctx.obj, name)


@app.command()
def silence(
    ctx: typer.Context,
    target: Annotated[str, typer.Argument(help="A target or a glob; `*` crosses `/`.")],
    duration: Annotated[str, typer.Option("--for", help="How long, such as 2h.")],
    author: _Author,
    comment: _Comment,
    alert: _AlertName = None,
) -> int:
    """Mute telling for a while; prints the silence's id."""
    from monitor.cli.operate import run, seconds_of

    seconds_of(duration)
    asked = {"do": "silence", "targets": target, "alert": alert or "", "for": duration}
    return run(ctx.obj, {**asked, "author": author, "comment": comment})


@app.command()
def unsilence(ctx: typer.Context, silence_id: str) -> int:
    """End a silence."""
    from monitor.cli.operate import run

    return run(ctx.obj, {"do": "unsilence", "id": silence_id})


@app.command()
def ack(
    ctx: typer.Context,
    target: Annotated[str, typer.Argument(help="A target or a glob; `*` crosses `/`.")],
    author: _Author,
    comment: _Comment,
    alert: _AlertName = None,
) -> int:
    """Acknowledge open incidents: no reminders and no escalation until they get worse."""
    from monitor.cli.operate import run

    asked = {"do": "ack", "targets": target, "alert": alert or ""}
    return run(ctx.obj, {**asked, "author": author, "comment": comment})


@app.command()
def demo(
    until_done: Annotated[
        bool, typer.Option("--until-done", help="End by itself; 0 if the story came out right.")
    ] = False,
    port: Annotated[int, typer.Option(help="Of the page.")] = 9877,
) -> int:
    """The whole thing against a simulated world, in one minute, no keys."""
    from monitor.cli.demo import run

    return run(until_done=until_done, port=port)


@app.command()
def history(
    ctx: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="A balance, such as kie/balance.")
    ],
    since: Annotated[str, typer.Option(help="How far back, such as 24h or 30d.")] = "7d",
    output_format: Annotated[HistoryFormat, typer.Option("--format")] = HistoryFormat.TEXT,
    by: Annotated[
        HistoryBy | None, typer.Option(help="With --format csv: what went, instead of samples.")
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="Such as Europe/Berlin; by default the config's."),
    ] = None,
) -> int:
    """A balance drawn over time with its forecast, when it is spent, top-ups."""
    from monitor.cli.history import Asked, run

    return run(ctx.obj, Asked(target, since, output_format.value, timezone, by))


@app.command()
def plan(
    ctx: typer.Context,
    job: Annotated[
        list[str] | None,
        typer.Option("--job", metavar="NAME=N/day", help="Instead of the config's `usage`."),
    ] = None,
    days: Annotated[
        int, typer.Option(min=1, max=36500, help="How long the balance is to last.")
    ] = 30,
    output_format: Annotated[DocumentFormat, typer.Option("--format")] = DocumentFormat.TEXT,
) -> int:
    """What a planned usage costs, when the balance ends, what to top up."""
    from monitor.cli.plan import run

    return run(ctx.obj, job or (), days=days, output_format=output_format.value)


@app.command()
def replay(
    ctx: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|TARGET",
            help='JSON lines {"at": TIME, "balance": NUMBER or null}, `-` for stdin; '
            "or a balance in the database.",
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option(
            metavar="ACCOUNT/balance",
            help="Whose floor, jobs, usage and rules; else floor 0 and the built-in rules.",
        ),
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Now; by default the last sample's time.")
    ] = None,
    output_format: Annotated[DocumentFormat, typer.Option("--format")] = DocumentFormat.TEXT,
) -> int:
    """Which alerts the present rules would have sent, and how wrong the forecasts were."""
    from monitor.cli.replay import Asked, run

    return run(ctx.obj, Asked.of(source, target, at), output_format.value)


@app.command()
def explain(
    ctx: typer.Context,
    target: Annotated[str, typer.Argument(metavar="TARGET", help="Such as kie/balance.")],
    output_format: Annotated[DocumentFormat, typer.Option("--format")] = DocumentFormat.TEXT,
) -> int:
    """One probe, step by step, redacted: what was sent and answered, its cause, what to do."""
    from monitor.cli.explain import run

    return run(ctx.obj, target, output_format.value)
