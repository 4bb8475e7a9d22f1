"""The files of keys, read anew while the daemon runs: beside its loop, and not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from monitor.config.secrets import BadCredential, read_credential
from monitor.core.secret import Secret
from monitor.core.settings import Account
from monitor.logs import Log
from monitor.threads import PassingThreads

log = Log("monitor.keyring")

PATIENCE = 2.0  # seconds: a file on a network that is gone hangs without end


class Keyring:
    """Reads the credentials of accounts from their files; one thread for each file that hangs."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience, self._threads = patience, PassingThreads()
        self._reading: dict[str, Future[Secret]] = {}  # path: under way

    async def reread(self, account: Account) -> Account:
        """The account with what its files hold; what cannot be read stays as it is."""
        found = {n: await self._read(account, path) for n, path in account.key_files.items()}
        fresh = {name: secret for name, secret in found.items() if secret}
        key = fresh.pop("key", account.key)
        return replace(account, key=key, fields=_with(account.fields, fresh))

    async def _read(self, account: Account, path: str) -> Secret | None:
        if path not in self._reading:
            self._reading[path] = self._threads.submit(_key, Path(path))
        reading = self._reading[path]
        try:
            async with asyncio.timeout(self._patience):
                found = await asyncio.shield(asyncio.wrap_future(reading))
        except TimeoutError:
            said = f"it is not read within {self._patience:g} s"
        except BadCredential as error:
            said = f"a file {error}"
        else:
            self._reading.pop(path, None)
            return found
        if reading.done():
            self._reading.pop(path, None)
        log.warning("a key file cannot be read anew", account=account.name, file=path, reason=said)
        return None


def _key(path: Path) -> Secret:
    return Secret(read_credential(path).reveal().strip())


def _with(fields: Mapping[str, object], fresh: Mapping[str, Secret]) -> Mapping[str, object]:
    return {**fields, **fresh} if fresh else fields
