"""Whole histories: verdicts, silences, acks, failures, restarts, against a simple model.

A little daemon out of the real parts: `Judge` over `Memory` decides, `due()` says what is owed,
and what a store would keep goes through its rows, so that a restart takes up just that.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

from core_scenes import NOW, a_view
from house import kie, rule, settings
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from monitor.core.causes import Cause
from monitor.core.flapping import Damping
from monitor.core.incident import Ack, Alert, Incident, Kind, Silence, Told
from monitor.core.notify import due, next_due
from monitor.core.settings import Interval, ReceiverSettings, Settings
from monitor.judging import Changes, Judge
from monitor.memory import Memory
from monitor.store import Stored
from monitor.store.rows import ALERTS, INCIDENTS

STEP, WIDTH = timedelta(minutes=3), 20  # from one probe to the next; steps of the window
EVERY = STEP.total_seconds()
WINDOW = WIDTH * STEP
MORE_THAN, FOLLOW_UP = 2, timedelta(hours=2)
SHORTEST, LONGEST = timedelta(minutes=9), timedelta(minutes=36)
TARGET = "kie/balance"
AFTER, CLEAR_AFTER = 2, 3
LOW = rule("low", TARGET, "balance < 10000", "critical", after=AFTER, clear_after=CLEAR_AFTER)
ONCALL = ReceiverSettings(
    "oncall", "email", {}, ("a", "b"), fallback="spare", follow_up=FOLLOW_UP.total_seconds(),
    remind_every=Interval(SHORTEST.total_seconds(), LONGEST.total_seconds()),
)  # fmt: skip
SPARE = ReceiverSettings("spare", "webhook", {}, ("s",), severities=frozenset(), on=())
CONFIG = replace(
    settings((kie(),), rules=(LOW,), receivers=(ONCALL, SPARE), builtin=False),
    flapping=Damping(MORE_THAN, WINDOW.total_seconds()),
)
SINCE = {("oncall", "a"): NOW, ("oncall", "b"): NOW, ("spare", "s"): NOW}
VIEWS = {
    "x": lambda at: a_view(TARGET, balance="9000", at=at, interval=EVERY),
    ".": lambda at: a_view(TARGET, balance="20000", at=at, interval=EVERY),
    "?": lambda at: a_view(TARGET, Cause.TIMED_OUT, at=at, interval=EVERY),
}


@dataclass
class Disk:
    """What would be in the database."""

    alerts: dict[tuple[str, str], Alert] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)

    def keep(self, changes: Changes) -> None:
        self.alerts |= changes.alerts
        for key in changes.forgotten:
            self.alerts.pop(key, None)
        self.incidents |= changes.incidents

    def load(self) -> Stored:
        """Everything through its row and back, acknowledgements beside the incidents."""
        incidents = (
            replace(INCIDENTS.value(INCIDENTS.cells(i)), ack=i.ack)  # type: ignore[arg-type]
            for i in self.incidents.values()
        )
        alerts = (ALERTS.value(ALERTS.cells(a)) for a in self.alerts.values())  # type: ignore[arg-type]
        return Stored(alerts=tuple(alerts), incidents=tuple(incidents))


class Daemon:
    """Probes every three minutes, and tells what is due after each."""

    def __init__(self, config: Settings = CONFIG) -> None:
        self.config, self.now, self.disk = config, NOW, Disk()
        self.silences: dict[str, Silence] = {}
        self.told: list[Told] = []
        self.down: set[str] = set()
        self.failing: set[tuple[str, Kind, int, str]] = set()
        self.seen = ""  # every verdict, in order
        self._begin()

    def _begin(self) -> None:
        self.memory = Memory(self.config)
        self.memory.restore(self.disk.load())
        self.judge = Judge(self.memory)

    # -- what happens -----------------------------------------------------------------------

    def read(self, verdicts: str) -> None:
        for verdict in verdicts:
            self.now += STEP
            self.seen += verdict
            self.memory.views[TARGET] = VIEWS[verdict](self.now)
            self.disk.keep(self.judge.after_probe(TARGET, self.now))
            self.deliver()

    def look_again(self) -> None:
        """Nothing new was read: a sweep, a reload, a start."""
        self.disk.keep(self.judge.all(self.now))
        self.deliver()

    def restart(self) -> None:
        view = self.memory.views[TARGET]
        self._begin()
        self.memory.views[TARGET] = view
        self.failing.clear()
        self.deliver()

    def silence(self, steps: int) -> None:
        name = f"s{len(self.silences)}"
        end = self.now + steps * STEP
        self.silences[name] = Silence(name, "kie/*", None, self.now, end, "ada", "")

    def acknowledge(self) -> None:
        for incident in [i for i in self.memory.incidents.values() if i.open]:
            seen = replace(incident, ack=Ack("ada", "", self.now, incident.severity))
            self.memory.incidents[seen.id] = self.disk.incidents[seen.id] = seen

    def toggle(self, address: str) -> None:
        self.down ^= {address}

    # -- telling ----------------------------------------------------------------------------

    @property
    def incidents(self) -> list[Incident]:
        return sorted(self.memory.incidents.values(), key=lambda i: i.opened_at)

    def deliver(self) -> None:
        for _ in range(30):
            before = len(self.told), len(self.failing)
            owed = due(
                self.incidents, self.config.receivers, tuple(self.silences.values()), self.told,
                self.now, since=SINCE, failing=frozenset(self.failing), topics=self.memory.topics,
            )  # fmt: skip
            for one in owed:
                for address in one.addresses:
                    if address in self.down:
                        self.failing.add(one.key)
                        continue
                    self.told.append(
                        Told(one.about, one.kind, one.round, one.receiver, address, self.now,
                             one.incident.severity)
                    )  # fmt: skip
            if (len(self.told), len(self.failing)) == before:
                return
        raise AssertionError("it never falls silent")

    def settle(self) -> None:
        """All can be reached, no silence is left; long enough for every end to be followed up."""
        self.down.clear()
        self.silences = {
            k: replace(s, ends_at=min(s.ends_at, self.now)) for k, s in self.silences.items()
        }
        self.read("." * 65)

    def heard(self) -> dict[tuple[str, str, str], list[Told]]:
        log: defaultdict[tuple[str, str, str], list[Told]] = defaultdict(list)
        for told in self.told:
            log[told.incident, told.receiver, told.address].append(told)
        return log


def play(events: list[tuple[object, ...]]) -> Daemon:
    daemon = Daemon()
    daemon.read(".")
    for name, *arguments in events:
        getattr(daemon, str(name))(*arguments)
    return daemon


READ = st.tuples(st.just("read"), st.text("x.?", min_size=1, max_size=8))
TURNS = st.tuples(st.just("read"), st.sampled_from(["xx...", "xx..." * 2, "xx..." * 4, "xx" * 8]))
PEACE = st.tuples(st.just("read"), st.sampled_from(["." * 20, "x" * 21, "." * 14, "?" * 12]))
AGAIN = st.tuples(st.just("look_again"))
RESTART = st.tuples(st.just("restart"))
TROUBLE = st.one_of(
    st.tuples(st.just("silence"), st.integers(1, 20)),
    st.tuples(st.just("acknowledge")),
    st.tuples(st.just("toggle"), st.sampled_from("abs")),
)
EVENTS = st.lists(st.one_of(READ, TURNS, PEACE, AGAIN, RESTART, TROUBLE), max_size=12)
QUIET = st.lists(st.one_of(READ, TURNS, PEACE), max_size=10)


# -- the model ------------------------------------------------------------------------------


@dataclass
class Model:
    """One alert as its documentation tells of it, in steps: nothing shared with the code."""

    step: int = 0
    open: bool = False  # as the rule alone would have it
    breaches: int = 0
    good: int = 0
    read_at: int = -99  # the step at which something was counted last
    turned: list[int] = field(default_factory=list)  # ends of told episodes
    began: int = 0  # of the present episode
    held: bool = False  # it flaps
    since: int = 0
    looked: int = 0
    episodes: list[list[object]] = field(default_factory=list)  # [opened, closed, flapping]

    def take(self, verdict: str) -> None:
        self.step += 1
        if verdict == "?":
            return
        if self.held and self.step - self.looked > WIDTH:
            self.since = self.step
        self.looked = self.step
        if verdict == "x":
            self._bad()
        else:
            self._fine()

    def _bad(self) -> None:
        self.good = 0
        if self.open:
            if self.held and self.step - self.since >= WIDTH:
                self.held, self.episodes[-1][2] = False, False
            return
        lapsed = not self.held and self.step - self.read_at > 2
        self.breaches = 1 if lapsed else self.breaches + 1
        self.read_at = self.step
        if self.held:
            self.since = self.step
        if self.breaches >= AFTER:
            self._begins()

    def _begins(self) -> None:
        self.open = True
        if self.held:
            return
        lately = [
            e for e in self.episodes
            if isinstance(e[1], int) and not e[2] and self.step - int(str(e[0])) <= WIDTH
        ]  # fmt: skip
        self.held = len(lately) > MORE_THAN
        self.since = self.looked = self.step
        self.episodes.append([self.step, None, self.held])

    def _fine(self) -> None:
        self.breaches = 0
        self.good += 1
        if self.open and self.good >= CLEAR_AFTER:
            self.open, self.since = False, self.step
            if not self.held:
                self.episodes[-1][1] = self.step
        elif self.held and not self.open and self.step - self.since >= WIDTH:
            self.held, self.episodes[-1][1] = False, self.step


def steps(at: datetime | None) -> int | None:
    return None if at is None else (at - NOW) // STEP


@given(QUIET)
@examples(max_examples=150, deadline=None)
def test_incidents_are_those_of_the_model(events: list[tuple[object, ...]]) -> None:
    daemon, model = play(events), Model()
    for verdict in daemon.seen:
        model.take(verdict)
    found = [[steps(i.opened_at), steps(i.closed_at), i.flapping] for i in daemon.incidents]
    assert found == model.episodes


def bare(daemon: Daemon) -> list[Incident]:
    """Its incidents without the words, of which a store keeps those of the last change."""
    return [replace(i, summary="") for i in daemon.incidents]


def apart(events: list[tuple[object, ...]], *between: str) -> list[tuple[object, ...]]:
    """The same, one reading at a time, and this after each."""
    single: list[tuple[object, ...]] = []
    for name, *arguments in events:
        parts = str(arguments[0]) if name == "read" else ""
        single += [("read", letter) for letter in parts] or [(name, *arguments)]
    return [e for one in single for e in (one, *((name,) for name in between))]


@given(EVENTS, st.sampled_from([("restart",), ("look_again",), ("look_again", "restart")]))
@examples(max_examples=80, deadline=None)
def test_a_restart_or_another_look_after_every_reading_changes_nothing(
    events: list[tuple[object, ...]], between: tuple[str, ...]
) -> None:
    events = [e for e in events if e[0] not in ("restart", "look_again")]
    plain, again = play(events), play(apart(events, *between))
    assert bare(plain) == bare(again)
    if not any(e[0] == "toggle" for e in events):  # a restart tries anew what could not be sent
        assert plain.told == again.told


def test_a_restart_does_not_forget_for_how_long_what_flaps_has_been_watched() -> None:
    """Fine, then unread for half a window: it was watched for long enough to know its end."""
    events: list[tuple[object, ...]] = [("read", "xx..." * 4 + "." * 15 + "?" * 10 + ".")]
    plain, again = play(events), play(apart(events, "restart"))
    assert [i.open for i in plain.incidents] == [False] * 4
    assert bare(plain) == bare(again)


SHORT = {
    Kind.OPENED: "O", Kind.ESCALATED: "E", Kind.REMINDER: "M", Kind.RESOLVED: "R",
    Kind.FOLLOW_UP: "F",
}  # fmt: skip


@given(EVENTS)
@examples(max_examples=80, deadline=None)
def test_each_address_hears_a_life_in_its_order_and_nothing_twice(
    events: list[tuple[object, ...]],
) -> None:
    daemon = play(events)
    daemon.settle()
    for told in daemon.heard().values():
        assert re.fullmatch("O[EM]*R?F?", "".join(SHORT[t.kind] for t in told))
    keys = [(t.incident, t.kind, t.round, t.receiver, t.address) for t in daemon.told]
    assert len(keys) == len(set(keys))


@given(EVENTS)
@examples(max_examples=80, deadline=None)
def test_what_lasted_is_followed_up_to_exactly_those_who_heard_of_its_end(
    events: list[tuple[object, ...]],
) -> None:
    daemon = play(events)
    daemon.settle()
    last = daemon.incidents[-1:]
    for (name, receiver, _), told in daemon.heard().items():
        kinds = {t.kind: t for t in told}
        incident = daemon.memory.incidents[name]
        if Kind.FOLLOW_UP in kinds:
            assert incident.closed_at is not None
            assert kinds[Kind.FOLLOW_UP].at >= incident.closed_at + FOLLOW_UP
            meanwhile = [i for i in daemon.incidents if i.opened_at > incident.opened_at]
            assert all(i.opened_at > kinds[Kind.FOLLOW_UP].at for i in meanwhile)
        elif receiver == "oncall" and last == [incident] and Kind.RESOLVED in kinds:
            assert incident.closed_at is not None
            assert kinds[Kind.RESOLVED].at >= incident.closed_at + FOLLOW_UP


@given(EVENTS)
@examples(max_examples=60, deadline=None)
def test_reminders_back_off_and_never_come_sooner_than_their_gap(
    events: list[tuple[object, ...]],
) -> None:
    daemon = play(events)
    rounds: defaultdict[str, dict[int, datetime]] = defaultdict(dict)
    for told in daemon.told:
        if told.kind is Kind.REMINDER and told.receiver == "oncall":
            rounds[told.incident].setdefault(told.round, told.at)
    for times in rounds.values():
        gaps = [b - a for a, b in pairwise(at for _, at in sorted(times.items()))]
        assert sorted(times) == list(range(len(times)))
        for number, gap in enumerate(gaps, start=1):
            assert gap >= min(SHORTEST * 2**number, LONGEST)


@given(QUIET)
@examples(max_examples=60, deadline=None)
def test_where_nothing_hinders_each_reminder_comes_at_its_time(
    events: list[tuple[object, ...]],
) -> None:
    daemon = play(events)
    last: dict[tuple[str, str], datetime] = {}
    count: defaultdict[tuple[str, str], int] = defaultdict(int)
    for told in daemon.told:
        key = told.incident, told.address
        if told.kind is Kind.REMINDER:
            gap = min(SHORTEST * 2 ** count[key], LONGEST)
            assert told.at - last[key] == gap
            count[key] += 1
        last[key] = told.at


@given(EVENTS, st.integers(1, 400))
@examples(max_examples=60, deadline=None)
def test_before_the_moment_it_names_time_alone_makes_nothing_new(
    events: list[tuple[object, ...]], minutes: int
) -> None:
    daemon = play(events)
    silences = tuple(daemon.silences.values())
    receivers, later = daemon.config.receivers, daemon.now + timedelta(minutes=minutes)
    moment = next_due(daemon.incidents, receivers, silences, daemon.told, daemon.now)
    assert moment is None or moment > daemon.now
    if moment is None or later < moment:
        now, then = (
            due(
                daemon.incidents, receivers, silences, daemon.told, at, since=SINCE,
                failing=frozenset(daemon.failing), topics=daemon.memory.topics,
            )
            for at in (daemon.now, later)
        )  # fmt: skip
        assert {(n.id, a) for n in then for a in n.addresses} <= {
            (n.id, a) for n in now for a in n.addresses
        }


@given(EVENTS)
@examples(max_examples=60, deadline=None)
def test_of_what_flaps_nobody_hears_single_turns(events: list[tuple[object, ...]]) -> None:
    """In any window no more openings than may be, the one that flaps, and no other."""
    daemon = play(events)
    times = [i.opened_at for i in daemon.incidents]
    for at in times:
        assert sum(at <= t < at + WINDOW for t in times) <= MORE_THAN + 2
