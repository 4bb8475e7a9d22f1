"""Users whose passwords are kept as bcrypt hashes: checked beside the loop, and not for ever.

A check costs about 50 ms of a processor on purpose. What is right is remembered, so that a scrape
every 15 s costs it once; what is wrong is too, and only so many are checked at once: who guesses
passwords takes one processor at most and waits in line.
"""

from __future__ import annotations

import asyncio
import hmac
import os
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from monitor.core.secret import Secret
from monitor.core.settings import WebSettings
from monitor.web.access import name_and_password

LONGEST: Final = 72  # bytes: bcrypt looks at no more
_WAITING = 16  # checks in line; whoever comes then is told to come back
_KEPT = 256  # verdicts remembered


class TooManyTries(Exception):
    """More passwords are waiting to be checked than will be."""


class Passwords:
    """Who it is that sends a name and a password."""

    def __init__(self) -> None:
        self._salt = os.urandom(32)  # what is remembered cannot be tried elsewhere
        self._verdicts: OrderedDict[bytes, bool] = OrderedDict()
        self._waiting, self._one = 0, asyncio.Lock()

    async def user(self, authorization: str, web: WebSettings) -> str:
        """The user of `web.hashed_users` whose password it is, else empty. Raises TooManyTries."""
        pair = name_and_password(authorization) if web.hashed_users else None
        if pair is None or len(pair[1]) > LONGEST or b"\0" in pair[1]:
            return ""
        name, hashed = _named(pair[0], web.hashed_users)
        return name if await self._right(*pair, hashed) and name else ""

    async def _right(self, name: bytes, password: bytes, hashed: str) -> bool:
        words = b"\0".join((hashed.encode(), name.hex().encode(), password))
        key = hmac.digest(self._salt, words, "sha256")
        if key in self._verdicts:
            self._verdicts.move_to_end(key)
            return self._verdicts[key]
        if self._waiting >= _WAITING:
            raise TooManyTries
        self._waiting += 1
        try:
            async with self._one:
                if key not in self._verdicts:
                    self._remember(key, await asyncio.to_thread(_matches, password, hashed))
        finally:
            self._waiting -= 1
        return self._verdicts[key]

    def _remember(self, key: bytes, verdict: bool) -> None:
        self._verdicts[key] = verdict
        if len(self._verdicts) <= _KEPT:
            return
        # A flood of wrong ones forgets wrong ones: a scraper's right one stays.
        wrong = (k for k, right in self._verdicts.items() if not right and k != key)
        del self._verdicts[next(wrong, next(iter(self._verdicts)))]


def _named(name: bytes, users: Mapping[str, Secret]) -> tuple[str, str]:
    # A name that does not exist takes as long as one that does: another's hash is looked at.
    found, hashed = "", next(iter(users.values())).reveal()
    for user, secret in users.items():
        if hmac.compare_digest(name, user.encode("utf-8", "surrogateescape")):
            found, hashed = user, secret.reveal()
    return found, hashed


def _matches(password: bytes, hashed: str) -> bool:
    import bcrypt  # heavy, and only needed where somebody uses it

    try:
        return bcrypt.checkpw(password, hashed.encode())
    except ValueError:
        return False
