"""The lock beside the database: held by one process of a machine, given back by the kernel.

`flock`, and not what SQLite uses: it stands on an open file, so that nothing else this process
opens or closes can lose it. No child may keep it: it is closed where one is executed or forked.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from monitor.core.lease import Lock

_HELD = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}
_OPEN: set[int] = set()  # descriptors of locks, for children that are forked


def _forget() -> None:
    for descriptor in _OPEN:
        with suppress(OSError):
            os.close(descriptor)
    _OPEN.clear()


os.register_at_fork(after_in_child=_forget)


class FileLock:
    """A lock that is tried, never waited for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.why = ""  # it cannot be made
        self._descriptor: int | None = None

    def take(self) -> Lock:
        """Take it if it is free. The file may be read-only; where there can be none, `why`."""
        if self._descriptor is not None:
            return Lock.OURS
        descriptor = None
        try:
            descriptor = self._opened()
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if descriptor is not None:
                os.close(descriptor)
            if descriptor is not None and error.errno in _HELD:
                return Lock.THEIRS
            self.why = error.strerror or str(error)
            return Lock.NONE
        self._descriptor, self.why = descriptor, ""
        _OPEN.add(descriptor)
        return Lock.OURS

    def _opened(self) -> int:
        try:
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)

    def give_back(self) -> None:
        """Let another have it; harmless where it is not held."""
        if self._descriptor is not None:
            _OPEN.discard(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None
