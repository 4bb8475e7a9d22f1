"""A process that has imported the command line and forks for each command.

To start Python and to import costs more than what most tests of a command look at. A command runs
in a process of its own all the same: its exit code, its output and its environment are real.

`python zygote.py FD`: answers on the socket FD. One line of JSON comes with the files for stdin,
stdout and stderr; the exit code goes back.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile

_LONGEST = 1 << 20  # bytes of a request
_lock = threading.Lock()
_parents: dict[int, socket.socket] = {}  # by process: a worker that was forked has its own


def run(
    words: Sequence[str], env: Mapping[str, str], *, cwd: str = ".", stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """`monitor WORDS` in that environment and folder, to its end."""
    with _lock, TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
        given.write(stdin.encode())
        given.seek(0)
        line = _parent()
        asked = json.dumps({"words": list(words), "env": dict(env), "cwd": cwd}).encode()
        socket.send_fds(line, [asked], [f.fileno() for f in (given, out, err)])
        code = json.loads(line.recv(64))
        said = [_read(f) for f in (out, err)]
    return subprocess.CompletedProcess(["monitor", *words], code, *said)


def _read(file: object) -> str:
    file.seek(0)  # type: ignore[attr-defined]  # a temporary file
    return file.read().decode().replace("\r\n", "\n")  # type: ignore[attr-defined]


def _parent() -> socket.socket:
    found = _parents.get(os.getpid())
    if found is None:
        found, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        process = subprocess.Popen(
            [sys.executable, __file__, str(theirs.fileno())], pass_fds=(theirs.fileno(),)
        )
        theirs.close()
        _parents[os.getpid()] = found
        atexit.register(_end, found, process)
    return found


def _end(line: socket.socket, process: subprocess.Popen[bytes]) -> None:
    line.close()
    process.wait(10)


# -- the process itself -------------------------------------------------------------------------


def serve(line: socket.socket) -> None:
    """Fork for each request until nobody asks any more."""
    _import_everything()
    while True:
        asked, files, _, _ = socket.recv_fds(line, _LONGEST, 3)
        if not asked:
            return
        child = os.fork()
        if child == 0:
            line.close()
            os._exit(_command(json.loads(asked), files))
        for file in files:
            os.close(file)
        _, status = os.waitpid(child, 0)
        line.send(json.dumps(os.waitstatus_to_exitcode(status)).encode())


def _import_everything() -> None:
    import structlog  # noqa: F401 - with the first record

    import monitor.app
    import monitor.channels
    import monitor.cli.commands
    import monitor.exporter
    import monitor.once
    import monitor.store.sqlite
    import monitor.stored
    import monitor.trial
    from monitor.http import Door
    from monitor.notifiers import load_notifiers
    from monitor.providers import load_providers

    dict(load_providers())
    dict(load_notifiers(Door()))
    for file in Path(monitor.cli.__file__).parent.glob("*.py"):
        if file.stem != "__init__":
            __import__(f"monitor.cli.{file.stem}")


def _command(asked: Mapping[str, object], files: Sequence[int]) -> int:
    from monitor.cli import main

    for number, file in enumerate(files):
        os.dup2(file, number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for its whole life
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    env, words = asked["env"], asked["words"]
    os.chdir(str(asked["cwd"]))
    assert isinstance(env, dict)
    assert isinstance(words, list)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["monitor", *words]
    code = _code_of(main)
    threading._shutdown()  # type: ignore[attr-defined]  # as the interpreter does at its end
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    return code


def _code_of(main: object) -> int:
    try:
        main()  # type: ignore[operator]
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:  # noqa: BLE001 - as the interpreter prints it
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
