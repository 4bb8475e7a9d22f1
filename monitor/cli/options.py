"""Options that commands share, and those of the command line as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from monitor.cli import completion
from monitor.cli.choices import Colour, DocumentFormat, FailOn, LogFormat, LogLevel, OnceFormat

_ONCE = "With --once"

Config: TypeAlias = Annotated[str | None, typer.Option(metavar="FILE", help="The config file.")]
DatabaseFile: TypeAlias = Annotated[
    str | None, typer.Option(metavar="FILE", help="Instead of the config's.")
]
LogAs: TypeAlias = Annotated[LogFormat, typer.Option(help="Of the log on stderr.")]
Level: TypeAlias = Annotated[
    LogLevel | None, typer.Option(help="Default info; with --once warning.")
]
Color: TypeAlias = Annotated[
    Colour, typer.Option(help="By default as NO_COLOR, FORCE_COLOR and the terminal say.")
]
Version: TypeAlias = Annotated[bool, typer.Option("--version", help="Print it and exit.")]

Once: TypeAlias = Annotated[
    bool, typer.Option("--once", help="Probe every target once, judge, print, exit.")
]
OnceAs: TypeAlias = Annotated[
    OnceFormat | None,
    typer.Option("--format", help="How it is printed; default text.", rich_help_panel=_ONCE),
]
Output: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Print there (whole or not at all); `-`: stdout.",
        rich_help_panel=_ONCE,
    ),
]
Notify: TypeAlias = Annotated[
    bool, typer.Option("--notify", help="Remember, and tell receivers.", rich_help_panel=_ONCE)
]
Only: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="GLOB",
        help="Only targets like this; may be repeated.",
        rich_help_panel=_ONCE,
        autocompletion=completion.globs,
    ),
]
LeastThatFails: TypeAlias = Annotated[
    FailOn | None,
    typer.Option(help="The least state that fails; default unknown.", rich_help_panel=_ONCE),
]
Timeout: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="SECONDS", help="The whole ends within this, such as 90s.", rich_help_panel=_ONCE
    ),
]

DocumentAs: TypeAlias = Annotated[
    DocumentFormat, typer.Option("--format", help="How it is printed.")
]
Matched: TypeAlias = Annotated[
    str,
    typer.Argument(help="A target or a glob; `*` crosses `/`.", autocompletion=completion.globs),
]
Author: TypeAlias = Annotated[str, typer.Option("--author", help="Who says so.")]
Comment: TypeAlias = Annotated[str, typer.Option("--comment", help="Why.")]
Force: TypeAlias = Annotated[
    bool, typer.Option("--force", help="Even where no target matches yet.")
]
AlertName: TypeAlias = Annotated[
    str | None, typer.Option("--alert", help="Only this rule's.", autocompletion=completion.rules)
]
