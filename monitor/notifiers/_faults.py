"""What went wrong with a mail server, in words."""

from __future__ import annotations

import ssl
from collections.abc import Iterable

from monitor.notifiers._lines import safe_line
from monitor.notifiers._server import Server

STAGES = {
    "connecting": "connecting",
    "starttls": "starting TLS",
    "login": "logging in",
    "sender": "naming the sender",
    "recipients": "naming the recipients",
    "data": "sending the text",
}


def unsure(stage: str) -> str:
    """What is to be added where the text may have arrived."""
    return ", whether the mail arrived is not known" if stage == "data" else ""


def answered(code: int, text: str, server: Server) -> str:
    """What a server said, fit to be logged."""
    return safe_line(f"the server answered {code} {text}", server.secrets)


def _chain(error: BaseException) -> Iterable[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def tls_fault(error: Exception) -> str | None:
    """Why the connection could not be encrypted; None if that was not it."""
    for one in _chain(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({one.verify_message})"
        if isinstance(one, ssl.SSLError):
            return one.reason or "no TLS is spoken there"
    return None


def happened(error: Exception, where: str) -> str:
    """What went wrong first there: the library's own words repeat host, port and numbers."""
    for one in _chain(error):
        if isinstance(one, ConnectionRefusedError):
            return f"{where} refuses the connection"
        if isinstance(one, OSError) and one.strerror:
            return f"{where}: {one.strerror}"
    return f"{where}: {str(error) or type(error).__name__}"
