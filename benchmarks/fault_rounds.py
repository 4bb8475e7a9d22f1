"""A thousand reloads, and SIGTERM at every moment: of the real daemon, in real processes.

    .venv/bin/python -m benchmarks.fault_rounds reloads [--rounds 1000]
    .venv/bin/python -m benchmarks.fault_rounds sigterm [--rounds 40]

`reloads`: an account comes and goes with each reload. Memory and descriptors must be flat after
the first hundred, nobody is told anything twice, and at the end alerts still go out.

`sigterm`: moments spread over the start and the first seconds of work, while balances cross the
line and come back. Each process must end by itself within seconds, with exit code 0 (or as any
process does, where the signal came before Python was up), without a traceback; in the end every
incident was told, opened and resolved, and none of them twice. Exit code 1 where that fails.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks.kill_rounds import _judged
from benchmarks.sidebyside.sides import Side, _rss, free_port, ours, settled
from benchmarks.sidebyside.world import FULL, LOW, World

_TOKEN = "reload-token-0001"  # noqa: S105 - of this benchmark alone
_WARM = 100
_SPAN = 2.5  # starts: as long after one the last SIGTERM comes
_FLAT = 4.0  # MB


async def reloads(folder: Path, rounds: int) -> list[str]:
    """What does not hold; prints what was measured."""
    world, port = World.of(6), free_port()
    await world.open()
    side = ours(world, folder, "1s")
    path, good = _with_token(folder, port)
    try:
        world.move(sorted(world.accounts)[0], LOW)
        side.start()
        await settled(lambda: len(world.mails) >= 1, 30)
        await asyncio.to_thread(_reload, path, good, port, _WARM)
        before = _state(side)
        began = time.perf_counter()
        await asyncio.to_thread(_reload, path, good, port, rounds)
        each = (time.perf_counter() - began) / rounds
        await asyncio.sleep(3)
        after, mails = _state(side), len(world.mails)
        world.move(sorted(world.accounts)[0], FULL)
        await settled(lambda: len(world.mails) > mails, 30)
    finally:
        side.stop()
        await world.close()
    print(
        f"{rounds} reloads, {each * 1000:.1f} ms each: {before[0]:.1f} MB before and"
        f" {after[0]:.1f} after, {before[1]} descriptors and {after[1]}, {mails} mail(s) before"
        f" the end of the alert and {len(world.mails)} after it"
    )
    return _faults(
        {
            "memory grew": after[0] - before[0] > _FLAT,
            "descriptors grew": after[1] - before[1] > 4,
            "a reload told somebody something": mails != 1,
            "the end of the alert was not told once": len(world.mails) != 2,
        }
    )


def _with_token(folder: Path, port: int) -> tuple[Path, str]:
    """The config, and what it says once its page has a token."""
    path = folder / "monitor.yaml"
    kept = [line for line in path.read_text().splitlines() if not line.startswith("web:")]
    good = "\n".join([*kept, f'web: {{listen: "127.0.0.1:{port}", token: {_TOKEN}}}', ""])
    path.write_text(good)
    return path, good


def _reload(path: Path, good: str, port: int, rounds: int) -> None:
    for number in range(rounds):
        more = "  passing: {provider: kie, key: planted-key}\n" if number % 2 else ""
        path.write_text(good.replace("accounts:\n", f"accounts:\n{more}", 1))
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        line.request("POST", "/-/reload", headers={"Authorization": f"Bearer {_TOKEN}"})
        status = line.getresponse().status
        line.close()
        if status >= 300:
            raise SystemExit(f"a reload was answered HTTP {status}")
    path.write_text(good)


def _state(side: Side) -> tuple[float, int]:
    (process,) = side.running.values()
    return _rss(process.pid), len(os.listdir(f"/proc/{process.pid}/fd"))


def _faults(said: dict[str, bool]) -> list[str]:
    return [words for words, holds in said.items() if holds]


async def sigterm(folder: Path, rounds: int) -> list[str]:
    """What does not hold; prints what was measured."""
    world = World.of(6)
    await world.open()
    side, ends, codes = ours(world, folder, "1s"), list[float](), Counter[int]()
    names = sorted(world.accounts)
    try:
        longest = _SPAN * await _up(side, folder)
        await asyncio.to_thread(_end, side)
        for number in range(rounds):
            side.start()
            name = names[number % len(names)]
            low = world.accounts[name].balance < FULL
            await asyncio.sleep(longest * number / rounds)
            world.move(name, FULL if low else LOW)
            await asyncio.sleep(0.05 * (number % 3))
            took, code = await asyncio.to_thread(_end, side)
            ends.append(took)
            codes[code] += 1
        await _up(side, folder)
        for balance in (LOW, FULL):
            for name in names:
                world.move(name, balance)
            await asyncio.sleep(5)
            await settled(_silent(world), 60)
        await asyncio.to_thread(_end, side)
    finally:
        side.stop()
        await world.close()
    verdict, log = await _judged(folder, world), _logged(folder)
    print(
        f"{rounds} SIGTERMs within {longest:.1f} s of a start: {dict(codes)} exit codes, ended in"
        f" {statistics.median(ends):.2f} s (median), {max(ends):.2f} s at most;"
        f" {verdict.incidents} incidents, {verdict.mails} mails, {len(verdict.untold)} untold,"
        f" {verdict.repeats} told again, {verdict.strangers} about no incident"
    )
    return _faults(
        {
            "something was not told": bool(verdict.untold) or verdict.strangers > 0,
            "something was told twice": verdict.repeats > 0,
            "it ended badly": bool(codes.keys() - {0, -signal.SIGTERM}),
            "it took long to end": max(ends) > 10,
            "there is a traceback in its log": b"Traceback" in log,
        }
    )


async def _up(side: Side, folder: Path) -> float:
    """Start; seconds until it works."""
    known, began = _logged(folder).count(b"started "), time.perf_counter()
    side.start()
    await settled(lambda: _logged(folder).count(b"started ") > known, 60)
    return time.perf_counter() - began


def _logged(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("*.log"))


def _silent(world: World) -> Callable[[], bool]:
    return lambda: time.monotonic() - max((m.at for m in world.mails), default=0) > 4


def _end(side: Side) -> tuple[float, int]:
    process: subprocess.Popen[bytes] = side.running.pop(side.alerting)
    began = time.perf_counter()
    process.send_signal(signal.SIGTERM)
    code = process.wait(30)
    return time.perf_counter() - began, code


def main() -> None:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["reloads", "sigterm"])
    parser.add_argument("--rounds", type=int)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.what == "reloads":
            faults = asyncio.run(reloads(Path(folder), args.rounds or 1000))
        else:
            faults = asyncio.run(sigterm(Path(folder), args.rounds or 40))
    print("; ".join(faults) or "all holds")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
