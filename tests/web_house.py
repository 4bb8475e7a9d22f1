"""A monitor whose page acts: incidents that can be acknowledged and silences, without a daemon."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import httpx
import snapshots as scene

from monitor.core.document import document
from monitor.core.durations import parse_duration
from monitor.core.model import Ack, Silence
from monitor.core.secret import Secret
from monitor.core.settings import WebSettings
from monitor.core.snapshot import Snapshot
from monitor.runbooks import load_runbooks
from monitor.web import WebDoors, build_app
from monitor.web.server import Listener, serve

PORT = 9877
TOKEN = "planted-token-0001"
PASSWORD = "planted-password-0001"
USERS = WebSettings(users={"ada": Secret(PASSWORD)})
HERE = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class Acting:
    """A snapshot that changes with what is done to it, as the daemon's does."""

    snap: Snapshot = field(default_factory=scene.story)
    web: WebSettings = USERS
    done: list[Mapping[str, str]] = field(default_factory=list)

    @property
    def incident(self) -> str:
        """The ID of an incident that nobody has acknowledged."""
        return next(i.id for i in self.snap.incidents if i.open and i.ack is None)

    def now(self) -> Snapshot:
        """The house as it is, with the present rules of access."""
        return replace(self.snap, settings=replace(self.snap.settings, web=self.web))

    async def act(self, asked: Mapping[str, str]) -> Mapping[str, object]:
        """What the daemon's operator does, as far as the page sees of it."""
        self.done.append(asked)
        if asked["do"] == "ack":
            named = (asked.get("incident"), asked["targets"])
            mine = [i for i in self.snap.incidents if i.open and {i.id, i.target} & set(named)]
            ack = [Ack(asked["author"], asked["comment"], self.snap.at, i.severity) for i in mine]
            changed = {i.id: replace(i, ack=a) for i, a in zip(mine, ack, strict=True)}
            incidents = tuple(changed.get(i.id, i) for i in self.snap.incidents)
            self.snap = replace(self.snap, incidents=incidents)
            names = [f"{i.alert} on {i.target}" for i in mine]
            return {"acknowledged": names} if names else {"error": "no open incident matches"}
        if asked["do"] == "silence":
            ends = self.snap.at + timedelta(seconds=parse_duration(asked["for"]))
            made = Silence("s2", asked["targets"], asked.get("alert"), self.snap.at, ends,
                           asked["author"], asked["comment"])  # fmt: skip
            self.snap = replace(self.snap, silences=(*self.snap.silences, made))
            return {"id": "s2", "ends_at": ends.isoformat()}
        rest = tuple(s for s in self.snap.silences if s.id != asked["id"])
        found = len(rest) < len(self.snap.silences)
        self.snap = replace(self.snap, silences=rest)
        return {"id": asked["id"]} if found else {"error": f"no silence {asked['id']} is in force"}

    def doors(self, **more: object) -> WebDoors:
        """The page's doors into this house."""
        return scene.doors(
            self.now(),
            snapshot_of=self.now,
            document=lambda: document(self.now()),
            settings_of=lambda: self.now().settings,
            runbook=lambda name: load_runbooks().get(name),
            act=self.act,
            **more,
        )


def client(house: Acting, user: str = "ada") -> httpx.AsyncClient:
    """A browser's requests, by the name and password of a user."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=build_app(house.doors()), raise_app_exceptions=False),
        base_url=f"http://127.0.0.1:{PORT}",
        auth=(user, PASSWORD) if user else None,
    )


def mark_of(page: str, form: str) -> str:
    """The mark in the form of that action's path."""
    found = re.search(rf'action="[./]*{form}".*?name="mark" value="([0-9a-f]+)"', page, re.DOTALL)
    assert found, f"no form {form}"
    return found[1]


async def serving(house: Acting, listener: Listener, stop: asyncio.Event) -> None:
    """Answer until told to stop."""
    await serve(build_app(house.doors()), listener, stop)
