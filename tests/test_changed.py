"""What `resolved` and `follow_up` say: how long it stood, what changed, that it has lasted."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from core_scenes import NOW, a_view, an_outlook
from house import House, huggingface, receiver, rule, settings

from monitor.channels import runbooks
from monitor.core.alerts import Stepped
from monitor.core.causes import Cause, Severity
from monitor.core.changed import Credit, changed, marked
from monitor.core.durations import spell
from monitor.core.incident import Alert, Incident, Kind, Notification
from monitor.core.measured import Measured
from monitor.core.message import Message, compose
from monitor.core.model import Check, Finding, Quota
from monitor.core.settings import Settings
from monitor.core.view import View
from monitor.notifiers import Delivery
from monitor.store.sqlite import SqliteStore

HOURS = timedelta(hours=1)
BEFORE = Measured(
    Cause.OK, Decimal("5916.25"), "credits", burn=900.0, runway=5.2, topped_up=Decimal(1000),
    topped_up_at=NOW - 48 * HOURS,
)  # fmt: skip
AFTER = Measured(
    Cause.OK, Decimal(25000), "credits", burn=40.0, runway=620.0, topped_up=Decimal(21000),
    topped_up_at=NOW + 2 * HOURS,
)  # fmt: skip


def ended(before: Measured | None, after: Measured | None, **more: object) -> Incident:
    base = Incident(
        id="01J", alert="runway-short", target="kie/balance", account="kie", provider="kie",
        opened_at=NOW, opening_severity=Severity.CRITICAL, opening_cause=Cause.OK,
        severity=Severity.CRITICAL, cause=Cause.OK, summary="",
        closed_at=NOW + 2 * HOURS + timedelta(minutes=10), close_reason="resolved",
        opening=before, closing=after,
    )  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]  # the fields of the value itself


def say(incident: Incident, kind: Kind, view: View | None = None, now: datetime = NOW) -> Message:
    notification = Notification(incident, kind, 0, "oncall", ("a",))
    return compose(notification, view=view, runbooks=runbooks(), now=now, external_url=None)


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (0, "under a second"), (0.4, "under a second"), (1, "1 s"), (59.6, "1 min"),
        (61, "1 min 1 s"), (3600, "1 h"), (3605, "1 h"), (7800, "2 h 10 min"), (86400, "1 day"),
        (90061, "1 day 1 h"), (604799, "6 days 23 h"), (172800 + 59, "2 days"),
    ],
)  # fmt: skip
def test_a_duration_that_is_over_is_said_in_its_two_largest_units(
    seconds: float, says: str
) -> None:
    assert spell(seconds) == says


CHANGES = [
    (BEFORE, AFTER,
     "balance 5916.25 → 25000 credits: topped up 20000 credits at 12:31 UTC; burn 900 → 40"
     " credits per hour; runway about 5 h → about 26 days"),
    # no top-up: a plan, a refund, another's doing
    (BEFORE, replace(AFTER, topped_up=Decimal(1000), burn=900.0, runway=None),
     "balance 5916.25 → 25000 credits"),
    # a top-up before the opening is none of it
    (BEFORE, replace(AFTER, topped_up_at=BEFORE.topped_up_at, burn=None, runway=5.1),
     "balance 5916.25 → 25000 credits: topped up 20000 credits"),
    # on another day than the end
    (replace(BEFORE, burn=None, runway=None), replace(AFTER, topped_up_at=NOW - 24 * HOURS),
     "balance 5916.25 → 25000 credits: topped up 20000 credits at 2026-11-19 10:31 UTC"),
    # another unit is another series
    (BEFORE, replace(AFTER, unit="USD", runway=None), ""),
    (BEFORE, replace(BEFORE, runway=math.inf), "runway about 5 h → without end"),
    (Measured(Cause.MODEL_RETIRED), Measured(Cause.OK), "cause model_retired → ok"),
    (Measured(Cause.OK, quota="images", used=0.96), Measured(Cause.OK, quota="images", used=0.12),
     "quota images 96 % → 12 %"),
    (BEFORE, BEFORE, ""),
    # what would read the same has not changed
    (Measured(Cause.OK, quota="i", used=0.96), Measured(Cause.OK, quota="i", used=0.9601),
     ""),
    (Measured(Cause.OK, Decimal("9.001")), Measured(Cause.OK, Decimal("9.002")), ""),
    (Measured(Cause.OK, runway=0.0), Measured(Cause.OK, runway=5.0), "runway 0 → about 5 h"),
    (Measured(Cause.OK), Measured(Cause.OK), ""),
    (None, AFTER, ""),
    (BEFORE, None, ""),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "says"), CHANGES)
def test_what_changed_is_said_and_nothing_that_did_not(
    before: Measured | None, after: Measured | None, says: str
) -> None:
    assert changed(ended(before, after)) == says


def test_resolved_says_after_how_long_and_what_changed() -> None:
    view = a_view(balance="25000", unit="credits", outlook=an_outlook(40.0, p25=620.0))
    message = say(ended(BEFORE, AFTER), Kind.RESOLVED, view)
    assert message.what == (
        "Resolved after 2 h 10 min: kie: credits are running short. The balance is 25000 credits"
        " now, about 26 days."
    )
    assert message.how_long == (
        "It lasted 2 h 10 min: 2026-11-20 10:31 UTC to 2026-11-20 12:41 UTC. Balance 5916.25 →"
        " 25000 credits: topped up 20000 credits at 12:31 UTC; burn 900 → 40 credits per hour;"
        " runway about 5 h → about 26 days."
    )
    assert message.annotations["description"].startswith(message.what)


def test_what_the_config_closed_has_not_changed() -> None:
    gone = ended(BEFORE, None, close_reason="rule removed")
    assert say(gone, Kind.RESOLVED).how_long.endswith("2026-11-20 12:41 UTC.")


def test_a_follow_up_says_that_it_has_stayed_resolved() -> None:
    view = a_view(balance="24000", unit="credits", outlook=an_outlook(40.0, p25=600.0))
    late = NOW + timedelta(hours=26, minutes=10)
    message = say(ended(BEFORE, AFTER), Kind.FOLLOW_UP, view, late)
    assert message.subject == "[RESOLVED] kie: credits are running short (still fine)"
    assert message.what == (
        "Still resolved after 1 day: kie: credits are running short. The balance is 24000 credits"
        " now, about 25 days."
    )
    assert message.how_long == (
        "It was critical, lasted 2 h 10 min and ended 2026-11-20 12:41 UTC; it has not come back"
        " since."
    )
    assert (message.todo, message.status, message.steps) == ("Nothing more to do.", "resolved", ())
    assert message.ends_at == ended(None, None).closed_at
    assert message.opened_id == say(ended(None, None), Kind.OPENED).id


def test_a_follow_up_of_what_cannot_be_read_at_present_says_so() -> None:
    view = a_view("hf/key", Cause.TIMED_OUT, last_success=NOW)
    about = ended(None, None, alert="key-rejected", target="hf/key")
    assert say(about, Kind.FOLLOW_UP, view).what.endswith(
        "It cannot be read at present; it was last read 2026-11-20 10:31 UTC."
    )


# -- what is kept -----------------------------------------------------------------------------


def test_the_figures_of_the_opening_are_bounded_whatever_a_provider_calls_its_units() -> None:
    quotas = (
        Quota("q" * 5000, Decimal(9), Decimal(10), "x"),
        Quota("low", Decimal(1), Decimal(10), "x"),
        Quota("endless", Decimal(99), None, "x"),
    )
    view = a_view(
        balance="10", unit="c\r\n" * 5000, quotas=quotas, outlook=an_outlook(math.inf, p25=0.0)
    )
    opened = Stepped(Alert("a", "b"), ended(None, None, closed_at=None), opened=True)
    stepped = marked(opened, view, Credit(Decimal(7), NOW))
    assert stepped.incident is not None
    found = stepped.incident.opening
    assert found is not None
    assert (len(found.quota), len(found.unit)) == (60, 20)
    assert found.unit.isprintable()
    assert (found.burn, found.used, found.topped_up) == (None, 0.9, Decimal(7))
    again = marked(
        Stepped(stepped.alert, ended(found, None), closed=True), view, Credit()
    ).incident
    assert again is not None
    assert again.closing is not None
    assert again.closing.used == 0.9


def test_a_memory_of_a_balance_is_no_figure_of_the_opening() -> None:
    view = a_view(cause=Cause.TIMED_OUT, balance="10", outlook=an_outlook())
    opened = Stepped(Alert("a", "b"), ended(None, None, closed_at=None), opened=True)
    found = marked(opened, view, Credit()).incident
    assert found is not None
    assert found.opening == Measured(found.opening_cause)


# -- the house ----------------------------------------------------------------------------------

LOW = rule("credits-low", "kie/balance", "balance < 10000", "critical")


def config() -> Settings:
    lasting = receiver(follow_up=86400.0)
    return settings(rules=(LOW,), receivers=(lasting,), builtin=False)


async def test_the_end_compares_with_an_opening_before_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    house = await House(config(), store=SqliteStore(path)).start()
    for amount in (10300, 9916.25, 9900):
        house.script.balance(amount)
        await house.probe(after=300)
    await house.pipeline.keeper.close()
    again = House(
        config(), store=SqliteStore(path), clock=house.clock, script=house.script, mail=house.mail
    )
    house = await again.start()
    house.script.balance(29900)
    await house.probe(after=300)
    message, _ = house.mail.sent[-1]
    assert message.kind is Kind.RESOLVED
    assert "Balance 9916.25 → 29900 credits: topped up 20000 credits at" in message.how_long
    await house.pipeline.keeper.close()


async def test_a_model_that_is_served_again_says_what_it_was_before() -> None:
    models = (receiver(),)
    house = await House(settings((huggingface(),), receivers=models)).start()
    name = "huggingface/model/stabilityai/sdxl"
    house.script.cause(name, Cause.MODEL_RETIRED)
    await house.probe(after=600)
    house.script.answers[name] = Finding(Cause.OK)
    await house.probe(after=600)
    message, _ = house.mail.sent[-1]
    assert "Cause model_retired → ok." in message.how_long
    assert house.memory.views[name].check is Check.MODEL


async def test_what_was_critical_is_followed_up_once_also_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    house = await House(config(), store=SqliteStore(path)).start()
    for amount in (9000, 30000):
        house.script.balance(amount)
        await house.probe(after=300)
    house.mail.outcome = lambda m, a: Delivery(failed=dict.fromkeys(a, "down"))
    await house.probe(after=86400)
    await house.pipeline.keeper.close()
    house.mail.outcome = lambda m, a: Delivery(a)
    again = House(
        config(), store=SqliteStore(path), clock=house.clock, script=house.script, mail=house.mail
    )
    house = await again.start()
    for _ in range(5):
        await house.tell(after=3600)
    assert house.mail.said == [f"{k} credits-low" for k in ("opened", "resolved", "follow_up")]
    await house.pipeline.keeper.close()


async def test_a_rule_that_is_gone_meanwhile_is_not_followed_up() -> None:
    house = await House(config()).start()
    for amount in (9000, 30000):
        house.script.balance(amount)
        await house.probe(after=300)
    await house.pipeline.reload(replace(config(), rules=()))
    await house.probe(after=90000)
    assert house.mail.said == ["opened credits-low", "resolved credits-low"]


async def test_the_daemon_wakes_for_a_follow_up() -> None:
    house = await House(config()).start()
    for amount in (9000, 30000):
        house.script.balance(amount)
        await house.probe(after=300)
    assert await house.pipeline.deliver("oncall") == pytest.approx(86400.0)


async def test_a_target_taken_out_of_the_config_closes_its_incident_with_that_reason() -> None:
    both = settings((huggingface(),), receivers=(receiver(follow_up=3600.0),))
    house = await House(replace(both, accounts=(*both.accounts, *config().accounts))).start()
    house.script.balance(0)
    await house.probe(after=300)
    await house.pipeline.reload(both)
    await house.tell()
    closed = [i for i in house.memory.incidents.values() if i.target == "kie/balance"]
    assert {i.close_reason for i in closed} == {"target removed"}
    message, _ = house.mail.sent[-1]
    assert message.kind is Kind.RESOLVED
    assert "The target was removed from the config." in message.what
    await house.tell(after=90000)
    assert house.mail.sent[-1][0] is message
