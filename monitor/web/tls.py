"""What the page is served with over TLS; renewed files are taken up without a restart."""

from __future__ import annotations

import os
import ssl
from typing import Final

from monitor.core.settings import WebTls
from monitor.logs import Log
from monitor.web.access import SERVICES

log = Log("monitor")

_VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_Stamp = tuple[tuple[int, int, int], ...]


def tls_context(settings: WebTls | None, listener: str) -> ssl.SSLContext | None:
    """Of certificate and key; None: without TLS. Raises OSError in the user's terms.

    Customers show no certificate: their listener asks for none.
    """
    if settings is None:
        return None
    return _Renewing(settings, listener).first


def _made(settings: WebTls, listener: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[settings.min_version]
    context.maximum_version = _VERSIONS[settings.max_version]
    try:
        context.load_cert_chain(settings.cert_file, settings.key_file)
        if settings.client_ca_file and listener != SERVICES:
            context.load_verify_locations(settings.client_ca_file)
            required = settings.client_required
            context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    except OSError as error:
        words = f"web.config_file: certificate or key cannot be used: {error.strerror or error}"
        raise OSError(error.errno, words) from error
    return context


class _Renewing:
    """Looks at the files whenever somebody connects; a pair that does not fit is not taken."""

    def __init__(self, settings: WebTls, listener: str) -> None:
        self._settings, self._listener = settings, listener
        self._seen, self.first = self._stamp(), _made(settings, listener)
        self._present = self.first
        self.first.sni_callback = self._connecting

    def _connecting(self, line: ssl.SSLObject, _name: str | None, _: ssl.SSLContext) -> None:
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            self._renew()
        if self._present is not self.first:
            line.context = self._present

    def _renew(self) -> None:
        try:
            self._present = _made(self._settings, self._listener)
        except OSError as error:
            log.warning("the old certificate stays", error=str(error))
        else:
            log.info("renewed certificate taken up", file=self._settings.cert_file)

    def _stamp(self) -> _Stamp:
        """Size, time and inode of each file; zeros while one is missing."""
        return tuple(_seen(f) for f in (self._settings.cert_file, self._settings.key_file))


def _seen(file: str) -> tuple[int, int, int]:
    try:
        found = os.stat(file)
    except OSError:
        return 0, 0, 0
    return found.st_size, found.st_mtime_ns, found.st_ino
