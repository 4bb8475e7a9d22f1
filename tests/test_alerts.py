"""The alert machine, story by story: verdicts in, states out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from core_scenes import NOW, later

from monitor.core.alerts import Stepped, close, step
from monitor.core.causes import Cause, Severity
from monitor.core.conditions import Unavailable
from monitor.core.model import (
    Ack,
    Alert,
    AlertState,
    Incident,
    Judgement,
    Verdict,
    incident_id,
)
from monitor.core.rules import Rule

RULE = Rule("low", "*", Unavailable(), Severity.WARNING)
INTERVAL = 60.0


class Story:
    """One alert through a day: each look a verdict on a reading of that moment, or an older."""

    def __init__(self, rule: Rule = RULE) -> None:
        self.rule, self.alert = rule, Alert(rule.name, "kie/balance")
        self.incident: Incident | None = None
        self.last: Stepped | None = None

    def look(
        self, at: float, verdict: str, *, read_at: float | None = None,
        cause: Cause = Cause.OK, summary: str = "why",
    ) -> str:  # fmt: skip
        """Step at `NOW + at`; returns the state."""
        evidence = later(at if read_at is None else read_at)
        judged = Judgement(Verdict(verdict), evidence, cause, summary)
        current = self.incident if self.alert.incident else None
        self.last = step(
            self.alert, judged, self.rule, later(at), incident=current, account="kie",
            provider="vendor", interval=INTERVAL,
        )  # fmt: skip
        self.alert = self.last.alert
        self.incident = self.last.incident or self.incident
        return self.alert.state.value


TABLES = [
    # rule, verdicts a minute apart, states
    (RULE, "ok breach breach ok", "inactive firing firing inactive"),
    (RULE, "unknown breach unknown ok", "inactive firing firing inactive"),
    (replace(RULE, after=2), "breach ok breach breach", "pending inactive pending firing"),
    (replace(RULE, after=2), "breach unknown breach", "pending pending firing"),
    (replace(RULE, after=3), "breach breach breach unknown", "pending pending firing firing"),
    (replace(RULE, after=2), "breach unknown unknown unknown", "pending pending pending inactive"),
    (replace(RULE, for_seconds=120), "breach breach breach", "pending pending firing"),
    (replace(RULE, for_seconds=60), "breach ok breach breach", "pending inactive pending firing"),
    (replace(RULE, for_seconds=60, after=3), "breach breach breach", "pending pending firing"),
    (replace(RULE, keep_firing_for=120), "breach ok ok ok", "firing firing firing inactive"),
    (replace(RULE, keep_firing_for=60), "breach ok breach ok ok",
     "firing firing firing firing inactive"),
    (replace(RULE, keep_firing_for=60), "breach ok unknown unknown ok",
     "firing firing firing firing inactive"),
    (replace(RULE, clear_after=2), "breach ok ok", "firing firing inactive"),
    (replace(RULE, clear_after=3), "breach ok ok breach ok ok ok",
     "firing firing firing firing firing firing inactive"),
    (replace(RULE, clear_after=2), "breach ok unknown unknown ok",
     "firing firing firing firing inactive"),
    (replace(RULE, clear_after=2, keep_firing_for=120), "breach ok ok ok",
     "firing firing firing inactive"),
    (replace(RULE, clear_after=4, keep_firing_for=60), "breach ok ok ok ok",
     "firing firing firing firing inactive"),
    (replace(RULE, after=2, clear_after=2), "breach ok breach breach ok breach ok ok",
     "pending inactive pending firing firing firing firing inactive"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "verdicts", "states"), TABLES)
def test_verdicts_a_minute_apart(rule: Rule, verdicts: str, states: str) -> None:
    story = Story(rule)
    seen = [story.look(60.0 * i, v) for i, v in enumerate(verdicts.split())]
    assert " ".join(seen) == states


def test_opening_makes_the_incident_with_the_labels_of_that_moment() -> None:
    story = Story()
    story.look(0, "breach", cause=Cause.CREDITS_EXHAUSTED, summary="nothing is left")
    assert story.incident == Incident(
        id=incident_id("low", "kie/balance", NOW), alert="low", target="kie/balance",
        account="kie", provider="vendor", opened_at=NOW, opening_severity=Severity.WARNING,
        opening_cause=Cause.CREDITS_EXHAUSTED, severity=Severity.WARNING,
        cause=Cause.CREDITS_EXHAUSTED, summary="nothing is left",
    )  # fmt: skip
    assert story.alert == Alert(
        "low", "kie/balance", AlertState.FIRING, since=NOW, breaches=1, evidence_at=NOW,
        incident=story.incident.id, severity=Severity.WARNING, cause=Cause.CREDITS_EXHAUSTED,
        summary="nothing is left",
    )  # fmt: skip
    assert story.last is not None
    assert (story.last.opened, story.last.closed, story.last.escalated) == (True, False, False)


def test_a_pending_alert_knows_since_when_and_why() -> None:
    story = Story(replace(RULE, after=3, severity=Severity.CRITICAL))
    story.look(0, "breach")
    story.look(60, "breach", cause=Cause.MODEL_GATED, summary="gated")
    assert story.alert == Alert(
        "low", "kie/balance", AlertState.PENDING, since=NOW, breaches=2, evidence_at=later(60),
        severity=Severity.CRITICAL, cause=Cause.MODEL_GATED, summary="gated",
    )  # fmt: skip
    assert story.last == Stepped(story.alert, None)


def test_the_same_reading_never_counts_twice() -> None:
    story = Story(replace(RULE, after=2))
    assert [story.look(t, "breach", read_at=0) for t in (0, 20, 40)] == ["pending"] * 3
    assert story.look(60, "breach", read_at=-30) == "pending"
    assert story.alert.breaches == 1
    assert story.alert.evidence_at == NOW
    assert story.look(70, "breach") == "firing"


def test_an_old_reading_may_still_have_new_words() -> None:
    story = Story(replace(RULE, after=2))
    story.look(0, "breach", summary="9 is under 10")
    story.look(5, "breach", read_at=0, summary="9 is under 20", cause=Cause.MODEL_MOVED)
    assert (story.alert.summary, story.alert.cause) == ("9 is under 20", Cause.MODEL_MOVED)


def test_time_alone_may_complete_a_for() -> None:
    story = Story(replace(RULE, for_seconds=100))
    assert story.look(0, "breach") == "pending"
    assert story.look(99, "breach", read_at=0) == "pending"
    assert story.look(100, "breach", read_at=0) == "firing"
    assert story.incident is not None
    assert story.incident.opened_at == later(100)
    assert story.alert.since == later(100)


def test_a_cause_says_how_many_readings_it_needs() -> None:
    rule = replace(RULE, after=9, after_by_cause={Cause.MODEL_GATED: 2, Cause.MODEL_MISSING: 1})
    story = Story(rule)
    assert story.look(0, "breach", cause=Cause.MODEL_GATED) == "pending"
    assert story.look(60, "breach", cause=Cause.MODEL_GATED) == "firing"
    assert Story(rule).look(0, "breach", cause=Cause.MODEL_MISSING) == "firing"
    other = Story(rule)
    assert [other.look(60 * i, "breach") for i in range(9)] == ["pending"] * 8 + ["firing"]


def test_a_cause_that_worsens_needs_no_more_patience_than_its_own() -> None:
    story = Story(replace(RULE, after=3, after_by_cause={Cause.MODEL_MISSING: 1}))
    assert story.look(0, "breach", cause=Cause.MODEL_MOVED) == "pending"
    assert story.look(0, "breach", read_at=0, cause=Cause.MODEL_MISSING) == "firing"


LAPSES = [(0.0, 120, "pending"), (0.0, 121, "inactive"), (90.0, 210, "pending"),
          (90.0, 211, "inactive")]  # fmt: skip


@pytest.mark.parametrize(("waits", "at", "state"), LAPSES)
def test_a_pending_alert_lapses_when_nothing_is_read(waits: float, at: float, state: str) -> None:
    story = Story(replace(RULE, after=2, for_seconds=waits))
    story.look(0, "breach")
    assert story.look(at, "unknown") == state
    again = Story(replace(RULE, after=2, for_seconds=waits))
    again.look(0, "breach")
    assert again.look(at, "breach", read_at=0) == state


def test_a_lapsed_alert_counts_from_one() -> None:
    story = Story(replace(RULE, after=2))
    story.look(0, "breach")
    assert story.look(121, "breach") == "pending"
    assert (story.alert.breaches, story.alert.since) == (1, later(121))


def test_what_was_read_long_ago_opens_nothing() -> None:
    story = Story()
    assert story.look(500, "breach", read_at=379) == "inactive"
    assert story.look(500, "breach", read_at=380) == "firing"


def test_an_old_reading_may_close_what_a_changed_rule_no_longer_means() -> None:
    story = Story()
    story.look(0, "breach")
    assert story.look(3600, "ok", read_at=0) == "inactive"
    assert story.incident is not None
    assert story.incident.closed_at == later(3600)


def test_closing_keeps_the_opening_and_gives_the_reason() -> None:
    story = Story()
    story.look(0, "breach", cause=Cause.TIMED_OUT)
    opened = story.incident
    story.look(60, "ok")
    assert opened is not None
    assert story.incident == replace(opened, closed_at=later(60), close_reason="resolved")
    assert story.alert == Alert("low", "kie/balance")
    assert story.last is not None
    assert (story.last.opened, story.last.closed) == (False, True)


def test_fine_again_is_counted_from_the_first_fine_reading() -> None:
    story = Story(replace(RULE, keep_firing_for=100))
    story.look(0, "breach")
    story.look(10, "ok")
    assert story.alert.clear_since == later(10)
    story.look(60, "ok")
    assert story.alert.clear_since == later(10)
    assert story.look(109, "ok") == "firing"
    assert story.look(110, "ok") == "inactive"


def test_a_relapse_starts_the_wait_again() -> None:
    story = Story(replace(RULE, keep_firing_for=100))
    story.look(0, "breach")
    story.look(10, "ok")
    story.look(50, "breach")
    assert story.alert.clear_since is None
    story.look(60, "ok")
    assert story.look(120, "ok") == "firing"


def test_the_same_good_reading_never_counts_twice() -> None:
    story = Story(replace(RULE, clear_after=2))
    story.look(0, "breach")
    assert [story.look(t, "ok", read_at=60) for t in (60, 80, 9000)] == ["firing"] * 3
    assert story.alert.clears == 1
    assert story.look(9001, "ok") == "inactive"


def test_a_reading_that_a_changed_rule_finds_good_counts_once() -> None:
    story = Story(replace(RULE, clear_after=2))
    story.look(0, "breach")
    assert story.look(10, "ok", read_at=0) == "firing"
    assert story.look(20, "ok", read_at=0) == "firing"
    assert story.look(30, "ok") == "inactive"


def test_good_readings_are_counted_no_further_than_is_asked() -> None:
    story = Story(replace(RULE, clear_after=2, keep_firing_for=1000))
    story.look(0, "breach")
    for second in range(1, 9):
        story.look(second, "ok")
    assert story.alert.clears == 2


@pytest.mark.parametrize("jump", [-86400, 86400, -30])
def test_a_clock_that_jumps_loses_no_good_reading_and_counts_none_twice(jump: float) -> None:
    story = Story(replace(RULE, clear_after=3))
    story.look(0, "breach")
    story.look(60, "ok")
    assert story.look(60 + jump, "ok", read_at=60) == "firing"
    assert story.alert.clears == 1
    assert story.look(61 + jump, "ok") == "firing"
    assert story.look(62 + jump, "ok") == "inactive"


@pytest.mark.parametrize("jump", [-86400, 86400])
def test_a_clock_that_jumps_while_it_fires_neither_ends_nor_doubles_the_incident(
    jump: float,
) -> None:
    story = Story()
    story.look(0, "breach")
    first = story.incident
    for look in (60, 120, 180):
        assert story.look(jump + look, "breach") == "firing"
    assert story.incident == first


@pytest.mark.parametrize("jump", [-86400, 86400])
def test_a_clock_that_jumps_while_it_is_pending_lets_it_fire_a_little_later_once(
    jump: float,
) -> None:
    story = Story(replace(RULE, after=2, for_seconds=60))
    story.look(0, "breach")
    states = [story.look(jump + look, "breach") for look in (0, 60, 120)]
    assert states == ["pending", "firing", "firing"]


def test_the_worst_severity_is_remembered_when_it_falls() -> None:
    story = Story(replace(RULE, severity=Severity.CRITICAL))
    story.look(0, "breach")
    for second, severity in ((1, Severity.INFO), (2, Severity.WARNING)):
        story.rule = replace(story.rule, severity=severity)
        story.look(second, "breach")
    assert story.incident is not None
    assert (story.incident.severity, story.incident.ever) == (Severity.WARNING, Severity.CRITICAL)


def test_unknown_changes_nothing_of_what_fires() -> None:
    story = Story(replace(RULE, keep_firing_for=100))
    story.look(0, "breach", cause=Cause.CREDITS_EXHAUSTED, summary="gone")
    before, incident = story.alert, story.incident
    assert story.look(9999, "unknown", cause=Cause.TIMED_OUT, summary="no answer") == "firing"
    assert (story.alert, story.incident) == (before, incident)


def test_present_cause_and_words_follow_and_the_opening_stays() -> None:
    story = Story()
    story.look(0, "breach", cause=Cause.MODEL_GATED, summary="gated")
    story.look(60, "breach", cause=Cause.MODEL_RETIRED, summary="retired")
    assert story.incident is not None
    assert story.incident.opening_cause is Cause.MODEL_GATED
    assert (story.incident.cause, story.incident.summary) == (Cause.MODEL_RETIRED, "retired")
    assert (story.alert.cause, story.alert.evidence_at) == (Cause.MODEL_RETIRED, later(60))
    assert story.alert.since == NOW
    assert story.last is not None
    assert not story.last.opened
    assert not story.last.escalated


@pytest.mark.parametrize("verdict", ["breach", "unknown", "ok"])
def test_a_rule_changed_at_reload_judges_the_same_incident_anew(verdict: str) -> None:
    story = Story(replace(RULE, keep_firing_for=1000))
    story.look(0, "breach")
    first = story.incident
    story.rule = replace(story.rule, severity=Severity.CRITICAL)
    story.look(60, verdict)
    assert first is not None
    assert story.incident is not None
    assert story.incident.id == first.id
    assert story.incident.severity is story.alert.severity is Severity.CRITICAL
    assert story.incident.opening_severity is Severity.WARNING
    assert story.last is not None
    assert story.last.escalated
    story.look(120, verdict)
    assert not story.last.escalated


def test_a_severity_that_falls_does_not_escalate() -> None:
    story = Story(replace(RULE, severity=Severity.CRITICAL))
    story.look(0, "breach")
    story.rule = replace(story.rule, severity=Severity.INFO)
    story.look(60, "breach")
    assert story.last is not None
    assert not story.last.escalated
    assert story.incident is not None
    assert story.incident.severity is Severity.INFO


def test_an_acknowledgement_stays_with_its_incident() -> None:
    story = Story()
    story.look(0, "breach")
    ack = Ack("ada", "seen", later(5), Severity.WARNING)
    assert story.incident is not None
    story.incident = replace(story.incident, ack=ack)
    story.look(60, "breach")
    assert story.incident.ack == ack
    story.look(120, "ok")
    assert story.incident.ack == ack


def test_an_episode_after_another_is_another_incident() -> None:
    story = Story()
    story.look(0, "breach")
    first = story.incident
    story.look(60, "ok")
    story.look(120, "breach")
    assert first is not None
    assert story.incident is not None
    assert story.incident.id != first.id
    assert story.incident.fingerprint == first.fingerprint


def test_a_clock_that_jumps_back_a_little_does_not_stop_the_count() -> None:
    story = Story(replace(RULE, after=3, for_seconds=30, keep_firing_for=30))
    story.look(0, "breach")
    assert story.look(-100, "breach") == "pending"
    assert (story.alert.breaches, story.alert.since) == (2, later(-100))
    assert story.look(-70, "breach") == "firing"
    story.look(-90000, "ok")
    assert story.alert.clear_since == later(-90000)
    story.look(-99000, "ok")
    assert story.alert.clear_since == later(-99000)
    assert story.look(-98971, "ok") == "firing"
    assert story.look(-98970, "ok") == "inactive"


def test_a_clock_that_jumps_back_far_counts_anew() -> None:
    story = Story(replace(RULE, after=2))
    story.look(0, "breach")
    assert story.look(-86400, "unknown") == "inactive"
    story.look(0, "breach")
    assert story.look(-86400, "breach") == "pending"
    assert (story.alert.breaches, story.alert.since) == (1, later(-86400))
    assert story.look(-86399, "breach") == "firing"
    assert Story().look(-86400, "breach", read_at=0) == "inactive"


def test_an_incident_never_ends_before_it_began() -> None:
    story = Story()
    story.look(0, "breach")
    story.look(-3600, "ok")
    assert story.incident is not None
    assert story.incident.closed_at == story.incident.opened_at == NOW


def test_a_reading_dated_in_the_future_counts_once() -> None:
    story = Story(replace(RULE, after=2))
    assert story.look(0, "breach", read_at=50) == "pending"
    assert story.look(1, "breach", read_at=50) == "pending"
    assert story.look(2, "breach") == "firing"


def test_a_judgement_without_a_reading_rests_on_the_moment() -> None:
    judged = Judgement(Verdict.BREACH, None)
    stepped = step(Alert("low", "x"), judged, RULE, NOW, incident=None, account="", provider="")
    assert stepped.alert.evidence_at == NOW
    again = step(
        stepped.alert, judged, RULE, later(5), incident=stepped.incident, account="", provider=""
    )
    assert (again.alert.breaches, again.alert.evidence_at) == (2, later(5))


def test_an_incident_lost_with_its_database_stands_again_under_its_old_name() -> None:
    story = Story()
    story.look(0, "breach", cause=Cause.CREDITS_EXHAUSTED)
    lost, story.incident = story.incident, None
    assert story.look(60, "unknown") == "firing"
    assert story.incident == lost


def test_another_incident_than_its_own_is_not_taken_for_it() -> None:
    story = Story()
    story.look(0, "breach")
    own = story.incident
    assert own is not None
    story.incident = replace(own, id="somebody else's", alert="other")
    story.look(60, "breach")
    assert story.incident is not None
    assert story.incident.id == own.id == story.alert.incident


def test_an_alert_whose_incident_was_closed_elsewhere_starts_again() -> None:
    story = Story()
    story.look(0, "breach")
    assert story.incident is not None
    story.incident = replace(story.incident, closed_at=later(30))
    assert story.look(60, "unknown") == "inactive"
    assert story.look(61, "breach") == "firing"
    assert story.incident.opened_at == later(61)


@pytest.mark.parametrize("reason", ["rule removed", "target removed"])
def test_what_is_removed_closes_with_that_reason(reason: str) -> None:
    story = Story()
    story.look(0, "breach")
    assert story.incident is not None
    closed = close(story.alert, story.incident, later(60), reason)
    expected = replace(story.incident, closed_at=later(60), close_reason=reason)
    assert closed == Stepped(Alert("low", "kie/balance"), expected, closed=True)
    assert closed.incident is not None
    again = close(closed.alert, closed.incident, later(99), "resolved")
    assert again == Stepped(Alert("low", "kie/balance"), closed.incident)


def test_the_interval_is_five_minutes_unless_said_otherwise() -> None:
    rule, judged = replace(RULE, after=2), Judgement(Verdict.BREACH, NOW)

    def state(now: datetime) -> AlertState:
        pending = step(
            Alert("low", "x"), judged, rule, NOW, incident=None, account="", provider=""
        ).alert
        unknown = replace(judged, verdict=Verdict.UNKNOWN)
        return step(
            pending, unknown, rule, now, incident=None, account="", provider=""
        ).alert.state

    assert state(later(600)) is AlertState.PENDING
    assert state(later(600) + timedelta(microseconds=1)) is AlertState.INACTIVE


def test_an_older_reading_at_the_same_moment_does_not_count() -> None:
    story = Story(replace(RULE, after=2))
    assert story.look(0, "breach") == "pending"
    assert story.look(0, "breach", read_at=-1) == "pending"
    assert story.alert.breaches == 1


@pytest.mark.parametrize("since", [None, later(-600)])
def test_a_firing_alert_that_forgot_its_incident_gets_one(since: datetime | None) -> None:
    alert = Alert("low", "x", AlertState.FIRING, since=since, severity=Severity.WARNING)
    judged = Judgement(Verdict.UNKNOWN, NOW)
    stepped = step(alert, judged, RULE, NOW, incident=None, account="a", provider="p")
    assert stepped.incident is not None
    assert stepped.incident.opened_at == (since or NOW)
    assert stepped.incident.id == incident_id("low", "x", since or NOW)
    assert stepped.alert.incident == stepped.incident.id
