"""A daemon as a process: its signals, its threads, and the files that it may open."""

from __future__ import annotations

import asyncio
import signal

from monitor.app import Daemon
from monitor.descriptors import say_in_words, take_what_is_allowed
from monitor.threads import PassingThreads


async def run_daemon(daemon: Daemon) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP reloads."""
    take_what_is_allowed()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(PassingThreads())
    loop.set_exception_handler(say_in_words)
    reloads: set[asyncio.Task[str | None]] = set()

    def reload() -> None:
        task = asyncio.create_task(daemon.reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, daemon.stop)
    loop.add_signal_handler(signal.SIGHUP, reload)
    await daemon.run()
