"""The web configuration file of Prometheus exporters, as far as it says how to serve TLS.

Format: https://prometheus.io/docs/prometheus/latest/configuration/https/
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from monitor.config.blocks import Block
from monitor.config.compose import parse
from monitor.config.context import Context
from monitor.config.document import Document
from monitor.config.faults import ConfigFaults
from monitor.config.kinds import File
from monitor.config.source import read_source
from monitor.config.validate import checked

_KEY = ("web", "config_file")


class TlsBlock(Block):
    """`tls_server_config`. Other keys of that format are refused rather than not heeded."""

    cert_file: File | None = None
    key_file: File | None = None


class WebConfigBlock(Block):
    """The whole file."""

    tls_server_config: TlsBlock | None = Field(None)


def read_tls(context: Context, file: str) -> tuple[str, str] | None:
    """Certificate and key named in `file`; its faults join those of the config."""
    if not context.need_secrets:
        return None
    try:
        document = parse(file, read_source(file), context.document.env)
    except ConfigFaults as faults:
        message = "; ".join(fault.message for fault in faults.faults)
        context.fault(_KEY, f"names a file that cannot be used: it {message}")
        return None
    block = checked(document, WebConfigBlock, document.root, ()).block
    found = _files(document, block.tls_server_config)
    context.document.faults += document.faults
    return found


def _files(document: Document, block: TlsBlock | None) -> tuple[str, str] | None:
    found = {"cert_file": block.cert_file, "key_file": block.key_file} if block else {}
    directory = Path(document.file).parent
    paths = {name: directory / text for name, text in found.items() if text}
    for name, path in paths.items():
        if not path.is_file():
            document.fault(("tls_server_config", name), "names a file that does not exist")
    if len(paths) < 2:
        if not document.faults:
            document.fault((), "needs tls_server_config with cert_file and key_file")
        return None
    return str(paths["cert_file"]), str(paths["key_file"])
