"""Threads that hold up nobody's end: a resolver that hangs must not keep the process alive."""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar, cast

_SHARED_FOR = 10.0  # seconds: then the resolver may be well again, and is asked anew

_P = ParamSpec("_P")
_T = TypeVar("_T")


class PassingThreads(ThreadPoolExecutor):
    """An event loop's default executor: a daemon thread per call, and nothing to join.

    The standard one is joined when the loop and the interpreter end, and getaddrinfo has no
    timeout. The calls are few: names to resolve, a config to read, a page to draw. A name that is
    being resolved is not asked for a second time within seconds, so that a resolver that hangs
    keeps a few threads for each name, however many probes ask.
    """

    def __init__(self, shared: Callable[..., object] = socket.getaddrinfo) -> None:
        super().__init__(max_workers=1)  # of its own threads none is ever begun
        self._shared = shared
        self._resolving: dict[object, tuple[float, Future[object]]] = {}

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Run `fn` in a thread of its own."""
        work = partial(fn, *args, **kwargs)
        if cast("object", fn) is not self._shared:
            return _begun(work)
        name = (args, tuple(sorted(kwargs.items())))
        began, found = self._resolving.get(name, (-math.inf, None))
        if found is None or time.monotonic() - began > _SHARED_FOR:
            found = cast("Future[object]", _begun(work))
            self._resolving[name] = time.monotonic(), found
            found.add_done_callback(partial(self._resolved, name))
        return cast("Future[_T]", found)  # of the same call

    def _resolved(self, name: object, found: Future[object]) -> None:
        if self._resolving.get(name, (0.0, None))[1] is found:
            del self._resolving[name]

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing is waited for."""
        del wait, cancel_futures


def _begun(work: Callable[[], _T]) -> Future[_T]:
    """In a thread of its own; whoever gives up waiting for it disturbs nobody else."""
    future: Future[_T] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for it
            future.set_exception(error)

    threading.Thread(target=run, name="monitor-call", daemon=True).start()
    return future
