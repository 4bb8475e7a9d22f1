"""Which of a host's addresses is connected to, and what is left of those that are not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire import free_port

from monitor.dial import Address, addresses, by_turns, dial, race

FOUR, SIX = socket.AF_INET, socket.AF_INET6


@given(st.lists(st.tuples(st.sampled_from([FOUR, SIX]), st.tuples(st.integers(0, 5)))))
def test_each_address_has_its_turn_once_and_families_alternate_while_both_are_left(
    found: list[Address],
) -> None:
    turns = by_turns(found)
    assert sorted(turns) == sorted(set(found))
    assert turns[:1] == found[:1]
    shorter = min(len([a for a in turns if a[0] == family]) for family in (FOUR, SIX))
    families = [a[0] for a in turns[: 2 * shorter]]
    assert all(one != other for one, other in pairwise(families))


async def test_an_address_needs_no_resolver() -> None:
    assert await addresses("127.0.0.1", 80) == [(FOUR, ("127.0.0.1", 80))]
    assert await addresses("::1", 80) == [(SIX, ("::1", 80))]


@pytest.mark.parametrize("host", ["a..localhost", "a" * 64 + ".localhost"])
async def test_what_can_be_no_name_does_not_resolve(host: str) -> None:
    with pytest.raises(socket.gaierror):
        await addresses(host, 80)


def here(port: int) -> Address:
    return (FOUR, ("127.0.0.1", port))


async def attempts() -> list[asyncio.Task[object]]:
    """What is under way beside the test, once what was given up has ended."""
    for _ in range(2):
        await asyncio.sleep(0)
    return [t for t in asyncio.all_tasks() if getattr(t.get_coro(), "__name__", "") == "_attempt"]


@asynccontextmanager
async def listening() -> AsyncIterator[int]:
    """A server that takes connections; its port."""
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_the_next_address_is_tried_where_one_refuses() -> None:
    async with listening() as port:
        made = await race([here(free_port()), here(port)])
        assert made.getpeername() == ("127.0.0.1", port)
        made.close()


async def test_all_that_went_wrong_is_told_where_no_address_answers() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await race([here(free_port()), here(free_port())])
    assert [type(e) for e in caught.value.exceptions] == [ConnectionRefusedError] * 2


@contextmanager
def hanging() -> Iterator[int]:
    """A listener whose backlog is full, so that connecting to it hangs; its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as others:
        for _ in range(3):
            made = others.enter_context(socket.socket())
            made.setblocking(False)
            made.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def test_an_address_that_hangs_is_overtaken_and_its_attempt_ended() -> None:
    async with listening() as port:
        with hanging() as dead:
            async with asyncio.timeout(5):
                made = await race([here(dead), here(port)], stagger=0.01)
            assert made.getpeername() == ("127.0.0.1", port)
            made.close()
            assert await attempts() == []


async def test_a_race_that_is_given_up_leaves_no_attempt() -> None:
    with hanging() as dead:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await race([here(dead), here(dead), here(dead)], stagger=0.01)
        assert await attempts() == []


async def test_a_race_that_is_cancelled_in_any_pass_of_the_loop_leaves_no_socket_open() -> None:
    async with listening() as port:
        with hanging() as dead:
            for passes in range(12):
                racing = asyncio.create_task(race([here(dead), here(port)], stagger=0))
                for _ in range(passes):
                    await asyncio.sleep(0)
                racing.cancel()
                (made,) = await asyncio.gather(racing, return_exceptions=True)
                if isinstance(made, socket.socket):
                    made.close()
                del made, racing  # one that is open yet would complain


async def test_one_address_alone_says_what_went_wrong_with_it() -> None:
    with pytest.raises(ConnectionRefusedError):
        await dial("127.0.0.1", free_port())
