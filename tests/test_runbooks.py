"""Every cause and every built-in rule has its page, and every page says what to do."""

from __future__ import annotations

import re

import pytest

from monitor.build import catalogue
from monitor.channels import runbooks
from monitor.core.builtin import EVERY
from monitor.core.causes import Cause
from monitor.core.message import BY_HAND
from monitor.core.spec import ProviderSpec
from monitor.runbooks import SECTIONS, RunbookError, load_runbooks, parse, with_links

PAGES = load_runbooks()
CAUSES = {cause.value for cause in Cause} - {"ok"}
RULES = {rule.name for rule in EVERY} | {"store-failed"}


def test_every_cause_and_every_built_in_rule_has_its_page_and_no_other_has_one() -> None:
    assert set(PAGES) == CAUSES | RULES


def test_no_name_is_both_a_causes_and_a_rules() -> None:
    assert not CAUSES & RULES


@pytest.mark.parametrize("name", sorted(PAGES))
def test_customers_are_never_told_of_suppliers_money_or_our_credits(name: str) -> None:
    words = r"kie|hugging|provider|supplier|openrouter|billing|money|top.?up|our credits|key|model"
    assert not re.search(rf"\b({words})\b", PAGES[name].customers, re.IGNORECASE)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_page_helps_somebody_who_was_asleep(name: str) -> None:
    page = PAGES[name]
    assert page.name == name
    assert len(page.steps) >= 3
    assert all(len(text) > 20 for text in (page.meaning, page.not_customers, *page.steps))
    assert page.who
    assert page.customers
    assert all(address.startswith("https://") for _, address in page.links)
    assert len(page.steps[0]) <= 240, "the first step is a message's third line"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_command_a_page_names_exists(name: str) -> None:
    known = {"explain", "plan", "status", "history", "silence", "ack", "check-config"}
    known.add("test-receiver")
    for text in PAGES[name].steps:
        for command in re.findall(r"`monitor ([a-z-]+)", text):
            assert command in known


def test_410_is_a_retired_model_and_402_is_money() -> None:
    assert "410 is never a quota" in PAGES["model_retired"].meaning
    assert "402" in PAGES["credits_exhausted"].meaning
    assert "not 410" in PAGES["credits_exhausted"].meaning


def test_a_rate_limited_whoami_is_unknown_and_not_invalid() -> None:
    assert "never invalid" in PAGES["rate_limited"].meaning


@pytest.mark.parametrize("name", ["credits_exhausted", "credits-exhausted"])
def test_after_a_top_up_somebody_looks_whether_it_helped(name: str) -> None:
    text = " ".join(PAGES[name].steps)
    assert "watch the service for 24 h" in text
    assert "status page" in text
    assert "then at the key" in text


def test_pages_are_read_once_and_cannot_be_changed() -> None:
    assert load_runbooks() is PAGES
    with pytest.raises(TypeError):
        PAGES["x"] = PAGES["timed_out"]  # type: ignore[index]  # that is the promise


GOOD = "# Title\n\n" + "\n\n".join(
    f"## {section}\n\n{body}"
    for section, body in zip(
        SECTIONS,
        (
            "It\nmeans.", "1. One\n   goes on.\n2. Two.", "You.", "Yes.", "No.",
            "- [a](https://a.example)\n- [b](https://b.example/x)",
        ),
        strict=True,
    )
)  # fmt: skip


def test_a_page_is_read_section_by_section() -> None:
    page = parse("x", GOOD)
    assert page.title == "Title"
    assert page.meaning == "It means."
    assert page.steps == ("One goes on.", "Two.")
    assert (page.who, page.customers, page.not_customers) == ("You.", "Yes.", "No.")
    assert page.links == (("a", "https://a.example"), ("b", "https://b.example/x"))


def test_a_page_asks_for_a_vendors_own_pages_by_what_they_are_about() -> None:
    page = parse("x", GOOD.replace("- [a](https://a.example)", "- billing\n- status"))
    docs = "https://docs.example"
    own = ProviderSpec("own", "Own", {}, {}, docs, links={"billing": "https://own.example"})
    bare = ProviderSpec("bare", "Bare", {}, {}, docs)
    book = with_links({"x": page}, {"own": own, "bare": bare})["x"]
    everybody = ("b", "https://b.example/x")
    assert book.links_for("own") == (("Own: billing", "https://own.example"), everybody)
    assert book.links_for("bare") == (("Bare: documentation", docs), everybody)
    assert book.links_for("nobody") == (everybody,)


PROVIDERS = catalogue().providers
WHOLE = runbooks()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_key_is_tried_by_hand_at_its_own_vendor_alone(provider: str) -> None:
    steps = " ".join(WHOLE["key_rejected"].steps_for(provider))
    origins = list(PROVIDERS[provider].urls.values())
    asked = re.findall(r"(https://[^/\s`]+)/\S*`", steps)
    assert bool(asked) == bool(PROVIDERS[provider].by_hand)
    assert all(origin in origins for origin in asked)
    assert "monitor explain ACCOUNT/key" in steps


def test_a_page_read_without_an_account_has_every_vendors_way() -> None:
    steps = " ".join(WHOLE["key_rejected"].steps_for_all)
    assert "https://huggingface.co/api/whoami-v2" in steps
    assert "https://api.kie.ai/api/v1/chat/credit" in steps


@pytest.mark.parametrize("name", sorted(PAGES))
def test_no_page_shows_a_gap(name: str) -> None:
    page = WHOLE[name]
    every = [*page.steps_for_all, *(s for p in PROVIDERS for s in page.steps_for(p))]
    assert every
    assert not any(BY_HAND in step for step in every)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("# Title\n", "", "one title"),
        ("# Title\n", "# \n", "one title"),
        ("# Title\n", "# Title\nmore\n", "one title"),
        ("## Who acts\n\nYou.\n\n", "", "its sections are"),
        ("## Who acts", "## Who", "its sections are"),
        ("## Links", "## More\n\nx\n\n## Links", "its sections are"),
        ("It\nmeans.", "", "'What it means' is empty"),
        ("You.", "", "'Who acts' is empty"),
        ("Yes.", "", "'What customers may be told' is empty"),
        ("No.", "", "'What they may not be told' is empty"),
        ("2. Two.", "3. Two.", "'3. Two.' is no step"),
        ("2. Two.", "Two.", "'Two.' is no step"),
        ("1. One", "   One", "is no step"),
        ("1. One\n   goes on.\n2. Two.", "", "no step says"),
        ("- [a](https://a.example)\n- [b](https://b.example/x)", "", "its links"),
        ("https://a.example", "http://a.example", "its links"),
        ("- [a]", "[a]", "its links"),
        ("- [a](https://a.example)", "- invoices", "its links"),
    ],
)
def test_a_page_that_is_not_made_like_the_others_is_refused(
    before: str, after: str, says: str
) -> None:
    assert before in GOOD
    with pytest.raises(RunbookError, match=re.escape(says)) as refused:
        parse("some-page", GOOD.replace(before, after, 1))
    assert str(refused.value).startswith("some-page: ")


def test_every_command_a_runbook_names_exists() -> None:
    import re

    from monitor.cli.commands import app
    from monitor.runbooks import load_runbooks

    known = {
        c.name or (c.callback.__name__ if c.callback else "") for c in app.registered_commands
    }
    for book in load_runbooks().values():
        for text in (book.meaning, *book.steps):
            for word in re.findall(r"`monitor ([a-z][a-z-]+)", text):
                assert word in known, f"{book.name}: monitor {word}"
