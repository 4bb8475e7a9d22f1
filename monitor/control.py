"""What the command line asks of a running daemon: one line of JSON over a Unix socket.

An operator's shell has neither the daemon's secrets nor its rights to files; the socket has the
rights of its folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

Handler = Callable[[Mapping[str, str]], Awaitable[Mapping[str, object]]]
OTHER_DATABASE = "this daemon keeps another database"
_LIMIT = 64 * 1024  # bytes of a line


def socket_paths(database: str, env: Mapping[str, str]) -> tuple[Path, ...]:
    """Where the socket may be: $RUNTIME_DIRECTORY, default /run/monitor, else by the database."""
    runtime = Path(env.get("RUNTIME_DIRECTORY", "/run/monitor"))
    beside = Path(database)
    return runtime / "monitor.sock", beside.with_name(beside.name + ".sock")


@contextlib.asynccontextmanager
async def listening(paths: tuple[Path, ...], handler: Handler) -> AsyncIterator[Path | None]:
    """Answer on the first of `paths` that can be bound; yields it, or None.

    The last is the database's own: whoever leads there takes it, from one that hangs as well.
    """
    server, bound, ours = None, None, None
    for path in paths:
        try:
            server = await _listen(path, handler, by_right=path == paths[-1])
            bound, ours = path, path.stat().st_ino
            break
        except OSError:
            continue
    try:
        yield bound
    finally:
        if server is not None and bound is not None:
            server.close()
            with contextlib.suppress(OSError):
                if bound.stat().st_ino == ours:  # not another's, who has taken over meanwhile
                    bound.unlink()


def _clear(path: Path, *, by_right: bool) -> None:
    """Remove what a process that was killed has left; a living one's only where it is ours."""
    if path.is_socket():
        if not by_right and _alive(path):
            raise OSError(errno.EADDRINUSE, "another daemon listens there")
        path.unlink()


async def _listen(path: Path, handler: Handler, *, by_right: bool) -> asyncio.AbstractServer:
    _clear(path, by_right=by_right)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _answer(reader, writer, handler)

    server = await asyncio.start_unix_server(answer, str(path), limit=_LIMIT)
    os.chmod(path, 0o660)
    return server


def _alive(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler
) -> None:
    try:
        async with asyncio.timeout(5):
            line = await reader.readline()
        asked = json.loads(line)
        if not isinstance(asked, dict):
            raise ValueError("not an object")  # noqa: TRY301, TRY004 - answered below
        reply = await handler({str(k): str(v) for k, v in asked.items()})
    except (ValueError, TimeoutError, OSError) as error:
        reply = {"error": f"not understood: {error}"}
    with contextlib.suppress(OSError):
        writer.write(json.dumps(reply).encode() + b"\n")
        await writer.drain()
    writer.close()


def ask(
    paths: tuple[Path, ...], question: Mapping[str, str], *, timeout: float = 10.0
) -> Mapping[str, object] | None:
    """The daemon's reply, or None where nobody listens on any of `paths`.

    The database's own is asked first: a daemon that hangs may still hold the other.
    """
    for path in reversed(paths):
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(timeout)
            try:
                line.connect(str(path))
                line.sendall(json.dumps(dict(question)).encode() + b"\n")
                reply = line.makefile("rb").readline()
            except OSError:
                continue
        if reply:
            found = json.loads(reply)
            if isinstance(found, dict) and found.get("error") != OTHER_DATABASE:
                return found
    return None
