"""observe and deliver together: from an answer to a mail, and back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from house import MODELS, House, Script, huggingface, kie, receiver, rule, settings
from structlog.testing import capture_logs

from monitor.core.causes import Cause
from monitor.core.model import Finding, Kind, ServiceStatus
from monitor.core.settings import Interval, Service
from monitor.notifiers import Delivery

LOW = rule("kie-credits-low", "kie/balance", "balance < 10000", clear=None)


async def test_a_balance_that_crosses_a_threshold_is_told_once_and_resolved_once() -> None:
    house = await House(settings(rules=(LOW,), builtin=False)).start()
    house.script.balance(12000)
    await house.probe()
    assert house.mail.said == []
    house.script.balance("9999.75")
    await house.probe(after=300)
    await house.probe(after=300)
    assert house.mail.said == ["opened kie-credits-low"]
    house.script.balance(15000)
    await house.probe(after=300)
    await house.probe(after=300)
    assert house.mail.said == ["opened kie-credits-low", "resolved kie-credits-low"]
    assert house.firing() == {}


async def test_an_unreadable_balance_neither_opens_nor_closes_a_balance_alert() -> None:
    house = await House(settings(rules=(LOW,), builtin=False)).start()
    house.script.balance(5000)
    await house.probe()
    house.script.cause("kie/balance", Cause.TIMED_OUT)
    for _ in range(10):
        await house.probe(after=300)
    assert house.mail.said == ["opened kie-credits-low"]
    assert house.firing() == {"kie-credits-low": "kie/balance"}
    house.script.balance(20000)
    await house.probe(after=300)
    assert house.mail.said[-1] == "resolved kie-credits-low"


async def test_a_balance_that_lasts_unreadable_raises_an_alert_of_its_own() -> None:
    house = await House().start()
    house.script.balance(50000)
    await house.probe()
    house.script.cause("kie/balance", Cause.ANSWER_MALFORMED)
    await house.probe(after=300)
    await house.probe(after=300)
    assert house.firing() == {}
    await house.probe(after=300)
    assert house.firing() == {"balance-unreadable": "kie/balance"}


async def test_a_sudden_zero_is_asked_again_and_not_believed_when_it_was_a_misread() -> None:
    house = await House().start()
    house.script.balance(5000)
    await house.probe()
    answers = iter([Decimal(0), Decimal(5000)])
    house.script.answers["kie/balance"] = lambda: Finding(
        Cause.OK, balance=next(answers), unit="credits"
    )
    before = house.clock.now()
    await house.probe(after=300)
    assert house.clock.now() - before == timedelta(seconds=305)
    assert house.mail.said == []
    assert house.memory.records["kie/balance"].balance == 5000


async def test_a_sudden_zero_that_stays_is_believed_after_35_seconds() -> None:
    house = await House().start()
    house.script.balance(5000)
    await house.probe()
    house.script.balance(0)
    before = house.clock.now()
    await house.probe(after=300)
    assert house.clock.now() - before == timedelta(seconds=335)
    assert house.firing() == {"credits-exhausted": "kie/balance"}
    assert house.mail.said == ["opened credits-exhausted"]


async def test_a_providers_own_words_are_believed_at_once() -> None:
    house = await House().start()
    house.script.balance(5000)
    await house.probe()
    house.script.cause("kie/balance", Cause.CREDITS_EXHAUSTED)
    before = house.clock.now()
    await house.probe(after=300)
    assert house.clock.now() - before == timedelta(seconds=300)
    assert house.mail.said == ["opened credits-exhausted"]


async def test_a_balance_under_the_floor_is_exhausted_though_it_is_above_zero() -> None:
    """Incident C: credits were left, but not for one video."""
    house = await House().start()
    house.script.balance(140)
    await house.probe()
    assert "credits-exhausted" not in house.firing()
    house.script.balance(120)
    await house.probe(after=300)
    assert house.firing()["credits-exhausted"] == "kie/balance"
    assert house.memory.views["kie/balance"].cause is Cause.CREDITS_EXHAUSTED


async def test_a_rejected_key_is_one_message_for_the_whole_account() -> None:
    house = await House(settings((huggingface(),))).start()
    await house.probe()
    for target in house.memory.targets:
        house.script.cause(target, Cause.KEY_REJECTED)
    await house.probe(after=1800)
    assert house.mail.said == ["opened key-rejected"]
    assert house.firing() == {"key-rejected": "huggingface/key"}


async def test_a_key_rejected_at_a_balance_is_judged_on_the_accounts_key() -> None:
    house = await House().start()
    house.script.balance(50000)
    await house.probe()
    house.script.cause("kie/balance", Cause.KEY_REJECTED)
    await house.probe(after=300)
    assert house.firing() == {"key-rejected": "kie/key"}
    house.script.balance(50000)
    await house.probe(after=300)
    assert house.mail.said == ["opened key-rejected", "resolved key-rejected"]


async def test_a_key_cause_elsewhere_has_the_key_asked_at_once_but_not_too_often() -> None:
    house = await House(settings((huggingface(),))).start()
    soon: list[str] = []
    house.pipeline.ask_soon = soon.append
    await house.probe()
    model = f"huggingface/model/{MODELS[0]}"
    house.script.cause(model, Cause.KEY_REJECTED)
    await house.probe(model, after=600)
    assert soon == ["huggingface/key"]
    await house.probe("huggingface/key")
    soon.clear()
    await house.probe(model, after=60)
    assert soon == []


async def test_a_cured_key_has_the_refused_targets_asked_at_once() -> None:
    house = await House(settings((huggingface(),))).start()
    soon: list[str] = []
    house.pipeline.ask_soon = soon.append
    for target in house.memory.targets:
        house.script.cause(target, Cause.KEY_EXPIRED)
    await house.probe()
    soon.clear()
    house.script.cause("huggingface/key", Cause.OK)
    await house.probe("huggingface/key", after=1800)
    assert set(soon) == {f"huggingface/model/{m}" for m in MODELS}


async def test_a_retired_model_warns_and_the_last_one_gone_is_critical() -> None:
    house = await House(settings((huggingface(),))).start()
    await house.probe()
    for model in MODELS[:2]:
        house.script.cause(f"huggingface/model/{model}", Cause.MODEL_RETIRED)
    await house.probe(after=1800)
    assert house.mail.said == ["opened model-unavailable"] * 2
    house.script.cause(f"huggingface/model/{MODELS[2]}", Cause.MODEL_RETIRED)
    await house.probe(after=1800)
    assert house.firing()["models-exhausted"] == "huggingface/model"
    assert "opened models-exhausted" in house.mail.said


async def test_a_whoami_429_is_no_rejected_key() -> None:
    house = await House(settings((huggingface(),))).start()
    house.script.cause("huggingface/key", Cause.RATE_LIMITED)
    for _ in range(5):
        await house.probe(after=1800)
    assert "key-rejected" not in house.firing()


async def test_a_service_with_its_first_choice_gone_is_degraded_and_without_any_down() -> None:
    service = Service("images", any_of=tuple(f"huggingface/model/{m}" for m in MODELS))
    house = await House(settings((huggingface(),), services=(service,))).start()

    def status() -> ServiceStatus:
        return house.memory.snapshot(house.clock.now()).services[0].status

    assert status() is ServiceStatus.UNKNOWN
    await house.probe()
    assert status() is ServiceStatus.UP
    house.script.cause(f"huggingface/model/{MODELS[0]}", Cause.MODEL_RETIRED)
    await house.probe(after=1800)
    assert status() is ServiceStatus.DEGRADED
    for model in MODELS:
        house.script.cause(f"huggingface/model/{model}", Cause.MODEL_RETIRED)
    await house.probe(after=1800)
    assert status() is ServiceStatus.DOWN


async def test_the_next_time_follows_the_runway_within_the_interval() -> None:
    target = kie().targets[0]
    ranged = kie(
        targets=(target.__class__(target.target, Interval(60, 900), 15.0),),
        usage={"video": Decimal(240)},  # 1350 credits an hour
    )
    house = await House(settings((ranged,), builtin=False)).start()
    house.script.balance(500000)
    calm = await house.pipeline.observe("kie/balance")
    assert calm == house.clock.now() + timedelta(seconds=900)
    short = await House(settings((ranged,), builtin=False)).start()
    short.script.balance(3000)
    hurried = await short.pipeline.observe("kie/balance")
    assert hurried is not None
    assert timedelta(0) < hurried - house.clock.now() < timedelta(seconds=900)


async def test_a_provider_that_asks_for_patience_gets_it() -> None:
    house = await House().start()
    house.script.answers["kie/balance"] = Finding(Cause.RATE_LIMITED, retry_after=1200.0)
    following = await house.pipeline.observe("kie/balance")
    assert following == house.clock.now() + timedelta(seconds=1200)


async def test_a_failed_send_is_tried_again_with_the_same_words_and_told_once() -> None:
    house = await House(settings(rules=(LOW,), builtin=False)).start()
    tries: list[str] = []

    def refuse(message: object, addresses: tuple[str, ...]) -> Delivery:
        tries.append(getattr(message, "id", ""))
        if len(tries) < 4:
            return Delivery(failed=dict.fromkeys(addresses, "451 try later"))
        return Delivery(addresses)

    house.mail.outcome = refuse
    house.script.balance(9000)
    await house.probe()
    assert len(tries) == 1
    await house.tell(after=1.0)
    assert len(tries) == 1
    await house.tell(after=0.6)
    assert len(tries) == 2
    for _ in range(20):
        await house.tell(after=1.0)
    assert len(tries) == 4
    assert len(set(tries)) == 1
    assert house.mail.said == ["opened kie-credits-low"]
    assert house.memory.notified["oncall", Kind.OPENED, "failed"] == 3
    assert house.memory.notified["oncall", Kind.OPENED, "ok"] == 1


async def test_a_refused_send_is_given_up_for_an_hour_and_then_tried_anew() -> None:
    house = await House(settings(rules=(LOW,), builtin=False)).start()
    house.mail.outcome = lambda m, a: Delivery(refused=dict.fromkeys(a, "550 no such user"))
    house.script.balance(9000)
    await house.probe()
    await house.tell(after=3000)
    assert house.memory.notified["oncall", Kind.OPENED, "refused"] == 1
    house.mail.outcome = lambda m, a: Delivery(a)
    await house.tell(after=500)
    assert house.mail.said == []
    await house.tell(after=101)
    assert house.mail.said == ["opened kie-credits-low"]


async def test_a_partial_refusal_is_retried_for_the_remaining_address_alone() -> None:
    two = receiver(addresses=("a@example.com", "b@example.com"))
    house = await House(settings(rules=(LOW,), receivers=(two,), builtin=False)).start()
    house.mail.outcome = lambda m, a: Delivery(
        told=tuple(x for x in a if x.startswith("a")),
        failed={x: "451 greylisted" for x in a if x.startswith("b")},
    )
    house.script.balance(9000)
    await house.probe()
    house.mail.outcome = lambda m, a: Delivery(a)
    await house.tell(after=2)
    assert [addresses for _, addresses in house.mail.sent] == [
        ("a@example.com",),
        ("b@example.com",),
    ]
    first, second = (m for m, _ in house.mail.sent)
    assert first is second


async def test_a_fallback_hears_after_the_third_failure_and_is_resolved_too() -> None:
    pair = (receiver(fallback="lead"), receiver("lead", severities=frozenset()))
    house = await House(settings(rules=(LOW,), receivers=pair, builtin=False)).start()
    house.mail.outcome = lambda m, a: (
        Delivery(a) if m.receiver == "lead" else Delivery(failed=dict.fromkeys(a, "down"))
    )
    house.script.balance(9000)
    await house.probe()
    assert house.mail.sent == []
    for _ in range(30):
        await house.tell(after=1)
    assert [m.receiver for m, _ in house.mail.sent] == ["lead"]
    house.mail.outcome = lambda m, a: Delivery(a)
    house.script.balance(20000)
    await house.probe(after=300)
    assert sorted((m.receiver, m.kind) for m, _ in house.mail.sent) == [
        ("lead", Kind.OPENED),
        ("lead", Kind.RESOLVED),
        ("oncall", Kind.OPENED),
        ("oncall", Kind.RESOLVED),
    ]


async def test_a_rule_or_target_taken_out_of_the_config_closes_its_incident() -> None:
    house = await House(settings(rules=(LOW,), builtin=False)).start()
    house.script.balance(9000)
    await house.probe()
    await house.pipeline.reload(settings(rules=(), builtin=False))
    await house.tell()
    assert house.mail.said == ["opened kie-credits-low", "resolved kie-credits-low"]
    closed = next(iter(house.memory.incidents.values()))
    assert closed.close_reason == "rule removed"


async def test_a_changed_rule_judges_the_same_incident_anew() -> None:
    house = await House(settings(rules=(LOW,), builtin=False)).start()
    house.script.balance(9000)
    await house.probe()
    (incident,) = house.memory.incidents
    worse = rule("kie-credits-low", "kie/balance", "balance < 10000", "critical")
    await house.pipeline.reload(settings(rules=(worse,), builtin=False))
    await house.tell()
    assert house.mail.said == ["opened kie-credits-low", "escalated kie-credits-low"]
    assert list(house.memory.incidents) == [incident]


async def test_a_target_gone_in_the_middle_of_its_probe_leaves_nothing_behind() -> None:
    script = Script()
    house = await House(settings((kie(), huggingface())), script=script).start()

    async def reload_meanwhile() -> Finding:
        await house.pipeline.reload(settings((huggingface(),)))
        return Finding(Cause.OK, balance=Decimal(1), unit="credits")

    script.answers["kie/balance"] = reload_meanwhile
    assert await house.pipeline.observe("kie/balance") is None
    assert "kie/balance" not in house.memory.views


UNREACHED = [Cause.TIMED_OUT, Cause.PROVIDER_UNREACHABLE, Cause.NETWORK_OFFLINE]


async def test_what_answered_before_the_first_failure_does_not_clear_our_network() -> None:
    """A target on a longer interval was read just after the last good answer of the first."""
    house = await House(settings((kie(), huggingface()))).start()
    soon: list[str] = []
    house.pipeline.ask_soon = soon.append
    house.script.balance(50000)
    await house.probe("kie/balance")
    house.clock.step(5)
    await house.probe(*(t for t in house.memory.targets if t != "kie/balance"))
    for target in house.memory.targets:
        house.script.cause(target, Cause.PROVIDER_UNREACHABLE)
    await house.probe("kie/balance", after=295)
    await house.probe("kie/balance", after=300)
    await house.probe(*soon)
    await house.probe("kie/balance")  # asked out of turn, for another's sake
    assert house.firing() == {"monitor-offline": "monitor/network"}


async def test_our_own_network_down_blames_nobody_else() -> None:
    house = await House(settings((kie(), huggingface()))).start()
    soon: list[str] = []
    house.pipeline.ask_soon = soon.append
    house.script.balance(50000)
    await house.probe()
    for target in house.memory.targets:
        house.script.cause(target, Cause.PROVIDER_UNREACHABLE)
    for _ in range(6):  # the balance fails every 5 minutes; others when it has them asked
        await house.probe("kie/balance", after=300)
        for target in soon:
            await house.pipeline.observe(target)
        soon.clear()
    assert house.firing() == {"monitor-offline": "monitor/network"}
    for target in house.memory.targets:
        house.script.answers.pop(target)
    house.script.balance(50000)
    await house.probe(after=300)
    assert house.firing() == {}
    assert house.mail.said == ["opened monitor-offline", "resolved monitor-offline"]


@pytest.mark.parametrize("cause", [Cause.TIMED_OUT, Cause.PROVIDER_ERROR, Cause.TLS_INVALID])
async def test_a_provider_that_is_down_alone_is_one_message(cause: Cause) -> None:
    house = await House(settings((kie(), huggingface()))).start()
    house.script.balance(50000)
    await house.probe()
    for target in house.memory.targets:
        if target.startswith("huggingface"):
            house.script.cause(target, cause)
    for _ in range(4):
        await house.probe(after=1800)
    assert house.firing() == {"provider-down": "huggingface/provider"}
    assert house.mail.said == ["opened provider-down"]


@pytest.mark.parametrize("cause", UNREACHED)
async def test_before_a_provider_is_blamed_another_is_asked(cause: Cause) -> None:
    house = await House(settings((kie(), huggingface()))).start()
    soon: list[str] = []
    house.pipeline.ask_soon = soon.append
    house.script.balance(50000)
    await house.probe()
    house.script.cause("kie/balance", cause)
    await house.probe("kie/balance", after=300)
    assert soon == []
    await house.probe("kie/balance", after=300)
    assert soon == [f"huggingface/model/{MODELS[0]}"]  # never whoami, which is strictly limited


async def test_a_canary_that_answers_clears_our_network_and_one_that_does_not_blames_it() -> None:
    answers = {"now": Finding(Cause.OK)}
    asked: list[str] = []

    async def canary(url: str) -> Finding:
        asked.append(url)
        return answers["now"]

    config = replace(settings(), canary_url="http://127.0.0.1:9/")
    house = await House(config, canary=canary).start()
    house.script.balance(50000)
    await house.probe()
    assert asked == []
    house.script.cause("kie/balance", Cause.TIMED_OUT)
    for _ in range(4):
        await house.probe(after=300)
    assert "provider-down" in house.firing()
    assert set(asked) == {"http://127.0.0.1:9/"}
    answers["now"] = Finding(Cause.TIMED_OUT)
    for _ in range(4):
        await house.probe(after=300)
    assert "monitor-offline" in house.firing()


async def test_a_rejected_key_is_critical_where_a_lesser_alert_already_stands() -> None:
    from monitor.core.causes import Status
    from monitor.core.status import overall

    house = await House(settings(rules=(LOW,))).start()
    house.script.balance(9000)
    await house.probe()
    house.script.cause("kie/balance", Cause.KEY_REJECTED)
    await house.probe(after=300)
    assert set(house.firing()) == {"kie-credits-low", "key-rejected"}
    assert overall(house.memory.snapshot(house.clock.now())) is Status.CRITICAL


async def test_the_end_of_one_alert_says_what_still_stands() -> None:
    lower = rule("kie-credits-very-low", "kie/balance", "balance < 5000", "critical")
    house = await House(settings(rules=(LOW, lower), builtin=False)).start()
    house.script.balance(4000)
    await house.probe()
    house.script.balance(8000)
    await house.probe(after=300)
    message = house.mail.sent[-1][0]
    assert message.kind is Kind.RESOLVED
    assert message.todo.startswith("Still open: kie-credits-low (warning).")


@pytest.mark.parametrize(
    ("told", "refused", "count"), [(("a@x",), ("b@x", "c@x"), 2), ((), ("a@x", "b@x", "c@x"), 1)]
)
async def test_a_mail_given_up_counts_once_and_a_partial_refusal_for_each_recipient(
    told: tuple[str, ...], refused: tuple[str, ...], count: int
) -> None:
    three = receiver(addresses=("a@x", "b@x", "c@x"))
    house = await House(settings(rules=(LOW,), receivers=(three,), builtin=False)).start()
    house.mail.outcome = lambda m, a: Delivery(told, refused=dict.fromkeys(refused, "550 no"))
    house.script.balance(9000)
    await house.probe()
    assert house.memory.notified["oncall", Kind.OPENED, "refused"] == count


async def test_a_notice_that_comes_with_every_answer_is_logged_once() -> None:
    house = await House().start()
    says = Finding(Cause.OK, balance=Decimal(9), unit="credits", facts={"notices": "v1 ends"})
    house.script.answers["kie/balance"] = says
    with capture_logs() as said:
        for _ in range(3):
            await house.probe("kie/balance", after=300)
    told = [line["notice"] for line in said if line["event"] == "the provider says"]
    assert told == ["v1 ends"]


async def test_a_target_counts_as_failing_from_its_first_failure_to_the_next_reading() -> None:
    house = await House().start()
    assert not house.pipeline.failing("kie/balance")
    house.script.cause("kie/balance", Cause.TIMED_OUT)
    await house.probe()
    assert house.pipeline.failing("kie/balance")
    house.script.balance(9000)
    await house.probe()
    assert not house.pipeline.failing("kie/balance")
    assert not house.pipeline.failing("gone/balance")
