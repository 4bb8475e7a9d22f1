"""The store keeps what it is given, all of a batch or nothing, and gives it back unchanged."""

from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
import stat
import tempfile
import threading
import typing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.causes import Cause, Severity
from monitor.core.model import (
    Ack,
    Alert,
    Finding,
    Incident,
    Kind,
    Quota,
    Reading,
    Sample,
    Silence,
    TargetRecord,
    Told,
)
from monitor.store import Batch, Checkpoint, Stored, StoreError
from monitor.store.cells import text
from monitor.store.connection import statements
from monitor.store.sqlite import SqliteStore

NOW = datetime(2026, 11, 20, 10, 31, 28, 123456, tzinfo=UTC)
LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@asynccontextmanager
async def opened(path: Path, **options: object) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, now=lambda: NOW, **options)  # type: ignore[arg-type]
    try:
        yield store
    finally:
        await store.close()


def modes(folder: Path) -> dict[str, int]:
    return {f.name: stat.S_IMODE(f.stat().st_mode) for f in folder.iterdir()}


def incident(name: str = "I1", **changes: object) -> Incident:
    base = Incident(
        id=name,
        alert="kie-credits-low",
        target="kie/balance",
        account="kie",
        provider="kie",
        opened_at=NOW,
        opening_severity=Severity.WARNING,
        opening_cause=Cause.OK,
        severity=Severity.WARNING,
        cause=Cause.OK,
        summary="balance 5916.25 is under 10000",
    )
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def told(name: str = "I1", number: int = 0, at: datetime = NOW) -> Told:
    address = "oncall@example.com"
    return Told(name, Kind.OPENED, number, "oncall", address, at, Severity.WARNING)


def ack(at: datetime = NOW, by: str = "ada") -> Ack:
    return Ack(by, "on it", at, Severity.WARNING)


def silence(name: str, ends_at: datetime) -> Silence:
    return Silence(name, "kie/*", None, ends_at - HOUR, ends_at, "ada", "maintenance")


# -- every value comes back ---------------------------------------------------------------------

TIMES = st.datetimes(
    datetime(1990, 1, 2),  # noqa: DTZ001 - hypothesis puts the zone to it
    datetime(2100, 1, 1),  # noqa: DTZ001 - the same
    timezones=st.just(UTC),
)
MONEY = st.decimals(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [Decimal("5916.25"), Decimal("-0.00"), Decimal("1E+30"), Decimal("0.1") + Decimal("0.2")]
)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FLOATS = st.floats(allow_nan=False)
for _type, _strategy in ((datetime, TIMES), (Decimal, MONEY), (str, WORDS), (float, FLOATS)):
    st.register_type_strategy(_type, _strategy)
COUNTS = st.integers(0, 2**62)
PLAIN = st.floats(0, 1e9)


def values(of: type, **fields: st.SearchStrategy) -> st.SearchStrategy:
    """Every field of a dataclass drawn by its type, so that a new one is tried as well."""
    return st.builds(
        of, **{f.name: st.from_type(_hints(of)[f.name]) for f in dataclasses.fields(of)} | fields
    )


def _hints(of: type) -> dict[str, type]:
    return typing.get_type_hints(of)


def records() -> st.SearchStrategy[TargetRecord]:
    finding = values(
        Finding,
        quotas=st.lists(values(Quota), max_size=2).map(tuple),
        retry_after=st.none() | PLAIN,
    )
    reading = values(Reading, duration=PLAIN, finding=finding)
    made = values(TargetRecord, reading=st.none() | reading, failures=COUNTS, streak=COUNTS)
    return made.map(_same_name)


def _same_name(record: TargetRecord) -> TargetRecord:
    if record.reading is None:
        return record
    same = dataclasses.replace(record.reading, target=record.target)
    return dataclasses.replace(record, reading=same)


BATCHES = st.builds(
    Batch,
    targets=st.lists(records(), max_size=3, unique_by=lambda r: r.target).map(tuple),
    checkpoints=st.lists(values(Checkpoint), max_size=2, unique_by=lambda c: c.target).map(tuple),
    alerts=st.lists(
        values(Alert, breaches=COUNTS, clears=COUNTS), max_size=3, unique_by=lambda a: a.key
    ).map(tuple),
    incidents=st.lists(values(Incident), max_size=3, unique_by=lambda i: i.id).map(tuple),
    silences=st.lists(values(Silence), max_size=3, unique_by=lambda s: s.id).map(tuple),
    seen=st.dictionaries(WORDS, TIMES, max_size=3),
)


@settings(max_examples=120, deadline=None)
@given(BATCHES)
def test_what_is_committed_is_loaded_unchanged(batch: Batch) -> None:
    notes = tuple(
        dataclasses.replace(told(i.id, number), at=i.opened_at)
        for number, i in enumerate(batch.incidents)
    )
    batch = dataclasses.replace(batch, told=notes)

    async def story() -> Stored:
        with tempfile.TemporaryDirectory() as folder:
            async with opened(Path(folder, "m.db")) as store:
                await store.commit(batch)
            async with opened(Path(folder, "m.db")) as store:
                return await store.load(LONG_AGO)

    found = asyncio.run(story())
    assert found.troubles == ()
    assert found.targets == {r.target: r for r in batch.targets}
    assert found.checkpoints == {c.target: c for c in batch.checkpoints}
    assert set(found.alerts) == set(batch.alerts)
    assert {i.id: i for i in found.incidents} == {i.id: i for i in batch.incidents}
    assert set(found.told) == set(notes)
    assert set(found.silences) == set(batch.silences)
    assert found.seen == batch.seen


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(TIMES, st.none() | MONEY, max_size=20))
def test_samples_come_back_in_time_order_to_the_last_digit(points: dict) -> None:
    given_ = tuple(("kie/balance", Sample(at, balance)) for at, balance in points.items())

    async def story() -> tuple[Sample, ...]:
        with tempfile.TemporaryDirectory() as folder:
            async with opened(Path(folder, "m.db")) as store:
                await store.commit(Batch(samples=given_))
                return await store.samples("kie/balance")

    found = asyncio.run(story())
    assert [(s.at, str(s.balance)) for s in found] == [
        (at, str(points[at])) for at in sorted(points)
    ]


@pytest.mark.parametrize("hostile", ["half a pair \ud800", "a\0b", "🤖" * 9, "'; DROP TABLE told"])
async def test_no_word_of_a_provider_breaks_a_commit(tmp_path: Path, hostile: str) -> None:
    async with opened(tmp_path / "m.db") as store:
        await store.commit(Batch(incidents=(incident(summary=hostile),), told=(told(),)))
        found = await store.load(LONG_AGO)
    assert [i.summary for i in found.incidents] == [text(hostile)]
    assert len(found.told) == 1


async def test_a_time_in_another_zone_is_the_same_time(tmp_path: Path) -> None:
    tokyo = NOW.astimezone(timezone(9 * HOUR))
    async with opened(tmp_path / "m.db") as store:
        await store.commit(Batch(samples=(("a/balance", Sample(tokyo, Decimal(1))),)))
        (sample,) = await store.samples("a/balance")
    assert sample.at == NOW
    assert sample.at.utcoffset() == timedelta(0)


# -- all or nothing -----------------------------------------------------------------------------


def everything_but(bad: Batch) -> Batch:
    good = Batch(
        targets=(TargetRecord("kie/balance", None),),
        samples=(("kie/balance", Sample(NOW, Decimal(1))),),
        alerts=(Alert("low", "kie/balance"),),
        incidents=(incident(),),
        silences=(silence("S", NOW),),
    )
    return dataclasses.replace(
        good,
        **{
            f.name: getattr(bad, f.name)
            for f in dataclasses.fields(bad)
            if getattr(bad, f.name) != getattr(Batch(), f.name)
        },
    )


NAIVE = NOW.replace(tzinfo=None)


@pytest.mark.parametrize(
    "bad",
    [
        Batch(told=(told(), dataclasses.replace(told(), at=NAIVE))),
        Batch(seen={"a": NOW, "b": NAIVE}),
        Batch(checkpoints=(Checkpoint("kie/balance", NOW, None),)),  # type: ignore[arg-type]
        Batch(checkpoints=(Checkpoint("kie/balance", NOW, "text"),)),  # type: ignore[arg-type]
    ],
    ids=["told", "seen", "null", "wrong type"],
)
async def test_a_batch_with_one_impossible_value_leaves_nothing_behind(
    tmp_path: Path, bad: Batch
) -> None:
    async with opened(tmp_path / "m.db") as store:
        with pytest.raises((TypeError, sqlite3.IntegrityError)):
            await store.commit(everything_but(bad))
        found = await store.load(LONG_AGO)
        assert found == Stored()
        assert await store.samples("kie/balance") == ()
        await store.commit(Batch(incidents=(incident(),)))
        assert len((await store.load(LONG_AGO)).incidents) == 1


async def test_a_bad_batch_does_not_take_its_neighbours_with_it(tmp_path: Path) -> None:
    batches = [Batch(seen={str(n): NAIVE if n == 7 else NOW}) for n in range(20)]
    async with opened(tmp_path / "m.db") as store:
        results = await asyncio.gather(*map(store.commit, batches), return_exceptions=True)
        kept = (await store.load(LONG_AGO)).seen
    assert [n for n, r in enumerate(results) if isinstance(r, TypeError)] == [7]
    assert set(kept) == {str(n) for n in range(20)} - {"7"}


async def test_calls_take_effect_in_the_order_they_were_made(tmp_path: Path) -> None:
    async with opened(tmp_path / "m.db") as store:
        first = asyncio.ensure_future(store.commit(Batch(seen={"a": NOW})))
        read = asyncio.ensure_future(store.load(LONG_AGO))
        second = asyncio.ensure_future(store.commit(Batch(seen={"b": NOW})))
        await asyncio.gather(first, read, second)
        assert set(read.result().seen) == {"a"}
        assert set((await store.load(LONG_AGO)).seen) == {"a", "b"}


async def test_a_caller_who_gives_up_does_not_disturb_the_others(tmp_path: Path) -> None:
    async with opened(tmp_path / "m.db") as store:
        calls = [asyncio.ensure_future(store.commit(Batch(seen={str(n): NOW}))) for n in range(50)]
        await asyncio.sleep(0)
        for call in calls[::2]:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        kept = set((await store.load(LONG_AGO)).seen)
    assert kept >= {str(n) for n in range(1, 50, 2)}


# -- what each part promises --------------------------------------------------------------------


async def test_a_later_batch_replaces_what_stands_under_the_same_key(tmp_path: Path) -> None:
    later = Alert("low", "kie/balance", breaches=2, summary="later")
    closed = incident(closed_at=NOW, close_reason="resolved")
    async with opened(tmp_path / "m.db") as store:
        await store.commit(Batch(alerts=(Alert("low", "kie/balance"),), incidents=(incident(),)))
        await store.commit(Batch(alerts=(later,), incidents=(closed,)))
        found = await store.load(LONG_AGO)
        assert (found.alerts, found.incidents) == ((later,), (closed,))
        await store.commit(Batch(forget_alerts=(("low", "kie/balance"), ("none", "such"))))
        assert (await store.load(LONG_AGO)).alerts == ()


async def test_a_sample_at_a_time_already_known_is_ignored(tmp_path: Path) -> None:
    first, second = Sample(NOW, Decimal(5)), Sample(NOW, Decimal(6))
    async with opened(tmp_path / "m.db") as store:
        await store.commit(Batch(samples=(("kie/balance", first), ("kie/balance", second))))
        await store.commit(Batch(samples=(("kie/balance", second),)))
        assert await store.samples("kie/balance") == (first,)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [(None, None, [0, 1, 2]), (0, None, [1, 2]), (None, 1, [0, 1]), (0, 1, [1]), (2, None, [])],
)
async def test_samples_begin_after_since_and_end_with_until(
    tmp_path: Path, since: int | None, until: int | None, expected: list[int]
) -> None:
    def at(hour: int | None) -> datetime | None:
        return None if hour is None else NOW + hour * HOUR

    points = tuple(("k/balance", Sample(NOW + n * HOUR, Decimal(n))) for n in range(3))
    async with opened(tmp_path / "m.db") as store:
        await store.commit(Batch(samples=(*points, ("other/balance", Sample(NOW, None)))))
        found = await store.samples("k/balance", at(since), at(until))
    assert [int(s.balance or 0) for s in found] == expected


async def test_a_load_holds_what_is_open_and_what_ended_since(tmp_path: Path) -> None:
    old = incident("old", closed_at=NOW - 3 * HOUR)
    recent = incident("recent", closed_at=NOW - HOUR)
    batch = Batch(
        incidents=(old, recent, incident("open")),
        told=(
            told("old"),
            told("recent", at=LONG_AGO),
            told("open", at=LONG_AGO),
            told("digest-of-today"),
            told("digest-of-old", at=NOW - 3 * HOUR),
        ),
        silences=(silence("ended", NOW - 3 * HOUR), silence("stands", NOW + HOUR)),
    )
    async with opened(tmp_path / "m.db") as store:
        await store.commit(batch)
        found = await store.load(NOW - 2 * HOUR)
        stands = await store.silences(NOW - 2 * HOUR)
    assert {i.id for i in found.incidents} == {"recent", "open"}
    assert {t.incident for t in found.told} == {"recent", "open", "digest-of-today"}
    assert [s.id for s in found.silences] == [s.id for s in stands] == ["stands"]


async def test_an_acknowledgement_goes_to_open_incidents_only(tmp_path: Path) -> None:
    async with opened(tmp_path / "m.db") as store:
        await store.commit(Batch(incidents=(incident("open"), incident("shut", closed_at=NOW))))
        assert await store.acknowledge("open", ack())
        assert not await store.acknowledge("shut", ack())
        assert not await store.acknowledge("none such", ack())
        assert await store.acks() == {"open": ack()}
        assert {i.id: i.ack for i in (await store.load(LONG_AGO)).incidents} == {
            "open": ack(),
            "shut": None,
        }


async def test_an_incident_written_by_who_knows_no_ack_does_not_undo_it(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    async with opened(path) as daemon, opened(path) as command:
        await daemon.commit(Batch(incidents=(incident(),)))
        assert await command.acknowledge("I1", ack(NOW + HOUR))
        await daemon.commit(Batch(incidents=(incident(severity=Severity.CRITICAL),)))
        await daemon.commit(Batch(incidents=(incident(ack=ack(NOW, by="earlier")),)))
        (found,) = (await daemon.load(LONG_AGO)).incidents
    assert found.ack == ack(NOW + HOUR)


async def test_a_silence_made_by_another_process_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    async with opened(path) as daemon, opened(path) as command:
        assert await daemon.silences(NOW) == ()
        await command.commit(Batch(silences=(silence("S", NOW + HOUR),)))
        assert [s.id for s in await daemon.silences(NOW)] == ["S"]


async def test_a_heartbeat_stands_until_goodbye(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    async with opened(path) as store:
        assert await store.last_heartbeat() is None
        await store.heartbeat(NOW)
        await store.heartbeat(NOW + HOUR)
    async with opened(path) as store:
        assert await store.last_heartbeat() == NOW + HOUR
        await store.goodbye()
        assert await store.last_heartbeat() is None


async def test_pruning_takes_what_ended_and_nothing_that_stands(tmp_path: Path) -> None:
    ended = NOW - 2 * HOUR
    old = tuple(incident(f"old{n}", closed_at=ended, ack=ack()) for n in range(1200))
    standing = (incident("open"), incident("recent", closed_at=NOW))
    batch = Batch(
        incidents=(*old, *standing),
        told=(
            *(told(i.id, at=NOW) for i in old),
            told("open", at=LONG_AGO),
            told("digest", 0, ended),
        ),
        silences=(silence("ended", ended), silence("stands", NOW)),
        alerts=(Alert("low", "kie/balance"),),
        samples=(("kie/balance", Sample(LONG_AGO, Decimal(1))),),
    )
    async with opened(tmp_path / "m.db") as store:
        await store.commit(batch)
        assert await store.prune(NOW - HOUR) == 1200 + 1 + 1
        assert await store.prune(NOW - HOUR) == 0
        assert len(await store.incidents(LONG_AGO)) == 1202, "a digest of a month may want them"
        assert {i.id for i in await store.incidents(NOW - HOUR)} == {"open", "recent"}
        found = await store.load(NOW - HOUR)
        assert {i.id for i in found.incidents} == {"open", "recent"}
        assert [t.incident for t in found.told] == ["open"]
        assert [s.id for s in found.silences] == ["stands"]
        assert len(found.alerts) == 1
        assert await store.prune(NOW - HOUR + 33 * 24 * HOUR) == 2 * 1200 + 1
        assert {i.id for i in await store.incidents(LONG_AGO)} == {"open", "recent"}
        assert len(await store.samples("kie/balance")) == 1


async def test_closing_leaves_one_file_and_refuses_further_calls(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "m.db")
    await store.commit(Batch(seen={"a": NOW}))
    await store.close()
    await store.close()
    assert set(modes(tmp_path)) == {"m.db"}
    for call in (store.commit(Batch()), store.load(NOW), store.heartbeat(NOW)):
        with pytest.raises(StoreError, match="closed"):
            await call


async def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    async with opened(tmp_path / "m.db") as store:
        await store.heartbeat(NOW)
        found = modes(tmp_path)
    assert found == {"m.db": 0o600, "m.db-wal": 0o600, "m.db-shm": 0o600}


async def test_no_sql_runs_on_the_event_loops_thread(tmp_path: Path) -> None:
    seen: set[str] = set()

    def now() -> datetime:
        seen.add(threading.current_thread().name)
        return NOW

    (tmp_path / "m.db").write_bytes(b"not a database" * 500)
    store = SqliteStore(tmp_path / "m.db", now=now)
    await store.load(LONG_AGO)
    await store.close()
    assert len(seen) == 1
    assert next(iter(seen)).startswith("monitor-store")
    assert threading.main_thread().name not in seen


async def test_a_reader_sees_what_the_daemon_has_written_and_may_not_write(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    async with opened(path) as daemon, opened(path, read_only=True) as reader:
        with pytest.raises(StoreError, match="there is none yet"):
            await reader.load(LONG_AGO)
        await daemon.commit(Batch(incidents=(incident(),)))
        assert (await reader.load(LONG_AGO)).incidents == (incident(),)
        await daemon.heartbeat(NOW)
        assert await reader.last_heartbeat() == NOW
        for call in (reader.commit(Batch(seen={"a": NOW})), reader.goodbye(), reader.prune(NOW)):
            with pytest.raises(StoreError, match="for reading only"):
                await call
    assert set(modes(tmp_path)) == {"m.db"}


async def test_a_reader_works_after_the_daemon_has_left(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    async with opened(path) as daemon:
        await daemon.commit(Batch(incidents=(incident(),)))
    async with opened(path, read_only=True) as reader:
        assert (await reader.load(LONG_AGO)).incidents == (incident(),)


def test_a_migration_is_split_into_its_statements() -> None:
    script = "-- a; comment\nCREATE TABLE a (b TEXT DEFAULT ';');\n\nCREATE TABLE c (d);\n"
    assert [s.strip().splitlines()[-1] for s in statements(script)] == [
        "CREATE TABLE a (b TEXT DEFAULT ';');",
        "CREATE TABLE c (d);",
    ]


async def test_a_shell_reads_what_a_daemon_of_the_version_before_writes(tmp_path: Path) -> None:
    """An upgrade installs the command before it restarts the daemon, which adds the columns."""
    path, seen = tmp_path / "monitor.db", TargetRecord("kie/balance", None, failures=2)
    async with opened(path) as store:
        await store.commit(Batch(targets=(seen,)))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE targets DROP COLUMN failed_from")
        connection.execute("PRAGMA user_version=6")
    async with opened(path, read_only=True) as reader:
        assert (await reader.load(LONG_AGO)).targets == {"kie/balance": seen}
