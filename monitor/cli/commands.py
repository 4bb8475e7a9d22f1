"""The commands and their options; what is more than a few lines has a file of its own."""

# Annotations are values here: typer reads them, and as texts it would evaluate each three times.

from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

from monitor.cli import USAGE, Refusal, completion, options
from monitor.cli.choices import (
    CheckFormat,
    Colour,
    DocumentFormat,
    FailOn,
    HistoryBy,
    HistoryFormat,
    LogFormat,
    LogLevel,
    OnceFormat,
)
from monitor.cli.examples import EXAMPLES, PANELS, ROOT
from monitor.cli.help import Command, Group
from monitor.cli.init_options import init
from monitor.cli.setting import Globals
from monitor.cli.terminal import choose_colour

_F = TypeVar("_F", bound=Callable[..., int])

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


def _command(name: str) -> Callable[[_F], _F]:
    """A command with its place in the help and its examples."""
    return app.command(name, cls=Command, rich_help_panel=PANELS[name], epilog=EXAMPLES[name])


_command("init")(init)


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
    given = {
        "--format": output_format is not None,
        "--output": output is not None,
        "--only": bool(only),
        "--fail-on": fail_on is not None,
        "--notify": notify,
        "--timeout": timeout is not None,
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


@_command("check-config")
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
    output_format: Annotated[
        CheckFormat,
        typer.Option("--format", help="json and github: faults and warnings only, on stdout."),
    ] = CheckFormat.TEXT,
) -> int:
    """Every fault of the config, or what it means with secrets masked."""
    from monitor.cli.check import run

    if effective and (quiet or output_format is not CheckFormat.TEXT):
        raise Refusal("--effective: neither with --quiet nor with another --format", USAGE)
    return run(ctx.obj, output_format.value, need_secrets=not no_secrets, quiet=quiet)


@_command("status")
def status(
    ctx: typer.Context,
    output_format: options.DocumentAs = DocumentFormat.TEXT,
    watch: Annotated[
        str | None,
        typer.Option(
            metavar="[SECONDS]", help="Draw it anew every 2 s, or as often as said; Ctrl-C ends."
        ),
    ] = None,
) -> int:
    """What the store knows; works beside the running daemon."""
    from monitor.cli.status import run, seconds_between

    if watch is None:
        return run(ctx.obj, output_format.value)
    from monitor.cli.watch import watch as draw

    return draw(ctx.obj, output_format.value, seconds_between(watch))


@_command("providers")
def providers(
    output_format: options.DocumentAs = DocumentFormat.TEXT,
) -> int:
    """What can be watched, and how."""
    from monitor.cli.declared import show_providers

    return show_providers(output_format.value)


@_command("schema")
def schema() -> int:
    """The config's JSON Schema, for editors."""
    from monitor.cli.declared import show_schema

    return show_schema()


@_command("test-receiver")
def test_receiver(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(help="As in the config.", autocompletion=completion.receivers)
    ],
) -> int:
    """Send a real message to one receiver."""
    from monitor.cli.receivers import run

    return run(ctx.obj, name)


@_command("silence")
def silence(
    ctx: typer.Context,
    target: options.Matched,
    duration: Annotated[str, typer.Option("--for", help="How long, such as 2h.")],
    author: options.Author,
    comment: options.Comment,
    alert: options.AlertName = None,
    force: options.Force = False,
) -> int:
    """Mute telling for a while; prints the silence's id."""
    from monitor.cli.operate import run, seconds_of

    seconds_of(duration)
    asked = {"do": "silence", "targets": target, "alert": alert or "", "for": duration}
    asked |= {"author": author, "comment": comment, "force": "yes" if force else ""}
    return run(ctx.obj, asked)


@_command("unsilence")
def unsilence(
    ctx: typer.Context,
    silence_id: Annotated[
        str,
        typer.Argument(help="What `silence` printed.", autocompletion=completion.silences),
    ],
) -> int:
    """End a silence."""
    from monitor.cli.operate import run

    return run(ctx.obj, {"do": "unsilence", "id": silence_id})


@_command("ack")
def ack(
    ctx: typer.Context,
    target: options.Matched,
    author: options.Author,
    comment: options.Comment,
    alert: options.AlertName = None,
) -> int:
    """Acknowledge open incidents: no reminders and no escalation until they get worse."""
    from monitor.cli.operate import run

    asked = {"do": "ack", "targets": target, "alert": alert or ""}
    return run(ctx.obj, {**asked, "author": author, "comment": comment})


@_command("demo")
def demo(
    until_done: Annotated[
        bool, typer.Option("--until-done", help="End by itself; 0 if the story came out right.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the page; 0: a free one.")
    ] = 9877,
) -> int:
    """The whole thing against a simulated world, in one minute, no keys."""
    from monitor.cli.demo import run

    return run(until_done=until_done, port=port)


@_command("history")
def history(
    ctx: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="A balance, such as kie/balance.",
            autocompletion=completion.balances,
        ),
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


@_command("plan")
def plan(
    ctx: typer.Context,
    job: Annotated[
        list[str] | None,
        typer.Option(
            "--job",
            metavar="NAME=N/day",
            help="Instead of the config's `usage`.",
            autocompletion=completion.jobs,
        ),
    ] = None,
    days: Annotated[
        int, typer.Option(min=1, max=36500, help="How long the balance is to last.")
    ] = 30,
    output_format: options.DocumentAs = DocumentFormat.TEXT,
) -> int:
    """What a planned usage costs, when the balance ends, what to top up."""
    from monitor.cli.plan import run

    return run(ctx.obj, job or (), days=days, output_format=output_format.value)


@_command("replay")
def replay(
    ctx: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|TARGET",
            help='JSON lines {"at": TIME, "balance": NUMBER or null}, `-` for stdin; '
            "or a balance in the database.",
            autocompletion=completion.balances,
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option(
            metavar="ACCOUNT/balance",
            autocompletion=completion.balances,
            help="Whose floor, jobs, usage and rules; else floor 0 and the built-in rules.",
        ),
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Now; by default the last sample's time.")
    ] = None,
    output_format: options.DocumentAs = DocumentFormat.TEXT,
) -> int:
    """Which alerts the present rules would have sent, and how wrong the forecasts were."""
    from monitor.cli.replay import Asked, run

    return run(ctx.obj, Asked.of(source, target, at), output_format.value)


@_command("explain")
def explain(
    ctx: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET", help="Such as kie/balance.", autocompletion=completion.targets
        ),
    ],
    output_format: options.DocumentAs = DocumentFormat.TEXT,
) -> int:
    """One probe, step by step, redacted: what was sent and answered, its cause, what to do."""
    from monitor.cli.explain import run

    return run(ctx.obj, target, output_format.value)
