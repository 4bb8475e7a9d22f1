"""The built-in rules: their names, thresholds, severities, and what they cover."""

from __future__ import annotations

from decimal import Decimal

import pytest
from core_scenes import NOW, a_view, an_outlook

from monitor.core.builtin import BUILTIN, DOCUMENTATION, EVERY, NOTICES, OPTIONAL
from monitor.core.causes import CAUSES, KEY_CAUSES, MODEL_CAUSES, MONEY_CAUSES, Cause
from monitor.core.globs import matches
from monitor.core.model import Outlook, Quota, Verdict
from monitor.core.rules import judge
from monitor.core.when import format_condition

RULES = {rule.name: rule for rule in BUILTIN}
TABLE = """
key-rejected         */key            critical cause in [key_expired, key_rejected]
key-lacks-permission */key            critical cause is key_lacks_permission
key-cap-reached      */key            critical cause is key_cap_reached
key-expires          */key            warning  key-expires
model-unavailable    *                warning  cause in [model_degraded, model_gated, model_missing, model_moved, model_not_served, model_retired]
models-exhausted     */model          critical models-exhausted
credits-exhausted    *                critical cause in [credits_exhausted, quota_exhausted]
runway-short         */balance        warning  runway < 24h
runway-critical      */balance        critical runway < 4h and runway(p50) < 8h
burn-spike           */balance        warning  burn > 3x usual
quota-high           */quota          warning  quota_used >= 80%
quota-critical       */quota          critical quota_used >= 95%
rate-limited         *                warning  rate-limited
provider-down        */provider       critical provider-down
balance-unreadable   */balance        warning  balance-unreadable
target-stale         *                warning  target-stale
store-failed monitor/store critical store-failed
receiver-failing     monitor/receiver/* warning  receiver-failing
monitor-offline      monitor/network  warning  monitor-offline
unit-changed         */balance        warning  unit-changed
key-changed          */key            warning  key-changed
"""  # noqa: E501 - a table


def test_the_built_in_rules_are_these() -> None:
    said = [[r.name, r.on, r.severity.value, format_condition(r.when)] for r in BUILTIN]
    assert said == [line.split(maxsplit=3) for line in TABLE.strip().splitlines()]


def test_every_built_in_is_marked_and_documented_in_one_line() -> None:
    assert all(rule.builtin for rule in EVERY)
    assert list(DOCUMENTATION) == [rule.name for rule in EVERY]
    assert all(text and "\n" not in text for text in DOCUMENTATION.values())


def test_only_a_top_up_is_told_on_request() -> None:
    assert [(r.name, r.on, r.severity.value) for r in OPTIONAL] == [
        ("topped-up", "*/balance", "info")
    ]
    assert list(NOTICES) == ["unit-changed", "key-changed", "topped-up"]


@pytest.mark.parametrize("name", list(NOTICES))
def test_what_happens_once_never_opens_and_closes_what_a_rule_of_that_name_left(name: str) -> None:
    for cause in Cause:
        view = a_view("kie/balance", cause, balance="-5")
        assert judge(NOTICES[name], view, firing=True, now=NOW).verdict is Verdict.OK


def test_only_the_runway_has_a_hysteresis_and_only_staleness_waits() -> None:
    cleared = {r.name: format_condition(r.clear) for r in BUILTIN if r.clear is not None}
    assert cleared == {
        "runway-short": "runway >= 30h",
        "runway-critical": "runway >= 5h or runway(p50) >= 10h",
    }
    assert {r.name: r.for_seconds for r in BUILTIN if r.for_seconds} == {"target-stale": 30.0}
    assert {r.name: r.after for r in BUILTIN if r.after != 1} == {
        "runway-short": 2, "runway-critical": 2
    }  # fmt: skip
    assert not any(r.keep_firing_for for r in BUILTIN)


def test_a_models_cause_says_how_often_it_is_seen_before_it_is_believed() -> None:
    after = RULES["model-unavailable"].after_by_cause
    assert after == {
        Cause.MODEL_MISSING: 1, Cause.MODEL_RETIRED: 1, Cause.MODEL_NOT_SERVED: 2,
        Cause.MODEL_GATED: 2, Cause.MODEL_MOVED: 3, Cause.MODEL_DEGRADED: 3,
    }  # fmt: skip
    assert all(CAUSES[cause].after == count for cause, count in after.items())


COVERED = [
    ("kie/key", "key-rejected key-lacks-permission key-cap-reached key-expires key-changed"),
    (
        "kie/balance",
        "credits-exhausted runway-short runway-critical burn-spike balance-unreadable "
        "unit-changed",
    ),
    ("hf/quota", "credits-exhausted quota-high quota-critical"),
    ("hf/inference/a/b", "credits-exhausted model-unavailable"),
    ("hf/model/a/b", "model-unavailable"),
    ("hf/model", "models-exhausted"),
    ("hf/provider", "provider-down"),
    ("monitor/network", "monitor-offline"),
    ("monitor/receiver/oncall", "receiver-failing"),
    ("anything/at/all", "rate-limited target-stale"),
]


@pytest.mark.parametrize(("target", "names"), COVERED)
def test_a_rule_reaches_the_targets_it_is_about(target: str, names: str) -> None:
    reached = {rule.name for rule in BUILTIN if matches(rule.on, target)}
    assert set(names.split()) <= reached


def test_no_rule_of_one_target_reaches_another_kind() -> None:
    narrow = {r.name for r in BUILTIN if r.on != "*"}
    for target, names in COVERED:
        reached = {n for n in narrow if matches(RULES[n].on, target)}
        assert reached == set(names.split()) & narrow


@pytest.mark.parametrize("cause", list(Cause))
def test_each_cause_has_at_most_one_rule_that_names_it(cause: Cause) -> None:
    key = cause in KEY_CAUSES
    view = a_view("kie/key" if key else "hf/inference/x", cause)
    named = KEY_CAUSES | MODEL_CAUSES | MONEY_CAUSES
    breached = [
        rule.name
        for rule in BUILTIN
        if matches(rule.on, view.target)
        and judge(rule, view, firing=False, now=NOW).verdict is Verdict.BREACH
    ]
    assert len(breached) == (1 if cause in named else 0)


RUNWAYS = [
    # p25, p50, firing: runway-short, runway-critical
    (24.0, 48.0, False, "ok ok"),
    (23.9, 48.0, False, "breach ok"),
    (29.9, 48.0, True, "breach ok"),
    (30.0, 48.0, True, "ok ok"),
    (3.9, 7.9, False, "breach breach"),
    (3.9, 8.0, False, "breach ok"),
    (4.0, 7.9, False, "breach ok"),
    (4.9, 9.9, True, "breach breach"),
    (5.0, 9.9, True, "breach ok"),
    (4.9, 10.0, True, "breach ok"),
    (0.0, 0.0, False, "breach breach"),
    (float("inf"), float("inf"), True, "ok ok"),
    (None, None, True, "unknown unknown"),
]


@pytest.mark.parametrize(("p25", "p50", "firing", "expected"), RUNWAYS)
def test_the_runway_rules_at_their_borders(
    p25: float | None, p50: float | None, firing: bool, expected: str
) -> None:
    view = a_view(outlook=an_outlook(p25=p25, p50=p50))
    rules = (RULES["runway-short"], RULES["runway-critical"])
    said = [judge(r, view, firing=firing, now=NOW).verdict.value for r in rules]
    assert " ".join(said) == expected


@pytest.mark.parametrize(("recent", "usual", "expected"), [
    (120.0, 40.0, "ok"), (120.1, 40.0, "breach"), (9.0, 0.0, "unknown"), (9.0, None, "unknown"),
    (None, 40.0, "unknown"), (0.0, 40.0, "ok"),
])  # fmt: skip
def test_a_spike_is_more_than_three_times_what_is_usual(
    recent: float | None, usual: float | None, expected: str
) -> None:
    view = a_view(outlook=an_outlook(usual=usual, recent=recent))
    assert judge(RULES["burn-spike"], view, firing=False, now=NOW).verdict.value == expected


@pytest.mark.parametrize(("used", "expected"), [
    ("79.9", "ok ok"), ("80", "breach ok"), ("94.9", "breach ok"), ("95", "breach breach"),
    ("130", "breach breach"), (None, "unknown unknown"),
])  # fmt: skip
def test_the_quota_rules_at_their_borders(used: str | None, expected: str) -> None:
    quota = Quota("month", None if used is None else Decimal(used), Decimal(100), "calls")
    view = a_view("hf/quota", quotas=(quota,))
    rules = (RULES["quota-high"], RULES["quota-critical"])
    said = [judge(r, view, firing=False, now=NOW).verdict.value for r in rules]
    assert " ".join(said) == expected


def test_an_endless_forecast_breaches_nothing() -> None:
    view = a_view(balance="10", outlook=Outlook(0.0, *[float("inf")] * 4))
    balance = [r for r in BUILTIN if matches(r.on, view.target)]
    verdicts = {judge(r, view, firing=False, now=NOW).verdict for r in balance}
    assert Verdict.BREACH not in verdicts
