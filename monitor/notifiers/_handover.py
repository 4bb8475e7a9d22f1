"""One mail handed to one server by SMTP. Nothing else imports aiosmtplib."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.core.durations import format_duration
from monitor.notifiers import Delivery, all_refused, together
from monitor.notifiers._addresses import bare, domain_of
from monitor.notifiers._faults import STAGES, answered, happened, tls_fault, unsure
from monitor.notifiers._lines import clean, safe_line
from monitor.notifiers._mail import Letter
from monitor.notifiers._relays import Passage
from monitor.notifiers._server import Server

if TYPE_CHECKING:
    from aiosmtplib import SMTP

GOODBYE = 1.0  # seconds a QUIT may take: the mail is already theirs
CLOSING = 421  # the server ends the connection
PATIENCE = 2.0  # seconds for one recipient's answer where others wait behind it


@dataclass(slots=True)
class _Progress:
    """How far a conversation with the server has come."""

    stage: str = "connecting"
    accepted: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    stuck: bool = False  # one recipient's answer did not come: the others are asked for apart

    def settle(
        self, addresses: tuple[str, ...], why: str, *, permanent: bool, elsewhere: bool
    ) -> Passage:
        """The same end for everybody who has none yet."""
        rest = [a for a in addresses if a not in self.failed and a not in self.refused]
        (self.refused if permanent else self.failed).update(dict.fromkeys(rest, why))
        delivery = Delivery(failed=self.failed, refused=self.refused)
        return Passage(delivery, frozenset(rest if elsewhere else ()))


async def deliver(server: Server, mail: Letter, addresses: tuple[str, ...]) -> Passage:
    """To all in one conversation; where one recipient holds it up, to each in its own."""
    if not addresses:
        return Passage(Delivery())
    if server.objection:
        return Passage(all_refused(addresses, server.objection), frozenset(addresses))
    deadline = asyncio.get_running_loop().time() + server.timeout
    progress = _Progress()
    passage = await _converse(server, mail, addresses, deadline=deadline, progress=progress)
    if not progress.stuck:
        return passage
    apart = (
        _converse(server, mail, (one,), deadline=deadline, progress=_Progress())
        for one in addresses
    )
    passages = await asyncio.gather(*apart)
    elsewhere = frozenset(a for p in passages for a in p.elsewhere)
    return Passage(together(p.delivery for p in passages), elsewhere)


async def _converse(
    server: Server,
    mail: Letter,
    addresses: tuple[str, ...],
    *,
    deadline: float,
    progress: _Progress,
) -> Passage:
    """One connection, from greeting to the end, as far as it comes by `deadline`."""
    try:
        client = _client(server, domain_of(mail.sender))
        try:
            async with asyncio.timeout_at(deadline):
                await _say(client, server, mail, addresses, progress=progress)
            await _leave(client)
        finally:
            client.close()
    except Exception as error:  # noqa: BLE001 - each becomes a text, whatever the library raises
        why, permanent = _reason(error, server, progress.stage)
        elsewhere = _nothing_taken(error, progress.stage)
        return progress.settle(addresses, why, permanent=permanent, elsewhere=elsewhere)
    return Passage(
        Delivery(told=tuple(progress.accepted), failed=progress.failed, refused=progress.refused)
    )


def _client(server: Server, domain: str) -> SMTP:
    from aiosmtplib import SMTP

    return SMTP(
        hostname=server.host,
        port=server.port,
        # Given, so that no name is asked for while an alert waits.
        local_hostname=domain,
        timeout=server.timeout,
        use_tls=server.tls == "implicit",
        start_tls=False,  # asked for by `_say`: the library's own default would try, and go on
        cert_bundle=server.ca_file,
    )


async def _say(
    client: SMTP,
    server: Server,
    mail: Letter,
    addresses: tuple[str, ...],
    *,
    progress: _Progress,
) -> None:
    """The whole conversation but its goodbye; notes in `progress` how far it came."""
    from aiosmtplib import SMTPException

    await client.connect()
    await _greet(client)
    if server.tls == "starttls":
        progress.stage = "starttls"
        if not client.supports_extension("starttls"):
            raise SMTPException("it offers no STARTTLS, and nothing is sent in the clear")
        await client.starttls()
        await _greet(client)
    progress.stage = "login"
    if server.username:
        await _log_in(client, server)
    progress.stage = "sender"
    size = [f"size={len(mail.content)}"] if client.supports_extension("size") else []
    await client.mail(bare(mail.sender), options=size)
    progress.stage = "recipients"
    await _name_recipients(client, server, addresses, progress=progress)
    if progress.accepted:
        progress.stage = "data"
        await client.data(mail.content)


async def _greet(client: SMTP) -> None:
    from aiosmtplib import SMTPHeloError

    try:
        await client.ehlo()
    except SMTPHeloError:  # a server from before 1995
        await client.helo()


async def _log_in(client: SMTP, server: Server) -> None:
    """By the best method both know. A server that hangs up after a refusal has refused."""
    from aiosmtplib import SMTPAuthenticationError, SMTPException, SMTPServerDisconnected

    methods = {
        "cram-md5": client.auth_crammd5,
        "plain": client.auth_plain,
        "login": client.auth_login,
    }
    refusal: SMTPException = SMTPException("the server offers no way to log in")
    for name in (n for n in methods if n in client.supported_auth_methods):
        try:
            await methods[name](server.username.encode(), server.password.reveal().encode())
        except SMTPAuthenticationError as error:
            refusal = error
        except SMTPServerDisconnected as error:
            raise refusal if isinstance(refusal, SMTPAuthenticationError) else error from None
        else:
            return
    raise refusal


async def _name_recipients(
    client: SMTP, server: Server, addresses: tuple[str, ...], *, progress: _Progress
) -> None:
    """Ask for every recipient; a refusal is its own, silence is everybody's after it."""
    from aiosmtplib import SMTPRecipientRefused, SMTPServerDisconnected, SMTPTimeoutError

    alone, loop = len(addresses) == 1, asyncio.get_running_loop()
    until = loop.time() + server.timeout / 3  # then there is time to ask for each apart
    for address in addresses:
        patience = max(0.001, min(PATIENCE, until - loop.time()))
        try:
            await client.rcpt(bare(address), timeout=server.timeout if alone else patience)
        except SMTPRecipientRefused as error:
            if error.code == CLOSING:
                progress.stuck = not alone
                raise
            ended = progress.refused if error.code >= 500 else progress.failed
            ended[address] = answered(error.code, error.message, server)
        except (SMTPTimeoutError, SMTPServerDisconnected):
            progress.stuck = not alone
            raise
        else:
            progress.accepted.append(address)


async def _leave(client: SMTP) -> None:
    from aiosmtplib import SMTPException

    with suppress(SMTPException, OSError):  # the mail is theirs, however they take the goodbye
        await client.quit(timeout=GOODBYE)


# -- what went wrong ----------------------------------------------------------------------------


def _nothing_taken(error: Exception, stage: str) -> bool:
    """Whether another server may be asked: the text was not sent, or it was put off in words."""
    from aiosmtplib import SMTPRecipientRefused, SMTPResponseException

    if stage == "data":
        return isinstance(error, SMTPResponseException) and 400 <= error.code < 500
    return not isinstance(error, SMTPRecipientRefused) or error.code == CLOSING


def _reason(error: Exception, server: Server, stage: str) -> tuple[str, bool]:
    """One safe line, and whether the same try again would end the same."""
    from aiosmtplib import SMTPException, SMTPResponseException

    where = clean(f"{server.host}:{server.port}", 120)
    if isinstance(error, SMTPResponseException):
        why = answered(error.code, error.message, server)
        # Encryption that was promised and refused is somebody's fault or attack: it may pass.
        return f"{STAGES[stage]}: {why}", error.code >= 500 and stage != "starttls"
    if isinstance(error, TimeoutError):
        within = format_duration(server.timeout)
        return f"{STAGES[stage]}: no answer from {where} within {within}{unsure(stage)}", False
    if (fault := tls_fault(error)) is not None:
        return safe_line(f"TLS with {where} failed: {fault}", server.secrets), False
    if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
        return safe_line(f"smtp.ca_file cannot be read: {error.strerror}", server.secrets), False
    if isinstance(error, (SMTPException, OSError)):
        text = f"{STAGES[stage]}: {happened(error, where)}{unsure(stage)}"
        return safe_line(text, server.secrets), False
    return f"{STAGES[stage]}: {where}: {type(error).__name__}", False
