"""What has to be said: each sentence of the design about telling, as a table or a short story."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from monitor.core.causes import Cause, Severity
from monitor.core.model import Ack, Incident, Kind, Notification, Silence, Told
from monitor.core.notify import KEPT, due, next_due
from monitor.core.settings import Interval, ReceiverSettings

T0 = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
LONG_AGO = T0 - timedelta(days=30)
SEVERITY = {"i": Severity.INFO, "w": Severity.WARNING, "c": Severity.CRITICAL}


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def incident(
    opened: float = 0,
    closed: float | None = None,
    *,
    severity: str = "w",
    alert: str = "low",
    target: str = "kie/balance",
    ack: str = "",
    name: str = "",
) -> Incident:
    return Incident(
        id=name or f"{alert}@{opened:g}",
        alert=alert,
        target=target,
        account=target.split("/")[0],
        provider="kie",
        opened_at=at(opened),
        opening_severity=SEVERITY[severity],
        opening_cause=Cause.OK,
        severity=SEVERITY[severity],
        cause=Cause.OK,
        summary="balance 5916.25 is under 10000",
        closed_at=None if closed is None else at(closed),
        ack=Ack("ada", "on it", at(opened), SEVERITY[ack]) if ack else None,
    )


def receiver(name: str = "oncall", addresses: str = "a", **more: object) -> ReceiverSettings:
    base = ReceiverSettings(name, "email", {}, tuple(addresses.split()))
    return replace(base, **more)  # type: ignore[arg-type]  # the fields of the value itself


def every(seconds: float, longest: float | None = None) -> Interval:
    return Interval(seconds, longest or seconds)


def silence(start: float, end: float, glob: str = "*", alert: str | None = None) -> Silence:
    return Silence(f"{start}-{end}", glob, alert, at(start), at(end), "ada", "at work on it")


def heard(text: str, who: str = "oncall", about: str = "low@0") -> list[Told]:
    """`opened a 0 w; reminder/1 a 60 w`: kind, round, address, minute, severity."""
    found = []
    for part in filter(None, (p.strip() for p in text.split(";"))):
        kind, address, minute, letter = part.split()
        word, _, number = kind.partition("/")
        when = at(float(minute))
        entry = Told(about, Kind(word), int(number or 0), who, address, when, SEVERITY[letter])
        found.append(entry)
    return found


def words(notifications: tuple[Notification, ...]) -> str:
    """`opened/0 oncall a,b`, one after the other."""
    return "; ".join(
        f"{n.kind.value}/{n.round} {n.receiver} {','.join(n.addresses)}" for n in notifications
    )


def ask(
    now: float,
    *incidents: Incident,
    to: tuple[ReceiverSettings, ...] = (),
    silences: tuple[Silence, ...] = (),
    told: str | list[Told] = "",
    since: float | None = -1000,
    failing: frozenset[tuple[str, Kind, int, str]] = frozenset(),
) -> str:
    receivers = to or (receiver(),)
    known = {(r.name, a): at(since) for r in receivers for a in r.addresses if since is not None}
    log = heard(told) if isinstance(told, str) else told
    found = due(incidents, receivers, silences, log, at(now), since=known, failing=failing)
    return words(found)


# -- opened ---------------------------------------------------------------------------------


def test_an_open_incident_is_told_to_each_address_that_does_not_know_it() -> None:
    assert ask(0, incident(), to=(receiver(addresses="a b c"),), told="opened b 0 w") == (
        "opened/0 oncall a,c"
    )


def test_nothing_is_due_once_everybody_knows() -> None:
    assert ask(500, incident(), told="opened a 0 w") == ""


@pytest.mark.parametrize(
    ("severities", "on", "told"),
    [
        ("wc", "*", True),
        ("w", "*", True),
        ("c", "*", False),
        ("iwc", "kie/*", True),
        ("iwc", "kie/balance", True),
        ("iwc", "kie", False),
        ("iwc", "hf/* kie/bal?nce", True),
        ("iwc", "hf/*", False),
        ("iwc", "", False),
    ],
)
def test_routing_goes_by_the_severity_and_the_target(severities: str, on: str, told: bool) -> None:
    who = receiver(severities=frozenset(SEVERITY[s] for s in severities), on=tuple(on.split()))
    assert ask(0, incident(), to=(who,)) == ("opened/0 oncall a" if told else "")


def test_routing_goes_by_the_present_severity_not_the_opening_one() -> None:
    risen = replace(incident(severity="w"), severity=Severity.CRITICAL)
    only_critical = receiver(severities=frozenset({Severity.CRITICAL}))
    only_warning = receiver("other", severities=frozenset({Severity.WARNING}))
    assert ask(5, risen, to=(only_critical, only_warning)) == "opened/0 oncall a"


def test_an_acknowledged_incident_is_still_told_to_those_who_never_heard_of_it() -> None:
    assert ask(5, incident(ack="c")) == "opened/0 oncall a"


def test_incidents_come_in_the_order_of_their_opening_and_receivers_in_the_configs() -> None:
    late, early = incident(2, name="a"), incident(1, name="z")
    two = (receiver("zeta"), receiver("alpha"))
    known = {(r.name, "a"): LONG_AGO for r in two}
    found = due((late, early), two, (), (), at(3), since=known)
    assert [(n.incident.id, n.receiver) for n in found] == [
        ("z", "zeta"), ("z", "alpha"), ("a", "zeta"), ("a", "alpha"),
    ]  # fmt: skip


def test_incidents_of_one_moment_keep_one_order() -> None:
    one, two = incident(0, name="one"), incident(0, name="two")
    there = due((one, two), (receiver(),), (), (), at(1))
    back = due((two, one), (receiver(),), (), (), at(1))
    assert there == back
    assert [n.incident.id for n in there] == ["one", "two"]


# -- escalate_after -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "ack", "severity", "expected"),
    [
        (29.99, "", "w", ""),
        (30, "", "w", "opened/0 lead a"),
        (90, "", "w", "opened/0 lead a"),
        (90, "w", "w", ""),
        (90, "c", "w", ""),
        (90, "w", "c", "opened/0 lead a"),  # it rose above what was acknowledged
        (29, "w", "c", ""),
    ],
)
def test_escalate_after_hears_only_of_what_lasts_and_nobody_has_seen(
    now: float, ack: str, severity: str, expected: str
) -> None:
    lead = receiver("lead", escalate_after=1800.0)
    assert ask(now, incident(severity=severity, ack=ack), to=(lead,)) == expected


@pytest.mark.parametrize(
    ("closed", "ack", "expected"),
    [
        (29.99, "", ""),
        (31, "", "opened/0 lead a"),
        (31, "w", ""),
    ],
)
def test_of_what_is_over_escalate_after_hears_only_if_it_lasted(
    closed: float, ack: str, expected: str
) -> None:
    lead = receiver("lead", escalate_after=1800.0)
    assert ask(60, incident(closed=closed, ack=ack), to=(lead,)) == expected


def test_escalate_after_hears_nothing_of_what_was_muted_from_then_on() -> None:
    lead, hush = receiver("lead", escalate_after=1800.0), silence(10, 100)
    assert ask(110, incident(closed=90), to=(lead,), silences=(hush,)) == ""
    assert ask(110, incident(closed=90), silences=(hush,)) == "opened/0 oncall a"


def test_escalate_after_hears_the_end_of_what_it_heard_the_beginning_of() -> None:
    lead = receiver("lead", escalate_after=1800.0)
    told = heard("opened a 30 w", "lead")
    assert ask(41, incident(closed=40), to=(lead,), told=told) == "resolved/0 lead a"


# -- escalated ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "severity", "expected"),
    [
        ("opened a 0 i", "i", ""),
        ("opened a 0 i", "w", "escalated/0 oncall a"),
        ("opened a 0 w", "c", "escalated/0 oncall a"),
        ("opened a 0 c", "w", ""),
        ("opened a 0 i; escalated a 1 w", "w", ""),
        ("opened a 0 i; escalated a 1 w", "c", "escalated/1 oncall a"),
        ("opened a 0 i; escalated a 1 c", "w", ""),
        ("opened a 0 i; reminder a 1 c", "c", ""),
        # fell and rose again: they have heard of critical
        ("opened a 0 w; escalated a 1 c; reminder a 2 w", "c", ""),
    ],
)
def test_a_severity_is_escalated_once_above_the_highest_that_was_heard(
    told: str, severity: str, expected: str
) -> None:
    assert ask(5, incident(severity=severity), told=told) == expected


@pytest.mark.parametrize(
    ("told", "severity", "expected"),
    [
        # b missed the round that a heard: the same round
        ("opened a 0 w; opened b 0 w; escalated a 1 c", "c", "escalated/0 oncall b"),
        # b missed a round of a lower severity: both hear the next one
        ("opened a 0 i; opened b 0 i; escalated a 1 w", "c", "escalated/1 oncall a,b"),
        # the round a heard was of a higher severity: another round
        ("opened a 0 i; opened b 0 i; escalated a 1 c", "w", "escalated/1 oncall b"),
        # a severity that fell and rose again is a round of its own
        (
            "opened a 0 i; opened b 0 i; escalated a 1 c; escalated/1 b 2 w",
            "c",
            "escalated/2 oncall b",
        ),
        # b has heard of it at its opening
        ("opened a 0 w; escalated a 1 c; opened b 2 c", "c", ""),
    ],
)
def test_a_round_of_escalation_is_one_severitys(told: str, severity: str, expected: str) -> None:
    both = (receiver(addresses="a b"),)
    assert ask(5, incident(severity=severity), to=both, told=told) == expected


def test_an_escalation_goes_only_where_that_severity_is_wanted() -> None:
    warnings = receiver(severities=frozenset({Severity.WARNING}))
    assert ask(5, incident(severity="c"), to=(warnings,), told="opened a 0 w") == ""


@pytest.mark.parametrize(
    ("ack", "severity", "expected"),
    [("w", "c", "escalated/0 oncall a"), ("c", "c", ""), ("w", "w", ""), ("i", "w", "")],
)
def test_an_acknowledgement_ends_escalation_until_the_severity_rises(
    ack: str, severity: str, expected: str
) -> None:
    assert ask(5, incident(severity=severity, ack=ack), told="opened a 0 w") == expected


# -- reminders ------------------------------------------------------------------------------

HOURLY = receiver(addresses="a b", remind_every=every(3600.0))


@pytest.mark.parametrize(
    ("now", "told", "expected"),
    [
        (59.99, "opened a 0 w; opened b 0 w", ""),
        (60, "opened a 0 w; opened b 0 w", "reminder/0 oncall a,b"),
        (300, "opened a 0 w; opened b 0 w", "reminder/0 oncall a,b"),
        # any news counts, to whomever it went
        (60, "opened a 0 w; opened b 10 w", ""),
        (70, "opened a 0 w; opened b 10 w", "reminder/0 oncall a,b"),
        (60, "opened a 0 i; opened b 0 i; escalated a 5 w; escalated b 5 w", ""),
        (65, "opened a 0 i; opened b 0 i; escalated a 5 w; escalated b 5 w",
         "reminder/0 oncall a,b"),
        # an incomplete round is finished under its own number
        (61, "opened a 0 w; opened b 0 w; reminder a 60 w", "reminder/0 oncall b"),
        (61, "opened a 0 w; opened b 0 w; reminder a 60 w; reminder b 61 w", ""),
        # or overtaken by the next one
        (120, "opened a 0 w; opened b 0 w; reminder a 60 w", "reminder/1 oncall a,b"),
        (120, "opened a 0 w; opened b 0 w; reminder a 60 w; reminder b 60 w",
         "reminder/1 oncall a,b"),
        (185, "opened a 0 w; opened b 0 w; reminder a 60 w; reminder/1 a 125 w",
         "reminder/2 oncall a,b"),
        # who heard of it since the round began has not missed it
        (62, "opened a 0 w; reminder a 60 w; opened b 60 w", ""),
        (62, "opened a 0 w; reminder a 60 w; opened b 61 w", ""),
        # who never heard of the opening hears that, not a reminder
        (60, "opened a 0 w", "reminder/0 oncall a; opened/0 oncall b"),
    ],
)  # fmt: skip
def test_reminders_are_numbered_rounds(now: float, told: str, expected: str) -> None:
    assert ask(now, incident(), to=(HOURLY,), told=told) == expected


BACK_OFF = receiver(remind_every=every(3600.0, 4 * 3600.0))
M0, M1, M2 = "reminder a 60 w", "reminder/1 a 180 w", "reminder/2 a 420 w"


@pytest.mark.parametrize(
    ("now", "told", "expected"),
    [
        (59.99, "", ""),
        (60, "", "reminder/0 oncall a"),
        (179.99, M0, ""),
        (180, M0, "reminder/1 oncall a"),
        (419.99, f"{M0}; {M1}", ""),
        (420, f"{M0}; {M1}", "reminder/2 oncall a"),
        # the longest gap is never exceeded
        (659.99, f"{M0}; {M1}; {M2}", ""),
        (660, f"{M0}; {M1}; {M2}", "reminder/3 oncall a"),
        # a severity that has risen starts it again
        (489.99, f"{M0}; {M1}; {M2}; escalated a 430 c", ""),
        (490, f"{M0}; {M1}; {M2}; escalated a 430 c", "reminder/3 oncall a"),
        (609.99, f"{M0}; {M1}; {M2}; escalated a 430 c; reminder/3 a 490 c", ""),
        (610, f"{M0}; {M1}; {M2}; escalated a 430 c; reminder/3 a 490 c", "reminder/4 oncall a"),
        # only the last rise does
        (700, "reminder a 60 w; escalated a 100 w; reminder/1 a 160 w; escalated/1 a 640 c",
         "reminder/2 oncall a"),
    ],
)  # fmt: skip
def test_in_a_range_each_gap_between_reminders_is_twice_the_last(
    now: float, told: str, expected: str
) -> None:
    thing = incident(severity="c" if "escalated" in told else "w")
    assert ask(
        now, thing, to=(BACK_OFF,), told=f"opened a 0 i; {told}".replace(" 0 i", " 0 w")
    ) == (expected)


def test_a_round_told_to_several_counts_as_one_gap() -> None:
    both = (receiver(addresses="a b", remind_every=every(3600.0, 36000.0)),)
    told = "opened a 0 w; opened b 0 w; reminder a 60 w; reminder b 65 w"
    assert ask(184.9, incident(), to=both, told=told) == ""
    assert ask(185, incident(), to=both, told=told) == "reminder/1 oncall a,b"


def test_a_back_off_of_a_thousand_reminders_still_has_an_end() -> None:
    rounds = "; ".join(f"reminder/{n} a {n} w" for n in range(1000))
    endless = receiver(remind_every=every(1.0, 315e6))
    assert ask(2000, incident(), to=(endless,), told=f"opened a 0 w; {rounds}") == ""


def test_a_fallback_backs_off_at_the_pace_of_the_one_it_stands_in_for() -> None:
    mail = replace(MAIL, remind_every=every(3600.0, 14400.0))
    told = heard("opened a 0 w", "mail") + heard("opened hook 0 w; reminder hook 60 w", "hook")
    both, failing = (mail, HOOK), stuck(Kind.REMINDER)
    assert "hook hook" not in ask(179, incident(), to=both, told=told, failing=failing)
    assert "hook hook" in ask(180, incident(), to=both, told=told, failing=failing)


DAY = 1440.0


@pytest.mark.parametrize("pace", [every(3600.0), every(3600.0, 4 * 3600.0)])
def test_after_a_clock_that_jumped_back_a_day_reminders_go_on_without_a_flood(
    pace: Interval,
) -> None:
    who, told = (receiver(remind_every=pace),), "opened a 0 w; reminder a 60 w"
    seen, log = [], heard(told, about="low@-2880")
    for minute in range(0, 24 * 60, 10):
        now = 61 - DAY + minute
        if ask(now, incident(-2 * DAY), to=who, told=log):
            log += heard(f"reminder/{len(seen) + 1} a {now} w", about="low@-2880")
            seen.append(minute)
    assert seen[0] <= 4 * 60
    gaps = [b - a for a, b in pairwise(seen)]
    assert min(gaps) >= 60
    assert max(gaps) <= 3 * 4 * 60


def test_a_clock_that_jumped_a_day_ahead_reminds_once() -> None:
    who, told = (receiver(remind_every=every(3600.0)),), "opened a 0 w"
    assert ask(DAY, incident(), to=who, told=told) == "reminder/0 oncall a"
    assert ask(DAY, incident(), to=who, told=f"{told}; reminder a {DAY} w") == ""
    assert ask(DAY + 59, incident(), to=who, told=f"{told}; reminder a {DAY} w") == ""


def test_a_clock_that_was_set_back_a_little_reminds_nobody_early() -> None:
    who = (receiver(remind_every=every(3600.0)),)
    assert ask(-5, incident(-10), to=who, told=heard("opened a 0 w", about="low@-10")) == ""


def test_without_remind_every_nobody_is_reminded() -> None:
    assert ask(100_000, incident(), told="opened a 0 w") == ""


@pytest.mark.parametrize(
    ("ack", "severity", "expected"),
    [("w", "w", ""), ("c", "w", ""), ("i", "w", "reminder/0 oncall a")],
)
def test_an_acknowledgement_ends_reminders_up_to_its_severity(
    ack: str, severity: str, expected: str
) -> None:
    one = receiver(remind_every=every(3600.0))
    found = ask(90, incident(severity=severity, ack=ack), to=(one,), told="opened a 0 w")
    assert found == expected


def test_a_severity_that_falls_out_of_a_receivers_is_told_by_one_last_reminder() -> None:
    who = (receiver(severities=frozenset({Severity.CRITICAL}), remind_every=every(3600.0)),)
    fallen = incident(severity="w")
    assert ask(60, fallen, to=who, told="opened a 0 c") == "reminder/0 oncall a"
    assert ask(600, fallen, to=who, told="opened a 0 c; reminder a 60 w") == ""


def test_one_glob_of_several_is_enough_for_that_last_reminder() -> None:
    globs = ("hf/*", "kie/*")
    who = (receiver(severities=frozenset(), remind_every=every(3600.0), on=globs),)
    assert ask(60, incident(severity="w"), to=who, told="opened a 0 c") == "reminder/0 oncall a"


def test_a_severity_that_rises_out_of_a_receivers_is_not_reminded_of() -> None:
    who = (receiver(severities=frozenset({Severity.WARNING}), remind_every=every(3600.0)),)
    assert ask(60, incident(severity="c"), to=who, told="opened a 0 w") == ""


def test_a_receiver_that_lost_the_target_is_not_reminded() -> None:
    who = (receiver(on=("hf/*",), remind_every=every(3600.0)),)
    assert ask(60, incident(), to=who, told="opened a 0 c") == ""


def test_an_address_that_is_gone_from_the_config_is_not_reminded() -> None:
    who = (receiver(addresses="b", remind_every=every(3600.0)),)
    assert ask(60, incident(), to=who, told="opened a 0 w; opened b 0 w") == "reminder/0 oncall b"


# -- resolved -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("opened a 0 w; opened b 0 w", "resolved/0 oncall a,b"),
        ("opened a 0 w; opened b 0 w; resolved a 11 w", "resolved/0 oncall b"),
        ("opened a 0 w; opened b 0 w; resolved a 11 w; resolved b 12 w", ""),
        # one step at a time: the opening first, its end when that is told
        ("opened a 0 w", "resolved/0 oncall a; opened/0 oncall b"),
    ],
)
def test_resolved_goes_to_those_told_opened_once(told: str, expected: str) -> None:
    assert ask(12, incident(closed=10), to=(receiver(addresses="a b"),), told=told) == expected


@pytest.mark.parametrize(
    "who",
    [
        receiver(severities=frozenset({Severity.CRITICAL})),
        receiver(on=("elsewhere/*",)),
        receiver(addresses="somebody-else"),
        receiver(addresses=""),
        receiver(escalate_after=1e6),
    ],
)
def test_resolved_goes_to_those_told_opened_whatever_changed_in_routing(
    who: ReceiverSettings,
) -> None:
    found = ask(12, incident(closed=10), to=(who,), told="opened a 0 w", since=11)
    assert found == "resolved/0 oncall a"


def test_an_address_that_is_gone_and_never_heard_the_opening_hears_nothing() -> None:
    assert ask(12, incident(closed=10), to=(receiver(),), told="reminder z 1 w; opened a 0 w") == (
        "resolved/0 oncall a"
    )


def test_a_receiver_that_is_gone_hears_nothing() -> None:
    told = heard("opened a 0 w", "gone")
    assert ask(12, incident(closed=10), told=told, since=11) == ""


def test_an_open_incident_owes_nothing_to_an_address_that_is_gone() -> None:
    assert ask(5, incident(severity="c"), told="opened z 0 w; opened a 0 c") == ""


def test_an_acknowledged_incident_is_resolved_all_the_same() -> None:
    assert ask(12, incident(closed=10, ack="c"), told="opened a 0 w") == "resolved/0 oncall a"


# -- closed before it could be told ---------------------------------------------------------


def test_closed_before_its_opening_could_be_delivered_is_told_late_both() -> None:
    over = incident(closed=10)
    assert ask(60, over) == "opened/0 oncall a"
    assert ask(60, over, told="opened a 60 w") == "resolved/0 oncall a"
    assert ask(60, over, told="opened a 60 w; resolved a 60 w") == ""


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (-1, "opened/0 oncall a"),
        (0, "opened/0 oncall a"),
        (9.99, "opened/0 oncall a"),  # it stood open before this address: that was owed
        (10, ""),
        (11, ""),
        (None, ""),
    ],
)
def test_a_new_receiver_hears_of_open_incidents_only(since: float | None, expected: str) -> None:
    assert ask(60, incident(closed=10), since=since) == expected
    assert ask(60, incident(), since=since) == "opened/0 oncall a"


def test_what_opened_and_closed_at_one_moment_is_not_lost() -> None:
    assert ask(1, incident(0, 0), since=0) == "opened/0 oncall a"
    assert ask(1, incident(0, 0), since=0.5) == ""


@pytest.mark.parametrize("told", ["", "opened a 0 w"])
def test_after_seven_days_nothing_more_is_said_of_what_is_over(told: str) -> None:
    minutes = KEPT.total_seconds() / 60
    assert ask(10 + minutes - 0.01, incident(closed=10), told=told) != ""
    assert ask(10 + minutes, incident(closed=10), told=told) == ""


def test_what_is_open_is_spoken_of_however_old_it_is() -> None:
    assert ask(60 * 24 * 30, incident()) == "opened/0 oncall a"


def test_seven_days_are_seven_days() -> None:
    assert timedelta(days=7) == KEPT


# -- silences -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("closed", "told"),
    [(None, ""), (None, "opened a 0 i"), (5, "opened a 0 w"), (5, "")],
)
def test_a_silence_delays_the_news_but_does_not_lose_it(closed: float | None, told: str) -> None:
    hush = (silence(2, 30),)
    thing = incident(closed=closed)
    for now in (5, 10, 29.99):
        assert ask(now, thing, told=told, silences=hush) == ""
    for now in (1.99, 30, 31):
        assert ask(now, thing, told=told, silences=hush) != ""


def test_a_silence_delays_reminders() -> None:
    who = (receiver(remind_every=every(3600.0)),)
    assert ask(60, incident(), to=who, told="opened a 0 w", silences=(silence(50, 70),)) == ""
    assert ask(70, incident(), to=who, told="opened a 0 w", silences=(silence(50, 70),)) == (
        "reminder/0 oncall a"
    )


@pytest.mark.parametrize(
    ("glob", "alert", "hushed"),
    [
        ("*", None, True),
        ("kie/balance", None, True),
        ("kie/*", "low", True),
        ("kie/*", "high", False),
        ("hf/*", None, False),
        ("kie", None, False),
    ],
)
def test_a_silence_is_about_what_it_matches(glob: str, alert: str | None, hushed: bool) -> None:
    hush = silence(0, 60, glob, alert)
    assert (ask(5, incident(), silences=(hush,)) == "") is hushed
    assert (ask(100, incident(1, 50), silences=(hush,)) == "") is hushed


@pytest.mark.parametrize(
    ("silences", "told"),
    [
        ("0-30", False),
        ("-5-20", False),
        ("5-20", False),
        ("5-19.99", True),
        ("5.01-30", True),
        ("0-10 10-30", False),
        ("10-30 0-10", False),
        ("0-10 10.01-30", True),
        ("0-15 8-30", False),
        ("0-30 7-8", False),
        ("0-6 0-4 6-9 9-20", False),
        ("20-30", True),
        ("0-5", True),
        ("", True),
    ],
)
def test_only_what_was_muted_its_whole_life_is_never_told(silences: str, told: bool) -> None:
    """The incident lives from minute 5 to minute 20."""
    pairs = [part.rpartition("-") for part in silences.split()]
    hushes = tuple(silence(float(start), float(end)) for start, _, end in pairs)
    expected = "opened/0 oncall a" if told else ""
    assert ask(60, incident(5, 20), silences=hushes) == expected


def test_what_lived_no_time_is_muted_by_a_silence_over_that_moment() -> None:
    assert ask(60, incident(5, 5), silences=(silence(5, 6),)) == ""
    assert ask(60, incident(5, 5), silences=(silence(4, 5),)) == "opened/0 oncall a"


def test_an_address_that_came_during_a_silence_owes_itself_nothing_of_what_it_muted() -> None:
    hush = (silence(10, 30),)
    assert ask(60, incident(5, 20), silences=hush, since=11) == ""
    assert ask(60, incident(5, 20), silences=hush, since=9) == "opened/0 oncall a"


def test_two_silences_that_overlap_mute_until_the_later_ends() -> None:
    both = (silence(0, 20), silence(10, 30))
    assert ask(25, incident(), silences=both) == ""
    assert ask(30, incident(), silences=both) == "opened/0 oncall a"


# -- fallback -------------------------------------------------------------------------------

MAIL = receiver("mail", fallback="hook", remind_every=every(3600.0))
HOOK = receiver("hook", "hook", severities=frozenset(), on=())


def stuck(kind: Kind, number: int = 0, who: str = "mail") -> frozenset[tuple[str, Kind, int, str]]:
    return frozenset({("low@0", kind, number, who)})


def test_a_fallback_takes_what_it_is_handed_whatever_it_would_hear_by_itself() -> None:
    opening = stuck(Kind.OPENED)
    assert ask(1, incident(), to=(MAIL, HOOK)) == "opened/0 mail a"
    assert ask(1, incident(), to=(MAIL, HOOK), failing=opening) == (
        "opened/0 mail a; opened/0 hook hook"
    )
    waits = replace(HOOK, escalate_after=1e9)
    assert "opened/0 hook hook" in ask(1, incident(), to=(MAIL, waits), failing=opening)


def test_the_order_in_the_config_does_not_matter_to_a_fallback() -> None:
    found = ask(1, incident(), to=(HOOK, MAIL), failing=stuck(Kind.OPENED))
    assert found == "opened/0 hook hook; opened/0 mail a"


def test_a_fallback_hears_the_end_of_what_it_was_handed() -> None:
    told = heard("opened hook 1 w", "hook")
    assert ask(12, incident(closed=10), to=(HOOK,), told=told) == "resolved/0 hook hook"


def test_a_fallback_is_handed_what_is_over_and_then_its_end() -> None:
    both, opening = (MAIL, HOOK), stuck(Kind.OPENED)
    over = incident(closed=10)
    assert "opened/0 hook hook" in ask(12, over, to=both, failing=opening)
    told = heard("opened hook 12 w", "hook")
    assert "resolved/0 hook hook" in ask(12, over, to=both, failing=opening, told=told)


def test_a_key_that_is_no_longer_owed_hands_nothing_on() -> None:
    told = heard("opened a 0 w", "mail")
    assert ask(1, incident(), to=(MAIL, HOOK), failing=stuck(Kind.OPENED), told=told) == ""


def test_a_fallback_is_handed_an_escalation_as_what_it_has_not_heard() -> None:
    worse, rise = incident(severity="c"), stuck(Kind.ESCALATED)
    told = heard("opened a 0 w", "mail")
    assert "opened/0 hook hook" in ask(5, worse, to=(MAIL, HOOK), failing=rise, told=told)
    told += heard("opened hook 1 w", "hook")
    assert "escalated/0 hook hook" in ask(5, worse, to=(MAIL, HOOK), failing=rise, told=told)
    told += heard("escalated hook 5 c", "hook")
    assert "hook hook" not in ask(5, worse, to=(MAIL, HOOK), failing=rise, told=told)


def test_a_fallback_is_reminded_in_place_of_the_one_that_cannot_be() -> None:
    both = (MAIL, HOOK)
    told = heard("opened a 0 w", "mail") + heard("opened hook 0 w", "hook")
    assert ask(60, incident(), to=both, told=told) == "reminder/0 mail a"
    found = ask(60, incident(), to=both, told=told, failing=stuck(Kind.REMINDER))
    assert found == "reminder/0 mail a; reminder/0 hook hook"
    told += heard("reminder hook 60 w", "hook")
    assert "hook hook" not in ask(61, incident(), to=both, told=told, failing=stuck(Kind.REMINDER))
    found = ask(120, incident(), to=both, told=told, failing=stuck(Kind.REMINDER))
    assert "reminder/1 hook hook" in found


def test_a_fallback_that_is_reminded_less_often_itself_stands_in_at_the_others_pace() -> None:
    lazy = replace(HOOK, on=("*",), severities=frozenset(Severity), remind_every=every(7200.0))
    told = heard("opened a 0 w", "mail") + heard("opened hook 0 w", "hook")
    assert "hook" not in ask(60, incident(), to=(MAIL, lazy), told=told)
    found = ask(60, incident(), to=(MAIL, lazy), told=told, failing=stuck(Kind.REMINDER))
    assert found == "reminder/0 mail a; reminder/0 hook hook"


def test_nobody_who_did_not_hear_the_opening_is_handed_its_end() -> None:
    told = heard("opened a 0 w", "mail")
    found = ask(12, incident(closed=10), to=(MAIL, HOOK), told=told, failing=stuck(Kind.RESOLVED))
    assert found == "resolved/0 mail a"


def test_a_fallback_that_cannot_be_reached_has_its_own_fallback() -> None:
    hook, last = replace(HOOK, fallback="last"), replace(HOOK, name="last")
    both = stuck(Kind.OPENED) | stuck(Kind.OPENED, who="hook")
    assert ask(1, incident(), to=(last, hook, MAIL), failing=both) == (
        "opened/0 last hook; opened/0 hook hook; opened/0 mail a"
    )


def test_two_receivers_may_be_each_others_fallback() -> None:
    one, two = receiver("one", fallback="two"), replace(HOOK, name="two", fallback="one")
    both = stuck(Kind.OPENED, who="one") | stuck(Kind.OPENED, who="two")
    found = ask(1, incident(), to=(one, two), failing=both)
    assert found == "opened/0 one a; opened/0 two hook"


def test_a_fallback_that_does_not_exist_harms_nobody() -> None:
    lonely = receiver("mail", fallback="nobody")
    assert ask(1, incident(), to=(lonely,), failing=stuck(Kind.OPENED)) == "opened/0 mail a"


def test_without_a_fallback_nothing_is_handed_on() -> None:
    assert ask(1, incident(), to=(receiver("mail"), HOOK), failing=stuck(Kind.OPENED)) == (
        "opened/0 mail a"
    )


def test_a_silence_mutes_a_fallback_too() -> None:
    hush = (silence(0, 10),)
    found = ask(1, incident(), to=(MAIL, HOOK), failing=stuck(Kind.OPENED), silences=hush)
    assert found == ""


# -- follow_up ------------------------------------------------------------------------------

MILD = {"severity": Severity.WARNING, "opening_severity": Severity.WARNING}
FOLLOWS = receiver(addresses="a b", follow_up=86400.0)
ENDED = "opened a 0 c; opened b 0 c; resolved a 11 c; resolved b 11 c"


def over(opened: float = 0, closed: float = 10, **more: object) -> Incident:
    made = incident(opened, closed, severity="c")
    return replace(made, **{"close_reason": "resolved"} | more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "told", "expected"),
    [
        (10 + DAY - 0.01, ENDED, ""),
        (10 + DAY, ENDED, "follow_up/0 oncall a,b"),
        (10 + 6.9 * DAY, ENDED, "follow_up/0 oncall a,b"),
        (10 + 7 * DAY, ENDED, ""),
        # once to each address
        (10 + DAY, f"{ENDED}; follow_up a 1450 c", "follow_up/0 oncall b"),
        (10 + DAY, f"{ENDED}; follow_up a 1450 c; follow_up b 1450 c", ""),
        # who has not heard of its end hears of that, and later no more: the end itself is news
        (10 + DAY, "opened a 0 c; opened b 0 c; resolved a 11 c",
         "follow_up/0 oncall a; resolved/0 oncall b"),
        (12 + DAY, "opened a 0 c; opened b 0 c; resolved a 11 c; resolved b 1451 c",
         "follow_up/0 oncall a"),
    ],
)  # fmt: skip
def test_who_heard_of_the_end_hears_once_that_it_has_lasted(
    now: float, told: str, expected: str
) -> None:
    assert ask(now, over(), to=(FOLLOWS,), told=told) == expected


@pytest.mark.parametrize(
    ("changes", "followed"),
    [
        ({}, True),
        ({"opening_severity": Severity.WARNING}, True),  # critical when it closed
        ({"severity": Severity.WARNING}, True),  # critical when it opened
        ({**MILD, "worst": Severity.CRITICAL}, True),  # in between
        (MILD, False),
        ({"close_reason": "rule removed"}, False),
        ({"close_reason": "target removed"}, False),
        ({"close_reason": "continued under another id"}, False),
    ],
)  # fmt: skip
def test_only_what_was_critical_and_really_resolved_is_followed_up(
    changes: dict[str, object], followed: bool
) -> None:
    found = ask(10 + DAY, over(**changes), to=(FOLLOWS,), told=ENDED)
    assert found == ("follow_up/0 oncall a,b" if followed else "")


def test_by_default_nobody_is_told_that_it_has_lasted() -> None:
    assert ask(10 + DAY, over(), to=(receiver(addresses="a b"),), told=ENDED) == ""


@pytest.mark.parametrize(
    ("later", "followed"),
    [
        (incident(100), False),  # it is open again
        (incident(100, 200), False),  # it was, and that one speaks
        (incident(-100, -50), True),  # that was before
        (incident(100, 200, alert="other"), True),
        (incident(100, 200, target="hf/balance"), True),
        # a clock that has jumped back: what is open comes last
        (incident(-DAY), False),
    ],
)
def test_what_has_opened_again_has_not_stayed_resolved(later: Incident, followed: bool) -> None:
    known = heard(ENDED) + [
        replace(t, incident=later.id) for t in heard("opened a 0 w; opened b 0 w; resolved a 1 w")
    ]
    found = ask(10 + DAY, over(), later, to=(FOLLOWS,), told=known)
    assert ("follow_up/0 oncall a,b" in found) is followed


def test_a_silence_delays_the_follow_up() -> None:
    hush = (silence(DAY, 2 * DAY),)
    assert ask(10 + DAY, over(), to=(FOLLOWS,), told=ENDED, silences=hush) == ""
    assert ask(2 * DAY, over(), to=(FOLLOWS,), told=ENDED, silences=hush) == (
        "follow_up/0 oncall a,b"
    )


def test_an_address_that_is_gone_is_not_told_that_it_has_lasted() -> None:
    assert ask(10 + DAY, over(), to=(replace(FOLLOWS, addresses=("b",)),), told=ENDED) == (
        "follow_up/0 oncall b"
    )


def test_what_nobody_watches_any_more_is_not_said_to_have_stayed_resolved() -> None:
    known, log = {("oncall", a): LONG_AGO for a in "ab"}, heard(ENDED)
    for watched, expected in ((True, 1), (False, 0)):
        found = due(
            [over()], [FOLLOWS], [], log, at(10 + DAY), since=known,
            watched=lambda _, answer=watched: answer,
        )  # fmt: skip
        assert len(found) == expected


def test_a_follow_up_is_handed_to_no_fallback() -> None:
    mail = replace(MAIL, follow_up=86400.0)
    told = heard("opened a 0 c; resolved a 11 c", "mail")
    found = ask(10 + DAY, over(), to=(mail, HOOK), told=told, failing=stuck(Kind.FOLLOW_UP))
    assert found == "follow_up/0 mail a"


def test_a_follow_up_has_an_id_of_its_own() -> None:
    known = {("oncall", a): LONG_AGO for a in "ab"}
    first, again = (
        due([over()], [FOLLOWS], [], heard(ENDED), at(10 + DAY + n), since=known) for n in (0, 5)
    )
    assert [n.id for n in first] == [n.id for n in again]
    assert first[0].id not in {
        Notification(over(), kind, 0, "oncall", ()).id
        for kind in Kind
        if kind is not Kind.FOLLOW_UP
    }


# -- when to look again ---------------------------------------------------------------------


def look(
    now: float,
    *incidents: Incident,
    to: tuple[ReceiverSettings, ...] = (),
    silences: tuple[Silence, ...] = (),
    told: str | list[Told] = "",
) -> float | None:
    log = heard(told) if isinstance(told, str) else told
    moment = next_due(incidents, to or (receiver(),), silences, log, at(now))
    return None if moment is None else (moment - T0).total_seconds() / 60


LEAD = receiver("lead", escalate_after=1800.0)


@pytest.mark.parametrize(("now", "expected"), [(0, 30), (29, 30), (30, None), (31, None)])
def test_it_looks_again_when_escalate_after_is_reached(now: float, expected: float | None) -> None:
    assert look(now, incident(), to=(LEAD,)) == expected


def test_it_looks_again_when_a_reminder_is_due() -> None:
    told = "opened a 0 w; opened b 10 w"
    assert look(11, incident(), to=(HOURLY,), told=told) == 70
    assert look(70, incident(), to=(HOURLY,), told=told) is None
    assert look(71, incident(), to=(HOURLY,), told=told + "; reminder a 70 w") == 130


def test_it_looks_again_when_the_next_gap_of_a_back_off_is_over() -> None:
    told = "opened a 0 w; reminder a 60 w"
    assert look(61, incident(), to=(BACK_OFF,), told=told) == 180
    assert look(180, incident(), to=(BACK_OFF,), told=told) is None


def test_it_looks_again_when_a_follow_up_is_due() -> None:
    assert look(12, over(), to=(FOLLOWS,), told=ENDED) == 10 + DAY
    assert look(10 + DAY, over(), to=(FOLLOWS,), told=ENDED) is None
    assert look(12, over(), incident(100), to=(FOLLOWS,), told=ENDED) is None
    assert look(12, over(), to=(receiver(addresses="a b"),), told=ENDED) is None
    assert look(12, over(), to=(FOLLOWS,)) is None  # nobody has heard of it


def test_it_looks_again_when_a_fallback_is_to_remind_in_anothers_place() -> None:
    told = heard("opened hook 5 w", "hook")
    assert look(6, incident(), to=(MAIL, HOOK), told=told) == 65
    far = receiver("far", fallback="mail", remind_every=every(60.0))
    assert look(5.5, incident(), to=(far, MAIL, HOOK), told=told) == 6


def test_it_looks_again_at_the_end_of_a_silence_that_is_about_something() -> None:
    hushes = (silence(0, 20), silence(0, 10, "hf/*"), silence(0, 5))
    assert look(1, incident(), silences=hushes) == 5
    assert look(5, incident(), silences=hushes) == 20
    assert look(20, incident(), silences=hushes) is None
    assert look(6, incident(closed=6), silences=hushes, told="opened a 0 w") == 20


def test_what_is_acknowledged_or_over_needs_no_second_look() -> None:
    who = (HOURLY, LEAD)
    assert look(1, incident(ack="w"), to=who, told="opened a 0 w") is None
    assert look(6, incident(closed=5), to=who, told="opened a 0 w") is None
    assert look(1, incident(ack="w", severity="c"), to=who) == 30


def test_an_old_incident_is_not_looked_at_again() -> None:
    days = 60.0 * 24 * 8
    hush = (silence(0, days * 2),)
    assert look(days, incident(closed=5), silences=hush) is None
    assert look(days, incident(), silences=hush) == days * 2


def test_the_soonest_moment_counts() -> None:
    both = (LEAD, HOURLY)
    told = heard("opened a 0 w; opened b 0 w")
    assert look(1, incident(), to=both, told=told) == 30
    assert look(30, incident(), to=both, told=told) == 60
    assert look(1, to=both) is None
