"""Pictures of the page while the demo is told: wide, dark, on a phone, an incident."""

from __future__ import annotations

import asyncio
import io
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

IMAGES = Path(__file__).parent / "images"
USER, PASSWORD = "ada", "demo"
WEB = f", users: {{{USER}: {PASSWORD}}}"  # so that the page has its forms
_COLOURS = 160  # of a picture: flat areas and a few drawn lines


@asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    """A browser that is ready before the moment to be pictured has come."""
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        await browser.close()


async def shoot_pages(browser: Browser, address: str) -> None:
    """All of them; they are loaded at once, because the story goes on."""
    wide = await _opened(browser, address, 1180)
    link = await wide.locator(".episode h3 a").first.get_attribute("href")
    incident, dark, phone = await asyncio.gather(
        _opened(browser, f"{address}{link}", 900),
        _opened(browser, address, 1180, dark=True),
        _opened(browser, address, 360, dark=True),
    )
    for page, name in (
        (wide, "page.png"),
        (dark, "page-dark.png"),
        (phone, "page-phone.png"),
        (incident, "incident.png"),
    ):
        _keep(await page.screenshot(full_page=True), IMAGES / name)


async def _opened(browser: Browser, address: str, width: int, *, dark: bool = False) -> Page:
    """Without the script: the picture is of this moment."""
    context = await browser.new_context(
        viewport={"width": width, "height": 700},
        color_scheme="dark" if dark else "light",
        http_credentials={"username": USER, "password": PASSWORD},
        java_script_enabled=False,
    )
    page = await context.new_page()
    await page.goto(address)
    return page


def _keep(picture: bytes, path: Path) -> None:
    """As a small file."""
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path)
