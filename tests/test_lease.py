"""Who leads: the lock, the lease and the fence, on a clock that is stepped."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from house import House, rule, settings
from hypothesis import given
from hypothesis import strategies as st

from monitor.app import Daemon
from monitor.config.faults import ConfigFaults, Fault
from monitor.core.lease import Lease, Lock, Reason, Watch, called, held
from monitor.core.settings import Settings
from monitor.leading import Leadership
from monitor.lock import FileLock
from monitor.store import Batch, LeaseLostError, StoreError
from monitor.store.sqlite import SqliteStore

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
PATIENCE = 10.0


def lease(*, locked: bool = True, left: bool = False, beat: int = 7) -> Lease:
    return Lease(3, "there pid 1 aa", locked, beat, None if left else NOW)


TABLE = [
    # what the database says, the lock, seconds since it moved: why one may lead
    (None, Lock.OURS, 0, Reason.FREE),
    (None, Lock.NONE, 0, Reason.FREE),
    (None, Lock.THEIRS, 99, None),  # another is just about to begin
    (lease(left=True), Lock.OURS, 0, Reason.FREE),
    (lease(left=True), Lock.THEIRS, 99, None),
    (lease(), Lock.OURS, 0, Reason.DIED),
    (lease(), Lock.THEIRS, 9.9, None),
    (lease(), Lock.THEIRS, 10, Reason.HANGS),
    (lease(), Lock.NONE, 9.9, None),
    (lease(), Lock.NONE, 10, Reason.HANGS),
    # its holder has taken over from one that hung with the lock: a free lock means nothing
    (lease(locked=False), Lock.OURS, 9.9, None),
    (lease(locked=False), Lock.OURS, 10, Reason.HANGS),
    ("unreadable", Lock.OURS, 0, Reason.UNREADABLE),
    ("unreadable", Lock.NONE, 0, Reason.UNREADABLE),
    ("unreadable", Lock.THEIRS, 99, None),
]


@pytest.mark.parametrize(("found", "lock", "stood", "reason"), TABLE)
def test_lock_and_lease_decide_together(
    found: Lease | str | None, lock: Lock, stood: float, reason: Reason | None
) -> None:
    readable = found != "unreadable"
    seen = found if isinstance(found, Lease) else None
    watch = replace(Watch(-1000.0).see(seen, 50.0, readable=readable), proven=50.0)
    again = watch.see(seen, 50.0 + stood, readable=readable)
    assert again.may_lead(lock, 50.0 + stood, PATIENCE) is reason


def test_a_beat_that_moves_is_waited_for_anew() -> None:
    before = replace(Watch(0.0).see(lease(beat=1), 0.0), proven=8.0)
    watch = before.see(lease(beat=2), 9.0)
    assert watch.proven is None
    assert not watch.doubtful(Lock.THEIRS, 13.9, PATIENCE)
    assert watch.doubtful(Lock.THEIRS, 14.0, PATIENCE)
    watch = replace(watch, proven=14.0)
    assert watch.may_lead(Lock.THEIRS, 18.9, PATIENCE) is None
    assert watch.may_lead(Lock.THEIRS, 19.0, PATIENCE) is Reason.HANGS


def test_a_beat_that_stands_still_says_nothing_where_nobody_could_write() -> None:
    watch = Watch(0.0).see(lease(), 0.0)
    assert watch.may_lead(Lock.THEIRS, 999.0, PATIENCE) is None
    assert watch.may_lead(Lock.NONE, 10.0, PATIENCE) is Reason.HANGS
    proven = replace(watch, proven=998.0)
    assert proven.may_lead(Lock.THEIRS, 1002.9, PATIENCE) is None
    assert proven.may_lead(Lock.THEIRS, 1003.0, PATIENCE) is Reason.HANGS


@given(
    asked=st.floats(0, 1e6),
    took=st.floats(0, 100),
    seen=st.floats(0, 100),
    later=st.floats(0, 200),
    patience=st.floats(1, 3600),
)
def test_nobody_may_take_over_while_the_leader_may_still_tell(
    asked: float, took: float, seen: float, later: float, patience: float
) -> None:
    """A beat asked for at `asked` was written `took` later, and seen `seen` after that."""
    at = asked + took + seen + later
    watch = replace(Watch(0.0).see(lease(), asked + took + seen), proven=0.0)
    taken = watch.may_lead(Lock.THEIRS, at, patience) is not None
    assert not (taken and held(asked, at, patience))


def test_a_holder_is_named_without_its_word() -> None:
    assert called("web-1 pid 4711 3fa9c2d1") == "web-1 pid 4711"
    assert called("") == ""


# -- the lock ---------------------------------------------------------------------------------

HOLD = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"  # noqa: E501 - a program


def test_the_kernel_takes_the_lock_from_a_process_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "m.db.lock"
    path.touch()
    mine = FileLock(path)
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=pipe, stdout=pipe) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert mine.take() is Lock.THEIRS
        other.kill()
        other.wait(10)
    assert mine.take() is Lock.OURS
    mine.give_back()


def test_no_child_keeps_the_lock(tmp_path: Path) -> None:
    mine, other = FileLock(tmp_path / "m.db.lock"), FileLock(tmp_path / "m.db.lock")
    assert mine.take() is Lock.OURS
    ready, said = os.pipe()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as executed:
        forked = os.fork()
        if forked == 0:  # a child that says that it is there, and waits to be killed
            os.write(said, b"!")
            signal.pause()
            os._exit(0)
        try:
            assert os.read(ready, 1) == b"!"
            assert other.take() is Lock.THEIRS
            mine.give_back()
            assert other.take() is Lock.OURS
        finally:
            os.kill(forked, signal.SIGKILL)
            os.waitpid(forked, 0)
            executed.kill()
    other.give_back()
    for end in (ready, said):
        os.close(end)


def test_where_no_lock_can_be_made_it_says_why(tmp_path: Path) -> None:
    nowhere = FileLock(tmp_path / "missing" / "m.db.lock")
    assert nowhere.take() is Lock.NONE
    assert nowhere.why == "No such file or directory"
    nowhere.give_back()


# -- the fence --------------------------------------------------------------------------------


async def test_whoever_was_overtaken_writes_nothing(tmp_path: Path) -> None:
    old, new = SqliteStore(tmp_path / "m.db"), SqliteStore(tmp_path / "m.db")
    assert await old.claim("old", None, NOW, locked=True)
    await old.commit(Batch(seen={"a": NOW}))
    assert await new.claim("new", await new.lease(), NOW, locked=False)
    for late in (old.commit(Batch(seen={"b": NOW})), old.heartbeat(NOW), old.goodbye()):
        with pytest.raises(LeaseLostError, match="new leads with epoch 2"):
            await late
    assert set((await new.load(NOW)).seen) == {"a"}
    for store in (old, new):
        await store.close()


async def test_of_two_that_claim_one_is_quicker(tmp_path: Path) -> None:
    one, two = SqliteStore(tmp_path / "m.db"), SqliteStore(tmp_path / "m.db")
    assert await one.claim("one", None, NOW, locked=True)
    assert not await two.claim("two", None, NOW, locked=True)
    found = await two.lease()
    assert found is not None
    await one.heartbeat(NOW)
    assert not await two.claim("two", found, NOW, locked=True)  # it has moved: it lives
    await two.commit(Batch(seen={"a": NOW}))  # it has claimed nothing: a command line
    for store in (one, two):
        await store.close()


async def test_an_epoch_is_never_used_twice(tmp_path: Path) -> None:
    epochs = []
    for name in ("one", "two", "three"):
        store = SqliteStore(tmp_path / "m.db")
        assert await store.claim(name, await store.lease(), NOW, locked=True)
        epochs.append(store.epoch)
        await store.goodbye()
        assert await store.last_heartbeat() is None
        await store.close()
    assert epochs == [1, 2, 3]


def remove(folder: Path) -> None:
    for file in folder.glob("m.db*"):
        file.unlink()


async def test_a_leader_whose_file_is_lost_leads_on_in_the_new_one(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "m.db")
    await store.claim("one", None, NOW, locked=True)
    remove(tmp_path)
    with pytest.raises(StoreError):
        await store.heartbeat(NOW)
    await store.commit(Batch(seen={"a": NOW}))
    found = await store.lease()
    assert found == Lease(1, "one", True, 0, NOW)
    await store.close()


async def test_who_insists_claims_with_the_first_transaction_that_works(tmp_path: Path) -> None:
    before, store = SqliteStore(tmp_path / "m.db"), SqliteStore(tmp_path / "m.db")
    await before.claim("before", None, NOW, locked=True)
    store.insist("after", locked=True)
    assert store.epoch is None
    await store.commit(Batch(seen={"a": NOW}))
    assert store.epoch == 2
    with pytest.raises(LeaseLostError):
        await before.heartbeat(NOW)
    for each in (before, store):
        await each.close()


# -- the two together -------------------------------------------------------------------------


class Story:
    """Several daemons on one database, and a clock that moves when it is told."""

    def __init__(self, folder: Path) -> None:
        self.database, self.at, self.answers = str(folder / "m.db"), 100.0, False

    def daemon(self) -> Leadership:
        async def answered() -> bool:
            return self.answers

        return Leadership(
            self.database, PATIENCE, now=lambda: NOW, answered=answered, ticks=lambda: self.at
        )


class Locked(SqliteStore):
    """A database that does not let go."""

    async def claim(self, *args: object, **words: object) -> bool:
        raise StoreError("the database is locked")


async def test_a_hung_leader_is_followed_after_its_lease_and_no_sooner(tmp_path: Path) -> None:
    story = Story(tmp_path)
    first, second = story.daemon(), story.daemon()
    led, other = SqliteStore(story.database), SqliteStore(story.database)
    assert await first.look(led) is Reason.FREE
    assert await first.claim(led)
    assert first.valid()
    assert await second.look(other) is None
    for step in (4.0, 1.0, 3.0):
        story.at += step
        assert await second.look(other) is None
    assert not first.valid()  # it holds back before anybody may take over
    assert await second.look(other) is None
    story.at += 2.0
    assert await second.look(other) is Reason.HANGS
    assert await second.claim(other)
    assert second.valid()
    lost = await first.keep(led, lambda: led.heartbeat(NOW))
    assert called(second.holder) in lost
    assert not first.valid()
    first.step_down()
    assert await first.look(led) is None
    for store in (led, other):
        await store.close()


async def test_who_has_slept_along_with_the_leader_takes_nothing_over(tmp_path: Path) -> None:
    """A machine that was suspended, a container that was paused: both wake at the same time."""
    story = Story(tmp_path)
    first, second = story.daemon(), story.daemon()
    led, other = SqliteStore(story.database), SqliteStore(story.database)
    await first.look(led)
    await first.claim(led)
    assert await second.look(other) is None
    story.at += 3600.0
    assert await second.look(other) is None  # it may be the first of the two to look
    await led.heartbeat(NOW)
    story.at += 0.25
    assert await second.look(other) is None
    for _ in range(2):
        story.at += PATIENCE / 2
        found = await second.look(other)
    assert found is Reason.HANGS  # from then on it has watched, and waits no longer than ever
    for store in (led, other):
        await store.close()


async def test_a_dead_leader_is_followed_at_once(tmp_path: Path) -> None:
    story = Story(tmp_path)
    first, second = story.daemon(), story.daemon()
    led, other = SqliteStore(story.database), SqliteStore(story.database)
    await first.look(led)
    await first.claim(led)
    assert await second.look(other) is None
    first.step_down()  # as the kernel does
    assert await second.look(other) is Reason.DIED
    for store in (led, other):
        await store.close()


async def test_a_database_that_does_not_let_go_is_no_lead_while_another_holds_the_lock(
    tmp_path: Path,
) -> None:
    story = Story(tmp_path)
    first, second = story.daemon(), story.daemon()
    led, other = SqliteStore(story.database), Locked(story.database)
    await first.look(led)
    await first.claim(led)
    for _ in range(13):
        found = await second.look(other)
        story.at += PATIENCE / 2
    assert found is Reason.HANGS
    assert not await second.claim(other)
    first.step_down()
    assert await second.look(other) is Reason.DIED
    assert await second.claim(other)  # nobody else can act: it goes on from memory
    assert other.epoch is None
    second.step_down()
    for store in (led, other):
        await store.close()


async def stood_by(
    story: Story, daemon: Leadership, store: SqliteStore, seconds: float, led: SqliteStore | None
) -> list[Reason]:
    """Look on four times a second, while the leader tries to beat once; why it might lead."""
    found = []
    for quarter in range(int(seconds * 4)):
        if led is not None and quarter % 4 == 3:
            with suppress(StoreError):
                await led.heartbeat(NOW + timedelta(seconds=story.at))
        reason = await daemon.look(store)
        found += [] if reason is None else [reason]
        story.at += 0.25
    return found


async def test_a_database_locked_by_somebody_else_is_no_leader_that_hangs(tmp_path: Path) -> None:
    """Neither can write; whoever leads has told what the database does not know yet."""
    story = Story(tmp_path)
    first, second = story.daemon(), story.daemon()
    led = SqliteStore(story.database, busy_timeout=0.0)
    reader = SqliteStore(story.database, read_only=True)
    await first.look(led)
    await first.claim(led)
    assert await stood_by(story, second, reader, 3, led) == []
    with closing(sqlite3.connect(story.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert await stood_by(story, second, reader, 4 * PATIENCE, led) == []
        other.execute("ROLLBACK")
    # The standby may look first when the lock goes; the leader beats within a second.
    assert await stood_by(story, second, reader, 3 * PATIENCE, led) == []
    found = await stood_by(story, second, reader, PATIENCE + 0.25, None)  # now it hangs indeed
    assert set(found) == {Reason.HANGS}
    for store in (led, reader):
        await store.close()


async def test_a_leader_that_hangs_is_followed_some_time_after_a_lock_has_gone(
    tmp_path: Path,
) -> None:
    story = Story(tmp_path)
    first, second = story.daemon(), story.daemon()
    led, reader = SqliteStore(story.database), SqliteStore(story.database, read_only=True)
    await first.look(led)
    await first.claim(led)
    with closing(sqlite3.connect(story.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert await stood_by(story, second, reader, 3 * PATIENCE, None) == []
        other.execute("ROLLBACK")
    assert await stood_by(story, second, reader, PATIENCE / 2, None) == []
    assert await stood_by(story, second, reader, 0.25, None) == [Reason.HANGS]
    for store in (led, reader):
        await store.close()


_BEAT_ONCE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("UPDATE lease SET beat = beat + 1")
connection.close()
"""


async def test_a_standby_that_has_tried_to_write_still_sees_what_other_processes_write(
    tmp_path: Path,
) -> None:
    path = str(tmp_path / "monitor.db")
    leader = SqliteStore(path)
    assert await leader.claim("leader", None, NOW, locked=True)
    standby = SqliteStore(path, read_only=True)
    seen = [await standby.lease()]
    assert await standby.writable()
    await leader.close()
    for _ in range(3):  # each folds the log in, and takes it away, where it believes to be alone
        beat = [sys.executable, "-c", _BEAT_ONCE, path]
        await asyncio.to_thread(subprocess.run, beat, check=True)
        seen.append(await standby.lease())
    await standby.close()
    assert [found.beat for found in seen if found] == [0, 1, 2, 3]


async def test_to_try_whether_it_can_be_written_changes_nothing(tmp_path: Path) -> None:
    database = tmp_path / "m.db"
    store = SqliteStore(database)
    assert not await store.writable()  # there is none yet, and none is made
    assert not database.exists()
    await store.claim("there pid 1 aa", None, NOW, locked=True)
    before = await store.lease()
    assert await store.writable()
    assert await store.lease() == before
    await store.close()


async def test_without_a_lock_a_daemon_that_answers_is_believed(tmp_path: Path) -> None:
    story = Story(tmp_path / "missing")
    daemon, store = story.daemon(), SqliteStore(story.database)
    story.answers = True
    assert await daemon.look(store) is None
    story.answers = False
    assert await daemon.look(store) is Reason.UNREADABLE
    assert await daemon.claim(store)  # the folder may be there later
    await store.close()


async def test_who_took_over_from_a_hung_leader_has_the_lock_as_soon_as_it_is_free(
    tmp_path: Path,
) -> None:
    story = Story(tmp_path)
    first, second = story.daemon(), story.daemon()
    led, other = SqliteStore(story.database), SqliteStore(story.database)
    await first.look(led)
    await first.claim(led)
    await second.look(other)
    story.at += PATIENCE
    await second.look(other)
    await second.claim(other)
    first.step_down()
    beats = 0

    async def beat() -> None:
        nonlocal beats
        beats += 1
        if beats == 3:
            raise LeaseLostError("the test is over")
        await other.heartbeat(NOW)

    second._sleep = lambda _: asyncio.sleep(0)
    await second.keep(other, beat)
    found = await other.lease()
    assert found is not None
    assert found.locked
    second.step_down()
    for store in (led, other):
        await store.close()


async def test_what_may_not_be_told_now_is_told_once_this_daemon_surely_leads() -> None:
    house = House(settings(rules=(rule("low", "kie/balance", "balance < 10000"),), builtin=False))
    leads = False
    teller = house.pipeline._teller
    assert teller is not None
    teller.may_tell = lambda: leads
    house.script.balance(9000)
    await house.probe()
    assert house.mail.said == []
    assert await house.pipeline.deliver("oncall") == 0.5
    leads = True
    await house.tell()
    assert house.mail.said == ["opened low"]


async def test_a_standby_that_reloads_closes_what_it_never_used_and_takes_the_new_lease(
    tmp_path: Path,
) -> None:
    before = replace(settings(), database=str(tmp_path / "m.db"), lease=10.0)
    daemon = Daemon(before, lambda: replace(before, lease=3.0), env={})
    unused = daemon.term
    assert await daemon.reload() is None
    assert daemon.term is not unused
    assert daemon.settings.lease == daemon.leadership.patience == 3.0
    with pytest.raises(StoreError, match="closed"):
        await unused.store.lease()
    await daemon.term.abandon()
    await daemon.door.aclose()
    assert not (tmp_path / "m.db").exists()  # who stands by makes no database


async def test_a_standby_whose_config_is_broken_keeps_what_it_has(tmp_path: Path) -> None:
    def broken() -> Settings:
        raise ConfigFaults((Fault("m.yaml", 1, 1, "lease", "wrong"),))

    before = replace(settings(), database=str(tmp_path / "m.db"), lease=10.0)
    daemon = Daemon(before, broken, env={})
    term = daemon.term
    assert "lease" in (await daemon.reload() or "")
    assert daemon.term is term
    assert daemon.leadership.patience == 10.0
    await daemon.term.abandon()
    await daemon.door.aclose()
