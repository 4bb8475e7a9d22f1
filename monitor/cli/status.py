"""`monitor status`: what the store knows."""

from __future__ import annotations

import asyncio
import os
import sys

from monitor.cli.setting import Globals
from monitor.cli.terminal import colour, width

_PATIENCE = 2.0  # seconds for a leader to say who stands by


def run(options: Globals, output_format: str) -> int:
    """Print the status document of what was read last; its own exit code is 0."""
    from monitor.cli.formats import render
    from monitor.control import ask, socket_paths
    from monitor.once import stored_document

    settings = options.loader(need_secrets=False)()
    document = asyncio.run(stored_document(settings))
    leader = document.get("leader")
    if isinstance(leader, dict):
        question = {"do": "who", "database": settings.database}
        paths = socket_paths(settings.database, os.environ)
        leader |= ask(paths, question, timeout=_PATIENCE) or {}
    sys.stdout.write(render(document, output_format, colour=colour(sys.stdout), width=width()))
    return 0
