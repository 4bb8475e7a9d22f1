"""What both sides watch, and where both send mail: accounts with a balance, and a postbox."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP, Envelope, Session

FULL, LOW = 50_000, 9_000
_KEY = re.compile(rb"authorization: bearer (\S+)", re.IGNORECASE)
_NAME = re.compile(r"\ba\d{3}\b")


@dataclass
class Account:
    """One prepaid account: what it holds, and when it first told that it is low."""

    name: str
    balance: int = FULL
    crossed: float | None = None  # when the balance fell
    told_low: float | None = None  # when an answer first said so
    asked: int = 0


@dataclass(frozen=True)
class Arrival:
    """One mail: when it was taken, which accounts it names, its id, whether it ends an alert."""

    at: float
    accounts: frozenset[str]
    id: str
    resolved: bool


@dataclass
class World:
    """Answers `GET /api/v1/chat/credit` as KIE does, by key; takes mail while it is `up`."""

    accounts: dict[str, Account]
    mails: list[Arrival] = field(default_factory=list)
    port: int = 0
    mail_port: int = 0
    _servers: list[asyncio.Server] = field(default_factory=list)
    _smtp: asyncio.Server | None = None
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    @classmethod
    def of(cls, count: int) -> World:
        """So many accounts, all full; `a000` is also the key of account a000."""
        names = [f"a{n:03}" for n in range(count)]
        return cls({name: Account(name) for name in names})

    async def open(self) -> None:
        """Listen."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._servers.append(server)
        with socket.socket() as chosen:
            chosen.bind(("127.0.0.1", 0))
            self.mail_port = chosen.getsockname()[1]
        await self.mail(up=True)

    async def mail(self, *, up: bool) -> None:
        """Let the postbox take mail, or refuse every connection."""
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None
        if up:
            loop = asyncio.get_running_loop()
            self._smtp = await loop.create_server(
                lambda: SMTP(self, hostname="localhost", enable_SMTPUTF8=True, loop=loop),
                "127.0.0.1",
                self.mail_port,
                reuse_address=True,
            )

    async def close(self) -> None:
        """Stop listening."""
        await self.mail(up=False)
        for server in self._servers:
            server.close()

    # -- the provider -----------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                found = _KEY.search(head)
                writer.write(self._answer(found.group(1).decode() if found else ""))
                await writer.drain()
        writer.close()

    def _answer(self, key: str) -> bytes:
        account = self.accounts.get(key)
        if account is None:
            return _http(401, {"code": 401, "msg": "You do not have access permissions"})
        account.asked += 1
        if account.balance < 10_000 and account.told_low is None:
            account.told_low = time.monotonic()
        return _http(200, {"code": 200, "msg": "success", "data": account.balance})

    def move(self, name: str, balance: int) -> None:
        """Set a balance; when it falls, that is the crossing."""
        account = self.accounts[name]
        account.crossed = time.monotonic() if balance < 10_000 <= account.balance else None
        account.balance, account.told_low = balance, None

    # -- the postbox ------------------------------------------------------------------------

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd's hook: one mail."""
        del server, session
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        mail = message_from_bytes(raw, policy=policy.default)
        subject = str(mail["Subject"] or "")
        over = "resolved" in subject.lower()
        seen = frozenset(_NAME.findall(subject))
        self.mails.append(Arrival(time.monotonic(), seen, str(mail["Message-ID"] or ""), over))
        async with self.news:
            self.news.notify_all()
        return "250 OK"

    def about(self, name: str, since: float, *, resolved: bool = False) -> Iterator[Arrival]:
        """The mails about an account after a moment."""
        for mail in self.mails:
            if mail.at >= since and name in mail.accounts and mail.resolved == resolved:
                yield mail

    async def until_mail(self, name: str, since: float, within: float, **which: bool) -> bool:
        """Whether a mail about an account has come, waiting for it for so long."""
        try:
            async with asyncio.timeout(within), self.news:
                await self.news.wait_for(lambda: any(self.about(name, since, **which)))
        except TimeoutError:
            return False
        return True


def _http(status: int, body: object) -> bytes:
    data = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data
