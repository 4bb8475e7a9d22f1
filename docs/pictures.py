"""Takes the pictures of the documentation from the demo: `make pictures` (needs chromium)."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from email.message import EmailMessage
from pathlib import Path

from monitor import logs
from monitor.demo.story import Story

IMAGES = Path(__file__).parent / "images"


async def shoot(address: str, name: str, size: str) -> None:
    """One page of `address` as a PNG."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is missing: apt-get install chromium")
    with tempfile.TemporaryDirectory() as profile:
        process = await asyncio.create_subprocess_exec(
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--hide-scrollbars", f"--user-data-dir={profile}", f"--window-size={size}",
            f"--screenshot={IMAGES / name}", address,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await process.wait()
    print(IMAGES / name)


class Pictures:
    """Waits for the critical mail, then takes page and mail while the story goes on."""

    def __init__(self) -> None:
        self.page = ""
        self.due = asyncio.Event()

    def say(self, kind: str, text: str) -> None:
        """The story's narration: it tells the page's address and when it is critical."""
        if kind == "page":
            self.page = text
        if kind == "critical":
            self.due.set()

    async def take(self) -> None:
        """Run the story and take the pictures."""
        logs.configure("text", "error")
        story = Story(self.say, port=0)
        telling = asyncio.create_task(story.run(until_done=True))
        await self.due.wait()
        await shoot(self.page, "page.png", "1280,2270")
        await telling
        mail = next(m for m in story.mails if m["X-Monitor-Severity"] == "critical")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "mail.html"
            file.write_text(html(mail), encoding="utf-8")
            await shoot(f"file://{file}", "mail.png", "640,1240")


def html(mail: EmailMessage) -> str:
    """The mail's page."""
    part = mail.get_body(("html",))
    return "" if part is None else part.get_content()


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    asyncio.run(Pictures().take())
