"""What is said of a connection that no file is left for."""

from __future__ import annotations

import asyncio
import errno
import os

import pytest

from monitor import logs
from monitor.descriptors import say_in_words


@pytest.mark.parametrize(
    ("error", "traced"),
    [(OSError(errno.EMFILE, os.strerror(errno.EMFILE)), False),
     (OSError(errno.EBADF, os.strerror(errno.EBADF)), True), (RuntimeError("a defect"), True)],
)  # fmt: skip
async def test_a_connection_that_gets_no_file_is_a_sentence_and_a_defect_keeps_its_traceback(
    error: Exception, traced: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("text", "info")
    context: dict[str, object] = {
        "message": "socket.accept() out of system resource", "exception": error,
    }  # fmt: skip
    say_in_words(asyncio.get_running_loop(), context)
    said = capsys.readouterr().err
    assert ("accept" in said) is traced
    assert ("it waits" in said and "Too many open files" in said) is not traced
