"""What the paths answer, and how the listeners begin and end: on real sockets where it counts."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
import snapshots as scene

from monitor.core.days import history
from monitor.core.document import document
from monitor.core.hours import Hour
from monitor.core.model import Sample
from monitor.core.replay import new_book, plain_account
from monitor.core.secret import Secret
from monitor.core.settings import WebSettings
from monitor.history import Archive
from monitor.recall import Recollection
from monitor.store import Batch
from monitor.store.sqlite import SqliteStore
from monitor.web import WebDoors, build_app
from monitor.web.server import bind, serve

TOKEN = "planted-token-0001"
CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def doors(**more: object) -> WebDoors:
    """The story's doors, with a token."""
    snap = scene.story()
    web = WebSettings(token=Secret(TOKEN))
    return scene.doors(replace(snap, settings=replace(snap.settings, web=web)), **more)


async def ask(shown: WebDoors, method: str, path: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=build_app(shown), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9877") as user:
        return await user.request(method, path, headers=headers)


async def act(shown: WebDoors, path: str) -> httpx.Response:
    return await ask(shown, "POST", path, Authorization=f"Bearer {TOKEN}")


# -- answers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/", "/services", "/metrics", "/-/healthy", "/-/ready", "/api/v1/status",
     "/api/v1/history/kie/balance", "/static/page.css", "/nowhere", "/api/v1/nowhere"],
)  # fmt: skip
async def test_every_answer_carries_the_headers_that_keep_a_browser_safe(path: str) -> None:
    answer = await ask(doors(), "GET", path)
    forms = path == "/"  # they go to us, and the browser says to us that they come from us
    assert answer.headers["content-security-policy"] == (
        CSP.replace("form-action 'none'", "form-action 'self'") if forms else CSP
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == ("same-origin" if forms else "no-referrer")
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers


async def test_the_status_is_the_status_document() -> None:
    answer = await ask(doors(), "GET", "/api/v1/status")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == document(scene.story())


async def test_metrics_negotiate_their_format() -> None:
    plain = await ask(doors(), "GET", "/metrics")
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'monitor_balance{account="kie"' in plain.text
    accept = "application/openmetrics-text;version=1.0.0,*/*;q=0.1"
    answer = await ask(doors(), "GET", "/metrics", Accept=accept)
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")


async def test_ready_follows_the_daemon_and_healthy_does_not() -> None:
    for ready, status in ((True, 200), (False, 503)):
        shown = doors(ready=lambda ready=ready: ready)
        assert (await ask(shown, "GET", "/-/ready")).status_code == status
        assert (await ask(shown, "GET", "/-/healthy")).status_code == 200


@dataclass
class Asked:
    """What the history was asked for."""

    target: str = ""
    since: datetime | None = None

    async def history(self, target: str, since: datetime) -> Mapping[str, object]:
        self.target, self.since = target, since
        return {"target": target, "samples": []}


async def test_history_is_the_balances_past_of_a_week_unless_more_is_asked_for() -> None:
    asked = Asked()
    answer = await ask(doors(history=asked.history), "GET", "/api/v1/history/kie/balance")
    assert answer.json() == {
        "target": "kie/balance",
        "since": "2026-11-13T10:31:28Z",
        "samples": [],
    }
    assert (asked.target, asked.since) == ("kie/balance", scene.NOW - timedelta(days=7))


async def test_history_that_cannot_be_read_is_503_and_says_why() -> None:
    async def broken(target: str, since: datetime) -> str:
        del since
        return f"the database cannot be read: no past of {target}"

    answer = await ask(doors(history=broken), "GET", "/api/v1/history/kie/balance")
    assert answer.status_code == 503
    assert answer.json() == {"error": "the database cannot be read: no past of kie/balance"}


def recorded(folder: Path, days: int) -> Recollection:
    """A database with two samples an hour up to NOW, 41.5 an hour spent, topped up once."""
    start, samples = scene.NOW - timedelta(days=days), []
    for n in range(days * 48 + 1):
        top_up = 5000 if n > days * 24 else 0
        left = Decimal(20 * days * 48 + top_up) - 20 * n
        samples.append(Sample(start + timedelta(minutes=30 * n), left))
    long_ago = start - timedelta(days=1)
    hours = history("x", samples, new_book(plain_account()), since=long_ago).hours

    async def write() -> None:
        store = SqliteStore(folder / "monitor.db")
        target = "kie/balance"
        await store.commit(
            Batch(
                samples=tuple((target, s) for s in samples),
                hours=tuple((target, h) for h in hours),
            )
        )
        await store.close()

    asyncio.run(write())
    return Recollection(Archive(str(folder / "monitor.db")), scene.story)


def test_years_are_answered_in_hours_and_the_last_fortnight_in_samples(tmp_path: Path) -> None:
    past = recorded(tmp_path, 40)
    shown = doors(history=past.document)
    path = "/api/v1/history/kie/balance?since=9y"
    found = asyncio.run(ask(shown, "GET", path)).json()
    first = datetime.fromisoformat(found["samples"][0]["at"])
    assert timedelta(days=13, hours=22) < scene.NOW - first <= timedelta(days=14)
    assert len(found["hours"]) == 40 * 24 + 1 - 14 * 24
    total = found["total"]
    assert total["spent"] == sum(d["spent"] for d in found["days"])
    change = total["refunded"] + total["topped_up"] + total["adjusted"] - total["spent"]
    assert found["start"] + change == found["end"]
    assert found["pattern"]["by_hour"][:10] == [40] * 10
    assert found["forecast"]["burn_per_hour"] == 41.5  # the daemon's own
    assert found["timezone"] == "UTC"


def test_a_database_that_is_gone_costs_the_page_its_pattern_and_the_api_503(
    tmp_path: Path,
) -> None:
    past = Recollection(Archive(str(tmp_path / "none.db")), scene.story)
    shown = doors(history=past.document, patterns=past.patterns)
    answer = asyncio.run(ask(shown, "GET", "/api/v1/history/kie/balance"))
    assert answer.status_code == 503
    assert "none.db" in answer.json()["error"]
    assert asyncio.run(ask(shown, "GET", "/")).status_code == 200
    assert not (tmp_path / "none.db").exists()


def test_a_pattern_is_read_once_however_often_the_page_is_asked_for(tmp_path: Path) -> None:
    past = recorded(tmp_path, 3)
    shown = doors(patterns=past.patterns)
    first = asyncio.run(ask(shown, "GET", "/")).text
    more = Hour(scene.NOW.replace(minute=0, second=0), 2, last=Decimal(1), spent=Decimal(9999))

    async def write() -> None:
        store = SqliteStore(tmp_path / "monitor.db")
        await store.commit(Batch(hours=(("kie/balance", more),)))
        await store.close()

    asyncio.run(write())
    assert "When it is spent" in first
    again = asyncio.run(ask(shown, "GET", "/")).text
    assert unmarked(again) == unmarked(first)
    anew = doors(
        patterns=Recollection(Archive(str(tmp_path / "monitor.db")), scene.story).patterns
    )
    assert unmarked(asyncio.run(ask(anew, "GET", "/")).text) != unmarked(first)


def unmarked(text: str) -> str:
    """A page without the marks of its forms: they are another process's."""
    return re.sub(r'name="mark" value="[0-9a-f]+"', "", text)


@pytest.mark.parametrize(
    ("since", "wanted"),
    [
        ("7d", scene.NOW - timedelta(days=7)),
        ("90s", scene.NOW - timedelta(seconds=90)),
        ("2026-11-01T00:00:00Z", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T02:00:00+02:00", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T02:00:00%2B02:00", datetime(2026, 11, 1, tzinfo=UTC)),
    ],
)
async def test_history_begins_where_it_is_asked_to(since: str, wanted: datetime) -> None:
    asked = Asked()
    path = f"/api/v1/history/kie/balance?since={since}"
    assert (await ask(doors(history=asked.history), "GET", path)).status_code == 200
    assert asked.since == wanted


@pytest.mark.parametrize(
    "since",
    ["0001-01-01T00:00:00%2B14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"],
)
async def test_history_from_the_ends_of_time_is_no_fault_of_ours(
    since: str, tmp_path: Path
) -> None:
    past = await asyncio.to_thread(recorded, tmp_path, 1)
    path = f"/api/v1/history/kie/balance?since={since}"
    answer = await ask(doors(history=past.document), "GET", path)
    assert answer.status_code == 200
    assert (answer.json()["samples"] == []) is since.startswith("9999")


@pytest.mark.parametrize("since", ["", "soon", "2026-11-01T00:00:00", "99999999y", "-1d", "NaN"])
async def test_history_that_begins_nowhere_is_refused_in_words(since: str) -> None:
    answer = await ask(doors(), "GET", f"/api/v1/history/kie/balance?since={since}")
    assert answer.status_code == 400
    assert "7d" in answer.json()["error"]


async def test_a_model_whose_name_has_slashes_is_found_by_its_path() -> None:
    answer = await ask(doors(), "GET", f"/api/v1/history/huggingface/model/{scene.SDXL}")
    assert answer.json()["target"] == f"huggingface/model/{scene.SDXL}"


async def test_a_target_there_is_not_is_404_in_json() -> None:
    for answer in (
        await ask(doors(), "GET", "/api/v1/history/kie/nothing"),
        await act(doors(), "/api/v1/probe/kie/nothing"),
    ):
        assert answer.status_code == 404
        assert "no such target" in answer.json()["error"]


async def test_a_nudge_is_taken_at_once_with_how_the_target_stands_before_it() -> None:
    asked = []

    def probe_now(target: str) -> float | None:
        asked.append(target)
        return 0.0

    answer = await act(doors(probe_now=probe_now), "/api/v1/probe/kie/balance")
    assert asked == ["kie/balance"]
    assert answer.status_code == 202
    assert answer.json()["target"] == "kie/balance"
    assert answer.json()["status"] == "warning"


async def test_a_nudge_that_comes_too_soon_is_told_when_to_come_back() -> None:
    answer = await act(doors(probe_now=lambda _: 3.2), "/api/v1/probe/kie/balance")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "4")
    assert answer.json() == {"error": "kie/balance is asked again in 4 s at the earliest"}


async def test_a_nudge_that_is_misspelt_is_told_what_there_is() -> None:
    answer = await act(doors(), "/api/v1/probe/kie/balanse")
    assert answer.status_code == 404
    assert answer.json()["error"] == "no such target: did you mean kie/balance?"


async def test_a_reload_says_what_is_wrong_with_the_config() -> None:
    async def broken() -> str | None:
        return "config.yaml:3:1: accounts.kie.kee: unknown key, did you mean key?"

    assert (await act(doors(), "/-/reload")).json() == {"reloaded": True}
    answer = await act(doors(reload=broken), "/-/reload")
    assert answer.status_code == 500
    assert "config.yaml:3:1" in answer.json()["error"]
    assert "the old one stays" in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "kind"), [("/", "text/plain"), ("/api/v1/status", "application")]
)
async def test_our_own_fault_is_said_without_its_traceback(path: str, kind: str) -> None:
    def fail() -> dict[str, object]:
        raise RuntimeError("planted: hf_planted-key-0001")

    answer = await ask(doors(document=fail, snapshot_of=fail), "GET", path)
    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["content-security-policy"] == CSP
    assert "planted" not in answer.text
    assert "Traceback" not in answer.text


async def test_static_files_have_their_types_and_nothing_else_is_static() -> None:
    for name, kind in (("page.css", "text/css"), ("live.js", "text/javascript"),
                       ("mark.svg", "image/svg+xml")):  # fmt: skip
        answer = await ask(doors(), "GET", f"/static/{name}")
        assert answer.headers["content-type"].startswith(kind)
    for name in ("page.html", "..%2Fapp.py", "%2e%2e/app.py", ""):
        assert (await ask(doors(), "GET", f"/static/{name}")).status_code == 404


async def test_a_slash_too_many_is_404_and_no_redirect_by_the_host_header() -> None:
    for path in ("/services/", "/metrics/", "/api/v1/status/"):
        assert (await ask(doors(), "GET", path)).status_code == 404


# -- listeners ------------------------------------------------------------------------------


@asynccontextmanager
async def listening(shown: WebDoors, name: str = "web") -> AsyncIterator[int]:
    """The page on a port of the system's, ended by its stop event."""
    listener, stop = bind(name, ("127.0.0.1", 0)), asyncio.Event()
    running = asyncio.create_task(serve(build_app(shown), listener, stop))
    try:
        yield listener.port
    finally:
        stop.set()
        await asyncio.wait_for(running, 5)


async def wire(port: int, request: str) -> bytes:
    """A request byte by byte as given, and everything that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.replace("\n", "\r\n").encode())
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_real_listener_answers_by_its_own_port_and_says_no_server() -> None:
    async with listening(doors()) as port, httpx.AsyncClient(trust_env=False) as user:
        answer = await user.get(f"http://127.0.0.1:{port}/-/healthy")
        assert answer.status_code == 200
        assert "server" not in answer.headers
        foreign = {"Host": "127.0.0.1:9877"}  # configured, but not the one we were given
        refused = await user.get(f"http://127.0.0.1:{port}/-/healthy", headers=foreign)
        assert refused.status_code == 421


async def test_head_has_the_headers_of_get_and_no_body() -> None:
    async with listening(doors()) as port, httpx.AsyncClient(trust_env=False) as user:
        for path in ("/", "/services", "/metrics", "/api/v1/status", "/-/healthy"):
            head = await user.head(f"http://127.0.0.1:{port}{path}")
            get = await user.get(f"http://127.0.0.1:{port}{path}")
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["content-type"] == get.headers["content-type"]


async def test_the_services_listener_shows_the_customers_page_alone() -> None:
    async with listening(doors(), "services") as port, httpx.AsyncClient(trust_env=False) as user:
        base = f"http://127.0.0.1:{port}"
        assert (await user.get(f"{base}/services")).status_code == 200
        for path in ("/", "/metrics", "/api/v1/status"):
            assert (await user.get(base + path)).status_code == 404


@pytest.mark.parametrize("path", ["/services", "/badge/service/video.svg", "/-/ready"])
async def test_customers_do_not_hear_which_machine_leads(path: str) -> None:
    waiting = doors(standby=lambda: "standby: web-1 pid 4711 leads", ready=lambda: False)
    async with listening(waiting, "services") as port, httpx.AsyncClient(trust_env=False) as user:
        answer = await user.get(f"http://127.0.0.1:{port}{path}")
    assert answer.status_code == 503
    assert "web-1" not in answer.text
    ours = await ask(waiting, "GET", path)
    assert ours.status_code == 503
    assert ("web-1" in ours.text) is (path == "/-/ready")


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("GET / HTTP/1.1\nConnection: close\n\n", b"400"),
        ("GET / HTTP/1.0\n\n", b"421"),
        ("GET / HTTP/1.1\nHost: a\nHost: b\nConnection: close\n\n", b"400"),
        ("GET http://evil.example/ HTTP/1.1\nHost: evil.example\nConnection: close\n\n", b"421"),
        ("nonsense\n\n", b"400"),
    ],
)
async def test_a_request_without_one_good_host_is_refused_on_the_wire(
    request_text: str, status: bytes
) -> None:
    async with listening(doors()) as port:
        answer = await wire(port, request_text)
        assert answer.split(b" ", 2)[1] == status


def test_a_port_in_use_is_known_before_anything_starts_and_said_in_words() -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    words = rf"cannot listen on 127.0.0.1:{port}: Address already in use; change web.listen"
    with taken, pytest.raises(OSError, match=words):
        bind("web", ("127.0.0.1", port))


def test_an_address_that_is_not_ours_is_said_in_words_too() -> None:
    with pytest.raises(OSError, match=r"cannot listen on 192.0.2.1:0: .*web.services_listen"):
        bind("services", ("192.0.2.1", 0))
    with pytest.raises(OSError, match=r"cannot listen on no\.such\.invalid:0: .*web.listen"):
        bind("web", ("no.such.invalid", 0))


async def test_the_listener_leaves_signals_to_the_daemon() -> None:
    before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
    async with listening(doors()) as port, httpx.AsyncClient(trust_env=False) as user:
        await user.get(f"http://127.0.0.1:{port}/-/healthy")
        assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)] == before


async def test_the_end_takes_under_three_seconds_whoever_hangs_on_the_listener() -> None:
    entered, never = asyncio.Event(), asyncio.Event()

    async def hang(target: str, since: datetime) -> Mapping[str, object]:
        entered.set()
        await never.wait()
        return {}

    listener, stop = bind("web", ("127.0.0.1", 0)), asyncio.Event()
    running = asyncio.create_task(serve(build_app(doors(history=hang)), listener, stop))
    _, half = await asyncio.open_connection("127.0.0.1", listener.port)
    half.write(b"GET /metrics HTTP/1.1\r\nHost:")  # a request that never ends
    _, slow = await asyncio.open_connection("127.0.0.1", listener.port)
    host = f"127.0.0.1:{listener.port}"
    slow.write(f"GET /api/v1/history/kie/balance HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    await asyncio.wait_for(entered.wait(), 5)
    stop.set()
    await asyncio.wait_for(running, 3)
    for writer in (half, slow):
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def test_a_cancelled_listener_gives_its_port_back() -> None:
    listener = bind("web", ("127.0.0.1", 0))
    running = asyncio.create_task(serve(build_app(doors()), listener, asyncio.Event()))
    async with httpx.AsyncClient(trust_env=False) as user:
        await user.get(f"http://127.0.0.1:{listener.port}/-/healthy")
    port = listener.port
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    again = bind("web", ("127.0.0.1", port))
    again.close()


async def test_a_thousand_accounts_are_shown_in_a_page_of_moderate_size() -> None:
    answer = await ask(scene.doors(scene.many(1000)), "GET", "/")
    assert answer.status_code == 200
    assert len(answer.content) < 400_000
    whole = await ask(scene.doors(scene.many(1000)), "GET", "/api/v1/status")
    assert len(json.loads(whole.text)["targets"]) == 1000
