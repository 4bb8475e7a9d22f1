"""A mail server as configured."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from monitor.core.secret import Secret

TIMEOUT = 15.0  # seconds, for all of it: connecting, TLS, login, every recipient, the text


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server and how to log in."""

    host: str
    port: int
    tls: str  # starttls, implicit, none
    username: str
    password: Secret
    ca_file: str | None
    timeout: float  # seconds

    @classmethod
    def all_of(cls, options: Mapping[str, object]) -> tuple[Server, ...]:
        """From what the config validated: in the order they are tried, at least one."""
        smtp = options.get("smtp")
        tables = smtp if isinstance(smtp, (list, tuple)) else (smtp,)
        return tuple(cls._of(table if isinstance(table, Mapping) else {}) for table in tables)

    @classmethod
    def _of(cls, own: Mapping[str, object]) -> Server:
        tls, port, timeout = str(own.get("tls") or "starttls"), own.get("port"), own.get("timeout")
        password = own.get("password")
        return cls(
            host=str(own.get("host") or "localhost"),
            port=port if isinstance(port, int) else 465 if tls == "implicit" else 587,
            tls=tls,
            username=str(own.get("username") or ""),
            password=password if isinstance(password, Secret) else Secret(str(password or "")),
            ca_file=str(own["ca_file"]) if own.get("ca_file") else None,
            timeout=float(timeout) if isinstance(timeout, (int, float)) else TIMEOUT,
        )

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The password, and the shapes in which a server could repeat it."""
        user, password = self.username.encode(), self.password.reveal().encode()
        if not password:
            return ()
        shapes = (password, b"\0" + user + b"\0" + password)
        return (self.password, *(Secret(b64encode(shape).decode()) for shape in shapes))

    @property
    def objection(self) -> str:
        """Why nothing may be sent with these settings; empty if it may."""
        if self.username and self.tls == "none" and not _loopback(self.host):
            return (
                "smtp.tls is none: the password is not sent in the clear to another machine, "
                "use starttls or implicit"
            )
        return ""


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
