"""What happens once is told once, to those who were there to hear: top-ups, and in general."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from house import START, House, kie, receiver, rule, settings
from hypothesis import given
from hypothesis import strategies as st
from living import config as living_config
from living import daemon, there, world_in_thread
from postbox import OK, Mailbox, in_thread

from monitor.core.announce import announce
from monitor.core.builtin import OPTIONAL
from monitor.core.causes import Cause, Severity
from monitor.core.globs import matches
from monitor.core.model import Finding, Kind, Silence, Told, incident_id
from monitor.core.notice import Announcement, Notice, due_notices, next_notice
from monitor.core.settings import Interval, ReceiverSettings, Settings
from monitor.core.timetable import Hours, Stretch
from monitor.notifiers import Delivery
from monitor.notifiers._mail import letter, text_of
from monitor.notifiers.webhook import body_of
from monitor.runbooks import load_runbooks
from monitor.store import Batch, StoreError
from monitor.store.sqlite import SqliteStore

(TOPPED_UP,) = OPTIONAL
MORNING = Stretch(frozenset(range(7)), 0, 12 * 60, "")
USAGE = {"video": Decimal(24)}


def config(*receivers: ReceiverSettings, **more: object) -> Settings:
    made = settings((kie(usage=USAGE),), rules=(TOPPED_UP,), receivers=receivers, builtin=False)
    return replace(made, **more)  # type: ignore[arg-type]  # the fields of the value itself


def at(minutes: float) -> Notice:
    """A notice of that minute."""
    when = START + timedelta(minutes=minutes)
    name = incident_id("topped-up", "kie/balance", when)
    return Notice(name, "topped-up", "kie/balance", "kie", "kie", Severity.INFO, when, "topped up")


async def spending(house: House, *balances: float, every: float = 3600) -> None:
    for balance in balances:
        house.script.balance(balance)
        await house.probe(after=every)


# -- who is told ----------------------------------------------------------------------------


def owed(
    *receivers: ReceiverSettings, now: float = 1, told: tuple[Told, ...] = (),
    silences: tuple[Silence, ...] = (), since: float = -60,
    failing: frozenset[tuple[str, Kind, int, str]] = frozenset(),
) -> str:  # fmt: skip
    """`oncall a,b`, one after the other: what is due of a notice of minute 0."""
    who = receivers or (receiver(),)
    known = {(r.name, a): START + timedelta(minutes=since) for r in who for a in r.addresses}
    found = due_notices(
        [at(0)], who, silences, told, START + timedelta(minutes=now), since=known, failing=failing
    )
    return "; ".join(f"{a.receiver} {','.join(a.addresses)}" for a in found)


def heard(address: str, who: str = "oncall") -> Told:
    return Told(at(0).id, Kind.NOTICE, 0, who, address, START, Severity.INFO)


@pytest.mark.parametrize(("changes", "told"), [
    ({}, True),
    ({"severities": frozenset({Severity.INFO})}, True),
    ({"severities": frozenset({Severity.WARNING, Severity.CRITICAL})}, False),
    ({"on": ("kie/*",)}, True),
    ({"on": ("hf/*", "kie/bal?nce")}, True),
    ({"on": ("hf/*",)}, False),
    ({"on": ()}, False),
    ({"escalate_after": 60.0}, False),
    ({"remind_every": Interval(1.0, 1.0)}, True),
])  # fmt: skip
def test_a_receivers_severities_and_globs_route_a_notice(
    changes: dict[str, object], told: bool
) -> None:
    assert bool(owed(receiver(**changes))) is told


def test_each_address_that_does_not_know_it_is_told() -> None:
    three = receiver(addresses=("a", "b", "c"))
    assert owed(three, told=(heard("b"),)) == "oncall a,c"
    assert owed(three, told=(heard("a"), heard("b"), heard("c"))) == ""
    assert owed(three, told=(heard("b", who="other"),)) == "oncall a,b,c"


@pytest.mark.parametrize(("since", "told"), [(-1, True), (0, True), (0.01, False), (5, False)])
def test_who_came_after_it_hears_nothing_of_it(since: float, told: bool) -> None:
    assert bool(owed(since=since, now=10)) is told


def test_who_was_never_met_hears_nothing() -> None:
    assert due_notices([at(0)], [receiver()], (), (), START, since={}) == ()


@pytest.mark.parametrize(("days", "told"), [(6.99, True), (7.0, False)])
def test_it_is_told_late_but_not_after_seven_days(days: float, told: bool) -> None:
    assert bool(owed(now=days * 1440)) is told


@pytest.mark.parametrize(("glob", "alert", "hushed"), [
    ("*", None, True), ("kie/*", None, True), ("kie/balance", "topped-up", True),
    ("hf/*", None, False), ("*", "unit-changed", False),
])  # fmt: skip
def test_a_silence_delays_it_and_its_end_is_when_to_look_again(
    glob: str, alert: str | None, hushed: bool
) -> None:
    end = START + timedelta(minutes=30)
    silence = Silence("s", glob, alert, START - timedelta(minutes=5), end, "ada", "work")
    assert bool(owed(silences=(silence,))) is not hushed
    assert bool(owed(silences=(silence,), now=30)) is True
    soon = next_notice([at(0)], [], [silence], START)
    assert soon == (end if hushed else None)
    assert next_notice([at(0)], [], [silence], end) is None
    assert next_notice([at(-8 * 1440)], [], [silence], START) is None


def test_a_fallback_stands_in_whatever_its_own_routing_and_theirs_in_turn() -> None:
    first = receiver("first", fallback="second")
    second = receiver("second", fallback="third", on=())
    third = receiver("third", severities=frozenset())
    everybody = (first, second, third)
    assert owed(*everybody) == "first first@example.com"
    keys = {r.name: (at(0).id, Kind.NOTICE, 0, r.name) for r in everybody}
    assert owed(*everybody, failing=frozenset({keys["first"]})) == (
        "first first@example.com; second second@example.com"
    )
    assert owed(*everybody, failing=frozenset({keys["first"], keys["second"]})).endswith(
        "third third@example.com"
    )


@given(
    known=st.sets(st.sampled_from("abc")),
    severity=st.sampled_from(list(Severity)),
    globs=st.lists(st.sampled_from(["*", "kie/*", "hf/*"]), max_size=2),
    since=st.integers(-3, 3),
)
def test_once_all_that_is_owed_was_told_nothing_is_owed(
    known: set[str], severity: Severity, globs: list[str], since: int
) -> None:
    who = receiver(addresses=("a", "b", "c"), on=tuple(globs), severities=frozenset({severity}))
    log = tuple(heard(a) for a in known)
    found = owed(who, told=log, since=since)
    reached = since <= 0 and severity is Severity.INFO
    routed = reached and any(matches(g, "kie/balance") for g in globs)
    missing = [a for a in "abc" if a not in known]
    assert found == (f"oncall {','.join(missing)}" if routed and missing else "")
    assert owed(who, told=(*log, *(heard(a) for a in missing)), since=since) == ""


def test_its_ids_are_functions_of_what_happened_and_to_whom_it_is_said() -> None:
    one, again = Announcement(at(0), "a", ("x",)), Announcement(at(0), "a", ("x", "y"))
    assert one.id == again.id
    assert len({one.id, Announcement(at(0), "b", ("x",)).id, Announcement(at(1), "a", ()).id}) == 3
    assert at(0).fingerprint != at(1).fingerprint


# -- top-ups --------------------------------------------------------------------------------


def test_it_waits_for_the_receivers_hours_and_their_begin_is_when_to_look_again() -> None:
    noon = Hours((Stretch(frozenset(range(7)), 12 * 60, 13 * 60, ""),), UTC)  # it is 10 o'clock
    office, light = receiver(hours=noon), receiver(quiet_hours=Hours((MORNING,), UTC))
    for who in (office, light):
        assert owed(who, now=119) == ""
        assert owed(who, now=120) == "oncall oncall@example.com"
        assert next_notice([at(0)], [who], [], START) == START + timedelta(hours=2)
        assert next_notice([], [who], [], START) is None
    first = replace(receiver("first"), fallback="oncall")
    stuck = frozenset({(at(0).id, Kind.NOTICE, 0, "first")})
    assert owed(first, office, failing=stuck).startswith("first"), (
        "what it is handed does not wait"
    )
    assert "oncall" in owed(first, office, failing=stuck)


async def test_a_top_up_is_told_once_with_all_that_makes_it_worth_reading() -> None:
    house = await House(config()).start()
    await spending(house, 5000, 4865, 4730, 4595)
    await spending(house, 9595)
    await spending(house, 9460, 9325)
    await spending(house, 14325)
    first, second = [m for m, _ in house.mail.sent]
    assert first.subject == "[INFO] kie: topped up by 5,000 credits"
    assert first.kind is Kind.NOTICE
    text = text_of(first)
    assert "The balance went from 4,595 credits to 9,595 credits." in text
    assert "It is the first top-up that monitor has seen." in text
    assert "The credits last about" in text
    assert " before) at a cautious estimate; as likely as not about" in text
    assert "Verify the service now and watch it for 24 h." in text
    assert first.jobs_left == (("videos", 71),)
    assert "The last top-up was about 3 h ago; 270 credits were spent since." in text_of(second)
    figures = dict(first.figures)
    assert (figures["Topped up"], figures["Before"], figures["After"]) == (
        "5,000 credits", "4,595 credits", "9,595 credits",
    )  # fmt: skip
    assert not house.memory.incidents


async def test_nobody_is_told_of_a_top_up_without_the_rule_and_enabling_it_tells_no_old_ones(
) -> None:  # fmt: skip
    house = await House(settings((kie(usage=USAGE),))).start()
    await spending(house, 5000, 4865, 9865)
    assert "notice topped-up" not in house.mail.said
    await house.pipeline.reload(config())
    await house.tell()
    assert "notice topped-up" not in house.mail.said
    await spending(house, 9730, 14730)
    assert house.mail.said[-1] == "notice topped-up"
    text = text_of(house.mail.sent[-1][0])
    assert "The last top-up was about 2 h ago; 135 credits were spent since." in text


NOT_TOP_UPS = {
    "a refund": (5000, 4865, 4730, 4865, 4865),
    "a value that was misread": (5000, 4865, 0, 4865, 4730),
    "a fall that turned out to be none": (5000, 4865, 100, 100, 100, 100, 4865),
}


@pytest.mark.parametrize("balances", NOT_TOP_UPS.values(), ids=NOT_TOP_UPS)
async def test_what_is_no_top_up_is_not_told_as_one(balances: tuple[float, ...]) -> None:
    house = await House(config()).start()
    await spending(house, *balances)
    assert house.mail.said == []


async def test_a_reset_to_an_allowance_is_told_the_first_time_at_most() -> None:
    house = await House(config()).start()
    for left in (2000, 1500, 900, 1700):
        await spending(house, 10000, 8000, 5000, left)
        await spending(house, left - 135, every=86400)
    assert len(house.mail.said) == 1


async def test_a_rise_nobody_believes_at_once_is_told_once_and_when_it_is_believed() -> None:
    house = await House(config()).start()
    await spending(house, 5000, 4865)
    await spending(house, 400000, every=60)
    assert house.mail.said == [], "the ledger has its doubts"
    await spending(house, 400000, 399865, 399865, every=60)
    assert house.mail.said == ["notice topped-up"]
    (message,) = [m for m, _ in house.mail.sent]
    assert message.subject.startswith("[INFO] kie: topped up by 39")
    assert "from 4,865 credits to 39" in message.what
    assert " before)" not in message.how_long, "the runway before it is not known any more"


async def test_two_top_ups_between_two_probes_are_one() -> None:
    house = await House(config()).start()
    await spending(house, 5000, 4865, 4865 + 1000 + 2500)
    assert [m.subject for m, _ in house.mail.sent] == ["[INFO] kie: topped up by 3,500 credits"]


async def test_a_book_that_is_loaded_while_a_probe_is_under_way_is_no_top_up(
    tmp_path: Path,
) -> None:
    store = SqliteStore(tmp_path / "monitor.db")
    house = await House(config(), store=store).start()
    await spending(house, 5000, 4865, 9865)
    await house.pipeline.keeper.close()
    late = House(config(), store=SqliteStore(tmp_path / "monitor.db"), clock=house.clock)
    await late.pipeline.meet()

    async def loaded_meanwhile() -> Finding:
        await late.pipeline.keeper.restore(late.clock.now())
        return Finding(Cause.OK, balance=Decimal(9730), unit="credits")

    late.script.answers["kie/balance"] = loaded_meanwhile
    await late.probe(after=60)
    assert late.mail.said == []
    await late.pipeline.keeper.close()


# -- telling --------------------------------------------------------------------------------


async def again(house: House, folder: Path, made: Settings) -> House:
    """The same world after a kill."""
    return await House(
        made,
        store=SqliteStore(folder / "monitor.db"),
        clock=house.clock,
        script=house.script,
        mail=house.mail,
    ).start()


async def test_a_notice_survives_a_restart_and_is_told_late_with_its_words_and_time(
    tmp_path: Path,
) -> None:
    house = await House(config(), store=SqliteStore(tmp_path / "monitor.db")).start()
    house.mail.outcome = lambda m, a: Delivery(failed=dict.fromkeys(a, "no mail server"))
    await spending(house, 5000, 4865, 9865)
    assert house.mail.sent == []
    house.mail.outcome = lambda m, a: Delivery(a)
    house.clock.step(6 * 86400)
    house = await again(house, tmp_path, config())
    await house.tell()
    (message,) = [m for m, _ in house.mail.sent]
    assert message.subject == "[INFO] kie: topped up by 5,000 credits"
    assert message.how_long.endswith(
        "It happened at 2026-11-20 13:00 UTC and could not be told before."
    )
    house = await again(house, tmp_path, config())
    await house.tell(after=60)
    assert len(house.mail.sent) == 1
    await house.pipeline.keeper.close()


async def test_a_notice_that_a_full_disk_did_not_take_is_written_later(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "monitor.db")
    house = await House(config(), store=store).start()
    await spending(house, 5000, 4865)
    house.mail.outcome = lambda m, a: Delivery(failed=dict.fromkeys(a, "no mail server"))
    commit = store.commit

    async def full(batch: Batch) -> None:
        raise StoreError("the disk is full")

    store.commit = full  # type: ignore[method-assign]  # the same store on a full disk
    await spending(house, 9865)
    store.commit = commit  # type: ignore[method-assign]
    await spending(house, 9730)
    house.mail.outcome = lambda m, a: Delivery(a)
    house = await again(house, tmp_path, config())
    await house.tell()
    assert house.mail.said == ["notice topped-up"]
    await house.pipeline.keeper.close()


async def test_after_a_kill_between_sending_and_putting_down_it_has_its_first_id(
    tmp_path: Path,
) -> None:
    house = await House(config(), store=SqliteStore(tmp_path / "monitor.db")).start()
    ids: list[str] = []

    def killed(message, addresses):
        ids.append(message.id)
        raise asyncio.CancelledError

    house.mail.outcome = killed
    with contextlib.suppress(asyncio.CancelledError):
        await spending(house, 5000, 4865, 9865)
    house.mail.outcome = lambda m, a: ids.append(m.id) or Delivery(a)
    house = await again(house, tmp_path, config())
    await house.tell()
    assert len(ids) == 2
    assert len(set(ids)) == 1
    await house.pipeline.keeper.close()


async def test_it_is_not_told_before_it_is_on_the_disk(tmp_path: Path) -> None:
    made = config()
    store = SqliteStore(tmp_path / "monitor.db")
    house = await House(made, store=store).start()
    await spending(house, 5000, 4865)
    known: list[int] = []

    def look(message, addresses):
        with contextlib.closing(sqlite3.connect(tmp_path / "monitor.db")) as database:
            known.extend(database.execute("SELECT count(*) FROM notices").fetchone())
        return Delivery(addresses)

    house.mail.outcome = look
    commit = store.commit

    async def slow(batch):
        if batch.notices:
            await house.tell()  # a deliverer that comes while the batch is on its way
        await commit(batch)

    store.commit = slow  # type: ignore[method-assign]  # the same store, at a bad moment
    await spending(house, 9865)
    assert known == [1]
    await house.pipeline.keeper.close()


async def test_a_notice_wakes_those_who_tell() -> None:
    house = await House(config()).start()
    woken: list[int] = []
    house.pipeline.changed = lambda: woken.append(len(house.memory.notices))
    await spending(house, 5000, 4865, 9865, 9730)
    assert woken == [1]


async def test_a_refused_address_and_one_to_be_tried_again_are_kept_apart() -> None:
    made = config(receiver(addresses=("a@x.com", "b@x.com", "c@x.com")))
    house = await House(made).start()
    await spending(house, 5000, 4865)
    house.mail.outcome = lambda m, a: Delivery(
        ("a@x.com",) if "a@x.com" in a else (),
        failed={"b@x.com": "busy"} if "b@x.com" in a else {},
        refused={"c@x.com": "no such user"} if "c@x.com" in a else {},
    )
    await spending(house, 9865)
    counts = {k[2]: n for k, n in house.memory.notified.items() if k[1] is Kind.NOTICE}
    assert counts == {"ok": 1, "failed": 1, "refused": 1}
    house.mail.outcome = lambda m, a: Delivery(a)
    await house.tell(after=5)
    assert [a for _, a in house.mail.sent] == [("a@x.com",), ("b@x.com",)]


async def test_a_retry_says_the_same_words_as_the_first_attempt() -> None:
    house = await House(config()).start()
    tried: list[str] = []
    house.mail.outcome = lambda m, a: (
        tried.append(text_of(m)) or Delivery(failed=dict.fromkeys(a, "busy"))
    )
    await spending(house, 5000, 4865, 9865)
    house.mail.outcome = lambda m, a: tried.append(text_of(m)) or Delivery(a)
    await house.tell(after=900)
    assert len(tried) == 2
    assert tried[0] == tried[1]


async def test_a_silence_made_meanwhile_delays_it(tmp_path: Path) -> None:
    house = await House(config()).start()
    now = house.clock.now()
    silence = Silence("s", "kie/*", None, now, now + timedelta(hours=4), "ada", "work")
    await house.pipeline.keeper.silence(silence)
    await spending(house, 5000, 4865, 9865)
    assert house.mail.said == []
    wait = await house.pipeline.deliver("oncall")
    assert wait == pytest.approx(3600)
    await house.tell(after=3600)
    assert house.mail.said == ["notice topped-up"]


async def test_a_receiver_that_is_added_hears_only_of_what_comes() -> None:
    house = await House(config(receiver())).start()
    await spending(house, 5000, 4865, 9865)
    house.clock.step(1)
    await house.pipeline.reload(config(receiver(), receiver("new")))
    await house.tell(after=60)
    assert [m.receiver for m, _ in house.mail.sent] == ["oncall"]
    await spending(house, 9730, 14730)
    assert sorted(m.receiver for m, _ in house.mail.sent[1:]) == ["new", "oncall"]


async def test_a_severity_of_the_users_routes_it() -> None:
    loud = replace(TOPPED_UP, severity=Severity.CRITICAL)
    only = receiver(severities=frozenset({Severity.CRITICAL}))
    house = await House(replace(config(only), rules=(loud,))).start()
    await spending(house, 5000, 4865, 9865)
    assert [m.subject for m, _ in house.mail.sent] == [
        "[CRITICAL] kie: topped up by 5,000 credits"
    ]


async def test_what_was_said_is_forgotten_a_week_after_it_happened(tmp_path: Path) -> None:
    house = await House(config(), store=SqliteStore(tmp_path / "monitor.db")).start()
    await spending(house, 5000, 4865, 9865)
    assert len(house.memory.notices) == len(house.memory.told) == 1
    house.clock.step(8 * 86400)
    await house.pipeline.sweep()
    assert not house.memory.notices
    assert not house.memory.told
    with contextlib.closing(sqlite3.connect(tmp_path / "monitor.db")) as database:
        for table in ("notices", "told"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608 - ours
        assert database.execute("SELECT count(*) FROM top_ups").fetchone() == (1,)
    await house.pipeline.keeper.close()


# -- in words, by mail and by webhook -------------------------------------------------------


def message(minutes: float = 0, **facts: str):
    notice = replace(at(minutes), summary="topped up by 5,000 credits", facts={
        "amount": "5000", "unit": "credits", "before": "100", "after": "5100", **facts,
    })  # fmt: skip
    return announce(
        Announcement(notice, "oncall", ("a",)),
        runbooks=load_runbooks(),
        now=START + timedelta(minutes=minutes),
        external_url="https://m.example.com/",
    )


def test_a_webhook_hears_of_it_as_of_an_alert_that_ends_by_itself() -> None:
    body = json.loads(body_of("oncall", message()))
    (alert,) = body["alerts"]
    assert (body["version"], body["status"], alert["status"]) == ("4", "firing", "firing")
    assert (alert["startsAt"], alert["endsAt"]) == ("2026-11-20T10:00:00Z", "2026-11-20T10:05:00Z")
    assert alert["labels"] == {
        "alertname": "topped-up", "severity": "info", "target": "kie/balance", "account": "kie",
        "provider": "kie", "cause": "ok", "notice": at(0).id,
    }  # fmt: skip
    said = alert["annotations"]
    assert said["summary"] == "kie: topped up by 5,000 credits"
    assert (said["amount"], said["balance"], said["balance_before"]) == ("5000", "5100", "100")
    assert said["runbook_url"] == "https://m.example.com/runbooks/topped-up"


def test_no_receiver_takes_the_second_top_up_for_the_first() -> None:
    one, two = (json.loads(body_of("oncall", message(n))) for n in (0, 60))
    assert one["groupKey"] != two["groupKey"]
    assert one["alerts"][0]["fingerprint"] != two["alerts"][0]["fingerprint"]


def test_a_mail_of_a_notice_stands_alone_and_says_what_it_is() -> None:
    sender = replace(receiver(), options={"from": "m@example.com"})
    content = letter(sender, message()).content.decode()
    assert "X-Monitor-Notification: notice" in content
    assert "X-Monitor-Alert: topped-up" in content
    assert f"X-Monitor-Incident: {at(0).id}" in content
    assert "In-Reply-To" not in content
    assert text_of(message()).endswith(
        "info, notice, topped-up on kie/balance, at 2026-11-20 10:00 UTC\n"
        f"notice {at(0).id}, sent by monitor to oncall\n"
    )


@pytest.mark.parametrize(("p25", "before", "says"), [
    ("26.0", "4.0", "The credits last about 26 h (about 4 h before) at a cautious estimate."),
    ("inf", "4.0", "The credits last without end (about 4 h before) at a cautious estimate."),
    ("26.0", "0.0", "The credits last about 26 h (no time before) at a cautious estimate."),
    ("26.0", None, "The credits last about 26 h at a cautious estimate."),
    (None, "4.0", "It is the first top-up"),
])  # fmt: skip
def test_the_runway_is_said_as_far_as_it_is_known(
    p25: str | None, before: str | None, says: str
) -> None:
    known = {"p25": p25, "p25_before": before}
    assert message(**{k: v for k, v in known.items() if v}).how_long.startswith(says)


async def test_a_rule_of_the_users_own_by_that_name_is_an_alert_like_any_other() -> None:
    own = rule("topped-up", "kie/balance", "balance > 9000", "info")
    house = await House(replace(config(), rules=(own,))).start()
    await spending(house, 5000, 4865, 9865)
    assert house.mail.said == ["opened topped-up"]
    await house.pipeline.reload(config())
    await house.tell()
    assert house.mail.said[-1] == "resolved topped-up"


def test_the_daemon_mails_a_top_up_once_the_mail_server_takes_it(tmp_path: Path) -> None:
    with world_in_thread() as world, in_thread(Mailbox()) as box:
        box.rcpt["oncall@example.com"] = ["451 try later", OK]
        smtp = f"{{host: 127.0.0.1, port: {box.port}, tls: none}}"
        email = f"{{to: [oncall@example.com], from: m@example.com, smtp: {smtp}}}"
        switched_on = "alerts: [{name: topped-up, enabled: true}]\n"
        told = f"receivers: {{oncall: {{email: {email}}}}}\n"
        path = living_config(world, tmp_path, alerts=switched_on, receivers=told)
        with daemon(path) as living:
            living.until(lambda: "12480.25" in living.get("/metrics")[1])
            there(world, lambda: world.kie.top_up(5000))
            (mail,) = box.wait_blocking(1)
            assert mail.message["Subject"] == "[INFO] kie: topped up by 5,000 credits"
            assert "from 12,480.25 credits to 17,480.25 credits" in mail.text
            good = 'monitor_notifications_total{kind="notice",receiver="oncall",result="ok"} 1.0'
            living.until(lambda: good in living.get("/metrics")[1])
