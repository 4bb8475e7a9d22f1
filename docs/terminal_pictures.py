"""Draws what a terminal shows, from three weeks of a made-up account: `make pictures`."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.text import Text

from benchmarks.forecast.traces import Trace, generate
from monitor.build import load_settings
from monitor.clock import SteppedClock
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding, Target
from monitor.core.settings import Account
from monitor.pipeline import Pipeline
from monitor.store.sqlite import SqliteStore

IMAGES = Path(__file__).parent / "images"
WIDTH = 96
STEP, DAYS = timedelta(minutes=15), 21
RETIRED = "stabilityai/stable-diffusion-xl-base-1.0"
CONFIG = f"""
accounts:
  huggingface:
    key: hf_none
    checks: [key, model]
    models: [black-forest-labs/FLUX.1-schnell, {RETIRED}]
  kie:
    key: none
    jobs: {{sora-2-720p-10s: 25, sora-2-pro-720p-15s: 135}}
    usage: {{sora-2-pro-720p-15s: 40/day}}
services:
  video-generation: {{needs: [kie/balance]}}
  image-generation: {{any: ["huggingface/model/*"]}}
alerts:
  - {{name: kie-credits-low, on: kie/balance, when: balance < 10000}}
receivers:
  oncall: {{webhook: {{url: "https://hooks.example.com/"}}}}
database: monitor.db
"""
PICTURES = {
    "terminal-status.svg": ("status",),
    "terminal-history.svg": ("history", "kie/balance"),
}


class Past:
    """Answers as the providers would have, at the story's time."""

    def __init__(self, trace: Trace, clock: SteppedClock, start: datetime) -> None:
        self._trace, self._clock, self._start = trace, clock, start

    async def probe(
        self, account: Account, target: Target, now: datetime, timeout: float
    ) -> Finding:
        """What is true at `now`."""
        del account, timeout
        if target.check is Check.BALANCE:
            at = self._trace.start + (now - self._start).total_seconds()
            balance = Decimal(str(round(self._trace.balance(at), 2)))
            return Finding(Cause.OK, balance=balance, unit="credits")
        if target.check is Check.KEY:
            return Finding(Cause.OK, "the token is valid (plan PRO, role read)")
        late = now > self._start + timedelta(days=DAYS - 1)
        if target.subject == RETIRED and late:
            return Finding(Cause.MODEL_NOT_SERVED, "no provider serves the model")
        return Finding(Cause.OK, "served by hf-inference")


async def live(config: Path) -> None:
    """Three weeks, up to now, into the config's database."""
    settings = load_settings(str(config), {})
    start = datetime.now(UTC) - timedelta(days=DAYS)
    clock = SteppedClock(start)
    past = Past(generate("diurnal", seed=1, salt="picture"), clock, start)
    store = SqliteStore(settings.database)
    pipeline = Pipeline(settings, store=store, clock=clock, probe=past.probe, repeats=())
    await pipeline.start()
    while clock.now() < start + timedelta(days=DAYS) - STEP:
        clock.step(STEP.total_seconds())
        for name in tuple(pipeline.memory.targets):
            await pipeline.observe(name)
    await pipeline.sweep()
    await pipeline.keeper.close()


def draw(words: tuple[str, ...], config: Path, name: str) -> None:
    """What a command prints, in its colours."""
    env = {"PATH": os.environ["PATH"], "COLUMNS": str(WIDTH), "FORCE_COLOR": "1",
           "LANG": "C.UTF-8", "HOME": str(config.parent)}  # fmt: skip
    command = [sys.executable, "-m", "monitor", "--config", str(config), *words]
    shown = subprocess.run(  # noqa: S603 - our own command
        command, env=env, capture_output=True, text=True, check=True
    ).stdout
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text.from_ansi(shown.rstrip()))
    console.save_svg(str(IMAGES / name), title=" ".join(("monitor", *words)))
    print(IMAGES / name)


def main() -> None:
    """Live three weeks, and look at them."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(CONFIG)
        asyncio.run(live(config))
        for name, words in PICTURES.items():
            draw(words, config, name)


if __name__ == "__main__":
    main()
