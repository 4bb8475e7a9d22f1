"""Real Alertmanagers, each a process of its own."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from wire import free_port

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
needed = pytest.mark.skipif(
    PROGRAM is None,
    reason="no Alertmanager: apt-get install --no-install-recommends prometheus-alertmanager",
)
CONFIG = """
global: {{resolve_timeout: {resolve_timeout}}}
route: {{receiver: nobody, group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers: [{{name: nobody}}]
"""


@dataclass
class Alertmanager:
    """One that listens on this machine."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """What goes into `urls`."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> Any:
        """JSON of its API."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            line.request("GET", path)
            return json.loads(line.getresponse().read())
        finally:
            line.close()

    def alerts(self) -> list[dict[str, Any]]:
        """What it holds to be firing."""
        found: list[dict[str, Any]] = self.get("/api/v2/alerts?active=true&silenced=true")
        return found

    def until(self, count: int, within: float = 20.0) -> list[dict[str, Any]]:
        """Its alerts, once there are so many."""
        end = time.monotonic() + within
        while len(found := self.alerts()) != count:
            assert time.monotonic() < end, found
            time.sleep(0.05)
        return found


@contextmanager
def alertmanager(
    folder: Path, *, resolve_timeout: str = "3s", port: int | None = None
) -> Iterator[Alertmanager]:
    """One that is ready, until the block ends."""
    assert PROGRAM is not None
    port = port or free_port()
    home = folder / str(port)
    home.mkdir(exist_ok=True)
    (home / "config.yml").write_text(CONFIG.format(resolve_timeout=resolve_timeout))
    words = [
        PROGRAM, f"--config.file={home / 'config.yml'}", f"--storage.path={home / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
    ]  # fmt: skip
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
    made = Alertmanager(port, process)
    try:
        _ready(made, home / "log")
        yield made
    finally:
        process.kill()
        process.wait(10)


def _ready(made: Alertmanager, log: Path) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            made.get("/api/v2/status")
        except OSError:
            assert made.process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        else:
            return
