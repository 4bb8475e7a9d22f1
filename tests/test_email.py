"""E-mail against a real mail server: who is told, who is tried again, and what never leaves."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP
from certs import Certificate, make
from postbox import DROP, HANG, OK, Mailbox, Reply, in_thread

from monitor.core.causes import Severity
from monitor.core.message import Message
from monitor.core.model import Kind
from monitor.core.secret import MASK, Secret
from monitor.core.settings import ReceiverSettings
from monitor.notifiers import Delivery
from monitor.notifiers.email import Email

AT = datetime(2026, 11, 20, 10, 31, 28, tzinfo=UTC)
A, B, C = "a@example.com", "b@example.com", "c@example.com"
PASSWORD = "planted-password-0001"
USERS = {"monitor": PASSWORD}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make(tmp_path_factory.mktemp("certs"))


def receiver(box: Mailbox, *addresses: str, **smtp: object) -> ReceiverSettings:
    server = {"host": box.host, "port": box.port, "tls": box.tls, "timeout": 5.0, **smtp}
    to = addresses or (A,)
    options = {"to": to, "from": "Monitor <monitor@example.org>", "smtp": server}
    return ReceiverSettings("oncall", "email", options, to)


def message(**changes: object) -> Message:
    base = Message(
        id="0001-opened", opened_id="0001-opened", kind=Kind.OPENED, round=0, receiver="oncall",
        at=AT, severity=Severity.CRITICAL, subject="[CRITICAL] kie: about 5 h of credits left",
        what="kie: 1215 credits are left", how_long="Gone in about 5 h", todo="Top up",
        status="firing", incident="incident-0001", fingerprint="0f" * 8, starts_at=AT,
        ends_at=None, labels={"alertname": "runway-critical", "target": "kie/balance"},
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]  # a table of fields


async def send(to: ReceiverSettings, what: Message | None = None, *only: str) -> Delivery:
    return await Email().send(to, what or message(), only or to.addresses)


# -- how the connection is protected --------------------------------------------------------------


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_mail_goes_encrypted_and_logged_in(tls: str, certificate: Certificate) -> None:
    async with Mailbox(tls=tls, certificate=certificate, users=USERS) as box:
        to = receiver(
            box, username="monitor", password=Secret(PASSWORD), ca_file=str(certificate.ca)
        )
        assert await send(to) == Delivery(told=(A,))
    (mail,) = box.mails
    assert (mail.encrypted, mail.username, mail.recipients) == (True, "monitor", (A,))
    assert mail.sender == "monitor@example.org"


async def test_without_tls_a_mail_goes_only_if_that_was_said() -> None:
    async with Mailbox() as box:
        assert (await send(receiver(box))).told == (A,)
    assert not box.mails[0].encrypted


async def test_a_password_goes_unencrypted_to_this_machine_only() -> None:
    async with Mailbox(users=USERS) as box:
        login = {"username": "monitor", "password": Secret(PASSWORD)}
        assert (await send(receiver(box, **login))).told == (A,)
        elsewhere = await send(receiver(box, host="192.0.2.1", **login))
    assert list(elsewhere.refused) == [A]
    assert "smtp.tls is none" in elsewhere.refused[A]
    assert box.connections == 1


async def test_where_starttls_is_not_offered_nothing_is_sent_in_the_clear() -> None:
    async with Mailbox(tls="none", users=USERS) as box:
        to = receiver(box, tls="starttls", username="monitor", password=Secret(PASSWORD))
        result = await send(to)
    assert "offers no STARTTLS" in result.failed[A]
    assert box.mails == []
    said = bytes(box.clear).upper()
    assert b"AUTH" not in said
    assert b"MAIL" not in said


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_certificate_nobody_vouches_for_is_not_trusted(
    tls: str, certificate: Certificate
) -> None:
    async with Mailbox(tls=tls, certificate=certificate) as box:
        result = await send(receiver(box))
    assert "its certificate is not trusted" in result.failed[A]
    assert box.mails == []


@pytest.mark.parametrize(
    ("how", "says"),
    [({"addresses": ("127.0.0.9",)}, "not trusted"), ({"expired": True}, "expired")],
)
async def test_a_certificate_for_another_or_from_the_past_is_not_trusted(
    how: dict[str, object], says: str, tmp_path: Path
) -> None:
    wrong = make(tmp_path, **how)  # type: ignore[arg-type]  # a table of arguments
    async with Mailbox(tls="starttls", certificate=wrong) as box:
        result = await send(receiver(box, ca_file=str(wrong.ca)))
    assert says in result.failed[A]
    assert box.mails == []


async def test_a_server_without_tls_on_an_implicit_port_is_told_apart(
    certificate: Certificate,
) -> None:
    async with Mailbox() as box:
        result = await send(receiver(box, tls="implicit", ca_file=str(certificate.ca)))
    assert result.failed[A].startswith("TLS with 127.0.0.1:")


async def test_a_missing_ca_file_is_named(tmp_path: Path, certificate: Certificate) -> None:
    async with Mailbox(tls="starttls", certificate=certificate) as box:
        result = await send(receiver(box, ca_file=str(tmp_path / "gone.pem")))
    assert result.failed[A].startswith("smtp.ca_file cannot be read")


# -- what the server says -------------------------------------------------------------------------


@pytest.mark.parametrize("auth", [None, "535 5.7.8 no", DROP])
async def test_a_wrong_password_is_refused_and_not_repeated_aloud(
    auth: Reply | None, certificate: Certificate
) -> None:
    async with Mailbox(
        tls="starttls", certificate=certificate, users={"monitor": "other"}, auth=auth
    ) as box:
        to = receiver(
            box, username="monitor", password=Secret(PASSWORD), ca_file=str(certificate.ca)
        )
        result = await send(to)
    if auth is DROP:
        assert result.failed  # a broken connection says nothing of the password
    else:
        assert "535" in result.refused[A]
    assert PASSWORD not in repr(result)
    assert box.mails == []


async def test_a_server_that_cannot_judge_a_login_now_is_tried_again() -> None:
    async with Mailbox(users=USERS, auth="454 4.7.0 try later") as box:
        result = await send(receiver(box, username="monitor", password=Secret(PASSWORD)))
    assert "454" in result.failed[A]
    assert not result.refused


async def test_a_server_that_repeats_the_password_is_masked() -> None:
    async with Mailbox(users=USERS, auth=f"535 no such password: {PASSWORD}") as box:
        result = await send(receiver(box, username="monitor", password=Secret(PASSWORD)))
    assert MASK in result.refused[A]
    assert PASSWORD not in result.refused[A]


# Replies to b@example.com's RCPT and to the text; what becomes of a@ and b@.
ANSWERS: list[tuple[str, str, str, str]] = [
    (OK, OK, "told", "told"),
    ("550 no such user", OK, "told", "refused"),
    ("553 not allowed", OK, "told", "refused"),
    ("451 greylisted", OK, "told", "failed"),
    ("452 too many recipients", OK, "told", "failed"),
    ("450 busy", "554 no", "refused", "failed"),
    ("550 no", "451 later", "failed", "refused"),
    (OK, "554 looks like spam", "refused", "refused"),
    (OK, "451 disk full", "failed", "failed"),
    (OK, "421 going down", "failed", "failed"),
    ("421 I hang up on this one", OK, "told", "failed"),
]


def fate(result: Delivery, address: str) -> str:
    found = [word for word in ("told", "failed", "refused") if address in getattr(result, word)]
    assert len(found) == 1, f"{address} must have exactly one end: {result}"
    return found[0]


@pytest.mark.parametrize(("rcpt", "data", "of_a", "of_b"), ANSWERS)
async def test_each_recipient_has_its_own_end(rcpt: str, data: str, of_a: str, of_b: str) -> None:
    async with Mailbox() as box:
        box.rcpt[B], box.data = [rcpt], [data]
        result = await send(receiver(box, A, B))
    assert (fate(result, A), fate(result, B)) == (of_a, of_b)
    assert len(box.mails) == (1 if "told" in (of_a, of_b) else 0)


@pytest.mark.parametrize(
    ("sender", "end"), [("550 who are you", "refused"), ("451 later", "failed")]
)
async def test_a_refused_sender_is_everybodys_end(sender: str, end: str) -> None:
    async with Mailbox() as box:
        box.sender = [sender]
        result = await send(receiver(box, A, B))
    assert {fate(result, A), fate(result, B)} == {end}


async def test_when_nobody_is_accepted_no_text_is_sent() -> None:
    async with Mailbox() as box:
        box.rcpt = {A: ["550 no"], B: ["451 later"]}
        result = await send(receiver(box, A, B))
    assert (fate(result, A), fate(result, B)) == ("refused", "failed")
    assert b"DATA" not in box.clear


async def test_a_retry_goes_to_the_rest_alone_and_is_the_same_mail() -> None:
    async with Mailbox() as box:
        box.rcpt[B] = ["451 greylisted", OK]
        to = receiver(box, A, B)
        first = await send(to)
        assert (first.told, tuple(first.failed)) == ((A,), (B,))
        assert (await send(to, None, B)).told == (B,)
    one, two = box.mails
    assert (one.recipients, two.recipients) == ((A,), (B,))
    assert one.content == two.content
    assert one.message["To"] == f"{A}, {B}"


async def test_a_bad_address_does_not_stop_the_others() -> None:
    bad = ("nobody", "x@", "two words@example.com", "x@exa\r\nmple.com", "jürgen@example.com")
    async with Mailbox() as box:
        result = await send(receiver(box, A, *bad))
    assert result.told == (A,)
    assert set(result.refused) == set(bad)


async def test_a_domain_beyond_ascii_is_reached() -> None:
    async with Mailbox() as box:
        result = await send(receiver(box, "x@exämple.com"))
    assert result.told == ("x@exämple.com",)
    assert box.mails[0].recipients == ("x@xn--exmple-cua.com",)


async def test_a_sender_that_is_no_address_is_refused() -> None:
    async with Mailbox() as box:
        to = receiver(box)
        result = await send(replace(to, options={**to.options, "from": "monitor"}))
    assert "email.from" in result.refused[A]


async def test_what_a_server_says_becomes_one_short_line() -> None:
    async with Mailbox() as box:
        box.rcpt[A] = ["550-first\r\n550 " + "\x1b[31mred\x07 " * 60]
        why = (await send(receiver(box))).refused[A]
    assert why.isprintable()
    assert len(why) <= 300


# -- servers that do not answer -------------------------------------------------------------------


async def test_nobody_there_is_worth_another_try() -> None:
    async with Mailbox() as box:
        to = receiver(box)
    result = await send(to)
    assert result.failed[A].endswith("refuses the connection")


async def test_an_unknown_host_is_worth_another_try() -> None:
    async with Mailbox() as box:
        result = await send(receiver(box, host="no-such-host.invalid"))
    assert result.failed[A].startswith("connecting: no-such-host.invalid:")


async def test_a_server_that_never_greets_is_left_by_the_timeout() -> None:
    held: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with silent, Mailbox() as box:
        before = time.monotonic()
        result = await send(receiver(box, port=port, timeout=0.3))
        held[0].close()
        await held[0].wait_closed()
    assert time.monotonic() - before < 3
    assert "no answer from 127.0.0.1" in result.failed[A]


async def test_slow_recipients_together_do_not_use_up_the_time_of_all() -> None:
    many = tuple(f"r{n}@example.com" for n in range(8))

    class Slow(Mailbox):
        async def _say(self, server: SMTP, script: list[Reply]) -> str:
            if script in self.rcpt.values():
                await asyncio.sleep(0.15)
            return await super()._say(server, script)

    async with Slow() as box:
        box.rcpt = {address: ["250 at last"] for address in many}
        result = await send(receiver(box, *many, timeout=1.0))
    assert set(result.told) == set(many)


@pytest.mark.parametrize(("reply", "within"), [(HANG, 1.0), (DROP, 5.0)])
async def test_one_recipient_that_hangs_does_not_hold_up_the_others(
    reply: Reply, within: float
) -> None:
    async with Mailbox() as box:
        box.rcpt[B] = [reply]
        result = await send(receiver(box, A, B, C, timeout=within))
        assert {m.recipients for m in await box.wait(2)} == {(A,), (C,)}
    assert (fate(result, A), fate(result, B), fate(result, C)) == ("told", "failed", "told")
    assert box.mails[0].content == box.mails[1].content


@pytest.mark.parametrize("reply", [HANG, DROP])
async def test_no_word_after_the_text_means_not_knowing_and_one_mail(reply: Reply) -> None:
    async with Mailbox() as box:
        box.data = [reply]
        result = await send(receiver(box, A, B, timeout=0.5))
    assert (fate(result, A), fate(result, B)) == ("failed", "failed")
    assert "whether the mail arrived is not known" in result.failed[A]
    assert box.connections == 1


@pytest.mark.parametrize("reply", [HANG, DROP, "500 what"])
async def test_a_bad_goodbye_takes_nothing_back(reply: Reply) -> None:
    async with Mailbox() as box:
        box.quit = [reply]
        assert (await send(receiver(box, timeout=0.5))).told == (A,)


async def test_cancelling_is_obeyed_and_leaves_no_connection() -> None:
    async with Mailbox() as box:
        box.sender = [HANG]
        sending = asyncio.create_task(send(receiver(box)))
        await box.holding.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


def test_a_sender_without_a_loop_of_the_servers_is_served_too() -> None:
    with in_thread(Mailbox()) as box:
        result = asyncio.run(send(receiver(box, A, B)))
        (mail,) = box.wait_blocking(1)
    assert result.told == mail.recipients == (A, B)
    assert mail.text.startswith("kie: 1215 credits are left\n")
    assert "kie: 1215 credits are left</h1>" in mail.html
