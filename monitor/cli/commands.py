"""The commands and their options; what is more than a few lines has a file of its own."""

# Annotations are values here: typer reads them, and as texts it would evaluate each three times.

from typing import Annotated

import typer

from monitor.cli import USAGE, Refusal, completion, options
from monitor.cli.choices import (
    CheckFormat,
    DocumentFormat,
    HistoryBy,
    HistoryFormat,
)
from monitor.cli.init_options import init
from monitor.cli.program import app, command

__all__ = ["app"]

command("init")(init)


@command("check-config")
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


@command("status")
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


@command("providers")
def providers(
    output_format: options.DocumentAs = DocumentFormat.TEXT,
) -> int:
    """What can be watched, and how."""
    from monitor.cli.declared import show_providers

    return show_providers(output_format.value)


@command("schema")
def schema() -> int:
    """The config's JSON Schema, for editors."""
    from monitor.cli.declared import show_schema

    return show_schema()


@command("test-receiver")
def test_receiver(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(help="As in the config.", autocompletion=completion.receivers)
    ],
) -> int:
    """Send a real message to one receiver."""
    from monitor.cli.receivers import run

    return run(ctx.obj, name)


@command("silence")
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


@command("unsilence")
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


@command("ack")
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


@command("demo")
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


@command("history")
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


@command("plan")
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


@command("replay")
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


@command("explain")
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
