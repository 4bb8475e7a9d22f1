"""What acts: acknowledge, silence, end a silence; by a form of the page, or in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from monitor.core.figures import second
from monitor.core.model import Incident
from monitor.core.words import clean
from monitor.logs import Log
from monitor.web.access import is_token
from monitor.web.doors import WebDoors
from monitor.web.forms import CAP, DURATIONS, PROOF, TYPE, Marks, from_here, read_form
from monitor.web.guard import FORM_HEADERS, USER, json_answer
from monitor.web.rendering import Means, Renderer, Tried
from monitor.web.usage import read_body, whole_body

log = Log("monitor")

SCOPES: Final = ("alert", "target", "account")  # what a silence of an incident's page covers
_STALE = (
    "This form was too old, or the monitor has started anew since: nothing was done."
    " Look at the page as it is now, and send it again."
)
_REFUSED = "That is not web.token: nothing was done."


class Acts:
    """One method per path that acts."""

    def __init__(self, doors: WebDoors, marks: Marks, renderer: Renderer) -> None:
        self._doors, self._marks, self._renderer = doors, marks, renderer

    # -- forms ------------------------------------------------------------------------------

    async def acknowledge(self, request: Request) -> Response:
        """The form of an incident's page."""
        incident = self._incident(request)
        fields, wrong = await self._fields(request, f"ack {incident.id}")
        return await self._done(request, incident, fields, wrong or _ack(incident, fields))

    async def silence(self, request: Request) -> Response:
        """The form of an incident's page."""
        incident = self._incident(request)
        fields, wrong = await self._fields(request, f"silence {incident.id}")
        return await self._done(request, incident, fields, wrong or _silence(incident, fields))

    async def end(self, request: Request) -> Response:
        """The button beside a silence that runs."""
        name = request.path_params["id"]
        _, wrong = await self._fields(request, f"end {name}")
        asked = {"do": "unsilence", "id": name}
        reply = {"error": wrong} if wrong else await self._act(request, asked)
        if "error" in reply:
            raise HTTPException(403 if wrong else 404, str(reply["error"]))
        return _see("../../.")

    def _incident(self, request: Request) -> Incident:
        name = request.path_params["id"]
        found = next((i for i in self._doors.snapshot_of().incidents if i.id == name), None)
        if found is None:
            raise HTTPException(404, "no such incident: it closed more than 7 days ago")
        return found

    async def _fields(self, request: Request, form: str) -> tuple[dict[str, str], str]:
        """What was typed, and why it may not act; 403 for what comes from elsewhere."""
        web = self._doors.settings_of().web
        if not from_here(request.headers, web):
            raise HTTPException(403, "this form was sent by another site: nothing was done")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != TYPE:
            raise HTTPException(415, f"a form is {TYPE}; programs POST JSON to /api/v1/")
        try:
            fields = read_form(await whole_body(request, CAP, "write less"))
        except ValueError:
            raise HTTPException(400, "that is none of our forms") from None
        forms = self._renderer.forms(request.scope[USER])
        if forms.means is not Means.USER and not is_token(fields.pop(PROOF, ""), web):
            return fields, _REFUSED
        fits = self._marks.fits(fields.get("mark", ""), forms.user, form)
        return fields, "" if fits else _STALE

    async def _done(
        self,
        request: Request,
        incident: Incident,
        fields: Mapping[str, str],
        asked: Mapping[str, str] | str,
    ) -> Response:
        """Back to the incident; where it could not be done, its page with what was typed."""
        reply = {"error": asked} if isinstance(asked, str) else await self._act(request, asked)
        if "error" not in reply:
            return _see(f"../{incident.id}")
        tried = Tried(str(reply["error"]), fields)
        page = await self._renderer.incident(request.scope[USER], incident.id, tried)
        status = 403 if asked in (_STALE, _REFUSED) else 400
        return HTMLResponse(page.body if page else b"", status, headers=FORM_HEADERS)

    async def _act(self, request: Request, asked: Mapping[str, str]) -> Mapping[str, object]:
        reply = await self._doors.act(asked)
        self._renderer.forget()
        if "error" not in reply:
            # Anybody may type any author: who was logged in is in the log.
            log.info("acted over HTTP", user=request.scope[USER] or "token", **asked)
        return reply

    # -- JSON -------------------------------------------------------------------------------

    async def api_ack(self, request: Request) -> Response:
        """Acknowledge an incident by its ID, or every open one that a glob of targets names."""
        said = await _members(request, ("incident", "target", "alert", "author", "comment"))
        if not (said.get("incident") or said.get("target")):
            raise HTTPException(400, "needs incident (an ID) or target (a name or a glob)")
        _needs(said, "author", "comment")
        reply = await self._act(request, {"do": "ack", "targets": said.pop("target", ""), **said})
        return json_answer(reply, 404 if "error" in reply else 200)

    async def api_silence(self, request: Request) -> Response:
        """Silence what a glob of targets names."""
        said = await _members(request, ("target", "alert", "for", "author", "comment"))
        _needs(said, "target", "for", "author", "comment")
        reply = await self._act(request, {"do": "silence", "targets": said.pop("target"), **said})
        if "error" in reply:
            return json_answer(reply, 400)
        ends = datetime.fromisoformat(str(reply["ends_at"]))
        return json_answer({"id": reply["id"], "ends_at": second(ends)}, 201)

    async def api_unsilence(self, request: Request) -> Response:
        """End a silence."""
        reply = await self._act(request, {"do": "unsilence", "id": request.path_params["id"]})
        return json_answer(reply, 404 if "error" in reply else 200)


def _see(where: str) -> Response:
    """303: a reload does not do it again. Relative, so that a proxy may be before us."""
    return RedirectResponse(where, 303)


def _ack(incident: Incident, fields: Mapping[str, str]) -> dict[str, str] | str:
    said = _who_and_why(fields)
    if isinstance(said, str):
        return said
    return {"do": "ack", "incident": incident.id, "targets": incident.target, **said}


def _silence(incident: Incident, fields: Mapping[str, str]) -> dict[str, str] | str:
    said, lasts, scope = _who_and_why(fields), fields.get("for", ""), fields.get("scope", "")
    if isinstance(said, str):
        return said
    if lasts not in DURATIONS or scope not in SCOPES:
        return "Say for how long, and what of it."
    targets = f"{incident.account}/*" if scope == "account" else incident.target
    alert = {"alert": incident.alert} if scope == "alert" else {}
    return {"do": "silence", "targets": targets, "for": lasts, **alert, **said}


def _who_and_why(fields: Mapping[str, str]) -> dict[str, str] | str:
    author, comment = clean(fields.get("author", ""), 80), fields.get("comment", "")
    if not author or not comment:
        return "Say who you are and why: others will read it."
    return {"author": author, "comment": comment}


async def _members(request: Request, known: tuple[str, ...]) -> dict[str, str]:
    """The members of a JSON object, all of them text; 400 for another."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "Content-Type: application/json, please")
    body = read_body(await whole_body(request, CAP, "write less"))
    if not isinstance(body, dict):
        raise HTTPException(400, "the body is not a JSON object")
    for name, value in body.items():
        if name not in known:
            raise HTTPException(
                400, f"unknown member {clean(name, 60)}; known: {', '.join(known)}"
            )
        if not isinstance(value, str):
            raise HTTPException(400, f"{name} is not text")
    return {name: clean(value) for name, value in body.items() if value}


def _needs(said: Mapping[str, str], *names: str) -> None:
    missing = [name for name in names if not said.get(name)]
    if missing:
        raise HTTPException(400, f"needs {', '.join(missing)}")
