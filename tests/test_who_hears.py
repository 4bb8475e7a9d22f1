"""Who hears, and when: hours, quiet hours and maintenance windows, through the whole pipeline."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from house import House, database, kie, receiver, rule, settings
from hypothesis import given
from hypothesis import strategies as st

from monitor.cli.formats import render
from monitor.clock import SteppedClock
from monitor.config.timetables import parse_moment, parse_stretch
from monitor.core.causes import Cause, Severity
from monitor.core.document import document
from monitor.core.maintenance import Window, muting, planned, to_keep
from monitor.core.model import Incident, Kind, Silence, Told
from monitor.core.rules import Rule
from monitor.core.settings import Interval, ReceiverSettings
from monitor.core.snapshot import Snapshot
from monitor.core.timetable import Hours, Recurrence
from monitor.core.untold import untold
from monitor.operator import Operator
from monitor.store.sqlite import SqliteStore
from monitor.web.episodes import episodes

BERLIN = ZoneInfo("Europe/Berlin")
LOW = rule("low", "kie/balance", "balance < 10000", clear=None)
GONE = rule("gone", "kie/balance", "balance < 1000", "critical", clear=None)
NIGHT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # a Friday, 3 in the morning in Berlin
HOUR = 3600.0


def hours(*texts: str) -> Hours:
    return Hours(tuple(parse_stretch(t) for t in texts), BERLIN)


def window(name: str = "backup", every: str = "daily 03:00", lasts: float = 2 * HOUR,
           **changes: object) -> Window:  # fmt: skip
    again = Recurrence((parse_moment(every),), BERLIN)
    made = Window(name, ("kie/*",), BERLIN, every=again, lasts=lasts)
    return replace(made, **changes)  # type: ignore[arg-type]  # a test names fields it knows


async def a_house(
    who: ReceiverSettings, *windows: Window, at: datetime = NIGHT,
    rules: tuple[Rule, ...] = (LOW,),
) -> House:  # fmt: skip
    config = settings((kie(),), rules=rules, receivers=(who,), builtin=False)
    return await House(replace(config, maintenance=windows), clock=SteppedClock(at)).start()


async def falls(house: House, balance: float, after: float = 60.0) -> None:
    house.script.balance(balance)
    await house.probe(after=after)


async def until(house: House, at: datetime) -> None:
    """As the deliverers do: look again exactly when they said they would."""
    name = house.settings.receivers[0].name
    while house.clock.now() < at:
        wait = await house.pipeline.deliver(name)
        left = (at - house.clock.now()).total_seconds()
        house.clock.step(left if wait is None else min(left, max(wait, 1e-6)))
    await house.pipeline.deliver(name)


# -- hours ----------------------------------------------------------------------------------


async def test_what_stands_when_its_hours_begin_is_told_that_very_moment() -> None:
    house = await a_house(receiver(hours=hours("Mon-Fri 08:00-18:00")))
    await falls(house, 500)
    assert house.mail.said == []
    await until(house, NIGHT.replace(hour=6, minute=59))
    assert house.mail.said == []
    await until(house, NIGHT.replace(hour=9))
    assert house.mail.said == ["opened low"]
    assert house.mail.sent[0][0].at == NIGHT.replace(hour=7)


async def test_what_opened_and_closed_outside_its_hours_is_never_told() -> None:
    house = await a_house(receiver(hours=hours("Mon-Fri 08:00-18:00")))
    await falls(house, 500)
    await falls(house, 20000)
    await until(house, NIGHT + timedelta(days=6))
    assert house.mail.said == []


async def test_an_end_is_told_to_who_heard_the_beginning_once_its_hours_begin() -> None:
    friday_evening = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)
    house = await a_house(receiver(hours=hours("Mon-Fri 08:00-18:00")), at=friday_evening)
    await falls(house, 500)
    assert house.mail.said == ["opened low"]
    await falls(house, 20000, after=HOUR)
    assert house.mail.said == ["opened low"]
    await until(house, friday_evening + timedelta(days=3))
    assert house.mail.said == ["opened low", "resolved low"]
    assert house.mail.sent[-1][0].at == datetime(2026, 11, 23, 7, tzinfo=UTC)


async def test_reminders_wait_for_the_hours_as_well() -> None:
    morning = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
    who = receiver(hours=hours("08:00-18:00"), remind_every=Interval(6 * HOUR, 6 * HOUR))
    house = await a_house(who, at=morning)
    await falls(house, 500)
    await until(house, morning + timedelta(days=1))
    told = [f"{m.kind} {m.at:%d %H:%M}" for m, _ in house.mail.sent]
    assert told == ["opened 20 07:01", "reminder 20 13:01", "reminder 21 07:00"]


async def test_hours_are_those_of_the_clocks_across_the_change() -> None:
    saturday = datetime(2026, 10, 24, 17, 0, tzinfo=UTC)  # clocks go back in the night
    house = await a_house(receiver(hours=hours("08:00-18:00")), at=saturday)
    await falls(house, 500)
    await until(house, saturday + timedelta(days=1))
    assert house.mail.sent[0][0].at == datetime(2026, 10, 25, 7, tzinfo=UTC)


# -- quiet hours ----------------------------------------------------------------------------


async def test_quiet_hours_let_through_what_is_critical_with_its_end_and_nothing_else() -> None:
    who = receiver(quiet_hours=hours("22:00-07:00"), remind_every=Interval(HOUR, HOUR))
    house = await a_house(who, rules=(LOW, GONE))
    await falls(house, 5000)
    assert house.mail.said == []
    await falls(house, 500)
    assert house.mail.said == ["opened gone"]
    await until(house, house.clock.now() + timedelta(hours=1))
    assert house.mail.said == ["opened gone", "reminder gone"]
    await falls(house, 5000)
    assert house.mail.said == ["opened gone", "reminder gone", "resolved gone"]
    await until(house, NIGHT.replace(hour=6))
    assert house.mail.said[3:] == ["opened low"]


async def test_a_severity_that_rises_in_quiet_hours_is_told_at_once() -> None:
    house = await a_house(receiver(quiet_hours=hours("22:00-07:00")))
    await falls(house, 5000)
    (incident,) = house.memory.incidents.values()
    house.memory.incidents[incident.id] = replace(incident, severity=Severity.CRITICAL)
    await house.tell()
    assert house.mail.said == ["opened low"]


async def test_who_was_woken_by_a_critical_alert_hears_of_its_end_though_it_was_milder() -> None:
    house = await a_house(receiver(quiet_hours=hours("22:00-07:00")), rules=(GONE,))
    await falls(house, 500)
    (incident,) = house.memory.incidents.values()
    closed = replace(incident, severity=Severity.WARNING, closed_at=house.clock.now())
    house.memory.incidents[incident.id] = closed
    await house.tell()
    assert house.mail.said == ["opened gone", "resolved gone"]


async def test_a_fallback_takes_what_it_is_handed_at_any_hour() -> None:
    first = receiver("first", fallback="second")
    second = receiver("second", severities=frozenset(), hours=hours("Mon 08:00-09:00"))
    config = settings((kie(),), rules=(LOW,), receivers=(first, second), builtin=False)
    house = await House(config, clock=SteppedClock(NIGHT)).start()
    sent = house.mail.outcome
    house.mail.outcome = lambda m, a: (
        sent(m, a) if m.receiver == "second" else type(sent(m, a))(refused=dict.fromkeys(a, "no"))
    )
    await falls(house, 500)
    await house.tell()
    assert [m.receiver for m, _ in house.mail.sent] == ["second"]


async def test_a_receiver_whose_hours_become_others_is_not_told_what_is_over() -> None:
    who = receiver(hours=hours("Mon-Fri 08:00-18:00"))
    house = await a_house(who)
    await falls(house, 500)
    await falls(house, 20000)
    await house.pipeline.reload(replace(house.settings, receivers=(replace(who, hours=None),)))
    await house.tell(after=60)
    assert house.mail.said == []


# -- maintenance ----------------------------------------------------------------------------


async def test_a_window_mutes_telling_and_never_state() -> None:
    house = await a_house(receiver(), window())
    await falls(house, 500)
    assert house.firing() == {"low": "kie/balance"}
    assert house.mail.said == []
    await until(house, NIGHT + timedelta(hours=3))
    assert house.mail.said == ["opened low"]
    assert house.mail.sent[0][0].at == NIGHT + timedelta(hours=2)


async def test_a_window_delays_an_end_and_what_opened_and_closed_in_it_is_never_told() -> None:
    house = await a_house(receiver(), window(every="daily 05:00"), rules=(LOW, GONE))
    await falls(house, 5000)
    assert house.mail.said == ["opened low"]
    await falls(house, 500, after=2 * HOUR)
    await falls(house, 20000)
    assert house.mail.said == ["opened low"]
    await until(house, NIGHT + timedelta(days=2))
    assert house.mail.said == ["opened low", "resolved low"]


@pytest.mark.parametrize(("changes", "told"), [
    ({}, []),
    ({"alert": "low"}, []),
    ({"alert": "gone"}, ["opened low"]),
    ({"targets": ("hf/*",)}, ["opened low"]),
    ({"targets": ("hf/*", "*/balance")}, []),
    ({"every": None, "once": (NIGHT, NIGHT + timedelta(hours=1))}, []),
    ({"every": None, "once": (NIGHT, NIGHT + timedelta(seconds=60))}, ["opened low"]),
])  # fmt: skip
async def test_a_window_is_about_its_targets_and_its_alert(
    changes: dict[str, object], told: list[str]
) -> None:
    house = await a_house(receiver(), replace(window(), **changes))  # type: ignore[arg-type]
    await falls(house, 500)
    assert house.mail.said == told


@pytest.mark.parametrize(("every", "lasts", "day", "begin", "end"), [
    ("Sun 02:30", 2, "2026-03-29", "01:00", "03:00"),  # begins at the jump, lasts two hours
    ("Sun 02:30", 2, "2026-10-25", "00:30", "02:30"),  # in the first of both, for two real hours
    ("daily 01:00", 2, "2026-10-25", "23:00", "01:00"),
    ("1st 02:00", 1, "2026-11-01", "01:00", "02:00"),
])  # fmt: skip
def test_windows_are_right_across_the_change_of_clocks(
    every: str, lasts: float, day: str, begin: str, end: str
) -> None:
    noon = datetime.fromisoformat(f"{day}T12:00+00:00")
    found = window(every=every, lasts=lasts * HOUR).spans(noon - timedelta(days=1), noon)
    assert [f"{b:%H:%M} {e:%H:%M}" for b, e in found] == [f"{begin} {end}"]


@given(st.integers(0, 366 * 24 * 4), st.sampled_from(["daily 02:30", "Sun 02:00", "1st 00:00"]),
       st.sampled_from([1, 30, 24 * 9]))  # fmt: skip
def test_before_the_moment_a_window_names_nothing_of_it_changes(
    quarters: int, every: str, lasts: float
) -> None:
    one = window(every=every, lasts=lasts * HOUR)
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * quarters)
    coming = one.coming(now)
    assert coming is not None
    begin, end = coming
    instant_later = timedelta(microseconds=1)
    if begin <= now:
        assert now < end
        assert one.spans(end - instant_later, end)
    else:
        assert not one.spans(now, begin)
        assert one.spans(begin, begin + instant_later)


async def test_what_a_window_muted_stays_muted_when_it_has_left_the_config(tmp_path: Path) -> None:
    config = settings((kie(),), rules=(LOW,), builtin=False)
    store = SqliteStore(database(tmp_path))
    house = House(replace(config, maintenance=(window(),)), store=store, clock=SteppedClock(NIGHT))
    await house.start()
    await falls(house, 500)
    await falls(house, 20000)
    await house.pipeline.keeper.close()
    # Another process, with another config, while the window would still last.
    clock = SteppedClock(house.clock.now() + timedelta(minutes=5))
    again = House(config, store=SqliteStore(database(tmp_path)), clock=clock)
    await again.start()
    await again.tell(after=60)
    assert again.mail.said == []
    await falls(again, 500)
    assert again.mail.said == ["opened low"], "the window is gone: it mutes no more"
    await again.pipeline.keeper.close()


def test_what_is_put_down_of_a_window_is_put_down_once_and_ended_when_it_goes() -> None:
    now = NIGHT + timedelta(minutes=5)
    (begun,) = to_keep({}, (window(),), now)
    made = {begun.id: begun}
    assert to_keep(made, (window(),), now) == ()
    assert muting(made, (window(),), now) == planned((window(),), now)
    (longer,) = to_keep(made, (window(lasts=3 * HOUR),), now)
    assert (longer.id, longer.ends_at) == (begun.id, NIGHT + timedelta(hours=3))
    (ended,) = to_keep(made, (), now)
    assert ended == replace(begun, ends_at=now)
    assert to_keep({ended.id: ended}, (), now) == ()


async def test_windows_are_in_the_status_and_named_where_nothing_was_told() -> None:
    from monitor.web.episodes import episodes

    house = await a_house(receiver(), window(), window("later", "Mon 09:00", alert="low"))
    await falls(house, 500)
    await house.pipeline.sweep()
    snapshot = house.memory.snapshot(house.clock.now())
    told = document(snapshot)
    assert told["silences"] == []
    assert told["maintenance"] == [
        {"name": "backup", "targets": ["kie/*"], "alert": None, "active": True,
         "starts_at": "2026-11-20T02:00:00Z", "ends_at": "2026-11-20T04:00:00Z",
         "timezone": "Europe/Berlin"},
        {"name": "later", "targets": ["kie/*"], "alert": "low", "active": False,
         "starts_at": "2026-11-23T08:00:00Z", "ends_at": "2026-11-23T10:00:00Z",
         "timezone": "Europe/Berlin"},
    ]  # fmt: skip
    (episode,) = episodes(snapshot, {})
    assert episode.silenced == "until 2026-11-20 04:00 UTC by maintenance window backup"


# -- silences from a shell ------------------------------------------------------------------


def asked(targets: str, **more: str) -> dict[str, str]:
    return {
        "do": "silence",
        "targets": targets,
        "for": "1h",
        "author": "a",
        "comment": "c",
        **more,
    }


async def test_a_silence_that_would_mute_nothing_is_refused_with_the_nearest_names() -> None:
    house = await a_house(receiver())
    operator = Operator(house.pipeline, house.clock)
    reply = await operator.handle(asked("kei/balance"))
    assert reply["usage"] is True
    assert "no target matches kei/balance, did you mean kie/balance" in str(reply["error"])
    reply = await operator.handle(asked("kie/*", alert="loww"))
    assert "there is no alert loww, did you mean low?" in str(reply["error"])
    assert house.memory.silences == {}
    assert "id" in await operator.handle(asked("kei/balance", force="yes"))
    assert "id" in await operator.handle(asked("kie/*", alert="low"))
    assert "id" in await operator.handle(asked("kie/key"))
    assert "id" in await operator.handle(asked("*"))


@pytest.mark.parametrize(
    ("targets", "alert", "words"),
    [
        ("kie/*", "xyz", "kie/* with the alert xyz; open there: gone, low"),
        ("kie/balance", "loww", "kie/balance with the alert loww, did you mean low? "
                                "Open there: gone, low"),
        ("kei/balance", "", "kei/balance, did you mean kie/balance?"),
        ("zzz", "", "zzz; open: kie/balance"),
        ("zzz", "low", "zzz; open: kie/balance"),
    ],
)  # fmt: skip
async def test_an_ack_that_meets_nothing_names_what_is_open(
    targets: str, alert: str, words: str
) -> None:
    house = await a_house(receiver(), rules=(LOW, GONE))
    await falls(house, 500)
    ack = {"do": "ack", "targets": targets, "alert": alert, "author": "a", "comment": "c"}
    reply = await Operator(house.pipeline, house.clock).handle(ack)
    assert reply == {"error": f"no open incident matches {words}"}
    assert all(i.ack is None for i in house.memory.incidents.values())


async def test_an_ack_says_that_nothing_is_open() -> None:
    house = await a_house(receiver())
    ack = {"do": "ack", "targets": "kie/*", "author": "a", "comment": "c"}
    reply = await Operator(house.pipeline, house.clock).handle(ack)
    assert reply == {"error": "no open incident matches kie/*; none is open"}


@pytest.mark.parametrize("lasts", ["0s", "99999999d", "4000d"])
async def test_a_silence_without_an_end_is_refused_in_words(lasts: str) -> None:
    house = await a_house(receiver())
    reply = await Operator(house.pipeline, house.clock).handle(asked("kie/*") | {"for": lasts})
    assert reply["usage"] is True
    assert "longer than 0s and at most 3650d" in str(reply["error"])
    assert house.memory.silences == {}


async def test_a_window_of_the_config_cannot_be_ended_from_a_shell() -> None:
    house = await a_house(receiver(), window())
    (kept,) = house.memory.silences
    reply = await Operator(house.pipeline, house.clock).handle({"do": "unsilence", "id": kept})
    assert "maintenance window backup is in the config" in str(reply["error"])


# -- why nothing was told -------------------------------------------------------------------

OFFICE = hours("Mon-Fri 08:00-18:00")
QUIET = hours("22:00-07:00")
PATIENT = {"escalate_after": 6 * HOUR}


@pytest.mark.parametrize(("changes", "windows", "why"), [
    ({"hours": OFFICE}, (), "outside its hours until 07:00"),
    ({"quiet_hours": QUIET}, (), "its quiet hours until 06:00"),
    ({"hours": OFFICE}, (window(),), "maintenance window backup until 04:00"),
    (PATIENT, (), "hears only of what lasts until 08:01"),
    ({"on": ("hf/*",), "quiet_hours": QUIET}, (), ""),  # it does not concern this receiver
    ({}, (), ""),  # it was told
])  # fmt: skip
async def test_the_status_says_why_somebody_was_not_told(
    changes: dict[str, object], windows: tuple[Window, ...], why: str
) -> None:
    house = await a_house(receiver(**changes), *windows)
    await falls(house, 500)
    (alert,) = document(house.memory.snapshot(house.clock.now()))["alerts"]  # type: ignore[misc]
    said = [f"{u['why']} until {u['until'][11:16]}" for u in alert["untold"]]
    assert said == ([why] if why else [])
    assert all(u["receiver"] == "oncall" for u in alert["untold"])


async def test_a_silence_an_acknowledgement_and_another_alert_are_named_as_reasons() -> None:
    house = await a_house(receiver(**PATIENT), rules=(LOW, GONE))
    await falls(house, 500)
    operator = Operator(house.pipeline, house.clock)
    ack = {"do": "ack", "targets": "*", "alert": "low", "author": "ada", "comment": "on it"}
    await operator.handle(ack)
    await operator.handle(asked("kie/*", alert="gone", author="bob"))
    snapshot = house.memory.snapshot(house.clock.now())
    reasons = {a["alert"]: a["untold"][0]["why"] for a in document(snapshot)["alerts"]}  # type: ignore[attr-defined]
    assert reasons == {"low": "acknowledged by ada", "gone": "silenced by bob"}
    low = next(i for i in snapshot.incidents if i.alert == "low")
    empty = replace(low, id="x", alert="credits-exhausted", severity=Severity.CRITICAL)
    spoken = untold(replace(snapshot, incidents=(empty, low), silences=()))
    assert {u.incident: u.why for u in spoken}[low.id] == "credits-exhausted speaks for it"


def printed(house: House) -> str:
    """What `monitor status` says now."""
    seen = house.memory.snapshot(house.clock.now())
    return render(document(seen), "text", colour=False, width=0)


def on_page(house: House) -> str:
    """What the page says of who has acknowledged."""
    (shown,) = episodes(house.memory.snapshot(house.clock.now()), {})
    return shown.acknowledged


async def acked_and_worse(who: ReceiverSettings, **silence: str) -> House:
    """A warning that was told, acknowledged and perhaps silenced, and is critical now."""
    house = await a_house(who, at=NIGHT.replace(hour=15))
    await falls(house, 500)
    operator = Operator(house.pipeline, house.clock)
    await operator.handle({"do": "ack", "targets": "*", "author": "ada", "comment": "on it"})
    if silence:
        await operator.handle(asked("kie/*", **{**silence, "for": "12h"}))
    critical = replace(LOW, severity=Severity.CRITICAL)
    await house.pipeline.reload(replace(house.settings, rules=(critical,)))
    await falls(house, 400, after=2 * HOUR)
    return house


SILENCED = "not told to oncall that it is critical: silenced by bob, until 2026-11-21T03:01:00Z"
OUTSIDE = "not told to oncall that it is critical: outside its hours, until 2026-11-23T07:00:00Z"


@pytest.mark.parametrize(("changes", "silence", "line", "said"), [
    ({}, {"author": "bob"}, SILENCED, ["opened low"]),
    (PATIENT | {"escalate_after": 0.0}, {"author": "bob"}, SILENCED, ["opened low"]),
    ({"hours": OFFICE}, {}, OUTSIDE, ["opened low"]),
    ({}, {}, "", ["opened low", "escalated low"]),  # it has heard of it
    ({"severities": frozenset({Severity.WARNING})}, {"author": "bob"}, "", ["opened low"]),
])  # fmt: skip
async def test_the_status_says_who_has_not_heard_that_it_became_worse(
    changes: dict[str, object], silence: dict[str, str], line: str, said: list[str]
) -> None:
    house = await acked_and_worse(receiver(**changes), **silence)
    assert house.mail.said == said
    shown = printed(house)
    assert "(acknowledged by ada at warning)" in shown
    assert [row.strip() for row in shown.splitlines() if "not told" in row] == [line] * bool(line)


async def test_what_was_acknowledged_as_it_stands_is_owed_to_nobody() -> None:
    house = await acked_and_worse(receiver(), author="bob")
    (alert,) = document(house.memory.snapshot(house.clock.now()))["alerts"]  # type: ignore[misc]
    assert alert["acknowledged"] == {"by": "ada", "comment": "on it", "severity": "warning"}
    (held,) = alert["untold"]
    assert (held["receiver"], held["why"], held["knows"]) == (
        "oncall",
        "silenced by bob",
        "warning",
    )
    assert on_page(house) == "ada at warning: on it"
    again = {"do": "ack", "targets": "*", "author": "eve", "comment": "and now"}
    await Operator(house.pipeline, house.clock).handle(again)
    assert on_page(house) == "eve: and now"
    shown = printed(house)
    assert "(acknowledged by eve)" in shown
    assert "not told" not in shown


def test_of_several_addresses_the_one_that_knows_least_is_not_forgotten() -> None:
    warned, bad = Severity.WARNING, Severity.CRITICAL
    names = ("x", "low", "kie/balance", "kie", "kie")
    low = Incident(*names, NIGHT, warned, Cause.OK, bad, Cause.OK, "low")
    both = receiver(addresses=("a", "b"))

    def held(*told: Told) -> list[Severity | None]:
        at = Snapshot(
            NIGHT, settings(receivers=(both,)), {}, incidents=(low,), told=told,
            silences=(Silence("s", "*", None, NIGHT, NIGHT + timedelta(hours=1), "bob", ""),),
        )  # fmt: skip
        return [u.knows for u in untold(at)]

    first = Told(low.id, Kind.OPENED, 0, "oncall", "a", NIGHT, warned)
    worse = replace(first, kind=Kind.ESCALATED, severity=bad)
    assert held() == [None]
    assert held(first, worse) == []
    assert held(first, worse, replace(first, address="b")) == [warned]
    assert held(first, worse, replace(first, address="gone")) == []


async def test_monitor_status_prints_windows_and_reasons() -> None:
    house = await a_house(receiver(hours=OFFICE), window("later", "Mon 09:00", alert="low"))
    await falls(house, 500)
    printed = render(
        document(house.memory.snapshot(house.clock.now())), "text", colour=False, width=0
    )
    assert "not told to oncall: outside its hours, until 2026-11-20T07:00:00Z" in printed
    assert (
        "maintenance\n  later  low on kie/*: 2026-11-23T08:00:00Z to 2026-11-23T10:00:00Z"
        in printed
    )
