"""What each hour made of a balance: exactly once, whatever kills the daemon in between."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from house import START, House, kie, rule, settings
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from monitor.core.book import Book
from monitor.core.causes import Cause
from monitor.core.hours import Hour, hour_of
from monitor.core.model import Finding, Totals
from monitor.history import Archive
from monitor.store import Batch, StoreError
from monitor.store.cells import micros
from monitor.store.connection import migrations
from monitor.store.sqlite import SqliteStore

TARGET = "kie/balance"
SUMS = ("spent", "refunded", "topped_up", "adjusted")
CONFIG = settings(rules=(rule("low", TARGET, "balance < 10000"),), builtin=False)
MINUTE, HOUR = 60.0, 3600.0


class Killed(BaseException):
    """The process ends here, whatever would have come next."""


class Mortal(SqliteStore):
    """A real store in whose n-th commit the process dies, before or after it is on the disk."""

    dies_at = -1
    after = False
    commits = 0

    async def commit(self, batch: Batch) -> None:
        self.commits += 1
        if self.commits != self.dies_at:
            return await super().commit(batch)
        if self.after:
            await super().commit(batch)
        raise Killed


class Refusing(SqliteStore):
    """A real store that takes nothing for as long as the test wants."""

    refuses = False

    async def commit(self, batch: Batch) -> None:
        if self.refuses:
            raise StoreError("the disk is full")
        await super().commit(batch)


def summed(hours: Iterable[Hour]) -> dict[str, Decimal]:
    hours = tuple(hours)
    return {name: sum((getattr(h, name) for h in hours), Decimal(0)) for name in SUMS}


def booked(totals: Totals) -> dict[str, Decimal]:
    return {name: getattr(totals, name) for name in SUMS}


async def begin(folder: Path, store: SqliteStore | None = None) -> House:
    path = str(folder / "monitor.db")
    return await House(CONFIG, store=store or SqliteStore(path)).start()


async def again(house: House, folder: Path, config=CONFIG, store=None) -> House:
    """The same world in another process; the old one was killed."""
    await store_of(house).close()
    new = House(
        config,
        store=store or SqliteStore(str(folder / "monitor.db")),
        clock=house.clock,
        script=house.script,
        mail=house.mail,
    )
    return await new.start()


def store_of(house: House) -> SqliteStore:
    store = house.pipeline.keeper._store
    assert isinstance(store, SqliteStore)
    return store


async def see(house: House, *balances: float | None, after: float = MINUTE) -> None:
    """Probe once for each of these; None: it cannot be read."""
    for balance in balances:
        if balance is None:
            house.script.cause(TARGET, Cause.TIMED_OUT)
        else:
            house.script.balance(balance)
        await house.probe(TARGET, after=after)


# -- one hour -----------------------------------------------------------------------------------

SOME = st.decimals(0, 10_000, places=2)


@given(st.lists(st.none() | SOME, max_size=40))
def test_an_hour_holds_what_the_ledger_has_booked_since_it_began(balances) -> None:
    book, hour = Book(floor=Decimal(0), job_max=None, planned_burn=Decimal(0)), Hour(START)
    accepted = []
    for minute, balance in enumerate(balances):
        before = book.totals
        book.update(START + timedelta(minutes=minute), balance)
        accepted += [book.accepted] if balance is not None else []
        hour = hour.plus(None if balance is None else book.accepted, before, book.totals)
    assert (hour.samples, hour.unread) == (len(balances), balances.count(None))
    assert summed([hour]) == booked(book.totals)
    assert (hour.low, hour.high) == (min(accepted, default=None), max(accepted, default=None))
    assert hour.last == (accepted[-1] if accepted else None)


def test_the_hour_of_a_time_is_the_whole_one_before_it() -> None:
    at = datetime(2026, 11, 20, 10, 59, 59, 999999, tzinfo=UTC)
    assert hour_of(at) == hour_of(START) == START


# -- in the store -------------------------------------------------------------------------------

HOURS = st.builds(
    Hour,
    **{
        "at": st.datetimes(datetime(1990, 1, 2), datetime(2100, 1, 1)).map(  # noqa: DTZ001 - UTC below
            lambda at: hour_of(at.replace(tzinfo=UTC))
        ),
        "samples": st.integers(0, 2**40),
        "unread": st.integers(0, 2**40),
        **dict.fromkeys(("low", "high", "last"), st.none() | SOME),
        **dict.fromkeys(SUMS, st.decimals(allow_nan=False, allow_infinity=False)),
    },
)


@effort(max_examples=30, deadline=None)
@given(st.lists(HOURS, max_size=8, unique_by=lambda h: h.at))
def test_hours_come_back_as_they_were_in_time_order(hours: list[Hour]) -> None:
    async def run(path: str) -> tuple[Hour, ...]:
        store = SqliteStore(path)
        await store.commit(Batch(hours=tuple((TARGET, h) for h in hours)))
        found = await store.hours(TARGET)
        await store.close()
        return found

    with TemporaryDirectory() as folder:
        found = asyncio.run(run(f"{folder}/m.db"))
    assert list(found) == sorted(hours, key=lambda h: h.at)
    fields_of = [[str(getattr(h, f.name)) for f in fields(h)] for h in found]
    assert fields_of == [
        [str(getattr(h, f.name)) for f in fields(h)] for h in sorted(hours, key=lambda h: h.at)
    ]


async def test_an_hour_replaces_the_one_under_its_target_and_time(tmp_path: Path) -> None:
    first, second = Hour(START, 1), Hour(START, 2, spent=Decimal(5))
    store = SqliteStore(tmp_path / "m.db")
    await store.commit(Batch(hours=((TARGET, first), ("other/balance", first))))
    await store.commit(Batch(hours=((TARGET, second),)))
    await store.commit(Batch(hours=((TARGET, second),)))
    assert await store.hours(TARGET) == (second,)
    assert await store.hours("other/balance") == (first,)
    await store.close()


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [(None, None, [0, 1, 2, 3]), (90, None, [1, 2, 3]), (60, 60, [1]), (None, 119, [0, 1])],
)
async def test_hours_are_found_by_any_minute_in_them(
    tmp_path: Path, since: int | None, until: int | None, expected: list[int]
) -> None:
    store = SqliteStore(tmp_path / "m.db")
    hours = tuple((TARGET, Hour(START + n * timedelta(hours=1), n)) for n in range(4))
    await store.commit(Batch(hours=hours))

    def at(minute: int | None) -> datetime | None:
        return None if minute is None else START + timedelta(minutes=minute)

    assert [h.samples for h in await store.hours(TARGET, at(since), at(until))] == expected
    await store.close()


# -- while it lives -----------------------------------------------------------------------------


async def test_each_probe_is_booked_on_its_hour_and_kept_with_its_sample(tmp_path: Path) -> None:
    house = await begin(tmp_path)
    await see(house, 5000, 4900, None)
    await see(house, 4700, after=HOUR)
    (first, second) = await store_of(house).hours(TARGET)
    assert first == Hour(
        START, 3, 1, Decimal(4900), Decimal(5000), Decimal(4900), spent=Decimal(100)
    )
    assert (second.at, second.samples, second.spent) == (START + timedelta(hours=1), 1, 200)
    assert house.memory.hours[TARGET] == second
    await house.pipeline.keeper.close()


async def test_a_restart_goes_on_with_the_hour_there_is(tmp_path: Path) -> None:
    house = await begin(tmp_path)
    await see(house, 5000, 4900)
    house = await again(house, tmp_path)
    assert house.memory.hours[TARGET].samples == 2
    await see(house, 4850, None)
    (hour,) = await store_of(house).hours(TARGET)
    assert (hour.samples, hour.unread, hour.spent) == (4, 1, 150)
    await house.pipeline.keeper.close()


async def test_what_went_while_nobody_watched_is_booked_where_it_was_seen(tmp_path: Path) -> None:
    house = await begin(tmp_path)
    await see(house, 5000, 4900)
    house = await again(house, tmp_path)
    await see(house, 4000, after=30 * HOUR)
    hours = await store_of(house).hours(TARGET)
    assert [h.spent for h in hours] == [100, 900]
    await house.pipeline.keeper.close()


STORY = (
    5000, 4900, None, 4880, 0, 4870, 4700, 9700, 9650, 9500, None, 9365, 9300, 0, 0, 0, 0, 0,
    2000, 1865,
)  # fmt: skip  # spending, misread zeros, a top-up, a true end, a top-up


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def remove(folder: Path) -> None:
    for file in folder.glob("monitor.db*"):
        file.unlink()


async def lived(folder: Path, dies_at: int, *, after: bool) -> tuple[House, int]:
    """The story, the process killed in one commit; the probe is made again after it."""
    store = Mortal(str(folder / "monitor.db"))
    house = await begin(folder, store)
    store.commits, store.dies_at, store.after = 0, dies_at, after
    for balance in STORY:
        try:
            await see(house, balance, after=600)
        except Killed:
            house = await again(house, folder)
            await see(house, balance)
    return house, store.commits


async def test_a_kill_in_any_commit_neither_loses_nor_doubles_what_was_spent(
    tmp_path: Path,
) -> None:
    house, commits = await lived(made(tmp_path / "whole"), -1, after=False)
    expected = summed(await store_of(house).hours(TARGET))
    assert expected == booked(house.memory.books[TARGET].totals)
    assert (expected["spent"], expected["topped_up"]) == (835, 7000)
    await house.pipeline.keeper.close()
    assert commits > len(STORY)
    for dies_at in range(1, commits + 1):
        for after in (False, True):
            house, _ = await lived(made(tmp_path / f"{dies_at}-{after}"), dies_at, after=after)
            found = summed(await store_of(house).hours(TARGET))
            assert found == booked(house.memory.books[TARGET].totals), (dies_at, after)
            assert found["topped_up"] == expected["topped_up"], (dies_at, after)
            await house.pipeline.keeper.close()


@effort(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, 900, 1000, 1100, 50_000]) | st.integers(0, 2000) | st.none(),
            st.sampled_from(["", "", "", "kill before", "kill after", "end"]),
            st.sampled_from([20.0, MINUTE, 1700.0, 3 * HOUR]),
        ),
        max_size=25,
    )
)
def test_the_hours_add_up_to_the_ledger_however_often_it_dies(steps) -> None:
    async def run(folder: Path) -> None:
        path = str(folder / "monitor.db")
        house = await begin(folder, Mortal(path))
        for balance, fate, wait in steps:
            store = store_of(house)
            assert isinstance(store, Mortal)
            store.commits = 0
            store.dies_at, store.after = 1 if "kill" in fate else -1, "after" in fate
            try:
                await see(house, balance, after=wait)
                if fate == "end":
                    await house.pipeline.keeper.close()
                    house = await again(house, folder, store=Mortal(path))
            except Killed:
                house = await again(house, folder, store=Mortal(path))
        hours = await store_of(house).hours(TARGET)
        assert summed(hours) == booked(house.memory.books[TARGET].totals)
        await house.pipeline.keeper.close()

    with TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


async def test_an_end_amid_quick_repeats_loses_nothing(tmp_path: Path) -> None:
    house = await begin(tmp_path)
    await see(house, 5000, 4900)
    asked = 0

    def answer() -> Finding:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise Killed
        return Finding(Cause.OK, balance=Decimal(0), unit="credits")

    house.script.answers[TARGET] = answer
    with pytest.raises(Killed):
        await house.probe(TARGET, after=MINUTE)
    await house.pipeline.keeper.flush()
    house = await again(house, tmp_path)
    await see(house, 0, 0, 0, 0, 0, 0, after=1800)
    hours = await store_of(house).hours(TARGET)
    assert summed(hours) == booked(house.memory.books[TARGET].totals)
    assert hours[-1].last == 0
    await house.pipeline.keeper.close()


async def test_hours_a_full_disk_refused_are_kept_when_there_is_room(tmp_path: Path) -> None:
    store = Refusing(str(tmp_path / "monitor.db"))
    house = await begin(tmp_path, store)
    await see(house, 5000)
    store.refuses = True
    await see(house, 4900, 4800, after=HOUR)
    store.refuses = False
    await house.pipeline.sweep()  # no probe brings it: a kill now must not double anything
    assert [h.spent for h in await store.hours(TARGET)] == [0, 100, 100]
    house = await again(house, tmp_path)
    await see(house, 4700)
    assert sum(h.spent for h in await store_of(house).hours(TARGET)) == 300
    await house.pipeline.keeper.close()


async def test_a_commit_cut_off_is_owed_with_its_hour(tmp_path: Path) -> None:
    house = await begin(tmp_path)
    await see(house, 5000)
    gate = asyncio.Event()

    async def late(batch: Batch) -> None:
        del batch
        gate.set()
        await asyncio.sleep(3600)

    store_of(house).commit = late  # type: ignore[method-assign]
    house.script.balance(4900)
    house.clock.step(MINUTE)
    cut = asyncio.create_task(house.pipeline.observe(TARGET))
    await gate.wait()
    cut.cancel()
    await asyncio.gather(cut, return_exceptions=True)
    del store_of(house).commit  # type: ignore[method-assign]
    await house.pipeline.keeper.close()
    house = await again(house, tmp_path)
    await see(house, 4800)
    assert sum(h.spent for h in await store_of(house).hours(TARGET)) == 200
    await house.pipeline.keeper.close()


async def test_a_lost_database_begins_again_with_the_present_hour(tmp_path: Path) -> None:
    house = await begin(tmp_path)
    await see(house, 5000, 4900)
    remove(tmp_path)
    await see(house, 4850)
    (hour,) = await store_of(house).hours(TARGET)
    assert (hour.samples, hour.spent) == (3, 150)
    await house.pipeline.keeper.close()


async def test_a_clock_set_back_goes_on_with_the_hours_there_are(tmp_path: Path) -> None:
    house = await begin(tmp_path)
    await see(house, 5000, 4900, after=10)
    await see(house, 4800, after=HOUR)
    house.clock.jump(-HOUR)
    await see(house, 4800)  # not believed by the ledger, nor booked, before the store is asked
    await house.pipeline.sweep()
    await see(house, 4800)
    hours = await store_of(house).hours(TARGET)
    assert [h.spent for h in hours] == [100, 100]
    assert [h.samples for h in hours] == [3, 1]
    await see(house, 4800, after=HOUR)
    await house.pipeline.sweep()
    await see(house, 4700)
    assert sum(h.spent for h in await store_of(house).hours(TARGET)) >= 200
    assert [h.samples for h in await store_of(house).hours(TARGET)] == [3, 2]
    await house.pipeline.keeper.close()


async def test_an_account_that_was_renamed_keeps_its_hours(tmp_path: Path) -> None:
    house = await begin(tmp_path)
    await see(house, 5000, 4900)
    await see(house, 4700, after=HOUR)
    old = kie().targets[0]
    named = type(old)(type(old.target)("video", "kie", old.target.check), old.interval, 15.0)
    config = settings((kie(name="video", was="kie", targets=(named,)),), builtin=False)
    before = await store_of(house).hours(TARGET)
    for _ in range(2):  # a second start carries nothing over again
        house = await again(house, tmp_path, config)
        assert await store_of(house).hours("video/balance") == before
    house.script.balance(4650, "video")
    await house.probe(after=MINUTE)
    hours = await store_of(house).hours("video/balance")
    assert [(h.samples, h.spent) for h in hours] == [(2, 100), (2, 250)]
    await house.pipeline.keeper.close()


async def test_a_reload_that_takes_an_account_away_and_back_goes_on_with_its_hour(
    tmp_path: Path,
) -> None:
    house = await begin(tmp_path)
    await see(house, 5000, 4900)
    other = settings((kie(name="other", targets=()),), builtin=False)
    await house.pipeline.reload(other)
    assert TARGET not in house.memory.hours
    await house.pipeline.reload(CONFIG)
    await see(house, 4800)
    (hour,) = await store_of(house).hours(TARGET)
    assert (hour.samples, hour.spent) == (3, 200)
    await house.pipeline.keeper.close()


async def test_an_archive_reads_hours_beside_the_daemon(tmp_path: Path) -> None:
    house = await begin(tmp_path)
    await see(house, 5000, 4900)
    found = await Archive(str(tmp_path / "monitor.db")).hours(TARGET, None, house.clock.now())
    assert [h.spent for h in found] == [100]
    later = house.clock.now() + timedelta(hours=2)
    assert await Archive(str(tmp_path / "monitor.db")).hours(TARGET, later, later) == ()
    await house.pipeline.keeper.close()


# -- samples from before there were hours -------------------------------------------------------


def old_database(folder: Path, balances: Iterable[float], target: str = TARGET) -> None:
    """As a version without hours left it: a sample a minute, up to a minute ago."""
    points = [
        (target, micros(START + timedelta(minutes=n)), str(b)) for n, b in enumerate(balances)
    ]
    connection = sqlite3.connect(folder / "monitor.db", isolation_level=None)
    if not connection.execute("PRAGMA user_version").fetchone()[0]:
        connection.executescript(migrations()[0])
        connection.execute("PRAGMA application_id=0x6D6F6E69")
        connection.execute("PRAGMA user_version=1")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO samples VALUES (?, ?, ?)", points)
    connection.execute("COMMIT")
    connection.close()


LONG = [50_000 - 2 * n for n in range(5000)]  # 84 hours, 120 credits in each


async def woken(folder: Path, minutes: int, store: SqliteStore | None = None) -> House:
    """A daemon that starts so long after the first sample."""
    house = House(CONFIG, store=store or SqliteStore(str(folder / "monitor.db")))
    house.clock.step(minutes * MINUTE)
    return await house.start()


async def test_old_samples_become_hours_once_while_probes_go_on(tmp_path: Path) -> None:
    old_database(tmp_path, LONG)
    old_database(tmp_path, [9, 8, 7], "gone/balance")  # in no config any more
    house = await woken(tmp_path, len(LONG))
    assert await store_of(house).hours(TARGET) == ()  # a start does not wait for it
    await see(house, 39_990, after=0)
    for _ in range(3):
        await house.pipeline.sweep()
    assert (await store_of(house).load(START)).unfilled == frozenset()
    await see(house, 39_980)
    hours = await store_of(house).hours(TARGET)
    assert [h.at for h in hours] == [START + n * timedelta(hours=1) for n in range(84)]
    assert [h.samples for h in hours] == [60] * 83 + [22]
    assert [h.spent for h in hours] == [118] + [120] * 82 + [40 + 12 + 10]
    assert summed(hours) == booked(house.memory.books[TARGET].totals)
    (gone,) = await store_of(house).hours("gone/balance")
    assert (gone.samples, gone.spent) == (3, 2)
    await house.pipeline.keeper.close()


@pytest.mark.parametrize("dies_at", range(1, 8))
@pytest.mark.parametrize("after", [False, True])
async def test_a_kill_amid_the_filling_begins_it_again(
    tmp_path: Path, dies_at: int, after: bool
) -> None:
    old_database(tmp_path, LONG)
    store = Mortal(str(tmp_path / "monitor.db"))
    house = await woken(tmp_path, len(LONG), store)
    store.commits, store.dies_at, store.after = 0, dies_at, after
    left = 39_990
    for _ in range(4):
        try:
            left -= 10
            await see(house, left)
            await house.pipeline.sweep()
        except Killed:
            house = await again(house, tmp_path)
            await see(house, left)
    await house.pipeline.sweep()
    await see(house, left - 10)
    hours = await store_of(house).hours(TARGET)
    assert summed(hours) == booked(house.memory.books[TARGET].totals)
    assert sum(h.spent for h in hours) == 50_000 - (left - 10)
    await house.pipeline.keeper.close()


async def test_a_sample_on_its_way_to_the_disk_is_not_missed_by_the_filling(
    tmp_path: Path,
) -> None:
    store = Refusing(str(tmp_path / "monitor.db"))
    old_database(tmp_path, LONG[:100])
    house = await woken(tmp_path, 100, store)
    store.refuses = True
    await see(house, LONG[99] - 50, after=0)
    store.refuses = False
    await house.pipeline.sweep()
    assert TARGET not in house.memory.hours
    await see(house, LONG[99] - 70)
    await house.pipeline.sweep()
    await see(house, LONG[99] - 90)
    hours = await store.hours(TARGET)
    assert sum(h.spent for h in hours) == 2 * 99 + 90
    await house.pipeline.keeper.close()


async def test_an_old_account_that_is_renamed_is_filled_under_its_new_name(
    tmp_path: Path,
) -> None:
    old_database(tmp_path, LONG[:100])
    old = kie().targets[0]
    named = type(old)(type(old.target)("video", "kie", old.target.check), old.interval, 15.0)
    config = settings((kie(name="video", was="kie", targets=(named,)),), builtin=False)
    house = House(config, store=SqliteStore(str(tmp_path / "monitor.db")))
    house.clock.step(6000)
    await house.start()
    await house.pipeline.sweep()
    await house.pipeline.sweep()
    found = await store_of(house).hours("video/balance")
    assert found == await store_of(house).hours(TARGET)
    assert sum(h.spent for h in found) == 2 * 99
    await house.pipeline.keeper.close()


async def test_who_reads_an_old_database_finds_no_hours_and_no_fault(tmp_path: Path) -> None:
    old_database(tmp_path, LONG[:10])
    path = str(tmp_path / "monitor.db")
    assert await Archive(path).hours(TARGET, None, START) == ()
    assert await Archive(path).records(START) == {}
