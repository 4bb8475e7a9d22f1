"""History is deleted when it is old, never before its hour is kept, and in nobody's way."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from house import START, House, Script, huggingface, kie, rule, settings

from monitor.clock import SteppedClock
from monitor.core.hours import Hour, hour_of
from monitor.core.model import Sample
from monitor.core.settings import HistorySettings
from monitor.store import Batch, StoreError
from monitor.store.sqlite import SqliteStore

TARGET, OTHER = "kie/balance", "another/balance"
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)
LOW = rule("low", TARGET, "balance < 10000")
KEPT = HistorySettings(samples=2 * 86400.0, hours=10 * 86400.0)
CONFIG = replace(settings(rules=(LOW,), builtin=False), history=KEPT)


class Watched(SqliteStore):
    """A real store that notes how often it was asked to delete, or does not answer."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.asked = 0
        self.fails = self.hangs = False

    async def retain(self, samples_before: datetime, hours_before: datetime) -> int:
        self.asked += 1
        if self.fails:
            raise StoreError("database m.db: another process holds it locked")
        if self.hangs:
            await asyncio.sleep(3600)
        return await super().retain(samples_before, hours_before)


def minutes(count: int, *, until: datetime = NOW, target: str = TARGET) -> Batch:
    """So many samples, one a minute, with their hours."""
    points = [Sample(until - n * MINUTE, Decimal(n)) for n in range(count)]
    begins = sorted({hour_of(p.at) for p in points})
    return Batch(
        samples=tuple((target, p) for p in points), hours=tuple((target, Hour(b)) for b in begins)
    )


async def fewer(store: SqliteStore, than: int) -> None:
    """Wait for the first chunk to go."""
    while True:
        if len(await store.samples(TARGET)) < than:
            return


async def ages(store: SqliteStore, target: str = TARGET) -> tuple[Sequence[Sample], int]:
    return await store.samples(target), len(await store.hours(target))


async def test_samples_go_at_their_age_and_hours_at_theirs(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "m.db")
    await store.commit(minutes(4000))
    await store.commit(minutes(4000, target=OTHER))
    edge, old = NOW - 1000 * MINUTE, NOW - 3000 * MINUTE
    deleted = await store.retain(edge, old)
    for target in (TARGET, OTHER):
        samples, _ = await ages(store, target)
        assert [s.at for s in samples] == [NOW - n * MINUTE for n in range(1000, -1, -1)]
        hours = await store.hours(target)
        assert hours[0].at == hour_of(old) + HOUR
        assert hours[-1].at == hour_of(NOW)
    assert deleted == 2 * (2999 + 18)
    assert await store.retain(edge, old) == 0
    await store.close()


async def test_a_sample_stays_where_its_hour_is_not_kept(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "m.db")
    batch = minutes(3000)
    missing = batch.hours[7][1].at
    await store.commit(replace(batch, hours=(*batch.hours[:7], *batch.hours[8:])))
    await store.retain(NOW, LONG_AGO)
    samples = await store.samples(TARGET)
    assert {hour_of(s.at) for s in samples} == {missing, hour_of(NOW)}
    assert len(samples) == 60 + 1
    await store.close()


async def test_no_sample_goes_before_its_target_has_all_its_hours(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    store = SqliteStore(path)
    await store.commit(minutes(2000))
    with sqlite3.connect(path) as other:
        other.execute("INSERT INTO unfilled VALUES (?)", (TARGET,))
    other.close()
    assert await store.retain(NOW, LONG_AGO) == 0
    await store.commit(Batch(filled=(TARGET,)))
    assert await store.retain(NOW, LONG_AGO) == 1999
    await store.close()


class Logged(SqliteStore):
    """A real store that notes in what order its thread did things."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.did: list[str] = []

    def _transaction(self, write):
        self.did.append("chunk")
        return super()._transaction(write)

    async def commit(self, batch: Batch) -> None:
        await super().commit(batch)
        self.did.append("commit")


async def test_commits_get_their_turn_between_any_two_chunks(tmp_path: Path) -> None:
    store = Logged(tmp_path / "m.db")
    await store.commit(minutes(20_000))
    deleting = asyncio.create_task(store.retain(NOW, LONG_AGO))
    while not deleting.done():
        await store.commit(Batch(seen={"a": NOW}))
    assert await deleting == 19_999
    waits = " ".join(store.did).split("commit")
    assert len(waits) > 20
    assert max(w.count("chunk") for w in waits) <= 2  # the one at work, and at most the next
    await store.close()


async def test_what_a_cancelled_deleting_has_done_stays_done(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "m.db")
    await store.commit(minutes(20_000))
    deleting = asyncio.create_task(store.retain(NOW, LONG_AGO))
    await fewer(store, 20_000)
    deleting.cancel()
    await asyncio.gather(deleting, return_exceptions=True)
    left = len(await store.samples(TARGET))
    assert 1 < left < 20_000
    assert await store.retain(NOW, LONG_AGO) == left - 1
    await store.close()


async def test_the_space_of_what_is_deleted_is_used_again(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    sizes = []
    store = SqliteStore(path)
    for week in range(6):
        until = NOW + week * 7 * DAY
        await store.commit(minutes(7 * 1440, until=until))
        await store.retain(until, until - DAY)
        await store.close()  # folds the log in
        sizes.append(path.stat().st_size)
        store = SqliteStore(path)
    await store.close()
    assert sizes[-1] <= sizes[0] * 1.05


# -- the daemon ---------------------------------------------------------------------------------


async def begin(folder: Path, store: SqliteStore, config=CONFIG) -> House:
    del folder
    return await House(config, store=store).start()


async def test_the_daemon_keeps_what_the_config_says_and_looks_once_an_hour(
    tmp_path: Path,
) -> None:
    store = Watched(str(tmp_path / "monitor.db"))
    house = await begin(tmp_path, store)
    for n in range(15 * 24):
        house.script.balance(50_000 - n)
        await house.probe(TARGET, after=3600)
        for _ in range(3):
            await house.pipeline.sweep()
    assert store.asked == 15 * 24
    now = house.clock.now()
    samples, hours = await ages(store)
    assert samples[0].at == now - timedelta(seconds=KEPT.samples)
    assert hours == 10 * 24 + 1
    spent = sum(h.spent for h in await store.hours(TARGET))
    assert spent == hours
    await house.pipeline.keeper.close()
    house = await House(CONFIG, store=SqliteStore(str(tmp_path / "monitor.db"))).start()
    assert house.memory.books[TARGET].totals.spent == 15 * 24 - 1  # the ledger forgets nothing
    await house.pipeline.keeper.close()


@pytest.mark.parametrize("fault", ["fails", "hangs"])
async def test_a_store_that_cannot_delete_now_is_asked_again_later_and_alarms_nobody(
    tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.hourly._PATIENCE", 0.01)
    store = Watched(str(tmp_path / "monitor.db"))
    house = await begin(tmp_path, store)
    setattr(store, fault, True)
    house.script.balance(50_000)
    await house.probe(TARGET)
    await house.pipeline.sweep()
    assert (store.asked, house.memory.store_failed) == (1, "")
    setattr(store, fault, False)
    for _ in range(5):
        await house.probe(TARGET, after=600)
        await house.pipeline.sweep()
    assert store.asked == 1
    house.clock.step(3 * 86400)
    await house.pipeline.sweep()
    assert store.asked == 2
    assert await store.samples(TARGET) == ()
    await house.pipeline.keeper.close()


async def test_a_verdict_does_not_wait_for_the_deleting(tmp_path: Path) -> None:
    store = Watched(str(tmp_path / "monitor.db"))
    old = minutes(60_000, until=START - 3 * DAY)
    await store.commit(old)
    house = await begin(tmp_path, store)
    sweep = asyncio.create_task(house.pipeline.sweep())
    await fewer(store, 60_000)
    house.script.balance(9000)
    await house.probe(TARGET)
    assert house.mail.said == ["opened low"]
    assert len(await store.samples(TARGET)) > 1000  # told while it was still at it
    await sweep
    await house.pipeline.keeper.close()


async def test_one_line_says_how_much_went_and_nothing_where_nothing_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Watched(str(tmp_path / "monitor.db"))
    await store.commit(minutes(600, until=START - 3 * DAY))
    house = await begin(tmp_path, store)
    for _ in range(3):
        await house.pipeline.sweep()
        house.clock.step(3600)
    said = capsys.readouterr().out + capsys.readouterr().err
    assert said.count("old history deleted") == 1
    assert "rows=600" in said
    await house.pipeline.keeper.close()


async def test_a_target_that_is_gone_goes_with_the_last_of_its_history(tmp_path: Path) -> None:
    path = tmp_path / "monitor.db"
    store = SqliteStore(path)
    house = await begin(tmp_path, store, replace(CONFIG, accounts=(kie(), huggingface())))
    house.script.balance(50_000)
    await house.probe()
    await house.pipeline.keeper.close()

    async def known(after: timedelta) -> set[str]:
        """A start without that account, so long afterwards."""
        clock, script = SteppedClock(START + after), Script()
        script.balance(50_000)
        later = House(CONFIG, store=SqliteStore(path), clock=clock, script=script)
        await later.start()
        await later.probe()
        await later.pipeline.sweep()
        await later.pipeline.keeper.close()
        with closing(sqlite3.connect(path)) as connection:
            return {row[0] for row in connection.execute("SELECT target FROM targets")}

    assert len(await known(DAY)) == 5
    assert await known(3 * DAY) == {TARGET}  # no sample and no hour spoke of the others


async def test_of_a_balance_that_is_gone_the_hours_are_kept_and_then_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "monitor.db"
    store = SqliteStore(path)
    house = await begin(tmp_path, store)
    house.script.balance(50_000)
    await house.probe()
    await house.pipeline.sweep()  # its hours are all there
    await house.pipeline.keeper.flush()
    for edges, rows in (((3, -9), 1), ((11, 11), 0)):
        await store.retain(*(START + DAY * n for n in edges))
        with closing(sqlite3.connect(path)) as connection:
            for table in ("targets", "checkpoints"):
                asked = f"SELECT count(*) FROM {table}"  # noqa: S608 - names of ours
                found = connection.execute(asked).fetchone()
                assert found == (rows,), (table, edges)
    await store.close()
