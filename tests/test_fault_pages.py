"""Each page of a real database damaged in turn: it goes on, and says so where it had to forget."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from house import House, huggingface, kie, receiver, rule, settings

from monitor.core.model import Incident
from monitor.store.sqlite import SqliteStore

PAGE = 4096
CONFIG = settings(
    (kie(), huggingface()),
    rules=(rule("low", "kie/balance", "balance < 10000"),),
    receivers=(receiver(), receiver("lead")),
    builtin=False,
)


def house(path: Path, of: House | None = None) -> House:
    """A house on this database; in the world of another, which is gone."""
    store = SqliteStore(str(path))
    if of is None:
        return House(CONFIG, store=store)
    return House(CONFIG, store=store, clock=of.clock, script=of.script, mail=of.mail)


async def told_low(path: Path) -> House:
    """A house that has told of low credits, among other readings."""
    made = await house(path).start()
    made.script.balance(20_000)
    await made.probe()
    made.script.balance(9_000)
    await made.probe(after=300)
    for _ in range(10):
        await made.probe(after=300)
    assert made.mail.said == ["opened low"] * 2
    return made


def damaged(content: bytes, page: int) -> bytes:
    """With every bit of that page's turned round."""
    at = page * PAGE
    flipped = bytes(b ^ 0xFF for b in content[at : at + PAGE])
    return content[:at] + flipped + content[at + PAGE :]


def clear(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def opened(made: House) -> list[Incident]:
    return [i for i in made.memory.incidents.values() if i.open]


async def test_a_start_on_any_damaged_page_goes_on_and_says_what_it_forgot(tmp_path: Path) -> None:
    original, path = tmp_path / "original.db", tmp_path / "m.db"
    before = await told_low(original)
    await before.pipeline.keeper.close()
    content, forgot = original.read_bytes(), 0
    for page in range(len(content) // PAGE):
        clear(path)
        path.write_bytes(damaged(content, page))
        before.mail.sent.clear()
        after = await house(path, before).start()
        await after.probe(after=1)
        assert len(opened(after)) == 1, f"page {page}"
        if after.memory.store_lost:
            forgot += 1
            assert after.mail.said == ["opened low"] * 2
        else:
            assert after.mail.said == [], f"page {page} made it tell again what people know"
        again = await _restarted(after, path)
        assert again.mail.said == after.mail.said
        await again.pipeline.keeper.close()
    assert forgot > len(content) // PAGE // 2


async def _restarted(before: House, path: Path) -> House:
    await before.pipeline.keeper.close()
    after = await house(path, before).start()
    await after.probe(after=1)
    assert after.memory.store_lost == ""
    return after


@pytest.mark.parametrize("share", range(2))
async def test_a_page_damaged_while_in_use_makes_nobody_hear_anything_twice(
    tmp_path: Path, share: int
) -> None:
    original, path = tmp_path / "original.db", tmp_path / "m.db"
    before = await told_low(original)
    await before.pipeline.keeper.close()
    content = original.read_bytes()
    for page in range(1 + share, len(content) // PAGE, 6):
        clear(path)
        path.write_bytes(content)
        before.mail.sent.clear()
        running = await house(path, before).start()
        await asyncio.to_thread(_scribble, path, page)
        for _ in range(3):
            await running.probe(after=300)
        await running.pipeline.sweep()
        assert running.mail.said == []
        (incident,) = opened(running)
        await running.pipeline.keeper.close()
        after = await house(path, running).start()
        await after.probe(after=1)
        assert after.mail.said in ([], ["opened low"] * 2)
        if after.mail.said:  # found at the start alone, where memory could not fill a new one
            assert after.memory.store_lost
        else:
            assert [i.id for i in opened(after)] == [incident.id]
        await after.pipeline.keeper.close()


def _scribble(path: Path, page: int) -> None:
    content = damaged(path.read_bytes(), page)
    with path.open("r+b") as file:
        file.seek(page * PAGE)
        file.write(content[page * PAGE : (page + 1) * PAGE])
