"""The page's week by weekday and hour: what is drawn, and what is said to who cannot see it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import httpx
import pytest
import snapshots as scene

from monitor.core.document import document
from monitor.core.hours import Hour
from monitor.core.pattern import Pattern, pattern
from monitor.core.snapshot import Snapshot
from monitor.web import build_app
from monitor.web.heat import HEIGHT, WIDTH, Heat, heat
from monitor.web.page import ACCOUNTS, DRAWN, operators_page, shown_balances

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 15, 23, tzinfo=scene.NOW.tzinfo)  # 00:00 in Berlin


def week(spent: Sequence[int]) -> Pattern:
    """A pattern of hours from Monday in Berlin on."""
    hours = [
        Hour(MONDAY + timedelta(hours=n), 4, 0, last=Decimal(5), spent=Decimal(s))
        for n, s in enumerate(spent)
    ]
    return pattern(hours, BERLIN, now=scene.NOW, since=MONDAY)


def drawn(found: Pattern) -> Heat:
    made = heat(found, "credits", scene.NOW)
    assert made is not None
    return made


def cells(made: Heat) -> dict[tuple[int, int], str]:
    """Class by left upper corner."""
    return {
        (int(x), int(y)): name
        for name, path in made.shades
        for x, y in re.findall(r"M(\d+) (\d+)", path)
    }


def test_every_hour_of_the_week_has_its_cell_within_the_drawing() -> None:
    found = cells(drawn(week([0, 1, 2, 3, 4])))
    assert len(found) == 168
    assert all(x + 25 <= WIDTH + 2 and y + 17 <= HEIGHT for x, y in found)
    first_row = min(y for _, y in found)
    row = [found[x, first_row] for x in sorted({x for x, _ in found})]
    assert row[:6] == ["s0", "s2", "s3", "s4", "s4", "unknown"]


def test_nothing_watched_is_not_drawn_and_nothing_spent_is() -> None:
    assert heat(week([]), "credits", scene.NOW) is None
    made = drawn(week([0, 0]))
    assert {name for name, _ in made.shades} == {"s0", "unknown"}
    assert [words for _, words in made.legend] == ["nothing", "not watched"]


def test_the_legend_says_what_each_shade_means() -> None:
    legend = dict(drawn(week([0, 100])).legend)
    assert legend == {
        "s0": "nothing", "s1": "to 25", "s2": "to 50", "s3": "to 75", "s4": "to 100",
        "unknown": "not watched",
    }  # fmt: skip


def test_the_sentence_says_the_days_and_the_zone() -> None:
    words = drawn(week([10] * 24)).words
    assert "Europe/Berlin" in words
    assert "Monday 240 a day" in words
    assert "Tuesday" not in words


async def page(snapshot: Snapshot, patterns: Mapping[str, Pattern]) -> str:
    async def known(targets: Sequence[str]) -> Mapping[str, Pattern]:
        return {t: patterns[t] for t in targets if t in patterns}

    transport = httpx.ASGITransport(app=build_app(scene.doors(snapshot, patterns=known)))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9877") as user:
        answer = await user.get("/")
    assert answer.status_code == 200
    return answer.text


class Tags(HTMLParser):
    """Every tag with its attributes; a tag that is not closed fails."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def test_the_page_draws_it_without_a_style_of_its_own_and_names_it_for_all() -> None:
    text = await page(scene.story(), {"kie/balance": week([10] * 30)})
    tags = Tags(text).found
    assert not [a for _, a in tags if "style" in a]
    drawings = [
        a for t, a in tags if t == "svg" and a.get("class") in ("heat wide", "heat narrow")
    ]
    assert [a["role"] for a in drawings] == ["img", "img"]  # one of them is shown
    assert "Monday 240 a day" in (drawings[0]["aria-label"] or "")
    keys = [a for t, a in tags if t == "svg" and a.get("class") == "heat key"]
    assert keys
    assert all(a["aria-hidden"] == "true" for a in keys)


async def test_without_a_pattern_the_page_has_no_section_for_it() -> None:
    assert "When it is spent" not in await page(scene.story(), {})
    assert "When it is spent" not in await page(scene.story(), {"kie/balance": week([])})


async def test_a_hostile_zone_or_unit_does_nothing() -> None:
    story = scene.story()
    views = {n: replace(v, unit=scene.HOSTILE) for n, v in story.views.items()}
    top_up = Hour(MONDAY, 1, last=Decimal(5), topped_up=Decimal(9), spent=Decimal(1))
    found = pattern([top_up], BERLIN, now=scene.NOW, since=MONDAY)
    text = await page(
        replace(story, views=views), {"kie/balance": replace(found, zone=scene.HOSTILE)}
    )
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text


def test_patterns_are_asked_for_only_of_the_accounts_that_are_shown() -> None:
    many = scene.many(1000)
    shown = shown_balances(many, document(many))
    assert len(shown) == ACCOUNTS
    assert "account-0999/balance" in shown
    found = operators_page(many, document(many), dict.fromkeys(shown, week([1, 2])))
    assert set(found.heats) == {a.name for a in found.accounts}


@pytest.mark.parametrize(("accounts", "shown"), [(DRAWN, DRAWN), (60, 1)])
async def test_a_page_full_of_patterns_is_of_moderate_size(accounts: int, shown: int) -> None:
    many = scene.many(accounts)
    full = week([n * 7 % 50 for n in range(100)])
    text = await page(many, dict.fromkeys(many.views, full))
    assert text.count("When it is spent") == shown  # of many, only of those in trouble
    assert len(text) < 700_000
