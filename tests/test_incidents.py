"""The incidents this project comes from, from the provider's own answer to the message.

What people at 3 in the morning must read is here: which cause, whose it is, what to do, and what
customers see meanwhile.
"""

from __future__ import annotations

import re

import pytest
from house import House, every, huggingface, kie, receiver, settings
from recorded import Player, played, recordings

from monitor.channels import runbooks
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding, ServiceStatus, Target
from monitor.core.services import service_state
from monitor.core.settings import Account, Service
from monitor.providers import load_providers

PROVIDERS = load_providers()
TRIED = (
    "stabilityai/stable-diffusion-xl-base-1.0",
    "runwayml/stable-diffusion-v1-5",
    "prompthero/openjourney-v4",
    "CompVis/stable-diffusion-v1-4",
    "dreamlike-art/dreamlike-photoreal-2.0",
)
IMAGES = Service("image-generation", (), tuple(f"huggingface/model/{m}" for m in TRIED))
VIDEOS = Service("video-generation", ("kie/balance",), ())
# What customers may never read: money, suppliers, their texts.
UNTOLD = r"kie|hugging|provider|supplier|credits (are )?(gone|insufficient|exhausted)|billing|key"


async def answer(provider: str, name: str) -> Finding:
    """What a recorded answer is read as."""
    (one,) = (r for r in recordings(provider) if r.name == name)
    owner = PROVIDERS[provider]
    player = Player(*one.answers)
    return await played(owner, player, one.check, one.subject, account=one.account(owner))


def models() -> Account:
    """The account of the first incident: its models in the order in which they were tried."""
    name = "huggingface"
    asked = tuple(every(Target(name, name, Check.MODEL, m), 600) for m in TRIED)
    return huggingface(targets=asked, models=TRIED)


async def house(*accounts: Account) -> House:
    config = settings(accounts, receivers=(receiver(),), services=(IMAGES, VIDEOS))
    return await House(config).start()


def customers(at: House, service: Service) -> tuple[ServiceStatus, str]:
    """How a service stands for customers, and what they are told."""
    state = service_state(service, at.memory.views.get)
    return state.status, state.tell_customers


# A: every model in the list answers 410


async def test_the_five_models_go_one_after_another_and_only_the_last_is_an_outage() -> None:
    answers = (
        "incident-a-1-sdxl-retired", "incident-a-2-sd15-gone", "incident-a-3-openjourney",
        "incident-a-4-sd14", "incident-a-5-dreamlike",
    )  # fmt: skip
    home, seen = await house(models(), kie()), []
    served = await answer("huggingface", "model-served")
    for model in TRIED:
        home.script.answers[f"huggingface/model/{model}"] = served
    await home.probe()
    for model, name in zip(TRIED, answers, strict=True):
        home.script.answers[f"huggingface/model/{model}"] = await answer("huggingface", name)
        await home.probe(after=600)
        await home.probe(after=600)  # what is not served is believed when seen twice
        seen.append((customers(home, IMAGES)[0].value, "models-exhausted" in home.firing()))
    assert seen == [("degraded", False)] * 4 + [("down", True)]
    subjects = [m.subject for m, _ in home.mail.sent if m.kind.value == "opened"]
    assert sum("CRITICAL" in s for s in subjects) == 1


async def test_the_last_of_the_five_is_told_with_its_cause_and_what_to_do() -> None:
    home = await house(models(), kie())
    for model in TRIED:
        home.script.answers[f"huggingface/model/{model}"] = await answer(
            "huggingface", "model-disabled"
        )
    await home.probe()
    said = [m for m, _ in home.mail.sent if m.labels["alertname"] == "models-exhausted"]
    (message,) = said
    text = " ".join((message.subject, message.what, message.how_long, message.todo))
    assert "quota" not in text
    assert "key" not in text.lower().split()
    assert message.steps
    assert message.customers
    assert re.search(UNTOLD, message.customers, re.IGNORECASE) is None


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("inference-retired", Cause.MODEL_RETIRED),
        ("inference-retired-host", Cause.ENDPOINT_RETIRED),
        ("inference-not-supported", Cause.MODEL_NOT_SERVED),
        ("inference-credits", Cause.CREDITS_EXHAUSTED),
        ("inference-no-permission", Cause.KEY_LACKS_PERMISSION),
        ("inference-loading", Cause.MODEL_LOADING),
    ],
)
async def test_what_their_guide_called_quota_has_six_different_causes(
    name: str, cause: Cause
) -> None:
    assert (await answer("huggingface", name)).cause is cause


# C: the credits are gone, and only videos fail


@pytest.mark.parametrize(
    "name", ["credits-gone-2025", "credits-gone-402", "credits-gone-code-500"]
)
async def test_image_generation_works_and_video_generation_fails(name: str) -> None:
    home = await house(models(), kie())
    served = await answer("huggingface", "model-served")
    for model in TRIED:
        home.script.answers[f"huggingface/model/{model}"] = served
    home.script.answers["kie/balance"] = await answer("kie", name)
    await home.probe()
    assert home.firing() == {"credits-exhausted": "kie/balance"}
    assert home.mail.said == ["opened credits-exhausted"]
    assert customers(home, IMAGES) == (ServiceStatus.UP, "")
    status, words = customers(home, VIDEOS)
    assert status is ServiceStatus.DOWN
    assert words
    assert re.search(UNTOLD, words, re.IGNORECASE) is None


async def test_the_message_of_the_empty_account_says_whose_it_is_and_what_to_do() -> None:
    home = await house(models(), kie())
    home.script.answers["kie/balance"] = await answer("kie", "credits-gone-2025")
    await home.probe()
    ((message, _),) = home.mail.sent
    assert message.subject.startswith("[CRITICAL] kie")
    assert "top up" in message.todo.lower()
    assert message.labels["account"] == "kie"
    assert re.search(UNTOLD, message.customers, re.IGNORECASE) is None


# One cause, one message


async def test_a_rejected_key_speaks_for_all_of_its_account() -> None:
    home = await house(huggingface(), kie())
    for target in home.memory.targets:
        if target.startswith("huggingface/"):
            home.script.answers[target] = await answer("huggingface", "key-rejected")
    await home.probe()
    await home.probe(after=1800)
    await home.probe(after=1800)
    assert home.mail.said == ["opened key-rejected"]


@pytest.mark.parametrize("name", ["server-error", "edge-520", "maintenance"])
async def test_a_providers_outage_is_one_message_for_all_its_accounts(name: str) -> None:
    second = kie(name="kie2", targets=(every(Target("kie2", "kie", Check.BALANCE)),))
    home = await house(models(), kie(), second)
    for target in ("kie/balance", "kie2/balance"):
        home.script.answers[target] = await answer("kie", name)
    for _ in range(4):
        await home.probe(after=300)
    assert home.firing() == {"provider-down": "kie/provider"}
    assert home.mail.said == ["opened provider-down"]


async def test_nobody_is_blamed_while_our_own_network_is_down() -> None:
    home = await house(models(), kie())
    for target in home.memory.targets:
        home.script.cause(target, Cause.PROVIDER_UNREACHABLE)
    for _ in range(4):
        await home.probe(after=300)
    assert home.firing() == {"monitor-offline": "monitor/network"}
    assert home.mail.said == ["opened monitor-offline"]


# A vendor's own pages


def test_every_cause_sends_people_to_their_own_vendor() -> None:
    for cause in set(Cause) - {Cause.OK}:
        page = runbooks()[cause.value]
        for name, provider in PROVIDERS.items():
            links = page.links_for(name)
            assert links or not provider.spec.docs, (cause, name)
            assert all(url.startswith("https://") for _, url in links)
            others = {p.spec.title for p in PROVIDERS.values()} - {provider.spec.title}
            assert not {text.partition(": ")[0] for text, _ in links} & others


def test_an_empty_account_is_sent_to_where_it_can_be_paid() -> None:
    page = runbooks()[Cause.CREDITS_EXHAUSTED.value]
    assert dict(page.links_for("luma"))["Luma: billing"].startswith("https://lumalabs.ai/")
    assert dict(page.links_for("kie"))["KIE: billing"] == "https://kie.ai/billing"
    assert page.links_for("nobody") == page.links
