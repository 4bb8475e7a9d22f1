"""Addresses on the network, as a config writes them."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

_LISTEN = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]\s/@]+):([0-9]{1,5})")


def check_url(text: str) -> str:
    """What is wrong with a URL, or nothing. The text itself is not shown: it may hold a token."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return "is not a URL such as 'https://api.example.com'"
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        return "is not a URL such as 'https://api.example.com'"
    if re.search(r"\s", text):
        return "is not a URL: it holds a space"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user name or a password"
    if parts.fragment:
        return "must not have a # part"
    return ""


def split_listen(text: str) -> tuple[str, int] | None:
    """Host (without brackets) and port of HOST:PORT."""
    match = _LISTEN.fullmatch(text)
    if match is None or int(match[2]) > 65535:
        return None
    host = match[1].strip("[]")
    if match[1].startswith("[") and not _is_address(host):
        return None
    return host, int(match[2])


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def host_of(url: str) -> str:
    """The host of a checked URL."""
    return urlsplit(url).hostname or ""
