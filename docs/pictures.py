"""Takes the pictures of the documentation from the demo: `make pictures`.

Needs chromium, and playwright and matplotlib from the pinned tools.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from base64 import b64encode
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

from page_pictures import WEB, browsing, shoot_pages

from monitor import logs
from monitor.demo.story import Story

IMAGES = Path(__file__).parent / "images"
FIRST_SCREEN = 740  # pixels that a phone shows before anybody scrolls


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture of one mail; `height` None: all of it."""

    mail: EmailMessage
    name: str
    width: int = 360
    scheme: Literal["light", "dark"] = "light"
    height: int | None = None


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
        story = Story(self.say, port=0, web=WEB)
        async with browsing() as browser:
            telling = asyncio.create_task(story.run(until_done=True))
            await self.due.wait()
            await shoot_pages(browser, self.page)
        await telling
        mails = [m for m in story.mails if m["X-Monitor-Severity"] == "critical"]
        await shoot_mails(
            Shot(mails[0], "mail.png", 640),
            Shot(mails[0], "mail-phone.png"),
            Shot(mails[0], "mail-first.png", height=FIRST_SCREEN),
            Shot(mails[0], "mail-dark.png", scheme="dark"),
            Shot(mails[-1], "mail-resolved.png"),
        )


def html(mail: EmailMessage) -> str:
    """The mail's page with its picture in place, as a mail program shows it."""
    part = mail.get_body(("html",))
    page = "" if part is None else part.get_content()
    for picture in (p for p in mail.walk() if p.get_content_type() == "image/png"):
        data = b64encode(picture.get_content()).decode()
        page = page.replace(
            f"cid:{picture['Content-ID'].strip('<>')}", f"data:image/png;base64,{data}"
        )
    return page


async def shoot_mails(*wanted: Shot) -> None:
    """Each mail as a PNG."""
    from playwright.async_api import async_playwright

    async with async_playwright() as driver:
        browser = await driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for shot in wanted:
            page = await browser.new_page(
                viewport={"width": shot.width, "height": shot.height or 600},
                color_scheme=shot.scheme,
            )
            await page.set_content(html(shot.mail))
            await page.screenshot(path=IMAGES / shot.name, full_page=shot.height is None)
            print(IMAGES / shot.name)
        await browser.close()


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    asyncio.run(Pictures().take())
