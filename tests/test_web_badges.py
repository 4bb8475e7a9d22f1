"""Badges: a status as a picture that others show; what customers see says nothing of ours."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import httpx
import pytest
import snapshots as scene
from hypothesis import given
from hypothesis import strategies as st
from web_house import PORT

from monitor.core.model import ServiceState, ServiceStatus
from monitor.core.snapshot import Snapshot
from monitor.web import build_app
from monitor.web.badges import badge

SVG = "{http://www.w3.org/2000/svg}"


async def ask(path: str, snapshot: Snapshot | None = None, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=build_app(scene.doors(snapshot or scene.story())))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{PORT}") as user:
        return await user.get(path, headers=headers)


@pytest.mark.parametrize(
    ("path", "words"),
    [("/badge/service/image-generation.svg", "image-generation: degraded"),
     ("/badge/service/music.svg", "music: unknown"),
     ("/badge/target/kie/balance.svg", "kie/balance: warning"),
     (f"/badge/target/huggingface/model/{scene.FLUX}.svg",
      f"huggingface/model/{scene.FLUX}: ok")],
)  # fmt: skip
async def test_a_badge_says_name_and_status_to_eyes_and_ears(path: str, words: str) -> None:
    answer = await ask(path)
    assert answer.headers["content-type"] == "image/svg+xml; charset=utf-8"
    image = ElementTree.fromstring(answer.content)  # noqa: S314 - ours
    assert image.get("role") == "img"
    assert image.get("aria-label") == words
    assert image.findtext(f"{SVG}title") == words
    assert ": ".join(t.text or "" for t in image.iter(f"{SVG}text")) == words[:63]


async def test_a_badge_may_be_shown_elsewhere_for_half_a_minute_and_is_asked_for_again() -> None:
    answer = await ask("/badge/service/chat.svg")
    assert answer.headers["cache-control"] == "public, max-age=30, must-revalidate"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    same = await ask("/badge/service/chat.svg", **{"If-None-Match": answer.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    story = scene.story()
    up = replace(story, services=(ServiceState("chat", ServiceStatus.UP),))
    other = await ask("/badge/service/chat.svg", up, **{"If-None-Match": answer.headers["etag"]})
    assert other.status_code == 200


@pytest.mark.parametrize(
    "path", ["/badge/service/nothing.svg", "/badge/target/kie/nothing.svg", "/badge/service/chat"]
)
async def test_a_badge_of_nothing_is_404(path: str) -> None:
    assert (await ask(path)).status_code == 404


@given(st.text(max_size=300), st.sampled_from([s.value for s in ServiceStatus]))
def test_whatever_the_name_a_badge_is_a_drawing_and_nothing_else(name: str, status: str) -> None:
    image = ElementTree.fromstring(badge(name, status))  # noqa: S314 - ours
    assert {e.tag.removeprefix(SVG) for e in image.iter()} == {"svg", "title", "path", "g", "text"}
    assert not [k for e in image.iter() for k in e.attrib if k.startswith("on") or "href" in k]


@pytest.mark.parametrize("path", ["/services", "/badge/service/image-generation.svg"])
async def test_what_everybody_may_see_has_no_money_no_vendor_and_no_header_that_tells(
    path: str,
) -> None:
    answer = await ask(path)
    told = (answer.text + str(answer.headers.raw)).lower().replace("your credits are safe", "")
    for secret in ("kie", "hugging", "router", "5916", "credit", "sora", "stable-diff", "flux",
                   "incident", "usd", "runway-", "ada"):  # fmt: skip
        assert secret not in told, secret
