"""A notification in words: what, how long, what to do; and nothing that breaks a header."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.build import catalogue
from monitor.channels import runbooks
from monitor.core.advice import next_step
from monitor.core.builtin import BUILTIN
from monitor.core.causes import Cause, Severity
from monitor.core.message import Message, compose, jobs_in_words
from monitor.core.model import (
    Check,
    Finding,
    Incident,
    Kind,
    Notification,
    Outlook,
    Quota,
    Reading,
)
from monitor.core.phrases import clean, money, quota_figure, sentence, top_up
from monitor.core.rules import Rule
from monitor.core.view import View
from monitor.core.when import parse_when

T0 = datetime(2026, 11, 20, 10, 31, tzinfo=UTC)
BOOKS = runbooks()
LOW = Rule("credits-low", "kie/balance", parse_when("balance < 10000"))
FAST = Rule("fast", "kie/balance", parse_when("burn > 30/h"))
CRITICAL, EXHAUSTED = (
    next(r for r in BUILTIN if r.name == name) for name in ("runway-critical", "credits-exhausted")
)


def incident(alert: str = "runway-short", target: str = "kie/balance", **more: object) -> Incident:
    account, _, _ = target.partition("/")
    base = Incident(
        id="01J", alert=alert, target=target, account=account, provider=account, opened_at=T0,
        opening_severity=Severity.WARNING, opening_cause=Cause.OK, severity=Severity.WARNING,
        cause=Cause.OK, summary="",
    )  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]  # the fields of the value itself


def caused(alert: str, target: str, cause: Cause, **more: object) -> Incident:
    return incident(alert, target, opening_cause=cause, cause=cause, **more)


def balance(
    amount: str = "216", p25: float | None = 5.2, burn: float | None = 41.5, **more: object
) -> View:
    finding = Finding(Cause.OK, balance=Decimal(amount), unit="credits")
    outlook = None if p25 is None else Outlook(burn, p25 * 0.6, p25, p25 * 1.6, math.inf)
    base = View(
        target="kie/balance", account="kie", provider="kie", check=Check.BALANCE, cause=Cause.OK,
        reading=Reading("kie/balance", T0, 0.2, finding), last_success=T0,
        balance=Decimal(amount), unit="credits", floor=Decimal(135), outlook=outlook,
        jobs_left={"sora-2-pro-720p-15s": 1, "sora-2-720p-10s": 8},
    )  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]  # the fields of the value itself


def say(
    about: Incident,
    kind: Kind = Kind.OPENED,
    *,
    view: View | None = None,
    muted: tuple[Incident, ...] = (),
    after: float = 0,
    url: str | None = None,
    number: int = 0,
    service_words: str = "",
    rules: tuple[Rule, ...] = (),
) -> Message:
    return compose(
        Notification(about, kind, number, "oncall", ("a@example.com",), muted),
        view=view,
        runbooks=BOOKS,
        now=T0 + timedelta(minutes=after),
        external_url=url,
        service_words=service_words,
        rules=rules or tuple(r for r in BUILTIN if r.name == about.alert),
    )


# -- subjects -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("about", "view", "subject"),
    [
        (incident("runway-critical", severity=Severity.CRITICAL), balance(),
         "[CRITICAL] kie: about 5 h of credits left"),
        (incident("runway-short"), balance(p25=20.0), "[WARNING] kie: about 20 h of credits left"),
        (incident("runway-short"), balance(p25=0.0), "[WARNING] kie: no credits left"),
        (incident("runway-short"), balance(p25=math.inf),
         "[WARNING] kie: credits are running short"),
        (incident("runway-critical"), None, "[WARNING] kie: credits are about to run out"),
        (incident("runway-short"), balance(p25=None), "[WARNING] kie: credits are running short"),
        (caused("credits-exhausted", "kie/balance", Cause.CREDITS_EXHAUSTED), balance("0"),
         "[WARNING] kie: no credits left"),
        (caused("credits-exhausted", "hf/quota", Cause.QUOTA_EXHAUSTED), None,
         "[WARNING] hf: the quota is used up"),
        (caused("key-rejected", "hf/key", Cause.KEY_REJECTED), None,
         "[WARNING] hf: the key is rejected"),
        (caused("key-rejected", "hf/key", Cause.KEY_EXPIRED), None,
         "[WARNING] hf: the key has expired"),
        (caused("model-unavailable", "hf/model/CompVis/sd-v1-4", Cause.MODEL_RETIRED), None,
         "[WARNING] hf: CompVis/sd-v1-4 is retired"),
        (caused("model-unavailable", "hf/model/a/b", Cause.OK), None,
         "[WARNING] hf: a/b is not available"),
        (incident("models-exhausted", "hf/model"), None, "[WARNING] hf: no model is left"),
        (caused("provider-down", "kie/provider", Cause.PROVIDER_MAINTENANCE, account=""), None,
         "[WARNING] kie: is in maintenance"),
        (caused("provider-down", "kie/provider", Cause.PROVIDER_UNREACHABLE, account=""), None,
         "[WARNING] kie: cannot be reached"),
        (incident("target-stale", "kie/balance"), None,
         "[WARNING] kie: the balance has not been probed for too long"),
        (incident("target-stale", "hf/model/a/b"), None,
         "[WARNING] hf: a/b has not been probed for too long"),
        (incident("monitor-offline", "monitor/network"), None,
         "[WARNING] monitor: no way to the outside"),
        (incident("credits-low", summary="balance 5916.25 is under 10000"), None,
         "[WARNING] kie: balance 5916.25 is under 10000"),
        (incident("credits-low"), None, "[WARNING] kie: credits-low"),
    ],
)  # fmt: skip
def test_a_subject_says_how_grave_it_is_who_and_what(
    about: Incident, view: View | None, subject: str
) -> None:
    assert say(about, view=view).subject == subject


def test_a_key_whose_first_mail_was_about_its_expiry_keeps_that_subject() -> None:
    changed = incident(
        "key-rejected", "hf/key", opening_cause=Cause.KEY_EXPIRED, cause=Cause.KEY_REJECTED
    )
    assert say(changed).subject == "[WARNING] hf: the key has expired"


def test_later_mails_keep_the_core_of_the_subject() -> None:
    about = caused("model-unavailable", "hf/model/a/b", Cause.MODEL_RETIRED)
    over = replace(about, closed_at=T0 + timedelta(hours=1), close_reason="resolved")
    worse = replace(about, severity=Severity.CRITICAL)
    assert say(worse, Kind.ESCALATED).subject == "[CRITICAL] hf: a/b is retired"
    assert say(about, Kind.REMINDER).subject == "[WARNING] hf: a/b is retired (reminder)"
    assert say(over, Kind.RESOLVED).subject == "[RESOLVED] hf: a/b is retired"
    assert say(over, Kind.OPENED).subject == "[WARNING] hf: a/b is retired (over by now)"


def test_what_is_over_promises_no_runway_and_claims_no_breach() -> None:
    over = incident(closed_at=T0, close_reason="resolved")
    assert say(over, Kind.RESOLVED, view=balance("9000", 200.0)).subject == (
        "[RESOLVED] kie: credits are running short"
    )
    mine = replace(over, alert="credits-low", summary="balance 1 is under 2")
    assert say(mine, Kind.RESOLVED).subject == "[RESOLVED] kie: credits-low"


@given(st.text(max_size=400), st.text(max_size=400), st.sampled_from(list(Kind)[:4]))
def test_whatever_a_provider_says_a_subject_is_one_short_printable_line(
    summary: str, alert: str, kind: Kind
) -> None:
    message = say(incident(alert or "x", summary=summary), kind)
    assert message.subject.isprintable()
    assert len(message.subject) <= 140
    for line in (message.what, message.how_long, message.todo):
        assert line.isprintable()
        assert len(line) <= 600


# -- the three lines ------------------------------------------------------------------------


def test_an_opening_says_what_how_long_and_what_to_do() -> None:
    about = incident("runway-critical", summary="runway (P25) about 5 h is under 4h")
    message = say(about, view=balance())
    assert message.what == ("kie: about 5 h of credits left. Runway (P25) about 5 h is under 4h.")
    assert message.how_long == (
        "The credits last about 5 h at a cautious estimate; as likely as not about 8 h. "
        "Open since 2026-11-20 10:31 UTC."
    )
    # 41.5 an hour for 168 h, and the floor of 135, less the 216 that are there
    assert message.todo == "Top up 6891 credits: that pays for 7 days at this burn."


def test_a_summary_that_the_subject_already_says_is_not_repeated() -> None:
    about = incident("credits-low", summary="balance 5916.25 is under 10000")
    assert say(about).what == "kie: balance 5916.25 is under 10000."


def test_an_escalation_says_how_grave_it_is_now() -> None:
    worse = incident("credits-low", summary="low", severity=Severity.CRITICAL)
    assert say(worse, Kind.ESCALATED).what == "Now critical: kie: low."


def test_a_reminder_says_how_long_it_stands() -> None:
    message = say(incident("key-rejected", "hf/key"), Kind.REMINDER, after=240)
    assert message.what.startswith("Still warning: hf: the key is rejected.")
    assert message.how_long == "Open since 2026-11-20 10:31 UTC, about 4 h."


@pytest.mark.parametrize(("after", "says"), [(0.99, "UTC."), (1, "UTC, about 1 min.")])
def test_what_opened_just_now_has_no_duration(after: float, says: str) -> None:
    assert say(incident(), after=after).how_long.endswith(says)


def test_resolved_says_how_long_it_lasted_and_what_changed() -> None:
    over = incident("runway-short", closed_at=T0 + timedelta(hours=2), close_reason="resolved")
    message = say(over, Kind.RESOLVED, view=balance("9000", 150.0), after=121)
    assert message.what == (
        "Resolved after 2 h: kie: credits are running short. The balance is 9000 credits now,"
        " about 6 days."
    )
    assert message.how_long == ("It lasted 2 h: 2026-11-20 10:31 UTC to 2026-11-20 12:31 UTC.")
    assert message.todo == "Verify the service now and watch it for 24 h."
    assert message.status == "resolved"
    assert message.ends_at == over.closed_at
    assert message.steps == ()


def test_resolved_says_that_a_target_is_usable_again() -> None:
    ended = T0 + timedelta(minutes=130, seconds=20)
    over = caused("key-rejected", "hf/key", Cause.KEY_REJECTED, closed_at=ended)
    view = View("hf/key", "hf", "huggingface", Check.KEY, cause=Cause.OK)
    message = say(over, Kind.RESOLVED, view=view)
    assert message.what == (
        "Resolved after 2 h 10 min: hf: the key is rejected. hf/key is usable again."
    )
    assert message.todo == "Nothing more to do."
    assert say(over, Kind.RESOLVED).what == "Resolved after 2 h 10 min: hf: the key is rejected."


@pytest.mark.parametrize("thing", ["rule", "target"])
def test_what_the_config_closed_is_not_called_mended(thing: str) -> None:
    over = incident("runway-short", closed_at=T0, close_reason=f"{thing} removed")
    message = say(over, Kind.RESOLVED)
    assert message.what.startswith("No longer watched, not known to be mended: kie: credits")
    assert f"The {thing} was removed from the config." in message.what
    assert message.todo == f"If that was not meant, put the {thing} back."


def test_a_late_opening_says_that_it_is_over() -> None:
    over = incident("runway-short", closed_at=T0 + timedelta(hours=2), close_reason="resolved")
    message = say(over, Kind.OPENED, after=300)
    assert message.todo == "It is over by now; this could not be told before."
    assert message.how_long.startswith("It lasted 2 h")
    assert message.status == "firing"
    assert message.ends_at is None


# -- runbooks -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("about", "page", "step"),
    [
        (caused("model-unavailable", "hf/model/a/b", Cause.MODEL_RETIRED), "model-unavailable",
         "Replace the model in the product"),
        (caused("model-unavailable", "hf/model/a/b", Cause.MODEL_GATED), "model-unavailable",
         "Open the model's page"),
        (caused("provider-down", "kie/provider", Cause.TLS_INVALID), "provider-down",
         "Check this machine's clock"),
        (caused("key-cap-reached", "kie/key", Cause.KEY_CAP_REACHED), "key-cap-reached",
         "Raise the key's cap"),
        (caused("mine", "hf/model/a/b", Cause.MODEL_MISSING), "model_missing",
         "Compare the name"),
        (incident("mine", "hf/key", opening_cause=Cause.TIMED_OUT), "timed_out",
         "Look at the provider's status page"),
    ],
)  # fmt: skip
def test_the_page_is_the_rules_and_the_next_step_the_causes(
    about: Incident, page: str, step: str
) -> None:
    message = say(about)
    assert message.annotations["runbook"] == page
    assert message.todo.startswith(step)
    assert message.annotations["next_step"] == message.todo
    assert message.steps[0].startswith(step)
    assert message.customers == BOOKS[page].customers
    assert message.not_customers == BOOKS[page].not_customers


def test_a_generic_rule_whose_cause_has_passed_advises_by_its_opening() -> None:
    about = incident("model-unavailable", "hf/model/a/b", opening_cause=Cause.MODEL_RETIRED)
    assert say(about).steps == tuple(
        s.replace("ACCOUNT", "hf") for s in BOOKS["model_retired"].steps
    )


def test_a_users_rule_on_a_balance_borrows_the_page_about_topping_up() -> None:
    about = incident("credits-low", summary="low")
    message = say(about, view=balance(), rules=(LOW,))
    assert message.annotations["runbook"] == "runway-short"
    assert message.todo == (
        "Top up 9784 credits to reach 10000: that lasts about 10 days at this burn."
    )


@pytest.mark.parametrize(
    ("severity", "step"),
    [(Severity.WARNING, "Top up today; "), (Severity.CRITICAL, "Top up now; ")],
)
def test_a_users_critical_rule_on_a_balance_is_not_put_off(severity: Severity, step: str) -> None:
    message = say(incident("credits-low", severity=severity), view=balance(), rules=(LOW,))
    assert message.steps[0].startswith(step)


@pytest.mark.parametrize(
    ("view", "rules", "words"),
    [
        (balance(), (CRITICAL,), "Top up 6891 credits: that pays for 7 days at this burn."),
        (balance(), (CRITICAL, LOW), "Top up 9784 credits to reach 10000: that lasts about 10 days"
         " at this burn."),
        (balance(), (), ""),
        (balance(burn=None, p25=None), (LOW,), "Top up 9784 credits to reach 10000."),
        (balance("20", burn=None, p25=None, cause=Cause.CREDITS_EXHAUSTED), (EXHAUSTED,),
         "Top up at least 115 credits: that only reaches the floor."),
        (balance("20", cause=Cause.CREDITS_EXHAUSTED), (EXHAUSTED,),
         "Top up 7087 credits: that pays for 7 days at this burn."),
    ],
)  # fmt: skip
def test_a_mail_and_the_page_ask_for_the_same_amount_and_say_what_it_is_for(
    view: View, rules: tuple[Rule, ...], words: str
) -> None:
    alert = rules[0].name if rules else "burn-spike"
    message = say(incident(alert), view=view, rules=rules)
    shown = next_step(view, rules)
    assert message.todo == words or not words
    assert words.startswith(shown)
    assert shown[:14] in message.todo


def test_a_users_rule_on_the_burn_asks_for_no_credits() -> None:
    message = say(incident("fast", summary="fast"), view=balance(), rules=(FAST,))
    assert not re.search(r"Top up \d", message.todo)


def test_a_users_rule_of_which_no_page_knows_still_says_where_to_look() -> None:
    message = say(incident("slow", "kie/key"))
    assert message.todo == "Look at what it answers: `monitor explain kie/key`."
    assert message.annotations["runbook"] == ""
    assert message.customers == ""


def test_steps_name_the_account_and_the_target() -> None:
    about = caused("balance-unreadable", "kie/balance", Cause.ANSWER_MALFORMED)
    assert "`monitor explain kie/balance`" in say(about).todo
    key = caused("key-rejected", "hf/key", Cause.KEY_REJECTED)
    assert any("`monitor explain hf/key`" in step for step in say(key).steps)
    down = caused("provider-down", "kie/provider", Cause.PROVIDER_ERROR, account="")
    assert any("`monitor explain TARGET`" in step for step in say(down).steps)


def test_what_the_config_tells_customers_wins() -> None:
    words = "Image generation is slower than usual. Your credits are safe."
    message = say(incident(), service_words=words)
    assert message.customers == message.annotations["customers"] == words


def test_a_spike_is_looked_into_before_it_is_paid_for() -> None:
    assert say(incident("burn-spike"), view=balance()).todo.startswith("Find out what is spending")


# -- links ----------------------------------------------------------------------------------


def test_our_own_pages_are_linked_only_with_an_external_url() -> None:
    without, with_ = say(incident()), say(incident(), url="https://monitor.example/")
    assert without.external_url == without.annotations["runbook_url"] == ""
    assert all("monitor.example" not in address for _, address in without.links)
    assert with_.external_url == "https://monitor.example"
    assert with_.annotations["runbook_url"] == "https://monitor.example/runbooks/runway-short"
    assert ("Status page", "https://monitor.example/") in with_.links
    own = f"https://monitor.example/incidents/{with_.incident}"
    assert with_.links[0] == ("Acknowledge or silence", own)
    assert ("Runbook runway-short", "https://monitor.example/runbooks/runway-short") in with_.links


def test_a_link_that_two_pages_share_is_written_once() -> None:
    links = say(caused("key-rejected", "huggingface/key", Cause.KEY_REJECTED)).links
    assert len(links) == len(set(links)) > 0


# -- identity, labels, annotations ----------------------------------------------------------


def test_labels_are_those_of_the_opening_and_annotations_the_present() -> None:
    about = Incident(
        id="01J", alert="credits-exhausted", target="kie/balance", account="kie", provider="kie",
        opened_at=T0, opening_severity=Severity.WARNING, opening_cause=Cause.QUOTA_EXHAUSTED,
        severity=Severity.CRITICAL, cause=Cause.CREDITS_EXHAUSTED, summary="empty",
    )  # fmt: skip
    message = say(about, Kind.ESCALATED, view=balance())
    assert message.labels == {
        "alertname": "credits-exhausted", "severity": "warning", "target": "kie/balance",
        "account": "kie", "provider": "kie", "cause": "quota_exhausted",
    }  # fmt: skip
    assert message.annotations["severity"] == "critical"
    assert message.annotations["cause"] == "credits_exhausted"
    assert message.severity is Severity.CRITICAL
    assert message.fingerprint == about.fingerprint
    over = replace(about, closed_at=T0)
    assert say(over, Kind.RESOLVED).labels == message.labels


def test_annotations_are_always_there_and_always_strings() -> None:
    for message in (say(incident()), say(incident(), view=balance()), say(incident("x", "a/b"))):
        assert set(message.annotations) == {
            "severity", "cause", "summary", "description", "runbook", "runbook_url", "next_step",
            "customers", "balance", "burn_per_hour", "runway", "jobs_left",
        }  # fmt: skip
        assert all(isinstance(value, str) for value in message.annotations.values())


def test_figures_are_annotations_too() -> None:
    notes = say(incident(), view=balance("5916.25", 112.0)).annotations
    assert notes["balance"] == "5916.25"
    assert notes["burn_per_hour"] == "41.5"
    assert notes["runway"] == (
        "about 5 days (10 % about 3 days, 50 % about 7 days, 90 % without end)"
    )
    assert notes["jobs_left"] == "1 Sora 2 Pro 720p 15 s video, 8 Sora 2 720p 10 s videos"
    assert notes["summary"] == "kie: about 5 days of credits left"


def test_every_message_of_an_incident_knows_its_first_one() -> None:
    about = incident()
    first = say(about)
    later = say(about, Kind.REMINDER, number=3)
    assert first.id == first.opened_id == later.opened_id
    assert later.id != first.id
    assert (later.kind, later.round, later.receiver) == (Kind.REMINDER, 3, "oncall")
    assert (later.incident, later.starts_at, later.status) == ("01J", T0, "firing")


def test_what_is_muted_is_named_in_the_description() -> None:
    low = incident("credits-low")
    message = say(incident("credits-exhausted"), muted=(low,))
    assert message.muted == ("credits-low on kie/balance",)
    assert message.annotations["description"].endswith(
        " This speaks for: credits-low on kie/balance."
    )


def test_targets_that_say_nothing_because_of_the_key_are_named() -> None:
    seen = balance(key_cause=Cause.KEY_REJECTED)
    fine = balance(target="kie/quota")
    own = View("kie/key", "kie", "kie", Check.KEY, key_cause=Cause.KEY_REJECTED)
    view = View("kie/key", "kie", "kie", None, members=(own, seen, fine))
    about = caused("key-rejected", "kie/key", Cause.KEY_REJECTED)
    assert say(about, view=view).muted == ("kie/balance", "kie/quota")
    lesser = caused("key-cap-reached", "kie/key", Cause.KEY_CAP_REACHED)
    assert say(lesser, view=view).muted == ("kie/balance",)
    assert say(replace(about, closed_at=T0), Kind.RESOLVED, view=view).muted == ()


@pytest.mark.parametrize(("count", "last"), [(20, "a on kie/19"), (21, "and 1 more")])
def test_not_more_than_twenty_are_named(count: int, last: str) -> None:
    many = tuple(incident("a", f"kie/{n}") for n in range(count))
    muted = say(incident("key-rejected", "kie/key"), muted=many).muted
    assert len(muted) == count
    assert muted[-1] == last


# -- figures --------------------------------------------------------------------------------


def test_figures_are_in_words() -> None:
    about = caused("credits-exhausted", "kie/balance", Cause.CREDITS_EXHAUSTED)
    assert say(about, view=balance()).figures == (
        ("Target", "kie/balance"),
        ("Alert", "credits-exhausted"),
        ("Cause", "credits_exhausted"),
        ("Balance", "216 credits"),
        ("Floor", "135 credits"),
        ("Burn", "41.5 credits per hour"),
        ("Runway", "about 5 h (10 % about 3 h, 50 % about 8 h, 90 % without end)"),
        ("Last read", "2026-11-20 10:31 UTC"),
    )
    assert say(about).figures[-1] == ("Cause", "credits_exhausted")


def test_a_burn_that_nobody_has_seen_is_called_planned() -> None:
    view = balance()
    assert view.outlook is not None
    view = replace(view, outlook=replace(view.outlook, planned=True))
    figures = dict(say(incident("runway-short"), view=view).figures)
    assert figures["Burn"] == "41.5 credits per hour (planned)"


def test_a_balance_that_is_only_remembered_is_called_so() -> None:
    failed = Reading("kie/balance", T0, 1.0, Finding(Cause.TIMED_OUT))
    view = balance(cause=Cause.TIMED_OUT, reading=failed)
    message = say(caused("balance-unreadable", "kie/balance", Cause.TIMED_OUT), view=view)
    assert ("Last known balance", "216 credits") in message.figures
    assert message.annotations["balance"] == ""
    assert message.jobs_left == ()
    assert "Top up" not in message.todo


def test_jobs_left_are_whole_jobs_by_name() -> None:
    assert say(incident(), view=balance()).jobs_left == (
        ("Sora 2 Pro 720p 15 s video", 1), ("Sora 2 720p 10 s videos", 8),
    )  # fmt: skip
    assert jobs_in_words(()) == ""


def test_a_balance_without_floor_or_forecast_is_a_figure_all_the_same() -> None:
    bare = balance(p25=None, floor=Decimal(0))
    assert [label for label, _ in say(incident(), view=bare).figures] == [
        "Target", "Alert", "Balance", "Last read",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("quota", "figure"),
    [
        (Quota("q", Decimal("0.04"), Decimal("0.1"), "USD", T0),
         "0.04 of 0.1 USD (40 %), resets 2026-11-20 10:31 UTC"),
        (Quota("q", Decimal(7), None, "calls"), "7 calls, no limit"),
        (Quota("q", None, Decimal(10), "calls"), "unknown of 10 calls"),
    ],
)  # fmt: skip
def test_a_quota_says_what_of_it_is_used(quota: Quota, figure: str) -> None:
    assert quota_figure(quota) == figure
    view = View("hf/quota", "hf", "huggingface", Check.QUOTA, cause=Cause.OK, quotas=(quota,))
    assert ("Quota q", figure) in say(incident("quota-high", "hf/quota"), view=view).figures


@pytest.mark.parametrize(
    ("amount", "burn", "expected"),
    [
        ("216", 41.5, "Top up 6891 credits"),  # 41.5 x 168 + 135 - 216
        ("0", 0.01, "Top up 137 credits"),  # 136.68, rounded up
        ("130", 0.01, "Top up 6.68 credits"),
        ("100000", 41.5, ""),
        ("216", 0.0, ""),
        ("216", None, ""),
        ("216", math.inf, ""),
    ],
)
def test_a_top_up_pays_for_a_week(amount: str, burn: float | None, expected: str) -> None:
    found = top_up(balance(amount, 5.0, burn), 7)
    assert found.partition(":")[0] == expected


def test_money_has_its_unit_and_no_exponent() -> None:
    assert money(Decimal("1E+4"), "credits") == "10000 credits"
    assert money(0.5, None) == "0.5 credits"
    assert money(Decimal("12.40"), "US\nD") == "12.4 US D"


# -- cleaning -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\r\nBcc: x@example.com", "a Bcc: x@example.com"),
        ("a\x00b\x1b[31m\u2028c\x85d", "a b [31m c d"),
        ("  a   b  ", "a b"),
        ("\u202eevil", "evil"),
        ("\ud800", ""),
        ("x" * 12, "x" * 9 + "…"),
        ("x" * 10, "x" * 10),
        ("xxxxxxxx yyyy", "xxxxxxxx…"),
    ],
)
def test_texts_from_outside_become_one_printable_line(text: str, cleaned: str) -> None:
    assert clean(text, 10 if "x" * 8 in text else 500) == cleaned


@pytest.mark.parametrize(
    ("text", "whole"),
    [("top up", "Top up."), ("done!", "Done!"), (" ", ""), ("why?", "Why?"), ("a…", "A…")],
)
def test_a_sentence_has_a_capital_and_a_stop(text: str, whole: str) -> None:
    assert sentence(text) == whole


@pytest.mark.parametrize(
    ("provider", "own"),
    [
        ("luma", "https://lumalabs.ai/dream-machine/api/billing/overview"),
        ("kie", "https://kie.ai/billing"),
        ("openrouter", "https://openrouter.ai/settings/credits"),
        ("twilio", "https://www.twilio.com/docs/usage/api"),  # nothing else is known: its docs
    ],
)
def test_a_message_links_to_its_own_vendor_and_to_nobody_elses(provider: str, own: str) -> None:
    about = caused("credits-exhausted", f"{provider}/balance", Cause.CREDITS_EXHAUSTED)
    links = dict(say(replace(about, provider=provider)).links)
    title = catalogue().providers[provider].title
    assert own in links.values()
    assert {text.partition(": ")[0] for text in links} == {title}


def test_a_link_for_everybody_is_in_every_vendors_message() -> None:
    page = BOOKS["store-failed"]
    assert page.links_for("kie") == page.links_for("luma") == page.links
    assert page.links
