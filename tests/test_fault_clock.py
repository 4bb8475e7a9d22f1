"""The whole daemon on a clock that is set a day forward and back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from living import SECRETS, config, world_in_thread
from postbox import Mailbox, in_thread

from monitor.app import Daemon
from monitor.build import load_settings
from monitor.clock import RealClock
from monitor.demo.world import World

RULES = """
alerts:
  - {name: kie-credits-low, on: kie/balance, when: balance < 10000}
  - {name: burn-spike, enabled: false}
  - {name: runway-short, enabled: false}
  - {name: runway-critical, enabled: false}
"""


class SetClock(RealClock):
    """The machine's, which somebody sets."""

    off = timedelta()

    def now(self) -> datetime:
        """What it shows."""
        return super().now() + self.off

    def wall(self, at: datetime) -> datetime:
        """APScheduler looks at a clock of its own, which is right."""
        return at - self.off


def written(world: World, box: Mailbox, folder: Path) -> Path:
    smtp = f"{{host: 127.0.0.1, port: {box.port}, tls: none}}"
    email = f"{{to: [oncall@example.com], from: m@example.com, smtp: {smtp}}}"
    return config(
        world, folder, alerts=RULES, receivers=f"receivers: {{oncall: {{email: {email}}}}}\n"
    )


async def until(holds: Callable[[], bool]) -> None:
    """Wait, while a server in another thread is asked."""
    for _ in range(400):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come")


async def test_a_day_forward_and_two_back_stop_no_probe_and_tell_nobody_anything(
    tmp_path: Path,
) -> None:
    with world_in_thread() as world, in_thread(Mailbox()) as box:
        env = {**os.environ, **SECRETS, "RUNTIME_DIRECTORY": str(tmp_path)}
        path, clock = str(written(world, box, tmp_path)), SetClock()
        loaded = load_settings(path, env)
        daemon = Daemon(loaded, lambda: load_settings(path, env), env=env, clock=clock)
        running = asyncio.create_task(daemon.run())
        asked = world.kie.requests
        try:
            await until(lambda: asked["balance"] >= 2)
            for days in (1, -2, 1):
                clock.off += timedelta(days=days)
                before = asked["balance"]
                await until(lambda before=before: asked["balance"] >= before + 3)
            assert box.mails == []
            world.kie.balance = Decimal(9000)
            await until(lambda: len(box.mails) == 1)
            assert box.mails[0].message["X-Monitor-Alert"] == "kie-credits-low"
            world.kie.balance = Decimal(20000)
            await until(lambda: len(box.mails) == 2)
        finally:
            daemon.stop()
            await asyncio.wait_for(running, 20)
    heads = [m.message["X-Monitor-Notification"] for m in box.mails]
    assert heads == ["opened", "resolved"]
