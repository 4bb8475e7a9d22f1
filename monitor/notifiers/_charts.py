"""Has charts drawn by another process: short-lived, bounded, without secrets, one at a time.

matplotlib takes half a second to import and 70 MB: the daemon does neither. The process is started
when a chart is wanted, stays warm for what else is said about it, and ends when nothing is; it
ends by itself when we do, however we end.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from signal import SIGKILL

from monitor.core.chart import Chart
from monitor.notifiers._chart import NO_LIBRARY

log = logging.getLogger("monitor.notifiers.charts")

# By the library's own name: `monitor` may be somebody else's on a public index.
HOW = f"{sys.executable} -m pip install 'matplotlib>=3.10'"
LIMIT = 5.0  # seconds for one drawing, the start of the process included
WARM = 60.0  # seconds the process waits for another one
REST = 60.0  # seconds after a failure in which nothing is tried
LARGEST = 200_000  # bytes of a picture: a mail has to stay light
_PROGRAM = (sys.executable, "-I", str(Path(__file__).with_name("_chart.py")))
_REAPED = 1.0  # seconds until the exit code of a process that has closed its stdout is known
_KEPT = 8  # pictures: what one receiver was shown the next is shown too
_MOST = 64  # drawings at once, one after the other
_PNG, _END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"


def missing() -> str:
    """Why there are no charts, in one line; empty if there are."""
    found = find_spec("matplotlib") is not None
    return "" if found else f"mails go out without the balance's chart; to have it: {HOW}"


def cache_folder(env: Mapping[str, str]) -> dict[str, str]:
    """Where the library may keep its list of fonts; nothing: in a folder that ends with it."""
    home = env.get("HOME", "")
    above = env.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home.startswith("/") else "")
    folder = env.get("CACHE_DIRECTORY") or (f"{above}/monitor" if above else "")
    return {"MPLCONFIGDIR": f"{folder}/charts"} if folder else {}


class Charts:
    """Draws charts. Never raises but CancelledError: what cannot be drawn is an empty picture."""

    def __init__(
        self,
        *,
        program: tuple[str, ...] = _PROGRAM,
        limit: float = LIMIT,
        warm: float = WARM,
        env: Mapping[str, str] = os.environ,
    ) -> None:
        self._program, self._limit, self._warm = program, limit, warm
        # Nothing else of the daemon's environment: it may hold keys.
        self._env = {
            "PATH": "/nonexistent",  # it has no program to run
            "LC_ALL": "C.UTF-8",
            "OPENBLAS_NUM_THREADS": "1",
            **cache_folder(env),
        }
        self._process: Process | None = None
        self._one = asyncio.Lock()
        self._drawings: dict[Chart, asyncio.Task[bytes]] = {}
        self._idle: asyncio.TimerHandle | None = None
        self._rests_until = 0.0

    @property
    def process_id(self) -> int | None:
        """The process that draws; None where there is none."""
        return None if self._process is None else self._process.pid

    async def draw(self, chart: Chart, patience: float) -> bytes:
        """A PNG; empty if there is none within `patience` seconds, or none to be had.

        A drawing that takes longer goes on, for whoever asks for the same one next.
        """
        if not self._program or asyncio.get_running_loop().time() < self._rests_until:
            return b""
        task = self._drawings.get(chart)
        if task is None:
            for old in [c for c, t in self._drawings.items() if t.done()][: -_KEPT + 1]:
                del self._drawings[old]
            if len(self._drawings) >= _MOST:
                return b""
            task = self._drawings[chart] = asyncio.create_task(self._drawn(chart), name="chart")
        await asyncio.wait({task}, timeout=patience)
        return task.result() if task.done() and not task.cancelled() else b""

    async def expect(self) -> None:
        """Start the process, or keep it warm: a drawing may soon be wanted."""
        resting = asyncio.get_running_loop().time() < self._rests_until
        if not self._program or resting or self._one.locked():
            return
        async with self._one:
            if self._process is not None and self._process.returncode:
                await self._fail(EOFError("the process that draws ended by itself"))
                return
            with suppress(OSError):  # a drawing will find the same, and say so
                await self._running()
            self._stay_warm()

    async def aclose(self) -> None:
        """End the process; nothing is drawn any more."""
        self._program = ()
        tasks = tuple(self._drawings.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._end()

    # -- one drawing ------------------------------------------------------------------------

    async def _drawn(self, chart: Chart) -> bytes:
        async with self._one:
            if asyncio.get_running_loop().time() < self._rests_until:
                return b""  # the one before it has just failed
            try:
                async with asyncio.timeout(self._limit):
                    return await self._ask(_order(chart))
            except asyncio.CancelledError:
                await self._end()  # it is in the middle of something
                raise
            except Exception as error:  # noqa: BLE001 - no picture is worth an alert
                await self._fail(error)
                return b""
            finally:
                self._stay_warm()

    async def _ask(self, order: bytes) -> bytes:
        """Raises OSError, EOFError or ValueError for a process that does not do its work."""
        process = await self._running()
        if process.stdin is None or process.stdout is None:
            raise OSError("no way to the process")
        process.stdin.write(len(order).to_bytes(4, "big") + order)
        await process.stdin.drain()
        size = int.from_bytes(await process.stdout.readexactly(4), "big")
        if size > LARGEST:
            raise ValueError(f"a picture of {size} bytes")
        picture = await process.stdout.readexactly(size)
        if not (picture.startswith(_PNG) and picture.endswith(_END)):
            raise ValueError("what came is no picture")
        return picture

    async def _running(self) -> Process:
        if self._process is None or not _alive(self._process):
            self._process = await asyncio.create_subprocess_exec(
                *self._program, stdin=PIPE, stdout=PIPE, stderr=DEVNULL,
                env=self._env, cwd="/", start_new_session=True,
            )  # fmt: skip
        return self._process

    async def _fail(self, error: Exception) -> None:
        self._rests_until = asyncio.get_running_loop().time() + REST
        code = await self._end(_REAPED if isinstance(error, (EOFError, ConnectionError)) else 0.0)
        if code == NO_LIBRARY:
            log.warning("no chart: matplotlib cannot be imported; to have it: %s", HOW)
            return
        slow = isinstance(error, TimeoutError)
        why = f"it took over {self._limit:g} s" if slow else str(error) or type(error).__name__
        log.warning("a mail goes out without its chart: %s", why)

    # -- its end ----------------------------------------------------------------------------

    def _stay_warm(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        if self._process is not None:
            loop = asyncio.get_running_loop()
            self._idle = loop.call_later(self._warm, self._dismiss)

    def _dismiss(self) -> None:
        """Close its stdin: it ends by itself, and asyncio reaps it."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    async def _end(self, grace: float = 0.0) -> int | None:
        """Kill the process and wait for it; its exit code if it ended by itself within `grace`."""
        if self._idle is not None:
            self._idle.cancel()
        process, self._process = self._process, None
        if process is None:
            return None
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                return await process.wait()
        # Not process.kill(): it looks whether the process has ended, and takes its exit code away
        # from asyncio, which then warns of an unknown child.
        with suppress(ProcessLookupError):
            os.kill(process.pid, SIGKILL)
        return await process.wait()


def _alive(process: Process) -> bool:
    """Whether it can be asked: it runs, and was not told to end."""
    stdin = process.stdin
    return process.returncode is None and stdin is not None and not stdin.is_closing()


def _order(chart: Chart) -> bytes:
    ahead = chart.ahead
    ends = None if ahead is None else [_hours(h) for h in (ahead.soon, ahead.middle, ahead.late)]
    order = {
        "first": chart.first,
        "last": chart.last,
        "points": chart.points,
        "rises": chart.rises,
        "floor": chart.floor,
        "ahead": ends,
        "ticks": chart.ticks,
        "title": chart.title,
        "now_words": chart.now_words,
        "floor_words": chart.floor_words,
        "end_words": chart.end_words,
    }
    return json.dumps(order, allow_nan=False).encode()


def _hours(value: float) -> float | None:
    return value if math.isfinite(value) else None
