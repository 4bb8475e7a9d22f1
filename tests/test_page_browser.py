"""The page in a real Chromium: acting, live changes, keyboard, phone, policy, accessibility."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import snapshots as scene
from browser import AXE, CHROMIUM, Seen, chromium, looking
from playwright.sync_api import Browser, expect
from web_house import Acting

from monitor.core.causes import Cause, Severity
from monitor.core.model import ServiceState, ServiceStatus, Silence
from monitor.core.snapshot import Counts, Snapshot

pytestmark = [
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(CHROMIUM is None, reason="apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


def hostile() -> Snapshot:
    """A hostile text of every kind, in every place where one can come from outside."""
    texts = (
        "</title><script>document.title='owned';alert(1)</script>",
        '"><img src=x onerror=alert(1)><svg onload=alert(1)>',
        "' autofocus onfocus=alert(1) x='",
        "\u202eevil\u2066\0\x1b[2J",
        "{{ 7*7 }} {% raw %}",
        "javascript:alert(1)//",
        "x" * 1_000_000,
    )
    owner = scene.account("evil", checks=(*(f"model/{t}" for t in texts), "balance"))
    stands = tuple(
        scene.incident(text, owner, f"evil/model/{text}", Severity.CRITICAL, summary=text)
        for text in texts
    )
    views = (
        *(scene.view(owner, f"model/{t}", Cause.MODEL_MISSING, summary=t) for t in texts),
        scene.view(owner, "balance", balance=1, unit=texts[0], jobs_left={texts[1]: 1}),
    )
    hour = timedelta(hours=1)
    return scene.snapshot(
        scene.settings(owner),
        views,
        incidents=stands,
        services=tuple(ServiceState(t[:200], ServiceStatus.DOWN, t) for t in texts),
        silences=tuple(
            Silence(f"s{n}", t[:400], t, scene.NOW - hour, scene.NOW + hour, t, t)
            for n, t in enumerate(texts)
        ),
        told=tuple(scene.told(i, t) for i, t in zip(stands, texts, strict=True)),
        history={"evil/balance": scene.falling(1)},
        counts=Counts(store_failed=texts[1]),
    )


# -- acting ---------------------------------------------------------------------------------


def test_from_the_link_in_a_mail_to_the_acknowledgement(browser: Browser) -> None:
    house = Acting()
    with looking(browser, house) as user:
        user.go(f"/incidents/{house.incident}")
        assert house.done == []
        form = user.page.get_by_role("form", name="Acknowledge model-unavailable")
        expect(form.get_by_label("who")).to_have_value("ada")
        form.get_by_label("comment").fill("switching to FLUX")
        form.get_by_role("button").click()
        expect(user.page.get_by_role("banner")).to_contain_text(
            "Acknowledged by ada: switching to FLUX"
        )
        user.page.reload()
        user.clean()
    assert [a["do"] for a in house.done] == ["ack"]


def test_a_silence_is_made_and_ended_on_the_page(browser: Browser) -> None:
    house = Acting()
    with looking(browser, house) as user:
        user.go("/")
        card = user.page.locator(f"#incident-{house.incident}")
        card.get_by_text("Acknowledge or silence").click()
        form = card.get_by_role("form", name="Silence")
        form.get_by_label("for", exact=True).select_option("8h")
        form.get_by_label("what").select_option("account")
        form.get_by_label("comment").fill("vendor maintenance")
        form.get_by_role("button").click()
        expect(user.page.get_by_role("banner")).to_contain_text("Silenced until 2026-11-20 18:31")
        user.go("/")
        row = user.page.get_by_role("listitem").filter(has_text="vendor maintenance")
        row.get_by_role("button", name="End the silence of huggingface/*").click()
        expect(user.page.get_by_text("vendor maintenance")).to_have_count(0)
        user.clean()
    assert [a["do"] for a in house.done] == ["silence", "unsilence"]


def test_another_site_cannot_act_with_the_users_browser(browser: Browser) -> None:
    house = Acting()
    with looking(browser, house) as user:
        user.go("/")
        target = f"{user.address}/incidents/{house.incident}/ack"
        theirs = f'<form method="post" action="{target}"><input name="comment" value="x"></form>'
        user.page.route(
            "http://evil.example/",
            lambda route: route.fulfill(body=theirs, content_type="text/html"),
        )
        user.page.goto("http://evil.example/")
        with user.page.expect_response(target) as answer:
            user.page.evaluate("document.forms[0].submit()")
        assert answer.value.status == 403
        assert "another site" in answer.value.text()
    assert house.done == []


# -- live -----------------------------------------------------------------------------------


def topped_up(house: Acting) -> None:
    """The balance is another, and so is the headline; a model's incident is over."""
    kie = house.snap.settings.accounts[0]
    view = scene.view(kie, "balance", balance="9876", unit="credits")
    over = tuple(
        replace(i, closed_at=house.snap.at, close_reason="resolved") if i.ack else i
        for i in house.snap.incidents
    )
    views = {**house.snap.views, "kie/balance": view}
    house.snap = replace(house.snap, views=views, incidents=over)


def test_what_changes_is_shown_while_typing_and_what_is_typed_stays(browser: Browser) -> None:
    house = Acting()
    with looking(browser, house) as user:
        user.go("/")
        card = user.page.locator(f"#incident-{house.incident}")
        card.get_by_text("Acknowledge or silence").click()
        comment = card.get_by_role("form", name="Acknowledge").get_by_label("comment")
        comment.press_sequentially("half a sen")
        user.page.evaluate("window.scrollTo(0, 300)")
        user.page.evaluate("window.same = document.activeElement")
        topped_up(house)
        user.refresh_until("document.body.innerText.includes('9876 credits')")
        comment.press_sequentially("tence")
        assert comment.input_value() == "half a sentence"
        assert user.page.evaluate("window.same === document.activeElement")
        assert user.page.evaluate("window.scrollY") == 300
        expect(card.get_by_role("form", name="Acknowledge")).to_be_visible()  # still unfolded
        expect(user.page.locator("#news")).to_contain_text("2 open incidents")  # read out
        over = next(i.id for i in house.snap.incidents if i.alert == "kie-credits-low")
        expect(user.page.locator(f"#incident-{over}")).to_have_count(1)  # among the closed ones
        assert user.page.title() == "■ critical – monitor"
        user.clean()


@pytest.mark.parametrize("focused", [1, 2], ids=["passed", "rising"])
def test_an_incident_that_gets_worse_rises_and_takes_no_focus(
    browser: Browser, focused: int
) -> None:
    house = Acting()
    low = next(i for i in house.snap.incidents if i.alert == "kie-credits-low")
    with looking(browser, house) as user:
        user.go("/")
        user.page.locator(".episode").nth(focused).get_by_text("Acknowledge or silence").click()
        form = user.page.locator(".episode").nth(focused).get_by_role("form", name="Acknowledge")
        form.get_by_label("comment").press_sequentially("typ")
        worse = replace(low, severity=Severity.CRITICAL, opened_at=low.opened_at - timedelta(1))
        rest = tuple(i for i in house.snap.incidents if i.id != low.id)
        house.snap = replace(house.snap, incidents=(*rest, worse))
        user.refresh_until(f"document.querySelector('.episode').id === 'incident-{low.id}'")
        user.page.keyboard.type("ed")
        assert user.page.evaluate("document.activeElement.value") == "typed"
        order = user.page.locator(".episode:not(.closed) h3 a").all_inner_texts()
        assert order == ["kie-credits-low", "key-rejected", "model-unavailable"]
        user.clean()


def test_an_incident_that_closes_under_ones_hands_does_not_take_the_form_away(
    browser: Browser,
) -> None:
    house = Acting()
    with looking(browser, house) as user:
        user.go("/")
        card = user.page.locator(f"#incident-{house.incident}").first
        card.get_by_text("Acknowledge or silence").click()
        comment = card.get_by_role("form", name="Acknowledge").get_by_label("comment")
        comment.fill("almost done")
        gone = tuple(
            replace(i, closed_at=house.snap.at) if i.id == house.incident else i
            for i in house.snap.incidents
        )
        house.snap = replace(house.snap, incidents=gone)
        user.refresh_until("document.body.innerText.includes('2 open incidents')")
        assert comment.input_value() == "almost done"
        user.clean()


def test_a_page_that_says_nothing_new_is_not_sent_again_and_its_time_goes_on(
    browser: Browser,
) -> None:
    house = Acting()
    with looking(browser, house) as user:
        user.go("/")
        with user.page.expect_response(lambda r: r.status == 200):
            user.refresh()
        house.snap = replace(house.snap, at=house.snap.at + timedelta(seconds=31))
        user.refresh_until("document.querySelector('#as-of').innerText.includes('10:31')")
        with user.page.expect_response(lambda r: r.status == 304):
            user.keep_refreshing()  # one that comes while another is under way is passed over
        user.clean()


def test_a_monitor_that_is_gone_is_said_with_since_when_and_its_return_too(
    browser: Browser,
) -> None:
    house = Acting()
    with looking(browser, house) as user:
        user.go("/")
        user.page.context.set_offline(True)
        user.refresh_until("document.getElementById('lost').innerText.length > 0")
        expect(user.page.locator("#lost")).to_contain_text("Connection lost since 20")
        expect(user.page.get_by_text("5916.25 credits").first).to_be_visible()
        user.page.context.set_offline(False)
        user.refresh_until("document.getElementById('lost').innerText.length === 0")
        expect(user.page.locator("#news")).to_have_text("The connection is back.")


def test_a_hidden_tab_asks_for_nothing(browser: Browser) -> None:
    with looking(browser, Acting()) as user:
        user.page.clock.install()
        user.go("/")
        user.page.evaluate(
            "Object.defineProperty(document, 'hidden', {value: true, configurable: true})"
        )
        user.refresh()  # the event says that it was hidden
        user.page.clock.run_for(60_000)
        assert user.requests.count(f"{user.address}/") == 1
        user.page.evaluate("delete document.hidden")
        with user.page.expect_response("**/"):
            user.refresh()


def test_the_filter_finds_one_of_a_thousand_as_it_is_typed(browser: Browser) -> None:
    house = Acting(scene.many(1000))
    with looking(browser, house) as user:
        user.go("/")
        expect(user.page.locator("article.account")).to_have_count(60)
        field = user.page.get_by_role("searchbox")
        field.press_sequentially("account-0777")
        expect(user.page.locator("article.account")).to_have_count(1)
        expect(user.page.get_by_role("heading", name="account-0777")).to_be_visible()
        assert user.page.url.endswith("?q=account-0777")
        expect(field).to_be_focused()
        user.clean()


# -- without a mouse, on a phone, without a script ------------------------------------------


def test_by_keyboard_alone_an_incident_is_acknowledged(browser: Browser) -> None:
    house = Acting()
    with looking(browser, house) as user:
        user.go(f"/incidents/{house.incident}")
        keys = user.page.keyboard
        keys.press("Tab")
        expect(user.page.get_by_text("Skip to the content")).to_be_in_viewport()
        keys.press("Enter")
        keys.press("Tab")
        expect(user.page.get_by_label("who").first).to_be_focused()
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert user.page.evaluate(outline) == "solid"
        keys.press("Tab")
        keys.type("by keyboard")
        keys.press("Enter")
        expect(user.page.get_by_role("banner")).to_contain_text("by ada: by keyboard")
    assert len(house.done) == 1


@pytest.mark.parametrize("path", ["/", "/incidents/open", "/services"])
@pytest.mark.parametrize("snapshot", [scene.story, hostile], ids=["story", "hostile"])
def test_on_a_phone_nothing_is_wider_than_the_screen(
    browser: Browser, snapshot: object, path: str
) -> None:
    house = Acting(scene.story() if snapshot is scene.story else hostile())
    path = path.replace("open", house.snap.incidents[0].id)
    with looking(browser, house, width=360, dark=True) as user:
        user.go(path)
        assert user.page.evaluate("document.documentElement.scrollWidth") == 360
        user.clean()


def test_without_a_script_the_page_shows_all_and_acts(browser: Browser) -> None:
    house = Acting()
    with looking(browser, house, script=False) as user:
        user.go(f"/incidents/{house.incident}")
        form = user.page.get_by_role("form", name="Acknowledge")
        form.get_by_label("comment").fill("no script")
        form.get_by_role("button").click()
        expect(user.page.get_by_role("banner")).to_contain_text("by ada: no script")
        assert user.page.locator("noscript").count() == 0  # what is typed is not taken away
        user.go("/")
        assert user.page.locator("noscript").inner_html().count('http-equiv="refresh"') == 1


# -- what comes from outside ----------------------------------------------------------------


def test_hostile_texts_do_nothing_wherever_they_stand(browser: Browser) -> None:
    house = Acting(hostile())
    with looking(browser, house) as user:
        for path in ("/", "/services", *(f"/incidents/{i.id}" for i in house.snap.incidents[:3])):
            user.go(path)
            for details in user.page.locator("details:not([open]) > summary").all()[:6]:
                details.click()
            user.refresh()
            assert "owned" not in user.page.title() or "script" in user.page.title()
            assert user.page.evaluate("document.querySelectorAll('main img').length") == 0
            scripts = user.page.evaluate("[...document.scripts].map((s) => s.text)")
            assert scripts == [""]
            user.clean()


# -- accessibility --------------------------------------------------------------------------


@pytest.mark.skipif(not AXE.is_file(), reason="AXE_CORE=$(bash .ci/axe): fetches axe-core by npm")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_no_violation(browser: Browser, dark: bool) -> None:
    house = Acting()
    found: dict[str, object] = {}
    with looking(browser, house, dark=dark) as user:
        for path in ("/", f"/incidents/{house.incident}", "/services", "/runbooks/runway-short"):
            user.go(path)
            found |= {f"{path} {v}": v for v in violations(user, contrast=dark)}
    with looking(browser, Acting(scene.many(30)), dark=dark, width=360) as user:
        user.go("/")
        found |= {f"many {v}": v for v in violations(user, contrast=dark)}
    assert found == {}


def violations(user: Seen, *, contrast: bool) -> list[str]:
    """Rules that axe says are broken, with where; everything unfolded. Or contrast alone."""
    user.page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    user.page.evaluate(AXE.read_text())
    rules = "runOnly: ['color-contrast']," if contrast else ""
    result = user.page.evaluate(f"axe.run({{{rules} resultTypes: ['violations']}})")
    assert len(result["passes"]) >= (1 if contrast else 15)
    return [
        f"{v['id']}: {json.dumps([n['html'][:150] for n in v['nodes'][:3]])}"
        for v in result["violations"]
    ]
