"""The standard streams as strangers leave them: closed, full, or with nobody who reads on."""

from __future__ import annotations

import errno
import io
import os
import sys

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


def hold() -> None:
    """A stream that was closed becomes /dev/null, before another file takes its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def let_go() -> None:
    """Nobody reads on: what is left of the output goes nowhere, at the interpreter's end too."""
    try:
        number = sys.stdout.fileno()
    except (io.UnsupportedOperation, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


def unwritable(error: OSError) -> bool:
    """Whether output could not be written: such an error names no file, as opening one does."""
    return error.filename is None and error.errno in _FULL
