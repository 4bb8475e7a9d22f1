"""Laws of telling, over random histories in which anything may happen and sends may fail."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.core.causes import Cause, Severity
from monitor.core.globs import matches
from monitor.core.model import Ack, Incident, Kind, Notification, Silence, Told
from monitor.core.notify import concerning, due, next_due
from monitor.core.settings import Interval, ReceiverSettings
from monitor.core.timetable import Hours, Stretch

T0 = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def daily(begin: int, end: int) -> Stretch:
    """The same minutes of every day."""
    return Stretch(frozenset(range(7)), begin, end, "")


LEVELS = tuple(Severity)
ALERTS = (
    ("credits-exhausted", "kie/balance"),
    ("runway-short", "kie/balance"),
    ("credits-low", "kie/balance"),
    ("gone", "hf/model/a/b"),
)
TOPICS = {"credits-low": "money", "gone": "other"}
SPEAKERS = {  # a model of its own: who mutes whom here
    "runway-short": {"credits-exhausted"},
    "credits-low": {"credits-exhausted", "runway-short"},
}
EVERYBODY = ReceiverSettings(
    "everybody",
    "email",
    {},
    ("a", "b"),
    remind_every=Interval(1800.0, 7200.0),
    fallback="spare",
    follow_up=3600.0,
)
LEAD = ReceiverSettings(
    "lead", "webhook", {}, ("lead",), escalate_after=1800.0, remind_every=Interval(3600.0, 3600.0)
)
RECEIVERS = (
    EVERYBODY,
    ReceiverSettings("grave", "email", {}, ("c",), severities=frozenset({Severity.CRITICAL})),
    LEAD,
    ReceiverSettings("spare", "webhook", {}, ("spare",), severities=frozenset(), on=()),
    ReceiverSettings(
        "office", "email", {}, ("d",), remind_every=Interval(3600.0, 3600.0),
        hours=Hours((daily(5 * 60, 6 * 60), daily(7 * 60 + 30, 9 * 60)), UTC),
    ),
    ReceiverSettings(
        "sleeper", "email", {}, ("e",), remind_every=Interval(3600.0, 3600.0),
        quiet_hours=Hours((daily(4 * 60 + 30, 7 * 60),), UTC),
    ),
)  # fmt: skip
ADDRESSES = [(r.name, a) for r in RECEIVERS for a in r.addresses]
SINCE = dict.fromkeys(ADDRESSES, T0)


@dataclass
class World:
    """A little daemon: what is true, what was told, and who can be reached."""

    now: datetime = T0
    incidents: dict[str, Incident] = field(default_factory=dict)
    silences: dict[str, Silence] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    down: set[tuple[str, str]] = field(default_factory=set)
    failures: Counter[tuple[str, Kind, int, str]] = field(default_factory=Counter)
    audible: set[str] = field(default_factory=set)  # incidents not muted for a whole minute
    instants: set[str] = field(default_factory=set)  # or at a moment at which it delivered
    office: set[str] = field(default_factory=set)  # incidents not muted in a minute of its hours
    office_instants: set[str] = field(default_factory=set)  # or at a moment of them

    # -- what happens -----------------------------------------------------------------------

    def open_one(self, alert: tuple[str, str]) -> Incident | None:
        return next(
            (i for i in self.incidents.values() if i.open and (i.alert, i.target) == alert), None
        )

    def breach(self, alert: tuple[str, str], severity: Severity) -> None:
        """Open an incident, or change the severity of the one that is open."""
        standing = self.open_one(alert)
        if standing is not None:
            self.incidents[standing.id] = replace(
                standing, severity=severity, worst=max(standing.ever, severity, key=LEVELS.index)
            )
            # Who keeps whom quiet is judged by the severities as they stand, for the past as well:
            # what this one mutes from here on may never be heard, what it sets free may be.
            self.instants |= self.audible | self.unmuted() | {standing.id}
            self.office_instants |= self.instants
            self.audible -= {i.id for i in self.incidents.values() if i.open and self.muted(i)}
            # Of what came and went beside it either may come, for the same reason.
            beside = {
                i.id for i in self.incidents.values() if not i.open and self.met(i, standing)
            }
            self.instants |= beside
            self.office_instants |= beside
            self.audible -= beside
            self.office -= beside
            return
        name, target = alert
        new = Incident(
            id=f"{name}{len(self.incidents):03}", alert=name, target=target,
            account=target.split("/")[0], provider=target.split("/")[0], opened_at=self.now,
            opening_severity=severity, opening_cause=Cause.OK, severity=severity,
            cause=Cause.OK, summary="",
        )  # fmt: skip
        self.incidents[new.id] = new

    def close(self, alert: tuple[str, str]) -> None:
        standing = self.open_one(alert)
        if standing is not None:
            self.incidents[standing.id] = replace(
                standing, closed_at=self.now, close_reason="resolved"
            )

    def blink(self, alert: tuple[str, str], minutes: int) -> None:
        """Something comes and goes before anybody looks."""
        if self.open_one(alert) is None:
            self.breach(alert, Severity.WARNING)
            self.wait(minutes)
            self.close(alert)

    def acknowledge(self, alert: tuple[str, str]) -> None:
        standing = self.open_one(alert)
        if standing is not None:
            ack = Ack("ada", "", self.now, standing.severity)
            self.incidents[standing.id] = replace(standing, ack=ack)

    def silence(self, glob: str, minutes: int) -> None:
        name = f"s{len(self.silences)}"
        end = self.now + timedelta(minutes=minutes)
        self.silences[name] = Silence(name, glob, None, self.now, end, "ada", "")

    def unsilence(self) -> None:
        for name, silence in self.silences.items():
            if silence.active(self.now):
                self.silences[name] = replace(silence, ends_at=self.now)

    def toggle(self, who: tuple[str, str]) -> None:
        self.down ^= {who}

    def restart(self) -> None:
        self.failures.clear()

    def wait(self, minutes: int) -> None:
        for _ in range(minutes):
            self.notice()
            self.now += timedelta(minutes=1)

    # -- the model of muting ----------------------------------------------------------------

    def muted(self, incident: Incident) -> bool:
        if self.silenced(incident):
            return True
        speakers = SPEAKERS.get(incident.alert, set())
        here = [i for i in self.incidents.values() if i.open and i.target == incident.target]
        return any(
            i.alert in speakers
            and (incident.alert == "runway-short" or incident.severity.rank <= i.severity.rank)
            for i in here
        )

    def met(self, closed: Incident, other: Incident) -> bool:
        """Whether the other, which is open, stood at a time of the closed one and may mute it."""
        assert closed.closed_at is not None
        return (
            other.alert in SPEAKERS.get(closed.alert, ()) and closed.closed_at >= other.opened_at
        )

    def silenced(self, incident: Incident) -> bool:
        here = [s for s in self.silences.values() if matches(s.targets, incident.target)]
        return any(s.active(self.now) for s in here)

    def notice(self) -> None:
        """Remember who could be heard of during the minute that begins."""
        self.audible |= self.unmuted()
        if self.office_hours():
            self.office |= self.unmuted()

    def office_hours(self) -> bool:
        """A model of its own."""
        return self.now.hour in (5, 8) or (self.now.hour == 7 and self.now.minute >= 30)

    def awake(self, severity: Severity) -> bool:
        """Whether the sleeper is, or is woken."""
        minute = self.now.hour * 60 + self.now.minute
        return severity is Severity.CRITICAL or not 270 <= minute < 420

    def unmuted(self) -> set[str]:
        return {i.id for i in self.incidents.values() if i.open and not self.muted(i)}

    # -- telling ----------------------------------------------------------------------------

    def owed(
        self,
        now: datetime | None = None,
        receivers: tuple[ReceiverSettings, ...] = RECEIVERS,
        told: tuple[Told, ...] | None = None,
    ) -> tuple[Notification, ...]:
        return due(
            tuple(self.incidents.values()), receivers, tuple(self.silences.values()),
            tuple(self.told) if told is None else told, now or self.now, since=SINCE,
            failing=frozenset(k for k, n in self.failures.items() if n >= 3), topics=TOPICS,
        )  # fmt: skip

    def deliver(self) -> None:
        """Send all that can be sent; three rounds of trying for what cannot."""
        self.instants |= self.unmuted()
        self.office_instants |= self.unmuted() if self.office_hours() else set()
        for _ in range(60):
            before = len(self.told), sum(self.failures.values())
            for notification in self.owed():
                self.send(notification)
            if (len(self.told), sum(self.failures.values())) == before:
                return
        raise AssertionError("it never falls silent")

    def send(self, notification: Notification) -> None:
        incident, kind = notification.incident, notification.kind
        assert not self.silenced(incident)
        assert kind is Kind.RESOLVED or not (incident.open and self.muted(incident))
        assert notification.addresses
        if notification.receiver == "office":
            assert self.office_hours()
        if notification.receiver == "sleeper" and kind is not Kind.RESOLVED:
            assert self.awake(incident.severity)
        for address in notification.addresses:
            if (notification.receiver, address) in self.down:
                if self.failures[notification.key] < 3:
                    self.failures[notification.key] += 1
            else:
                self.told.append(
                    Told(incident.id, kind, notification.round, notification.receiver, address,
                         self.now, incident.severity)
                )  # fmt: skip


ALERT = st.sampled_from(ALERTS)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("breach"), ALERT, st.sampled_from(LEVELS)),
        st.tuples(st.just("breach"), ALERT, st.sampled_from(LEVELS)),
        st.tuples(st.just("close"), ALERT),
        st.tuples(st.just("blink"), ALERT, st.integers(1, 50)),
        st.tuples(st.just("acknowledge"), ALERT),
        st.tuples(
            st.just("silence"),
            st.sampled_from(["*", "kie/*", "hf/model/*"]),
            st.integers(1, 90),
        ),
        st.tuples(st.just("unsilence")),
        st.tuples(st.just("toggle"), st.sampled_from(ADDRESSES)),
        st.tuples(st.just("restart")),
        st.tuples(st.just("wait"), st.integers(1, 150)),
    ),
    max_size=25,
)


def play(events: list[tuple[object, ...]], *, diligent: bool = True) -> World:
    """Let it happen; where `diligent`, it delivers after each event, else only at the end."""
    world = World()
    for name, *arguments in events:
        getattr(world, str(name))(*arguments)
        if diligent:
            world.deliver()
    return world


def settle(world: World) -> None:
    """Everybody can be reached again and all silences are over."""
    world.down.clear()
    world.wait(100)
    while not (world.office_hours() and world.awake(Severity.INFO)):
        world.wait(10)
    world.deliver()


def by_address(world: World) -> dict[tuple[str, str, str], list[Told]]:
    log: defaultdict[tuple[str, str, str], list[Told]] = defaultdict(list)
    for told in world.told:
        log[told.incident, told.receiver, told.address].append(told)
    return log


SHORT = {
    Kind.OPENED: "O",
    Kind.ESCALATED: "E",
    Kind.REMINDER: "M",
    Kind.RESOLVED: "R",
    Kind.FOLLOW_UP: "F",
}


@given(EVENTS, st.booleans())
@settings(max_examples=150, deadline=None)
def test_each_address_hears_a_beginning_a_middle_and_an_end_in_that_order(
    events: list[tuple[object, ...]], diligent: bool
) -> None:
    world = play(events, diligent=diligent)
    settle(world)
    for told in by_address(world).values():
        assert re.fullmatch("O[EM]*R?F?", "".join(SHORT[t.kind] for t in told))


@given(EVENTS, st.booleans())
@settings(max_examples=150, deadline=None)
def test_nothing_is_told_twice_and_rounds_are_counted_without_gaps(
    events: list[tuple[object, ...]], diligent: bool
) -> None:
    world = play(events, diligent=diligent)
    settle(world)
    keys = [(t.incident, t.kind, t.round, t.receiver, t.address) for t in world.told]
    assert len(keys) == len(set(keys))
    rounds: defaultdict[tuple[str, Kind, str], set[int]] = defaultdict(set)
    for told in world.told:
        rounds[told.incident, told.kind, told.receiver].add(told.round)
    for found in rounds.values():
        assert found == set(range(len(found)))
    assert world.owed() == ()


def beside(first: Severity, then: Severity) -> list[tuple[object, ...]]:
    """Something comes and goes beside a speaker whose severity changes after it."""
    speaker, other = ALERTS[0], ALERTS[2]
    return [("breach", speaker, first), ("blink", other, 1), ("breach", speaker, then)]


@given(EVENTS, st.booleans())
@example(beside(Severity.WARNING, Severity.INFO), False)
@example(beside(Severity.INFO, Severity.CRITICAL), False)
@settings(max_examples=150, deadline=None)
def test_what_could_be_heard_once_is_told_to_everybody_with_its_end(
    events: list[tuple[object, ...]], diligent: bool
) -> None:
    world = play(events, diligent=diligent)
    settle(world)
    heard = {key: {t.kind for t in told} for key, told in by_address(world).items()}
    for incident in world.incidents.values():
        for address in EVERYBODY.addresses:
            kinds = heard.get((incident.id, "everybody", address), set())
            lived = incident.closed_at is None or incident.closed_at > incident.opened_at
            if incident.open:
                assert Kind.OPENED in kinds or world.muted(incident)
            elif incident.id in world.audible:
                assert Kind.OPENED in kinds
            if lived and incident.id not in world.audible | world.instants:
                assert kinds == set()
    for (name, _, _), kinds in heard.items():
        assert (Kind.RESOLVED in kinds) is not world.incidents[name].open


@given(EVENTS, st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_receiver_with_hours_hears_all_that_stood_in_them_and_nothing_else(
    events: list[tuple[object, ...]], diligent: bool
) -> None:
    world = play(events, diligent=diligent)
    settle(world)
    heard = {name for name, receiver, _ in by_address(world) if receiver == "office"}
    for incident in world.incidents.values():
        muted = incident.open and world.muted(incident)
        if incident.id in world.office & world.audible and not muted:
            assert incident.id in heard
        lived = incident.closed_at is None or incident.closed_at > incident.opened_at
        if lived and incident.id not in world.office | world.office_instants:
            assert incident.id not in heard


@given(EVENTS)
@settings(max_examples=100, deadline=None)
def test_an_escalation_is_always_worse_than_all_that_was_heard(
    events: list[tuple[object, ...]],
) -> None:
    world = play(events)
    for told in by_address(world).values():
        worst = -1
        for entry in told:
            if entry.kind is Kind.ESCALATED:
                assert entry.severity.rank > worst
            worst = max(worst, entry.severity.rank)


@given(EVENTS, ALERT, EVENTS, st.booleans())
@settings(max_examples=100, deadline=None)
def test_only_what_was_critical_and_has_not_come_back_is_said_to_have_lasted(
    before: list[tuple[object, ...]],
    alert: tuple[str, str],
    after: list[tuple[object, ...]],
    diligent: bool,
) -> None:
    # Left to itself, hypothesis hardly ever makes something critical and lets it end.
    story = [("breach", alert, Severity.CRITICAL), ("close", alert)]
    world = play([*before, *story, *after], diligent=diligent)
    settle(world)
    for told in (t for t in world.told if t.kind is Kind.FOLLOW_UP):
        incident = world.incidents[told.incident]
        assert told.receiver == "everybody"
        assert incident.ever is Severity.CRITICAL
        assert incident.closed_at is not None
        assert told.at >= incident.closed_at + timedelta(hours=1)
        again = [
            i
            for i in world.incidents.values()
            if (i.alert, i.target) == (incident.alert, incident.target)
            and incident.opened_at < i.opened_at < told.at
        ]
        assert not again


@given(EVENTS)
@settings(max_examples=100, deadline=None)
def test_the_spare_hears_only_while_somebody_could_not_be_reached(
    events: list[tuple[object, ...]],
) -> None:
    quiet = [e for e in events if e[0] != "toggle"]
    assert not [t for t in play(quiet).told if t.receiver == "spare"]


@given(EVENTS)
@settings(max_examples=60, deadline=None)
def test_the_order_in_which_things_are_remembered_changes_nothing(
    events: list[tuple[object, ...]],
) -> None:
    world = play(events, diligent=False)
    there = world.owed()
    world.incidents = dict(reversed(world.incidents.items()))
    world.silences = dict(reversed(world.silences.items()))
    world.told.reverse()
    assert world.owed() == there


@given(EVENTS, st.integers(1, 400))
@settings(max_examples=150, deadline=None)
def test_before_the_moment_it_names_time_alone_makes_nothing_new(
    events: list[tuple[object, ...]], minutes: int
) -> None:
    world = play(events)
    moment = next_due(
        tuple(world.incidents.values()), RECEIVERS, tuple(world.silences.values()),
        tuple(world.told), world.now,
    )  # fmt: skip
    later = world.now + timedelta(minutes=minutes)
    if moment is not None:
        assert moment > world.now
        later = min(later, moment - timedelta(microseconds=1))
    known = {(n.id, a) for n in world.owed() for a in n.addresses}
    then = {(n.id, a) for n in world.owed(later) for a in n.addresses}
    assert then <= known


@given(EVENTS, st.booleans())
@settings(max_examples=60, deadline=None)
def test_what_one_receiver_is_owed_depends_on_those_alone_it_may_stand_in_for(
    events: list[tuple[object, ...]], diligent: bool
) -> None:
    world = play(events, diligent=diligent)
    there = world.owed()
    for one in RECEIVERS:
        near = concerning(one.name, RECEIVERS)
        names = {r.name for r in near}
        told = tuple(t for t in world.told if t.receiver in names)
        alone = world.owed(receivers=near, told=told)
        assert [n for n in alone if n.receiver == one.name] == [
            n for n in there if n.receiver == one.name
        ]
