"""The status document: what it says of each target, of the whole, and in which shape."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from core_scenes import NOW, a_group, a_reading, a_view, an_outlook, later

from monitor.core.advice import next_step, summary
from monitor.core.builtin import BUILTIN
from monitor.core.causes import CAUSES, KEY_CAUSES, Cause, Severity, Status
from monitor.core.document import document
from monitor.core.model import Alert, AlertState, Quota, ServiceState, ServiceStatus
from monitor.core.rules import Rule
from monitor.core.settings import Settings, WebSettings
from monitor.core.snapshot import Snapshot
from monitor.core.status import (
    cause_status,
    concerned,
    exit_code,
    overall,
    rows,
    target_status,
)
from monitor.core.topping import top_up
from monitor.core.view import View
from monitor.core.when import parse_when

RULES = {rule.name: rule for rule in BUILTIN}
LOW = Rule(
    "kie-credits-low", "kie/balance", parse_when("balance < 10000"),
    clear=parse_when("balance >= 12000"),
)  # fmt: skip
KIE = a_view(
    balance="5916.25", unit="credits", floor=Decimal(135), jobs_left={"sora-2-pro-720p-15s": 43},
    outlook=an_outlook(),
)  # fmt: skip


def firing(
    rule: str, target: str, severity: Severity = Severity.WARNING, *,
    state: AlertState = AlertState.FIRING,
) -> Alert:  # fmt: skip
    """An alert as it stands."""
    return Alert(rule, target, state, since=NOW, severity=severity, summary="why", incident="01J")


def snapshot(
    *views: View, alerts: tuple[Alert, ...] = (), derived: tuple[View, ...] = (),
    services: tuple[ServiceState, ...] = (), rules: tuple[Rule, ...] = (LOW, *BUILTIN),
) -> Snapshot:  # fmt: skip
    """The house at `NOW`."""
    settings = Settings("c.yaml", (), (), rules, (), WebSettings(), "/m.db")
    return Snapshot(
        NOW, settings, {v.target: v for v in views}, {v.target: v for v in derived}, alerts,
        services=services,
    )  # fmt: skip


def entries(made: dict[str, object], member: str) -> list[dict[str, object]]:
    """A list of objects of the document."""
    found = made[member]
    assert isinstance(found, list)
    return found


# -- the document ---------------------------------------------------------------------------


def test_the_document_of_the_contract_word_for_word() -> None:
    model = a_view(
        "huggingface/model/stabilityai/stable-diffusion-xl-base-1.0", Cause.MODEL_NOT_SERVED
    )
    fallback = a_view("huggingface/model/black-forest-labs/FLUX.1-schnell")
    quota = a_view("huggingface/quota", quotas=(
        Quota("inference-providers", Decimal("0.04"), Decimal("0.1"), "USD",
              datetime(2026, 12, 1, tzinfo=later(0).tzinfo)),
    ))  # fmt: skip
    alert = replace(
        firing("kie-credits-low", "kie/balance"), summary="balance 5916.25 is under 10000"
    )
    made = document(
        snapshot(
            KIE, model, fallback, quota, alerts=(alert,),
            services=(ServiceState("image-generation", ServiceStatus.DEGRADED, "..."),),
        ),
        duration=0.41,
    )  # fmt: skip
    balance, sdxl, _, limits = entries(made, "targets")
    parts = ("targets", "alerts", "services", "silences", "maintenance", "calls", "leader",
             "daemon")  # fmt: skip
    assert {k: v for k, v in made.items() if k not in parts} == {
        "version": 1, "at": "2026-11-20T10:31:28Z", "status": "warning", "exit_code": 1,
        "duration_seconds": 0.41,
    }  # fmt: skip
    assert balance == {
        "target": "kie/balance", "account": "kie", "provider": "kie", "check": "balance",
        "subject": None, "status": "warning", "cause": "ok",
        "summary": "5916.25 credits, about 6 days", "next_step": "Top up 4084 credits",
        "next_step_in_full":
            "Top up 4084 credits to reach 10000: that lasts about 10 days at this burn",
        "firing": [{"alert": "kie-credits-low", "summary": "balance 5916.25 is under 10000"}],
        "last_run": "2026-11-20T10:31:28Z", "last_success": "2026-11-20T10:31:28Z",
        "duration_seconds": 0.25, "interval_seconds": 300, "facts": {},
        "balance": 5916.25, "last_balance": 5916.25,
        "doubted": None,
        "unit": "credits", "unit_since": None, "floor": 135, "burn_per_hour": 41.5,
        "burn_planned": False,
        "runway_hours": {"p10": 90.1, "p25": 112, "p50": 139.3, "p90": "+Inf"},
        "forecast_accuracy": None,
        "jobs_left": {"sora-2-pro-720p-15s": 43},
        "jobs_in_words": {"sora-2-pro-720p-15s": "43 Sora 2 Pro 720p 15 s videos"},
    }  # fmt: skip
    assert sdxl == {
        "target": "huggingface/model/stabilityai/stable-diffusion-xl-base-1.0",
        "account": "huggingface", "provider": "huggingface", "check": "model",
        "subject": "stabilityai/stable-diffusion-xl-base-1.0", "status": "warning",
        "cause": "model_not_served", "summary": "nobody serves the model",
        "next_step": "Switch to a fallback that is served",
        "next_step_in_full": "Switch to a fallback that is served", "firing": [],
        "last_run": "2026-11-20T10:31:28Z", "last_success": "2026-11-20T10:31:28Z",
        "duration_seconds": 0.25, "interval_seconds": 300, "facts": {},
    }  # fmt: skip
    assert (limits["status"], limits["cause"]) == ("ok", "ok")
    assert limits["summary"] == "0.04 of 0.1 USD used (40 %)"
    assert limits["quotas"] == [
        {"quota": "inference-providers", "used": 0.04, "limit": 0.1, "unit": "USD",
         "resets_at": "2026-12-01T00:00:00Z"}
    ]  # fmt: skip
    assert made["alerts"] == [
        {"alert": "kie-credits-low", "target": "kie/balance", "severity": "warning",
         "state": "firing", "cause": "ok", "summary": "balance 5916.25 is under 10000",
         "since": "2026-11-20T10:31:28Z", "incident": "01J", "flapping": False,
         "acknowledged": None, "untold": []}
    ]  # fmt: skip
    assert made["services"] == [
        {"service": "image-generation", "status": "degraded", "tell_customers": "..."}
    ]


def test_the_document_is_strict_json() -> None:
    views = [
        a_view(f"a{n}/{check}", cause, balance="1e3", outlook=an_outlook(math.inf, p10=math.nan))
        for n, cause in enumerate([None, *Cause])
        for check in ("key", "model/x", "balance", "quota", "status", "inference/x")
    ]
    text = json.dumps(document(snapshot(*views)), allow_nan=False)
    assert len(json.loads(text)["targets"]) == len(views)


def test_numbers_are_numbers_and_what_is_not_known_is_null() -> None:
    outlook = an_outlook(0.000123456789, p10=0.0, p25=1 / 3, p50=1e6, p90=None)
    view = a_view(balance="10000.00", outlook=outlook)
    (entry,) = entries(document(snapshot(view)), "targets")
    assert entry["balance"] == 10000
    assert isinstance(entry["balance"], int)
    assert entry["burn_per_hour"] == 0.000123457
    assert entry["runway_hours"] == {"p10": 0, "p25": 0.333333, "p50": 1000000, "p90": None}
    assert entry["floor"] == 0
    assert (entry["unit"], entry["jobs_left"]) == (None, {})
    (bare,) = entries(document(snapshot(a_view(cause=None))), "targets")
    for member in ("balance", "last_balance", "burn_per_hour", "runway_hours", "jobs_left",
                   "cause", "last_run", "last_success", "duration_seconds"):  # fmt: skip
        assert bare[member] is None, member
    assert (bare["status"], bare["summary"], bare["next_step"]) == ("unknown", "not asked yet", "")


def test_an_outlook_that_abstains_is_null_as_a_whole() -> None:
    view = a_view(balance="1", outlook=an_outlook(None, p10=None, p25=None, p50=None, p90=None))
    (entry,) = entries(document(snapshot(view)), "targets")
    assert entry["runway_hours"] is None
    assert entry["burn_per_hour"] is None


def test_a_balance_that_could_not_be_read_is_null_and_the_last_one_is_told_apart() -> None:
    view = replace(KIE, cause=Cause.TIMED_OUT, last_success=later(-3600))
    (entry,) = entries(document(snapshot(view)), "targets")
    assert (entry["status"], entry["balance"], entry["last_balance"]) == ("unknown", None, 5916.25)
    assert entry["burn_per_hour"] is None
    assert entry["runway_hours"] is None
    assert entry["jobs_left"] is None
    assert entry["summary"] == (
        "no answer in time; it was 5916.25 credits at 2026-11-20 09:31 UTC"
    )


def test_times_are_utc_with_z_to_the_second() -> None:
    east = NOW.astimezone(timezone(timedelta(hours=9))) + timedelta(microseconds=999_999)
    view = a_view(at=east)
    (entry,) = entries(document(snapshot(view)), "targets")
    assert entry["last_run"] == "2026-11-20T10:31:28Z"


def test_the_document_lists_pending_and_firing_and_nothing_else() -> None:
    alerts = tuple(
        firing("kie-credits-low", f"t{n}/balance", state=state)
        for n, state in enumerate(AlertState)
    )
    made = document(snapshot(KIE, alerts=alerts))
    assert [a["state"] for a in entries(made, "alerts")] == ["pending", "firing"]
    assert made["duration_seconds"] is None


def test_quotas_are_listed_where_they_are_known() -> None:
    quota = Quota("free", Decimal(5), None, "calls")
    listed = a_view("x/key", quotas=(quota,))
    plain, unread = a_view("y/key"), a_view("y/quota", Cause.TIMED_OUT, quotas=(quota,))
    one, two, three = entries(document(snapshot(listed, plain, unread)), "targets")
    assert one["quotas"] == [
        {"quota": "free", "used": 5, "limit": None, "unit": "calls", "resets_at": None}
    ]
    assert "quotas" not in two
    assert three["quotas"] == []
    assert "balance" not in one


# -- the status of a target -----------------------------------------------------------------


@pytest.mark.parametrize("cause", list(Cause))
def test_without_an_alert_the_table_of_causes_says_it(cause: Cause) -> None:
    view = a_view("hf/inference/x", cause)
    assert target_status(view, ()) is CAUSES[cause].once


ALERTED = [
    ("", "ok"),
    ("info", "ok"),
    ("warning", "warning"),
    ("critical", "critical"),
    ("info warning", "warning"),
    ("critical warning info", "critical"),
]


@pytest.mark.parametrize(("severities", "expected"), ALERTED)
def test_the_worst_severity_decides(severities: str, expected: str) -> None:
    alerts = [firing(f"r{s}", "kie/balance", Severity(s)) for s in severities.split()]
    assert target_status(KIE, alerts) == expected


def test_only_firing_alerts_of_the_target_count() -> None:
    pending = firing("r", "kie/balance", Severity.CRITICAL, state=AlertState.PENDING)
    other = firing("r", "kie/key", Severity.CRITICAL)
    assert target_status(KIE, [pending, other]) is Status.OK


def test_an_alert_says_less_or_more_than_the_table() -> None:
    spent = a_view(cause=Cause.CREDITS_EXHAUSTED)
    assert target_status(spent, [firing("mine", "kie/balance", Severity.INFO)]) is Status.OK
    unread = a_view(cause=Cause.TIMED_OUT)
    assert target_status(unread, [firing("mine", "kie/balance")]) is Status.WARNING
    assert target_status(unread, [firing("mine", "kie/balance", Severity.INFO)]) is Status.UNKNOWN


def test_a_derived_alert_colours_what_it_stands_for() -> None:
    gone = firing("models-exhausted", "hf/model", Severity.CRITICAL)
    down = firing("provider-down", "vendor/provider", Severity.CRITICAL)
    table = {
        "hf/model/x": "critical critical",
        "hf/key": "ok critical",
        "hf/balance": "ok critical",
        "hf/inference/x": "ok critical",
        "hf/status": "ok ok",
    }
    for name, expected in table.items():
        view = a_view(name, provider="vendor")
        seen = [target_status(view, [alert]).value for alert in (gone, down)]
        assert " ".join(seen) == expected, name
    other = a_view("other/model/x")
    assert target_status(other, [gone, down]) is Status.OK
    idle = a_view("idle/key", Cause.NOT_CONFIGURED, provider="vendor")
    assert target_status(idle, [down]) is Status.OK


def test_what_a_target_hears_of() -> None:
    model = a_view("hf/model/x", provider="vendor")
    assert concerned(model) == {"hf/model/x", "hf/model", "vendor/provider"}
    assert concerned(a_view("hf/key", provider="vendor")) == {"hf/key", "vendor/provider"}
    assert concerned(a_view("hf/status", provider="vendor")) == {"hf/status"}


MODELS = [
    ("model_missing ok", "warning ok"),
    ("model_missing model_loading", "warning ok"),
    ("model_missing timed_out", "warning unknown"),
    ("model_missing model_gated", "critical critical"),
    ("model_not_served", "critical"),
    ("model_missing model_degraded", "warning warning"),
    ("model_moved", "warning"),
    ("model_missing key_rejected", "warning critical"),
]


@pytest.mark.parametrize(("causes", "expected"), MODELS)
def test_a_model_is_critical_when_none_is_left(causes: str, expected: str) -> None:
    views = [
        replace(a_view(f"hf/model/m{n}", Cause(c)), key_cause=Cause(c) if "key" in c else None)
        for n, c in enumerate(causes.split())
    ]
    key = a_view("hf/key")
    seen = [cause_status(v, [key, *views]).value for v in views]
    assert " ".join(seen) == expected


def test_only_a_models_own_target_is_critical_for_want_of_models() -> None:
    gone = a_view("hf/model/x", Cause.MODEL_MISSING)
    asked = a_view("hf/inference/x", Cause.MODEL_MISSING)
    assert cause_status(asked, [gone, asked]) is Status.WARNING
    assert cause_status(gone, [gone, asked]) is Status.CRITICAL


@pytest.mark.parametrize("cause", [Cause.NOT_KNOWABLE, Cause.NOT_CONFIGURED])
def test_what_may_not_be_read_is_fine_unless_it_is_needed(cause: Cause) -> None:
    assert cause_status(a_view("hf/quota", cause)) is Status.OK
    assert cause_status(a_view("hf/quota", cause, named=True)) is Status.UNKNOWN
    assert cause_status(a_view("kie/balance", cause)) is Status.UNKNOWN


def test_a_missing_permission_is_a_warning_and_never_hides_worse() -> None:
    lacking = a_view("hf/key", warning=True, summary="accepted, but may not run inference")
    assert cause_status(lacking) is Status.WARNING
    assert summary(lacking) == "accepted, but may not run inference"
    assert cause_status(replace(lacking, cause=Cause.KEY_EXPIRED)) is Status.CRITICAL
    assert cause_status(replace(lacking, cause=Cause.TIMED_OUT)) is Status.WARNING


def test_behind_a_bad_key_the_others_are_unknown() -> None:
    view = replace(KIE, key_cause=Cause.KEY_REJECTED)
    assert cause_status(view) is Status.UNKNOWN
    assert summary(view) == "unknown: the key is rejected"
    assert next_step(view) == "Create a new key at the provider and put it in the config"
    (entry,) = entries(document(snapshot(view)), "targets")
    assert entry["balance"] is None
    for cause in KEY_CAUSES:
        refused = a_view("kie/balance", cause, key_cause=cause)
        assert cause_status(refused) is Status.CRITICAL


def test_whoamis_own_rate_limit_is_fine_where_another_call_went_through() -> None:
    key, model = a_view("hf/key", Cause.RATE_LIMITED, provider="huggingface"), a_view("hf/model/x")
    made = document(snapshot(key, model))
    entry = entries(made, "targets")[0]
    assert (entry["status"], entry["cause"]) == ("ok", "rate_limited")
    assert entry["summary"] == "accepted by the Hub; whoami is rate-limited"
    assert entry["next_step"] == ""
    assert made["exit_code"] == 0
    alone = document(snapshot(key))
    assert alone["exit_code"] == 3
    assert entries(alone, "targets")[0]["next_step"] == "Ask less often: lengthen the interval"
    elsewhere = summary(a_view("o/key", Cause.RATE_LIMITED), [a_view("o/balance")])
    assert elsewhere == "accepted by another check; the key's own is rate-limited"
    limited = a_view("hf/model/y", Cause.RATE_LIMITED)
    assert cause_status(limited, [limited, model]) is Status.UNKNOWN


def test_the_key_stands_as_any_target_saw_it() -> None:
    own, seen = a_view("hf/key"), a_view("hf/key", Cause.KEY_REJECTED)
    made = document(snapshot(own, derived=(seen, a_group("hf/model"))))
    (entry,) = entries(made, "targets")
    assert (entry["target"], entry["cause"], entry["status"]) == (
        "hf/key", "key_rejected", "critical"
    )  # fmt: skip


# -- the whole ------------------------------------------------------------------------------


@pytest.mark.parametrize(("causes", "status", "code"), [
    ("", "ok", 0), ("ok ok", "ok", 0), ("ok timed_out", "unknown", 3),
    ("timed_out model_moved", "warning", 1), ("timed_out model_moved key_expired", "critical", 2),
])  # fmt: skip
def test_the_whole_is_as_bad_as_its_worst_target(causes: str, status: str, code: int) -> None:
    views = [a_view(f"a{n}/inference/x", Cause(c)) for n, c in enumerate(causes.split())]
    made = document(snapshot(*views))
    assert (made["status"], made["exit_code"]) == (status, code)
    assert overall(snapshot(*views)) == status


def test_a_status_page_costs_no_exit_code_by_itself() -> None:
    page = a_view("hf/status", Cause.PROVIDER_ERROR)
    assert entries(document(snapshot(page)), "targets")[0]["status"] == "unknown"
    assert overall(snapshot(page, KIE)) is Status.OK
    ruled = snapshot(page, KIE, alerts=(firing("mine", "hf/status"),))
    assert overall(ruled) is Status.WARNING


def test_rows_keep_the_configs_order_and_the_worst_alert_first() -> None:
    alerts = (
        firing("b", "kie/balance"),
        firing("c", "kie/provider", Severity.CRITICAL),
        firing("a", "kie/balance"),
        firing("z", "kie/balance", Severity.INFO),
    )
    found = rows(snapshot(a_view("z/key"), KIE, a_view("a/key"), alerts=alerts))
    assert [row.view.target for row in found] == ["z/key", "kie/balance", "a/key"]
    assert [alert.rule for alert in found[1].firing] == ["c", "a", "b", "z"]


@pytest.mark.parametrize(("fail_on", "codes"), [
    ("unknown", "0 3 1 2"), ("warning", "0 0 1 2"), ("critical", "0 0 0 2"),
])  # fmt: skip
def test_what_is_below_fail_on_exits_zero(fail_on: str, codes: str) -> None:
    order = (Status.OK, Status.UNKNOWN, Status.WARNING, Status.CRITICAL)
    assert " ".join(str(exit_code(s, Status(fail_on))) for s in order) == codes


def test_the_document_heeds_fail_on() -> None:
    view = a_view("hf/model/x", Cause.MODEL_MOVED)
    made = document(snapshot(view), fail_on=Status.CRITICAL)
    assert (made["status"], made["exit_code"]) == ("warning", 0)
    assert [exit_code(s) for s in (Status.OK, Status.UNKNOWN)] == [0, 3]


# -- words ----------------------------------------------------------------------------------


SUMMARIES = [
    (KIE, "5916.25 credits, about 6 days"),  # P50
    (replace(KIE, outlook=None), "5916.25 credits"),
    (replace(KIE, outlook=an_outlook(p50=None)), "5916.25 credits"),
    (replace(KIE, outlook=an_outlook(0.0, p50=math.inf)), "5916.25 credits, nothing burns"),
    (replace(KIE, unit="USD"), "5916.25 USD, about 6 days"),
    (a_view(cause=Cause.CREDITS_EXHAUSTED, balance="90", floor=Decimal(135)),
     "90 credits, under the floor of 135"),
    (a_view(cause=Cause.CREDITS_EXHAUSTED, balance="0"), "0 credits, nothing is left"),
    (a_view(cause=Cause.CREDITS_EXHAUSTED, balance="-3"), "-3 credits, nothing is left"),
    (a_view(cause=Cause.CREDITS_EXHAUSTED), "the credits are exhausted"),
    (a_view("hf/key"), "accepted"),
    (a_view("hf/key", summary="role read"), "role read"),
    (a_view("hf/model/x"), "available"),
    (a_view("hf/model/x", Cause.MODEL_LOADING), "the model is loading"),
    (a_view("hf/model/x", Cause.MODEL_MOVED, summary="now called y"), "now called y"),
    (a_view("hf/status"), "no trouble announced"),
    (a_view("hf/inference/x"), "answers"),
    (a_view("hf/quota"), "read, without a figure"),
    (replace(a_view("hf/model"), check=None), "fine"),
    (a_view("hf/key", Cause.NOT_CONFIGURED), "no key is configured"),
    (a_view("hf/key", Cause.TIMED_OUT), "no answer in time"),
    (a_view("hf/key", Cause.PROVIDER_ERROR, summary="HTTP 502"), "HTTP 502"),
    (a_view("hf/key", Cause.KEY_REJECTED, key_cause=Cause.KEY_REJECTED), "the key is rejected"),
    (a_view("x/quota", quotas=(Quota("day", Decimal(3), Decimal(9), "calls"),)),
     "3 of 9 calls used (33.3 %)"),
    (a_view("x/quota", quotas=(Quota("day", None, Decimal(9), "calls"),)), "day: use unknown"),
    (a_view("x/quota", quotas=(Quota("day", Decimal(3), None, "calls"),
                               Quota("odd", Decimal(3), Decimal(0), "calls"))),
     "3 calls used, no limit; 3 of 0 calls used"),
    (a_view("x/quota", Cause.QUOTA_EXHAUSTED, summary="spent",
            quotas=(Quota("day", Decimal(9), Decimal(9), "calls"),)), "spent"),
]  # fmt: skip


@pytest.mark.parametrize(("view", "words"), SUMMARIES)
def test_how_a_target_stands_in_words(view: View, words: str) -> None:
    assert summary(view) == words


SHORT = RULES["runway-short"]
TOPPED = [
    (KIE, (), 0),
    (KIE, (LOW,), 4084),
    (replace(KIE, balance=Decimal(10000)), (LOW,), 2000),
    (replace(KIE, balance=Decimal(11000)), (replace(LOW, clear=None),), None),
    (replace(KIE, balance=Decimal(12000)), (LOW,), None),
    (KIE, (SHORT,), math.ceil(135 + 41.5 * 168 - 5916.25)),
    (KIE, (RULES["runway-critical"],), math.ceil(135 + 41.5 * 168 - 5916.25)),
    (KIE, (SHORT, LOW), 4084),
    (KIE, (Rule("j", "*", parse_when("jobs_left(a) < 3")),), 1191),
    (KIE, (Rule("x", "*", parse_when("balance > 3")),), 0),
    (KIE, (Rule("x", "*", parse_when("burn > 3/h")),), 0),
    (replace(KIE, outlook=None), (SHORT,), None),
    (a_view(cause=Cause.CREDITS_EXHAUSTED, balance="90", floor=Decimal(135)), (), 45),
    (a_view(cause=Cause.CREDITS_EXHAUSTED, balance="-3"), (), 3),
    (a_view(cause=Cause.CREDITS_EXHAUSTED, balance="0"), (), None),
    (a_view(cause=Cause.CREDITS_EXHAUSTED, balance="0", outlook=an_outlook(2.0)), (), 336),
    (a_view(cause=Cause.CREDITS_EXHAUSTED), (), None),
    (a_view(cause=Cause.TIMED_OUT), (LOW,), 0),
]  # fmt: skip


@pytest.mark.parametrize(("view", "rules", "units"), TOPPED)
def test_what_to_top_up(view: View, rules: tuple[Rule, ...], units: int | None) -> None:
    assert top_up(view, rules) == units


STEPS = [
    (KIE, (), ""),
    (KIE, (LOW,), "Top up 4084 credits"),
    (replace(KIE, unit="USD"), (LOW,), "Top up 4084 USD"),
    (replace(KIE, outlook=None), (SHORT,), "Top up"),
    (a_view(cause=Cause.CREDITS_EXHAUSTED), (), "Top up"),
    (a_view("hf/inference/x", Cause.CREDITS_EXHAUSTED), (), "Top up"),
    (replace(KIE, cause=Cause.TIMED_OUT), (LOW,), "Look at the provider's status page"),
    (KIE, (RULES["burn-spike"],), "Look at what is spending, and stop it if it is not yours"),
    (a_view("hf/quota"), (Rule("mine", "*", parse_when("unavailable")), RULES["quota-high"]),
     "Raise the plan, or use less until the reset"),
    (a_view("hf/model/x", Cause.MODEL_RETIRED), (RULES["target-stale"],), "Replace the model"),
    (a_view("hf/key"), (RULES["target-stale"],), "Look at monitor's own log"),
    (a_view("hf/key", Cause.KEY_EXPIRED), (),
     "Renew the key at the provider and put it in the config"),
    (a_view(cause=None), (LOW,), ""),
]  # fmt: skip


@pytest.mark.parametrize(("view", "rules", "words"), STEPS)
def test_what_to_do_next(view: View, rules: tuple[Rule, ...], words: str) -> None:
    assert next_step(view, rules) == words


def test_a_last_answer_that_is_doubted_is_said_beside_the_balance_before_it() -> None:
    doubted = replace(KIE, doubted=(Decimal(0), NOW))
    (entry,) = entries(document(snapshot(doubted)), "targets")
    assert entry["summary"] == (
        "5916.25 credits, about 6 days; the last answer, 0 credits, is doubted since "
        "2026-11-20 10:31 UTC, until another confirms it"
    )
    assert entry["doubted"] == {"balance": 0, "since": "2026-11-20T10:31:28Z"}
    assert entry["balance"] == 5916.25
    lost = replace(doubted, cause=Cause.TIMED_OUT)
    assert "doubted" not in summary(lost)


def test_the_worst_alert_gives_the_next_step_and_an_unknown_rule_none() -> None:
    alerts = (firing("long gone", "kie/balance"), firing("kie-credits-low", "kie/balance"))
    (entry,) = entries(document(snapshot(KIE, alerts=alerts)), "targets")
    assert entry["next_step"] == "Top up 4084 credits"
    (bare,) = entries(document(snapshot(KIE, alerts=alerts[:1])), "targets")
    assert bare["next_step"] == ""


def test_a_forecast_of_nothing_read_is_no_forecast() -> None:
    reading = a_reading("kie/balance", Cause.CREDITS_EXHAUSTED)
    view = replace(KIE, cause=Cause.CREDITS_EXHAUSTED, reading=reading)
    (entry,) = entries(document(snapshot(view)), "targets")
    assert (entry["balance"], entry["runway_hours"]) == (None, None)
    assert entry["next_step"] == "Top up"
