"""How many files this process may have open: each probe under way is one."""

from __future__ import annotations

import asyncio
import errno
import resource

from monitor.logs import Log

log = Log("monitor.descriptors")

_WANTED = 65_536  # far more than there is room for probes, messages and readers of the page


def take_what_is_allowed() -> int:
    """Raise the soft limit, which is 1024 by tradition, towards the hard one; what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = _WANTED if hard == resource.RLIM_INFINITY else min(hard, _WANTED)
    if soft == resource.RLIM_INFINITY or soft >= allowed:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed


_NONE_LEFT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def say_in_words(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """An event loop's exception handler: who may open no more files needs no traceback.

    asyncio lets the connection wait, and tries again after a second.
    """
    error = context.get("exception")
    if isinstance(error, OSError) and error.errno in _NONE_LEFT:
        log.error("no connection can be taken in: it waits", why=error.strerror)
    else:
        loop.default_exception_handler(context)
