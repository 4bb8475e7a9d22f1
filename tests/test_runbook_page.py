"""The runbooks on the page, and the page over TLS."""

from __future__ import annotations

import http.client
import ssl
from pathlib import Path

import certs
import httpx
from living import config, daemon, world_in_thread
from snapshots import doors

from monitor.runbooks import load_runbooks
from monitor.web import build_app


def client() -> httpx.AsyncClient:
    app = build_app(doors(runbook=lambda name: load_runbooks().get(name)))
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:9877", trust_env=False
    )


async def test_every_runbook_can_be_read_on_the_page() -> None:
    async with client() as page:
        for name, book in load_runbooks().items():
            answer = await page.get(f"/runbooks/{name}")
            assert answer.status_code == 200
            assert f"<code>{name}</code>" in answer.text
            assert answer.text.count("<li>") >= len(book.steps_for_all)


async def test_a_runbook_that_does_not_exist_is_404() -> None:
    async with client() as page:
        assert (await page.get("/runbooks/..%2Fetc%2Fpasswd")).status_code == 404
        assert (await page.get("/runbooks/nothing")).status_code == 404


def test_the_page_is_served_over_tls_where_web_config_file_says_so(tmp_path: Path) -> None:
    made = certs.make(tmp_path)
    (tmp_path / "web.yml").write_text(
        f"tls_server_config:\n  cert_file: {made.chain}\n  key_file: {made.key}\n"
    )
    web = 'web: {listen: "127.0.0.1:0", config_file: web.yml}\n'
    with world_in_thread() as world, daemon(config(world, tmp_path, web=web)) as living:
        trusted = ssl.create_default_context(cafile=str(made.ca))
        line = http.client.HTTPSConnection("127.0.0.1", living.port, context=trusted, timeout=10)
        line.request("GET", "/-/healthy")
        assert line.getresponse().status == 200
        line.close()
        assert living.stop() == 0
