"""A TCP connection to a host, over the first of its addresses that answers (RFC 8305)."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Iterable

STAGGER = 0.25  # seconds that one address has before the next is tried beside it

Address = tuple[int, tuple[object, ...]]  # family, and what connect takes


async def dial(host: str, port: int) -> socket.socket:
    """A connected socket. Raises OSError, or a group of them where several addresses failed."""
    return await race(await addresses(host, port))


async def addresses(host: str, port: int) -> list[Address]:
    """Where a host is, families by turns so that a broken one costs a moment. Raises OSError."""
    for family in (socket.AF_INET, socket.AF_INET6):
        if _is_literal(family, host):  # needs no resolver, and no thread
            return [(family, (host, port))]
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # a..b, or a label of over 63 letters: nobody can have that name
        raise socket.gaierror(socket.EAI_NONAME, "no name") from None
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "no address")
    return by_turns((int(family), place) for family, _, _, _, place in found)


def by_turns(found: Iterable[Address]) -> list[Address]:
    """Each address once, the first family's first, then one of each family in turn."""
    families: dict[int, deque[Address]] = {}
    for address in dict.fromkeys(found):
        families.setdefault(address[0], deque()).append(address)
    out = []
    while families:
        for family, waiting in list(families.items()):
            out.append(waiting.popleft())
            if not waiting:
                del families[family]
    return out


def _is_literal(family: int, host: str) -> bool:
    try:
        socket.inet_pton(family, host)
    except OSError:
        return False
    return True


async def _attempt(address: Address) -> socket.socket:
    family, place = address
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, place)
    except BaseException:
        made.close()
        raise
    return made


async def race(found: Iterable[Address], stagger: float = STAGGER) -> socket.socket:
    """A socket connected to the first address that answers; each has `stagger` seconds alone."""
    waiting = deque(found)
    if len(waiting) == 1:
        return await _attempt(waiting[0])
    under_way: set[asyncio.Task[socket.socket]] = set()
    failed: list[Exception] = []
    try:
        while waiting or under_way:
            if waiting:
                under_way.add(asyncio.create_task(_attempt(waiting.popleft())))
            patience = stagger if waiting else None
            await asyncio.wait(under_way, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            for task in [t for t in under_way if t.done()]:
                under_way.discard(task)
                if (made := _outcome(task, failed)) is not None:
                    return made
    finally:
        _give_up(under_way)
    raise ExceptionGroup("no address answered", failed)


def _outcome(task: asyncio.Task[socket.socket], failed: list[Exception]) -> socket.socket | None:
    try:
        return task.result()
    except Exception as error:  # noqa: BLE001 - each is told where none has answered
        failed.append(error)
        return None


def _give_up(tasks: set[asyncio.Task[socket.socket]]) -> None:
    """End the attempts that nobody waits for; one that has succeeded meanwhile is closed.

    They end in the next pass of the loop. Whoever waited for that could be cancelled meanwhile,
    and would lose the socket that it has in hand.
    """
    for task in tasks:
        task.add_done_callback(_close)
        task.cancel()


def _close(ended: asyncio.Task[socket.socket]) -> None:
    if not ended.cancelled() and ended.exception() is None:
        ended.result().close()
