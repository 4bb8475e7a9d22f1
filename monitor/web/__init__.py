"""The page, health, metrics and JSON over HTTP."""

from __future__ import annotations

from monitor.web.app import build_app
from monitor.web.doors import WebDoors

__all__ = ["WebDoors", "build_app"]
