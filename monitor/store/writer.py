"""One thread for all SQL: jobs run in order of the calls, neighbouring batches share a commit."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from monitor.store import Batch, StoreError

T = TypeVar("T")
_GROUP = 128  # batches in one transaction: at most this many wait for one flush


@dataclass(slots=True)
class _Job(Generic[T]):
    """Something to do on the thread, and who waits for it."""

    work: Callable[[], T]
    done: asyncio.Future[T]
    batch: Batch | None = None  # set where it may share its transaction with its neighbours
    result: T | None = None
    error: BaseException | None = None


class Writer:
    """The thread. `write` puts many batches into one transaction: all of them or none.

    A batch that nobody depends on may wait `gather` seconds for others to share its transaction:
    handing each to the thread alone costs more than writing it. `thread` is the seam for tests:
    one that runs its jobs in the caller's.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Batch]], None],
        thread: Executor | None = None,
        *,
        gather: float = 0.0,
    ) -> None:
        self._write, self._gather = write, gather
        self._timer: asyncio.TimerHandle | None = None
        self._jobs: deque[_Job[object]] = deque()  # the loop appends, the thread takes
        self._pool = thread or ThreadPoolExecutor(1, "monitor-store")

    def commit(self, batch: Batch) -> Awaitable[object]:
        """Write a batch; done when it is kept."""
        loop = asyncio.get_running_loop()
        job: _Job[object] = _Job(lambda: self._write([batch]), loop.create_future(), batch)
        self._jobs.append(job)
        if not self._gather or batch.durable or len(self._jobs) >= _GROUP:
            self._wake()
        elif self._timer is None:
            self._timer = loop.call_later(self._gather, self._wake)
        return job.done

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` on the thread, after all that was handed in before."""
        job: _Job[T] = _Job(work, asyncio.get_running_loop().create_future())
        self._jobs.append(cast("_Job[object]", job))  # a queue of jobs of every result
        self._wake()
        return await job.done

    def stop(self) -> None:
        """End the thread; jobs already handed in are still done."""
        self._pool.shutdown(wait=False)

    def _wake(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._pool.submit(self._next)

    def _next(self) -> None:
        while taken := self._take():
            group = [j for j in taken if not j.done.cancelled()]
            if len(group) > 1:
                self._do_together(group)
            else:
                _do_each(group)
            _tell(group)

    def _take(self) -> list[_Job[object]]:
        """The next job, or a run of neighbouring batches; nothing where none is left."""
        group: list[_Job[object]] = []
        while self._jobs and len(group) < _GROUP:
            if group and (self._jobs[0].batch is None or group[-1].batch is None):
                break
            group.append(self._jobs.popleft())
        return group

    def _do_together(self, group: list[_Job[object]]) -> None:
        try:
            self._write([j.batch for j in group if j.batch is not None])
        except StoreError as error:
            for job in group:
                job.error = error
        except Exception:  # noqa: BLE001 - one bad batch must not take its neighbours with it
            _do_each(group)


def _do_each(group: list[_Job[object]]) -> None:
    for job in group:
        try:
            job.result = job.work()
        except BaseException as error:  # noqa: BLE001 - handed over to the one who waits
            job.error = error


def _tell(group: list[_Job[object]]) -> None:
    """Wake those who wait: the loop once for all of them."""
    if group:
        # A loop that has ended holds nobody who waits.
        with suppress(RuntimeError):
            group[0].done.get_loop().call_soon_threadsafe(_told, group)


def _told(group: list[_Job[object]]) -> None:
    for job in group:
        if job.done.done():
            continue  # nobody waits any more
        if job.error is not None:
            job.done.set_exception(job.error)
        else:
            job.done.set_result(job.result)
