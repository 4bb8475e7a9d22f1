"""What is said is true: of a refusal, an outage, a rejected key, and quotas of one name."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal

import pytest

from monitor.channels import runbooks
from monitor.core.advice import REFUSED_STEP, next_step, summary
from monitor.core.builtin import BUILTIN
from monitor.core.cadence import next_delay
from monitor.core.causes import Cause, Severity
from monitor.core.crossing import Ahead
from monitor.core.members import ProviderMembers
from monitor.core.message import Message, compose
from monitor.core.model import (
    Check,
    Finding,
    Incident,
    Kind,
    Notification,
    Quota,
    Reading,
    Target,
    TargetRecord,
    Verdict,
)
from monitor.core.rules import judge
from monitor.core.secret import Secret
from monitor.core.sentences import what
from monitor.core.settings import Account, Interval, TargetSettings
from monitor.core.view import View
from monitor.core.views import target_view
from monitor.core.windows import DeclaredQuota, Per
from tests.core_scenes import NOW, a_view, an_outlook, later

BOOKS = runbooks()
SUSPENDED = "DeepInfra has suspended the account"
GONE = "KIE says that the credits are used up"
PAGE = "downtime: Hub unavailable"


def told(
    view: View, alert: str = "credits-exhausted", said: str = "", kind: Kind = Kind.OPENED
) -> Message:
    cause = view.cause or Cause.OK
    incident = Incident(
        id="01J", alert=alert, target=view.target, account=view.account, provider=view.provider,
        opened_at=NOW, opening_severity=Severity.CRITICAL, opening_cause=cause,
        severity=Severity.CRITICAL, cause=cause, summary=said or what(view),
    )  # fmt: skip
    notification = Notification(incident, kind, 0, "oncall", ("a@example.com",))
    return compose(notification, view=view, runbooks=BOOKS, now=later(60), external_url=None)


def all_of(message: Message) -> str:
    return repr(message)


def refused(target: str, said: str, balance: str | None, kept: str) -> View:
    """A provider that refuses; `balance`: what it told with that, `kept`: what is remembered."""
    finding = Finding(Cause.CREDITS_EXHAUSTED, said, None if balance is None else Decimal(balance))
    return a_view(
        target, Cause.CREDITS_EXHAUSTED, balance=kept, reading=Reading(target, NOW, 0.2, finding),
        summary=said, outlook=an_outlook(p10=9.0, p25=15.0, p50=20.0), unit="credits",
        jobs_left={"sora-2": 43}, main_job="sora-2",
    )  # fmt: skip


# -- a refusal although credit is left -------------------------------------------------------


@pytest.mark.parametrize("balance", ["20", "12.50", "135"])
def test_a_refusal_with_credit_left_says_what_the_provider_says(balance: str) -> None:
    view = refused("deepinfra/balance", SUSPENDED, balance, balance)
    view = replace(view, floor=Decimal(min(Decimal(balance), Decimal(135))))
    message = told(view)
    assert what(view) == SUSPENDED
    assert SUSPENDED in message.subject
    assert SUSPENDED in message.what
    assert summary(view).startswith(f"{SUSPENDED}; the balance is ")
    assert next_step(view) == REFUSED_STEP
    assert REFUSED_STEP in message.todo
    for falsehood in ("under the floor", "no credits left", "nothing is left"):
        assert falsehood not in all_of(message) + summary(view)


def test_nobody_is_told_to_top_up_an_account_that_is_refused_with_credit_left() -> None:
    suspended = told(refused("deepinfra/balance", SUSPENDED, "20", "20")).steps
    assert suspended[0] == f"{REFUSED_STEP}."
    assert not any(step.startswith("Top up") for step in suspended)
    gone = told(refused("kie/balance", GONE, None, "5916")).steps
    assert gone[0].startswith("Top up")


@pytest.mark.parametrize(
    ("balance", "floor", "words"),
    [("0", "0", "nothing is left"), ("20", "135", "under the floor of 135")],
)
def test_a_balance_that_is_short_is_still_called_so(balance: str, floor: str, words: str) -> None:
    view = replace(refused("kie/balance", "", balance, balance), floor=Decimal(floor))
    assert words in what(view)
    assert words in summary(view)
    assert "no credits left" in told(view).subject
    assert next_step(view).startswith("Top up")


# -- a refusal without a number --------------------------------------------------------------


@pytest.mark.parametrize("balance", [None, "5916"])
def test_where_the_provider_refuses_no_runway_and_no_jobs_are_claimed(balance: str | None) -> None:
    message = told(refused("kie/balance", GONE, balance, "5916"))
    assert "about 15 h" not in all_of(message)
    assert "43" not in all_of(message)
    assert message.jobs_left == ()
    assert message.annotations["runway"] == message.annotations["jobs_left"] == ""
    assert "5916 credits" in message.how_long


def test_a_refusal_without_a_number_names_the_last_balance_as_such() -> None:
    message = told(refused("kie/balance", GONE, None, "5916"))
    assert message.how_long.startswith("Last read: 5916 credits. Open since")
    assert GONE in message.what
    assert message.annotations["balance"] == ""
    assert message.todo.startswith("Top up")


# -- an outage -------------------------------------------------------------------------------


def outage(page: Cause = Cause.PROVIDER_ERROR, said: str = PAGE, **facts: str) -> View:
    failing = [
        a_view(f"hf/{name}", Cause.PROVIDER_ERROR, failures=3, provider="huggingface")
        for name in ("key", "model/a")
    ]
    fine = a_view("hf/model/b", at=later(-900), provider="huggingface")
    status = a_view("hf/status", page, summary=said, facts=facts, provider="huggingface")
    return replace(
        ProviderMembers("huggingface", [*failing, fine, status]).view(), cause=Cause.PROVIDER_ERROR
    )


def test_a_provider_that_is_down_is_told_with_what_its_status_page_reports() -> None:
    message = told(outage(state="downtime"), "provider-down", "it is down")
    assert f"huggingface's status page: {PAGE}".casefold() in message.what.casefold()
    assert not message.todo.startswith("Look at")
    assert not any(s.startswith("Look at the provider's status page") for s in message.steps)


@pytest.mark.parametrize(
    ("cause", "said", "facts"),
    [(Cause.OK, "operational", {"state": "operational"}), (Cause.PROVIDER_ERROR, "HTTP 502", {})],
)
def test_a_status_page_that_reports_nothing_is_sent_to_and_not_quoted(
    cause: Cause, said: str, facts: dict[str, str]
) -> None:
    message = told(outage(cause, said, **facts), "provider-down", "it is down")
    assert said not in message.what
    assert message.todo.startswith("Look at the provider's status page")


def test_an_outage_names_the_targets_it_speaks_for_and_not_those_that_answer() -> None:
    assert told(outage(state="downtime"), "provider-down").muted == (
        "hf/key",
        "hf/model/a",
    )


def test_a_status_page_neither_blames_nor_clears_its_provider() -> None:
    rule = next(r for r in BUILTIN if r.name == "provider-down")
    bad = a_view("hf/status", Cause.PROVIDER_ERROR, failures=9, provider="huggingface")
    only = ProviderMembers("huggingface", [bad]).view()
    assert only.cause is None
    assert judge(rule, only, firing=False, now=NOW).verdict is not Verdict.BREACH
    down = ProviderMembers(
        "huggingface",
        [a_view("hf/key", Cause.PROVIDER_ERROR, failures=3, provider="huggingface"),
         a_view("hf/status", at=later(5), provider="huggingface")],
    ).view()  # fmt: skip
    assert judge(rule, down, firing=False, now=NOW).verdict is Verdict.BREACH


# -- how soon a target is asked again --------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "failures", "seconds"),
    [
        (Cause.PROVIDER_ERROR, 1, 60), (Cause.TIMED_OUT, 3, 60), (Cause.RATE_LIMITED, 1, 900),
        (Cause.KEY_REJECTED, 0, 900), (Cause.NOT_KNOWABLE, 1, 900), (Cause.NOT_CONFIGURED, 1, 900),
    ],
)  # fmt: skip
def test_a_failure_is_asked_again_sooner_only_where_that_helps(
    cause: Cause, failures: int, seconds: float
) -> None:
    found = next_delay(
        Interval(60, 900), ahead=Ahead(400.0, lump=300.0), failures=failures, cause=cause
    )
    assert found == seconds


def test_a_rate_limit_without_retry_after_rests_five_minutes_within_a_range_only() -> None:
    limited = Cause.RATE_LIMITED
    assert next_delay(Interval(10, 60), failures=1, cause=limited) == 300
    assert next_delay(Interval(10, 60), failures=1, cause=limited, retry_after=90) == 90
    assert next_delay(Interval(1, 1), failures=1, cause=limited) == 1


# -- a rejected key, and quotas --------------------------------------------------------------

IMAGES = DeclaredQuota("images", Decimal(100), Per.DAY, "images", time(0))
DECLARED = Quota("images", Decimal(90), Decimal(100), "images", per="day")
BAD_KEY = a_view("hf/key", Cause.KEY_REJECTED, at=later(60), provider="huggingface")


def seen(check: Check, finding: Finding, declared: tuple[Quota, ...] = ()) -> View:
    target = Target("hf", "huggingface", check)
    reading = Reading(target.name, NOW - timedelta(minutes=1), 0.2, finding)
    return target_view(
        Account("hf", "huggingface", Secret(""), (), quotas=(IMAGES,)),
        TargetSettings(target, Interval(60, 60), 15.0),
        TargetRecord(target.name, reading, NOW),
        whole_key=BAD_KEY,
        declared=declared,
    )


def test_a_rejected_key_hides_no_status_page() -> None:
    view = seen(Check.STATUS, Finding(Cause.PROVIDER_ERROR, PAGE))
    assert view.key_cause is None
    assert summary(view) == PAGE
    assert seen(Check.QUOTA, Finding(Cause.OK)).key_cause is Cause.KEY_REJECTED


def test_a_rejected_key_hides_no_quota_that_is_counted_here() -> None:
    view = seen(Check.QUOTA, Finding(Cause.OK), (DECLARED,))
    rule = next(r for r in BUILTIN if r.name == "quota-high")
    assert view.known_quotas == (DECLARED,)
    assert "90" in summary(view)
    assert "the key is rejected" in summary(view)
    assert judge(rule, view, firing=False, now=NOW).verdict is Verdict.BREACH
    bare = seen(Check.QUOTA, Finding(Cause.OK))
    assert judge(rule, bare, firing=False, now=NOW).verdict is Verdict.UNKNOWN


def test_a_told_quota_named_like_a_declared_one_is_seen_under_a_name_of_its_own() -> None:
    said = Quota("images", Decimal(1), Decimal(2), "images")
    view = seen(Check.QUOTA, Finding(Cause.OK, quotas=(said,)), (DECLARED,))
    assert [q.quota for q in view.quotas] == ["images (told by the provider)", "images"]
    other = Quota("month", Decimal(1), Decimal(2), "USD")
    assert seen(Check.KEY, Finding(Cause.OK, quotas=(other,))).quotas == (other,)
