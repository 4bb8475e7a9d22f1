"""Paths and what is answered on them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from importlib.resources import files

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from monitor.core.durations import parse_duration
from monitor.core.figures import second
from monitor.core.reports import Unfit, near_or_all
from monitor.core.words import clean
from monitor.web.access import SERVICES
from monitor.web.acting import Acts
from monitor.web.badges import HEADERS as BADGE_HEADERS
from monitor.web.badges import badge, etag
from monitor.web.doors import WebDoors
from monitor.web.entries import entries
from monitor.web.forms import Marks
from monitor.web.guard import FORM_HEADERS, USER, Guard, json_answer, our_fault, refused_answer
from monitor.web.rendering import Drawn, Renderer, html
from monitor.web.standby import Standby
from monitor.web.usage import outcome, read_body, whole_body

_STATIC = {
    "page.css": "text/css; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "mark.svg": "image/svg+xml",
}
_FILTER = 100  # characters of a filter
_BEFORE = datetime(1970, 1, 1, tzinfo=UTC)  # before anything was watched
_WEEK = timedelta(days=7)  # of history, where `since` is not given

Endpoint = Callable[[Request], Awaitable[Response]]


def build_app(doors: WebDoors) -> Starlette:
    """The ASGI application of every listener; which one was asked is in the scope (`serve`)."""
    answers = _Answers(doors)
    app = Starlette(
        routes=_routes(answers),
        middleware=[
            Middleware(Guard, settings_of=lambda: doors.settings_of().web),
            Middleware(Standby, standby=doors.standby),
        ],
        exception_handlers={HTTPException: refused_answer, Exception: our_fault},
    )
    # A redirect to the name with a slash would be built from the Host header.
    app.router.redirect_slashes = False
    return app


def _routes(answers: _Answers) -> list[Route]:
    reads: dict[str, Endpoint] = {
        "/": answers.page,
        "/services": answers.services,
        "/metrics": answers.metrics,
        "/-/healthy": answers.healthy,
        "/-/ready": answers.ready,
        "/api/v1/status": answers.status,
        "/api/v1/history/{target:path}": answers.history,
        "/incidents/{id}": answers.incident,
        "/badge/service/{name}.svg": answers.service_badge,
        "/badge/target/{target:path}.svg": answers.target_badge,
        "/runbooks/{name}": answers.runbook,
        "/static/{name}": answers.static,
    }
    acts: dict[str, Endpoint] = {
        "/api/v1/probe/{target:path}": answers.probe,
        "/api/v1/usage/{account}": answers.usage,
        "/-/reload": answers.reload,
        "/api/v1/ack": answers.acts.api_ack,
        "/api/v1/silence": answers.acts.api_silence,
        "/incidents/{id}/ack": answers.acts.acknowledge,
        "/incidents/{id}/silence": answers.acts.silence,
        "/silences/{id}/end": answers.acts.end,
    }
    found = [Route(path, endpoint, methods=["GET"]) for path, endpoint in reads.items()]
    found += [Route(path, endpoint, methods=["POST"]) for path, endpoint in acts.items()]
    unsilence = Route("/api/v1/silence/{id}", answers.acts.api_unsilence, methods=["DELETE"])
    return [*found, unsilence]


class _Answers:
    """One method per path."""

    def __init__(self, doors: WebDoors) -> None:
        self._doors, marks = doors, Marks()
        self._renderer = Renderer(doors, marks)
        self.acts = Acts(doors, marks, self._renderer)
        folder = files("monitor.web") / "static"
        self._static = {name: (folder / name).read_bytes() for name in _STATIC}

    async def page(self, request: Request) -> Response:
        """The operator's page; `?q=`: only accounts with that in their names."""
        wanted = clean(request.query_params.get("q", ""), _FILTER)
        return _page(request, await self._renderer.whole(request.scope[USER], wanted))

    async def incident(self, request: Request) -> Response:
        """One incident. Looking at it has no effect: mail scanners follow links."""
        found = await self._renderer.incident(request.scope[USER], request.path_params["id"])
        if found is None:
            raise HTTPException(404, "no such incident: it closed more than 7 days ago")
        return _page(request, found)

    async def services(self, request: Request) -> Response:
        """The customers' page."""
        return _page(request, await self._renderer.services())

    async def service_badge(self, request: Request) -> Response:
        """A service as a picture; it may be shown to everybody."""
        name = request.path_params["name"]
        found = next((s for s in self._doors.snapshot_of().services if s.service == name), None)
        if found is None:
            raise HTTPException(404, "no such service")
        return _badge(request, name, found.status.value)

    async def target_badge(self, request: Request) -> Response:
        """A target as a picture, for who may see the page."""
        target = request.path_params["target"]
        found = entries(self._doors.document()).get(target)
        if found is None:
            raise HTTPException(404, f"no such target{self._near(target)}")
        return _badge(request, target, found.status.value)

    async def metrics(self, request: Request) -> Response:
        """What Prometheus scrapes."""
        body, content_type = await self._doors.metrics(request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type})

    async def healthy(self, _: Request) -> Response:
        """200 while the event loop answers."""
        return PlainTextResponse("healthy\n")

    async def ready(self, request: Request) -> Response:
        """503 until every target has been looked at, and again while draining."""
        ready, customers = self._doors.ready(), request.scope.get("monitor.listener") == SERVICES
        why = "" if customers else self._doors.standby()
        why = why or "starting, draining or standing by"
        words = "ready\n" if ready else f"not ready: {why}\n"
        return PlainTextResponse(words, 200 if ready else 503)

    async def status(self, _: Request) -> Response:
        """The status document."""
        return json_answer(self._doors.document())

    async def history(self, request: Request) -> Response:
        """A balance's past: `?since=` a time or a duration such as `30d`, else 7 days."""
        target, snapshot = request.path_params["target"], self._doors.snapshot_of()
        if target not in snapshot.views:
            raise HTTPException(404, "no such target: /api/v1/status names them all")
        since = _since(request.query_params.get("since"), snapshot.at)
        found = await self._doors.history(target, since)
        if isinstance(found, str):
            raise HTTPException(503, found)
        # Written beside the loop: the samples of a fortnight are megabytes.
        return await asyncio.to_thread(json_answer, {**found, "since": second(since)})

    async def runbook(self, request: Request) -> Response:
        """What to do about a cause, or when a built-in rule fires."""
        page = self._doors.runbook(request.path_params["name"])
        if page is None:
            raise HTTPException(404, "no such runbook: they are called like causes and rules")
        return HTMLResponse(html("runbook.html", page, root="../", live=False))

    async def static(self, request: Request) -> Response:
        """The page's style, script and mark."""
        name = request.path_params["name"]
        if name not in self._static:
            raise HTTPException(404)
        return Response(self._static[name], headers={"Content-Type": _STATIC[name]})

    async def probe(self, request: Request) -> Response:
        """Ask soon; answers at once with how the target stands before it."""
        target = request.path_params["target"]
        wait = self._doors.probe_now(target)
        if wait is None:
            raise HTTPException(404, f"no such target{self._near(target)}")
        if wait:
            seconds = math.ceil(wait)
            words = f"{target} is asked again in {seconds} s at the earliest"
            raise HTTPException(429, words, {"Retry-After": str(seconds)})
        found = self._doors.document().get("targets")
        rows = found if isinstance(found, list) else []
        row = next((row for row in rows if row["target"] == target), {"target": target})
        return json_answer(row, 202)

    def _near(self, target: str) -> str:
        known = [t.target.name for t in self._doors.settings_of().targets]
        near = get_close_matches(target, known, 1)
        return f": did you mean {near[0]}?" if near else ": /api/v1/status names them all"

    async def usage(self, request: Request) -> Response:
        """Count what an application reports; 202 once it is kept."""
        name, body = request.path_params["account"], await whole_body(request)
        try:
            found = await self._doors.usage(name, read_body(body))
        except Unfit as unfit:
            raise HTTPException(400, str(unfit)) from None
        if isinstance(found, tuple):
            raise HTTPException(404, f"no such account{near_or_all(name, found)}")
        return json_answer(outcome(found), 400 if found.faults else 202)

    async def reload(self, _: Request) -> Response:
        """Take the config anew; 500 with its faults where it is broken, as Prometheus does."""
        wrong = await self._doors.reload()
        if wrong is None:
            return json_answer({"reloaded": True})
        return json_answer({"error": f"the config is broken, the old one stays: {wrong}"}, 500)


def _page(request: Request, drawn: Drawn) -> Response:
    """304 where the browser has it already: what moves is the time alone, and that it knows."""
    headers = {"ETag": drawn.etag, "X-Monitor-At": f"{drawn.at:%Y-%m-%dT%H:%M:%SZ}"}
    headers |= FORM_HEADERS if drawn.acts else {}
    if request.headers.get("if-none-match") == drawn.etag:
        return Response(status_code=304, headers=headers)
    return HTMLResponse(drawn.body, headers=headers)


def _badge(request: Request, name: str, status: str) -> Response:
    body = badge(name, status)
    headers = {**BADGE_HEADERS, "ETag": etag(body), "Content-Type": "image/svg+xml; charset=utf-8"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers)


def _since(asked: str | None, now: datetime) -> datetime:
    if asked is None:
        return now - _WEEK
    since = _ago(asked, now) or _moment(asked)
    if since is None:
        words = "since: a duration such as 7d, or a time such as 2026-11-20T10:31:28Z"
        raise HTTPException(400, words)
    return min(max(since, _BEFORE), now)


def _ago(asked: str, now: datetime) -> datetime | None:
    try:
        return now - timedelta(seconds=parse_duration(asked))
    except (ValueError, OverflowError):
        return None


def _moment(asked: str) -> datetime | None:
    """A time with its zone; a `+` that was not escaped arrives as a space."""
    try:
        at = datetime.fromisoformat(asked.replace(" ", "+"))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
