"""A store that fails, is lost, is late or is cut off: nothing is lost, nobody is told twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from house import MODELS, START, House, every, huggingface, kie, rule, settings

from monitor.core.advice import summary
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding, Silence, Target
from monitor.core.settings import Service
from monitor.notifiers import Delivery
from monitor.store import Batch, Stored, StoreError
from monitor.store.sqlite import SqliteStore

LOW = rule("kie-credits-low", "kie/balance", "balance < 10000")
CONFIG = settings(rules=(LOW,), builtin=False)


class Moody(SqliteStore):
    """A real store that refuses as often as the test wants, and can be made to wait."""

    refusals = 0
    load_refusals = 0
    gate: asyncio.Event | None = None
    waited: asyncio.Event

    async def load(self, since: datetime) -> Stored:
        if self.load_refusals:
            self.load_refusals -= 1
            raise StoreError("the database is busy")
        return await super().load(since)

    async def commit(self, batch: Batch) -> None:
        if self.gate is not None:
            self.waited.set()
            await self.gate.wait()
        if self.refusals:
            self.refusals -= 1
            raise StoreError("the disk is full")
        await super().commit(batch)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "monitor.db")


def remove(folder: Path) -> None:
    for file in folder.glob("monitor.db*"):
        file.unlink()


async def begin(path: str, **changes: int) -> tuple[House, Moody]:
    store = Moody(path)
    for name, value in changes.items():
        setattr(store, name, value)
    return await House(CONFIG, store=store).start(), store


async def reborn(house: House, path: str) -> House:
    new = House(
        CONFIG, store=SqliteStore(path), clock=house.clock, script=house.script, mail=house.mail
    )
    return await new.start()


async def test_what_a_full_disk_refused_is_kept_when_there_is_room_again(path: str) -> None:
    house, store = await begin(path)
    store.refusals = 3
    house.script.balance(9000)
    await house.probe()
    assert house.mail.said == ["opened kie-credits-low"]
    await house.pipeline.sweep()
    await house.pipeline.sweep()
    await store.close()  # no goodbye: the power went
    house = await reborn(house, path)
    await house.probe(after=300)
    assert house.mail.said == ["opened kie-credits-low"]
    await house.pipeline.keeper.close()


async def test_a_heartbeat_that_finds_room_is_not_taken_for_a_database_that_works(
    path: str,
) -> None:
    house, store = await begin(path)
    store.refusals = 99
    house.script.balance(9000)
    await house.probe()
    failed = house.memory.store_failed
    assert failed
    store.refusals = 1
    await house.pipeline.keeper.refresh(
        house.clock.now()
    )  # the beat is written, what is owed is refused once more
    assert house.memory.store_failed == failed
    await house.pipeline.keeper.refresh(house.clock.now())
    assert not house.memory.store_failed
    await house.pipeline.keeper.close()


async def test_what_was_refused_while_another_was_taken_is_kept_before_all_is_well(
    path: str,
) -> None:
    house, store = await begin(path)
    keeper, now = house.pipeline.keeper, house.clock.now()
    silence = Silence("s1", "*", None, now, now + timedelta(hours=1), "ada", "")
    store.gate, store.waited, store.refusals = asyncio.Event(), asyncio.Event(), 1
    refused = asyncio.create_task(keeper.meet({"a@example.com": now}))
    await store.waited.wait()
    taken = asyncio.create_task(keeper.silence(silence))
    await asyncio.sleep(0)
    store.gate.set()
    await asyncio.gather(refused, taken)
    assert not house.memory.store_failed
    await store.close()  # no goodbye: the power went
    house = await reborn(house, path)
    assert house.memory.seen["a@example.com"] == now
    assert "s1" in house.memory.silences
    await house.pipeline.keeper.close()


async def test_what_is_owed_is_written_at_a_good_end(path: str) -> None:
    house, store = await begin(path)
    store.refusals = 2
    house.script.balance(9000)
    await house.probe()
    await house.pipeline.keeper.close()
    house = await reborn(house, path)
    await house.tell()
    assert house.mail.said == ["opened kie-credits-low"]
    assert set(house.firing()) == {"kie-credits-low"}
    await house.pipeline.keeper.close()


async def test_a_commit_that_is_cut_off_is_owed(path: str) -> None:
    house, store = await begin(path)
    house.script.balance(9000)
    store.gate, store.waited = asyncio.Event(), asyncio.Event()
    cut = asyncio.create_task(house.pipeline.observe("kie/balance"))
    await store.waited.wait()
    await house.tell()
    assert house.mail.said == []  # not on the disk yet: nobody hears of it
    cut.cancel()
    await asyncio.gather(cut, return_exceptions=True)
    store.gate = None
    await house.pipeline.keeper.close()
    house = await reborn(house, path)
    reading = house.memory.records["kie/balance"].reading
    assert reading is not None  # what the incident rests on: else another would follow it
    assert reading.finding.balance == 9000
    await house.tell()
    assert house.mail.said == ["opened kie-credits-low"]
    await house.pipeline.keeper.close()


async def test_a_lost_database_is_filled_again_whoever_notices_first(
    path: str, tmp_path: Path
) -> None:
    house, _ = await begin(path)
    house.script.balance(9000)
    await house.probe()
    remove(tmp_path)
    await house.pipeline.sweep()  # the heartbeat meets it first
    await house.pipeline.keeper.close()
    house = await reborn(house, path)
    await house.probe(after=300)
    assert house.mail.said == ["opened kie-credits-low"]
    await house.pipeline.keeper.close()


async def test_a_store_that_could_not_be_read_at_the_start_is_read_later(path: str) -> None:
    house, _ = await begin(path)
    house.script.balance(9000)
    await house.probe()
    (first,) = house.memory.incidents
    await house.pipeline.keeper.close()
    late = House(
        CONFIG, store=Moody(path), clock=house.clock, script=house.script, mail=house.mail
    )
    store = late.pipeline.keeper._store
    assert isinstance(store, Moody)
    store.load_refusals = 1
    await late.start()
    await late.probe(after=300)
    await late.pipeline.sweep()
    assert late.memory.store_failed == ""
    open_ones = [i.id for i in late.memory.incidents.values() if i.open]
    assert len(open_ones) == 1
    assert first in late.memory.incidents
    late.script.balance(20000)
    await late.probe(after=300)
    assert [k for k in late.mail.said if k.startswith("resolved")] == ["resolved kie-credits-low"]
    await late.pipeline.keeper.close()


async def test_an_open_incident_that_no_alert_holds_is_closed_at_a_start(path: str) -> None:
    house, _ = await begin(path)
    house.script.balance(9000)
    await house.probe()
    (incident,) = house.memory.incidents.values()
    orphan = replace(incident, id="01ORPHAN0000000000000000AA")
    await house.pipeline.keeper._store.commit(Batch(incidents=(orphan,)))
    await house.pipeline.keeper.close()
    house = await reborn(house, path)
    assert [i.id for i in house.memory.incidents.values() if i.open] == [incident.id]
    await house.pipeline.keeper.close()


async def test_repeats_that_do_not_agree_are_not_believed_and_that_is_seen_meanwhile() -> None:
    house = await House(CONFIG).start()
    house.script.balance(50000)
    await house.probe()
    answers, seen = iter(map(Decimal, (0, 20000000, 0, 30000000))), []

    def answer() -> Finding:
        doubted = house.memory.views["kie/balance"].doubted
        seen.append(None if doubted is None else doubted[0])
        return Finding(Cause.OK, balance=next(answers), unit="credits")

    house.script.answers["kie/balance"] = answer
    await house.probe(after=300)
    assert seen == [None, 0, 20000000, 0]
    assert house.mail.said == []
    assert house.memory.records["kie/balance"].balance == 50000
    assert "30000000 credits, is doubted" in summary(house.memory.views["kie/balance"])
    house.script.balance(49000)
    await house.probe(after=300)
    assert house.memory.views["kie/balance"].doubted is None


async def test_many_failures_have_another_provider_asked_once() -> None:
    house = await House(settings((kie(), huggingface()))).start()
    soon: list[str] = []
    house.pipeline.ask_soon = soon.append
    house.script.balance(50000)
    await house.probe()
    for model in MODELS:
        house.script.cause(f"huggingface/model/{model}", Cause.TIMED_OUT)
    for _ in range(2):
        for model in MODELS:
            await house.probe(f"huggingface/model/{model}", after=1)
    assert soon == ["kie/balance"]


async def test_a_rejected_key_makes_its_service_unknown_or_down_at_once_and_back() -> None:
    service = Service("images", any_of=tuple(f"huggingface/model/{m}" for m in MODELS))
    house = await House(settings((huggingface(),), services=(service,))).start()

    def status() -> str:
        return house.memory.snapshot(house.clock.now()).services[0].status.value

    await house.probe()
    assert status() == "up"
    house.script.cause("huggingface/key", Cause.KEY_REJECTED)
    await house.probe("huggingface/key", after=60)
    assert status() == "down"
    soon: list[str] = []
    house.pipeline.ask_soon = soon.append
    house.script.cause("huggingface/key", Cause.OK)
    await house.probe("huggingface/key", after=1800)
    assert status() == "up"
    assert set(soon) == {f"huggingface/model/{m}" for m in MODELS}


async def test_a_machine_that_was_off_is_no_stale_target_and_a_forgotten_one_is() -> None:
    house = await House().start()
    house.script.balance(50000)
    await house.probe()
    house.clock.step(86400)  # asleep
    first = house.clock.now() + timedelta(seconds=60)
    house.pipeline.watch({"kie/balance": first})
    await house.pipeline.sweep()
    assert house.firing() == {}
    for _ in range(20):  # nobody probes it: that is our fault
        house.clock.step(60)
        await house.pipeline.sweep()
    assert house.firing() == {"target-stale": "kie/balance"}


async def test_a_target_that_was_never_probed_is_stale_too() -> None:
    house = await House().start()
    house.pipeline.watch({"kie/balance": START})
    for _ in range(20):
        house.clock.step(60)
        await house.pipeline.sweep()
    assert house.firing() == {"target-stale": "kie/balance"}


async def test_a_restart_keeps_to_the_pace_that_a_short_runway_asks_for() -> None:
    account = kie(
        targets=(replace(every(Target("kie", "kie", Check.BALANCE)), interval=_range(60, 900)),),
        usage={"video": Decimal(240)},
    )
    house = await House(settings((account,), builtin=False)).start()
    house.script.balance(3000)
    await house.probe()
    (turn,) = house.pipeline.turns().values()
    assert turn < house.clock.now() + timedelta(seconds=900)


def _range(shortest: float, longest: float):
    from monitor.core.settings import Interval

    return Interval(shortest, longest)


async def test_a_fallback_is_woken_by_the_failure_itself() -> None:
    from house import receiver

    pair = (receiver(fallback="lead"), receiver("lead", severities=frozenset()))
    house = await House(settings(rules=(LOW,), receivers=pair, builtin=False)).start()
    woken: list[bool] = []
    house.pipeline.changed = lambda: woken.append(True)
    house.mail.outcome = lambda m, a: Delivery(refused=dict.fromkeys(a, "550 no"))
    house.script.balance(9000)
    await house.pipeline.observe("kie/balance")
    woken.clear()
    await house.pipeline.deliver("oncall")
    assert woken
