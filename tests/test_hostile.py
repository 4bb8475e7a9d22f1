"""Thirty hostile answers at once beside healthy ones: nothing of ours goes with them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Iterator
from itertools import cycle, islice, pairwise
from pathlib import Path

import pytest
from certs import make
from living import Living, daemon

from benchmarks.hostile_server import ALL, World, served
from monitor.core.causes import Cause
from monitor.core.secret import Secret
from monitor.http import Door, HttpFailure, Request

KEY = "planted-key-for-nobody-else"
MALFORMED, LATE = Cause.ANSWER_MALFORMED, Cause.TIMED_OUT
WAYS = {
    "hang": LATE, "drip": LATE, "silent-tls": LATE, "slow-tls": LATE,
    "reset": Cause.PROVIDER_UNREACHABLE, "wrong-tls": Cause.TLS_INVALID,
    **dict.fromkeys(
        (
            "redirect", "gigabyte", "bomb", "endless-json", "endless-headers", "many-headers",
            "huge-header", "endless-continue", "endless-hints", "chunk-extensions", "tiny-chunks",
            "endless-trailers", "nonsense",
        ),
        MALFORMED,
    ),
    "retry-after": Cause.RATE_LIMITED,
}  # fmt: skip


@pytest.fixture(scope="module")
def untrusted(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return make(tmp_path_factory.mktemp("certificate")).server_context()


@pytest.fixture
async def world(untrusted: ssl.SSLContext) -> AsyncIterator[World]:
    async with served(tls=untrusted) as made:
        yield made


async def ending(door: Door, world: World, way: str, seconds: float = 0.5) -> Cause:
    """What a probe with a key and so long a timeout comes to."""
    request = Request(
        "GET", world.address(way), secret_headers={"Authorization": Secret(f"Bearer {KEY}")}
    )
    try:
        async with asyncio.timeout(seconds):
            answer = await door.send(request)
    except TimeoutError:
        return Cause.TIMED_OUT
    except HttpFailure as failure:
        return failure.cause
    return Cause.RATE_LIMITED if answer.status == 429 else Cause.OK


def test_every_hostile_way_has_its_cause_here() -> None:
    assert set(WAYS) == set(ALL)


@pytest.mark.parametrize(("way", "cause"), WAYS.items(), ids=WAYS)
async def test_a_hostile_answer_ends_in_its_cause_and_costs_little(
    world: World, way: str, cause: Cause
) -> None:
    door, began = Door(), time.process_time()
    patient = 0.5 if cause is Cause.TIMED_OUT else 10.0  # a busy machine is no fault of theirs
    assert await ending(door, world, way, patient) is cause
    # Without a bound on what is read these took all of half a second, of one core.
    assert time.process_time() - began < 0.4
    await door.aclose()
    assert world.stolen == []


@pytest.mark.parametrize("way", ["hang", "drip", "silent-tls", "slow-tls"])
async def test_what_is_given_up_is_closed_at_once(world: World, way: str) -> None:
    door, before = Door(), set(os.listdir("/proc/self/fd"))
    port = world.ports.get(way, world.ports["hostile"])
    await asyncio.gather(*(ending(door, world, way) for _ in range(5)))
    ours = [fd for fd in set(os.listdir("/proc/self/fd")) - before if leads_to(int(fd), port)]
    assert ours == []
    await door.aclose()


def leads_to(fd: int, port: int) -> bool:
    """Whether a descriptor is a connection to that port."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(fd)) as found:
        return bool(found.getpeername()[1] == port)
    return False


# -- the daemon ---------------------------------------------------------------------------------


@contextlib.contextmanager
def in_thread(tls: ssl.SSLContext) -> Iterator[World]:
    """The servers, while the test blocks."""
    made: list[World] = []
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def live() -> None:
        async with served(tls=tls) as world:
            made.append(world)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(live(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield made[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


def written(path: Path, world: World, ways: tuple[str, ...]) -> Path:
    """A config of three healthy accounts and of those that are answered in these ways."""
    well = f"http://127.0.0.1:{world.ports['well']}"
    lines = [(f"well{n}", f"{well}/well{n}", 3) for n in range(3)]
    lines += [(f"bad{n}", world.address(way), 2) for n, way in enumerate(ways)]
    path.write_text(
        "accounts:\n"
        + "".join(
            f"  {name}: {{provider: kie, key: {KEY}-{name}, base_url: '{url}',"
            f" balance: {{interval: 2s, timeout: {timeout}s}}}}\n"
            for name, url, timeout in lines
        )
        + 'web: {listen: "127.0.0.1:0"}\n'
    )
    return path


def figure(living: Living, name: str, of: str = "status") -> int:
    text = Path(f"/proc/{living.process.pid}/{of}").read_text()
    return int(next(line for line in text.splitlines() if line.startswith(name)).split()[1])


def connections(living: Living) -> int:
    folder = f"/proc/{living.process.pid}/fd"
    links = (Path(folder, fd) for fd in os.listdir(folder))
    found = 0
    for link in links:
        with contextlib.suppress(OSError):
            found += os.readlink(link).startswith("socket:")
    return found


def test_thirty_hostile_accounts_delay_no_healthy_one(
    untrusted: ssl.SSLContext, tmp_path: Path
) -> None:
    with in_thread(untrusted) as world:
        path = written(tmp_path / "config.yaml", world, tuple(islice(cycle(ALL), 30)))
        with daemon(path) as living:
            healthy = world.healthy
            living.until(lambda: len(healthy) == 3 and all(len(t) > 3 for t in healthy.values()))
            gaps = [b - a for t in healthy.values() for a, b in pairwise(t)]
            assert max(gaps) < 4.0  # an interval, and not an interval more
            assert figure(living, "VmHWM") < 200 * 1024
            under_fire = connections(living)
            written(path, world, ())
            living.process.send_signal(signal.SIGHUP)
            living.until(lambda: 'target="bad0/balance"' not in living.get("/metrics")[1])
            living.until(lambda: connections(living) <= min(under_fire, 16))
            assert living.stop() == 0
        assert world.asked >= 30
        assert world.stolen == []
    assert not [line for line in living.log if KEY in line or "Traceback" in line]
