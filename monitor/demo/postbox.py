"""A real SMTP server on loopback that keeps what it is sent."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session


class Postbox:
    """Takes every mail; `arrived` is called with each one."""

    def __init__(self, arrived: Callable[[EmailMessage], None] = lambda mail: None) -> None:
        self.mails: list[EmailMessage] = []
        self.port = 0
        self._arrived = arrived

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd's hook: one mail."""
        del server, session
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)  # noqa: S101 - what policy.default makes
        self.mails.append(mail)
        self._arrived(mail)
        return "250 OK"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Postbox]:
        """Listen on a port of the system's choice."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(self, hostname="localhost", enable_SMTPUTF8=True, loop=loop),
            "127.0.0.1",
            0,
        )
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
