"""Mail servers whose settings do not go together: each is legal, and no mail ever leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.config.addresses import is_loopback, split_listen
from monitor.config.context import Context
from monitor.config.faults import PathTuple
from monitor.core.settings import ReceiverSettings

_STARTTLS, _IMPLICIT = 587, 465  # RFC 8314: TLS begins behind the greeting, or before it


def doubt_mail(context: Context, receiver: ReceiverSettings) -> None:
    """Note what is odd in a receiver's mail servers."""
    at: PathTuple = ("receivers", receiver.name, receiver.channel, "smtp")
    given = receiver.options.get("smtp")
    servers = given if isinstance(given, tuple) else (given,)
    for index, server in enumerate(servers):
        place = (*at, index) if isinstance(context.document.get(*at), list) else at
        for key, message in _oddities(server) if isinstance(server, Mapping) else ():
            context.doubt((*place, key), message)


def _oddities(server: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    host, port, tls = str(server["host"]), server["port"], server["tls"]
    if both := split_listen(host):
        yield "host", f"holds a port: write `host: {both[0]}, port: {both[1]}`"
    if port == _IMPLICIT and tls == "starttls":
        yield "port", f"{_IMPLICIT} is for `tls: implicit`; starttls is asked for at {_STARTTLS}"
    if port == _STARTTLS and tls == "implicit":
        yield "port", f"{_STARTTLS} is for `tls: starttls`; implicit begins at {_IMPLICIT}"
    if bool(server["username"]) != bool(server["password"]):
        has, lacks = ("username", "password") if server["username"] else ("password", "username")
        yield has, f"stands without a `{lacks}`: nobody logs in"
    if tls == "none" and server["password"] and not is_loopback(host):
        yield "tls", "none: no password is sent unencrypted to another machine, and no mail goes"
