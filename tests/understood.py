"""Whether the command line understands what documentation and unit files tell people to type."""

from __future__ import annotations

import shlex

from typer.main import get_command

from monitor.cli import complete_watch, hoist
from monitor.cli.commands import app

_ENDS = ("|", ">", "<", "&&", "||", ";")


def understood(line: str) -> None:
    """Parse the words after `monitor` in a line of shell; raises what a wrong one raises."""
    group = get_command(app)
    words = shlex.split(line, comments=True)
    places = [n for n, word in enumerate(words) if word.rpartition("/")[2] == "monitor"]
    words = words[places[0] + 1 :]
    ends = [n for n, word in enumerate(words) if word.startswith(_ENDS)]
    words = complete_watch(hoist(words[: min(ends, default=len(words))]))
    place = next((n for n, word in enumerate(words) if word in group.commands), len(words))
    group.make_context("monitor", words[:place])
    if place < len(words):
        name, *rest = words[place:]
        group.commands[name].make_context(name, rest)
