"""The pages as people see them: words, shapes, drawings, and nothing that is not theirs to see."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from importlib.resources import files
from itertools import combinations

import httpx
import pytest
import snapshots as scene
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.causes import Cause, Severity
from monitor.core.document import document
from monitor.core.maintenance import Window, planned
from monitor.core.model import Alert, AlertState, Kind, Outlook, ServiceState, ServiceStatus, Told
from monitor.core.snapshot import Counts, Snapshot
from monitor.web import build_app
from monitor.web.chart import NARROW, WIDE, Box, Chart, chart
from monitor.web.page import Page, capped, operators_page
from monitor.web.services import services_page

STATIC = files("monitor.web") / "static"
NOW = scene.NOW
BURNING = Outlook(41.5, 90.1, 112.0, 139.3, 260.0)


async def shown(snapshot: Snapshot, path: str = "/") -> str:
    transport = httpx.ASGITransport(app=build_app(scene.doors(snapshot)))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9877") as user:
        answer = await user.get(path)
    assert answer.status_code == 200
    return answer.text


def page_of(snapshot: Snapshot) -> Page:
    return operators_page(snapshot, document(snapshot))


class Reader(HTMLParser):
    """Collects tags with their attributes, and the visible text."""

    VOID = frozenset({"meta", "link", "br", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], "a tag was not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def hostile() -> Snapshot:
    """The story with a hostile name or sentence wherever one can be."""
    bad = scene.HOSTILE
    owner = scene.account("evil", checks=(f"model/{bad}", "balance"))
    stands = scene.incident(bad, owner, "evil/balance", Severity.CRITICAL, summary=bad)
    views = (
        scene.view(owner, f"model/{bad}", Cause.MODEL_MISSING, summary=bad),
        scene.view(owner, "balance", balance=1, unit=bad, jobs_left={bad: 1}, outlook=BURNING),
    )
    return scene.snapshot(
        scene.settings(owner),
        views,
        incidents=(stands,),
        alerts=(scene.firing(stands),),
        services=(ServiceState(bad, ServiceStatus.DOWN, bad),),
        told=(scene.told(stands, bad),),
        history={"evil/balance": scene.falling(1)},
        counts=Counts(store_failed=bad),
    )


# -- the operator's page --------------------------------------------------------------------


async def test_the_page_tells_the_whole_story_in_words() -> None:
    text = Reader(await shown(scene.story())).text
    for words in (
        "4 of 7 targets not ok; 3 open incidents",
        "5916.25 credits",
        "runway (P25) about 5 days",
        "P10 about 4 days, P50 about 6 days, P90 without end",
        "41.5 credits an hour",
        "135 credits",
        "43 Sora 2 Pro 720p 15 s videos",
        "nobody serves the model",
        "Next: Switch to a fallback that is served",
        "0.04 of 0.1 USD used (40 %), resets 2026-12-01 00:00 UTC",
        "kie-credits-low on kie/balance",
        "balance 5916.25 is under 10000",
        "oncall opened 2026-11-20 09:32 UTC (2 addresses)",
        "oncall resolved",
        "nobody has been told",
        "acknowledged by ada: topping up today",
        "silenced until 2026-11-20 12:31 UTC by ada",
        "Image generation is slower than usual. Your credits are safe.",
        "the key is rejected",
    ):
        assert words in text, words


async def test_a_state_is_text_and_shape_and_colour() -> None:
    text = await shown(scene.story())
    for word, shape in (("ok", "●"), ("warning", "▲"), ("critical", "■"), ("unknown", r"\?")):
        badge = (
            rf'class="badge {word}"><span class="shape" aria-hidden="true">{shape}</span> {word}<'
        )
        assert re.search(badge, text), word
    style = (STATIC / "page.css").read_text()
    for word in ("ok", "warning", "critical", "unknown", "up", "degraded", "down"):
        assert f".{word}.badge" in style


async def test_models_stand_in_the_order_the_product_tries_them() -> None:
    story = scene.story()
    hub = story.settings.accounts[1]
    turned = replace(hub, models=(scene.FLUX, scene.SDXL))
    accounts = (story.settings.accounts[0], turned, story.settings.accounts[2])
    text = await shown(replace(story, settings=replace(story.settings, accounts=accounts)))
    order = re.findall(r'<th scope="row">([^<]+)</th>', text)
    assert order[:2] == [scene.FLUX, scene.SDXL]


@pytest.mark.parametrize(
    ("alert", "target", "cause", "step"),
    [
        ("key-rejected", "router/key", Cause.KEY_REJECTED,
         "Create a new key at the provider and put it in the config"),
        ("models-exhausted", "router/model", Cause.MODEL_RETIRED,
         "Put a model that is served into the product, or use another provider"),
        ("provider-down", "openrouter/provider", Cause.PROVIDER_ERROR,
         "Look at the provider's status page"),
        ("monitor-offline", "monitor/network", Cause.NETWORK_OFFLINE,
         "Check this machine's network and name resolution"),
        ("store-failed", "monitor/database", Cause.OK,
         "Free some space, or mend the rights of the database"),
    ],
)  # fmt: skip
def test_what_no_probe_has_for_a_target_has_a_next_step_too(
    alert: str, target: str, cause: Cause, step: str
) -> None:
    story = scene.story()
    router = story.settings.accounts[2]
    stands = scene.incident(alert, router, target, Severity.CRITICAL, cause=cause)
    (shown,) = page_of(replace(story, incidents=(stands,))).incidents
    assert shown.next_step == step


def test_open_incidents_stand_with_the_worst_first_and_closed_ones_apart() -> None:
    page = page_of(scene.story())
    assert [e.severity for e in page.incidents] == ["critical", "warning", "warning"]
    assert [e.id for e in page.recent] == ["closed"]
    assert page.recent[0].next_step == ""


def test_one_notification_to_many_addresses_is_one_line_and_the_latest_are_kept() -> None:
    story = scene.story()
    low = story.incidents[0]
    many = tuple(
        Told(low.id, Kind.REMINDER, n, "oncall", "a@example.com", NOW + timedelta(hours=n),
             Severity.WARNING) for n in range(20)
    )  # fmt: skip
    found = next(e for e in page_of(replace(story, told=many)).incidents if e.id == low.id)
    assert (len(found.told), found.told_before) == (8, 12)
    assert found.told[-1].at == NOW + timedelta(hours=19)


def test_the_header_is_not_green_while_an_alert_about_the_monitor_itself_fires() -> None:
    kie = scene.account("kie")
    house = scene.snapshot(scene.settings(kie), (scene.view(kie, "balance", balance=100),))
    alert = Alert("store-failed", "monitor/store", AlertState.FIRING, since=NOW,
                  severity=Severity.CRITICAL, incident="1")  # fmt: skip
    assert (page_of(house).badge.word, page_of(house).headline) == (
        "ok", "1 target, all ok; no open incident",
    )  # fmt: skip
    page = page_of(replace(house, alerts=(alert,)))
    assert (page.badge.word, page.badge.colour) == ("critical", "critical")
    assert page.headline.startswith("1 target ok, but store-failed fires; ")


def test_the_trouble_of_the_house_itself_is_said() -> None:
    story = scene.story()
    assert page_of(story).trouble == ""
    counts = replace(story.counts, reload_ok=False, reload_fault="c.yaml:7")
    counts = replace(counts, store_failed="the disk is full")
    assert page_of(replace(story, counts=counts)).trouble == (
        "The config is broken at c.yaml:7: the one before it is in use. What is wrong:"
        " monitor check-config. The database: the disk is full."
    )


def test_what_the_last_probe_did_not_read_is_unknown_and_not_remembered_as_if_it_were_now() -> (
    None
):
    kie = scene.account("kie", floor=Decimal(135))
    view = scene.view(kie, "balance", Cause.TIMED_OUT, balance=5916, unit="credits",
                      jobs_left={"video": 43}, outlook=BURNING, last_success=NOW)  # fmt: skip
    card = page_of(scene.snapshot(scene.settings(kie), (view,))).accounts[0].balance
    assert card is not None
    assert (card.balance, card.runway, card.burn, card.jobs) == ("unknown", "", "", ())
    assert "it was 5916 credits" in card.words


@pytest.mark.parametrize(
    ("outlook", "runway"),
    [
        (None, ""),
        (Outlook(None, None, None, None, None), ""),
        (Outlook(0.0, math.inf, math.inf, math.inf, math.inf), "nothing burns"),
        (Outlook(2.0, 5.0, math.inf, math.inf, math.inf), "without end"),
        (Outlook(2.0, 0.0, 0.0, 0.0, 0.0), "at the floor"),
        (Outlook(2.0, 1.0, 5.0, 9.0, 12.0), "about 5 h"),
    ],
)
def test_the_runway_is_said_in_words(outlook: Outlook | None, runway: str) -> None:
    kie = scene.account("kie")
    view = scene.view(kie, "balance", balance=100, unit="credits", outlook=outlook)
    card = page_of(scene.snapshot(scene.settings(kie), (view,))).accounts[0].balance
    assert card is not None
    assert card.runway == runway


async def test_an_empty_house_has_a_page() -> None:
    text = Reader(await shown(scene.snapshot(scene.settings(), ()))).text
    assert "0 targets, all ok; no open incident" in text
    assert "No account is configured." in text


async def test_before_the_first_probe_there_is_a_page() -> None:
    kie = scene.account("kie", checks=("key", "balance", "quota", "model/a/b", "status"))
    views = tuple(scene.view(kie, t.target.name.removeprefix("kie/"), None) for t in kie.targets)
    text = Reader(await shown(scene.snapshot(scene.settings(kie), views))).text
    assert text.count("not asked yet") == 5


# -- many -----------------------------------------------------------------------------------


async def test_of_a_thousand_accounts_the_bad_one_is_seen_and_the_rest_is_counted() -> None:
    text = Reader(await shown(scene.many(1000))).text
    assert "account-0999" in text
    assert "… and 940 more accounts" in text
    assert "none of them worse than these" in text


def test_of_a_thousand_models_the_missing_one_is_seen() -> None:
    hub = scene.account("hub", checks=tuple(f"model/o/m{n}" for n in range(1000)))
    views = tuple(
        scene.view(hub, f"model/o/m{n}", Cause.MODEL_MISSING if n == 900 else Cause.OK)
        for n in range(1000)
    )
    card = page_of(scene.snapshot(scene.settings(hub), views)).accounts[0]
    assert [m.name for m in card.models][-1] == "o/m900"
    assert card.models_hidden == 1000 - len(card.models)


def test_of_a_thousand_incidents_the_critical_one_is_seen() -> None:
    kie = scene.account("kie")
    found = tuple(
        scene.incident(f"rule-{n}", kie, "kie/balance",
                       Severity.CRITICAL if n == 999 else Severity.INFO) for n in range(1000)
    )  # fmt: skip
    view = scene.view(kie, "balance", balance=1)
    page = page_of(scene.snapshot(scene.settings(kie), (view,), incidents=found))
    assert page.incidents[0].alert == "rule-999"
    assert (page.incidents_cap.total, page.incidents_cap.hidden) == (1000, 940)


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(1, 10))
def test_what_is_left_out_is_never_worse_than_what_is_shown(items: list[int], limit: int) -> None:
    numbered = list(enumerate(items))
    kept, cap = capped(numbered, limit, lambda item: item[1])
    left = [item for item in numbered if item not in kept]
    assert len(left) == cap.hidden
    assert list(kept) == sorted(kept)
    assert not left or min(b for _, b in kept) >= max(b for _, b in left)


# -- what a browser does with it ------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/services"])
@pytest.mark.parametrize("snapshot", [scene.story, hostile, lambda: scene.many(5, models=3)])
async def test_the_html_is_well_formed_and_needs_nothing_from_elsewhere(
    snapshot: Callable[[], Snapshot], path: str
) -> None:
    reader = Reader(await shown(snapshot(), path))
    for tag, attributes in reader.tags:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "href", "action"):
            link = attributes.get(name) or ""
            assert not re.match(r"(?i)[a-z]+:|//|/", link), link
    assert [a for t, a in reader.tags if t == "script"] == [
        {"src": "static/live.js", "defer": None}
    ]
    assert "style" not in [t for t, _ in reader.tags]
    html = next(a for t, a in reader.tags if t == "html")
    assert html == {"lang": "en"}


async def test_hostile_names_are_shown_and_do_nothing() -> None:
    for path in ("/", "/services"):
        text = await shown(hostile(), path)
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


async def test_the_page_works_without_a_script() -> None:
    text = await shown(scene.story())
    assert '<noscript><meta http-equiv="refresh" content="30"></noscript>' in text
    assert "balance over the last 9 days" in text


async def test_pictures_tables_and_meters_have_names_for_those_who_do_not_see_them() -> None:
    reader = Reader(await shown(scene.story()))
    labelled = {t: a for t, a in reader.tags if t in ("svg", "meter")}
    assert labelled["svg"]["role"] == "img"
    assert all(a.get("aria-label") for a in labelled.values())
    ids = {a["id"] for _, a in reader.tags if "id" in a}
    for _, attributes in reader.tags:
        if "aria-labelledby" in attributes:
            assert attributes["aria-labelledby"] in ids
    heads = [a for t, a in reader.tags if t == "th"]
    assert heads
    assert all(a.get("scope") in ("col", "row") for a in heads)


def _luminance(colour: str) -> float:
    def channel(part: str) -> float:
        share = int(part, 16) / 255
        return share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4

    full = colour if len(colour) == 7 else "#" + "".join(c * 2 for c in colour[1:])
    red, green, blue = (channel(full[i : i + 2]) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "colour", ["ink", "faint", "ok", "warning", "critical", "unknown", "past"]
)
def test_every_colour_of_text_is_readable_in_both_schemes(scheme: str, colour: str) -> None:
    style = (STATIC / "page.css").read_text()
    light, dark = style.split("@media (prefers-color-scheme: dark)")[:2]
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-fA-F]{3,6})\b", light))
    if scheme == "dark":
        found |= dict(re.findall(r"--([\w-]+): (#[0-9a-fA-F]{3,6})\b", dark.split("* {")[0]))
    grounds = ["ground", "card"] + ([f"{colour}-ground"] if f"{colour}-ground" in found else [])
    for ground in grounds:
        a, b = sorted((_luminance(found[colour]), _luminance(found[ground])))
        assert (b + 0.05) / (a + 0.05) >= 4.5, (colour, ground)


# -- the customers' page --------------------------------------------------------------------


async def test_customers_see_services_and_their_words_and_nothing_of_ours() -> None:
    reader = Reader(await shown(scene.story(), "/services"))
    for words in ("video-generation", "degraded", "Your credits are safe.", "chat", "music"):
        assert words in reader.text
    raw = (await shown(scene.story(), "/services")).lower()
    for secret in ("kie", "hugging", "openrouter", "router", "5916", "runway", "burn", "sora",
                   "stable-diffusion", "incident", "key", "api/v1", "monitor"):  # fmt: skip
        assert secret not in raw.replace("your credits are safe", ""), secret


@pytest.mark.parametrize(
    ("statuses", "worst"),
    [("", "unknown"), ("up up", "up"), ("up unknown", "unknown"), ("unknown degraded", "degraded"),
     ("degraded down up", "down")],
)  # fmt: skip
def test_the_headline_for_customers_is_the_worst_of_their_services(
    statuses: str, worst: str
) -> None:
    services = [ServiceState(f"s{n}", ServiceStatus(s)) for n, s in enumerate(statuses.split())]
    assert services_page(services, NOW).status == worst


# -- the drawing ----------------------------------------------------------------------------


def drawn(points: tuple[tuple[object, float], ...] | None = None, **more: object) -> Chart:
    facts = {"now": NOW, "floor": 135.0, "outlook": BURNING, **more}
    made = chart(scene.falling() if points is None else points, **facts)  # type: ignore[arg-type]
    assert made is not None
    return made


def coordinates(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in path.split())]


def test_a_top_up_is_marked_where_it_happened_and_burning_is_not() -> None:
    (rise,) = drawn().rises
    assert rise.words == "+4979.25"
    assert (rise.x, rise.y) in coordinates(drawn().line)


@pytest.mark.parametrize("box", [WIDE, NARROW], ids=["wide", "narrow"])
def test_of_top_ups_close_together_all_are_marked_and_no_words_stand_over_others(box: Box) -> None:
    points = [(NOW - timedelta(hours=12 - n / 2), 1000 + n % 2 * 500 + n * 100) for n in range(24)]
    made = drawn(tuple(points), floor=1400.0, box=box)
    assert len(made.rises) == 12
    told = [rise for rise in made.rises if rise.told]
    assert len(told) >= 3
    for a, b in combinations(told, 2):
        assert abs(a.x - b.x) >= 7 * len(a.words) or abs(a.y - b.y) >= 12 or a.anchor != b.anchor
    assert not [r for r in told if r.x < 100 and abs(r.y - (made.floor_y or 0)) < 10]


def test_the_forecast_opens_from_now_between_its_percentiles_down_to_the_floor() -> None:
    made = drawn()
    band, median = coordinates(made.band), coordinates(made.median)
    assert band[0] == median[0] == coordinates(made.line)[-1]
    assert band[0][0] == made.now_x
    assert made.floor_y in {y for _, y in band}
    assert all(made.now_x <= x <= made.right for x, _ in band + median)


def test_a_median_lies_within_its_band_at_every_hour() -> None:
    made = drawn()
    ends = coordinates(made.median)
    reach = next(x for x, y in ends if y == made.floor_y)
    floor_reached = [x for x, y in coordinates(made.band) if y == made.floor_y]
    assert min(floor_reached) < reach


def test_an_endless_forecast_runs_level_to_the_edge() -> None:
    inf = math.inf
    made = drawn(outlook=Outlook(0.0, inf, inf, inf, inf))
    start, end = coordinates(made.median)
    assert start[1] == end[1]
    assert end[0] == made.right


@pytest.mark.parametrize(
    "outlook", [None, Outlook(None, None, None, None, None), Outlook(9, 0, 0, 0, 0)]
)
def test_nothing_is_foretold_where_nothing_is_known_or_left(outlook: Outlook | None) -> None:
    made = drawn(outlook=outlook)
    assert (made.band, made.median) == ("", "")


def test_under_the_floor_nothing_is_foretold() -> None:
    points = ((NOW - timedelta(hours=2), 140.0), (NOW, 100.0))
    assert drawn(points).band == ""


def test_two_points_make_a_drawing_and_one_does_not() -> None:
    one = ((NOW - timedelta(hours=1), 5.0),)
    assert chart(one, now=NOW, floor=0.0, outlook=None) is None
    assert drawn((*one, (NOW, 4.0)), floor=0.0).floor_y is None


def test_a_drawing_of_very_many_points_stays_small_and_loses_no_dip_and_no_peak() -> None:
    start = NOW - timedelta(days=7)
    points = [(start + timedelta(minutes=n), 1000.0 - n / 100) for n in range(10_000)]
    points[5000] = (points[5000][0], 0.0)
    points[6000] = (points[6000][0], 9000.0)
    made = drawn(tuple(points))
    ys = {y for _, y in coordinates(made.line)}
    assert len(made.line.split()) < 300
    assert max(ys) == WIDE.height - WIDE.bottom  # the dip, on the ground
    assert min(ys) < 40  # the peak


def test_what_is_older_than_a_fortnight_or_not_yet_is_not_drawn() -> None:
    old = (NOW - timedelta(days=15), 1e9)
    ahead = (NOW + timedelta(hours=1), 1e9)
    assert drawn((old, *scene.falling(), ahead)).words == drawn().words


def test_the_drawing_is_told_in_a_sentence() -> None:
    words = "balance over the last 9 days: from 9880.25 to 5916.25, lowest 5419"
    assert drawn().words.startswith(words)
    assert drawn().words.endswith(
        "floor 135, forecast to reach it in about 4 days (P10) to about 11 days (P90)"
    )
    assert drawn(outlook=None).words.endswith("floor 135")


@pytest.mark.parametrize("box", [WIDE, NARROW], ids=["wide", "narrow"])
@given(
    st.lists(st.tuples(st.floats(0, 400), st.floats(-1e12, 1e12)), max_size=40),
    st.floats(0, 1e9),
    st.one_of(st.none(), st.lists(st.floats(0, math.inf), min_size=4, max_size=4).map(sorted)),
)
def test_whatever_the_balance_did_the_drawing_stays_in_its_frame(
    box: Box, ages: list[tuple[float, float]], floor: float, hours: list[float] | None
) -> None:
    points = sorted((NOW - timedelta(hours=age), value) for age, value in ages)
    outlook = Outlook(1.0, *hours) if hours else None
    made = chart(points, now=NOW, floor=floor, outlook=outlook, box=box)
    if made is None:
        return
    found = [
        p for path in (made.line, made.area, made.band, made.median) for p in coordinates(path)
    ]
    found += [(r.x, r.y) for r in made.rises] + [(x, 0) for x, _ in made.ticks_x]
    found += [(0, y) for y, _ in made.ticks_y]
    assert all(0 <= x <= box.width and 0 <= y <= box.height for x, y in found)
    assert len(made.ticks_x) <= 12
    assert len(made.ticks_y) <= 8


async def test_a_maintenance_window_is_shown_and_has_nothing_to_end_it_by() -> None:
    window = Window(
        "backup",
        ("kie/*",),
        UTC,
        once=(scene.NOW - timedelta(hours=1), scene.NOW + timedelta(hours=1)),
    )
    config = replace(scene.story().settings, maintenance=(window,))
    planned_ones = planned(config.maintenance, scene.NOW)
    page = await shown(replace(scene.story(), settings=config, silences=planned_ones))
    assert "backup" in page
    assert "nobody is told until" in page
    assert "monitor unsilence maintenance-" not in page
