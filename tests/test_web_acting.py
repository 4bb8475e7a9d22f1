"""Acknowledge and silence, by forms and in JSON: who may, from where, and what of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
import snapshots as scene
from hypothesis import given
from hypothesis import strategies as st
from web_house import HERE, PASSWORD, PORT, TOKEN, USERS, Acting, client, mark_of

from monitor.core.causes import Cause, Severity
from monitor.core.message import compose
from monitor.core.model import Kind, Notification
from monitor.core.rules import Rule
from monitor.core.secret import Secret
from monitor.core.settings import WebSettings
from monitor.core.when import parse_when
from monitor.runbooks import load_runbooks
from monitor.web.forms import Marks, from_here, read_form

BEARER = {"Authorization": f"Bearer {TOKEN}"}
WITH_TOKEN = WebSettings(token=Secret(TOKEN))


async def form(house: Acting, action: str, headers: dict[str, str] | None = None,
               **fields: str) -> httpx.Response:  # fmt: skip
    """Fill in a form of an incident's page and send it as a browser would."""
    path = f"/incidents/{house.incident}/{action}"
    async with client(house, "ada" if house.web.users else "") as user:
        page = await user.get(f"/incidents/{house.incident}")
        said = {
            "mark": mark_of(page.text, path[1:]),
            "author": "ada",
            "comment": "on it",
            **fields,
        }
        return await user.post(path, data=said, headers=HERE if headers is None else headers)


# -- what a form does -----------------------------------------------------------------------


async def test_an_acknowledgement_is_kept_with_who_and_why_and_a_reload_does_not_repeat_it() -> (
    None
):
    house = Acting()
    incident = house.incident
    answer = await form(house, "ack", comment="topping up today")
    assert (answer.status_code, answer.headers["location"]) == (303, f"../{incident}")
    (asked,) = house.done
    assert (asked["do"], asked["incident"], asked["author"], asked["comment"]) == (
        "ack", incident, "ada", "topping up today",
    )  # fmt: skip
    async with client(house) as user:
        page = await user.get(answer.url.join(answer.headers["location"]))
    assert "<strong>Acknowledged</strong> by ada: topping up today" in page.text


@pytest.mark.parametrize(
    ("scope", "targets", "alert"),
    [("alert", f"huggingface/model/{scene.SDXL}", "model-unavailable"),
     ("target", f"huggingface/model/{scene.SDXL}", None),
     ("account", "huggingface/*", None)],
)  # fmt: skip
async def test_a_silence_covers_what_was_chosen(
    scope: str, targets: str, alert: str | None
) -> None:
    house = Acting()
    answer = await form(house, "silence", scope=scope, **{"for": "4h"})
    assert answer.status_code == 303
    (asked,) = house.done
    assert (asked["targets"], asked.get("alert"), asked["for"]) == (targets, alert, "4h")


async def test_a_running_silence_is_ended_by_its_button() -> None:
    house = Acting()
    async with client(house) as user:
        page = await user.get("/")
        mark = mark_of(page.text, "silences/s1/end")
        answer = await user.post("/silences/s1/end", data={"mark": mark}, headers=HERE)
        assert (answer.status_code, answer.headers["location"]) == (303, "../../.")
        page = await user.get("/")
        assert "silences/s1/end" not in page.text  # at once, whatever was drawn before
        again = await user.post("/silences/s1/end", data={"mark": mark}, headers=HERE)
        assert again.status_code == 404


async def test_who_acts_is_the_user_unless_another_name_is_typed() -> None:
    async with client(Acting()) as user:
        page = await user.get(f"/incidents/{Acting().incident}")
    assert page.text.count('name="author" maxlength="80" required autocomplete="name" value="ada"')


@pytest.mark.parametrize(
    ("action", "fields", "words"),
    [("ack", {"comment": ""}, "Say who you are and why"),
     ("ack", {"author": "\u202e\0 "}, "Say who you are and why"),
     ("silence", {"for": "999y", "scope": "alert"}, "Say for how long"),
     ("silence", {"for": "1h", "scope": "everything"}, "Say for how long")],
)  # fmt: skip
async def test_what_cannot_be_done_is_said_and_what_was_typed_stays(
    action: str, fields: dict[str, str], words: str
) -> None:
    house = Acting()
    answer = await form(house, action, **{"author": "someone else", **fields})
    assert answer.status_code == 400
    assert words in answer.text
    assert "author" in fields or "someone else" in answer.text
    assert house.done == []


# -- looking has no effect ------------------------------------------------------------------


async def test_looking_at_an_incident_changes_nothing() -> None:
    house = Acting()
    async with client(house) as user:
        for path in ("", "/ack", "/silence"):
            for method in ("GET", "HEAD"):
                answer = await user.request(method, f"/incidents/{house.incident}{path}")
                assert answer.status_code == (405 if path else 200)
        assert (await user.get("/incidents/nothing")).status_code == 404
    assert house.done == []


async def test_the_page_of_a_closed_incident_has_its_end_and_no_forms() -> None:
    async with client(Acting()) as user:
        page = (await user.get("/incidents/closed")).text
    assert "<form" not in page
    assert "after about 24 h" in page


async def test_the_page_says_what_is_wrong_and_what_to_do_and_who_knows() -> None:
    house = Acting()
    async with client(house) as user:
        page = (await user.get(f"/incidents/{house.incident}")).text
    for words in ("nobody serves the model", "open since", "What to do", "<li>",
                  "What customers may be told", "oncall", "model_not_served"):  # fmt: skip
        assert words in page


async def test_the_page_that_a_mail_links_to_has_the_mails_sentence_with_its_amount() -> None:
    low = Rule("kie-credits-low", "kie/balance", parse_when("balance < 10000"), Severity.WARNING)
    house = Acting()
    house.snap = replace(house.snap, settings=replace(house.snap.settings, rules=(low,)))
    name = next(i.id for i in house.snap.incidents if i.alert == low.name)
    words = "Top up 4084 credits to reach 10000: that lasts about 10 days at this burn."
    async with client(house) as user:
        page = (await user.get(f"/incidents/{name}")).text
        other = (await user.get(f"/incidents/{house.incident}")).text
    assert f'<p id="todo"><strong>{words}</strong></p>' in page
    assert 'id="todo"' not in other, "the first step says it"


async def test_a_provider_that_refuses_leaves_no_forecast_in_the_pages_sentence() -> None:
    low = Rule("kie-credits-low", "kie/balance", parse_when("balance < 10000"), Severity.WARNING)
    house = Acting()
    kie = house.snap.views["kie/balance"]
    views = {**house.snap.views, kie.target: replace(kie, cause=Cause.CREDITS_EXHAUSTED)}
    settings = replace(house.snap.settings, rules=(low,))
    house.snap = replace(house.snap, settings=settings, views=views)
    stands = next(i for i in house.snap.incidents if i.alert == low.name)
    owed = Notification(stands, Kind.OPENED, 0, "oncall", ("oncall@example.com",))
    mail = compose(owed, view=views[kie.target], runbooks=load_runbooks(), now=house.snap.at,
                   external_url=None, rules=(low,))  # fmt: skip
    async with client(house) as user:
        page = (await user.get(f"/incidents/{stands.id}")).text
    assert "at this burn" not in mail.todo
    assert f'<p id="todo"><strong>{mail.todo}</strong></p>' in page


# -- who may, and from where ----------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
     {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"},
     {"Sec-Fetch-Site": "cross-site", "Origin": f"http://127.0.0.1:{PORT}"}],
)  # fmt: skip
async def test_a_browser_on_another_site_cannot_act_even_with_name_and_mark(
    headers: dict[str, str],
) -> None:
    house = Acting()
    answer = await form(house, "ack", headers)
    assert answer.status_code == 403
    assert "another site" in answer.text
    assert house.done == []


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "none"}, {"Origin": f"http://127.0.0.1:{PORT}"}, {}]
)
async def test_a_form_of_ours_is_taken(headers: dict[str, str]) -> None:
    assert (await form(Acting(), "ack", headers)).status_code == 303


def test_behind_a_proxy_the_form_comes_from_where_people_see_the_page() -> None:
    web = replace(USERS, external_url="https://monitor.example.com/sub")
    said = {"origin": "https://monitor.example.com", "host": "127.0.0.1:9877"}
    assert from_here(said, web)
    assert not from_here(said, USERS)
    assert not from_here({**said, "origin": "https://monitor.example.com.evil"}, web)
    assert not from_here({"origin": "null", "host": ""}, web)


@pytest.mark.parametrize("mark", ["", "0" * 64, "other"])
async def test_a_form_without_its_mark_does_nothing_and_says_that_it_may_be_sent_again(
    mark: str,
) -> None:
    house = Acting()
    if mark == "other":  # of another form of the same page
        async with client(house) as user:
            page = await user.get(f"/incidents/{house.incident}")
        mark = mark_of(page.text, f"incidents/{house.incident}/silence")
    answer = await form(house, "ack", mark=mark, comment="typed with care")
    assert answer.status_code == 403
    assert "nothing was done" in answer.text
    assert "typed with care" in answer.text
    assert house.done == []


def test_a_mark_is_one_users_for_one_form_and_ends_within_half_a_day() -> None:
    time = [0.0]
    marks = Marks(lambda: time[0])
    mark = marks.of("ada", "ack 1")
    assert marks.fits(mark, "ada", "ack 1")
    assert not marks.fits(mark, "bob", "ack 1")
    assert not marks.fits(mark, "ada", "ack 2")
    assert not Marks(lambda: 0.0).fits(mark, "ada", "ack 1")  # of another process
    time[0] = 6 * 3600
    assert marks.fits(mark, "ada", "ack 1")
    time[0] = 12 * 3600
    assert not marks.fits(mark, "ada", "ack 1")


async def test_only_a_form_is_taken_for_a_form() -> None:
    house = Acting()
    async with client(house) as user:
        path = f"/incidents/{house.incident}/ack"
        for kind in ("text/plain", "application/json", "multipart/form-data", ""):
            answer = await user.post(path, content=b"x", headers={**HERE, "Content-Type": kind})
            assert answer.status_code == 415
        huge = await user.post(path, data={"comment": "x" * 40_000}, headers=HERE)
        assert huge.status_code == 413
        many = await user.post(path, data={f"f{n}": "x" for n in range(40)}, headers=HERE)
        assert many.status_code == 400
    assert house.done == []


async def test_without_users_a_form_wants_the_token_and_without_a_token_there_is_a_command() -> (
    None
):
    house = Acting(web=WITH_TOKEN)
    assert (await form(house, "ack", token=TOKEN)).status_code == 303
    house = Acting(web=WITH_TOKEN)
    wrong = await form(house, "ack", token="guess")
    assert wrong.status_code == 403
    assert "guess" not in wrong.text
    assert "That is not web.token" in wrong.text
    assert house.done == []
    house = Acting(web=WebSettings())
    async with client(house, "") as user:
        page = await user.get(f"/incidents/{house.incident}")
        assert "<form" not in page.text
        assert f"monitor ack huggingface/model/{scene.SDXL} --alert" in page.text
        assert "monitor unsilence s1" in (await user.get("/")).text
        for path in (f"/incidents/{house.incident}/ack", "/silences/s1/end", "/api/v1/ack"):
            assert (await user.post(path, data={"comment": "x"})).status_code == 403


async def test_with_users_a_form_wants_one_of_them() -> None:
    house = Acting()
    async with client(house, "") as nobody:
        answer = await nobody.post(f"/incidents/{house.incident}/ack", headers=HERE)
        assert answer.status_code == 401
    async with client(house, "bob") as stranger:
        answer = await stranger.post(f"/incidents/{house.incident}/ack", headers=HERE)
        assert answer.status_code == 401


async def test_a_page_with_forms_lets_them_go_nowhere_but_to_us() -> None:
    async with client(Acting()) as user:
        for path in ("/", f"/incidents/{Acting().incident}"):
            answer = await user.get(path)
            assert "form-action 'self'" in answer.headers["content-security-policy"]
            assert answer.headers["referrer-policy"] == "same-origin"  # else `Origin: null`


# -- JSON -----------------------------------------------------------------------------------


def program(house: Acting) -> httpx.AsyncClient:
    house.web = replace(house.web, token=Secret(TOKEN))
    found = client(house, "")
    found.headers.update(BEARER)
    return found


async def test_a_program_acknowledges_silences_and_ends_a_silence() -> None:
    house = Acting()
    who = {"author": "bot", "comment": "deploy"}
    async with program(house) as user:
        answer = await user.post("/api/v1/ack", json={"target": "kie/balance", **who})
        assert (answer.status_code, answer.json()) == (
            200, {"acknowledged": ["kie-credits-low on kie/balance"]},
        )  # fmt: skip
        answer = await user.post("/api/v1/ack", json={"incident": house.incident, **who})
        assert answer.status_code == 200
        answer = await user.post("/api/v1/silence", json={"target": "kie/*", "for": "2h", **who})
        ends = (scene.NOW + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert (answer.status_code, answer.json()) == (201, {"id": "s2", "ends_at": ends})
        assert (await user.delete("/api/v1/silence/s2")).json() == {"id": "s2"}
        assert (await user.delete("/api/v1/silence/s2")).status_code == 404
    assert [a["do"] for a in house.done] == ["ack", "ack", "silence", "unsilence", "unsilence"]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [("ack", {"target": "kie/balance", "author": "a"}, "needs comment"),
     ("ack", {"author": "a", "comment": "c"}, "needs incident"),
     ("ack", {"target": 1, "author": "a", "comment": "c"}, "target is not text"),
     ("ack", {"targets": "x", "author": "a", "comment": "c"}, "unknown member targets"),
     ("ack", [], "not a JSON object"),
     ("silence", {"target": "x", "author": "a", "comment": "c"}, "needs for"),
     ("silence", {"for": "1h", "author": "a", "comment": "c"}, "needs target")],
)  # fmt: skip
async def test_a_program_is_told_what_its_question_lacks(
    path: str, body: object, words: str
) -> None:
    house = Acting()
    async with program(house) as user:
        answer = await user.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert house.done == []


async def test_a_programs_question_needs_the_token_and_says_that_it_is_json() -> None:
    house = Acting()
    async with program(house) as user:
        text = await user.post(
            "/api/v1/ack", content=b"{}", headers={"Content-Type": "text/plain"}
        )
        assert text.status_code == 415
    async with client(house) as ada:  # a user's name and password are the page's, not the API's
        for method, path in (("POST", "ack"), ("POST", "silence"), ("DELETE", "silence/s1")):
            answer = await ada.request(method, f"/api/v1/{path}", headers=HERE)
            assert answer.status_code == 403
    assert house.done == []


@given(st.binary(max_size=300))
def test_no_form_breaks_the_reader(body: bytes) -> None:
    try:
        fields = read_form(body)
    except ValueError:
        return
    assert all(v.isprintable() for name, v in fields.items() if name != "token")


def test_passwords_stay_out_of_the_page() -> None:
    assert PASSWORD not in repr(Acting().now())
