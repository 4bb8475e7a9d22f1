"""A world and a mailbox in threads of their own, and the real command line against them."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import zygote
from postbox import Mailbox

from monitor.demo.world import World

MODELS = ("stabilityai/stable-diffusion-3-medium-diffusers", "black-forest-labs/FLUX.1-schnell")
SECRETS = {
    "KIE_API_KEY": "kie-demo-key",
    "HUGGINGFACE_API_KEY": "hf_demo-key",
    "SMTP_PASSWORD": "smtp-planted-password",
    "HOOK_SECRET": "hook-planted-secret",
    "SWITCH": "switch-planted-token",
}

# A balance that a test moves by thousands in a second is a burn like no other.
LOW = """
alerts:
  - {name: kie-credits-low, on: kie/balance, when: balance < 10000}
  - {name: burn-spike, enabled: false}
  - {name: runway-short, enabled: false}
  - {name: runway-critical, enabled: false}
"""

# What Python and libraries read as they are imported.
_OF_THE_START = frozenset({
    "NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM", "LANG", "LC_ALL", "TZ",
    "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "PATH",
})  # fmt: skip
_LOOPS: dict[int, asyncio.AbstractEventLoop] = {}


def there(world: World, change: Callable[[], object]) -> None:
    """Change a world in the thread it lives in."""
    done = threading.Event()

    def act() -> None:
        change()
        done.set()

    _LOOPS[id(world)].call_soon_threadsafe(act)
    assert done.wait(10)


def good_day(world: World) -> None:
    """Put a world that earlier tests have moved back to where everything works."""
    there(world, lambda: setattr(world.kie, "fault", None))
    world.kie.answer, world.kie.balance = "ok", Decimal("12480.25")
    face = world.huggingface
    face.token, face.fault, face.rate_limited, face.whoami_limit = "ok", None, False, None
    for model in MODELS:
        face.set_model(model, "live")


@contextlib.contextmanager
def world_in_thread() -> Iterator[World]:
    """A simulated world that answers while the test blocks; set it as in the same thread."""
    ready, stop = threading.Event(), asyncio.Event()
    made: list[World] = []

    async def live() -> None:
        async with World() as world:
            made.append(world)
            _LOOPS[id(world)] = asyncio.get_running_loop()
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(live(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield made[0]
    finally:
        _LOOPS.pop(id(made[0])).call_soon_threadsafe(stop.set)
        thread.join(10)


def config(world: World, folder: Path, **parts: str) -> Path:
    """A config of the world's two providers; `parts` are further top-level blocks of YAML."""
    text = f"""
accounts:
  huggingface:
    key: ${{HUGGINGFACE_API_KEY}}
    base_url: {world.huggingface_url}
    router_url: {world.router_url}
    status_url: {world.status_url}
    timeout: 2s
    checks: [key, model, quota]
    models:
      - stabilityai/stable-diffusion-3-medium-diffusers
      - black-forest-labs/FLUX.1-schnell
    key_check: {{interval: 1s}}
    model: {{interval: 1s}}
    quota: {{interval: 1s}}
  kie:
    key: ${{KIE_API_KEY}}
    base_url: {world.kie_url}
    balance: {{interval: 1s, timeout: 2s}}
    jobs: {{sora-2-pro-720p-15s: 135}}
    usage: {{sora-2-pro-720p-15s: 4/day}}
"""
    text += "".join(parts.values())
    if "web" not in parts:
        text += 'web: {listen: "127.0.0.1:0"}\n'
    path = folder / "config.yaml"
    path.write_text(text)
    return path


def mail_to(box: Mailbox) -> str:
    """One receiver, by mail."""
    smtp = f"{{host: 127.0.0.1, port: {box.port}, tls: none}}"
    email = f"{{to: [oncall@example.com], from: m@example.com, smtp: {smtp}}}"
    return f"receivers: {{oncall: {{email: {email}}}}}\n"


def kinds(box: Mailbox) -> list[str]:
    """What was told by mail, in order."""
    return [m.message["X-Monitor-Notification"] for m in box.mails]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What a command sees: the keys, and nothing of the machine's own configuration."""
    kept = {k: v for k, v in os.environ.items() if k in {"PATH", "LANG", "COVERAGE_PROCESS_START"}}
    return {**kept, "HOME": str(folder), "RUNTIME_DIRECTORY": str(folder), **SECRETS, **more}


def monitor(path: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end; anew where what it is started with may matter."""
    words, env = ("--config", str(path), *words), environment(path.parent, **more)
    if not any(name in _OF_THE_START or name.startswith("PYTHON") for name in more):
        return zygote.run(words, env)
    return subprocess.run(
        [sys.executable, "-m", "monitor", *words],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@dataclass
class Living:
    """A daemon in a process of its own."""

    process: subprocess.Popen[str]
    log: list[str] = field(default_factory=list)
    port: int = 0
    news: threading.Condition = field(default_factory=threading.Condition)

    def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        """One request to the page."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        line.request(method, path)
        answer = line.getresponse()
        body = answer.read().decode()
        line.close()
        return answer.status, body

    def said(self, event: str) -> dict[str, object] | None:
        """The last line of its log that says so, if any does."""
        for line in reversed(self.log):
            with contextlib.suppress(ValueError):
                found = json.loads(line)
                if found.get("event") == event:
                    return found
        return None

    def status(self) -> dict[str, object]:
        """The status document."""
        return json.loads(self.get("/api/v1/status")[1])

    def until(self, holds: Callable[[], bool], within: float = 20.0) -> None:
        """Wait until something holds, looking again whenever the daemon may have moved."""
        end = time.monotonic() + within
        while not holds():
            assert self.process.poll() is None, "\n".join(self.log)
            assert time.monotonic() < end, "\n".join(self.log[-40:])
            with self.news:
                self.news.wait(0.1)

    def kill(self) -> None:
        """As the power cut does."""
        self.process.kill()
        self.process.wait(10)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(15)


@contextlib.contextmanager
def daemon(path: Path, *, until: str = "started", **more: str) -> Iterator[Living]:
    """A daemon that has logged `until`; killed at the end if the test has not ended it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor", "--config", str(path), "--log-format", "json"],
        env=environment(path.parent, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    living = Living(process)

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            with living.news:
                living.log.append(line.rstrip())
                with contextlib.suppress(ValueError):
                    event = json.loads(line)
                    if event.get("event") == "started":
                        living.port = event.get("web", living.port)
                living.news.notify_all()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        living.until(lambda: living.said(until))
        yield living
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        reader.join(10)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
