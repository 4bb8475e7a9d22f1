"""A real mail server for tests: it answers as it is told to and keeps what it got.

    async with Mailbox(tls="starttls", certificate=certificate, users={"monitor": "pw"}) as box:
        box.rcpt["grey@example.com"] = ["451 try later", OK]
        ...
        (mail,) = await box.wait(1)

For tests that block (a daemon in another process): `with in_thread(Mailbox()) as box`, then
`box.wait_blocking(1)`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import Enum
from typing import cast

from aiosmtpd.smtp import MISSING, SMTP, AuthResult, Envelope, LoginPassword, Session
from certs import Certificate


class Act(Enum):
    """What a server may do instead of answering."""

    HANG = "say nothing more"
    DROP = "cut the connection"


Reply = str | Act
OK = "250 OK"
HANG, DROP = Act.HANG, Act.DROP


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it came over the wire."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    encrypted: bool
    username: str | None

    @property
    def message(self) -> EmailMessage:
        """Parsed."""
        parsed = message_from_bytes(self.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def text(self) -> str:
        """The plain part."""
        return self._part("plain")

    @property
    def html(self) -> str:
        """The HTML part."""
        return self._part("html")

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        assert part is not None, f"no {kind} part"
        return cast("str", part.get_content()).replace("\r\n", "\n")


class Mailbox:
    """The server. Replies are taken one after the other; the last one stays."""

    def __init__(
        self,
        *,
        tls: str = "none",  # none, starttls, implicit
        certificate: Certificate | None = None,
        users: Mapping[str, str] | None = None,  # name to password: logging in is required
        auth: Reply | None = None,  # instead of judging a login
        port: int = 0,
    ) -> None:
        self.tls, self.certificate, self.users, self.auth = tls, certificate, users, auth
        self.host, self.port = "127.0.0.1", port
        self.rcpt: dict[str, list[Reply]] = {}
        self.sender: list[Reply] = []
        self.data: list[Reply] = []
        self.quit: list[Reply] = []
        self.mails: list[Mail] = []
        self.connections = 0
        self.clear = bytearray()  # what came unencrypted
        self._open: set[_Conversation] = set()
        self.holding: asyncio.Event
        self._arrived: asyncio.Condition
        self._server: asyncio.Server
        self._loop: asyncio.AbstractEventLoop

    async def __aenter__(self) -> Mailbox:
        self._loop, self._arrived = asyncio.get_running_loop(), asyncio.Condition()
        self.holding = asyncio.Event()  # a client waits for an answer that will not come
        context = self.certificate.server_context() if self.certificate else None
        self._server = await self._loop.create_server(
            lambda: _Conversation(self, self._loop),
            self.host,
            self.port,
            ssl=context if self.tls == "implicit" else None,
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        tasks = [c.end() for c in list(self._open)]
        await asyncio.gather(*(t for t in tasks if t is not None), return_exceptions=True)
        await self._server.wait_closed()
        await asyncio.sleep(0)  # let the last transports say that they are closed

    async def wait(self, count: int, *, within: float = 10.0) -> list[Mail]:
        """The mails so far, once there are `count`."""
        async with asyncio.timeout(within), self._arrived:
            await self._arrived.wait_for(lambda: len(self.mails) >= count)
        return list(self.mails)

    def wait_blocking(self, count: int, *, within: float = 20.0) -> list[Mail]:
        """`wait`, from another thread."""
        waiting = asyncio.run_coroutine_threadsafe(self.wait(count, within=within), self._loop)
        return waiting.result(within + 1)

    # -- what the server asks ---------------------------------------------------------------

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Before the first recipient."""
        del session
        said = await self._say(server, self.sender)
        if said.startswith("2"):
            envelope.mail_from, envelope.mail_options = address, options
        return said

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """For each recipient."""
        del session, options
        said = await self._say(server, self.rcpt.get(address, []))
        if said.startswith("2"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """After the text."""
        said = await self._say(server, self.data)
        if said.startswith("2"):
            await self._keep(server, session, envelope)
        return said

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """At the end."""
        del session, envelope
        said = await self._say(server, self.quit)
        return "221 Bye" if said == OK else said

    async def handle_AUTH(
        self, server: SMTP, session: Session, envelope: Envelope, words: list[str]
    ) -> object:
        """Before a login is judged."""
        del session, envelope, words
        return await self._do(server, self.auth) if self.auth else MISSING

    async def _keep(self, server: SMTP, session: Session, envelope: Envelope) -> None:
        content = cast("bytes", envelope.original_content)
        who: object = session.auth_data
        name = who.login.decode() if isinstance(who, LoginPassword) else None
        encrypted = _encrypted(server)
        async with self._arrived:
            self.mails.append(
                Mail(envelope.mail_from or "", tuple(envelope.rcpt_tos), content, encrypted, name)
            )
            self._arrived.notify_all()

    async def _say(self, server: SMTP, script: list[Reply]) -> str:
        reply = (script.pop(0) if len(script) > 1 else script[0]) if script else OK
        return await self._do(server, reply)

    async def _do(self, server: SMTP, reply: Reply) -> str:
        if isinstance(reply, str):
            return reply
        self.holding.set()
        if reply is DROP:
            cast("asyncio.Transport", server.transport).abort()
        await asyncio.Event().wait()  # the end of the connection cancels it
        raise AssertionError


def _encrypted(server: SMTP) -> bool:
    transport = server.transport
    return transport is not None and transport.get_extra_info("sslcontext") is not None


class _Conversation(SMTP):
    """One connection."""

    def __init__(self, box: Mailbox, loop: asyncio.AbstractEventLoop) -> None:
        context = box.certificate.server_context() if box.certificate else None
        upgradable = context if box.tls == "starttls" else None
        super().__init__(
            box,
            hostname="mail.test",
            loop=loop,
            tls_context=upgradable,
            require_starttls=upgradable is not None,
            authenticator=self._judge if box.users else None,
            auth_require_tls=False,
        )
        self._box = box
        # After the constructor, which would warn of a login without TLS: tests want that too.
        self._auth_required = bool(box.users)
        if not box.users:
            self._auth_methods = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self not in self._box._open:
            self._box.connections += 1
        self._box._open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._box._open.discard(self)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if not _encrypted(self):
            self._box.clear += data
        super().data_received(data)

    def end(self) -> asyncio.Task[None] | None:
        """Cut it off; the task that has to be awaited."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()
        task = self._handler_coroutine
        if task is not None:
            task.cancel()
        return task

    def _judge(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        del server, session, envelope, mechanism
        assert isinstance(data, LoginPassword)
        users = self._box.users or {}
        good = users.get(data.login.decode()) == data.password.decode()
        return AuthResult(success=good, handled=False, auth_data=data if good else None)


@contextmanager
def in_thread(box: Mailbox) -> Iterator[Mailbox]:
    """The same server in a thread of its own, for tests that block."""
    up, down = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with box:
            up.set()
            await down.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert up.wait(10), "the mail server did not start"
    try:
        yield box
    finally:
        with suppress(RuntimeError):
            box._loop.call_soon_threadsafe(down.set)
        thread.join(10)
