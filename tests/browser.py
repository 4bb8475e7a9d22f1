"""A real browser, and a site for it: one Chromium for all tests, a fresh profile for each."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from web_house import PASSWORD, Acting

from monitor.web import build_app
from monitor.web.server import bind, serve

CHROMIUM = shutil.which("chromium")
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
AXE = Path(os.environ.get("AXE_CORE") or _CACHE / "monitor/axe-core-4.11.0/axe.min.js")
_ARGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-first-run")  # fmt: skip
# Collected before any script of the page runs; a content security policy does not hold it up.
_WATCH = """
window.refused = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.refused.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """One browser process."""
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=list(_ARGS))
        yield browser
        browser.close()


@contextlib.contextmanager
def site(house: Acting) -> Iterator[str]:
    """The house's page, served in a thread; yields its address."""
    listener, stop, loop = bind("web", ("127.0.0.1", 0)), asyncio.Event(), asyncio.new_event_loop()
    app = build_app(house.doors())
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(app, listener, stop),))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.port}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


@dataclass
class Seen:
    """A page of the site in a browser, and what it did besides what was asked of it."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open a path of the site."""
        self.page.goto(self.address + path)

    def refresh(self) -> None:
        """What the script does every few seconds; also when a tab comes to the front."""
        self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    def keep_refreshing(self) -> None:
        """Ask again and again, as long as the page is open."""
        self.page.evaluate(
            "setInterval(() => document.dispatchEvent(new Event('visibilitychange')), 150)"
        )

    def refresh_until(self, condition: str) -> None:
        """Ask until the page shows it: what was drawn is shown again for a second."""
        self.page.wait_for_function(
            f"""() => {{ if ({condition}) return true;
            document.dispatchEvent(new Event('visibilitychange')); return false; }}""",
            polling=150, timeout=8000,
        )  # fmt: skip

    def clean(self) -> None:
        """Nothing was refused by the policy, nothing failed, nothing left the site."""
        assert self.page.evaluate("window.refused") == []
        assert self.complaints == []
        away = [url for url in self.requests if not url.startswith((self.address, "data:"))]
        assert away == []


@contextlib.contextmanager
def looking(
    browser: Browser, house: Acting, *, width: int = 1280, dark: bool = False,
    script: bool = True,
) -> Iterator[Seen]:  # fmt: skip
    """A user at the house's page."""
    with site(house) as address:
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            http_credentials={"username": "ada", "password": PASSWORD},
            java_script_enabled=script,
            reduced_motion="reduce",
        )
        context.add_init_script(_WATCH)
        page = context.new_page()
        page.set_default_timeout(8000)
        seen = Seen(page, address)
        page.on("console", lambda m: seen.complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on("dialog", lambda d: (seen.complaints.append(f"dialog {d.message}"), d.dismiss()))
        yield seen
        context.close()
