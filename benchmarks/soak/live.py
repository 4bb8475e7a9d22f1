"""The real daemon for half an hour, at intervals of a second, with faults that come and go.

    .venv/bin/python -m benchmarks.soak.live [--for 30m] [--seed N] [--folder DIR]

The daemon is a process of its own against the simulated world; mail goes to a real SMTP server,
which is down now and then. Its page and its metrics are fetched, it is reloaded, silenced and
acknowledged all the while. Every 10 s memory, descriptors, threads and the database's size are
looked at. Exit code 1 where the second half grows beyond noise, where a trouble was not told, an
end not told to whom its opening was, or anything told twice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.soak.gauges import Gauge, grown, look, table
from benchmarks.soak.live_troubles import BALANCE, TROUBLES, Trouble, config
from benchmarks.soak.post import Post
from monitor.control import ask, socket_paths
from monitor.core.durations import parse_duration
from monitor.core.incident import Kind, notification_id
from monitor.demo.world import World
from monitor.store.sqlite import SqliteStore

_EVERY = 10.0  # seconds between two looks
_TOLD_WITHIN = 25.0  # seconds: three probes that time out, whoever else is asked, a slow machine
_REST = 6.0  # seconds without trouble between two troubles
_PROBES = re.compile(r"^monitor_probes_total\{.*\} (\S+)$", re.MULTILINE)


class Soak:
    """One daemon, its world, and what is done to both."""

    def __init__(self, world: World, post: Post, folder: Path, chance: random.Random) -> None:
        self.world, self.post, self.folder, self.chance = world, post, folder, chance
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.gauges: list[Gauge] = []
        self.port, self.began = 0, time.monotonic()
        self._process: asyncio.subprocess.Process

    async def start(self, path: Path) -> None:
        """Start the daemon, and wait for its page."""
        kept = {k: v for k, v in os.environ.items() if k in {"PATH", "LANG"}}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "monitor", "--config", str(path), "--log-format", "json",
            env={**kept, "HOME": str(self.folder), "RUNTIME_DIRECTORY": str(self.folder)},
            stderr=asyncio.subprocess.PIPE, limit=2**20,
        )  # fmt: skip
        started, self._reader = asyncio.Event(), asyncio.create_task(asyncio.sleep(0))
        self._reader = asyncio.create_task(self._read(started))
        async with asyncio.timeout(20):
            await started.wait()

    async def _read(self, started: asyncio.Event) -> None:
        assert self._process.stderr is not None
        with (self.folder / "monitor.log").open("ab") as log:
            async for line in self._process.stderr:
                log.write(line)
                event = json.loads(line)
                if event.get("event") == "started":
                    self.port = event["web"]
                    started.set()
                if "defect" in str(event.get("event")):
                    self.wrong.append(f"the log says: {event['event']}")

    async def stop(self) -> None:
        """Ask it to end, as systemd does."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        code = await self._process.wait()
        await self._reader
        if code:
            self.wrong.append(f"it ended with {code}")

    # -- what is done to it -------------------------------------------------------------------

    async def troubles(self) -> None:
        """One after the other, for ever: each is told before it ends."""
        while True:
            chosen = self.chance.sample(TROUBLES, len(TROUBLES))
            for trouble in chosen:
                await self._suffer(trouble)

    async def _suffer(self, trouble: Trouble) -> None:
        self.done[trouble.name] += 1
        no_mail, silenced = self.chance.random() < 0.2, self.chance.random() < 0.2
        if no_mail:
            await self.post.down()
            self.done["the mail server is down"] += 1
        if silenced:
            await self._operate(do="silence", targets="*", **{"for": "5s"})
        trouble.begin(self.world)
        if no_mail:
            await asyncio.sleep(8)
            await self.post.up()
        if not await self._until(lambda: self.post.knows(trouble.alert, trouble.target)):
            self.wrong.append(f"{trouble.name}: {trouble.alert} was not told in time")
        if self.chance.random() < 0.3:
            await self._operate(do="ack", targets=trouble.target)
        trouble.end(self.world)
        if not await self._until(lambda: not self.post.knows(trouble.alert, trouble.target)):
            self.wrong.append(f"{trouble.name}: the end of {trouble.alert} was not told in time")
        await asyncio.sleep(_REST)

    async def _until(self, holds: Callable[[], bool]) -> bool:
        end = time.monotonic() + _TOLD_WITHIN
        while not holds() and time.monotonic() < end:  # noqa: ASYNC110 - another process moves it
            await asyncio.sleep(0.2)
        return holds()

    async def _operate(self, **asked: str) -> None:
        database = str(self.folder.absolute() / "monitor.db")
        paths = socket_paths(database, {"RUNTIME_DIRECTORY": str(self.folder)})
        words = {"database": database, "author": "soak", "comment": "to see what it does"}
        question = {**words, **asked}
        reply = await asyncio.to_thread(ask, paths, question)
        self.done[asked["do"]] += 1
        if reply is None or "error" in reply:
            self.wrong.append(f"{asked['do']}: {reply}")

    async def visits(self) -> None:
        """Somebody has the page open, somebody scrapes, somebody edits the config."""
        rounds = 0
        while True:
            for path in ("/", "/metrics", "/api/v1/status", f"/api/v1/history/{BALANCE}"):
                await self.get(path)
                await asyncio.sleep(0.5)
            rounds += 1
            if rounds % 15 == 0:
                self._process.send_signal(signal.SIGHUP)
                self.done["reload"] += 1

    async def get(self, path: str) -> str:
        """One page."""
        url = f"http://127.0.0.1:{self.port}{path}"

        def fetch() -> str:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return str(answer.read().decode())

        self.done["page"] += 1
        return await asyncio.to_thread(fetch)

    async def looks(self) -> None:
        """A gauge every 10 s."""
        while True:
            probes = sum(float(n) for n in _PROBES.findall(await self.get("/metrics")))
            seconds = time.monotonic() - self.began
            self.gauges.append(
                look(self._process.pid, self.folder / "monitor.db", seconds=seconds,
                     probes=int(probes))
            )  # fmt: skip
            if len(self.gauges) % 6 == 0:
                print(table(self.gauges[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
            await asyncio.sleep(_EVERY)

    # -- what came of it ----------------------------------------------------------------------

    async def judge(self) -> None:
        """Whether all that the database knows was told, once."""
        store = SqliteStore(self.folder / "monitor.db", read_only=True)
        stored = await store.load(datetime(2000, 1, 1, tzinfo=UTC))
        await store.close()
        heard = {m.id for m in self.post.letters}
        known = {
            notification_id(i.id, kind, n, "oncall"): (i, kind)
            for i in stored.incidents
            for kind in Kind
            for n in range(20)
        }
        self.wrong += [f"{name} came twice" for name in self.post.twice()]
        strangers = [m for m in self.post.letters if m.id not in known]
        self.wrong += [f"a {m.kind} of {m.alert} about no incident" for m in strangers]
        for incident in stored.incidents:
            opened, resolved = (
                notification_id(incident.id, kind, 0, "oncall")
                for kind in (Kind.OPENED, Kind.RESOLVED)
            )
            if opened in heard and not incident.open and resolved not in heard:
                self.wrong.append(f"the end of {incident.alert} on {incident.target} was not told")
        self.wrong += [f"{v}" for v in (*self.world.kie.wrong, *self.world.huggingface.wrong)]
        self.wrong += grown(self.gauges)
        self.done["incidents"] = len(stored.incidents)
        self.done["mails"] = len(self.post.letters)


async def soak(folder: Path, seconds: float, seed: int) -> Soak:
    """Let it run for so long, then end it and look."""
    post = Post()
    async with World() as world:
        await post.up()
        world.huggingface.whoami_limit = None  # at an interval of a second it would be all we see
        chance = random.Random(seed)  # noqa: S311 - chance that can be repeated
        here = Soak(world, post, folder, chance)
        try:
            await _lived(here, config(world, post, folder), seconds)
        finally:
            await here.stop()
            await post.down()
        await here.judge()
    return here


async def _lived(here: Soak, path: Path, seconds: float) -> None:
    await here.start(path)
    work = [asyncio.create_task(w()) for w in (here.troubles, here.visits, here.looks)]
    done, _ = await asyncio.wait(work, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    here.wrong += [f"the soak itself fell: {task.exception()!r}" for task in done]
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)


def main() -> None:
    """Soak, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--for", dest="long", default="30m", help="how long (default 30m)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="keep config, log and database there")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as spare:
        folder = Path(args.folder or spare)
        folder.mkdir(parents=True, exist_ok=True)
        found = asyncio.run(soak(folder, parse_duration(args.long), args.seed))
    print(table(found.gauges))
    print("\n" + ", ".join(f"{name} {n}" for name, n in sorted(found.done.items())))
    for fault in found.wrong:
        print(f"WRONG: {fault}")
    print("wrong" if found.wrong else "nothing grew, nothing was lost, nothing was told twice")
    sys.exit(bool(found.wrong))


if __name__ == "__main__":
    main()
