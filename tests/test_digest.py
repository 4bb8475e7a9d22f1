"""A digest says how everything has gone: once, at its moment, also when it is late."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from house import House, Recorded, Script, database, huggingface, kie, receiver, rule, settings
from hypothesis import given
from hypothesis import strategies as st

from monitor.clock import SteppedClock
from monitor.config.timetables import parse_moment
from monitor.core.causes import Cause, Severity
from monitor.core.digest import Digest, due_digests, next_digest
from monitor.core.digest_words import tell
from monitor.core.hours import Hour
from monitor.core.message import Message
from monitor.core.model import Finding, Incident, Kind, Quota, Told
from monitor.core.retrospect import Retrospect, downtime, of_the_while, spell
from monitor.core.settings import ReceiverSettings, Service, Settings
from monitor.core.timetable import Recurrence
from monitor.notifiers import Delivery
from monitor.notifiers._mail import letter, tidied
from monitor.notifiers._mail_page import page_of
from monitor.notifiers._mail_text import text_of
from monitor.notifiers.webhook import body_of
from monitor.store import StoreError
from monitor.store.sqlite import SqliteStore

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)  # 9 in Berlin
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
LOW = rule("low", "kie/balance", "balance < 10000", clear=None)


def reads(name: str = "finance", *moments: str, **changes: object) -> ReceiverSettings:
    """A receiver of digests alone."""
    again = Recurrence(tuple(parse_moment(m) for m in moments or ("Mon 09:00",)), BERLIN)
    made = receiver(name, severities=frozenset(), digest=again)
    return replace(made, **changes)  # type: ignore[arg-type]  # a test names fields it knows


# -- who is owed one, and when --------------------------------------------------------------


def owed(
    now: datetime, *told: Told, who: tuple[ReceiverSettings, ...] = (),
    since: datetime | None = None,
) -> list[str]:  # fmt: skip
    """`finance Mon 30`: receiver and moment."""
    who = who or (reads(),)
    known = {(r.name, a): since or MONDAY - 4 * WEEK for r in who for a in r.addresses}
    return [f"{d.receiver} {d.at:%a %d}" for d in due_digests(who, told, now, since=known)]


@pytest.mark.parametrize(("now", "since", "found"), [
    (MONDAY - timedelta(seconds=1), None, []),
    (MONDAY, None, ["finance Mon 30"]),
    (MONDAY + 2 * DAY, None, ["finance Mon 30"]),
    (MONDAY + 2 * DAY + timedelta(seconds=1), None, []),  # too late: the next one tells it all
    (MONDAY + HOUR, MONDAY + timedelta(minutes=1), []),  # nobody was to hear one at that moment
    (MONDAY + HOUR, MONDAY, []),
])  # fmt: skip
def test_it_is_owed_from_its_moment_on_for_two_days(
    now: datetime, since: datetime | None, found: list[str]
) -> None:
    assert owed(now, since=since) == found


def test_each_address_hears_it_once_and_each_receiver_has_its_own() -> None:
    both = (reads("a", addresses=("x", "y")), reads("b", "daily 09:00"))
    since = dict.fromkeys([("a", "x"), ("a", "y"), ("b", "b@example.com")], MONDAY - WEEK)
    first, second = due_digests(both, (), MONDAY, since=since)
    assert (first.since, second.since) == (MONDAY - WEEK, MONDAY - DAY)
    assert first.about != second.about
    heard = Told(first.about, Kind.DIGEST, 0, "a", "x", MONDAY, Severity.INFO)
    left, _ = due_digests(both, [heard], MONDAY, since=since)
    assert left.addresses == ("y",)
    assert left.id == first.id, "a repeat goes under its first id"


@given(st.integers(0, 60 * 24 * 60), st.sampled_from(["Mon 09:00", "daily 02:30", "1st 00:00"]))
def test_before_the_moment_it_names_time_alone_makes_none(minutes: int, moment: str) -> None:
    now = datetime(2026, 10, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    who = (reads("r", moment),)
    coming = next_digest(who, now)
    assert coming is not None
    assert coming > now
    before = owed(coming - timedelta(seconds=1), who=who, since=now - 9 * WEEK)
    assert set(before) <= set(owed(now, who=who, since=now - 9 * WEEK))
    assert owed(coming, who=who, since=now - 9 * WEEK) == [f"r {coming:%a %d}"]


# -- through the pipeline -------------------------------------------------------------------


def config(*who: ReceiverSettings, **changes: object) -> Settings:
    account = kie(jobs={"video": Decimal(135)}, usage={})
    made = settings((account,), rules=(LOW,), receivers=who or (reads(),), builtin=False)
    return replace(made, **changes)  # type: ignore[arg-type]  # the fields of the value itself


async def a_house(folder: Path, at: datetime, made: Settings, house: House | None = None) -> House:
    """A house on the database; after another one as it was, but for memory."""
    script, mail = (house.script, house.mail) if house else (Script(), Recorded())
    return await House(
        made, store=SqliteStore(database(folder)), clock=SteppedClock(at), script=script, mail=mail
    ).start()


async def spend(house: House, until: datetime, *, start: float, per_hour: float) -> float:
    """Probe once an hour and spend evenly; what is left."""
    left = start
    while house.clock.now() + HOUR <= until:
        left -= per_hour
        house.script.balance(left)
        house.clock.step(3600)
        await house.pipeline.observe("kie/balance")
    return left


async def two_weeks(folder: Path, made: Settings | None = None) -> House:
    """5 an hour, then 40 an hour with a top-up and an incident, until 8 minutes before."""
    house = await a_house(folder, MONDAY - 2 * WEEK - timedelta(minutes=8), made or config())
    left = await spend(house, MONDAY - WEEK, start=11000, per_hour=5)
    left = await spend(house, MONDAY - 3 * DAY, start=left, per_hour=40)
    left = await spend(house, MONDAY - DAY, start=left + 5000, per_hour=40)
    await spend(house, MONDAY, start=left, per_hour=40)
    return house


def lines(message: Message) -> str:
    return text_of(tidied(message))


async def test_it_tells_what_a_week_cost_how_long_it_lasts_and_what_to_buy(tmp_path: Path) -> None:
    house = await two_weeks(tmp_path)
    await house.tell()
    assert house.mail.said == []
    await house.tell(after=480)
    assert house.mail.said == ["digest digest"]
    (message, _), said = house.mail.sent[0], lines(house.mail.sent[0][0])
    assert message.subject.startswith("[DIGEST] week to 30 Nov 2026: kie lasts about ")
    assert message.what == "The week to Mon 2026-11-30 09:00: 6,680 credits were spent."
    assert "There were 2 incidents, 1 of them still open." in message.how_long
    assert message.todo.startswith("Top up kie by 2")
    assert message.todo.endswith(" credits: that pays for 30 days at this burn.")
    for label, value in [
        ("Spent", "6,680 credits; 835 credits the week before (700 % more)"),
        ("Topped up", "4,960 credits, once"),
        ("Balance", "8,440 credits"),
        ("Jobs left", "62 videos"),
        ("Forecasts 24 h before", "off by a factor of 1.01, once, within the range that was said"),
        ("kie: low", "warning, Mon 2026-11-23 13:52, for about 4 days"),
    ]:
        assert [line.split(":  ")[-1].strip() for line in said.splitlines()
                if line.startswith(f"  {label}: ")] == [value]  # fmt: skip
    assert "planted" not in repr(message), "no key is in it"
    await house.tell(after=7200)
    assert len(house.mail.sent) == 1
    await house.pipeline.keeper.close()


async def test_after_a_restart_it_is_not_told_again_and_one_that_was_missed_is_told_late(
    tmp_path: Path,
) -> None:
    house = await a_house(tmp_path, MONDAY - DAY, config())
    await house.pipeline.keeper.close()
    house = await a_house(tmp_path, MONDAY + DAY, config(), house)  # down at its moment
    await house.tell()
    assert house.mail.said == ["digest digest"]
    assert "This digest is late" in house.mail.sent[0][0].how_long
    await house.pipeline.keeper.close()
    house = await a_house(tmp_path, MONDAY + DAY + HOUR, config(), house)
    await house.tell()
    assert len(house.mail.sent) == 1
    await house.pipeline.keeper.close()
    house = await a_house(tmp_path, MONDAY + WEEK + 3 * DAY, config(), house)  # down for too long
    await house.tell()
    assert len(house.mail.sent) == 1
    await house.pipeline.keeper.close()


async def test_a_failed_one_is_tried_again_with_the_same_words_and_id(tmp_path: Path) -> None:
    house = await a_house(tmp_path, MONDAY - HOUR, config())
    tried: list[Message] = []

    def refuses(message: Message, addresses: tuple[str, ...]) -> Delivery:
        tried.append(message)
        return Delivery(failed=dict.fromkeys(addresses, "no"))

    house.mail.outcome = refuses
    await house.tell(after=3600)
    house.mail.outcome = lambda m, a: (tried.append(m), Delivery(a))[1]
    await house.tell(after=60)
    assert [m.id for m in tried] == [tried[0].id] * 2
    assert tried[0] == tried[1]
    await house.pipeline.keeper.close()


async def test_silences_and_hours_do_not_hold_it_back_and_alerts_do_not_reach_its_reader(
    tmp_path: Path,
) -> None:
    who = reads(quiet_hours=None)
    house = await a_house(tmp_path, MONDAY - HOUR, config(who))
    house.script.balance(500)
    await house.probe()
    assert house.firing() == {"low": "kie/balance"}
    await house.tell(after=3600)
    assert house.mail.said == ["digest digest"]
    assert "There was 1 incident, still open." in house.mail.sent[0][0].how_long
    await house.pipeline.keeper.close()


async def test_what_was_told_of_one_is_forgotten_after_a_week(tmp_path: Path) -> None:
    house = await a_house(tmp_path, MONDAY - HOUR, config())
    await house.tell(after=3600)
    house.clock.step(7 * 86400)
    await house.pipeline.sweep()
    assert len(house.memory.told) == 1
    house.clock.step(1)
    await house.pipeline.sweep()
    assert house.memory.told == {}
    await house.pipeline.keeper.close()


async def test_the_deliverer_is_woken_at_its_moment() -> None:
    house = await House(config(), clock=SteppedClock(MONDAY - timedelta(seconds=90))).start()
    assert await house.pipeline.deliver("finance") == 90.0


class Broken(SqliteStore):
    """A disk that cannot be read."""

    async def incidents(self, since: datetime) -> tuple[Incident, ...]:
        raise StoreError(f"the disk is gone since {since}")


async def test_a_database_that_cannot_be_read_costs_the_past_and_not_the_digest(
    tmp_path: Path,
) -> None:
    store = Broken(database(tmp_path))
    house = await House(config(), store=store, clock=SteppedClock(MONDAY - HOUR)).start()
    house.script.balance(500)
    await house.probe()
    await house.tell(after=3600)
    (message, _) = house.mail.sent[0]
    assert "what was spent is not known" in message.what
    assert "The database could not be read" in message.how_long
    assert dict(message.figures)["Incidents"] == "1", "memory knows of it"
    await house.pipeline.keeper.close()


async def test_it_tells_only_of_the_targets_its_receiver_hears_of(tmp_path: Path) -> None:
    made = settings((kie(), huggingface()), receivers=(reads(on=("huggingface/*",)),))
    house = await a_house(tmp_path, MONDAY - HOUR, made)
    house.script.balance(50)
    house.script.answers["huggingface/key"] = Finding(
        Cause.OK, "fine", facts={"role": "read", "expires_at": "2026-12-10T12:00:00Z"},
        quotas=(Quota("calls", Decimal(90), Decimal(100), "calls"),),
    )  # fmt: skip
    await house.probe()
    await house.tell(after=3600)
    said = lines(house.mail.sent[0][0])
    assert "kie" not in said
    assert "expires Thu 2026-12-10 13:00" in said
    assert "huggingface: calls:  90 of 100 calls (90 %)" in said
    await house.pipeline.keeper.close()


# -- what it is made of ---------------------------------------------------------------------

DIGEST = Digest("finance", MONDAY, MONDAY - WEEK, ("finance@example.com",))


def test_a_while_is_the_sum_of_its_hours_and_no_hour_counts_twice() -> None:
    hours = [
        Hour(MONDAY + n * HOUR, samples=1, spent=Decimal(2), refunded=Decimal(n == -1),
             topped_up=Decimal(100 * (n in (-3, -2))))
        for n in range(-200, 3)
    ]  # fmt: skip
    half = timedelta(minutes=30)  # as in zones that are half an hour apart
    here = spell(hours, MONDAY - WEEK + half, MONDAY + half)
    before = spell(hours, MONDAY - 2 * WEEK + half, MONDAY - WEEK + half)
    assert here is not None
    assert before is not None
    assert (here.spent, here.topped_up, here.top_ups) == (Decimal(335), Decimal(200), 2)
    assert here.whole
    assert not before.whole
    assert before.watched == 32 * HOUR
    assert spell([], MONDAY - WEEK, MONDAY) is None


def incident(name: str, begin: float, end: float | None, **changes: object) -> Incident:
    """Hours before the digest's moment."""
    made = Incident(
        id=name, alert="credits-exhausted", target="kie/balance", account="kie", provider="kie",
        opened_at=MONDAY - begin * HOUR, opening_severity=Severity.CRITICAL,
        opening_cause=Cause.CREDITS_EXHAUSTED, severity=Severity.CRITICAL, cause=Cause.OK,
        summary="", closed_at=None if end is None else MONDAY - end * HOUR,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]  # the fields of the value itself


def test_incidents_of_the_while_are_those_open_at_some_moment_of_it() -> None:
    every = [
        incident("before", 300, 168), incident("into", 300, 160), incident("within", 5, 4),
        incident("over", 2, -1), incident("open", 3, None), incident("after", -1, None),
    ]  # fmt: skip
    assert [i.id for i in of_the_while(every, DIGEST)] == ["into", "within", "open", "over"]


def test_the_downtime_of_a_service_is_what_its_critical_incidents_cover() -> None:
    service = Service("video", needs=("kie/balance",))
    some = [
        incident("a", 10, 6), incident("b", 8, 5), incident("c", 2, 1),
        incident("cut", 300, 167),
        incident("mild", 50, 40, opening_severity=Severity.WARNING, severity=Severity.WARNING),
        incident("runway", 50, 40, alert="runway-critical", opening_cause=Cause.OK),
        incident("other", 50, 40, target="hf/key"),
    ]  # fmt: skip
    found = downtime(service, (), some, DIGEST)
    assert found.seconds == (5 + 1 + 1) * 3600


def test_a_digest_of_nothing_says_so_in_whole_sentences() -> None:
    message = tell(Retrospect(DIGEST, BERLIN), now=MONDAY, external_url=None)
    assert message.subject == "[DIGEST] week to 30 Nov 2026: no incidents"
    assert message.what == "The week to Mon 2026-11-30 09:00: what was spent is not known."
    assert message.how_long == "There was no incident."
    assert message.todo == "Nothing has to be done."


def test_whatever_it_holds_mail_and_webhook_carry_it() -> None:
    wild = incident("x", 5, None, alert="a\r\nBcc: b@example.com\N{RIGHT-TO-LEFT OVERRIDE}",
                    summary="\N{PILE OF POO}" * 5000)  # fmt: skip
    many = tuple(replace(wild, id=f"x{n}") for n in range(500))
    found = Retrospect(DIGEST, BERLIN, incidents=many)
    message = tell(found, now=MONDAY, external_url="https://monitor.example.com/")
    options = {"from": "monitor@example.com", "smtp": {}, "to": ("f@example.com",)}
    made = letter(replace(reads(), channel="email", options=options), message)
    assert b"\r\nBcc:" not in made.content
    assert len(made.content) < 100_000
    assert "480 more" in page_of(tidied(message))
    body = json.loads(body_of("finance", message))
    (alert,) = body["alerts"]
    assert (alert["status"], alert["labels"]["alertname"]) == ("firing", "digest")
    assert alert["endsAt"] == "2026-11-30T08:05:00Z", "it must not stay open anywhere"
    assert alert["labels"]["severity"] == "info"
