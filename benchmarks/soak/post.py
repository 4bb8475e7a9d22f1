"""A mail server that can be down, and what it was told."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail: its id, and what it is about."""

    id: str
    kind: str
    alert: str
    target: str


class Post:
    """Takes mail on one port while it is up."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        with socket.socket() as chosen:
            chosen.bind(("127.0.0.1", 0))
            self.port = int(chosen.getsockname()[1])
        self._server: asyncio.Server | None = None

    async def up(self) -> None:
        """Take mail."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="localhost", enable_SMTPUTF8=True, loop=loop),
            "127.0.0.1",
            self.port,
            reuse_address=True,
        )

    async def down(self) -> None:
        """Refuse every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd's hook: one mail."""
        del server, session
        content = envelope.content or b""
        mail = message_from_bytes(
            content if isinstance(content, bytes) else content.encode(), policy=policy.default
        )
        names = ("Notification", "Alert", "Target")
        about = [str(mail[f"X-Monitor-{name}"] or "") for name in names]
        self.letters.append(Letter(str(mail["Message-ID"]).strip("<> ").split("@")[0], *about))
        return "250 OK"

    def knows(self, alert: str, target: str) -> bool:
        """Whether whoever reads the mail believes that an alert stands."""
        said = [m.kind for m in self.letters if (m.alert, m.target) == (alert, target)]
        return bool(said) and said[-1] != "resolved"

    def twice(self) -> list[str]:
        """The ids that came more than once."""
        return [name for name, count in Counter(m.id for m in self.letters).items() if count > 1]
