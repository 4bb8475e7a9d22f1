"""The page of a real daemon acts: from the link in a mail to the acknowledgement, and by JSON."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from living import config, daemon, world_in_thread
from postbox import Mailbox, in_thread
from web_house import HERE, mark_of

from monitor.core.settings import WebSettings, WebTls
from monitor.web.pages import address_of

WEB = (
    'web: {listen: "127.0.0.1:0", external_url: "http://monitor.example:81",'
    " users: {ada: planted-password-0001}, token: planted-token-0001}\n"
)
LOW = "alerts: [{name: kie-credits-low, on: kie/balance, when: balance < 20000}]\n"
BEARER = {"Authorization": "Bearer planted-token-0001"}


TLS = WebTls("/cert.pem", "/key.pem")


@pytest.mark.parametrize(
    ("web", "page"),
    [
        (WebSettings(), "http://127.0.0.1:9900/"),
        (WebSettings(listen=("::1", 0)), "http://[::1]:9900/"),
        (WebSettings(listen=("0.0.0.0", 0), tls=TLS), "https://localhost:9900/"),
        (WebSettings(listen=("::", 0)), "http://localhost:9900/"),
        (WebSettings(external_url="https://a.example/monitor"), "https://a.example/monitor/"),
        (WebSettings(external_url="https://a.example?token=planted"), "https://a.example/"),
    ],
)
def test_the_log_of_a_start_says_where_to_look_and_holds_no_secret(
    web: WebSettings, page: str
) -> None:
    assert address_of(web, 9900) == page


def test_from_the_mail_to_the_acknowledgement_the_silence_and_its_end(tmp_path: Path) -> None:
    with world_in_thread() as world, in_thread(Mailbox()) as box:
        smtp = f"{{host: 127.0.0.1, port: {box.port}, tls: none}}"
        email = f"{{email: {{to: [a@example.com], from: m@example.com, smtp: {smtp}}}}}"
        receivers = f"receivers: {{oncall: {email}}}\n"
        path = config(world, tmp_path, web=WEB, alerts=LOW, receivers=receivers)
        with daemon(path) as living:
            started = living.said("started")
            assert started is not None
            assert started["page"] == "http://monitor.example:81/"
            assert "planted" not in str(started)
            living.until(lambda: bool(box.mails))
            body = box.mails[0].message.get_body(("plain",))
            assert body is not None
            link = (
                body.get_content().partition("http://monitor.example:81/incidents/")[2].split()[0]
            )
            with httpx.Client(
                base_url=f"http://127.0.0.1:{living.port}",
                auth=("ada", "planted-password-0001"),
                trust_env=False,
            ) as ada:
                page = ada.get(f"/incidents/{link}").text
                assert "Acknowledged" not in page
                answer = ada.post(
                    f"/incidents/{link}/ack",
                    data={"mark": mark_of(page, f"incidents/{link}/ack"), "author": "ada",
                          "comment": "on it"},
                    headers=HERE,
                )  # fmt: skip
                assert answer.status_code == 303
                assert "by ada: on it" in ada.get(f"/incidents/{link}").text
                said = {"target": "kie/*", "for": "2h", "author": "bot", "comment": "deploy"}
                made = ada.post("/api/v1/silence", json=said, headers=BEARER, auth=None)
                assert made.status_code == 201
                assert "by bot: deploy" in ada.get("/").text
                far = ada.post(
                    "/api/v1/silence", json={**said, "for": "999999999999y"}, headers=BEARER,
                    auth=None,
                )  # fmt: skip
                assert far.status_code == 400
                name = made.json()["id"]
                ended = ada.delete(f"/api/v1/silence/{name}", headers=BEARER, auth=None)
                assert ended.json() == {"id": name}
                assert "by bot: deploy" not in ada.get("/").text
                open_ = json.loads(ada.get("/api/v1/status").text)["alerts"]
                assert link in [a["incident"] for a in open_]
            assert living.stop() == 0
        assert "planted" not in "\n".join(living.log)
