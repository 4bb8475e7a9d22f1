"""One cause, one message: which incident speaks for which, and what that mutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.core.causes import FAILURES, MONEY_CAUSES, Cause, Severity
from monitor.core.inhibit import covered, speaks_for, topics
from monitor.core.model import Incident, Kind, Notification, Silence, Told
from monitor.core.notify import due
from monitor.core.rules import Both, CauseIn, Compare, Rule, Special, Unavailable
from monitor.core.settings import Interval, ReceiverSettings

T0 = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
SEVERITY = {"i": Severity.INFO, "w": Severity.WARNING, "c": Severity.CRITICAL}
PROVIDERS = {"hf": "huggingface", "kie": "kie", "kie2": "kie", "monitor": "kie"}
ONCALL = ReceiverSettings("oncall", "email", {}, ("a",), remind_every=Interval(3600.0, 3600.0))


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def incident(words: str, opened: float = 0, closed: float | None = None) -> Incident:
    """`runway-short kie/balance w`: alert, target, severity."""
    alert, target, letter = words.split()
    head, _, rest = target.partition("/")
    derived = {"provider": ("", head), "network": ("monitor", "monitor")}
    account, provider = derived.get(rest, (head, PROVIDERS.get(head, head)))
    return Incident(
        id=f"{words}@{opened:g}",
        alert=alert,
        target=target,
        account=account,
        provider=provider,
        opened_at=at(opened),
        opening_severity=SEVERITY[letter],
        opening_cause=Cause.OK,
        severity=SEVERITY[letter],
        cause=Cause.OK,
        summary="",
        closed_at=None if closed is None else at(closed),
    )


def compare(measure: str) -> Compare:
    return Compare(measure, "<", 1.0)


RULES = (
    Rule("credits-low", "kie/balance", compare("balance")),
    Rule("jobs-few", "kie/balance", compare("jobs_left")),
    Rule("fast", "kie/balance", compare("burn")),
    Rule("short", "kie/balance", Both(compare("runway"), compare("runway"))),
    Rule("broke", "kie/balance", CauseIn(frozenset({Cause.CREDITS_EXHAUSTED}))),
    Rule("no-answer", "*", compare("failures")),
    Rule("aged", "*", compare("age")),
    Rule("down", "*", CauseIn(frozenset({Cause.TIMED_OUT, Cause.PROVIDER_ERROR}))),
    Rule("slow", "*", compare("latency")),
    Rule("gone", "*", Unavailable()),
    Rule("half", "*", CauseIn(frozenset({Cause.TIMED_OUT, Cause.MODEL_MISSING}))),
    Rule("nothing", "*", CauseIn(frozenset())),
    Rule("any-money", "*", CauseIn(MONEY_CAUSES)),
    Rule("any-failure", "*", CauseIn(FAILURES)),
    Rule("quota-near", "hf/quota", compare("quota_used")),
    Rule("quota-rest", "hf/quota", compare("quota_left")),
    Rule("models-exhausted", "*", Special("models"), builtin=True),
    Rule("runway-short", "*", compare("latency")),  # a user's of a built-in's name
)
TOPICS = topics(RULES)


def test_a_rule_has_the_topic_of_what_it_measures() -> None:
    assert TOPICS == {
        "credits-low": "money", "jobs-few": "money", "fast": "money", "short": "money",
        "broke": "money", "no-answer": "reading", "aged": "reading", "down": "reading",
        "any-money": "money", "any-failure": "reading",
        "slow": "other", "gone": "other", "half": "other", "nothing": "other",
        "quota-near": "quota", "quota-rest": "quota", "models-exhausted": "other",
        "runway-short": "money",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("speaker", "other", "speaks"),
    [
        # one balance, the worst first
        ("credits-exhausted kie/balance c", "runway-critical kie/balance c", True),
        ("credits-exhausted kie/balance c", "runway-short kie/balance w", True),
        ("credits-exhausted kie/balance c", "credits-low kie/balance w", True),
        ("credits-exhausted kie/balance c", "burn-spike kie/balance w", True),
        ("runway-critical kie/balance c", "runway-short kie/balance w", True),
        ("runway-critical kie/balance c", "credits-exhausted kie/balance c", False),
        ("runway-critical kie/balance c", "jobs-few kie/balance c", True),
        ("runway-short kie/balance w", "runway-critical kie/balance c", False),
        ("runway-short kie/balance w", "credits-exhausted kie/balance c", False),
        ("runway-short kie/balance w", "runway-short kie/balance w", False),
        ("runway-short kie/balance w", "credits-low kie/balance w", True),
        ("runway-short kie/balance w", "credits-low kie/balance i", True),
        ("runway-short kie/balance w", "burn-spike kie/balance w", True),
        ("runway-short kie/balance w", "broke kie/balance w", True),
        # the user's critical rule speaks beside a warning
        ("runway-short kie/balance w", "credits-low kie/balance c", False),
        ("runway-short kie/balance w", "burn-spike kie/balance c", True),
        # other matters, other targets
        ("runway-short kie/balance w", "slow kie/balance i", False),
        ("runway-short kie/balance w", "balance-unreadable kie/balance w", False),
        ("runway-short kie/balance w", "runway-critical kie2/balance w", False),
        ("credits-exhausted kie/balance c", "credits-low kie2/balance w", False),
        ("credits-low kie/balance c", "fast kie/balance w", False),
        ("burn-spike kie/balance w", "credits-low kie/balance w", False),
        # one quota
        ("quota-critical hf/quota c", "quota-high hf/quota w", True),
        ("quota-high hf/quota w", "quota-critical hf/quota c", False),
        ("quota-critical hf/quota c", "quota-near hf/quota w", False),
        ("credits-exhausted hf/quota c", "quota-critical hf/quota c", True),
        ("quota-critical hf/quota c", "credits-exhausted hf/quota c", False),
        ("quota-critical hf/quota c", "quota-high hf2/quota w", False),
        ("runway-short kie/quota w", "quota-high kie/quota w", False),
        # models
        ("models-exhausted hf/model c", "model-unavailable hf/model/a/b w", True),
        ("models-exhausted hf/model c", "model-unavailable hf2/model/a/b w", False),
        ("models-exhausted hf/model c", "model-unavailable hf/inference/a w", False),
        ("models-exhausted hf/model c", "gone hf/model/a/b w", False),
        ("model-unavailable hf/model/a/b w", "models-exhausted hf/model c", False),
        # a rejected key hides its account
        ("key-rejected kie/key c", "credits-exhausted kie/balance c", True),
        ("key-rejected kie/key c", "credits-low kie/balance c", True),
        ("key-rejected kie/key c", "models-exhausted kie/model c", True),
        ("key-rejected kie/key c", "slow kie/quota i", True),
        ("key-rejected kie/key c", "credits-low kie2/balance w", False),
        ("key-rejected kie/key c", "provider-down kie/provider c", False),
        ("key-rejected kie/key c", "target-stale kie/key w", False),
        ("key-rejected monitor/key c", "monitor-offline monitor/network c", False),
        ("key-rejected monitor/key c", "store-failed monitor/store c", False),
        ("key-rejected kie/balance c", "credits-low kie/balance w", False),
        ("credits-low kie/balance c", "key-rejected kie/key c", False),
        ("key-of-mine kie/key c", "credits-low kie/balance w", False),
        ("key-of-mine kie/key c", "slow kie/quota w", False),
        # one that may do less still reads money and models
        ("key-cap-reached kie/key c", "credits-exhausted kie/balance c", False),
        ("key-cap-reached kie/key c", "balance-unreadable kie/balance w", True),
        ("key-cap-reached kie/key c", "quota-critical kie/quota c", True),
        ("key-lacks-permission hf/key c", "model-unavailable hf/model/a/b w", False),
        ("key-lacks-permission hf/key c", "models-exhausted hf/model c", False),
        ("key-lacks-permission hf/key c", "target-stale hf/model/a/b w", True),
        ("key-lacks-permission hf/key c", "gone hf/inference/a/b w", True),
        ("key-lacks-permission hf/key c", "gone hf2/inference/a/b w", False),
        # a provider
        ("provider-down kie/provider c", "balance-unreadable kie/balance w", True),
        ("provider-down kie/provider c", "balance-unreadable kie2/balance w", True),
        ("provider-down kie/provider c", "rate-limited kie/balance w", True),
        ("provider-down kie/provider c", "target-stale kie/key w", True),
        ("provider-down kie/provider c", "no-answer kie/key w", True),
        ("provider-down kie/provider w", "no-answer kie/key c", False),
        ("provider-down kie/provider w", "balance-unreadable kie/balance c", True),
        ("provider-down kie/provider c", "down kie/key w", True),
        ("provider-down kie/provider c", "runway-short kie/balance w", False),
        ("provider-down kie/provider c", "balance-unreadable hf/balance w", False),
        ("provider-down kie/provider c", "provider-down kie/provider c", False),
        ("provider-down kie/provider c", "provider-down huggingface/provider c", False),
        ("balance-unreadable kie/balance c", "provider-down kie/provider w", False),
        # our own network
        ("monitor-offline monitor/network c", "provider-down kie/provider c", True),
        ("monitor-offline monitor/network w", "provider-down kie/provider c", True),
        ("monitor-offline monitor/network c", "balance-unreadable hf/balance w", True),
        ("monitor-offline monitor/network c", "aged hf/key w", True),
        ("monitor-offline monitor/network w", "aged hf/key c", False),
        ("monitor-offline monitor/network c", "credits-exhausted kie/balance c", False),
        ("monitor-offline monitor/network c", "monitor-offline monitor/network c", False),
        ("monitor-offline monitor/network c", "store-failed monitor/store c", False),
    ],
)
def test_who_speaks_for_whom(speaker: str, other: str, speaks: bool) -> None:
    one, two = incident(speaker), incident(other)
    assert speaks_for(one, two, TOPICS) is speaks
    if speaks:
        assert not speaks_for(two, one, TOPICS)


def say(
    now: float,
    *incidents: Incident,
    silences: tuple[Silence, ...] = (),
    told: tuple[Told, ...] = (),
) -> tuple[Notification, ...]:
    since = {("oncall", "a"): at(-1000)}
    return due(incidents, (ONCALL,), silences, told, at(now), since=since, topics=TOPICS)


def knows(about: Incident, minute: float = 0, kind: Kind = Kind.OPENED) -> Told:
    return Told(about.id, kind, 0, "oncall", "a", at(minute), about.severity)


def test_the_one_that_speaks_names_those_it_speaks_for() -> None:
    empty = incident("credits-exhausted kie/balance c", 3)
    short = incident("runway-short kie/balance w", 1)
    low = incident("credits-low kie/balance w", 2)
    found = say(4, low, empty, short)
    assert [(n.incident, n.kind) for n in found] == [(empty, Kind.OPENED)]
    assert found[0].muted == (short, low)


@pytest.mark.parametrize(
    ("speaker", "others"),
    [
        ("key-rejected kie/key c", "credits-low kie/balance w"),
        ("models-exhausted hf/model c", "model-unavailable hf/model/a/b w"),
        ("provider-down kie/provider c", "balance-unreadable kie2/balance w"),
        ("monitor-offline monitor/network c", "provider-down kie/provider c"),
        ("quota-critical hf/quota c", "quota-high hf/quota w"),
    ],
)
def test_it_speaks_for_other_targets_too(speaker: str, others: str) -> None:
    one, other, stranger = incident(speaker), incident(others), incident("gone x/key w")
    found = say(1, other, one, stranger)
    assert [(n.incident, n.muted) for n in found] == [(stranger, ()), (one, (other,))]


def test_what_is_silenced_is_not_named_either() -> None:
    empty = incident("credits-exhausted kie/balance c")
    short = incident("runway-short kie/balance w")
    hush = Silence("s", "*", "runway-short", at(0), at(60), "ada", "")
    assert say(1, empty, short, silences=(hush,))[0].muted == ()


def test_what_is_over_speaks_for_nobody() -> None:
    empty = incident("credits-exhausted kie/balance c", 0, 10)
    short = incident("runway-short kie/balance w", 5)
    found = say(11, empty, short)
    assert [(n.incident.alert, n.kind, n.muted) for n in found] == [
        ("credits-exhausted", Kind.OPENED, ()),
        ("runway-short", Kind.OPENED, ()),
    ]


def test_a_rule_that_is_gone_keeps_the_topic_of_its_name() -> None:
    empty = incident("credits-exhausted kie/balance c")
    spike, unknown = incident("burn-spike kie/balance w"), incident("who kie/balance w")
    found = due((empty, spike, unknown), (ONCALL,), (), (), at(1))
    assert [n.incident.alert for n in found] == ["credits-exhausted", "who"]


def test_muting_covers_escalations_and_reminders() -> None:
    worse = incident("credits-low kie/balance c")
    heard = Told(worse.id, Kind.OPENED, 0, "oncall", "a", at(0), Severity.WARNING)
    empty = incident("credits-exhausted kie/balance c", 5)
    assert [n.kind for n in say(6, worse, told=(heard,))] == [Kind.ESCALATED]
    assert say(6, worse, empty, told=(heard, knows(empty, 5))) == ()
    short = incident("runway-short kie/balance w")
    assert [n.kind for n in say(60, short, told=(knows(short),))] == [Kind.REMINDER]
    assert say(61, short, empty, told=(knows(short), knows(empty, 5))) == ()


def test_muting_never_covers_resolved() -> None:
    short = incident("runway-short kie/balance w", 0, 20)
    empty = incident("credits-exhausted kie/balance c", 5)
    found = say(21, short, empty, told=(knows(short), knows(empty, 5)))
    assert [(n.incident, n.kind) for n in found] == [(short, Kind.RESOLVED)]


def test_what_comes_out_from_under_another_is_told_then() -> None:
    short = incident("runway-short kie/balance w", 6)
    empty = incident("credits-exhausted kie/balance c", 5)
    assert say(7, short, empty, told=(knows(empty, 5),)) == ()
    over = incident("credits-exhausted kie/balance c", 5, 10)
    done = (knows(over, 5), knows(over, 10, Kind.RESOLVED))
    assert [n.incident for n in say(10, short, over, told=done)] == [short]


@pytest.mark.parametrize(
    ("lived", "speaker", "told"),
    [
        ((5, 20), (5, 20), False),
        ((5, 20), (4, None), False),
        ((5, 20), (5, 19), True),
        ((5, 20), (6, None), True),
        ((5, 20), (0, 5), True),
    ],
)
def test_what_another_spoke_for_all_its_life_is_never_told(
    lived: tuple[float, float], speaker: tuple[float, float | None], told: bool
) -> None:
    short = incident("runway-short kie/balance w", *lived)
    empty = incident("credits-exhausted kie/balance c", *speaker)
    known = (knows(empty, 5), knows(empty, 20, Kind.RESOLVED))
    assert [n.incident for n in say(30, short, empty, told=known)] == ([short] if told else [])


def test_a_silence_and_another_incident_may_mute_a_life_between_them() -> None:
    short = incident("runway-short kie/balance w", 5, 20)
    empty = incident("credits-exhausted kie/balance c", 10, 25)
    known = (knows(empty, 10), knows(empty, 25, Kind.RESOLVED))
    hush = Silence("s", "*", "runway-short", at(0), at(10), "ada", "")
    assert say(30, short, empty, told=known, silences=(hush,)) == ()
    assert len(say(30, short, empty, told=known)) == 1


def test_a_late_opening_of_what_is_over_is_not_muted_by_what_stands_now() -> None:
    short = incident("runway-short kie/balance w", 0, 20)
    empty = incident("credits-exhausted kie/balance c", 10)
    found = say(30, short, empty, told=(knows(empty, 20),))
    assert [(n.incident, n.kind) for n in found] == [(short, Kind.OPENED)]


@pytest.mark.parametrize(
    ("spans", "whole"),
    [
        ("", False),
        ("5-20", True),
        ("5-20 5-20", True),
        ("6-20", False),
        ("5-19", False),
        ("5-10 10-20", True),
        ("5-10 11-20", False),
        ("5-5 5-20", True),
        ("20-30", False),
        ("0-5", False),
        ("0-5 5-6 0-30", True),
    ],
)
def test_covered_leaves_no_moment_free(spans: str, whole: bool) -> None:
    pairs = [part.split("-") for part in spans.split()]
    some = [(at(float(a)), at(float(b))) for a, b in pairs]
    assert covered(at(5), at(20), some) is whole
    assert covered(at(5), at(20), reversed(some)) is whole


@pytest.mark.parametrize(("span", "whole"), [((4, 5), False), ((5, 5), False), ((5, 6), True)])
def test_a_moment_is_covered_by_what_holds_it(span: tuple[float, float], whole: bool) -> None:
    assert covered(at(5), at(5), [(at(span[0]), at(span[1]))]) is whole
