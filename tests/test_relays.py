"""Several mail servers, tried in order: which troubles move on to the next, and which do not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from postbox import DROP, HANG, OK, Mailbox
from test_email import A, B, message
from wire import free_port

from monitor.build import load_settings
from monitor.core.settings import ReceiverSettings
from monitor.notifiers import Delivery
from monitor.notifiers.email import Email

PASSWORD = "planted-password-0002"


def table(box: Mailbox, **more: object) -> dict[str, object]:
    return {"host": box.host, "port": box.port, "tls": "none", "timeout": 5.0, **more}


async def send(*smtp: dict[str, object], to: tuple[str, ...] = (A,)) -> Delivery:
    options = {"to": to, "from": "monitor@example.org", "smtp": smtp}
    return await Email().send(ReceiverSettings("oncall", "email", options, to), message(), to)


async def both(spoil: Callable[[Mailbox], object], *to: str, **first: object) -> tuple[
    Delivery, Mailbox, Mailbox
]:  # fmt: skip
    """What becomes of a mail whose first relay is spoilt."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(Mailbox())
        two = await stack.enter_async_context(Mailbox())
        spoil(one)
        result = await send(table(one, **first), table(two), to=to or (A,))
    return result, one, two


# The next relay may be asked: this one certainly has nothing
MOVES_ON: dict[str, Callable[[Mailbox], object]] = {
    "the sender is put off": lambda b: b.sender.append("451 later"),
    "the sender is refused": lambda b: b.sender.append("550 not you"),
    "hangs before the recipients": lambda b: b.sender.append(HANG),
    "breaks off before the recipients": lambda b: b.sender.append(DROP),
    "hangs at the recipient": lambda b: b.rcpt.update({A: [HANG]}),
    "ends at the recipient": lambda b: b.rcpt.update({A: ["421 closing"]}),
    "the text is put off in words": lambda b: b.data.append("452 disk full"),
}


@pytest.mark.parametrize("how", MOVES_ON)
async def test_the_next_relay_takes_what_the_first_certainly_has_not(
    how: str, caplog: pytest.LogCaptureFixture
) -> None:
    result, one, two = await both(MOVES_ON[how], timeout=0.3)
    assert result == Delivery(told=(A,))
    assert (len(one.mails), len(two.mails)) == (0, 1)
    assert "the next mail server is tried" in caplog.text


# The next relay is not asked: this one may have it, or has answered
STAYS: dict[str, tuple[Callable[[Mailbox], object], str]] = {
    "hangs after the text": (lambda b: b.data.append(HANG), "failed"),
    "breaks off after the text": (lambda b: b.data.append(DROP), "failed"),
    "refuses the text": (lambda b: b.data.append("554 spam"), "refused"),
    "refuses the recipient": (lambda b: b.rcpt.update({A: ["550 no such user"]}), "refused"),
    "greylists the recipient": (lambda b: b.rcpt.update({A: ["451 greylisted"]}), "failed"),
}


@pytest.mark.parametrize("how", STAYS)
async def test_no_second_relay_is_asked_where_the_first_may_have_it_or_has_answered(
    how: str,
) -> None:
    spoil, end = STAYS[how]
    result, _, two = await both(spoil, timeout=0.3)
    assert list(getattr(result, end)) == [A]
    assert (result.told, two.connections) == ((), 0)


async def test_a_relay_that_is_not_there_or_lets_us_not_in_is_passed_over() -> None:
    nobody = {"host": "127.0.0.1", "port": free_port(), "tls": "none", "timeout": 2.0}
    async with Mailbox(users={"m": "other"}) as locked, Mailbox() as open_one:
        wrong = table(locked, username="m", password=PASSWORD)
        result = await send(nobody, wrong, table(open_one))
        assert result == Delivery(told=(A,))
        (mail,) = open_one.mails
    assert PASSWORD not in mail.content.decode()


async def test_one_recipient_refused_does_not_send_the_others_elsewhere() -> None:
    result, one, two = await both(lambda b: b.rcpt.update({A: ["550 no"]}), A, B)
    assert (result.told, list(result.refused)) == ((B,), [A])
    assert (len(one.mails), two.connections) == (1, 0)


async def test_one_whose_answer_hangs_goes_by_the_next_relay_alone() -> None:
    result, one, two = await both(lambda b: b.rcpt.update({A: [HANG]}), A, B, timeout=0.9)
    assert set(result.told) == {A, B}
    assert [m.recipients for m in one.mails] == [(B,)]
    assert [m.recipients for m in two.mails] == [(A,)]


async def test_none_that_takes_it_is_tried_again_and_all_reasons_are_said() -> None:
    async with Mailbox() as one, Mailbox(users={"m": "other"}) as two:
        one.sender.append("451 first is full")
        wrong = table(two, username="m", password=PASSWORD)
        result = await send(table(one), wrong)
        assert "first is full" in result.failed[A]
        assert "logging in" in result.failed[A]
        refused = await send(wrong, wrong)
    assert list(refused.refused) == [A]
    assert PASSWORD not in repr((result, refused))


async def test_the_text_never_arrives_twice_and_has_one_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    async with Mailbox() as one, Mailbox() as two:
        one.data += ["452 full", OK]
        first = await send(table(one), table(two))
        again = await send(table(one), table(two))
    assert first.told == again.told == (A,)
    assert [m.message["Message-ID"] for m in one.mails] == [
        m.message["Message-ID"] for m in two.mails
    ]
    assert one.mails[0].content == two.mails[0].content


CONFIG = """
accounts: {{kie: {{key: x}}}}
receivers:
  oncall:
    email:
      to: [a@example.com]
      from: m@example.com
      smtp: {smtp}
"""
ONE = "{host: one.example.com, tls: implicit}"
SEVERAL = f"[{ONE}, {{host: two.example.com, port: 25, tls: none}}]"


HOSTS = ["one.example.com", "two.example.com"]


@pytest.mark.parametrize(
    ("smtp", "hosts"), [(ONE, HOSTS[:1]), (SEVERAL, HOSTS)], ids=["a table", "a list"]
)
def test_the_config_takes_one_or_several(smtp: str, hosts: list[str], tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(smtp=smtp))
    (found,) = load_settings(str(path), {}).receivers
    tables = found.options["smtp"]
    assert isinstance(tables, tuple)
    assert [t["host"] for t in tables] == hosts
