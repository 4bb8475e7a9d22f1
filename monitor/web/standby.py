"""What a standby answers: that it lives, and that another daemon is to be asked."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from monitor.web.access import is_open

_OWN = frozenset({"/-/healthy", "/-/ready", "/-/reload", "/metrics"})
_ELSEWHERE = "this is shown by another machine at present: try again soon"


class Standby:
    """Lets through what a standby can say of itself: of the targets it knows nothing."""

    def __init__(self, app: ASGIApp, standby: Callable[[], str]) -> None:
        self._app, self._standby = app, standby

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 503 with who leads."""
        who = self._standby()
        if not who or scope["type"] != "http" or scope["path"] in _OWN:
            await self._app(scope, receive, send)
            return
        # Customers do not hear what our machines are called.
        words = _ELSEWHERE if is_open(scope["path"]) else who
        answer = PlainTextResponse(f"{words}\n", 503, {"Retry-After": "5"})
        await answer(scope, receive, send)
