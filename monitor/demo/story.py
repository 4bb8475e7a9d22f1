"""The demo's story: credits drain, a model is dropped, a launch eats the rest, somebody tops up.

Everything but the world is the real thing: config, scheduler, probes, store, rules, mails, page.
The clock alone is faster, so that an hour of the story is a few seconds of yours.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path

from monitor.app import Daemon
from monitor.build import load_settings
from monitor.clock import FastClock
from monitor.core.durations import about
from monitor.demo.postbox import Postbox
from monitor.demo.world import World

RATE = 1200.0  # the story runs 20 minutes a second
START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
PATIENCE = 100.0  # seconds of yours after which the story has gone wrong
JOBS = {"sora-2-pro-720p-15s": 135, "sora-2-pro-720p-10s": 75, "sora-2-720p-10s": 25}
MODELS = (
    "stabilityai/stable-diffusion-3-medium-diffusers",
    "black-forest-labs/FLUX.1-schnell",
    "stabilityai/stable-diffusion-xl-base-1.0",
)
TOP_UP = 20000

CONFIG = """\
defaults: {{timeout: 10s}}
accounts:
  huggingface:
    key: ${{HUGGINGFACE_API_KEY}}
    base_url: {huggingface}
    router_url: {router}
    status_url: {status}
    models: [{models}]
    key_check: {{interval: 1h}}
    model: {{interval: 20m}}
    quota: {{interval: 1h}}
    status: {{interval: 1h}}
  kie:
    key: ${{KIE_API_KEY}}
    base_url: {kie}
    balance: {{interval: 10m}}
    jobs: {{{jobs}}}
    usage: {{sora-2-pro-720p-15s: 40/day}}
services:
  video-generation: {{needs: [kie/balance]}}
  image-generation:
    any: ["huggingface/model/*"]
    tell_customers: Image generation is slower than usual. Your credits are safe.
alerts:
  - {{name: kie-credits-low, on: kie/balance, when: balance < 6000, clear: balance >= 8000}}
  - {{name: target-stale, enabled: false}}  # at this pace a busy machine looks stale
receivers:
  oncall:
    email:
      to: [oncall@example.com]
      from: monitor@example.com
      smtp: {{host: 127.0.0.1, port: {smtp}, tls: none}}
web: {{listen: "127.0.0.1:{port}"{web}}}
database: demo.db
"""

ACCOUNTS = """\
accounts:
  kie: {{key: {kie_key}, base_url: "{kie}"}}
  huggingface:
    key: {key}
    base_url: "{hub}"
    router_url: "{router}"
    status_url: "{status}"
    models: [{models}]
"""

Say = Callable[
    [str, str], None
]  # kind ("story", "world", "mail", "critical", "resolved", "done"), text


@dataclass(slots=True)
class Chapters:
    """What must have been seen for the story to have come out right."""

    dropped: asyncio.Event = field(default_factory=asyncio.Event)
    warned: asyncio.Event = field(default_factory=asyncio.Event)
    critical: asyncio.Event = field(default_factory=asyncio.Event)
    resolved: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, mail: EmailMessage) -> None:
        """Tick off what a mail says."""
        kind, severity = mail["X-Monitor-Notification"], mail["X-Monitor-Severity"]
        about_money = mail["X-Monitor-Target"] == "kie/balance"
        if kind == "resolved" and about_money and self.critical.is_set():
            self.resolved.set()
        elif kind == "opened" and mail["X-Monitor-Alert"] == "model-unavailable":
            self.dropped.set()
        elif kind == "opened" and about_money:
            (self.critical if severity == "critical" else self.warned).set()

    @property
    def missing(self) -> list[str]:
        """What has not been seen, in words."""
        words = {
            "a warning that a model is not served": self.dropped,
            "a warning about the credits": self.warned,
            "a critical mail": self.critical,
            "the resolved mail": self.resolved,
        }
        return [text for text, seen in words.items() if not seen.is_set()]


def accounts_of(world: World) -> str:
    """The accounts of a config that watches the simulated world, ready to be pasted."""
    face = world.huggingface
    return ACCOUNTS.format(
        kie_key=world.kie.key,
        kie=world.kie_url,
        key=face.key,
        hub=world.huggingface_url,
        router=world.router_url,
        status=world.status_url,
        models=", ".join(MODELS[:2]),
    )


class Story:
    """One run of the demo."""

    def __init__(self, say: Say, *, port: int, web: str = "") -> None:
        self._say, self._port, self._web = say, port, web
        self.clock = FastClock(START, RATE)
        self.chapters = Chapters()
        self._postbox = Postbox(self._arrived)
        self._surge = 1.0

    @property
    def mails(self) -> list[EmailMessage]:
        """All that were sent so far."""
        return self._postbox.mails

    def _arrived(self, mail: EmailMessage) -> None:
        self.chapters.note(mail)
        kind, severity = mail["X-Monitor-Notification"], mail["X-Monitor-Severity"]
        sort = (
            "resolved" if kind == "resolved" else "critical" if severity == "critical" else "mail"
        )
        body = mail.get_body(("plain",))
        text = body.get_content() if body is not None else ""
        self._say(sort, f"{mail['Subject']}\n{text}")

    async def run(self, *, until_done: bool) -> bool:
        """Tell it; True if it came out right. Without `until_done` it stays until cancelled."""
        with tempfile.TemporaryDirectory(prefix="monitor-demo-") as folder:
            async with World(now=self.clock.now) as world, self._postbox.open():
                daemon = self._daemon(world, Path(folder))
                living = asyncio.create_task(daemon.run())
                telling = asyncio.create_task(self._tell(world, daemon))
                try:
                    return await self._until(living, telling, until_done=until_done)
                finally:
                    telling.cancel()
                    daemon.stop()
                    await asyncio.gather(telling, living, return_exceptions=True)

    async def _until(
        self,
        living: asyncio.Task[None],
        telling: asyncio.Task[None],
        *,
        until_done: bool,
    ) -> bool:
        """Wait for the story's end; the daemon's own end is an error it raises."""
        waited = {living, telling}
        done, _ = await asyncio.wait(waited, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        if not until_done and not living.done():
            self._say("done", "The story is told; the page stays. Ctrl-C ends it.")
            await living
        return not self.chapters.missing

    def _daemon(self, world: World, folder: Path) -> Daemon:
        world.kie.balance = Decimal("20000.25")
        config = folder / "config.yaml"
        config.write_text(self._config(world), encoding="utf-8")
        env = {
            "HUGGINGFACE_API_KEY": world.huggingface.key,
            "KIE_API_KEY": world.kie.key,
            "RUNTIME_DIRECTORY": str(folder),
        }

        def load() -> object:
            return load_settings(str(config), env)

        return Daemon(load_settings(str(config), env), load, env=env, clock=self.clock)  # type: ignore[arg-type]  # load gives Settings

    def _config(self, world: World) -> str:
        return CONFIG.format(
            huggingface=world.huggingface_url,
            router=world.router_url,
            status=world.status_url,
            kie=world.kie_url,
            models=", ".join(MODELS),
            jobs=", ".join(f"{job}: {price}" for job, price in JOBS.items()),
            smtp=self._postbox.port,
            port=self._port,
            web=self._web,
        )

    # -- what happens -----------------------------------------------------------------------

    async def _tell(self, world: World, daemon: Daemon) -> None:
        """The chapters, one after the other; each waits for what must be seen before the next."""
        await daemon.started.wait()
        self._say("page", f"http://127.0.0.1:{daemon.ports['web']}/")
        self._say("world", accounts_of(world))
        async with asyncio.TaskGroup() as group:
            spending = group.create_task(self._spend(world))
            watching = group.create_task(self._watch(daemon))
            await self._hours(2)
            self._chapter("At Hugging Face nobody serves one of your fallback models any more.")
            world.huggingface.retire(MODELS[2])
            await self.chapters.dropped.wait()
            await self._hours(0.5)
            self._chapter("A launch: customers ask for videos many times faster than usual.")
            self._surge = 6.0
            await self.chapters.warned.wait()
            await self.chapters.critical.wait()
            await self._hours(0.7)
            self._chapter(f"Somebody tops up {TOP_UP} credits; the launch is over.")
            self._surge = 1.0
            world.kie.top_up(TOP_UP)
            await self.chapters.resolved.wait()
            await self._hours(1)
            spending.cancel()
            watching.cancel()

    async def _hours(self, hours: float) -> None:
        await self.clock.sleep(hours * 3600)

    def _chapter(self, text: str) -> None:
        self._say("story", f"{self.clock.now():%H:%M}  {text}")

    async def _spend(self, world: World) -> None:
        """Customers' jobs: about one every 20 minutes, dearer and cheaper ones."""
        dice = random.Random(7)  # noqa: S311 - the same story every time
        names = list(JOBS)
        while True:
            await self.clock.sleep(dice.expovariate(self._surge / 900))
            world.kie.spend(JOBS[dice.choices(names, (6, 3, 2))[0]])

    async def _watch(self, daemon: Daemon) -> None:
        """Now and then, one line of how things stand."""
        while True:
            await self._hours(1)
            view = daemon.snapshot().views.get("kie/balance")
            if view is None or view.balance is None or view.outlook is None:
                continue
            self._say("figures", _figures(self.clock.now(), view.balance, view.outlook.p25))


def _figures(now: datetime, balance: object, p25: float | None) -> str:
    runway = "" if p25 is None else f"{about(p25 * 3600)} left, cautiously"
    return f"{now:%H:%M}|{balance}|{runway}"
