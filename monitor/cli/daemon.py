"""`monitor`: the daemon."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from monitor.cli import OUR_FAULT, Refusal, garbage
from monitor.cli.setting import Globals
from monitor.core.settings import Settings
from monitor.logs import Log

log = Log("monitor")


def run(options: Globals) -> int:
    """Run until told to stop; 0 after a good end."""
    from monitor.app import Daemon
    from monitor.process import run_daemon

    load = _outspoken(options.loader())
    settings = load()

    async def live() -> None:
        await run_daemon(Daemon(settings, load, env=os.environ))

    garbage.stay()
    try:
        asyncio.run(live())
    except OSError as error:
        raise Refusal(error.strerror or str(error), OUR_FAULT) from error
    return 0


def _outspoken(load: Callable[[], Settings]) -> Callable[[], Settings]:
    """`load`, which also logs what is odd in the config and yet no fault."""

    def told() -> Settings:
        settings = load()
        for doubt in settings.doubts:
            log.warning("the config looks odd", doubt=doubt)
        return settings

    return told
