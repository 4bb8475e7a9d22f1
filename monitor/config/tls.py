"""The web configuration file of Prometheus exporters: TLS, and users with hashed passwords.

Format: https://prometheus.io/docs/prometheus/latest/configuration/https/
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from pydantic import Field

from monitor.config.blocks import Block
from monitor.config.compose import parse
from monitor.config.context import Context
from monitor.config.document import Document
from monitor.config.faults import ConfigFaults, Fault
from monitor.config.kinds import File, SecretText, Text
from monitor.config.source import read_source
from monitor.config.validate import checked
from monitor.core.secret import Secret
from monitor.core.settings import WebTls

_KEY = ("web", "config_file")
_TLS = "tls_server_config"
_VERSIONS: Final = ("TLS12", "TLS13")
# To its name, whether a certificate has to be shown; those that would take any are refused.
_CLIENTS: Final = {"VerifyClientCertIfGiven": False, "RequireAndVerifyClientCert": True}
_NO_CLIENTS: Final = ("", "NoClientCert")
_BCRYPT = re.compile(r"\$2[abxy]?\$(0[4-9]|[12][0-9])\$[./A-Za-z0-9]{53}")
_DEAR, _COSTLY = 12, 14  # costs: a check takes about a quarter of a second, about a second
# What the format has besides; refused in words rather than not heeded.
_ELSEWHERE: Final = {
    "cert": "put the certificate in a file, and name it as cert_file",
    "key": "put the key in a file, and name it as key_file",
    "client_ca": "put it in a file, and name it as client_ca_file",
    "client_allowed_sans": "monitor checks who signed a client's certificate, not its names",
    "cipher_suites": "monitor takes those of its OpenSSL",
    "prefer_server_cipher_suites": "monitor takes the order of its OpenSSL",
    "curve_preferences": "monitor takes those of its OpenSSL",
    "http_server_config": "monitor speaks HTTP/1.1 and sets its own headers",
    "rate_limit": "monitor bounds what waits by itself",
}


class TlsBlock(Block):
    """`tls_server_config`. Other keys of that format are refused rather than not heeded."""

    cert_file: File | None = None
    key_file: File | None = None
    client_auth_type: Text | None = None
    client_ca_file: File | None = None
    min_version: Text | None = None
    max_version: Text | None = None


class WebConfigBlock(Block):
    """The whole file."""

    tls_server_config: TlsBlock | None = Field(None)
    basic_auth_users: dict[str, SecretText] | None = Field(None)


@dataclass(frozen=True, slots=True)
class WebConfig:
    """What the file says."""

    tls: WebTls | None = None
    users: dict[str, Secret] = field(default_factory=dict)


def read_web_config(context: Context, file: str) -> WebConfig:
    """What is in `file`; its faults join those of the config."""
    if not context.need_secrets:
        return WebConfig()
    try:
        document = parse(file, read_source(file), context.document.env)
    except ConfigFaults as faults:
        message = "; ".join(fault.message for fault in faults.faults)
        context.fault(_KEY, f"names a file that cannot be used: it {message}")
        return WebConfig()
    block = checked(document, WebConfigBlock, document.root, ()).block
    found = WebConfig(_tls(document, block.tls_server_config), _users(document, block))
    if not (document.faults or found.tls or found.users):
        document.fault((), "needs tls_server_config with cert_file and key_file, or users")
    context.document.faults += [_in_words(fault) for fault in document.faults]
    context.document.doubts += document.doubts
    return found


def _in_words(fault: Fault) -> Fault:
    why = _ELSEWHERE.get(fault.path.rpartition(".")[2])
    if why is None or not fault.message.startswith("unknown key"):
        return fault
    return replace(fault, message=f"is not supported: {why}")


def _users(document: Document, block: WebConfigBlock) -> dict[str, Secret]:
    users = block.basic_auth_users or {}
    for name, hashed in users.items():
        at = ("basic_auth_users", name)
        found = _BCRYPT.fullmatch(hashed.reveal())
        if found is None:
            document.fault(at, "is not a bcrypt hash: htpasswd -nBC 10 NAME writes one")
        elif int(found[1]) > _COSTLY:
            document.fault(at, f"has a cost over {_COSTLY}: each check would take seconds")
        elif int(found[1]) > _DEAR:
            document.doubt(at, f"has a cost of {found[1]}: a login takes about a second of a "
                               "processor, and so does each guess; 10 is enough")  # fmt: skip
        if not name or ":" in name or not name.isprintable():
            document.fault(at, "the name of a user has no colon", at_key=True)
    return dict(users)


def _tls(document: Document, block: TlsBlock | None) -> WebTls | None:
    if block is None:
        return None
    files = _files(document, block)
    if not {"cert_file", "key_file"} <= files.keys():
        if not document.faults:
            document.fault((_TLS,), "needs cert_file and key_file")
        return None
    low, high = (_version(document, block, name) for name in ("min_version", "max_version"))
    if (low, high) == ("TLS13", "TLS12"):
        document.fault((_TLS, "max_version"), "is under min_version")
    required = _clients(document, block, files)
    return WebTls(
        cert_file=files["cert_file"],
        key_file=files["key_file"],
        client_ca_file=files.get("client_ca_file", ""),
        client_required=required,
        min_version=low or _VERSIONS[0],
        max_version=high or _VERSIONS[-1],
    )


def _files(document: Document, block: TlsBlock) -> dict[str, str]:
    names = ("cert_file", "key_file", "client_ca_file")
    directory = Path(document.file).parent
    paths = {name: directory / text for name in names if (text := getattr(block, name))}
    for name, path in paths.items():
        if not path.is_file():
            document.fault((_TLS, name), "names a file that does not exist")
    return {name: str(path) for name, path in paths.items()}


def _version(document: Document, block: TlsBlock, name: str) -> str:
    given = str(getattr(block, name) or "")
    if given and given not in _VERSIONS:
        document.fault((_TLS, name), f"is {' or '.join(_VERSIONS)}: older ones are not safe")
    return given


def _clients(document: Document, block: TlsBlock, files: dict[str, str]) -> bool:
    """Whether clients have to show a certificate."""
    kind, at = block.client_auth_type or "", (_TLS, "client_auth_type")
    if kind not in _CLIENTS and kind not in _NO_CLIENTS:
        words = "RequireAndVerifyClientCert, VerifyClientCertIfGiven or NoClientCert"
        document.fault(at, f"is {words}: one that is not verified proves nothing")
    if kind in _CLIENTS and "client_ca_file" not in files:
        document.fault(at, "needs client_ca_file: who signs the clients' certificates")
    if "client_ca_file" in files and kind not in _CLIENTS:
        document.fault((_TLS, "client_ca_file"), "needs client_auth_type, or it is not looked at")
    return _CLIENTS.get(kind, False)
