"""Who may ask for what: one pure function from a request's head to a refusal or none."""

from __future__ import annotations

import base64
import hmac
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from monitor.core.secret import Secret
from monitor.core.settings import WebSettings

SERVICES = "services"  # the name of the listener that shows the customers' page alone
STATUS = "/api/v1/status"
_FORM = re.compile(r"/incidents/[^/]+/(ack|silence)|/silences/[^/]+/end")  # where ours go
_UNSILENCE = "/api/v1/silence/"
_HEALTH = frozenset({"/-/healthy", "/-/ready"})
_OPEN = ("/static/", "/badge/service/")
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Asked:
    """The head of a request, as far as access goes."""

    method: str
    path: str
    hosts: tuple[str, ...]  # every Host header
    authorization: str
    local: tuple[str, int | None]  # our end of the connection
    listener: str = "web"
    user: str = ""  # whose hashed password was right; a plain one is compared here


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not, in words for whoever asked."""

    status: int
    words: str
    headers: Mapping[str, str] = field(default_factory=dict)


def is_open(path: str) -> bool:
    """Whether a path may be read by everybody: health, the customers' page, style, badges."""
    return path in _HEALTH or path == "/services" or path.startswith(_OPEN)


def has_users(web: WebSettings) -> bool:
    """Whether anybody is asked for user and password."""
    return bool(web.users or web.hashed_users)


def refusal(asked: Asked, web: WebSettings) -> Refused | None:
    """What the rules of access have against a request; None: nothing."""
    if asked.listener == SERVICES:
        # Customers come by whatever name it is published under, and it shows nothing secret.
        return None if is_open(asked.path) and asked.method != "POST" else _NOT_HERE
    if not _host_allowed(asked, web):
        return _WRONG_HOST
    if _acts(asked):
        return _may_act(asked, web)
    if is_open(asked.path):
        return None
    if has_users(web):
        return None if acting_user(asked, web) else _WHO_ARE_YOU
    if not web.external_url or web.allow_unauthenticated:
        return None
    return None if asked.path == STATUS and _by_loopback(asked) else _USERS_NEEDED


def acting_user(asked: Asked, web: WebSettings) -> str:
    """The user whose name and password came with the request; empty: none."""
    return asked.user or _known_user(asked.authorization, web.users)


def _acts(asked: Asked) -> bool:
    unsilences = asked.method == "DELETE" and asked.path.startswith(_UNSILENCE)
    return asked.method == "POST" or unsilences


def _may_act(asked: Asked, web: WebSettings) -> Refused | None:
    """The token may everything. A form is also a user's; without users it brings the token."""
    refused = _without_token(asked.authorization, web.token)
    if refused is None or not _FORM.fullmatch(asked.path):
        return refused
    if has_users(web):
        return None if acting_user(asked, web) else _WHO_ARE_YOU
    return None if web.token else _NO_TOKEN


def is_token(given: str, web: WebSettings) -> bool:
    """Whether it is `web.token`."""
    return bool(web.token) and _same(given.encode("utf-8", "replace"), web.token.reveal())


_NOT_HERE = Refused(404, "not found: this listener shows /services alone")
_WRONG_HOST = Refused(
    421,
    "this monitor is not called by that name: ask for its listen address or localhost with its"
    " port, or set web.external_url",
)
_WHO_ARE_YOU = Refused(
    401,
    "user and password, please: one of web.users or of web.config_file's basic_auth_users",
    {"WWW-Authenticate": 'Basic realm="monitor", charset="UTF-8"'},
)
_USERS_NEEDED = Refused(403, "web.external_url is set but web.users is not: set web.users")
_NO_TOKEN = Refused(403, "nothing can be changed here: web.token is not set")
_WRONG_TOKEN = Refused(403, "this needs the header Authorization: Bearer, with web.token")


def _without_token(authorization: str, token: Secret) -> Refused | None:
    if not token:
        return _NO_TOKEN
    scheme, _, given = authorization.partition(" ")
    right = _same(given.strip().encode("latin-1", "replace"), token.reveal())
    return None if scheme.lower() == "bearer" and right else _WRONG_TOKEN


def name_and_password(authorization: str) -> tuple[bytes, bytes] | None:
    """What a header of basic authentication says; None where it is none."""
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        pair = base64.b64decode(given.strip(), validate=True)
    except ValueError:
        return None
    name, colon, password = pair.partition(b":")
    return (name, password) if colon else None


def _known_user(authorization: str, users: Mapping[str, Secret]) -> str:
    pair = name_and_password(authorization)
    if pair is None:
        return ""
    name, password = pair
    # Every user is compared, so that the time it takes does not tell which name exists.
    right = [
        user
        for user, secret in users.items()
        if _same(name, user) & _same(password, secret.reveal()) & bool(secret)
    ]
    return right[0] if right else ""


def _same(given: bytes, wanted: str) -> bool:
    return hmac.compare_digest(given, wanted.encode("utf-8", "surrogateescape"))


def _host_allowed(asked: Asked, web: WebSettings) -> bool:
    """Against DNS rebinding: a page elsewhere may name us as it likes, but not as we are named."""
    if len(asked.hosts) != 1:
        return False
    host, port = _split(asked.hosts[0])
    if not host:
        return False
    if web.external_url and _is_external(host, port, web.external_url):
        return True
    ours = host in _LOCAL or host == _bare(web.listen[0]) or _is_our_address(host, asked.local[0])
    return ours and port in (None, asked.local[1])


def _split(host: str) -> tuple[str, int | None]:
    """`[::1]:9877` as `::1` and 9877; a broken one as an empty name."""
    try:
        parts = urlsplit(f"//{host}")
        port = parts.port
    except ValueError:
        return "", None
    rest = parts.path or parts.query or parts.fragment or parts.username or parts.password
    return ("", None) if rest is not None and rest != "" else (_bare(parts.hostname or ""), port)


def _bare(host: str) -> str:
    return host.strip("[]").removesuffix(".").lower()


def _is_our_address(host: str, local: str) -> bool:
    """Asked by the number the connection came in by: no name was involved that could be bent."""
    try:
        return ipaddress.ip_address(host) == ipaddress.ip_address(local)
    except ValueError:
        return False


def _is_external(host: str, port: int | None, url: str) -> bool:
    parts = urlsplit(url)
    wanted = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    return host == _bare(parts.hostname or "") and port in (None, wanted)


def _by_loopback(asked: Asked) -> bool:
    """Through a proxy on the same machine a request is local too, but not by its name."""
    try:
        local = ipaddress.ip_address(asked.local[0]).is_loopback
    except ValueError:
        local = asked.local[0] == "localhost"
    return local and _split(asked.hosts[0])[0] in _LOCAL
