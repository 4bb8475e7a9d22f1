"""What still fires is said anew to whoever forgets: no queue, no log of it, no noise."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from house import START, House, Recorded, receiver, rule, settings
from structlog.testing import capture_logs

from monitor.core.message import Message
from monitor.core.model import Ack, Kind, Silence
from monitor.core.refresh import standing
from monitor.core.settings import Settings
from monitor.core.spec import ChannelSpec
from monitor.notifiers import Delivery
from monitor.refreshing import Refresher

LOW = rule("kie-credits-low", "kie/balance", "balance < 10000", clear=None)
ONE, TWO = "http://one:9093", "http://two:9093"


class Forgetful(Recorded):
    """A channel that forgets after a minute."""

    spec = ChannelSpec("recorded", "Recorded", (), refresh=60.0)


class Lived:
    """A house with a forgetful receiver of two addresses, and a refresher for it."""

    def __init__(self, config: Settings | None = None) -> None:
        two = receiver("am", addresses=(ONE, TWO))
        made = config or settings(rules=(LOW,), builtin=False, receivers=(two,))
        self.house = House(made, mail=Forgetful())
        self.refresher = Refresher(
            self.house.memory, {"recorded": self.house.mail}, self.house.clock,
            compose=self.house.pipeline._teller.compose,  # type: ignore[union-attr]  # it has one
        )  # fmt: skip

    async def start(self, balance: float = 9000) -> Lived:
        await self.house.start()
        self.house.script.balance(balance)
        await self.house.probe()
        return self

    async def refreshed(self, after: float = 0.0) -> list[tuple[Message, tuple[str, ...]]]:
        """What a refresh says, some seconds later."""
        self.house.clock.step(after)
        before = len(self.house.mail.sent)
        await self.refresher.everything()
        return self.house.mail.sent[before:]


async def test_what_fires_is_said_anew_with_an_end_four_refreshes_ahead() -> None:
    lived = await Lived().start()
    ((message, addresses),) = await lived.refreshed()
    assert (message.status, addresses) == ("firing", (ONE, TWO))
    assert message.ends_at == START + timedelta(seconds=240)
    assert await lived.refreshed(after=59) == []
    ((message, _),) = await lived.refreshed(after=1)
    assert message.ends_at == START + timedelta(seconds=300)
    told = [t.kind for t in lived.house.memory.told.values()]
    assert set(told) == {Kind.OPENED}, "nothing of it is put down"


async def test_the_receivers_own_refresh_counts() -> None:
    own = receiver("am", addresses=(ONE,), options={"refresh": 5.0})
    lived = await Lived(settings(rules=(LOW,), builtin=False, receivers=(own,))).start()
    assert len(await lived.refreshed()) == 1
    assert await lived.refreshed(after=4) == []
    assert len(await lived.refreshed(after=1)) == 1


async def test_only_who_was_told_of_the_opening_is_refreshed() -> None:
    lived = Lived()
    lived.house.mail.outcome = lambda _, addresses: Delivery((ONE,), dict.fromkeys(
        (a for a in addresses if a != ONE), "down"))  # fmt: skip
    await lived.start()
    lived.house.mail.outcome = lambda _, addresses: Delivery(addresses)
    ((_, addresses),) = await lived.refreshed()
    assert addresses == (ONE,)


async def test_what_has_ended_or_was_never_told_is_not_refreshed() -> None:
    lived = await Lived().start(balance=20000)
    assert await lived.refreshed() == []
    lived.house.script.balance(9000)
    await lived.house.probe(after=300)
    lived.house.script.balance(20000)
    await lived.house.probe(after=300)
    assert await lived.refreshed(after=60) == []


async def test_a_channel_that_forgets_nothing_is_not_refreshed() -> None:
    house = House(settings(rules=(LOW,), builtin=False), mail=Recorded())
    refresher = Refresher(
        house.memory, {"recorded": house.mail}, house.clock,
        compose=house.pipeline._teller.compose,  # type: ignore[union-attr]  # it has one
    )  # fmt: skip
    await house.start()
    house.script.balance(9000)
    await house.probe()
    await refresher.everything()
    assert house.mail.said == ["opened kie-credits-low"]


async def test_neither_silence_nor_acknowledgement_ends_what_is_still_true() -> None:
    lived = await Lived().start()
    memory = lived.house.memory
    (incident,) = memory.incidents.values()
    ack = Ack("a", "known", START, incident.severity)
    memory.incidents[incident.id] = replace(incident, ack=ack)
    memory.silences["s"] = Silence(
        "s", "*", None, START, START + timedelta(days=1), author="a", comment="known"
    )
    stands = standing(
        memory.incidents.values(), memory.settings.receivers[0], memory.told.values()
    )
    assert [n.incident.id for n in stands] == [incident.id]
    assert len(await lived.refreshed()) == 1


async def test_a_failure_is_counted_each_time_and_said_once() -> None:
    lived = await Lived().start()
    good = lived.house.mail.outcome
    lived.house.mail.outcome = lambda _, __: Delivery((ONE,), {TWO: "it is down"})
    with capture_logs() as logs:
        for _ in range(5):
            await lived.refreshed(after=60)
    assert [(x["event"], x["address"], x["why"]) for x in logs] == [
        ("not refreshed", TWO, "it is down")
    ]
    assert lived.house.memory.notified["am", Kind.REMINDER, "failed"] == 5
    lived.house.mail.outcome = good
    with capture_logs() as logs:
        await lived.refreshed(after=60)
    assert [(x["event"], x["address"]) for x in logs] == [("refreshed again", TWO)]


async def test_what_ends_while_it_is_refreshed_is_ended_once_more() -> None:
    """A refresh that comes in after the end would have it fire again for four minutes."""
    lived = await Lived().start()
    memory = lived.house.memory
    (incident,) = memory.incidents.values()

    def ending(message: Message, addresses: tuple[str, ...]) -> Delivery:
        memory.incidents[incident.id] = replace(
            incident, closed_at=lived.house.clock.now(), close_reason="resolved"
        )
        return Delivery(addresses)

    lived.house.mail.outcome = ending
    (firing, _), (ended, addresses) = await lived.refreshed()
    assert (firing.status, ended.status) == ("firing", "resolved")
    assert ended.ends_at == lived.house.clock.now()
    assert addresses == (ONE, TWO)


async def test_a_receiver_that_hangs_holds_up_no_other_and_ends_with_the_daemon() -> None:
    both = (receiver("hangs", addresses=(ONE,)), receiver("am", addresses=(TWO,)))
    lived = await Lived(settings(rules=(LOW,), builtin=False, receivers=both)).start()
    heard, mail = asyncio.Event(), lived.house.mail

    class Half(Forgetful):
        async def send(self, to: object, message: Message, addresses: tuple[str, ...]) -> Delivery:
            if addresses == (ONE,):
                await asyncio.Event().wait()
            heard.set()
            return Delivery(addresses)

    refresher = Refresher(
        lived.house.memory, {"recorded": Half()}, lived.house.clock,
        compose=lived.house.pipeline._teller.compose,  # type: ignore[union-attr]  # it has one
        step=0,
    )  # fmt: skip
    running = asyncio.create_task(refresher.run())
    async with asyncio.timeout(5):
        while not heard.is_set():
            await asyncio.sleep(0)
            lived.house.clock.step(1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert mail.said[:1] == ["opened kie-credits-low"]
    assert [t.get_name() for t in asyncio.all_tasks()] == [asyncio.current_task().get_name()]  # type: ignore[union-attr]  # it runs in one


async def test_a_server_that_asks_to_be_left_alone_is_for_a_minute_at_most() -> None:
    lived = Lived()
    sent: list[float] = []
    asks = 30.0

    def busy(_: Message, addresses: tuple[str, ...]) -> Delivery:
        sent.append(lived.house.clock.monotonic())
        why = dict.fromkeys(addresses, "HTTP 429")
        return Delivery(failed=why, wait=dict.fromkeys(addresses, asks))

    lived.house.mail.outcome = busy
    await lived.start()
    await lived.house.tell(after=29)
    assert len(sent) == 1
    await lived.house.tell(after=1)
    assert len(sent) == 2
    asks = 3600.0
    await lived.house.tell(after=30)
    await lived.house.tell(after=60)
    assert [round(b - a) for a, b in pairwise(sent)] == [30, 30, 60]


async def test_whoever_was_overtaken_while_it_waited_says_nothing_anew() -> None:
    """The other may have told the end meanwhile: this would have it fire again for minutes."""
    eleven = tuple(rule(f"low-{n}", "kie/balance", "balance < 10000") for n in range(11))
    one = receiver("am", addresses=(ONE,))
    lived = await Lived(settings(rules=eleven, builtin=False, receivers=(one,))).start()
    for _ in range(4):
        await lived.house.tell()
    told, leads = len(lived.house.mail.sent), True
    assert told == 11

    class Hangs(Forgetful):
        async def send(self, to: object, message: Message, addresses: tuple[str, ...]) -> Delivery:
            nonlocal leads
            self.sent.append((message, addresses))
            await asyncio.sleep(0)
            leads = False
            return Delivery(addresses)

    channel = Hangs()
    refresher = Refresher(
        lived.house.memory, {"recorded": channel}, lived.house.clock,
        compose=lived.house.pipeline._teller.compose,  # type: ignore[union-attr]  # it has one
        may_tell=lambda: leads,
    )  # fmt: skip
    await refresher.everything()
    assert len(channel.sent) == 8  # those that were on their way


async def test_a_defect_in_one_look_does_not_end_refreshing() -> None:
    lived = await Lived().start()
    looks = 0

    def once_broken() -> bool:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise RuntimeError("a defect")
        return True

    heard = asyncio.Event()

    class Hears(Forgetful):
        async def send(self, to: object, message: Message, addresses: tuple[str, ...]) -> Delivery:
            heard.set()
            return Delivery(addresses)

    refresher = Refresher(
        lived.house.memory, {"recorded": Hears()}, lived.house.clock,
        compose=lived.house.pipeline._teller.compose,  # type: ignore[union-attr]  # it has one
        may_tell=once_broken, step=0,
    )  # fmt: skip
    with capture_logs() as logs:
        running = asyncio.create_task(refresher.run())
        async with asyncio.timeout(5):
            await heard.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert "a defect of monitor" in logs[0]["event"]
