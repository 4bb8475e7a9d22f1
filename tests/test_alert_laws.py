"""Laws of the alert machine, over histories nobody wrote by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from core_scenes import later
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.alerts import step
from monitor.core.causes import Cause, Severity
from monitor.core.conditions import Unavailable
from monitor.core.model import Alert, AlertState, Incident, Judgement, Verdict
from monitor.core.rules import Rule

CAUSES = (Cause.OK, Cause.MODEL_GATED, Cause.MODEL_MISSING, Cause.TIMED_OUT)


@dataclass(frozen=True)
class Look:
    """One evaluation: how much later (or earlier), of how old a reading, what it said."""

    after: float
    age: float
    verdict: Verdict
    cause: Cause
    interval: float
    rule: Rule


RULES = st.builds(
    Rule,
    name=st.just("law"),
    on=st.just("*"),
    when=st.just(Unavailable()),
    severity=st.sampled_from(Severity),
    for_seconds=st.sampled_from([0.0, 0.0, 30.0, 90.0]),
    keep_firing_for=st.sampled_from([0.0, 0.0, 60.0]),
    after=st.integers(1, 3),
    after_by_cause=st.dictionaries(st.sampled_from(CAUSES), st.integers(1, 4), max_size=2),
)
STEPS = st.one_of(
    st.sampled_from([0.0, 1.0, 30.0, 60.0]), st.floats(-7200, 7200), st.floats(-1e6, 1e6)
)
LOOKS = st.builds(
    Look,
    after=STEPS,
    age=st.one_of(st.just(0.0), st.floats(-600, 3600)),
    verdict=st.sampled_from(Verdict),
    cause=st.sampled_from(CAUSES),
    interval=st.sampled_from([1.0, 60.0, 300.0]),
    rule=RULES,
)
STEADY = st.tuples(RULES, st.lists(LOOKS, max_size=30)).map(
    lambda pair: [Look(k.after, k.age, k.verdict, k.cause, 60.0, pair[0]) for k in pair[1]]
)
HISTORIES = st.one_of(STEADY, st.lists(LOOKS, max_size=30))


@given(HISTORIES)
def test_the_laws_hold_through_any_history(looks: list[Look]) -> None:
    alert, incidents, seconds = Alert("law", "t"), dict[str, Incident](), 0.0
    for look in looks:
        seconds += look.after
        now, before = later(seconds), alert
        judged = Judgement(look.verdict, later(seconds - look.age), look.cause, "s")
        stepped = step(
            alert, judged, look.rule, now, account="a", provider="p", interval=look.interval,
            incident=incidents.get(alert.incident) if alert.incident else None,
        )  # fmt: skip
        alert = stepped.alert
        if stepped.incident is not None:
            incidents[stepped.incident.id] = stepped.incident

        still_open = [i for i in incidents.values() if i.open]
        firing = alert.state is AlertState.FIRING
        # an alert fires if and only if its one incident is open
        assert [i.id for i in still_open] == ([alert.incident] if firing else [])
        assert (alert.incident is not None) == firing
        # unknown neither opens nor closes
        if look.verdict is Verdict.UNKNOWN:
            assert (before.state is AlertState.FIRING) == firing
            assert alert.incident == before.incident
            assert not stepped.opened
            assert not stepped.closed
        # what is said of the step is what happened
        assert stepped.opened == (firing and before.state is not AlertState.FIRING)
        assert stepped.closed == (not firing and before.state is AlertState.FIRING)
        assert not stepped.escalated or (firing and not stepped.opened)
        # only a breach opens, only fine closes
        assert not stepped.opened or look.verdict is Verdict.BREACH
        assert not stepped.closed or look.verdict is Verdict.OK
        # an incident ends at its beginning or later, and shows the alert's present severity
        for incident in incidents.values():
            assert incident.closed_at is None or incident.closed_at >= incident.opened_at
        for incident in still_open:
            assert incident.severity is alert.severity is look.rule.severity
        # pending never survives its `for` and two intervals of silence
        if alert.state is AlertState.PENDING:
            patience = timedelta(seconds=look.rule.for_seconds + 2 * look.interval)
            assert alert.evidence_at is not None
            assert abs(now - alert.evidence_at) <= patience
            assert alert.breaches >= 1
        if alert.state is AlertState.INACTIVE:
            assert alert == Alert("law", "t")


VERDICTS = st.lists(st.sampled_from(["breach", "unknown"]), min_size=1, max_size=20)


@given(VERDICTS, st.integers(1, 4))
def test_a_rule_fires_at_its_nth_breach_whatever_could_not_be_read_between(
    verdicts: list[str], after: int
) -> None:
    rule, alert = Rule("law", "*", Unavailable(), after=after), Alert("law", "t")
    incident: Incident | None = None
    for number, verdict in enumerate(verdicts):
        judged = Judgement(Verdict(verdict), later(number))
        stepped = step(
            alert, judged, rule, later(number), incident=incident, account="", provider=""
        )
        alert, incident = stepped.alert, stepped.incident
        breaches = verdicts[: number + 1].count("breach")
        assert (alert.state is AlertState.FIRING) == (breaches >= after)


@given(st.lists(st.sampled_from(Verdict), min_size=1, max_size=20))
def test_repeating_every_look_changes_no_state(verdicts: list[Verdict]) -> None:
    """A sweep between two probes, and a crash between judging and keeping, are harmless."""

    def states(repeats: int) -> list[AlertState]:
        rule, alert, found = Rule("law", "*", Unavailable(), after=2), Alert("law", "t"), []
        incident: Incident | None = None
        for number, verdict in enumerate(verdicts):
            for _ in range(repeats):
                judged = Judgement(verdict, later(number))
                stepped = step(
                    alert, judged, rule, later(number), incident=incident, account="",
                    provider="",
                )  # fmt: skip
                alert, incident = stepped.alert, stepped.incident
                if alert.state is not AlertState.FIRING:
                    incident = None
            found.append(alert.state)
        return found

    assert states(1) == states(3)
