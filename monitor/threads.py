"""Threads that hold up nobody's end: a resolver that hangs must not keep the process alive."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


class PassingThreads(ThreadPoolExecutor):
    """An event loop's default executor: a daemon thread per call, and nothing to join.

    The standard one is joined when the loop and the interpreter end, and getaddrinfo has no
    timeout. The calls are few: names to resolve, a config to read, a page to draw.
    """

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Run `fn` in a thread of its own."""
        future: Future[_T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for it
                future.set_exception(error)

        threading.Thread(target=run, name="monitor-call", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing is waited for."""
        del wait, cancel_futures
