"""Many tabs and many targets: what is drawn once is shown to all, beside the loop."""

from __future__ import annotations

import asyncio

import httpx
import pytest
import snapshots as scene
from web_house import PASSWORD, PORT, Acting

from monitor.web import build_app
from monitor.web.rendering import Drawn, Recent


async def test_a_hundred_tabs_cost_one_drawing_a_second() -> None:
    time, drawn = [100.0], 0
    recent = Recent(lambda: time[0])

    async def draw() -> Drawn:
        nonlocal drawn
        drawn += 1
        await asyncio.sleep(0)
        return Drawn(b"x", '"x"', scene.NOW, acts=False)

    async def many() -> None:
        await asyncio.gather(*(recent.get(("/", "ada"), draw) for _ in range(100)))

    await many()
    time[0] += 0.9
    await many()
    assert drawn == 1
    time[0] += 0.2
    await many()
    assert drawn == 2
    recent.forget()
    await many()
    assert drawn == 3
    await recent.get(("/", "bob"), draw)
    assert drawn == 4


async def test_a_drawing_that_failed_is_not_shown_to_the_next() -> None:
    recent = Recent(lambda: 100.0)

    async def fail() -> Drawn:
        raise RuntimeError("planted")

    async def draw() -> Drawn:
        return Drawn(b"x", '"x"', scene.NOW, acts=False)

    with pytest.raises(RuntimeError):
        await recent.get(("/",), fail)
    assert await recent.get(("/",), draw)


async def test_a_browser_that_goes_away_does_not_take_the_drawing_from_the_others() -> None:
    recent, go = Recent(lambda: 100.0), asyncio.Event()

    async def draw() -> Drawn:
        await go.wait()
        return Drawn(b"x", '"x"', scene.NOW, acts=False)

    first, second = (asyncio.create_task(recent.get(("/",), draw)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    go.set()
    found = await second
    assert found is not None
    assert found.body == b"x"


async def test_what_is_kept_is_bounded() -> None:
    recent = Recent(lambda: 100.0)

    async def draw() -> Drawn:
        return Drawn(b"x", '"x"', scene.NOW, acts=False)

    for n in range(500):
        await recent.get(("/", str(n)), draw)
    assert len(recent._drawn) == 64


async def ask(house: Acting, path: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=build_app(house.doors()))
    async with httpx.AsyncClient(
        transport=transport, base_url=f"http://127.0.0.1:{PORT}", auth=("ada", PASSWORD)
    ) as user:
        first = await user.get(path)
        return await user.get(path, headers={"If-None-Match": first.headers["etag"], **headers})


@pytest.mark.parametrize("path", ["/", "/services", "/incidents/closed"])
async def test_what_has_not_changed_is_not_sent_again_and_its_time_is(path: str) -> None:
    answer = await ask(Acting(), path)
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["x-monitor-at"] == "2026-11-20T10:31:28Z"
    assert answer.headers["cache-control"] == "no-store"


async def test_of_a_thousand_accounts_any_can_be_found_by_a_part_of_its_name() -> None:
    house = Acting(scene.many(1000))
    text = (await ask(house, "/?q=0777", **{"If-None-Match": ""})).text
    assert "account-0777" in text
    assert "(1 of 1000)" in text
    assert text.count('class="card account') == 1
    assert 'class="chart wide"' in text
    none = (await ask(house, "/?q=nothing", **{"If-None-Match": ""})).text
    assert "No account fits this filter." in none
    hostile = (await ask(house, "/?q=%22%3E%3Cscript%3E", **{"If-None-Match": ""})).text
    assert "<script>" not in hostile


async def test_of_many_accounts_those_in_trouble_come_first_and_the_rest_is_folded() -> None:
    text = (await ask(Acting(scene.many(30)), "/", **{"If-None-Match": ""})).text
    first, second = text.index("account-0029"), text.index("account-0000")
    assert first < second
    assert text.count('<details id="fold-account-') == 30
    assert text.count(" open>\n<summary><h3>") == 1
