"""Mails through a real Postfix: refusals, greylisting, and what lies in the mailbox in the end."""

from __future__ import annotations

import mailbox
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from channels import sample
from wire import free_port

from monitor.core.message import Message
from monitor.core.model import Kind
from monitor.core.settings import ReceiverSettings
from monitor.notifiers import Delivery
from monitor.notifiers.email import Email

POSTFIX = shutil.which("postfix", path="/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", ""))
pytestmark = pytest.mark.skipif(
    POSTFIX is None or os.geteuid() != 0,
    reason="no Postfix, or not root, whom it needs: "
    "DEBIAN_FRONTEND=noninteractive apt-get install --no-install-recommends postfix",
)
GOOD, BAD, GREY = "oncall@example.com", "bad@example.com", "grey@example.com"
MAIN = """
compatibility_level = 3.6
queue_directory = {home}/spool
data_directory = {home}/data
maillog_file = {home}/log
maillog_file_prefixes = {home}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.test
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
max_use = 1
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access texthash:{home}/access, permit_mynetworks
smtputf8_enable = no
virtual_mailbox_domains = example.com
virtual_mailbox_base = {home}/mail
virtual_mailbox_maps = static:mbox
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_client_connection_rate_limit = 0
"""
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
ACCESS = f"{BAD} 550 5.1.1 no such user\n{GREY} 450 4.2.0 greylisted, come back later\n"


class Postfix:
    """One that listens on this machine and puts every mail into one mbox."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port = home, port

    def mails(self, about: str, count: int, within: float = 20.0) -> list[EmailMessage]:
        """What lies in the mailbox of an incident, once there is so much."""
        end, path = time.monotonic() + within, self.home / "mail" / "mbox"
        while True:
            box = mailbox.mbox(path, create=False) if path.exists() else []
            every = [_parsed(bytes(mail)) for mail in box]
            if isinstance(box, mailbox.mbox):
                box.close()
            found = [mail for mail in every if mail["Message-ID"].startswith(f"<{about}-")]
            if len(found) >= count:
                return found
            assert time.monotonic() < end, (self.home / "log").read_text()
            time.sleep(0.05)

    def let_in(self, address: str) -> None:
        """Let the greylisting of an address end: for the next connection (`max_use`)."""
        kept = [line for line in ACCESS.splitlines() if not line.startswith(address)]
        (self.home / "access").write_text("\n".join(kept) + "\n")
        _run(self.home, "reload")


def _parsed(raw: bytes) -> EmailMessage:
    found = message_from_bytes(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def _run(home: Path, *words: str) -> None:
    assert POSTFIX is not None
    done = subprocess.run(
        [POSTFIX, "-c", str(home / "etc"), *words], capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    log = (home / "log").read_text() if (home / "log").exists() else ""
    assert done.returncode == 0, done.stderr + log


@contextmanager
def running() -> Iterator[Postfix]:
    """A directory of its own, not pytest's: Postfix's own users have to read it."""
    home, port, who = Path(tempfile.mkdtemp(prefix="monitor-postfix-")), free_port(), "postfix"
    user = pwd.getpwnam(who)
    home.chmod(0o755)
    for folder in ("etc", "spool", "data", "mail"):
        (home / folder).mkdir(mode=0o755)
    for folder in ("data", "mail"):
        os.chown(home / folder, user.pw_uid, user.pw_gid)
    values = {"home": home, "port": port, "uid": user.pw_uid, "gid": user.pw_gid}
    (home / "etc" / "main.cf").write_text(MAIN.format(**values))
    (home / "etc" / "master.cf").write_text(MASTER.format(**values))
    (home / "access").write_text(ACCESS)
    try:
        _run(home, "start")
        _listens(port, home)
        yield Postfix(home, port)
    finally:
        subprocess.run([str(POSTFIX), "-c", str(home / "etc"), "abort"], capture_output=True,
                       timeout=60, check=False)  # fmt: skip
        shutil.rmtree(home, ignore_errors=True)


def _listens(port: int, home: Path) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < end, (home / "log").read_text()
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="module")
def postfix() -> Iterator[Postfix]:
    with running() as made:
        yield made


async def send(to: Postfix, message: Message, *addresses: str) -> Delivery:
    smtp = {"host": "127.0.0.1", "port": to.port, "tls": "none", "timeout": 15.0}
    options = {"to": (GOOD, BAD, GREY), "from": "Monitor <monitor@example.org>", "smtp": smtp}
    receiver = ReceiverSettings("oncall", "email", options, (GOOD, BAD, GREY))
    return await Email().send(receiver, message, addresses or receiver.addresses)


async def test_the_life_of_an_incident_through_a_real_postfix(postfix: Postfix) -> None:
    """One refused, one greylisted, one told; then the greylisted alone, unchanged; a thread."""
    opened = sample(
        what="kie: 1215 credits are left, ≈ 5 h; größer als 10 €.\r\nBcc: evil@example.com",
        subject="[CRITICAL] kie: größte Not, 余额 1215",
    )
    first = await send(postfix, opened)
    assert first.told == (GOOD,)
    assert "550" in first.refused[BAD] and "no such user" in first.refused[BAD]  # noqa: PT018
    assert "450" in first.failed[GREY] and "greylisted" in first.failed[GREY]  # noqa: PT018
    (mail,) = postfix.mails("0001", 1)
    assert mail["Subject"] == "[CRITICAL] kie: größte Not, 余额 1215"
    assert mail["Message-ID"] == "<0001-opened@example.org>"
    assert (mail["Bcc"], mail["In-Reply-To"]) == (None, None)
    assert mail["Auto-Submitted"] == "auto-generated"
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        assert part.get_content_charset() == "utf-8"
        assert "größer als 10 €" in part.get_content()
    assert (await send(postfix, opened, GREY)).failed
    postfix.let_in(GREY)
    assert (await send(postfix, opened, GREY)) == Delivery(told=(GREY,))
    *_, later = postfix.mails("0001", 2)
    assert later["Delivered-To"] == GREY
    assert (later["Message-ID"], later["To"], later["Date"]) == (
        mail["Message-ID"], mail["To"], mail["Date"],
    )  # fmt: skip
    resolved = await send(postfix, sample(Kind.RESOLVED), GOOD)
    assert resolved.told == (GOOD,)
    *_, last = postfix.mails("0001", 3)
    assert last["In-Reply-To"] == last["References"] == mail["Message-ID"]
    assert last["X-Monitor-Notification"] == "resolved"


async def test_a_relay_that_is_down_is_passed_over_to_a_real_postfix(postfix: Postfix) -> None:
    smtp = tuple(
        {"host": "127.0.0.1", "port": port, "tls": "none", "timeout": 5.0}
        for port in (free_port(), postfix.port)
    )
    options = {"to": (GOOD,), "from": "monitor@example.org", "smtp": smtp}
    receiver = ReceiverSettings("oncall", "email", options, (GOOD,))
    result = await Email().send(receiver, sample(id="0002-opened"), (GOOD,))
    assert result == Delivery(told=(GOOD,))
    assert len(postfix.mails("0002", 1)) == 1
