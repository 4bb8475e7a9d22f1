"""`monitor status`: what the store knows."""

from __future__ import annotations

import asyncio
import sys

from monitor.cli.setting import Globals
from monitor.cli.terminal import colour, width


def run(options: Globals, output_format: str) -> int:
    """Print the status document of what was read last; its own exit code is 0."""
    from monitor.cli.formats import render
    from monitor.once import stored_document

    settings = options.loader(need_secrets=False)()
    document = asyncio.run(stored_document(settings))
    sys.stdout.write(render(document, output_format, colour=colour(sys.stdout), width=width()))
    return 0
