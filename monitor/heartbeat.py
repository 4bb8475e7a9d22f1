"""Signs of life for systemd (sd_notify).

The protocol of sd_notify(3): datagrams of `NAME=value` lines to the Unix socket `$NOTIFY_SOCKET`
names; an `@` in front stands for an abstract one.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping

_PATIENCE = 1.0  # seconds: READY=1 must not be lost to a full queue, nor may it stop the daemon


def notify(env: Mapping[str, str], *lines: str) -> bool:
    """Tell systemd `NAME=value` lines; False where nobody listens, which is no fault."""
    path = env.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")) or not lines:
        return False
    address = "\0" + path[1:] if path.startswith("@") else path
    text = "\n".join(" ".join(line.split("\n")) for line in lines)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as way:
        way.settimeout(_PATIENCE)
        try:
            way.connect(address)
            way.sendall(text.encode("utf-8", "replace"))
        except (OSError, ValueError):
            return False
    return True


def reloading() -> tuple[str, str]:
    """What announces a reload; the time is what systemd 253 and newer tells two reloads by."""
    microseconds = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    return "RELOADING=1", f"MONOTONIC_USEC={microseconds}"


def watchdog_period(env: Mapping[str, str], *, pid: int | None = None) -> float | None:
    """Seconds from one WATCHDOG=1 to the next, half of what systemd waits; None: none is due."""
    microseconds = env.get("WATCHDOG_USEC", "")
    meant = env.get("WATCHDOG_PID", "")
    if not microseconds.isdecimal() or int(microseconds) == 0:
        return None
    if meant and meant != str(os.getpid() if pid is None else pid):
        return None
    return int(microseconds) / 2_000_000


class SignsOfLife:
    """What systemd hears of a daemon: that it is up, and from then on that it lives; its end."""

    def __init__(self, env: Mapping[str, str], ailing: Callable[[], str]) -> None:
        self._env, self._ailing = env, ailing
        self._watchdog: asyncio.Task[None] | None = None

    def up(self, status: str) -> None:
        """It does what it can, as `status` says."""
        notify(self._env, "READY=1", f"STATUS={status}")
        if self._watchdog is None:
            alive = keep_alive(self._env, self._ailing)
            self._watchdog = asyncio.create_task(alive, name="watchdog")

    def stopping(self) -> None:
        """It drains."""
        notify(self._env, "STOPPING=1")

    def end(self) -> None:
        """No more of them."""
        if self._watchdog is not None:
            self._watchdog.cancel()


async def keep_alive(
    env: Mapping[str, str],
    ailing: Callable[[], str],
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Send WATCHDOG=1 as long as `ailing` says nothing; what it says becomes the status.

    Returns at once where systemd asked for no watchdog, else runs until it is cancelled.
    """
    period = watchdog_period(env)
    while period is not None:
        why = ailing()
        notify(env, f"STATUS={why}" if why else "WATCHDOG=1")
        await sleep(period)
