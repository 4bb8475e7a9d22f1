"""An alert that opens and closes too often: one incident, held open, told once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from core_scenes import NOW, later
from house import House, receiver, rule, settings
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from monitor.core.alerts import Stepped, close, step
from monitor.core.causes import Cause, Severity
from monitor.core.conditions import Unavailable
from monitor.core.flapping import MOST, Damping, Flaps
from monitor.core.incident import Ack, Alert, AlertState, Incident, Judgement, Verdict
from monitor.core.model import Kind
from monitor.core.rules import Rule
from monitor.core.settings import Settings
from monitor.exporter import metrics_text
from monitor.store.sqlite import SqliteStore

MINUTE = 60.0
RULE = Rule("low", "*", Unavailable())
DAMPING = Damping(more_than=2, within=3600.0)


class Life:
    """One alert with all its incidents, a look a minute unless it is said otherwise."""

    def __init__(self, made: Rule = RULE, damping: Damping | None = DAMPING) -> None:
        self.rule, self.damping = made, damping
        self.alert, self.at = Alert(made.name, "kie/balance"), 0.0
        self.incidents: dict[str, Incident] = {}
        self.last: Stepped | None = None

    def look(self, verdict: Verdict, seconds: float = MINUTE, summary: str = "why") -> Life:
        self.at += seconds
        judged = Judgement(verdict, later(self.at), Cause.OK, summary)
        self.last = step(
            self.alert, judged, self.rule, later(self.at), account="kie", provider="kie",
            interval=MINUTE, damping=self.damping, past=lambda: list(self.incidents.values()),
            incident=self.incidents.get(self.alert.incident or ""),
        )  # fmt: skip
        self.alert = self.last.alert
        if self.last.incident is not None:
            self.incidents[self.last.incident.id] = self.last.incident
        return self

    def play(self, looks: str, seconds: float = MINUTE) -> Life:
        """`x` a breach, `.` fine, `?` unknown; spaces are for people."""
        words = {"x": Verdict.BREACH, ".": Verdict.OK, "?": Verdict.UNKNOWN}
        for letter in looks.replace(" ", ""):
            self.look(words[letter], seconds)
        return self

    @property
    def opened(self) -> list[str]:
        """Each episode: how it ended, and whether it flaps."""
        return [
            ("flapping " if i.flapping else "") + ("open" if i.open else i.close_reason)
            for i in self.incidents.values()
        ]

    @property
    def now(self) -> Incident:
        """The last incident."""
        return list(self.incidents.values())[-1]


def test_more_than_so_many_turns_within_the_window_are_one_incident_that_stays_open() -> None:
    life = Life().play("x. x. x.")
    assert life.opened == ["resolved"] * 3
    life.play("x")
    assert life.opened == ["resolved"] * 3 + ["flapping open"]
    assert life.now.summary == "flapping: opened and closed 3 times within the last hour; why"
    for _ in range(10):
        life.play(".x")
        assert life.alert.state is AlertState.FIRING
    assert life.opened == ["resolved"] * 3 + ["flapping open"]


def test_as_many_turns_as_are_allowed_are_told_each() -> None:
    life = Life().play("x. x. x")
    assert life.opened == ["resolved", "resolved", "open"]
    assert life.alert.flaps is None


def test_turns_that_are_spread_over_more_than_the_window_do_not_flap() -> None:
    life = Life()
    for _ in range(10):
        life.play("x.", seconds=700.0)  # a pair in 1,400 s: two of them lie within any hour
    assert set(life.opened) == {"resolved"}


def test_an_episode_counts_only_if_all_of_it_lies_within_the_window() -> None:
    life = Life().play("x", seconds=1.0).look(Verdict.OK, 3500.0).play("x. x.")
    assert life.look(Verdict.BREACH, 60.0).opened[-1] == "open"


def test_what_the_config_closed_is_no_turn() -> None:
    life = Life()
    for _ in range(5):
        life.play("x")
        gone = close(life.alert, life.now, later(life.at), "rule removed")
        assert gone.incident is not None
        life.alert, life.incidents[gone.incident.id] = gone.alert, gone.incident
    assert life.play("x").opened[-1] == "open"


def test_it_ends_when_it_has_been_fine_for_the_whole_window() -> None:
    life = Life().play("x. x. x. x.")
    life.play("." * 59)
    assert life.opened[-1] == "flapping open"
    life.play(".")
    assert life.opened[-1] == "flapping resolved"
    assert life.alert == Alert("low", "kie/balance")
    life.play("x. x. x")
    assert life.opened[-1] == "open"  # the count begins anew


def test_one_breach_starts_the_hour_of_peace_again() -> None:
    life = Life().play("x. x. x. x.").play("." * 50).play("x.")
    assert life.play("." * 59).opened[-1] == "flapping open"
    assert life.play(".").opened[-1] == "flapping resolved"


def test_it_is_an_ordinary_incident_again_when_it_has_stood_for_the_whole_window() -> None:
    life = Life().play("x. x. x. x. x")
    first = life.now.id
    assert life.play("x" * 59).opened[-1] == "flapping open"
    life.play("x")
    assert (life.opened[-1], life.now.id, life.now.summary) == ("open", first, "why")
    assert life.play(".").opened[-1] == "resolved"


def test_unknown_neither_ends_it_nor_makes_it_steady() -> None:
    life = Life().play("x. x. x. x.")
    life.play("?" * 200)
    assert life.opened[-1] == "flapping open"
    life.play(".")  # nothing was read for hours: what it did meanwhile nobody knows
    assert life.opened[-1] == "flapping open"
    assert life.play("." * 60).opened[-1] == "flapping resolved"


def test_a_few_unknown_readings_do_not_start_the_window_again() -> None:
    life = Life().play("x. x. x. x.").play(".?" * 30)
    assert life.play(".").opened[-1] == "flapping resolved"


def test_a_target_read_less_often_than_the_window_can_still_end_it() -> None:
    life = Life(damping=Damping(2, 100.0)).play("x. x. x. x.", seconds=10.0)
    assert life.look(Verdict.OK, 119.0).opened[-1] == "flapping resolved"


def test_turns_are_counted_as_the_rule_itself_counts_them() -> None:
    """`after` and `clear_after` hold while it flaps as well."""
    patient = replace(RULE, after=2, clear_after=2)
    life = Life(patient).play("xx.. xx.. xx.. xx")
    assert life.opened == ["resolved"] * 3 + ["flapping open"]
    assert len(life.alert.flaps.closings) == 3
    life.play(".x .x")  # too short to close
    assert len(life.alert.flaps.closings) == 3
    life.play("..")
    assert (len(life.alert.flaps.closings), life.alert.flaps.fine) == (4, True)
    life.play("x.")  # too short to open; but it was not steady
    assert life.alert.flaps.fine
    assert life.alert.flaps.since == later(life.at - 60)
    life.play("xx")
    assert not life.alert.flaps.fine


def test_for_and_keep_firing_for_hold_while_it_flaps() -> None:
    slow = replace(RULE, for_seconds=60.0, keep_firing_for=60.0)
    life = Life(slow).play("xx.. xx.. xx.. xx")
    life.play(".")
    assert not life.alert.flaps.fine
    life.play(".")
    assert life.alert.flaps.fine
    life.play("x")
    assert life.alert.flaps.fine
    life.play("x")
    assert not life.alert.flaps.fine


def test_the_words_follow_the_turns() -> None:
    life = Life().play("x. x. x. x.")
    fine = f"{later(life.at):%H:%M} UTC"
    assert life.now.summary == (
        f"flapping: opened and closed 4 times within the last hour; fine since {fine}"
    )
    life.look(Verdict.BREACH, summary="balance 9 is under 10")
    assert life.now.summary == (
        "flapping: opened and closed 4 times within the last hour; balance 9 is under 10"
    )
    life.look(Verdict.BREACH, 3500.0)
    assert life.now.summary.startswith("flapping: opened and closed once within the last hour; ")
    life.look(Verdict.BREACH, 90.0)
    assert life.now.summary.startswith("flapping: steady since ")


@pytest.mark.parametrize(
    ("within", "says"), [(7200.0, "2 h"), (600.0, "10 min"), (5400.0, "1 h 30 min")]
)
def test_the_words_name_the_window(within: float, says: str) -> None:
    flaps = Flaps((NOW,), NOW, NOW, within)
    assert flaps.said("why") == f"flapping: opened and closed once within the last {says}; why"


def test_what_is_remembered_is_bounded_and_the_words_say_so() -> None:
    life = Life(damping=Damping(2, 86400.0)).play("x." * 300, seconds=2.0)
    assert len(life.alert.flaps.closings) == MOST
    assert "opened and closed at least 100 times within the last 1 day" in life.now.summary


def test_more_may_be_allowed_than_is_remembered() -> None:
    life = Life(damping=Damping(MOST + 20, 86400.0)).play("x." * (MOST + 20) + "x", seconds=2.0)
    assert life.opened[-1] == "open"
    assert life.play(".x", seconds=2.0).opened[-1] == "flapping open"


def test_an_acknowledged_episode_stays_acknowledged_when_it_is_found_to_flap() -> None:
    life = Life().play("x. x. x")
    ack = Ack("ada", "the vendor knows", later(life.at), Severity.WARNING)
    life.incidents[life.now.id] = replace(life.now, ack=ack)
    life.play(". x")
    assert (life.opened[-1], life.now.ack) == ("flapping open", ack)
    life.play("." * 5 + "x")
    assert life.now.ack == ack


def test_an_acknowledgement_of_an_ordinary_episode_is_its_own() -> None:
    life = Life().play("x")
    life.incidents[life.now.id] = replace(
        life.now, ack=Ack("ada", "", later(life.at), Severity.WARNING)
    )
    assert life.play(". x").now.ack is None


def test_without_damping_every_turn_is_told() -> None:
    assert Life(damping=None).play("x." * 20).opened == ["resolved"] * 20


@pytest.mark.parametrize(("looks", "ends"), [("x", "open"), (".", "resolved")])
def test_switching_it_off_at_a_reload_makes_an_ordinary_incident_of_it(
    looks: str, ends: str
) -> None:
    life = Life().play("x. x. x. x.")
    life.damping = None
    life.play(looks)
    assert (life.opened[-1], life.alert.flaps) == (ends, None)


def test_another_window_holds_from_the_next_look_on() -> None:
    life = Life().play("x. x. x. x.")
    life.damping = Damping(2, 600.0)
    assert life.play("." * 9).opened[-1] == "flapping open"
    assert life.play(".").opened[-1] == "flapping resolved"


# -- a clock that jumps ----------------------------------------------------------------------

DAY = 86400.0


def test_a_clock_a_day_ahead_does_not_end_what_flaps() -> None:
    life = Life().play("x. x. x. x.")
    life.look(Verdict.OK, DAY)
    assert life.opened[-1] == "flapping open"
    assert life.play("." * 60).opened[-1] == "flapping resolved"


def test_a_clock_a_day_back_does_not_end_what_flaps_nor_keep_it_for_a_day() -> None:
    life = Life().play("x. x. x. x.")
    life.look(Verdict.OK, -DAY).play(". x .")
    assert life.opened == ["resolved"] * 3 + ["flapping open"]
    life.play("." * 60)
    assert life.opened[-1] == "flapping resolved"
    assert life.now.closed_at >= life.now.opened_at


@pytest.mark.parametrize("jump", [-DAY, DAY, -MINUTE])
def test_a_clock_that_jumps_in_breach_loses_no_incident(jump: float) -> None:
    life = Life().play("x. x. x. x")
    first = life.now.id
    life.look(Verdict.BREACH, jump).play("x" * 62)
    assert (life.opened[-1], life.now.id) == ("open", first)


# -- laws -----------------------------------------------------------------------------------

LOOKS = st.lists(
    st.tuples(
        st.sampled_from(Verdict),
        st.one_of(st.sampled_from([1.0, 60.0, 600.0, 4000.0]), st.floats(-1e5, 1e5)),
    ),
    max_size=60,
)
TURNS = st.integers(1, 30).map(lambda n: [(Verdict.BREACH, 30.0), (Verdict.OK, 30.0)] * n)
RULES = st.builds(
    Rule,
    name=st.just("low"),
    on=st.just("*"),
    when=st.just(Unavailable()),
    after=st.integers(1, 3),
    clear_after=st.integers(1, 3),
    for_seconds=st.sampled_from([0.0, 60.0]),
    keep_firing_for=st.sampled_from([0.0, 60.0]),
)


@given(RULES, TURNS, LOOKS)
@example(RULE, [(Verdict.BREACH, 30.0), (Verdict.OK, 30.0)] * 4, [(Verdict.UNKNOWN, -1.0)])
@examples(max_examples=150, deadline=None)
def test_through_any_history_an_alert_fires_exactly_while_its_one_incident_is_open(
    made: Rule, turns: list[tuple[Verdict, float]], looks: list[tuple[Verdict, float]]
) -> None:
    life = Life(made)
    for verdict, seconds in [*turns, *looks]:
        before = life.alert
        life.look(verdict, seconds)
        standing = [i.id for i in life.incidents.values() if i.open]
        firing = life.alert.state is AlertState.FIRING
        assert standing == ([life.alert.incident] if firing else [])
        assert firing or life.alert.flaps is None
        assert life.alert.clears <= made.clear_after
        if verdict is Verdict.UNKNOWN:
            assert (life.alert.incident, life.alert.flaps) == (before.incident, before.flaps)
        flaps = life.alert.flaps
        if flaps is not None:
            now = later(life.at)
            assert life.now.flapping
            assert len(flaps.closings) <= MOST
            # A look that could not read changes nothing, even where the clock has jumped back.
            unread = verdict is Verdict.UNKNOWN
            assert flaps.since <= now or unread
            assert sorted(flaps.closings) == list(flaps.closings) or unread
        assert life.last is not None
        assert not (life.last.closed and before.flaps is not None) or verdict is Verdict.OK


@given(st.integers(0, 6), st.lists(st.sampled_from("x."), min_size=1, max_size=200))
@examples(max_examples=100, deadline=None)
def test_in_any_window_no_more_incidents_open_than_the_damping_lets_through(
    more_than: int, looks: list[str]
) -> None:
    """At a steady look a minute: more than N turns, the one that flaps, and no other."""
    damping = Damping(max(1, more_than), 1200.0)
    life = Life(damping=damping).play("".join(looks))
    opened = [i.opened_at for i in life.incidents.values()]
    for at in opened:
        window = [o for o in opened if at <= o < at + timedelta(seconds=1200)]
        assert len(window) <= damping.more_than + 2


# -- the house ------------------------------------------------------------------------------

LOW = rule("credits-low", "kie/balance", "balance < 10000")


def config(**more: object) -> Settings:
    found = settings(rules=(LOW,), receivers=(receiver(follow_up=7200.0),), builtin=False)
    return replace(found, **more)  # type: ignore[arg-type]  # a test names fields it knows


async def flap(house: House, times: int) -> None:
    for _ in range(times):
        house.script.balance(9000)
        await house.probe(after=60)
        house.script.balance(20000)
        await house.probe(after=60)


async def test_of_what_flaps_people_hear_one_opening_and_one_end() -> None:
    house = await House(config()).start()
    await flap(house, 30)
    assert house.mail.said == ["opened credits-low", "resolved credits-low"] * 5 + [
        "opened credits-low"
    ]
    opened, _ = house.mail.sent[-1]
    assert opened.subject == (
        "[WARNING] kie: flapping: opened and closed 5 times within the last hour; balance 9000 is"
        " under 10000"
    )
    assert "it ends when it has stayed fine" in opened.how_long
    for _ in range(60):
        await house.probe(after=60)
    assert house.mail.said[-1] == "resolved credits-low"
    ended, _ = house.mail.sent[-1]
    assert "It flapped, and has stayed fine since." in ended.what
    assert ended.opened_id == opened.id


async def test_a_restart_forgets_nothing_of_what_flaps(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    house = await House(config(), store=SqliteStore(path)).start()
    for _ in range(20):
        await flap(house, 1)
        await house.pipeline.keeper.close()
        again = House(
            config(), store=SqliteStore(path), clock=house.clock, script=house.script,
            mail=house.mail,
        )  # fmt: skip
        house = await again.start()
    assert house.mail.said.count("opened credits-low") == 6
    assert [a.flaps is not None for a in house.memory.alerts.values()] == [True]
    await house.pipeline.keeper.close()


async def test_a_flapping_alert_has_a_metric_and_a_word_in_the_status_document() -> None:
    house = await House(config()).start()
    await flap(house, 6)
    text = metrics_text(house.memory.snapshot(house.clock.now()))
    assert 'monitor_alert_flapping{alert="credits-low",target="kie/balance"} 1.0' in text
    assert 'monitor_alert_firing{alert="credits-low"' in text


async def test_with_damping_off_every_turn_is_told() -> None:
    house = await House(config(flapping=None)).start()
    await flap(house, 8)
    kinds = [m.kind for m, _ in house.mail.sent]
    assert kinds == [Kind.OPENED, Kind.RESOLVED] * 8


async def test_a_builtin_rule_that_flaps_says_so_in_its_subject() -> None:
    one = (receiver(),)
    house = await House(replace(settings(receivers=one), flapping=Damping(1, 3600.0))).start()
    for _ in range(3):
        house.script.balance(100)
        await house.probe(after=60)
        house.script.balance(20000)
        await house.probe(after=60)
    subjects = [m.subject for m, _ in house.mail.sent if m.kind is Kind.OPENED]
    assert subjects[-1] == "[CRITICAL] kie: no credits left (flapping)"
