"""The guard in front of every answer: rules of access, safe headers, and how a refusal is put."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.core.settings import WebSettings
from monitor.web.access import Asked, Refused, acting_user, refusal
from monitor.web.passwords import Passwords, TooManyTries

SAFE_HEADERS: Final[dict[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; "
    "script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# Of a page with forms: they go to us alone, and the browser may say to us that they come from us
# (without a referrer it would send `Origin: null`).
FORM_HEADERS: Final[dict[str, str]] = {
    "Content-Security-Policy": SAFE_HEADERS["Content-Security-Policy"].replace(
        "form-action 'none'", "form-action 'self'"
    ),
    "Referrer-Policy": "same-origin",
}
USER: Final = "monitor.user"  # in the scope: whose name and password came with the request
_TOO_MANY = Refused(
    429, "too many passwords are waiting to be checked: try again soon", {"Retry-After": "2"}
)


class Guard:
    """Refuses what the rules of access refuse, and puts the headers to every answer."""

    def __init__(self, app: ASGIApp, settings_of: Callable[[], WebSettings]) -> None:
        self._app, self._settings_of = app, settings_of
        self._passwords = Passwords()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFE_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        web = self._settings_of()
        asked, refused = await self._known(_asked(scope), web)
        if refused is None:
            found = {**scope, USER: acting_user(asked, web)}
            await self._app(found, receive, guarded)
            return
        answer = sorry(scope["path"], refused.status, refused.words, refused.headers)
        await answer(scope, receive, guarded)

    async def _known(self, asked: Asked, web: WebSettings) -> tuple[Asked, Refused | None]:
        """Hashes are looked at last: who asks for another host costs no processor."""
        refused = refusal(asked, web)
        if refused is None or refused.status != 401:
            return asked, refused
        try:
            user = await self._passwords.user(asked.authorization, web)
        except TooManyTries:
            return asked, _TOO_MANY
        known = replace(asked, user=user)
        return known, refusal(known, web)


def _asked(scope: Scope) -> Asked:
    headers = Headers(scope=scope)
    return Asked(
        method=scope["method"],
        path=scope["path"],
        hosts=tuple(headers.getlist("host")),
        authorization=headers.get("authorization", ""),
        local=tuple(scope.get("server") or ("", None)),
        listener=scope.get("monitor.listener", "web"),
    )


def json_answer(body: Mapping[str, object], status: int = 200) -> Response:
    """Strict JSON, one document and a line end."""
    text = json.dumps(body, allow_nan=False) + "\n"
    return Response(text, status, media_type="application/json")


def sorry(
    path: str, status: int, words: str, headers: Mapping[str, str] | None = None
) -> Response:
    """JSON for programs, plain words for people."""
    if path.startswith("/api/") or path == "/-/reload":
        answer = json_answer({"error": words}, status)
    else:
        answer = PlainTextResponse(f"{words}\n", status)
    answer.headers.update(headers or {})
    return answer


async def refused_answer(request: Request, error: Exception) -> Response:
    """What an HTTPException says; for a path or a method that is not there, our own words."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    said = error.detail if isinstance(error, HTTPException) else ""
    words = {404: said if said != "Not Found" else "not found", 405: "that method is not for this"}
    path = request.url.path
    return sorry(path, status, words.get(status, said), headers)


async def our_fault(request: Request, _: Exception) -> Response:
    """An exception nobody foresaw, without its text; it passes by the guard, hence the headers."""
    words = "this is a fault of monitor itself; its log says more"
    return sorry(request.url.path, 500, words, SAFE_HEADERS)
