"""Hostile answers beside healthy ones: how late the healthy ones are, and what it costs.

    .venv/bin/python -m benchmarks.hostile [--hostile 300] [--healthy 20] [--seconds 60]

The daemon is the real one. The hostile servers are a process of their own and the healthy one is
another, so that nobody is late because a server was. Exit code 1 where a healthy target was asked
later than an interval after it was due, the daemon took 200 MB, descriptors did not come back when
the hostile accounts were taken out of the config, or a key went where it did not belong.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import ssl
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle, islice, pairwise
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.hostile_server import ALL, World, served
from benchmarks.load import certificate, start
from benchmarks.sidebyside.sides import _cpu

_MOST = 200  # MB
_SPARE = 24  # connections of healthy ones, of the page and of what is just being closed


def _serve(pipe: Connection, pair: tuple[str, str]) -> None:
    """The servers, until they are asked what they saw."""

    async def live() -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*pair)
        async with served(tls=context) as world:
            pipe.send(world.ports)
            loop = asyncio.get_running_loop()
            while await loop.run_in_executor(None, pipe.recv):
                pipe.send((world.healthy, world.asked, world.stolen))

    asyncio.run(live())


class _Server:
    """One process of servers."""

    def __init__(self, pair: tuple[str, str]) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.Process(target=_serve, args=(theirs, pair), daemon=True)
        self._process.start()
        self.world = World(ports=self._pipe.recv())

    def look(self) -> World:
        """What it has seen so far."""
        self._pipe.send(True)
        self.world.healthy, self.world.asked, self.world.stolen = self._pipe.recv()
        return self.world

    def end(self) -> None:
        self._process.kill()
        self._process.join()


def config(
    folder: Path, hostile: World, well: World, args: argparse.Namespace, count: int
) -> Path:
    """Healthy accounts, and `count` hostile ones, each way as often as every other."""
    address = f"http://127.0.0.1:{well.ports['well']}"
    lines = [(f"well{n:03}", f"{address}/well{n:03}") for n in range(args.healthy)]
    lines += [
        (f"bad{n:03}-{way}", hostile.address(way))
        for n, way in enumerate(islice(cycle(ALL), count))
    ]
    path = folder / "monitor.yaml"
    path.write_text(
        "accounts:\n"
        + "".join(
            f"  {name}: {{provider: kie, key: planted-key-{name}, base_url: '{url}',"
            f" balance: {{interval: {args.interval:g}s, timeout: {args.timeout:g}s}}}}\n"
            for name, url in lines
        )
        + "web: {listen: '127.0.0.1:0'}\ndatabase: monitor.db\n"
    )
    return path


def _figure(pid: int, name: str) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith(name)).split()[1])


def _files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


@dataclass(frozen=True)
class Figures:
    """What was measured."""

    probes: int  # of healthy targets
    late: float  # seconds beyond the interval, the worst
    late_99: float
    megabytes: float
    files: int  # at most
    files_after: int
    cpu: float  # share of one core
    hostile: int  # answers
    stolen: int

    def faults(self, interval: float) -> list[str]:
        """What does not hold."""
        said = {
            "a healthy target was late by more than its interval": self.late > interval,
            "too much memory": self.megabytes > _MOST,
            "descriptors did not come back": self.files_after > _SPARE + 20,
            "a key went where it does not belong": self.stolen > 0,
        }
        return [words for words, holds in said.items() if holds]


def _gaps(healthy: Mapping[str, list[float]], since: float) -> list[float]:
    return sorted(b - a for times in healthy.values() for a, b in pairwise(times) if a > since)


def measure(args: argparse.Namespace, folder: Path) -> Figures:
    """Start, let it settle, look on, take the hostile ones away."""
    pair = certificate(folder)
    hostile, well = _Server(pair), _Server(pair)
    path = config(folder, hostile.world, well.world, args, args.hostile)
    process = start(path, {"RUNTIME_DIRECTORY": str(folder)})
    try:
        while len(well.look().healthy) < args.healthy or hostile.look().asked < args.hostile / 2:
            time.sleep(0.2)
            if process.poll() is not None:
                raise SystemExit((folder / "monitor.log").read_text()[-2000:])
        since, began, cpu = time.monotonic(), time.perf_counter(), _cpu(process.pid)
        most = 0
        while time.perf_counter() - began < args.seconds:
            time.sleep(0.5)
            most = max(most, _files(process.pid))
        spent = (_cpu(process.pid) - cpu) / (time.perf_counter() - began)
        gaps = _gaps(well.look().healthy, since)
        peak = _figure(process.pid, "VmHWM") / 1024
        config(folder, hostile.world, well.world, args, 0)
        os.kill(process.pid, 1)
        time.sleep(args.timeout + 5)
        after, seen = _files(process.pid), hostile.look()
    finally:
        process.kill()
        process.wait()
        hostile.end()
        well.end()
    if b"Traceback" in (log := (folder / "monitor.log").read_bytes()) or b"planted-key" in log:
        raise SystemExit(f"the log shows what it must not:\n{log[-4000:].decode()}")
    late = [gap - args.interval for gap in gaps]
    return Figures(
        len(gaps), late[-1], late[int(len(late) * 0.99)], peak, most, after, spent, seen.asked,
        len(seen.stolen),
    )  # fmt: skip


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hostile", type=int, default=300)
    parser.add_argument("--healthy", type=int, default=20)
    parser.add_argument("--interval", type=float, default=2, help="seconds")
    parser.add_argument("--timeout", type=float, default=10, help="seconds, of every account")
    parser.add_argument("--seconds", type=float, default=60)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(args, Path(folder))
    print(
        f"{args.hostile} hostile accounts beside {args.healthy} healthy ones, every"
        f" {args.interval:g} s: {found.probes} healthy probes, late by"
        f" {found.late_99 * 1000:.0f} ms (99 %), {found.late * 1000:.0f} ms at most;"
        f" {found.megabytes:.0f} MB, {found.files} files open at most, {found.files_after} after"
        " the hostile ones left;"
        f" {found.cpu * 100:.0f} % of a core, {found.hostile} hostile answers, {found.stolen} keys"
        " gone astray"
    )
    faults = found.faults(args.interval)
    print("; ".join(faults) or "all holds")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
