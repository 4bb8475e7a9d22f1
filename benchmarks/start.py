"""What a start costs, beside `python -c 'import httpx'`, which every probe needs.

    .venv/bin/python -m benchmarks.start [--runs 21] [--profile]

Every command is a process of its own, with Python's compiled files in place as an installation
has them (`pip` compiles; `PYTHONDONTWRITEBYTECODE` is not passed on). The commands take turns, so
that what else the machine does meets all of them; the first turn warms up and is not counted. CPU
is user and system time of that process and its children, as the kernel counts it.

`--once` asks one KIE account, at a server on 127.0.0.1 that answers at once, with a database that
is not there yet. `--profile` prints what it imports, by Python's own `-X importtime`, which does
not list what `importlib.import_module` loads, but what that loads in turn.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_BODY = b'{"code": 200, "msg": "success", "data": 5916.25}'
_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|( +)(\S+)")
BASE = "import httpx"


class _Kie(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(_BODY)))
        self.end_headers()
        self.wfile.write(_BODY)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the commands' output is thrown away as well."""


@contextmanager
def kie() -> Iterator[str]:
    """The origin of a server that answers as KIE does, at once."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Kie)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def config(folder: Path, origin: str) -> Path:
    """A config of one account, and of a database that is not there."""
    path = folder / "config.yaml"
    lines = ("accounts:", "  kie:", "    key: not-a-real-key", f"    base_url: {origin}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took, in milliseconds."""

    cpu: float
    wall: float


def commands(path: Path) -> dict[str, list[str]]:
    """What is measured, by the name it has in the table."""
    monitor, given = ["-m", "monitor"], ["--config", str(path)]
    return {
        BASE: ["-c", BASE],
        "monitor --version": [*monitor, "--version"],
        "monitor --help": [*monitor, "--help"],
        "monitor check-config": [*monitor, "check-config", *given],
        "monitor --once": [*monitor, "--once", *given],
    }


def compiled(folder: Path) -> dict[str, str]:
    """The environment of a command whose modules are compiled once, and kept."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder)}


def run(words: Sequence[str], env: Mapping[str, str]) -> Cost:
    """One run, to its end. Raises CalledProcessError where it goes wrong."""
    nowhere, began = subprocess.DEVNULL, time.perf_counter()
    asked = [sys.executable, *words]
    process = subprocess.Popen(asked, env=env, stdout=nowhere, stderr=nowhere)  # noqa: S603 - ours
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(words))
    took = time.perf_counter() - began
    return Cost((used.ru_utime + used.ru_stime) * 1000, took * 1000)


def measure(
    asked: Mapping[str, Sequence[str]], env: Mapping[str, str], runs: int
) -> dict[str, list[Cost]]:
    """Every command as often as `runs`, in turns."""
    found: dict[str, list[Cost]] = {name: [] for name in asked}
    for turn in range(runs + 1):
        for name, words in asked.items():
            cost = run(words, env)
            if turn:
                found[name].append(cost)
    return found


def table(found: Mapping[str, Sequence[Cost]]) -> Iterator[str]:
    """Medians, the middle half, and how many times the import they are, for Markdown."""
    yield "| | CPU, ms | middle half | times `import httpx` | wall, ms | times |"
    yield "|---|---|---|---|---|---|"
    cpu_base = statistics.median(c.cpu for c in found[BASE])
    wall_base = statistics.median(c.wall for c in found[BASE])
    for name, costs in found.items():
        low, cpu, high = statistics.quantiles([c.cpu for c in costs], n=4)
        wall = statistics.median(c.wall for c in costs)
        spread = f"{low:.0f}-{high:.0f}"
        ratios = f"{cpu / cpu_base:.2f} | {wall:.0f} | {wall / wall_base:.2f}"
        yield f"| `{name}` | {cpu:.0f} | {spread} | {ratios} |"


@dataclass(frozen=True, slots=True)
class Imported:
    """A module, and what it took to import: itself, and with all it loads. Milliseconds."""

    name: str
    own: float
    whole: float


def imported(words: Sequence[str], env: Mapping[str, str]) -> list[Imported]:
    """What a command imports, in the order in which it is done."""
    asked = [sys.executable, "-X", "importtime", *words]
    said = subprocess.run(asked, env=env, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    rows = (_LINE.match(line) for line in said.stderr.splitlines())
    return [Imported(m[4], int(m[1]) / 1000, int(m[2]) / 1000) for m in rows if m]


def profile(modules: Sequence[Imported], most: int = 20) -> Iterator[str]:
    """The packages that take most, and the modules that do with all they load."""
    own: dict[str, float] = defaultdict(float)
    count = Counter(_package(module.name) for module in modules)
    for module in modules:
        own[_package(module.name)] += module.own
    yield f"{len(modules)} modules, {sum(m.own for m in modules):.0f} ms under the profiler"
    yield "\n| package | modules | own ms |\n|---|---|---|"
    first = sorted(own, key=lambda name: -own[name])[:most]
    yield from (f"| {name} | {count[name]} | {own[name]:.1f} |" for name in first)
    yield "\n| module, with all it loads | ms |\n|---|---|"
    dearest = sorted(modules, key=lambda m: -m.whole)[:most]
    yield from (f"| {m.name} | {m.whole:.1f} |" for m in dearest)


def _package(module: str) -> str:
    """Of ours the part of the house, of others' the library."""
    return ".".join(module.split(".")[: 2 if module.startswith("monitor.") else 1])


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(prog="benchmarks.start", description=__doc__)
    parser.add_argument("--runs", type=int, default=21, help="of each command")
    parser.add_argument("--profile", action="store_true", help="what `--once` imports")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, kie() as origin:
        env, words = compiled(Path(name) / "compiled"), commands(config(Path(name), origin))
        if asked.profile:
            run(words["monitor --once"], env)
            print("\n".join(profile(imported(words["monitor --once"], env))))
        else:
            print("\n".join(table(measure(words, env, asked.runs))))


if __name__ == "__main__":
    main()
