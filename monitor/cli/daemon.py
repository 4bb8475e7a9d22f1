"""`monitor`: the daemon."""

from __future__ import annotations

import asyncio
import os

from monitor.cli import OUR_FAULT, Refusal
from monitor.cli.setting import Globals


def run(options: Globals) -> int:
    """Run until told to stop; 0 after a good end."""
    from monitor.app import Daemon, run_daemon

    load = options.loader()
    settings = load()

    async def live() -> None:
        await run_daemon(Daemon(settings, load, env=os.environ))

    try:
        asyncio.run(live())
    except OSError as error:
        raise Refusal(error.strerror or str(error), OUR_FAULT) from error
    return 0
