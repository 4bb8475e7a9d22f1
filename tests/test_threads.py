"""Threads that hold nobody up: a resolver that hangs has one for each name."""

from __future__ import annotations

import asyncio
import threading

from monitor.threads import PassingThreads


async def test_a_name_that_is_being_resolved_keeps_one_thread_however_many_ask() -> None:
    asked, answers = [], threading.Event()

    def resolve(host: str, port: int) -> str:
        asked.append(host)
        assert answers.wait(10)
        return f"{host}:{port}"

    threads, loop = PassingThreads(shared=resolve), asyncio.get_running_loop()
    waiting = [loop.run_in_executor(threads, resolve, "a.example", 443) for _ in range(50)]
    other = loop.run_in_executor(threads, resolve, "b.example", 443)
    waiting[0].cancel()  # who gives up disturbs nobody
    answers.set()
    assert await asyncio.gather(*waiting[1:], other) == ["a.example:443"] * 49 + ["b.example:443"]
    assert sorted(asked) == ["a.example", "b.example"]
    assert await loop.run_in_executor(threads, resolve, "a.example", 443) == "a.example:443"
    assert asked.count("a.example") == 2  # later it is asked anew


async def test_a_name_that_does_not_resolve_fails_for_all_who_ask() -> None:
    asked, answers = [], threading.Event()

    def resolve(host: str) -> str:
        asked.append(host)
        assert answers.wait(10)
        raise OSError(host)

    threads, loop = PassingThreads(shared=resolve), asyncio.get_running_loop()
    waiting = [loop.run_in_executor(threads, resolve, "a.example") for _ in range(5)]
    answers.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(error) for error in found] == ["a.example"] * 5
    assert asked == ["a.example"]


async def test_other_calls_have_a_thread_each() -> None:
    together = threading.Barrier(3)
    threads, loop = PassingThreads(), asyncio.get_running_loop()
    calls = [loop.run_in_executor(threads, together.wait, 10) for _ in range(3)]
    assert sorted(await asyncio.gather(*calls)) == [0, 1, 2]
