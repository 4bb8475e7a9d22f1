"""A receiver that has failed for long is itself an incident, to the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
from house import House, receiver, rule, settings

from monitor.config.timetables import parse_stretch
from monitor.core.model import Kind
from monitor.core.timetable import Hours
from monitor.notifiers import Delivery
from monitor.store.sqlite import SqliteStore

LOW = rule("low", "kie/balance", "balance < 10000")
CONFIG = settings(rules=(LOW,), receivers=(receiver("mail"), receiver("hook")))
WAY = "monitor/receiver/mail"


def hours(text: str) -> Hours:
    return Hours((parse_stretch(text),), UTC)


async def sweep(house: House, after: float = 0.0) -> None:
    house.clock.step(after)
    await house.pipeline.sweep()
    await house.tell()


async def tries(house: House, minutes: int) -> None:
    """A minute is the longest time between two attempts."""
    for _ in range(minutes):
        await sweep(house, 61)


def said(house: House) -> list[str]:
    return [f"{m.receiver}: {m.kind.value} {m.labels['alertname']}" for m, _ in house.mail.sent]


def broken(house: House, *names: str) -> None:
    def outcome(message, addresses):
        if message.receiver in names:
            return Delivery(failed=dict.fromkeys(addresses, "connection refused"))
        return Delivery(addresses)

    house.mail.outcome = outcome


async def failing(house: House) -> House:
    broken(house, "mail")
    house.script.balance(9000)
    await house.probe("kie/balance")
    await tries(house, 11)
    return house


async def test_after_ten_minutes_the_others_hear_of_it_and_of_its_end(tmp_path: Path) -> None:
    house = await failing(await House(CONFIG).start())
    assert house.firing()["receiver-failing"] == WAY
    assert said(house) == ["hook: opened low", "hook: opened receiver-failing"]
    incident = next(i for i in house.memory.incidents.values() if i.alert == "receiver-failing")
    assert incident.summary.startswith("receiver mail: not reached for ")
    assert "connection refused" in incident.summary
    broken(house)
    await tries(house, 1)
    await sweep(house, 2)
    assert said(house)[2:] == ["mail: opened low", "hook: resolved receiver-failing"]


async def test_nine_minutes_are_no_incident_nor_is_a_receiver_that_is_owed_nothing() -> None:
    house = await House(CONFIG).start()
    broken(house, "mail")
    house.script.balance(9000)
    await house.probe("kie/balance")
    await tries(house, 9)
    assert "receiver-failing" not in house.firing()
    quiet = await House(CONFIG).start()
    broken(quiet, "mail")
    await tries(quiet, 30)
    assert quiet.firing() == {}


async def test_one_address_that_is_reached_is_enough() -> None:
    two = receiver("mail", addresses=("a@example.com", "b@example.com"))
    house = await House(settings(rules=(LOW,), receivers=(two,))).start()
    house.mail.outcome = lambda m, a: Delivery(
        tuple(x for x in a if x[0] == "a"), refused={x: "no such user" for x in a if x[0] == "b"}
    )
    house.script.balance(9000)
    await house.probe("kie/balance")
    house.mail.outcome = lambda m, a: Delivery(refused=dict.fromkeys(a, "no such user"))
    await tries(house, 15)
    assert "receiver-failing" not in house.firing()


async def test_where_all_fail_each_is_one_incident_and_no_more(tmp_path: Path) -> None:
    """That nobody can be told of it is no new reason."""
    house = await House(CONFIG).start()
    broken(house, "mail", "hook")
    house.script.balance(9000)
    await house.probe("kie/balance")
    await tries(house, 60)
    ways = [i for i in house.memory.incidents.values() if i.alert == "receiver-failing"]
    assert sorted(i.target for i in ways) == ["monitor/receiver/hook", WAY]
    assert all(i.open for i in ways)
    broken(house)
    await tries(house, 2)
    assert [i for i in house.memory.incidents.values() if i.open and i in ways] == []
    assert not [m for m, _ in house.mail.sent if m.labels["target"].endswith(f"/{m.receiver}")]


async def test_a_restart_neither_ends_it_nor_opens_it_twice(tmp_path: Path) -> None:
    path = str(tmp_path / "monitor.db")
    house = await failing(await House(CONFIG, store=SqliteStore(path)).start())
    await house.pipeline.keeper.close()
    again = House(
        CONFIG, store=SqliteStore(path), clock=house.clock, script=house.script, mail=house.mail
    )
    await again.start()
    await tries(again, 3)
    assert again.firing()["receiver-failing"] == WAY
    broken(again)
    await tries(again, 1)
    await sweep(again, 2)
    assert "receiver-failing" not in again.firing()
    assert said(again).count("hook: opened receiver-failing") == 1
    await again.pipeline.keeper.close()


async def test_a_receiver_that_leaves_the_config_takes_its_incident_along() -> None:
    house = await failing(await House(CONFIG).start())
    await house.pipeline.reload(settings(rules=(LOW,), receivers=(receiver("hook"),)))
    (way,) = [i for i in house.memory.incidents.values() if i.alert == "receiver-failing"]
    assert way.close_reason == "target removed"


async def test_the_oldest_that_waits_is_known_and_gone_when_it_is_told() -> None:
    house = await House(CONFIG).start()
    began = house.clock.now()
    await failing(house)
    counts = house.memory.snapshot(house.clock.now()).counts
    assert counts.pending == {"mail": 1, "hook": 0}
    assert counts.oldest_pending == {"mail": began}
    broken(house)
    await tries(house, 2)
    counts = house.memory.snapshot(house.clock.now()).counts
    assert (counts.pending, counts.oldest_pending) == ({"mail": 0, "hook": 0}, {})
    assert Kind.OPENED in {m.kind for m, _ in house.mail.sent if m.receiver == "mail"}


@pytest.mark.parametrize("permanent", [False, True])
async def test_a_mailbox_that_never_takes_anything_makes_no_incident_of_its_receiver(
    permanent: bool,
) -> None:
    """The other address knows: what is tried again for one alone says nothing of the way."""
    two = receiver("mail", addresses=("a@example.com", "dead@example.com"))
    house = await House(settings(rules=(LOW,), receivers=(two, receiver("hook")))).start()

    def outcome(message, addresses):
        dead = {a: "no such user" for a in addresses if a.startswith("dead")}
        told = tuple(a for a in addresses if a not in dead)
        return Delivery(told, **({"refused": dead} if permanent else {"failed": dead}))

    house.mail.outcome = outcome
    house.script.balance(9000)
    await house.probe("kie/balance")
    await tries(house, 90)
    assert "receiver-failing" not in house.firing()


async def test_an_address_that_has_left_the_config_makes_no_incident_of_its_receiver() -> None:
    two = receiver("mail", addresses=("a@example.com", "gone@example.com"))
    config = settings(rules=(LOW,), receivers=(two, receiver("hook")))
    house = await House(config).start()
    house.script.balance(9000)
    await house.probe("kie/balance")
    one = replace(two, addresses=("a@example.com",))
    await house.pipeline.reload(replace(config, receivers=(one, receiver("hook"))))
    house.mail.outcome = lambda m, a: Delivery(
        tuple(x for x in a if x[0] != "g"), refused={x: "no such user" for x in a if x[0] == "g"}
    )
    house.script.balance(20000)
    await house.probe("kie/balance")
    await tries(house, 90)
    assert "receiver-failing" not in house.firing()


async def test_what_waits_for_the_morning_is_no_sign_that_the_way_is_mended() -> None:
    """With nothing owed in quiet hours nobody has tried: the others hear of no end."""
    who = receiver("mail", quiet_hours=hours("daily 10:20-12:00"))
    house = await House(settings(rules=(LOW,), receivers=(who, receiver("hook")))).start()
    house = await failing(house)
    await tries(house, 30)
    assert house.memory.reach["mail"].owed == {}
    assert house.firing()["receiver-failing"] == WAY
    assert "resolved receiver-failing" not in house.mail.said
    await tries(house, 80)  # the quiet hours are over, and it is tried again: in vain
    assert house.firing()["receiver-failing"] == WAY
    broken(house)
    await tries(house, 2)
    assert "mail: opened low" in said(house)
    assert said(house)[-1] == "hook: resolved receiver-failing"


async def test_one_failure_and_then_nothing_to_tell_is_no_incident() -> None:
    who = receiver("mail", quiet_hours=hours("daily 10:05-12:00"))
    house = await House(settings(rules=(LOW,), receivers=(who, receiver("hook")))).start()
    broken(house, "mail")
    house.script.balance(9000)
    await house.probe("kie/balance")
    await tries(house, 60)
    assert "receiver-failing" not in house.firing()


async def test_another_config_of_a_receiver_begins_anew() -> None:
    house = await failing(await House(CONFIG).start())
    away = receiver("mail", severities=frozenset())
    others = settings(rules=(LOW,), receivers=(away, receiver("hook")))
    await house.pipeline.reload(others)  # nothing is owed to it any more
    await tries(house, 2)
    assert "receiver-failing" not in house.firing()
