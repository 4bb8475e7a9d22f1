"""What survives a restart, and what happens when the store does not work."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from house import House, huggingface, kie, receiver, rule, settings

from monitor.core.causes import Cause
from monitor.core.model import Finding, Kind, Silence
from monitor.core.settings import Settings
from monitor.core.snapshot import Snapshot
from monitor.notifiers import Delivery
from monitor.store.sqlite import SqliteStore

LOW = rule("kie-credits-low", "kie/balance", "balance < 10000")
CONFIG = settings(rules=(LOW,), builtin=False)


class Killed(BaseException):
    """The process ends here, whatever would have come next."""


async def again(house: House, folder: Path, config=CONFIG, *, close: bool = True) -> House:
    """The same world after a restart; without `close` the old process was killed."""
    if close:
        await house.pipeline.keeper.close()
    new = House(
        config,
        store=SqliteStore(str(folder / "monitor.db")),
        clock=house.clock,
        script=house.script,
        mail=house.mail,
    )
    return await new.start()


async def first(folder: Path, config=CONFIG) -> House:
    return await House(config, store=SqliteStore(str(folder / "monitor.db"))).start()


async def test_an_incident_and_who_knows_of_it_survive_a_restart(tmp_path: Path) -> None:
    house = await first(tmp_path)
    house.script.balance(9000)
    await house.probe()
    (incident,) = house.memory.incidents
    house = await again(house, tmp_path)
    assert list(house.memory.incidents) == [incident]
    await house.probe(after=300)
    assert house.mail.said == ["opened kie-credits-low"]
    house.script.balance(20000)
    await house.probe(after=300)
    assert house.mail.said == ["opened kie-credits-low", "resolved kie-credits-low"]
    await house.pipeline.keeper.close()


async def test_what_could_not_be_told_before_a_restart_is_told_after_it(tmp_path: Path) -> None:
    house = await first(tmp_path)
    house.mail.outcome = lambda m, a: Delivery(failed=dict.fromkeys(a, "down"))
    house.script.balance(9000)
    await house.probe()
    ids = []
    house.mail.outcome = lambda m, a: ids.append(m.id) or Delivery(a)
    house = await again(house, tmp_path, close=False)
    await house.tell()
    assert house.mail.said == ["opened kie-credits-low"]
    await house.pipeline.keeper.close()


async def test_a_repeat_after_a_crash_between_send_and_told_has_its_first_id(
    tmp_path: Path,
) -> None:
    house = await first(tmp_path)
    ids: list[str] = []

    def crash(message, addresses):
        ids.append(message.id)
        raise Killed

    house.mail.outcome = crash
    house.script.balance(9000)
    with contextlib.suppress(Killed):
        await house.probe()
    house.mail.outcome = lambda m, a: ids.append(m.id) or Delivery(a)
    house = await again(house, tmp_path, close=False)
    await house.tell()
    assert len(ids) == 2
    assert len(set(ids)) == 1
    await house.pipeline.keeper.close()


async def test_a_kill_while_we_are_offline_blames_no_provider(tmp_path: Path) -> None:
    """What answered between the last good answer of a target and its first failed probe."""
    config = settings((kie(), huggingface()))
    house = await first(tmp_path, config)
    house.script.balance(50000)
    await house.probe("kie/balance")
    others = [t for t in house.memory.targets if t != "kie/balance"]
    await house.probe(*others, after=5)
    for target in house.memory.targets:
        house.script.cause(target, Cause.PROVIDER_UNREACHABLE)
    await house.probe("kie/balance", after=295)
    began = house.memory.views["kie/balance"].failed_from
    await house.probe("kie/balance", after=10)
    house = await again(house, tmp_path, config, close=False)
    assert house.memory.views["kie/balance"].failed_from == began is not None
    await house.probe(others[0], "kie/balance", after=10)
    assert house.firing() == {"monitor-offline": "monitor/network"}
    await house.pipeline.keeper.close()


async def test_a_runway_needs_no_new_history_after_a_restart(tmp_path: Path) -> None:
    config = settings((kie(usage={"video": Decimal(40)}),), builtin=False)
    house = await first(tmp_path, config)
    balance = Decimal(50000)
    for _ in range(300):
        balance -= Decimal(27)
        house.script.balance(str(balance))
        await house.probe(after=300)
    before = house.memory.books["kie/balance"].outlook(house.clock.now())
    totals = house.memory.books["kie/balance"].totals
    house = await again(house, tmp_path, config, close=False)
    assert house.memory.books["kie/balance"].outlook(house.clock.now()) == before
    assert house.memory.books["kie/balance"].totals == totals
    assert house.memory.views["kie/balance"].outlook == before
    await house.pipeline.keeper.close()


async def test_a_new_receiver_hears_open_incidents_only(tmp_path: Path) -> None:
    house = await first(tmp_path)
    house.script.balance(9000)
    await house.probe()
    house.script.balance(20000)
    await house.probe(after=300)
    house.script.balance(8000)
    await house.probe(after=300)
    told_before = len(house.mail.sent)
    more = settings(rules=(LOW,), receivers=(receiver(), receiver("new")), builtin=False)
    house = await again(house, tmp_path, more)
    await house.tell(after=1)
    fresh = [(m.receiver, m.kind) for m, _ in house.mail.sent[told_before:]]
    assert fresh == [("new", Kind.OPENED)]
    await house.pipeline.keeper.close()


def named(name: str, was: str | None, *addresses: str) -> Settings:
    """A config in which a receiver has one name or another; the people behind it are the same."""
    to = receiver(name, was=was, addresses=addresses or (name,))
    return settings(rules=(LOW,), receivers=(to,), builtin=False)


@pytest.mark.parametrize("addresses", [("ada@example.com", "ben@example.com"), ()])
async def test_a_receiver_that_was_renamed_knows_what_it_was_told(
    tmp_path: Path, addresses: tuple[str, ...]
) -> None:
    house = await first(tmp_path, named("oncall", None, *addresses))
    house.script.balance(9000)
    await house.probe()
    house = await again(house, tmp_path, named("team", "oncall", *addresses))
    await house.probe(after=300)
    assert house.mail.said == ["opened kie-credits-low"]
    house.script.balance(20000)
    await house.probe(after=300)
    assert house.mail.said == ["opened kie-credits-low", "resolved kie-credits-low"]
    (message, _) = house.mail.sent[-1]
    assert message.receiver == "team"
    assert message.opened_id == house.mail.sent[0][0].id  # it goes on in the same thread
    house = await again(house, tmp_path, named("team", "oncall", *addresses))
    await house.tell()
    assert len(house.mail.sent) == 2
    assert {t.receiver for t in house.memory.told.values()} == {"team"}
    await house.pipeline.keeper.close()


async def test_a_receiver_that_is_renamed_still_hears_the_end_it_was_owed(tmp_path: Path) -> None:
    house = await first(tmp_path, named("oncall", None))
    house.script.balance(9000)
    await house.probe()
    house.mail.outcome = lambda m, a: Delivery(failed=dict.fromkeys(a, "down"))
    house.script.balance(20000)
    await house.probe(after=300)
    house.mail.outcome = lambda m, a: Delivery(a)
    await house.pipeline.reload(named("team", "oncall"))
    await house.tell(after=60)
    assert [(m.receiver, m.kind) for m, _ in house.mail.sent] == [
        ("oncall", Kind.OPENED),
        ("team", Kind.RESOLVED),
    ]
    await house.pipeline.keeper.close()


async def test_what_a_receiver_is_told_while_it_is_renamed_counts_as_well(tmp_path: Path) -> None:
    house = await first(tmp_path, named("oncall", None))
    house.script.balance(9000)
    await house.probe()
    (told,) = house.memory.told.values()
    meanwhile = house.pipeline.keeper.tell((replace(told, incident="another"),))
    await asyncio.gather(house.pipeline.reload(named("team", "oncall")), meanwhile)
    assert {(t.incident, t.receiver) for t in house.memory.told.values()} == {
        (told.incident, "team"),
        ("another", "team"),
    }
    await house.pipeline.keeper.close()


async def test_a_receiver_with_another_name_and_no_word_of_it_is_a_new_one(tmp_path: Path) -> None:
    house = await first(tmp_path, named("oncall", None))
    house.script.balance(9000)
    await house.probe()
    await house.pipeline.reload(named("team", None))
    await house.tell()
    assert [(m.receiver, m.kind) for m, _ in house.mail.sent] == [
        ("oncall", Kind.OPENED),
        ("team", Kind.OPENED),
    ]
    await house.pipeline.keeper.close()


async def test_an_account_that_was_renamed_keeps_its_history(tmp_path: Path) -> None:
    old = settings((kie(usage={"video": Decimal(40)}),), builtin=False)
    house = await first(tmp_path, old)
    for step in range(50):
        house.script.balance(50000 - 100 * step)
        await house.probe(after=300)
    spent = house.memory.books["kie/balance"].totals.spent
    target = kie().targets[0]
    named = target.__class__(
        target.target.__class__("video", "kie", target.target.check), target.interval, 15.0
    )
    new = settings(
        (kie(name="video", was="kie", targets=(named,), usage={"video": Decimal(40)}),),
        builtin=False,
    )
    house = await again(house, tmp_path, new)
    assert house.memory.books["video/balance"].totals.spent == spent
    await house.pipeline.keeper.close()


async def test_a_store_that_fails_is_said_once_and_alerting_goes_on(tmp_path: Path) -> None:
    house = await first(tmp_path, settings(rules=(LOW,)))
    house.script.balance(50000)
    await house.probe()
    path = tmp_path / "monitor.db"
    for name in ("monitor.db", "monitor.db-wal", "monitor.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    path.mkdir()
    os.chmod(path, 0o700)
    house.script.balance(9000)
    await house.probe(after=300)
    assert "opened kie-credits-low" in house.mail.said
    await house.pipeline.sweep()
    await house.tell()
    assert house.firing()["store-failed"] == "monitor/store"
    assert snapshot(house).counts.store_failed
    path.rmdir()
    await house.probe(after=300)
    await house.pipeline.sweep()
    assert snapshot(house).counts.store_failed == ""
    await house.pipeline.keeper.close()
    reopened = await again(house, tmp_path, settings(rules=(LOW,)), close=False)
    assert "kie-credits-low" in reopened.firing()
    await reopened.pipeline.keeper.close()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program holds the database: it can be neither read nor written."""
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("UPDATE lease SET beat = beat")
        yield


async def beside(house: House, folder: Path) -> House:
    """The same world after a restart while the database is locked."""
    store = SqliteStore(str(folder / "monitor.db"), busy_timeout=0.0)
    new = House(CONFIG, store=store, clock=house.clock, script=house.script, mail=house.mail)
    return await new.start()


async def test_what_is_read_before_the_store_could_be_loaded_is_not_taken_back(
    tmp_path: Path,
) -> None:
    house = await first(tmp_path)
    house.script.balance(20000)
    await house.probe()
    await house.pipeline.keeper.close()
    with locked(tmp_path / "monitor.db"):
        house = await beside(house, tmp_path)
        house.script.balance(9000)
        await house.probe(after=300)
    await house.pipeline.sweep()
    assert snapshot(house).counts.store_failed == ""
    for config in (CONFIG, CONFIG):  # what is judged anew is judged by the last reading
        assert house.memory.records["kie/balance"].balance == 9000
        await house.pipeline.reload(config)
        await house.tell()
        assert house.mail.said == ["opened kie-credits-low"]
        house = await again(house, tmp_path, config, close=False)
    await house.pipeline.keeper.close()


async def test_a_history_that_is_loaded_late_is_heeded_at_once(tmp_path: Path) -> None:
    house = await first(tmp_path)
    for step in range(100):
        house.script.balance(50000 - 100 * step)
        await house.probe(after=300)
    burn = house.memory.views["kie/balance"].outlook
    await house.pipeline.keeper.close()
    with locked(tmp_path / "monitor.db"):
        house = await beside(house, tmp_path)
        await house.probe(after=300)
    await house.pipeline.sweep()
    known = house.memory.views["kie/balance"].outlook
    assert burn is not None
    assert known is not None
    assert known.burn_per_hour == pytest.approx(burn.burn_per_hour, rel=0.1)
    await house.pipeline.keeper.close()


async def test_a_silence_made_before_the_store_could_be_loaded_lasts(tmp_path: Path) -> None:
    house = await first(tmp_path)
    await house.pipeline.keeper.close()
    now = house.clock.now()
    silence = Silence("s-1", "kie/*", None, now, now + timedelta(hours=2), "ada", "known")
    with locked(tmp_path / "monitor.db"):
        house = await beside(house, tmp_path)
        await house.pipeline.keeper.silence(silence)
        await house.pipeline.meet()
        met = dict(house.memory.seen)
    await house.pipeline.sweep()
    assert snapshot(house).counts.store_failed == ""
    for _ in range(2):
        assert house.memory.silences == {silence.id: silence}
        assert house.memory.seen == met != {}
        house = await again(house, tmp_path, close=False)
    await house.pipeline.keeper.close()


def snapshot(house: House) -> Snapshot:
    return house.memory.snapshot(house.clock.now())


async def test_seven_days_after_its_end_an_incident_is_forgotten(tmp_path: Path) -> None:
    house = await first(tmp_path)
    house.script.balance(9000)
    await house.probe()
    house.script.balance(20000)
    await house.probe(after=300)
    house.clock.step(timedelta(days=7, hours=1).total_seconds())
    await house.pipeline.sweep()
    assert house.memory.incidents == {}
    assert house.memory.told == {}
    await house.pipeline.keeper.close()


async def test_a_daemon_that_never_lives_for_an_hour_forgets_what_is_over_as_well(
    tmp_path: Path,
) -> None:
    house = await first(tmp_path)
    house.script.balance(9000)
    await house.probe()
    house.script.balance(20000)
    await house.probe(after=300)
    house.clock.step(timedelta(days=7, hours=1).total_seconds())
    house = await again(house, tmp_path)
    assert told_rows(tmp_path) == 2
    await house.pipeline.sweep()  # within seconds of its start
    assert told_rows(tmp_path) == 0
    await house.pipeline.keeper.close()


def told_rows(folder: Path) -> int:
    with contextlib.closing(sqlite3.connect(folder / "monitor.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM told").fetchone()[0])


async def test_unread_probes_do_not_stop_a_start(tmp_path: Path) -> None:
    house = await first(tmp_path)
    house.script.cause("kie/balance", Cause.TIMED_OUT)
    await house.probe()
    house = await again(house, tmp_path)
    assert house.memory.records["kie/balance"].failures == 1
    await house.pipeline.keeper.close()


async def test_a_renewal_a_provider_tells_of_is_known_after_a_restart(tmp_path: Path) -> None:
    house = await first(tmp_path)
    due = house.clock.now() + timedelta(hours=1)

    def answer(left: int) -> Finding:
        facts = {"renews_at": f"{due:%Y-%m-%dT%H:%M:%SZ}"}
        return Finding(Cause.OK, balance=Decimal(left), unit="tokens", facts=facts)

    house.script.answers["kie/balance"] = answer(4000)
    await house.probe("kie/balance")
    house = await again(house, tmp_path)
    house.script.answers["kie/balance"] = answer(9000)
    await house.probe("kie/balance", after=3900)
    totals = house.memory.books["kie/balance"].totals
    assert (totals.adjusted, totals.topped_up) == (5000, 0)
    await house.pipeline.keeper.close()
