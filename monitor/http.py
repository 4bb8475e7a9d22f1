"""The one door to HTTP, for providers, notifiers and the heartbeat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.core.causes import Cause
from monitor.core.secret import Secret

CAP = 64 * 1024  # bytes of an answer, raw and inflated: no documented one comes near


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Credentials stand in `secret_headers`, so that they are never printed."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_headers: Mapping[str, Secret] = field(default_factory=dict)
    body: bytes = b""
    cap: int = CAP
    ca_file: str | None = None  # trust this CA as well
    follow_same_origin: bool = False  # take one same-origin Location (a renamed model)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` is never logged and never leaves the provider that reads it."""

    status: int
    headers: Mapping[str, str]  # names in lower case; repeated ones joined by ", "
    body: bytes = field(repr=False)
    url: str = ""  # where it came from in the end
    timings: Mapping[str, float] = field(default_factory=dict)  # seconds by phase


class HttpFailure(Exception):
    """No answer that could be read: its cause, and one safe sentence."""

    def __init__(self, cause: Cause, text: str) -> None:
        super().__init__(text)
        self.cause = cause
