"""Costs against a budget, two keys in one account, and rate limits told in headers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import NOW, Player, account_of, played

from monitor.build import catalogue
from monitor.config import ConfigFaults, load
from monitor.core.causes import Cause
from monitor.core.model import Check
from monitor.core.secret import Secret
from monitor.core.settings import Settings
from monitor.providers import load_providers
from monitor.providers._rates import anthropic_rates, openai_rates
from monitor.providers._spend import PAGES, Month

PROVIDERS = load_providers()
VENDORS = ("anthropic", "openai")


def loaded(tmp_path: Path, vendor: str, lines: str) -> Settings:
    """Settings of one account with these lines."""
    path = tmp_path / "config.yaml"
    path.write_text(f"accounts: {{{vendor}: {{{lines}}}}}")
    return load(str(path), catalogue(), {})


# Which of the two keys is there says what is asked


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("lines", "asked"),
    [
        ("key: planted-a", {"key"}),
        ("admin_key: planted-b, budget: 50", {"quota"}),
        ("admin_key: planted-b", {"quota"}),
        ("key: planted-a, admin_key: planted-b, budget: 50", {"key", "quota"}),
        ("", {"key"}),
        ("key: planted-a, admin_key: planted-b, checks: [key]", {"key"}),
        ("key: planted-a, checks: [key, quota]", {"key", "quota"}),
    ],
)
def test_what_is_not_configured_is_not_asked(
    vendor: str, lines: str, asked: set[str], tmp_path: Path
) -> None:
    settings = loaded(tmp_path, vendor, lines)
    assert {t.target.check.value for t in settings.targets} == asked


@pytest.mark.parametrize("vendor", VENDORS)
async def test_each_check_needs_its_own_key(vendor: str) -> None:
    provider = PROVIDERS[vendor]
    only_key = account_of(provider, fields={"admin_key": Secret(""), "budget": None})
    found = await played(provider, Player(), Check.QUOTA, account=only_key)
    assert (found.cause, "no admin_key is set" in found.summary) == (Cause.NOT_CONFIGURED, True)
    only_admin = account_of(provider, key=Secret(""))
    found = await played(provider, Player(), Check.KEY, account=only_admin)
    assert (found.cause, "no key is set" in found.summary) == (Cause.NOT_CONFIGURED, True)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("key: planted-a, budget: 50", "has no effect without `admin_key`"),
        ("admin_key: planted-b, budget: 0", "must be more than 0"),
        ("admin_key: planted-b, budget: much", "must be a number"),
        ("admin_key: planted-b, admin_key_file: x", "give either admin_key or admin_key_file"),
    ],
)
def test_a_budget_that_says_nothing_is_a_fault(
    vendor: str, lines: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigFaults) as caught:
        loaded(tmp_path, vendor, lines)
    (fault,) = caught.value.faults
    assert words in str(fault)
    assert "planted" not in str(fault)


def test_no_balance_is_claimed() -> None:
    for vendor in VENDORS:
        assert Check.BALANCE not in PROVIDERS[vendor].spec.checks


async def test_pages_without_end_are_asked_for_a_few_times_only() -> None:
    page = {"data": [], "has_more": True, "next_page": "x"}
    player = Player(*[{"status": 200, "body": page}] * 50)
    found = await played(PROVIDERS["openai"], player, Check.QUOTA)
    assert (found.cause, found.quotas) == (Cause.ANSWER_MALFORMED, ())
    assert len(player.asked) == PAGES


async def test_a_next_page_that_is_no_word_of_an_address_is_not_asked_for() -> None:
    page = {"data": [], "has_more": True, "next_page": "\ud800"}
    player = Player(*[{"status": 200, "body": page}] * 2)
    found = await played(PROVIDERS["openai"], player, Check.QUOTA)
    assert (found.cause, len(player.asked)) == (Cause.ANSWER_MALFORMED, 1)
    assert "next_page" in found.summary


# The month


@given(st.integers(0, 100 * 365 * 86400))
def test_a_month_holds_its_moment_and_ends_where_the_next_begins(seconds: int) -> None:
    now = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    month = Month.of(now)
    assert month.begins <= now < month.ends
    assert (month.begins.day, month.ends.day) == (1, 1)
    assert Month.of(month.ends).begins == month.ends
    assert timedelta(days=28) <= month.ends - month.begins <= timedelta(days=31)


# Rate limits in headers


def of_openai(limit: str, remaining: str, reset: str) -> dict[str, str]:
    """Headers about requests."""
    told = {"limit": limit, "remaining": remaining, "reset": reset}
    return {f"x-ratelimit-{what}-requests": said for what, said in told.items()}


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [("12ms", 0.012), ("1s", 1), ("6m0s", 360), ("1h2m3s", 3723), ("7.66s", 7.66),
     ("", None), ("soon", None), ("5", None), ("1s!", None), ("999999999h", None)],
)  # fmt: skip
def test_a_duration_of_go_is_a_time(reset: str, seconds: float | None) -> None:
    (quota,) = openai_rates(of_openai("60", "59", reset), NOW)
    assert (quota.used, quota.limit, quota.unit) == (Decimal(1), Decimal(60), "requests")
    assert quota.resets_at == (None if seconds is None else NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("limit", "remaining"),
    [("-1", "-1"), ("0", "0"), ("60", ""), ("", "59"), ("60", "61"), ("6e1", "1"), ("٣", "1"),
     ("1" * 16, "1"), ("60.5", "1")],
)  # fmt: skip
def test_a_rate_that_cannot_be_read_is_left_out(limit: str, remaining: str) -> None:
    assert openai_rates(of_openai(limit, remaining, "1s"), NOW) == ()


def test_anthropic_tells_four_rates_with_their_times() -> None:
    told = {"limit": "10", "remaining": "4", "reset": "2026-11-20T10:32:00Z"}
    headers = {
        f"anthropic-ratelimit-{name}-{what}": said
        for name in ("requests", "tokens", "input-tokens", "output-tokens")
        for what, said in told.items()
    }
    found = anthropic_rates(headers, NOW)
    assert [q.quota for q in found] == [
        "requests-rate", "tokens-rate", "input-tokens-rate", "output-tokens-rate",
    ]  # fmt: skip
    assert {(q.used, q.limit) for q in found} == {(Decimal(6), Decimal(10))}
    assert {q.resets_at for q in found} == {datetime(2026, 11, 20, 10, 32, tzinfo=UTC)}


@given(st.text(max_size=20))
def test_no_header_breaks_a_probe(said: str) -> None:
    openai_rates(of_openai("60", "59", said), NOW)
    openai_rates(of_openai(said, said, "1s"), NOW)
