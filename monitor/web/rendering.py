"""Renderer as HTML: drawn beside the loop, and once a second however many look at them."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import MappingProxyType

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from monitor.core.document import document
from monitor.web.access import has_users
from monitor.web.doors import WebDoors
from monitor.web.forms import DURATIONS, Marks
from monitor.web.incident import incident_page
from monitor.web.page import operators_page, shown_balances
from monitor.web.services import services_page

_FRESH = 1.0  # seconds a drawn page is shown again
_LONGEST = 600  # characters of one text: providers' are cut at 500 when they come
_AT_ONCE = 2  # drawings: probes do not wait for a hundred filters
_KEPT = 64  # drawn pages: of each user, each filter, each incident
_MOVES = re.compile(rb'<p[^>]* id="as-of".*?</p>', re.DOTALL)  # differs in every drawing
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Means(StrEnum):
    """How who looks at a page may act."""

    USER = "user"  # by their name and password
    PROOF = "token"  # by typing web.token into the form
    COMMAND = "command"  # not on the page: by the command line


@dataclass(frozen=True, slots=True)
class Forms:
    """What the forms of one user's page are made of."""

    means: Means
    user: str
    marks: Marks
    durations: tuple[str, ...] = DURATIONS  # to choose from for a silence

    def mark(self, form: str) -> str:
        """The mark that this form has to bring back."""
        return self.marks.of(self.user, form)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A page, and a name for what it says: the same while nothing has changed."""

    body: bytes
    etag: str
    at: datetime
    acts: bool  # whether there are forms on it


@dataclass(frozen=True, slots=True)
class Tried:
    """An action that was refused: why, and what was typed."""

    problem: str = ""
    typed: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


def _shown(value: object) -> object:
    """Text as it may stand on a page: printable, and no longer than anybody reads.

    What is marked as safe is left alone: markup of ours, and the numbers of a drawing.
    """
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    text = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…"
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("monitor.web"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def html(template: str, page: object, *, root: str = "", **more: object) -> bytes:
    """`root`: the way from the page back to `/`, so that a proxy may put all under a path."""
    found = _templates().get_template(template).render(page=page, root=root, **more)
    return found.encode("utf-8", "replace")


class Recent:
    """What was drawn within the last second; who asks meanwhile waits for the same drawing."""

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks, self._drawing = ticks, asyncio.Semaphore(_AT_ONCE)
        self._drawn: OrderedDict[tuple[str, ...], tuple[float, asyncio.Task[Drawn | None]]]
        self._drawn = OrderedDict()

    async def get(
        self, key: tuple[str, ...], draw: Callable[[], Awaitable[Drawn | None]]
    ) -> Drawn | None:
        """The drawing of `key`, made by `draw` where there is none of late."""
        born, task = self._drawn.get(key, (0.0, None))
        if task is None or self._ticks() - born >= _FRESH or _failed(task):
            task = asyncio.create_task(self._in_turn(draw))
            task.add_done_callback(_failed)  # also where nobody waits any more
            self._drawn[key] = (self._ticks(), task)
            self._drawn.move_to_end(key)
            while len(self._drawn) > _KEPT:
                self._drawn.popitem(last=False)
        # Shielded: a browser that goes away does not take the drawing from the others.
        return await asyncio.shield(task)

    async def _in_turn(self, draw: Callable[[], Awaitable[Drawn | None]]) -> Drawn | None:
        async with self._drawing:
            return await draw()

    def forget(self) -> None:
        """Something was done: who looks next sees it."""
        self._drawn.clear()


def _failed(task: asyncio.Task[Drawn | None]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


class Renderer:
    """The operator's pages."""

    def __init__(self, doors: WebDoors, marks: Marks) -> None:
        self._doors, self._marks, self._recent = doors, marks, Recent()

    def forms(self, user: str) -> Forms:
        """How this user acts."""
        web = self._doors.settings_of().web
        if has_users(web):
            return Forms(Means.USER if user else Means.COMMAND, user, self._marks)
        return Forms(Means.PROOF if web.token else Means.COMMAND, "", self._marks)

    def forget(self) -> None:
        """Something was done: who looks next sees it."""
        self._recent.forget()

    async def whole(self, user: str, wanted: str) -> Drawn:
        """The page of everything; `wanted`: a part of the names of the accounts to be shown."""
        drawn = await self._recent.get(("/", user, wanted), lambda: self._whole(user, wanted))
        assert drawn is not None, "there always is a page"  # noqa: S101 - tells mypy
        return drawn

    async def _whole(self, user: str, wanted: str) -> Drawn:
        snapshot = self._doors.snapshot_of()
        # Values that do not change, drawn beside the loop: probes do not wait for a browser.
        said = await asyncio.to_thread(document, snapshot)
        targets = await asyncio.to_thread(shown_balances, snapshot, said, wanted)
        patterns = await self._doors.patterns(targets)
        forms = self.forms(user)

        def draw() -> bytes:
            page = operators_page(snapshot, said, patterns, wanted=wanted)
            return html("page.html", page, forms=forms, untried=Tried(), live=True)

        return _drawn(await asyncio.to_thread(draw), snapshot.at, acts=True)

    async def services(self) -> Drawn:
        """What customers see."""
        drawn = await self._recent.get(("services",), self._services)
        assert drawn is not None, "there always is a page"  # noqa: S101 - tells mypy
        return drawn

    async def _services(self) -> Drawn:
        snapshot = self._doors.snapshot_of()
        page = services_page(snapshot.services, snapshot.at)
        body = await asyncio.to_thread(html, "services.html", page, live=True)
        return _drawn(body, snapshot.at, acts=False)

    async def incident(self, user: str, name: str, tried: Tried | None = None) -> Drawn | None:
        """One incident; None where there is none of that name."""
        if tried is not None:
            return await self._incident(user, name, tried)
        key = ("incident", user, name)
        return await self._recent.get(key, lambda: self._incident(user, name, Tried()))

    async def _incident(self, user: str, name: str, tried: Tried) -> Drawn | None:
        snapshot = self._doors.snapshot_of()
        if all(i.id != name for i in snapshot.incidents):
            return None
        forms = self.forms(user)

        def draw() -> bytes:
            page = incident_page(snapshot, document(snapshot), name, self._doors.runbook)
            return html(
                "incident.html", page, root="../", forms=forms, tried=tried, live=not tried.problem
            )

        return _drawn(
            await asyncio.to_thread(draw), snapshot.at, acts=forms.means is not Means.COMMAND
        )


def _drawn(body: bytes, at: datetime, *, acts: bool) -> Drawn:
    digest = hashlib.sha256(_MOVES.sub(b"", body)).hexdigest()
    return Drawn(body, f'"{digest[:24]}"', at, acts)
