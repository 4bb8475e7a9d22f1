"""Who may ask for what: the table of paths, methods and configs, each cell by a real request."""

from __future__ import annotations

import base64
from dataclasses import replace

import httpx
import pytest
import snapshots as scene
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from monitor.core.secret import Secret
from monitor.core.settings import WebSettings
from monitor.web import build_app
from monitor.web.access import Asked, refusal

PORT = 9877
TOKEN = "planted-token-0001"
PASSWORD = "planted-password-0001"
EXTERNAL = "https://monitor.example.com"

BARE = WebSettings()
WITH_TOKEN = WebSettings(token=Secret(TOKEN))
USERS = WebSettings(users={"ada": Secret(PASSWORD), "bob": Secret("other-0002")})
BOTH = replace(USERS, token=Secret(TOKEN))
OUTSIDE = WebSettings(external_url=EXTERNAL)
OUTSIDE_USERS = replace(USERS, external_url=EXTERNAL)
OUTSIDE_OPEN = replace(OUTSIDE, allow_unauthenticated=True)
NAMED = {
    "bare": BARE,
    "token": WITH_TOKEN,
    "users": USERS,
    "users+token": BOTH,
    "external": OUTSIDE,
    "external+users": OUTSIDE_USERS,
    "external+allow": OUTSIDE_OPEN,
}

READS = {
    "/": "page",
    "/metrics": "page",
    "/api/v1/history/kie/balance": "page",
    "/api/v1/status": "status",
    "/services": "open",
    "/-/healthy": "open",
    "/-/ready": "open",
    "/static/page.css": "open",
    "/incidents/closed": "page",
    "/badge/target/kie/balance.svg": "page",
    "/badge/service/chat.svg": "open",
    "/nowhere": "nowhere",
    "//services": "nowhere",
    "/static/../page.css": "no file",
}
# What a GET or HEAD without credentials is answered, by the kind of path.
ANSWERS = {
    "bare": {"page": 200, "status": 200, "open": 200, "nowhere": 404},
    "token": {"page": 200, "status": 200, "open": 200, "nowhere": 404},
    "users": {"page": 401, "status": 401, "open": 200, "nowhere": 401},
    "users+token": {"page": 401, "status": 401, "open": 200, "nowhere": 401},
    "external": {"page": 403, "status": 200, "open": 200, "nowhere": 403},
    "external+users": {"page": 401, "status": 401, "open": 200, "nowhere": 401},
    "external+allow": {"page": 200, "status": 200, "open": 200, "nowhere": 404},
}
ACTS = ("/api/v1/probe/kie/balance", "/-/reload")


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


async def ask(
    web: WebSettings,
    method: str,
    path: str,
    *,
    host: str = f"127.0.0.1:{PORT}",
    authorization: str = "",
    listener: str = "web",
) -> httpx.Response:
    """One request as it would arrive on the listener of that name."""
    snap = scene.story()
    app = build_app(scene.doors(replace(snap, settings=replace(snap.settings, web=web))))

    async def named(scope: Scope, receive: Receive, send: Send) -> None:
        # The path as the wire brought it: the client would tidy it up.
        found = {**scope, "monitor.listener": listener, "path": path}
        await app(found, receive, send)

    headers = {"Host": host} | ({"Authorization": authorization} if authorization else {})
    transport = httpx.ASGITransport(app=named)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{PORT}") as user:
        return await user.request(method, path, headers=headers)


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("config", NAMED)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_without_credentials_a_path_answers_as_the_table_says(
    method: str, config: str, path: str
) -> None:
    answer = await ask(NAMED[config], method, path)
    assert answer.status_code == (ANSWERS[config] | {"no file": 404})[READS[path]]


@pytest.mark.parametrize("path", [*READS, *ACTS])
@pytest.mark.parametrize("config", NAMED)
async def test_no_config_lets_a_post_through_without_the_token(config: str, path: str) -> None:
    for authorization in ("", "Bearer wrong-0001", "Bearer ", basic("ada", PASSWORD)):
        answer = await ask(NAMED[config], "POST", path, authorization=authorization)
        assert answer.status_code == 403


@pytest.mark.parametrize("config", ["token", "users+token"])
@pytest.mark.parametrize(
    ("path", "status"),
    [*zip(ACTS, (202, 200), strict=True), ("/", 405), ("/services", 405), ("/nowhere", 404),
     ("/api/v1/probe/kie/nothing", 404)],
)  # fmt: skip
async def test_with_the_token_a_post_is_answered_by_its_path(
    config: str, path: str, status: int
) -> None:
    for scheme in ("Bearer", "bearer"):
        answer = await ask(NAMED[config], "POST", path, authorization=f"{scheme} {TOKEN}")
        assert answer.status_code == status


@pytest.mark.parametrize("config", ["users", "users+token", "external+users"])
@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (basic("ada", PASSWORD), 200),
        (basic("ada", PASSWORD).replace("Basic", "BASIC"), 200),
        (basic("bob", "other-0002"), 200),
        (basic("ada", "other-0002"), 401),
        (basic("bob", PASSWORD), 401),
        (basic("ada", ""), 401),
        (basic("", PASSWORD), 401),
        (basic("Ada", PASSWORD), 401),
        ("Basic", 401),
        ("Basic !!!", 401),
        ("Basic " + base64.b64encode(b"ada").decode(), 401),
        ("Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(), 401),
        (f"Bearer {TOKEN}", 401),
        (PASSWORD, 401),
    ],
)
async def test_users_get_in_with_their_own_password(
    config: str, authorization: str, status: int
) -> None:
    for path in ("/", "/metrics", "/api/v1/status"):
        answer = await ask(NAMED[config], "GET", path, authorization=authorization)
        assert answer.status_code == status


async def test_a_user_without_a_password_gets_in_with_none() -> None:
    web = WebSettings(users={"ada": Secret("")})
    assert (await ask(web, "GET", "/", authorization=basic("ada", ""))).status_code == 401


async def test_who_is_not_let_in_is_told_how_to_say_who_they_are() -> None:
    answer = await ask(USERS, "GET", "/")
    assert answer.headers["www-authenticate"] == 'Basic realm="monitor", charset="UTF-8"'


async def test_a_password_with_a_colon_and_one_that_is_not_ascii_are_passwords() -> None:
    web = WebSettings(users={"zoë": Secret("a:b:ü")})
    assert (await ask(web, "GET", "/", authorization=basic("zoë", "a:b:ü"))).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/services", "/-/reload", "/api/v1/status"])
async def test_other_methods_are_for_nothing(method: str, path: str) -> None:
    answer = await ask(BARE, method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] in ("POST", "GET, HEAD", "HEAD, GET")


@pytest.mark.parametrize("path", ACTS)
async def test_what_acts_does_not_act_by_get(path: str) -> None:
    for method in ("GET", "HEAD"):
        answer = await ask(WITH_TOKEN, method, path, authorization=f"Bearer {TOKEN}")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


HOSTS = [
    (BARE, f"127.0.0.1:{PORT}", 200),
    (BARE, f"localhost:{PORT}", 200),
    (BARE, f"LOCALHOST:{PORT}", 200),
    (BARE, f"[::1]:{PORT}", 200),
    (BARE, "localhost", 200),
    (BARE, "127.0.0.1:80", 421),
    (BARE, "localhost:1", 421),
    (BARE, "evil.example", 421),
    (BARE, f"evil.example:{PORT}", 421),
    (BARE, f"localhost.evil.example:{PORT}", 421),
    (BARE, f"evil.example@localhost:{PORT}", 421),
    (BARE, f"127.0.0.1.evil.example:{PORT}", 421),
    (BARE, f"127.0.0.2:{PORT}", 421),
    (BARE, f"10.0.0.5:{PORT}", 421),
    (BARE, "", 421),
    (BARE, f"localhost:{PORT}:1", 421),
    (BARE, "[::1", 421),
    (BARE, "localhost:99999", 421),
    (BARE, f"localhost/x:{PORT}", 421),
    (BARE, "monitor.example.com", 421),
    (WebSettings(listen=("monitor.lan", PORT)), f"monitor.lan:{PORT}", 200),
    (WebSettings(listen=("monitor.lan", PORT)), f"other.lan:{PORT}", 421),
    (OUTSIDE_OPEN, "monitor.example.com", 200),
    (OUTSIDE_OPEN, "Monitor.Example.com:443", 200),
    (OUTSIDE_OPEN, "monitor.example.com:80", 421),
    (OUTSIDE_OPEN, "monitor.example.com.evil.example", 421),
    (OUTSIDE_OPEN, f"localhost:{PORT}", 200),
    (replace(OUTSIDE_OPEN, external_url="http://m.example:8080/sub"), "m.example:8080", 200),
    (replace(OUTSIDE_OPEN, external_url="http://m.example:8080/sub"), "m.example:81", 421),
]


@pytest.mark.parametrize(("web", "host", "status"), HOSTS)
async def test_only_our_own_names_are_answered(web: WebSettings, host: str, status: int) -> None:
    for path in ("/", "/-/healthy", "/services", "/api/v1/status", "/nowhere"):
        answer = await ask(web, "GET", path, host=host)
        expected = 404 if (path, status) == ("/nowhere", 200) else status
        assert answer.status_code == expected, path


async def test_a_foreign_name_is_refused_before_anything_else_is_looked_at() -> None:
    for method in ("GET", "POST", "PUT"):
        answer = await ask(BOTH, method, "/", host="evil.example", authorization=f"Bearer {TOKEN}")
        assert answer.status_code == 421


def asked(**more: object) -> Asked:
    base = Asked("GET", "/", (f"localhost:{PORT}",), "", ("127.0.0.1", PORT))
    return replace(base, **more)  # type: ignore[arg-type]  # a typo is a TypeError


def test_two_host_headers_are_one_too_many() -> None:
    both = (f"localhost:{PORT}", f"localhost:{PORT}")
    found = refusal(asked(hosts=both), BARE)
    assert found is not None
    assert found.status == 421


def test_on_a_wide_address_the_number_of_the_connection_is_our_name_and_no_other_number() -> None:
    wide = WebSettings(listen=("0.0.0.0", PORT), allow_unauthenticated=True)
    came_in_by = asked(local=("192.0.2.7", PORT), hosts=(f"192.0.2.7:{PORT}",))
    assert refusal(came_in_by, wide) is None
    found = refusal(replace(came_in_by, hosts=(f"192.0.2.8:{PORT}",)), wide)
    assert found is not None
    assert found.status == 421


def test_a_status_asked_through_a_proxy_on_the_same_machine_is_not_a_local_question() -> None:
    outside = asked(path="/api/v1/status", hosts=("monitor.example.com",))
    found = refusal(outside, OUTSIDE)
    assert found is not None
    assert found.status == 403
    assert refusal(replace(outside, hosts=(f"localhost:{PORT}",)), OUTSIDE) is None


@pytest.mark.parametrize("config", NAMED)
@pytest.mark.parametrize("path", [*READS, *ACTS])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_the_customers_listener_shows_their_page_and_nothing_else(
    method: str, path: str, config: str
) -> None:
    answer = await ask(NAMED[config], method, path, host="status.example", listener="services",
                       authorization=f"Bearer {TOKEN}")  # fmt: skip
    shown = READS.get(path) == "open" and method != "POST"
    assert answer.status_code == (200 if shown else 404)


@pytest.mark.parametrize(
    ("path", "host", "config"),
    [
        ("/", "evil.example", BARE),
        ("/", "", USERS),
        ("/api/v1/status", "", USERS),
        ("/", "", OUTSIDE),
        ("/nowhere", "", BARE),
        ("/api/v1/nowhere", "", BARE),
    ],
)
async def test_a_refusal_is_json_for_programs_and_plain_words_for_people_with_all_headers(
    path: str, host: str, config: WebSettings
) -> None:
    answer = await ask(config, "GET", path, host=host or f"localhost:{PORT}")
    assert answer.status_code >= 400
    assert answer.headers["x-content-type-options"] == "nosniff"
    if path.startswith("/api/"):
        assert list(answer.json()) == ["error"]
    else:
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_no_refusal_says_a_secret() -> None:
    for config in NAMED.values():
        for method, path in (("GET", "/"), ("POST", "/-/reload")):
            answer = await ask(config, method, path, authorization="Bearer x")
            assert TOKEN not in answer.text
            assert PASSWORD not in answer.text


@given(st.text(st.characters(codec="latin-1"), max_size=40), st.sampled_from(list(NAMED)))
def test_no_host_and_no_authorization_breaks_the_guard(text: str, config: str) -> None:
    for method in ("GET", "POST"):
        found = refusal(asked(method=method, hosts=(text,), authorization=text), NAMED[config])
        assert found is None or found.status in (401, 403, 421)
        guess = refusal(asked(method=method, authorization=text), NAMED[config])
        assert (method, config) != ("POST", "bare") or (guess is not None and guess.status == 403)
