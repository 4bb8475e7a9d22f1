"""The dead-man's switch outside: called while all is well, so that silence is an alarm.

Whoever listens there alerts when the calls stop: the only alert about a monitor, or a machine,
that is gone. The addresses are those of Healthchecks: the URL itself, `/start` and `/fail`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from monitor.core.secret import Secret, redact
from monitor.core.settings import HeartbeatSettings
from monitor.core.snapshot import Called
from monitor.logs import Log

log = Log("monitor.switch")

_LOOK = 1.0  # seconds between two looks at whether all is well
_BODY = 500  # characters of a reason

Send = Callable[[Secret, str], Awaitable[int | str]]  # address, body to HTTP status or fault


class Switch:
    """Calls the switch for as long as this daemon leads; its own faults disturb nothing."""

    def __init__(
        self,
        send: Send,
        *,
        settings_of: Callable[[], HeartbeatSettings | None],
        secrets_of: Callable[[], tuple[Secret, ...]],
        ailing: Callable[[], str | None],
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`ailing`: what is wrong, empty while all is well, None while nothing can be said."""
        self._send, self._settings_of, self._secrets_of = send, settings_of, secrets_of
        self._ailing, self._now, self._sleep = ailing, now, sleep
        self._fault = ""
        self.called = Called()

    async def run(self) -> None:
        """Say that it begins, and from then on how it goes; a change for the worse at once."""
        known: HeartbeatSettings | None = None
        due = 0.0  # looks until the next call
        while True:
            settings, why = self._settings_of(), self._ailing()
            if settings is not None and settings != known:
                await self._call(settings, "/start", "")
                due = 0.0
            known = settings
            worse = bool(why) and self.called.well
            if settings is not None and why is not None and (due <= 0 or worse):
                await self._say(settings, why)
                due = settings.interval
            await self._sleep(_LOOK)
            due -= _LOOK

    async def _say(self, settings: HeartbeatSettings, why: str) -> None:
        if bool(why) == self.called.well:
            if why:
                log.warning("the dead-man's switch is told that all is not well", why=why)
            else:
                log.info("the dead-man's switch is told that all is well again")
        self.called = replace(self.called, well=not why)
        await self._call(settings, "/fail" if why else "", why)

    async def _call(self, settings: HeartbeatSettings, what: str, why: str) -> None:
        body = redact(why, (*self._secrets_of(), settings.url))[:_BODY]
        fault = await call_outside(
            self._send, under(settings.url, what), body, timeout=settings.timeout
        )
        if fault and fault != self._fault:
            log.warning("the dead-man's switch did not hear us", why=fault)
        elif self._fault and not fault:
            log.info("the dead-man's switch hears us again")
        self._fault = fault
        heard_at = self.called.heard_at if fault else self._now()
        self.called = replace(self.called, heard=not fault, heard_at=heard_at)


def under(url: Secret, what: str) -> Secret:
    """`/start` or `/fail` put to the path of an address."""
    parts = urlsplit(url.reveal())
    return Secret(parts._replace(path=parts.path.rstrip("/") + what).geturl()) if what else url


async def call_outside(send: Send, url: Secret, body: str = "", *, timeout: float = 10.0) -> str:
    """One call to a dead-man's switch: empty if it heard us, else one safe line."""
    try:
        async with asyncio.timeout(timeout):
            status = await send(url, body)
    except TimeoutError:
        return f"it did not answer within {timeout:g} s"
    except Exception as error:  # noqa: BLE001 - a daemon must not fall over its sign of life
        return redact(f"it was not reached ({type(error).__name__})", (url,))
    if isinstance(status, str):
        return redact(f"it was not reached: {status}", (url,))
    return "" if 200 <= status < 300 else f"it answered HTTP {status}"
