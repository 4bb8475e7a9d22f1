"""The chart in a mail: its place in the MIME tree, what says the same in words, and its looks."""

from __future__ import annotations

import re
import shutil
import tomllib
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor.core.causes import Severity
from monitor.core.chart import sparkline
from monitor.core.message import Message
from monitor.core.model import Kind
from monitor.notifiers._charts import HOW
from monitor.notifiers._mail import letter, page_of, text_of, tidied
from monitor.notifiers._mail_page import SHAPES, page_within
from tests.test_chart_drawing import CHART, PNG
from tests.test_email_page import AT, HOSTILE, RECEIVER, everywhere, message, parsed, part

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PICTURED = message(chart=CHART, picture=PNG)


def tree(mail: EmailMessage) -> list[str]:
    return [p.get_content_type() for p in mail.walk()]


class _Images(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.found.append(dict(attrs))


# -- its place ------------------------------------------------------------------------------------


def test_the_picture_is_a_part_related_to_the_page_which_shows_it_by_its_id() -> None:
    mail = parsed(PICTURED)
    assert tree(mail) == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
    ]  # fmt: skip
    picture = next(p for p in mail.walk() if p.get_content_type() == "image/png")
    (image,) = _Images(part(mail, "html")).found
    assert image["src"] == "cid:" + picture["Content-ID"].strip("<>")
    assert picture.get_content() == PNG
    assert picture.get_content_disposition() == "inline"


def test_who_cannot_see_the_picture_reads_the_same() -> None:
    (image,) = _Images(part(parsed(PICTURED), "html")).found
    assert image["alt"] == CHART.words
    text = part(parsed(PICTURED), "plain")
    assert CHART.words in text
    assert sparkline(CHART) in text


def test_without_a_picture_the_mail_arrives_with_its_words() -> None:
    mail = parsed(message(chart=CHART))
    assert tree(mail) == ["multipart/alternative", "text/plain", "text/html"]
    assert _Images(part(mail, "html")).found == []
    assert CHART.words in part(mail, "html")


def test_a_mail_with_a_picture_is_the_same_bytes_each_time_and_no_text_ends_a_part() -> None:
    hostile = replace(everywhere("=_monitor_0001-opened.page\r\n--"), chart=CHART, picture=PNG)
    for what in (PICTURED, hostile):
        assert letter(RECEIVER, what) == letter(RECEIVER, what)
        assert len(tree(parsed(what))) == 5


def test_if_the_page_cannot_be_made_the_text_goes_without_the_picture(tmp_path: Path) -> None:
    content = letter(RECEIVER, PICTURED, templates=tmp_path).content
    assert b"image/png" not in content
    assert b"speaks for" in content


# -- what it says ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "head"),
    [
        ({}, "▲&nbsp; <b>Critical</b>, new"),
        ({"severity": Severity.WARNING}, "◆&nbsp; <b>Warning</b>, new"),
        ({"kind": Kind.ESCALATED}, "▲&nbsp; <b>Critical</b>, worse now"),
        ({"kind": Kind.REMINDER}, "▲&nbsp; <b>Critical</b>, still open"),
        ({"kind": Kind.RESOLVED, "status": "resolved"}, "✓&nbsp; <b>Resolved</b>"),
        ({"kind": Kind.FOLLOW_UP}, "✓&nbsp; <b>Follow-up: still resolved</b>"),
        ({"kind": Kind.NOTICE, "severity": Severity.INFO}, "●&nbsp; <b>Notice</b>"),
        ({"kind": Kind.DIGEST, "severity": Severity.INFO}, "●&nbsp; <b>Digest</b>"),
    ],
    ids=lambda v: v if isinstance(v, str) else None,
)
def test_each_kind_has_its_word_its_shape_and_its_colour(
    changes: dict[str, object], head: str
) -> None:
    assert head in page_of(message(**changes))


def test_sections_stand_in_both_parts() -> None:
    digest = message(
        kind=Kind.DIGEST, sections=(("Spend", (("kie", "9000 credits"),)), ("No", ()))
    )
    for said in (text_of(digest), page_of(digest)):
        assert "9000 credits" in said
        assert "Spend" in said
    assert ">No<" not in page_of(digest)


def test_the_first_link_stands_under_what_is_to_be_done_and_every_one_is_a_button() -> None:
    page = page_of(
        message(links=(("Top up", "https://a.example/"), ("Log", "https://b.example/")))
    )
    todo, top_up, figures, log = (
        page.index(w) for w in ("Top up 8785", "https://a.example/", "Figures<", "https://b.")
    )
    assert todo < top_up < figures < log
    assert page.count("display:block;padding:12px") == 2


@pytest.mark.parametrize("text", [*HOSTILE, "💸" * 3000, '"<&' * 3000], ids=lambda t: repr(t[:9]))
def test_no_text_makes_a_page_that_mail_programs_cut_off(text: str) -> None:
    many = everywhere(text)
    full = tidied(
        replace(
            many, steps=many.steps * 99, muted=many.muted * 99, figures=many.figures * 99,
            links=many.links * 99, sections=((text, many.figures * 99),) * 99,
        )
    )  # fmt: skip
    assert len(page_within(full).encode()) < 102_000
    assert page_within(full).rstrip().endswith("</html>")


# -- its looks ------------------------------------------------------------------------------------

LONG = "huggingface/model/" + "stabilityai-stable-diffusion-xl-base-1.0-" * 5
WIDE = message(
    what=f"{LONG}: is not served. {LONG}", todo=f"Say `monitor explain {LONG}`",
    figures=(("Target", LONG), ("A" * 60, "9" * 60), ("Balance", "1215 credits")),
    steps=(LONG, f"`monitor history {LONG}`"), customers=LONG, not_customers=LONG, muted=(LONG,),
    links=((LONG, "https://monitor.example.com/"),), sections=((LONG, ((LONG, LONG),)),),
    labels={"alertname": "model-unavailable", "target": LONG}, chart=CHART, picture=PNG,
)  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    pytest.importorskip("playwright", reason="pip install playwright")
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is missing: apt-get install -y --no-install-recommends chromium")
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()


def shown(what: Message) -> str:
    """The page as a mail program shows it: the picture in its place."""
    picture = "data:image/png;base64," + b64encode(what.picture).decode()
    return page_of(tidied(what), picture="PICTURE").replace("cid:PICTURE", picture)


def test_on_a_phone_nothing_is_wider_than_the_screen_and_every_link_fits_a_thumb(
    browser: Browser,
) -> None:
    page = browser.new_page(viewport={"width": 320, "height": 600})
    page.set_content(shown(replace(WIDE, at=AT)))
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    widest = "Math.max(...[...document.querySelectorAll('td,p,h1,h2,li,a,code,img')]"
    assert page.evaluate(f"{widest}.map(e => e.getBoundingClientRect().right))") <= 320
    least = "Math.min(...[...document.querySelectorAll('a')].map(e => e.offsetHeight))"
    assert page.evaluate(least) >= 44
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(browser: Browser, scheme: str) -> None:
    page = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]  # one of its literals
    for severity in Severity:
        page.set_content(shown(message(severity=severity)))
        assert page.evaluate(CONTRAST) >= 4.5, severity
    page.close()


# The least contrast (WCAG 2) of any text with the nearest background behind it.
CONTRAST = """() => {
  const light = c => c.map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, n) => sum + v * [.2126, .7152, .0722][n], 0);
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll('body *')].filter(e => e.offsetHeight &&
    [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()));
  return Math.min(...texts.map(e => {
    const [a, b] = [light(rgb(getComputedStyle(e).color).slice(0, 3)), light(behind(e))]
      .sort((x, y) => y - x);
    return (a + .05) / (b + .05);
  }));
}"""


def test_the_page_on_mails_names_the_headers_kinds_and_shapes_there_are() -> None:
    page = (Path(__file__).parent.parent / "docs" / "mail.md").read_text()
    mail = parsed(message())
    named = set(re.findall(r"^\| `([A-Z][A-Za-z-]+)` \|", page, re.MULTILINE))
    assert {n for n in mail if n.startswith("X-Monitor")} <= named
    assert named <= set(mail.keys())
    for kind in Kind:
        assert f"`{kind.value}`" in page
    for tone, shape in SHAPES.items():
        assert f"{shape} {tone}" in page
    extras = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())
    assert "charts" in extras["project"]["optional-dependencies"]
    assert HOW.partition(" -m ")[2] in page
