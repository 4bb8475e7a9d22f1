"""The mail itself: what people read first, what filters and threads rely on, hostile texts."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.causes import Severity
from monitor.core.message import Message
from monitor.core.model import Kind
from monitor.core.settings import ReceiverSettings
from monitor.notifiers._mail import letter, page_of, text_of, tidied

AT = datetime(2026, 11, 20, 10, 31, 28, tzinfo=UTC)
OPENED, LATER = "0001-opened", "0002-later"
TARGET = "huggingface/model/stabilityai/stable-diffusion-3-medium-diffusers"
RECEIVER = ReceiverSettings(
    "oncall",
    "email",
    {"from": "Monitor <monitor@example.org>"},
    ("a@example.com", "b@example.com"),
)


def message(**changes: object) -> Message:
    base = Message(
        id=OPENED, opened_id=OPENED, kind=Kind.OPENED, round=0, receiver="oncall", at=AT,
        severity=Severity.CRITICAL, subject="[CRITICAL] kie: about 5 h of credits left",
        what="kie: 1215 credits are left", how_long="Gone in about 5 h",
        todo="Top up 8785 credits", status="firing", incident="incident-0001",
        fingerprint="0f" * 8, starts_at=AT, ends_at=None,
        figures=(("Balance", "1215 credits"), ("Burn", "216 credits/h")),
        jobs_left=(("sora-2-pro-720p-15s", 9),), steps=("Open the billing page", "Top up"),
        customers="Your credits are safe.", not_customers="That it is a billing issue.",
        links=(("Page", "https://monitor.example.com/"),),
        muted=("runway-short on kie/balance",),
        labels={"alertname": "runway-critical", "target": TARGET},
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]  # a table of fields


def parsed(what: Message, to: ReceiverSettings = RECEIVER) -> EmailMessage:
    mail = message_from_bytes(letter(to, what).content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert mail.defects == []
    return mail


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    content = body.get_content()
    assert isinstance(content, str)
    return content


# -- what people read -----------------------------------------------------------------------------


def test_the_first_lines_say_what_how_long_and_what_to_do() -> None:
    lines = part(parsed(message()), "plain").splitlines()
    assert lines[:3] == ["kie: 1215 credits are left", "Gone in about 5 h", "Top up 8785 credits"]


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_both_parts_say_everything(kind: str) -> None:
    said = part(parsed(message()), kind)
    for words in (
        "1215 credits", "216 credits/h", "sora-2-pro-720p-15s", "9", "Open the billing page",
        "Your credits are safe.", "That it is a billing issue.", "runway-short on kie/balance",
        "https://monitor.example.com/", "incident-0001", "runway-critical", TARGET,
    ):  # fmt: skip
        assert words in said, words


def test_what_there_is_nothing_of_has_no_heading() -> None:
    bare = message(
        figures=(), jobs_left=(), steps=(), customers="", not_customers="", links=(), muted=()
    )
    for said in (text_of(bare), page_of(bare)):
        for heading in ("Figures", "Jobs left", "Steps", "ustomers", "speaks for", "Links"):
            assert heading not in said


def test_a_resolved_mail_says_from_when_to_when() -> None:
    over = message(kind=Kind.RESOLVED, status="resolved", ends_at=AT + timedelta(hours=2))
    for said in (text_of(over), page_of(over)):
        assert "from 2026-11-20 10:31 UTC to 2026-11-20 12:31 UTC" in said


class _Sources(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [v or "" for n, v in attrs if n in ("href", "src", "background")]


def test_the_page_fetches_nothing() -> None:
    page = page_of(message())
    sources = _Sources()
    sources.feed(page)
    assert not {"img", "script", "link", "iframe", "form"} & set(sources.tags)
    assert sources.addresses == ["https://monitor.example.com/"]
    assert "url(" not in page
    assert "@import" not in page


def test_the_page_has_a_dark_side_and_fits_a_phone() -> None:
    page = page_of(message())
    assert "prefers-color-scheme: dark" in page
    assert 'content="light dark"' in page
    assert "width=device-width" in page
    assert "max-width:600px" in page


def test_a_command_stands_out_and_stays_text() -> None:
    page = page_of(tidied(message(steps=("Say `monitor plan <b>` now", "a lone ` stays"))))
    assert re.search(r"Say <code [^>]*>monitor plan &lt;b&gt;</code> now", page)
    assert "a lone ` stays" in page


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "/relative", " "])
def test_a_link_leads_to_the_web_or_nowhere(address: str) -> None:
    mail = parsed(message(links=(("Click", address),)))
    assert "Click" not in part(mail, "html")
    assert "Click" not in part(mail, "plain")


# -- what filters and threads rely on -------------------------------------------------------------


def test_the_headers_are_there() -> None:
    mail = parsed(message())
    assert {name: mail[name] for name in mail if name != "Content-Type"} == {
        "From": "Monitor <monitor@example.org>",
        "To": "a@example.com, b@example.com",
        "Subject": "[CRITICAL] kie: about 5 h of credits left",
        "Date": "Fri, 20 Nov 2026 10:31:28 +0000",
        "Message-ID": f"<{OPENED}@example.org>",
        "List-Id": "<oncall.monitor.example.org>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "X-Monitor-Alert": "runway-critical",
        "X-Monitor-Target": TARGET,
        "X-Monitor-Severity": "critical",
        "X-Monitor-Notification": "opened",
        "X-Monitor-Incident": "incident-0001",
        "X-Monitor-Status": "firing",
        "MIME-Version": "1.0",
    }


def test_headers_that_filters_match_on_stand_on_one_plain_line() -> None:
    content = letter(RECEIVER, message(id=LATER * 5, opened_id=OPENED * 5)).content
    assert f"\r\nX-Monitor-Target: {TARGET}\r\n".encode() in content
    assert f"\r\nIn-Reply-To: <{OPENED * 5}@example.org>\r\n".encode() in content
    assert f"\r\nMessage-ID: <{LATER * 5}@example.org>\r\n".encode() in content


@pytest.mark.parametrize("kind", [Kind.ESCALATED, Kind.REMINDER, Kind.RESOLVED])
def test_later_mails_thread_under_the_first(kind: Kind) -> None:
    first, later = parsed(message()), parsed(message(id=LATER, kind=kind))
    assert first["In-Reply-To"] is None
    assert first["References"] is None
    assert later["In-Reply-To"] == later["References"] == first["Message-ID"]
    assert later["Message-ID"] != first["Message-ID"]


def test_the_same_message_is_the_same_bytes() -> None:
    assert letter(RECEIVER, message()) == letter(RECEIVER, message())
    assert letter(RECEIVER, message()) != letter(RECEIVER, message(id=LATER))


@pytest.mark.parametrize(
    ("said", "sender"),
    [
        ("monitor@example.org", "monitor@example.org"),
        ("Überwachung <m@exämple.org>", "m@xn--exmple-cua.org"),
        ('"Last, First" <m@example.org>', "m@example.org"),
    ],
)
def test_a_sender_may_have_a_name(said: str, sender: str) -> None:
    to = replace(RECEIVER, options={"from": said})
    made = letter(to, message())
    assert made.sender == sender
    assert sender in made.content.decode().split("Subject:")[0]
    assert len(parsed(message(), to)["From"].addresses) == 1


@pytest.mark.parametrize("said", ["", "monitor", "@", "a@", "a b@example.org", None, "<>"])
def test_a_sender_that_is_no_address_is_named(said: str | None) -> None:
    with pytest.raises(ValueError, match=r"email\.from"):
        letter(replace(RECEIVER, options={"from": said}), message())


# -- hostile texts --------------------------------------------------------------------------------

HOSTILE = [
    "a\r\nBcc: evil@example.com\r\n\r\nbody",
    "a\nBcc: evil@example.com",
    "a\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029Bcc: evil@example.com",
    "⚠️ 💸 été",
    "\u202e reversed \u2066",
    "\ud800 half",
    "\x00\x1b[31m",
    "<script>alert(1)</script>",
    "{{ 7 * 7 }} {% raw %}",
    "=_monitor_0001-opened\r\n--=_monitor_0001-opened--\r\n",
    ".\r\n.\r\nQUIT",
    "x" * 10_000_000,
    " " * 1_000_000,
    "",
]
FIELDS = ("subject", "what", "how_long", "todo", "customers", "not_customers", "incident")


def everywhere(text: str) -> Message:
    return message(
        **dict.fromkeys(FIELDS, text), steps=(text,), muted=(text,), figures=((text, text),),
        jobs_left=((text, 1),), links=((text, "https://x.example/"), ("x", text)),
        labels={"alertname": text, "target": text}, receiver=text,
    )  # fmt: skip


def hold(what: Message) -> EmailMessage:
    mail = parsed(what)
    assert mail["Bcc"] is None
    assert [p.get_content_type() for p in mail.walk()] == [
        "multipart/alternative", "text/plain", "text/html",
    ]  # fmt: skip
    raw = letter(RECEIVER, what).content
    assert len(raw) < 200_000
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.isascii()
    return mail


@pytest.mark.parametrize("text", HOSTILE, ids=lambda t: repr(t[:20]))
def test_no_text_breaks_a_mail_or_adds_a_header(text: str) -> None:
    mail = hold(everywhere(text))
    assert "<script" not in part(mail, "html")


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(), max_size=400))
def test_whatever_the_text_there_is_a_mail(text: str) -> None:
    hold(everywhere(text))


def test_a_name_that_overrides_the_reading_order_does_not() -> None:
    assert "\u202e" not in text_of(tidied(everywhere("\u202e reversed")))


def test_long_lists_end_with_how_many_more() -> None:
    many = tidied(message(muted=tuple(f"rule-{n} on kie/balance" for n in range(100))))
    assert len(many.muted) == 41
    assert many.muted[-1] == "and 60 more"


def test_an_id_of_any_shape_makes_a_message_id() -> None:
    mail = parsed(message(id="test-1 <oncall>\r\n", opened_id="test-1 <oncall>\r\n"))
    assert re.fullmatch(r"<[A-Za-z0-9._-]+@example\.org>", mail["Message-ID"])


def test_if_the_page_cannot_be_made_the_text_still_goes(tmp_path: Path) -> None:
    content = letter(RECEIVER, message(), templates=tmp_path).content  # an incomplete installation
    mail = message_from_bytes(content, policy=policy.default)
    assert mail.get_content_type() == "text/plain"
    assert part(mail, "plain").startswith("kie: 1215 credits are left")
