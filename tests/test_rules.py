"""What a rule says of a target: measures, verdicts, reasons; and who is to blame for silence."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from core_scenes import NOW, a_group, a_reading, a_view, an_outlook, later
from house import House

from monitor.core.blame import failing_since
from monitor.core.builtin import BUILTIN
from monitor.core.causes import FAILURES, KEY_CAUSES, Cause, Severity
from monitor.core.conditions import Both, Compare, Either, Special, holds, measure
from monitor.core.model import Check, Judgement, Quota, Verdict
from monitor.core.rules import Rule, judge
from monitor.core.sentences import because
from monitor.core.specials import accepted_elsewhere
from monitor.core.view import View
from monitor.core.when import parse_when
from monitor.core.words import NEXT_STEP, WHAT, amount, percent

RULES = {rule.name: rule for rule in BUILTIN}
BALANCE = a_view(
    balance="5916.25", unit="credits", floor=Decimal(135), jobs_left={"sora": 43},
    outlook=an_outlook(usual=40.0, recent=130.0),
)  # fmt: skip
QUOTAS = (
    Quota("month", Decimal("0.04"), Decimal("0.1"), "USD"),
    Quota("day", Decimal(90), Decimal(100), "calls"),
    Quota("free", Decimal(5), None, "calls"),
    Quota("odd", None, Decimal(7), "calls"),
)


def verdict(when: str, view: View, *, firing: bool = False, clear: str = "") -> Judgement:
    """What a rule with that condition says at `NOW`."""
    rule = Rule("mine", "*", parse_when(when), clear=parse_when(clear) if clear else None)
    return judge(rule, view, firing=firing, now=NOW)


def special(
    name: str, view: View, *, network: View | None = None, provider: View | None = None,
    now: datetime = NOW,
) -> Verdict:  # fmt: skip
    """What the built-in rule of that name says."""
    return judge(
        RULES[name], view, firing=False, now=now, network=network, provider=provider
    ).verdict


MEASURED = [
    ("balance < 1", BALANCE, 5916.25),
    ("burn > 1/h", BALANCE, 41.5),
    ("burn > 3x usual", BALANCE, 3.25),
    ("runway < 1h", BALANCE, 112.0 * 3600),
    ("runway(p10) < 1h", BALANCE, 90.1 * 3600),
    ("runway(p50) < 1h", BALANCE, 139.3 * 3600),
    ("runway(p90) < 1h", BALANCE, math.inf),
    ("jobs_left(sora) < 1", BALANCE, 43),
    ("jobs_left(veo) < 1", BALANCE, None),
    ("failures >= 3", BALANCE, 0),
    ("latency > 1s", BALANCE, 0.25),
    ("age > 1h", replace(BALANCE, last_success=later(-90)), 90),
    ("age > 1h", replace(BALANCE, last_success=None), None),
    ("burn > 3x usual", a_view(outlook=an_outlook(usual=0.0, recent=9.0)), None),
    ("burn > 3x usual", a_view(outlook=an_outlook(usual=None, recent=9.0)), None),
    ("burn > 3x usual", a_view(outlook=an_outlook(usual=3.0, recent=None)), None),
    ("burn > 3x usual", a_view(outlook=an_outlook(usual=3.0, recent=0.0)), 0),
    ("burn > 3x usual", a_view(outlook=an_outlook(usual=0.5, recent=2.0)), 4),
    ("burn > 1/h", a_view(outlook=an_outlook(None)), None),
    ("burn > 1/h", a_view(), None),
    ("runway < 1h", a_view(), None),
    ("runway < 1h", a_view(outlook=an_outlook(p25=None)), None),
    ("balance < 1", a_view(), None),
    ("quota_used > 80%", a_view("hf/quota", quotas=QUOTAS), 0.9),
    ("quota_used > 80", a_view("hf/quota", quotas=QUOTAS), 90),
    ("quota_left < 20%", a_view("hf/quota", quotas=QUOTAS), 0.1),
    ("quota_left < 5", a_view("hf/quota", quotas=QUOTAS), 0.06),
    ("quota_left < 5", a_view("hf/quota", quotas=QUOTAS[2:]), None),
    ("quota_used > 80%", a_view("hf/quota", quotas=QUOTAS[2:]), None),
    ("quota_used > 80", a_view("hf/quota", quotas=QUOTAS[2:]), 5),
    ("quota_left < 20%", a_view("hf/quota", quotas=(Quota("z", Decimal(1), Decimal(0), "x"),)),
     None),
    ("quota_used > 80%", a_view("hf/quota"), None),
    ("failures >= 3", a_view(cause=None), None),
    ("latency > 1s", a_view(cause=None), None),
]  # fmt: skip


@pytest.mark.parametrize(("when", "view", "value"), MEASURED)
def test_a_measure_is_the_views_figure_or_unknown(
    when: str, view: View, value: float | None
) -> None:
    condition = parse_when(when)
    assert isinstance(condition, Compare)
    assert measure(condition, view, now=NOW) == pytest.approx(value)


@pytest.mark.parametrize("when", [
    "balance < 9e9", "burn > 0/h", "burn > 1x usual", "runway < 9999h", "jobs_left(sora) < 999",
    "latency > 0s",
])  # fmt: skip
def test_what_the_last_probe_could_not_read_is_not_remembered_for_it(when: str) -> None:
    when = when.replace("9e9", "9000000")
    unread = replace(BALANCE, cause=Cause.TIMED_OUT, failures=1)
    assert verdict(when, BALANCE).verdict is Verdict.BREACH
    assert verdict(when, unread).verdict is Verdict.UNKNOWN
    assert verdict(when, unread, firing=True).verdict is Verdict.UNKNOWN


def test_quotas_of_an_unread_probe_are_unknown() -> None:
    read = a_view("hf/quota", quotas=QUOTAS)
    for when in ("quota_used > 1%", "quota_left < 99%"):
        assert verdict(when, read).verdict is Verdict.BREACH
        unread = replace(read, cause=Cause.PROVIDER_ERROR)
        assert verdict(when, unread).verdict is Verdict.UNKNOWN


def test_an_exhausted_quota_still_has_its_figures() -> None:
    spent = a_view("hf/quota", Cause.QUOTA_EXHAUSTED, quotas=QUOTAS)
    assert verdict("quota_used >= 80%", spent).verdict is Verdict.BREACH


def test_failures_and_age_are_judged_of_a_target_that_cannot_be_read() -> None:
    unread = a_view(cause=Cause.TIMED_OUT, failures=3, last_success=later(-7200))
    assert verdict("failures >= 3", unread).verdict is Verdict.BREACH
    assert verdict("failures >= 4", unread).verdict is Verdict.OK
    assert verdict("age > 1h", unread).verdict is Verdict.BREACH
    assert verdict("age > 3h", unread).verdict is Verdict.OK


def test_age_is_seen_anew_at_every_look() -> None:
    assert verdict("age > 1h", a_view(at=later(-9000))).evidence_at == NOW
    assert verdict("failures < 1", a_view(at=later(-9000))).evidence_at == later(-9000)


CAUSES_JUDGED = [
    ("cause is model_missing", Cause.MODEL_MISSING, "breach"),
    ("cause is model_missing", Cause.OK, "ok"),
    ("cause is model_missing", Cause.MODEL_RETIRED, "ok"),
    ("cause is model_missing", Cause.TIMED_OUT, "unknown"),
    ("cause is model_missing", Cause.NOT_CONFIGURED, "unknown"),
    ("cause is model_missing", None, "unknown"),
    ("cause is timed_out", Cause.TIMED_OUT, "breach"),
    ("cause is timed_out", Cause.PROVIDER_ERROR, "unknown"),
    ("cause is timed_out", Cause.OK, "ok"),
    ("cause in [not_knowable, ok]", Cause.NOT_KNOWABLE, "breach"),
    ("unavailable", Cause.OK, "ok"),
    ("unavailable", Cause.MODEL_MOVED, "ok"),
    ("unavailable", Cause.MODEL_MISSING, "breach"),
    ("unavailable", Cause.CREDITS_EXHAUSTED, "breach"),
    ("unavailable", Cause.TIMED_OUT, "unknown"),
    ("unavailable", None, "unknown"),
]


@pytest.mark.parametrize(("when", "cause", "expected"), CAUSES_JUDGED)
def test_a_cause_that_was_not_read_leaves_open_what_was_true(
    when: str, cause: Cause | None, expected: str
) -> None:
    assert verdict(when, a_view("hf/model/x", cause)).verdict.value == expected


OPERATED = [
    ("<", "breach ok ok"),
    ("<=", "breach breach ok"),
    (">", "ok ok breach"),
    (">=", "ok breach breach"),
]


@pytest.mark.parametrize(("op", "expected"), OPERATED)
def test_every_operator_at_its_border(op: str, expected: str) -> None:
    views = [a_view(balance=b) for b in ("99.99", "100", "100.01")]
    assert " ".join(verdict(f"balance {op} 100", v).verdict for v in views) == expected


def test_a_firing_alert_ends_only_when_clear_holds() -> None:
    def at(balance: str, *, firing: bool) -> Verdict:
        view = a_view(balance=balance)
        return verdict("balance < 10", view, firing=firing, clear="balance >= 12").verdict

    assert [at(b, firing=False) for b in ("9", "11", "12")] == ["breach", "ok", "ok"]
    assert [at(b, firing=True) for b in ("9", "11", "12")] == ["breach", "breach", "ok"]


def test_a_clear_that_contradicts_its_rule_does_not_make_it_flap() -> None:
    judged = verdict("balance < 10", a_view(balance="7"), firing=True, clear="balance >= 5")
    assert judged.verdict is Verdict.BREACH


def test_a_clear_that_cannot_be_known_does_not_end_anything() -> None:
    judged = verdict("failures >= 3", a_view(balance=None), firing=True, clear="balance >= 5")
    assert judged.verdict is Verdict.UNKNOWN


TWO = [(1, 1, True, True), (1, 9, False, True), (9, 1, False, True), (9, 9, False, False),
       (None, 1, None, True), (None, 9, False, None), (1, None, None, True),
       (None, None, None, None)]  # fmt: skip


@pytest.mark.parametrize(("p25", "p50", "both", "either"), TWO)
def test_two_conditions_at_once_know_what_one_of_them_decides(
    p25: float | None, p50: float | None, both: bool | None, either: bool | None
) -> None:
    first, second = parse_when("runway < 4h"), parse_when("runway(p50) < 4h")
    assert isinstance(first, Compare)
    assert isinstance(second, Compare)
    view = a_view(outlook=an_outlook(p25=p25, p50=p50))
    assert holds(Both(first, second), view, now=NOW) is both
    assert holds(Either(first, second), view, now=NOW) is either


def test_a_special_rule_is_no_condition_on_one_view() -> None:
    with pytest.raises(TypeError, match="provider-down"):
        holds(Special("provider-down"), a_view(), now=NOW)


SENTENCES = [
    ("balance < 10000", BALANCE, "balance 5916.25 is under 10000"),
    ("balance <= 9999.5", BALANCE, "balance 5916.25 is at most 9999.5"),
    ("balance > 100", BALANCE, "balance 5916.25 is over 100"),
    ("balance >= 100", BALANCE, "balance 5916.25 is at least 100"),
    ("balance < 10000", a_view(balance="9999.999"), "balance 9999.99 is under 10000"),
    ("balance < 0", a_view(balance="-0.005"), "balance -0.005 is under 0"),
    ("runway < 24h", a_view(outlook=an_outlook(p25=5.2)),
     "runway (P25) about 5 h is under 24h"),
    ("runway < 24h", a_view(outlook=an_outlook(p25=0.0)), "runway (P25) 0 is under 24h"),
    ("runway(p50) > 24h", a_view(outlook=an_outlook(p50=math.inf)),
     "runway (P50) without end is over 24h"),
    ("burn > 40/h", BALANCE, "burn 41.5 per hour is over 40 per hour"),
    ("burn > 48/d", BALANCE, "burn 41.5 per hour is over 2 per hour"),
    ("burn > 3x usual", BALANCE, "burn 130 per hour is over 3 times the usual 40 per hour"),
    ("jobs_left(sora) < 50", BALANCE, "jobs left (sora) 43 is under 50"),
    ("quota_used >= 80%", a_view("hf/quota", quotas=QUOTAS), "quota used 90 % is at least 80 %"),
    ("quota_left < 5", a_view("hf/quota", quotas=QUOTAS), "quota left 0.06 is under 5"),
    ("failures >= 3", a_view(cause=Cause.TIMED_OUT, failures=4),
     "failures in a row 4 is at least 3"),
    ("latency > 100ms", BALANCE, "latency 0.25 s is over 100ms"),
    ("age > 1h", a_view(at=later(-7200)), "age about 2 h is over 1h"),
    ("cause is model_missing", a_view("hf/model/x", Cause.MODEL_MISSING), "no such model"),
    ("unavailable", a_view("hf/model/x", Cause.MODEL_GATED, summary="ask for access first"),
     "ask for access first"),
    ("cause is credits_exhausted",
     a_view(cause=Cause.CREDITS_EXHAUSTED, balance="90", floor=Decimal(135)),
     "balance 90 is under the floor of 135"),
    ("cause is credits_exhausted", a_view(cause=Cause.CREDITS_EXHAUSTED, balance="0"),
     "balance 0: nothing is left"),
    ("cause is credits_exhausted",
     replace(a_view(cause=Cause.CREDITS_EXHAUSTED, summary="top up, says KIE"),
             balance=Decimal(5000)),
     "top up, says KIE"),
]  # fmt: skip


@pytest.mark.parametrize(("when", "view", "words"), SENTENCES)
def test_a_breach_says_why_in_a_sentence_for_people(when: str, view: View, words: str) -> None:
    judged = verdict(when, view)
    assert (judged.verdict, judged.summary) == (Verdict.BREACH, words)


def test_what_is_not_yet_cleared_says_what_it_waits_for() -> None:
    view = a_view(balance="11", outlook=an_outlook(p25=4.6, p50=9.0))
    waits = verdict("balance < 10", view, firing=True, clear="balance >= 12")
    assert waits.summary == "balance 11 is not yet at least 12"
    critical = judge(RULES["runway-critical"], view, firing=True, now=NOW)
    assert critical.summary == "runway (P25) about 5 h is not yet at least 5h"
    worded = verdict("failures >= 3", a_view(), firing=True, clear="cause is rate_limited")
    assert worded.summary == "fine"


def test_a_judgement_names_the_cause_and_the_reading_it_rests_on() -> None:
    judged = verdict("balance < 10000", BALANCE)
    assert judged == Judgement(Verdict.BREACH, NOW, Cause.OK, "balance 5916.25 is under 10000")
    assert verdict("unavailable", a_view(cause=Cause.CREDITS_EXHAUSTED)).cause is (
        Cause.CREDITS_EXHAUSTED
    )
    assert verdict("balance < 1", BALANCE).summary == ""
    assert verdict("balance < 1", replace(BALANCE, evidence_at=None)).evidence_at == NOW
    assert verdict("balance < 1", a_view(cause=None)).evidence_at is None


@pytest.mark.parametrize("rule", [*BUILTIN, Rule("mine", "*", parse_when("failures >= 0"))],
                         ids=lambda r: r.name)  # fmt: skip
def test_where_the_key_is_bad_nothing_else_is_known(rule: Rule) -> None:
    view = a_view(
        "kie/balance", Cause.CREDITS_EXHAUSTED, balance="0", key_cause=Cause.KEY_REJECTED,
        at=later(-90000),
    )  # fmt: skip
    judged = judge(rule, view, firing=True, now=NOW)
    assert (judged.verdict, judged.cause) == (Verdict.UNKNOWN, Cause.KEY_REJECTED)


def test_the_key_itself_is_judged() -> None:
    key = a_view("kie/key", Cause.KEY_EXPIRED, key_cause=Cause.KEY_EXPIRED)
    judged = judge(RULES["key-rejected"], key, firing=False, now=NOW)
    assert (judged.verdict, judged.summary) == (Verdict.BREACH, "the key has expired")
    assert special("rate-limited", key) is Verdict.OK


@pytest.mark.parametrize("cause", sorted(KEY_CAUSES))
def test_a_refused_key_leaves_no_figure_behind(cause: Cause) -> None:
    refused = replace(BALANCE, cause=cause)
    assert refused.known_balance is None
    assert verdict("balance < 9000", refused).verdict is Verdict.UNKNOWN


def test_a_refusal_without_a_number_is_not_an_older_number() -> None:
    refused = replace(a_view(cause=Cause.CREDITS_EXHAUSTED), balance=Decimal(5000))
    assert verdict("balance > 100", refused).verdict is Verdict.UNKNOWN
    counted = a_view(cause=Cause.CREDITS_EXHAUSTED, balance="0")
    assert verdict("balance < 100", counted).verdict is Verdict.BREACH


# -- models-exhausted -----------------------------------------------------------------------


def models(*causes: str) -> View:
    """`hf/model`; each cause may carry its streak: `model_gated*2`."""
    members = []
    for number, word in enumerate(causes):
        name, _, streak = word.partition("*")
        cause = None if name == "-" else Cause(name)
        member = a_view(f"hf/model/m{number}", cause, streak=int(streak or 0))
        if cause in KEY_CAUSES:
            member = replace(member, key_cause=cause)
        members.append(member)
    return a_group("hf/model", *members, cause=Cause.OK)


EXHAUSTED = [
    (("model_missing*1",), "breach"),
    (("model_missing*1", "model_retired*1"), "breach"),
    (("model_missing*1", "model_not_served*2", "model_gated*2"), "breach"),
    (("model_missing*1", "model_not_served*1"), "unknown"),
    (("model_missing*0",), "unknown"),
    (("model_missing*1", "ok"), "ok"),
    (("model_missing*1", "model_loading"), "ok"),
    (("model_missing*1", "model_degraded*5"), "ok"),
    (("model_missing*1", "timed_out"), "unknown"),
    (("model_missing*1", "timed_out*9"), "unknown"),
    (("model_missing*1", "-"), "unknown"),
    (("model_missing*1", "key_rejected*1"), "unknown"),
    (("key_rejected*1",), "unknown"),
    (("key_rejected*1", "ok"), "ok"),
    ((), "unknown"),
]


@pytest.mark.parametrize(("causes", "expected"), EXHAUSTED)
def test_models_are_exhausted_when_each_is_confirmed_unusable(
    causes: tuple[str, ...], expected: str
) -> None:
    assert special("models-exhausted", models(*causes)).value == expected


def test_a_refused_key_is_no_verdict_on_a_model() -> None:
    refused = a_view("hf/model/x", Cause.KEY_REJECTED, streak=9)  # not yet known to the key
    assert special("models-exhausted", a_group("hf/model", refused)) is Verdict.UNKNOWN


def test_no_model_left_is_said_with_its_cause() -> None:
    view = models("model_retired*1", "model_missing*3")
    judged = judge(RULES["models-exhausted"], view, firing=False, now=NOW)
    assert judged.cause is Cause.MODEL_RETIRED
    assert judged.summary == "no model is left: all 2 are unusable (the model is retired)"
    alone = judge(RULES["models-exhausted"], models("model_gated*2"), firing=False, now=NOW)
    assert alone.summary == "no model is left: the model is gated for this account"


# -- who is to blame ------------------------------------------------------------------------


def failing(
    target: str, cause: Cause, failures: int = 3, *, at: float = 0, **more: object
) -> View:
    """A target that fails, five minutes apart, for that many probes; its last was at `at`."""
    more.setdefault("last_success", later(at - 300 * failures))
    return a_view(target, cause, at=later(at), failures=failures, **more)


def blamed(*members: View, around: tuple[View, ...] = ()) -> str:
    """The rules about failing probes that breach, for the first member and what it belongs to."""
    first = members[0]
    provider = a_group(f"{first.provider}/provider", *members, provider=first.provider)
    network = a_group("monitor/network", *members, *around)
    looks = {
        "rate-limited": first,
        "balance-unreadable": first,
        "provider-down": provider,
        "monitor-offline": network,
    }
    said = {n: special(n, v, network=network, provider=provider) for n, v in looks.items()}
    return " ".join(sorted(n for n, v in said.items() if v is Verdict.BREACH))


OK_ELSEWHERE = a_view("other/balance", at=later(-10))
LOST, REFUSED, SLOW = Cause.NETWORK_OFFLINE, Cause.PROVIDER_UNREACHABLE, Cause.TIMED_OUT


@pytest.mark.parametrize(("cause", "on_balance", "on_model"), [
    (Cause.TIMED_OUT, "provider-down", "provider-down"),
    (Cause.PROVIDER_MAINTENANCE, "provider-down", "provider-down"),
    (Cause.PROVIDER_ERROR, "provider-down", "provider-down"),
    (Cause.PROVIDER_UNREACHABLE, "provider-down", "provider-down"),
    (Cause.TLS_INVALID, "provider-down", "provider-down"),
    (Cause.ANSWER_MALFORMED, "balance-unreadable", "provider-down"),
    (Cause.ENDPOINT_RETIRED, "balance-unreadable", "provider-down"),
    (Cause.RATE_LIMITED, "rate-limited", "rate-limited"),
    (Cause.NETWORK_OFFLINE, "balance-unreadable", ""),
    (Cause.NOT_KNOWABLE, "", ""),
    (Cause.NOT_CONFIGURED, "", ""),
])  # fmt: skip
def test_after_three_failures_one_rule_fits(cause: Cause, on_balance: str, on_model: str) -> None:
    for target, expected in (("kie/balance", on_balance), ("kie/model/x", on_model)):
        assert blamed(failing(target, cause), around=(OK_ELSEWHERE,)) == expected
        assert blamed(failing(target, cause, 2), around=(OK_ELSEWHERE,)) == ""


def test_every_failure_of_a_balance_is_somebodys() -> None:
    for cause in FAILURES:
        assert blamed(failing("kie/balance", cause), around=(OK_ELSEWHERE,)).count("-") == 1


def test_what_was_read_since_the_failures_began_clears_the_provider() -> None:
    down = failing("kie/balance", Cause.PROVIDER_ERROR)  # since -600.5
    assert blamed(down, a_view("kie/key", at=later(-30)), around=(OK_ELSEWHERE,)) == (
        "balance-unreadable"
    )
    assert blamed(down, a_view("kie/key", at=later(-600.5)), around=(OK_ELSEWHERE,)) == (
        "provider-down"
    )
    refused = a_view("kie/key", Cause.KEY_REJECTED, at=later(-30))
    assert blamed(down, refused, around=(OK_ELSEWHERE,)) == "balance-unreadable"
    unread = a_view("kie/key", Cause.RATE_LIMITED, at=later(-30))
    assert blamed(down, unread, around=(OK_ELSEWHERE,)) == "provider-down"


def test_a_status_page_neither_blames_nor_clears_its_provider() -> None:
    page = a_view("kie/status", at=later(-1))
    down = failing("kie/balance", Cause.PROVIDER_ERROR)
    assert blamed(down, page, around=(OK_ELSEWHERE,)) == "provider-down"
    alone = failing("kie/status", Cause.PROVIDER_ERROR)
    assert blamed(alone, around=(OK_ELSEWHERE,)) == ""


def test_a_second_member_may_show_what_the_first_does_not() -> None:
    old = failing("kie/balance", Cause.PROVIDER_ERROR, 9)  # since -2700, the key was read since
    new = failing("kie/model/x", Cause.TIMED_OUT, 3)  # since -900
    key = a_view("kie/key", at=later(-1200))
    assert blamed(old, key, around=(OK_ELSEWHERE,)) == "balance-unreadable"
    assert blamed(old, new, key, around=(OK_ELSEWHERE,)) == "provider-down"


OFFLINE = [
    ((failing("kie/balance", REFUSED), failing("hf/key", SLOW, 1)), "monitor-offline"),
    ((failing("kie/balance", REFUSED), failing("kie/key", SLOW)), "provider-down"),
    ((failing("kie/balance", LOST),), "monitor-offline"),
    ((failing("kie/balance", REFUSED), failing("kie/key", LOST)), "monitor-offline"),
    (
        (
            failing("kie/balance", REFUSED, 20),
            failing("hf/key", SLOW),
            a_view("b/key", at=later(-1200)),
        ),
        "monitor-offline",
    ),
    ((failing("kie/balance", LOST, 2), failing("hf/key", SLOW, 2)), ""),
    ((failing("kie/balance", REFUSED, 2), failing("hf/key", LOST, 2)), ""),
    ((failing("kie/balance", REFUSED), failing("hf/key", Cause.PROVIDER_ERROR)), "provider-down"),
    ((failing("kie/balance", REFUSED), failing("hf/key", Cause.RATE_LIMITED)), "provider-down"),
    ((failing("kie/balance", REFUSED), a_view("hf/key", Cause.NOT_KNOWABLE)), "provider-down"),
    ((failing("kie/balance", REFUSED), a_view("hf/key", Cause.NOT_CONFIGURED)), "provider-down"),
    ((failing("kie/balance", REFUSED), a_view("hf/key", None)), "provider-down"),
    ((failing("kie/balance", LOST), a_view("hf/key", at=later(-20))), "balance-unreadable"),
    ((failing("kie/balance", LOST), a_view("hf/key", at=later(-900))), "monitor-offline"),
    ((failing("kie/balance", REFUSED), failing("hf/key", SLOW, 1), a_view("b/key")),
     "provider-down"),
    ((failing("kie/balance", REFUSED), failing("hf/key", SLOW, 1, at=-2000)), "provider-down"),
    ((failing("kie/balance", REFUSED), failing("monitor/canary", SLOW, 1)), "monitor-offline"),
    ((failing("kie/balance", LOST), a_view("monitor/canary", at=later(-5))),
     "balance-unreadable"),
]  # fmt: skip


@pytest.mark.parametrize(("members", "expected"), OFFLINE)
def test_we_are_offline_when_nobody_answers_anywhere(
    members: tuple[View, ...], expected: str
) -> None:
    first, *others = members
    own = [m for m in others if m.provider == first.provider]
    rest = tuple(m for m in others if m.provider != first.provider)
    assert blamed(first, *own, around=rest) == expected


def test_offline_is_said_with_our_own_cause_and_the_witness() -> None:
    network = a_group("monitor/network", failing("a/key", REFUSED), failing("b/key", SLOW))
    judged = judge(RULES["monitor-offline"], network, firing=False, now=NOW)
    assert judged.cause is Cause.NETWORK_OFFLINE
    assert judged.evidence_at == NOW
    assert judged.summary == (
        "nobody can be reached: the provider cannot be reached (a/key, 3 times in a row)"
    )


def test_a_provider_is_named_with_its_cause_and_the_witness() -> None:
    member = failing("k/balance", Cause.PROVIDER_ERROR, provider="kie")
    view = a_group("kie/provider", member, a_view("k/key", None))
    judged = judge(RULES["provider-down"], view, firing=False, now=NOW, network=None)
    assert (judged.verdict, judged.cause, judged.evidence_at) == (
        Verdict.BREACH, Cause.PROVIDER_ERROR, NOW
    )  # fmt: skip
    assert judged.summary == (
        "kie is down: the provider answers with an error (k/balance, 3 times in a row)"
    )


ENDING = [
    (
        (failing("a/key", SLOW), a_view("c/key", at=later(1)), a_view("d/key", at=later(-9999))),
        "ok",
    ),
    ((failing("a/key", SLOW), failing("b/key", SLOW), a_view("c/key", at=later(1))), "ok"),
    ((failing("a/key", SLOW, 2), failing("b/key", SLOW, 2)), "unknown"),
    ((failing("a/key", SLOW), failing("a/balance", SLOW)), "unknown"),
    ((a_view("a/key"), a_view("b/key")), "ok"),
    ((a_view("a/key"), failing("b/key", SLOW, 1, at=9, last_success=later(5))), "unknown"),
    ((a_view("a/key", None),), "unknown"),
    ((), "unknown"),
]


@pytest.mark.parametrize(("members", "expected"), ENDING)
def test_being_offline_ends_with_an_answer_and_not_with_ignorance(
    members: tuple[View, ...], expected: str
) -> None:
    assert special("monitor-offline", a_group("monitor/network", *members)).value == expected


def test_a_provider_is_up_again_with_a_reading_and_not_with_ignorance() -> None:
    def said(*members: View, network: View | None = None) -> str:
        view = a_group("kie/provider", *members)
        return special("provider-down", view, network=network).value

    assert said(a_view("kie/key")) == "ok"
    assert said(a_view("kie/key", at=later(1)), failing("kie/balance", SLOW)) == "ok"
    assert said(failing("kie/balance", SLOW, 2)) == "unknown"
    began = failing("kie/balance", Cause.RATE_LIMITED, 3)  # since -600.5
    assert said(a_view("kie/key", at=later(-600.5)), began) == "unknown"
    assert said(a_view("kie/key", at=later(-600.4)), began) == "ok"
    assert said(failing("kie/balance", Cause.RATE_LIMITED)) == "unknown"
    assert said() == "unknown"
    assert said(a_view("kie/status")) == "unknown"
    offline = a_group("monitor/network", failing("kie/balance", LOST))
    assert said(failing("kie/balance", LOST), network=offline) == "unknown"
    assert said(failing("kie/balance", SLOW), network=offline) == "unknown"


def test_without_the_views_around_it_nothing_larger_is_blamed() -> None:
    assert special("balance-unreadable", failing("kie/balance", SLOW)) is Verdict.BREACH
    assert special("rate-limited", failing("kie/key", Cause.RATE_LIMITED)) is Verdict.BREACH


def test_a_run_of_failures_began_no_earlier_than_the_last_reading_or_its_own_length() -> None:
    run = failing("kie/balance", SLOW, 3, last_success=None)
    assert failing_since(run) == later(-2 * 300.25)
    assert failing_since(replace(run, last_success=later(-500))) == later(-500)
    assert failing_since(replace(run, last_success=later(-9000))) == later(-2 * 300.25)
    assert failing_since(a_view()) is None
    assert failing_since(replace(run, reading=None)) is None
    assert failing_since(replace(run, failures=10**9)) == later(-1000 * 300.25)
    assert failing_since(replace(run, failed_from=later(-450))) == later(-450)


# -- balance-unreadable, rate-limited, target-stale ---------------------------------------------


def test_only_a_balance_is_an_unreadable_balance() -> None:
    assert special("balance-unreadable", a_view()) is Verdict.OK
    malformed = failing("hf/model/x/balance", Cause.ANSWER_MALFORMED)
    assert special("balance-unreadable", malformed) is Verdict.UNKNOWN
    assert special("balance-unreadable", a_view(cause=Cause.NOT_KNOWABLE, failures=5)) is (
        Verdict.UNKNOWN
    )
    assert special("balance-unreadable", a_view(cause=None)) is Verdict.UNKNOWN
    view = failing("kie/balance", Cause.ANSWER_MALFORMED, 4)
    judged = judge(RULES["balance-unreadable"], view, firing=False, now=NOW)
    assert (judged.cause, judged.evidence_at) == (Cause.ANSWER_MALFORMED, NOW)
    assert judged.summary == (
        "the balance cannot be read: the answer cannot be understood, 4 times in a row"
    )


def test_a_rate_limit_is_over_when_something_is_read() -> None:
    assert special("rate-limited", a_view("hf/key")) is Verdict.OK
    assert special("rate-limited", a_view("hf/key", SLOW, failures=9)) is Verdict.UNKNOWN
    view = failing("hf/model/x", Cause.RATE_LIMITED)
    judged = judge(RULES["rate-limited"], view, firing=False, now=NOW)
    assert (judged.cause, judged.evidence_at) == (Cause.RATE_LIMITED, NOW)
    assert judged.summary == "asked too often (rate limit), 3 times in a row"


WHOAMI = failing("hf/key", Cause.RATE_LIMITED)
OVERDUE = a_view("hf/model/x", at=later(-301))
VOUCHING = [
    (a_view("hf/model/x", at=NOW), True),
    (a_view("hf/model/x", at=later(60)), True),
    (a_view("hf/model/x", at=later(-300)), True),
    (OVERDUE, False),
    (a_view("hf/model/x", Cause.MODEL_MISSING), True),
    (a_view("hf/model/x", Cause.KEY_REJECTED), False),
    (a_view("hf/model/x", key_cause=Cause.KEY_REJECTED), False),
    (a_view("hf/model/x", SLOW), False),
    (a_view("hf/model/x", None), False),
    (a_view("hf/status"), False),
    (a_view("other/model/x"), False),
    (a_view("hf/key"), False),
]


@pytest.mark.parametrize(("sibling", "vouches"), VOUCHING)
def test_a_key_that_another_call_vouches_for_is_not_rate_limited(
    sibling: View, vouches: bool
) -> None:
    assert accepted_elsewhere(WHOAMI, (sibling,)) is vouches
    provider = a_group("hf/provider", WHOAMI, sibling)
    expected = Verdict.OK if vouches else Verdict.BREACH
    if sibling is OVERDUE:
        expected = Verdict.UNKNOWN  # it is asked any moment now, and may still vouch
    assert special("rate-limited", WHOAMI, provider=provider) is expected


def test_only_a_key_is_vouched_for() -> None:
    model = failing("hf/model/y", Cause.RATE_LIMITED)
    provider = a_group("hf/provider", model, a_view("hf/model/x"))
    assert special("rate-limited", model, provider=provider) is Verdict.BREACH
    assert not accepted_elsewhere(a_view("hf/key", None), (a_view("hf/model/x"),))


STALE = [
    ({"interval": 300.0}, 900),
    ({"interval": 60.0}, 180),
    ({"interval": 1.0, "timeout": 1.0}, 15),
    ({"interval": 5.0, "timeout": 1.0}, 15),
    ({"interval": 1.0, "timeout": 60.0}, 66),  # a hanging provider is not our fault
    ({"interval": 300.0, "reading": a_reading("kie/balance", retry_after=3600)}, 4500),
]


@pytest.mark.parametrize(("changes", "patience"), STALE)
def test_a_target_is_stale_when_no_probe_finished_for_three_intervals(
    changes: dict[str, object], patience: float
) -> None:
    view = a_view(**changes)  # type: ignore[arg-type]  # a table of fields
    assert special("target-stale", view, now=later(patience)) is Verdict.OK
    assert special("target-stale", view, now=later(patience + 0.1)) is Verdict.BREACH


def test_a_failing_probe_has_finished() -> None:
    assert special("target-stale", failing("kie/balance", SLOW, 50), now=later(60)) is Verdict.OK
    assert special("target-stale", a_view(cause=None), now=later(9999)) is Verdict.UNKNOWN
    derived = replace(a_view("kie/key"), check=None)
    assert special("target-stale", derived, now=later(9999)) is Verdict.UNKNOWN


def test_a_stale_target_says_for_how_long() -> None:
    judged = judge(RULES["target-stale"], a_view(), firing=False, now=later(7200))
    assert judged.summary == "no probe has finished for 2 h"
    moved = a_view("hf/model/x", Cause.MODEL_MOVED)
    judged = judge(RULES["target-stale"], moved, firing=False, now=later(7200))
    assert judged.cause is Cause.MODEL_MOVED
    assert judged.evidence_at == later(7200)


# -- words ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "text"), [
    (0, "0"), (0.0, "0"), (5916.25, "5916.25"), (Decimal("5916.25"), "5916.25"),
    (Decimal("10000"), "10000"), (Decimal("9999.999"), "9999.99"), (1234567.5, "1234567.5"),
    (0.000012345, "0.0000123"), (Decimal("0.04"), "0.04"), (Decimal("0.12345"), "0.123"),
    (0.5, "0.5"), (1, "1"), (-3.456, "-3.46"), (Decimal("-0.001"), "-0.001"), (100, "100"),
    (math.inf, "without end"),
])  # fmt: skip
def test_an_amount_reads_as_people_write_it(value: float | Decimal, text: str) -> None:
    assert amount(value) == text


def test_percentages_have_one_decimal_at_most() -> None:
    assert [percent(s) for s in (0.8, 0.8333, 1.0, 0.0)] == ["80 %", "83.3 %", "100 %", "0 %"]


def test_every_cause_has_words_and_a_next_step() -> None:
    assert set(WHAT) == set(NEXT_STEP) == set(Cause)
    assert {c for c, step in NEXT_STEP.items() if not step} == {Cause.OK, Cause.MODEL_LOADING}


def test_severity_is_the_rules_and_never_a_verdicts() -> None:
    rule = Rule("mine", "*", parse_when("balance < 9999"), severity=Severity.INFO)
    assert judge(rule, BALANCE, firing=False, now=NOW).verdict is Verdict.BREACH
    assert Check.BALANCE is BALANCE.check


def test_a_figure_that_is_gone_when_it_is_to_be_told_is_unknown_in_words_too() -> None:
    spike, balance = parse_when("burn > 3x usual"), parse_when("balance < 5")
    assert because(spike, a_view(), now=NOW) == "burn is unknown"
    assert because(spike, a_view(outlook=an_outlook(usual=0.0, recent=1.0)), now=NOW) == (
        "burn is unknown"
    )
    assert because(spike, a_view(outlook=an_outlook(usual=1.0)), now=NOW) == "burn is unknown"
    assert because(balance, a_view(), now=NOW) == "balance unknown is under 5"
    assert because(parse_when("unavailable"), a_view(cause=None), now=NOW) == "not asked yet"


def test_a_limit_without_the_users_spelling_is_put_in_words() -> None:
    view = a_view(outlook=an_outlook(p25=2.0), balance="3")
    assert because(Compare("runway", "<", 86400.0, "p25"), view, now=NOW) == (
        "runway (P25) about 2 h is under about 24 h"
    )
    assert because(Compare("balance", "<", 10.5), view, now=NOW) == "balance 3 is under 10.5"


def test_a_condition_of_two_gives_both_reasons() -> None:
    view = a_view(outlook=an_outlook(p25=2.0, p50=3.0))
    assert judge(RULES["runway-critical"], view, firing=False, now=NOW).summary == (
        "runway (P25) about 2 h is under 4h, runway (P50) about 3 h is under 8h"
    )


def test_nothing_smaller_is_blamed_where_something_larger_fits() -> None:
    limited = failing("kie/key", Cause.RATE_LIMITED)
    down = failing("kie/balance", Cause.PROVIDER_ERROR)
    assert blamed(limited, down, around=(OK_ELSEWHERE,)) == "provider-down"
    lost = failing("hf/key", LOST)
    assert blamed(limited, around=(lost,)) == "rate-limited"  # 429 is an answer: we are online
    early = failing("kie/key", Cause.RATE_LIMITED, at=-5000)
    assert blamed(early, around=(lost,)) == "monitor-offline"


def test_what_is_not_a_breach_still_names_the_cause() -> None:
    slow, fine = failing("kie/key", SLOW), a_view("kie/model/x", Cause.MODEL_MOVED)
    for view, cause in ((slow, SLOW), (fine, Cause.MODEL_MOVED), (a_view(cause=None), Cause.OK)):
        judged = judge(RULES["rate-limited"], view, firing=False, now=NOW)
        assert (judged.cause, judged.summary) == (cause, "")


async def test_a_runway_of_0_at_the_floor_is_over_above_it_though_no_forecast_knows() -> None:
    house = await House().start()
    for left in (30_000, 0, 0):
        house.script.balance(left)
        await house.probe(after=300)
    assert "runway-critical" in house.firing()
    assert "opened runway-critical" not in house.mail.said  # credits-exhausted says it
    house.script.balance(30_000)
    await house.probe(after=300)
    assert house.memory.views["kie/balance"].outlook.p25 is None
    assert not house.firing()
    assert "opened runway-critical" not in house.mail.said
