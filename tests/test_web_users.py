"""Users with hashed passwords and TLS, by the web configuration file of Prometheus exporters."""

from __future__ import annotations

import asyncio
import http.client
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import bcrypt
import certs
import httpx
import pytest
import snapshots as scene
from living import config, daemon, world_in_thread
from web_house import PORT, Acting

from monitor.core.secret import Secret
from monitor.core.settings import WebSettings, WebTls
from monitor.web import build_app
from monitor.web.passwords import Passwords, TooManyTries
from monitor.web.server import bind, serve
from monitor.web.tls import tls_context

PASSWORD = "planted-password-0001"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
HASHED = WebSettings(hashed_users={"ada": Secret(HASH)})


def basic(user: str, password: str) -> str:
    header = httpx.BasicAuth(user, password)
    return next(header.auth_flow(httpx.Request("GET", "http://x"))).headers["Authorization"]


@pytest.mark.parametrize(
    ("user", "password", "status"),
    [("ada", PASSWORD, 200), ("ada", "wrong", 401), ("bob", PASSWORD, 401), ("", "", 401),
     ("ada", PASSWORD + "x" * 80, 401), ("ada", PASSWORD + "\0", 401)],
)  # fmt: skip
async def test_a_hashed_user_sees_the_page_and_the_metrics_and_nobody_else_does(
    user: str, password: str, status: int
) -> None:
    app = build_app(Acting(web=HASHED).doors())
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url=f"http://127.0.0.1:{PORT}"
    ) as asker:
        for path in ("/", "/metrics", "/api/v1/status"):
            answer = await asker.get(path, headers={"Authorization": basic(user, password)})
            assert answer.status_code == status
        assert (await asker.get("/-/healthy")).status_code == 200
        assert (await asker.get("/services")).status_code == 200


async def test_a_verdict_is_remembered_until_the_hash_is_another() -> None:
    users, right = Passwords(), basic("ada", PASSWORD)
    assert await users.user(right, HASHED) == "ada"
    # What is remembered answers without a thread: within one turn of the loop.
    asked = users.user(right, HASHED)
    with pytest.raises(StopIteration) as answer:
        asked.send(None)
    assert answer.value.value == "ada"
    other = bcrypt.hashpw(b"another", bcrypt.gensalt(4)).decode()
    assert await users.user(right, WebSettings(hashed_users={"ada": Secret(other)})) == ""


async def test_who_guesses_waits_in_a_short_line_and_costs_one_processor() -> None:
    users = Passwords()
    tries = [users.user(basic("ada", f"guess {n}"), HASHED) for n in range(60)]
    found = await asyncio.gather(*tries, return_exceptions=True)
    assert set(map(str, found)) == {""}
    assert sum(isinstance(f, TooManyTries) for f in found) == 44
    assert await users.user(basic("ada", PASSWORD), HASHED) == "ada"


async def test_many_wrong_guesses_do_not_push_out_what_is_right() -> None:
    users, right = Passwords(), basic("ada", PASSWORD)
    await users.user(right, HASHED)
    for n in range(300):
        users._remember(str(n).encode(), verdict=False)
    assert len(users._verdicts) == 256
    with pytest.raises(StopIteration):
        users.user(right, HASHED).send(None)


async def test_a_full_line_is_told_to_come_back() -> None:
    app = build_app(Acting(web=HASHED).doors())
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url=f"http://127.0.0.1:{PORT}"
    ) as asker:
        answers = await asyncio.gather(
            *(asker.get("/", headers={"Authorization": basic("ada", str(n))}) for n in range(40))
        )
    assert {a.status_code for a in answers} == {401, 429}
    assert {a.headers.get("retry-after") for a in answers if a.status_code == 429} == {"2"}


# -- TLS ------------------------------------------------------------------------------------


@asynccontextmanager
async def served(settings: WebTls, name: str = "web") -> AsyncIterator[int]:
    """A listener over TLS."""
    listener, stop = bind(name, ("127.0.0.1", 0)), asyncio.Event()
    tls = tls_context(settings, name)
    running = asyncio.create_task(serve(build_app(scene.doors()), listener, stop, tls=tls))
    try:
        yield listener.port
    finally:
        stop.set()
        await running


def shown(port: int, ca: Path, own: certs.Certificate | None = None) -> str:
    """The serial of the certificate that is shown; raises where the handshake fails."""
    context = ssl.create_default_context(cafile=str(ca))
    if own is not None:
        context.load_cert_chain(own.chain, own.key)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as line,
        context.wrap_socket(line, server_hostname="localhost") as secured,
    ):
        secured.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if not secured.recv(100).startswith(b"HTTP/1.1 200"):
            raise ConnectionError("hung up on")
        found = secured.getpeercert()
    assert found is not None
    return str(found["serialNumber"])


async def test_a_renewed_certificate_is_taken_up_and_half_a_renewal_is_not(tmp_path: Path) -> None:
    made = {name: certs.make(folder(tmp_path, name)) for name in ("old", "new")}
    chain, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    shutil.copy(made["old"].chain, chain)
    shutil.copy(made["old"].key, key)
    async with served(WebTls(str(chain), str(key))) as port:
        first = await asyncio.to_thread(shown, port, made["old"].ca)
        replaced(made["new"].chain, chain)  # the key is still the old one's
        assert await asyncio.to_thread(shown, port, made["old"].ca) == first
        replaced(made["new"].key, key)
        second = await asyncio.to_thread(shown, port, made["new"].ca)
    assert second != first


def folder(base: Path, name: str) -> Path:
    found = base / name
    found.mkdir()
    return found


def replaced(source: Path, place: Path) -> None:
    """As certbot does it: another file under the same name."""
    beside = place.with_suffix(".next")
    shutil.copy(source, beside)
    os.replace(beside, place)


async def test_a_client_has_to_show_a_certificate_where_that_is_asked_for(tmp_path: Path) -> None:
    ours, theirs = (certs.make(folder(tmp_path, name)) for name in ("ours", "theirs"))
    settings = WebTls(str(ours.chain), str(ours.key), str(theirs.ca), client_required=True)
    async with served(settings) as port:
        await asyncio.to_thread(shown, port, ours.ca, theirs)
        for stranger in (None, ours):
            with pytest.raises(OSError):  # noqa: PT011 - an alert, or a connection that is reset
                await asyncio.to_thread(shown, port, ours.ca, stranger)
    async with served(settings, "services") as port:  # customers have none
        await asyncio.to_thread(shown, port, ours.ca)
    async with served(replace(settings, client_required=False)) as port:
        await asyncio.to_thread(shown, port, ours.ca)


async def test_a_version_of_tls_that_is_too_old_is_not_spoken(tmp_path: Path) -> None:
    made = certs.make(tmp_path)
    settings = WebTls(str(made.chain), str(made.key), min_version="TLS13")

    def old(port: int) -> None:
        context = ssl.create_default_context(cafile=str(made.ca))
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
            context.wrap_socket(line, server_hostname="localhost")

    async with served(settings) as port:
        await asyncio.to_thread(shown, port, made.ca)
        with pytest.raises(ssl.SSLError):
            await asyncio.to_thread(old, port)


# -- the file -------------------------------------------------------------------------------


def web_yml(tmp_path: Path) -> tuple[Path, certs.Certificate]:
    made = certs.make(tmp_path)
    path = tmp_path / "web.yml"
    path.write_text(
        f"tls_server_config:\n  cert_file: {made.chain}\n  key_file: {made.key}\n"
        f"  min_version: TLS12\nbasic_auth_users:\n  prometheus: {HASH}\n"
    )
    return path, made


@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="apt-get install prometheus brings promtool"
)
def test_prometheus_itself_finds_nothing_wrong_with_the_file(tmp_path: Path) -> None:
    path, _ = web_yml(tmp_path)
    done = subprocess.run(
        ["promtool", "check", "web-config", str(path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr + done.stdout


def test_prometheus_scrapes_by_the_same_file_over_tls_with_its_user(tmp_path: Path) -> None:
    _, made = web_yml(tmp_path)
    web = 'web: {listen: "127.0.0.1:0", config_file: web.yml}\n'
    with world_in_thread() as world, daemon(config(world, tmp_path, web=web)) as living:
        trusted = ssl.create_default_context(cafile=str(made.ca))
        for headers, status in (
            ({}, 401),
            ({"Authorization": basic("prometheus", PASSWORD)}, 200),
        ):
            line = http.client.HTTPSConnection(
                "127.0.0.1", living.port, context=trusted, timeout=10
            )
            line.request("GET", "/metrics", headers=headers)
            assert line.getresponse().status == status
            line.close()
        assert PASSWORD not in "\n".join(living.log)
        assert HASH not in "\n".join(living.log)


# -- who goes away --------------------------------------------------------------------------


async def test_a_scraper_that_goes_away_mid_body_leaves_no_error_and_no_connection(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    from prometheus_client import CONTENT_TYPE_LATEST

    body = b"# " + b"x" * 8_000_000 + b"\n"

    async def scrape(_: str) -> tuple[bytes, str]:
        return body, CONTENT_TYPE_LATEST

    doors = scene.doors(metrics=scrape)
    listener, stop = bind("web", ("127.0.0.1", 0)), asyncio.Event()
    running = asyncio.create_task(serve(build_app(doors), listener, stop))
    host = f"127.0.0.1:{listener.port}"
    for _ in range(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(f"GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert (await reader.read(100)).startswith(b"HTTP/1.1 200")
        writer.transport.abort()
    async with httpx.AsyncClient(trust_env=False) as user:
        answer = await user.get(f"http://{host}/metrics")
        assert answer.content == body
        assert (await user.get(f"http://{host}/-/healthy")).status_code == 200
    stop.set()
    await asyncio.wait_for(running, 3)
    out = capsys.readouterr()
    assert "Traceback" not in out.out + out.err + caplog.text
    assert not [r for r in caplog.records if r.levelname == "ERROR"]
