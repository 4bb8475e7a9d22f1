"""The command line on a terminal of its own: what it draws, and what is typed into it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from pathlib import Path


class Terminal:
    """A command that runs on a pseudo-terminal."""

    def __init__(self, process: subprocess.Popen[bytes], end: int) -> None:
        self.process, self._end = process, end
        self.drawn = ""

    def until(self, text: str, *, seconds: float = 20.0) -> str:
        """Read until `text` has been drawn; what was drawn since the last call."""
        before, limit = len(self.drawn), time.monotonic() + seconds
        while text not in self.drawn[before:]:
            assert time.monotonic() < limit, f"{text!r} was not drawn: {self.drawn[before:]!r}"
            if not self._read(0.2):
                break
        assert text in self.drawn[before:], self.drawn[before:]
        return self.drawn[before:]

    def _read(self, patience: float) -> bool:
        """False at the end."""
        if select.select([self._end], [], [], patience)[0]:
            try:
                found = os.read(self._end, 65536)
            except OSError:  # Linux: the other side is closed
                return False
            self.drawn += found.decode()
            return bool(found)
        return True

    def type(self, text: str) -> None:
        """As if at a keyboard; Ctrl-C is `\x03`."""
        os.write(self._end, text.encode())

    def ended(self) -> int:
        """Its exit code, once it has ended; all it drew is in `drawn`."""
        limit = time.monotonic() + 20
        while time.monotonic() < limit and self._read(0.2):
            pass
        return self.process.wait(20)


@contextlib.contextmanager
def terminal(
    words: list[str], folder: Path, env: Mapping[str, str], *, columns: int = 100, rows: int = 40
) -> Iterator[Terminal]:
    """`monitor` with `words`, in `folder`, on a terminal of that size."""
    own, theirs = pty.openpty()
    fcntl.ioctl(own, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env={**env, "TERM": "xterm-256color"},
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0) and None,
    )
    os.close(theirs)
    try:
        yield Terminal(process, own)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait(10)
        os.close(own)
