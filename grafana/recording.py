"""The demo, recorded in the story's own time, and a real Prometheus that has it.

The demo's clock is 1200 times faster than a scraper's: a Prometheus that scrapes it sees hours
pass in seconds, so rates and ages are not what they would be. So `/metrics` is read several times
a second, each reading is dated with the story's clock, and promtool makes blocks of it: what
Prometheus then answers is what it would, had it scraped for a day. For tests and pictures.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from monitor.demo.story import Story

OPENMETRICS = {"Accept": "application/openmetrics-text;version=1.0.0"}
EVERY = 0.2  # seconds of ours between two readings: four minutes of the story
JOB, INSTANCE = "monitor", "127.0.0.1:9877"
_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")


@dataclass(slots=True)
class Recording:
    """What `/metrics` said, and when by the story's clock (Unix seconds)."""

    readings: list[tuple[float, str]] = field(default_factory=list)

    @property
    def start(self) -> float:
        """The first reading's time."""
        return self.readings[0][0]

    @property
    def end(self) -> float:
        """The last reading's time."""
        return self.readings[-1][0]

    def openmetrics(self) -> str:
        """All of it as one text: family by family, series by series, in time order."""
        families: dict[str, dict[str, list[str]]] = {"# TYPE up gauge": {}}
        for at, text in self.readings:
            _file(families["# TYPE up gauge"], "up 1", at)
            family: dict[str, list[str]] = {}
            for line in text.splitlines():
                if line.startswith("# TYPE"):
                    family = families.setdefault(line, {})
                elif not line.startswith("#"):
                    _file(family, line, at)
        parts = [
            "\n".join([kind, *(line for lines in series.values() for line in lines)])
            for kind, series in families.items()
        ]
        return "\n".join(parts) + "\n# EOF\n"


def _file(family: dict[str, list[str]], line: str, at: float) -> None:
    """Put a sample under its series, with the labels that a scrape gives it."""
    found = _SAMPLE.match(line)
    if found is None:
        raise ValueError(f"no sample: {line}")
    name, labels, value = found.groups()
    # As Prometheus does it where a metric has a label of the scraper's.
    own = re.sub(r'(^|,)job="', r'\1exported_job="', labels or "")
    series = ",".join(filter(None, (own, f'job="{JOB}"', f'instance="{INSTANCE}"')))
    key = f"{name}{{{series}}}"
    family.setdefault(key, []).append(f"{key} {value} {at:.3f}")


class Watched:
    """A story whose `/metrics` is read as it goes on."""

    def __init__(self) -> None:
        self.recording = Recording()
        self.critical = asyncio.Event()
        self.address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._story = Story(self._say, port=0)

    def _say(self, kind: str, text: str) -> None:
        if kind == "page":
            self.address.set_result(text)
        if kind == "critical":
            self.critical.set()

    async def run(self) -> bool:
        """Tell the whole story; whether it came out right."""
        reading = asyncio.create_task(self._read())
        try:
            return await self._story.run(until_done=True)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self) -> None:
        address = await self.address
        async with httpx.AsyncClient(trust_env=False, headers=OPENMETRICS) as client:
            while True:
                at = self._story.clock.now().timestamp()
                answer = await client.get(f"{address}metrics")
                self.recording.readings.append((at, answer.text))
                await asyncio.sleep(EVERY)


class Prometheus:
    """One that runs."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=30)

    def ready(self) -> bool:
        """Whether it answers queries."""
        with contextlib.suppress(httpx.TransportError):
            return self._client.get("/-/ready").status_code == 200
        return False

    def close(self) -> None:
        """Give its connections back."""
        self._client.close()

    def get(self, path: str, **parameters: str | float) -> object:
        """`data` of an answer of its API. Raises ValueError with its words where it refuses."""
        body = self._client.get(f"/api/v1/{path}", params=parameters).json()
        if body["status"] != "success":
            raise ValueError(f"{body['error']}: {parameters}")
        data: object = body["data"]
        return data

    def series(
        self, expr: str, *, at: float, since: float | None = None, step: float = 240.0
    ) -> Sequence[Mapping[str, object]]:
        """What an instant query gives, or with `since` one over a range."""
        if since is None:
            data = self.get("query", query=expr, time=at)
        else:
            data = self.get("query_range", query=expr, start=since, end=at, step=step)
        result: Sequence[Mapping[str, object]] = data["result"]  # type: ignore[index]  # JSON
        return result


def missing() -> str:
    """The command that installs what is missing; empty: nothing is."""
    there = shutil.which("prometheus") and shutil.which("promtool")
    return "" if there else "apt-get install --no-install-recommends prometheus"


def free_port() -> int:
    """One that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(folder: Path, config: str = "", *flags: str) -> Iterator[Prometheus]:
    """A Prometheus with its data in `folder`, until the block ends."""
    (folder / "prometheus.yml").write_text(config or "global: {}\n", encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(  # noqa: S603 - our own command line
        [
            shutil.which("prometheus") or "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address={address}",
            "--log.level=error",
            *flags,
        ],
        env={"GOMAXPROCS": "1"},
    )
    prometheus = Prometheus(f"http://{address}")
    try:
        _wait(process, prometheus)
        yield prometheus
    finally:
        prometheus.close()
        process.kill()
        process.wait(10)


def _wait(process: subprocess.Popen[bytes], prometheus: Prometheus) -> None:
    until = time.monotonic() + 20
    while not prometheus.ready():
        if time.monotonic() > until or process.poll() is not None:
            raise RuntimeError("Prometheus does not start")
        time.sleep(0.05)


@contextlib.contextmanager
def replaying(recording: Recording, folder: Path) -> Iterator[Prometheus]:
    """A Prometheus that has scraped the story in the story's time."""
    text = folder / "recording.om"
    text.write_text(recording.openmetrics(), encoding="utf-8")
    command: list[str | Path] = [
        "promtool",
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        text,
        folder / "data",
    ]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own
    with running(folder, "", "--query.lookback-delta=15m") as prometheus:
        yield prometheus


@contextlib.asynccontextmanager
async def told() -> AsyncIterator[Watched]:
    """A story that is being told, to its end."""
    watched = Watched()
    telling = asyncio.create_task(watched.run())
    try:
        yield watched
        if not await telling:
            raise RuntimeError("the demo's story did not come out right")
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
