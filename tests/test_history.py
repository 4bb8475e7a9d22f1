"""`monitor history`: what the store knows of a balance, beside the running daemon."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from living import config, daemon, monitor, world_in_thread

from monitor.cli.drawing import Ahead, Scene, bar, chart, in_ascii, legend, painter
from monitor.cli.report import report
from monitor.core.book import Book
from monitor.core.days import History, first_of_month, history, midnight
from monitor.core.hours import Hour, hour_of
from monitor.core.model import Outlook, Sample, TargetRecord
from monitor.core.past import Past, document, ends_at, past
from monitor.store import Batch
from monitor.store.sqlite import SqliteStore

MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
CONFIG = """
accounts:
  kie:
    key: ${KIE_API_KEY}
    jobs: {video: 135}
    floor: 135
database: monitor.db
"""


def configured(folder: Path) -> Path:
    path = folder / "config.yaml"
    path.write_text(CONFIG)
    return path


def stored(
    folder: Path,
    samples: Sequence[Sample],
    target: str = "kie/balance",
    hours: Sequence[Hour] = (),
) -> None:
    record = TargetRecord(target, None, unit="credits")

    async def write() -> None:
        store = SqliteStore(folder / "monitor.db")
        batch = Batch(targets=(record,), samples=tuple((target, s) for s in samples))
        await store.commit(replace(batch, hours=tuple((target, h) for h in hours)))
        await store.close()

    asyncio.run(write())


def course(balances: Sequence[object], hours: float, start: datetime) -> list[Sample]:
    return [
        Sample(start + timedelta(hours=hours * n), Decimal(str(b))) for n, b in enumerate(balances)
    ]


def lately() -> list[Sample]:
    """Three days up to now: a steady burn and one top-up."""
    now = datetime.now(UTC)
    balances = [2000 - 25 * n + (5000 if n >= 40 else 0) for n in range(72)]
    return course(balances, 1, now - timedelta(hours=71))


@pytest.fixture
def kie(tmp_path: Path) -> Path:
    stored(tmp_path, lately())
    return configured(tmp_path)


def test_json_has_samples_days_and_totals_that_add_up(kie: Path) -> None:
    result = monitor(kie, "history", "kie/balance", "--format", "json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["target"], found["unit"], found["floor"]) == ("kie/balance", "credits", 135)
    assert len(found["samples"]) == 72
    assert found["samples"][0]["balance"] == 2000
    assert datetime.fromisoformat(found["samples"][0]["at"]).tzinfo is not None
    assert found["total"] == {"spent": 1750, "topped_up": 4975, "refunded": 0, "adjusted": 0}
    assert found["start"] - 1750 + 4975 == found["end"]
    assert sum(d["spent"] for d in found["days"]) == 1750
    assert sum(d["topped_up"] for d in found["days"]) == 4975
    assert 3 <= len(found["days"]) <= 4
    assert set(found["days"][0]) >= {"day", "spent", "topped_up", "refunded"}
    assert (found["timezone"], found["hours"]) == ("UTC", [])


def test_json_has_the_forecast_with_its_ends_and_the_pattern(kie: Path) -> None:
    found = json.loads(monitor(kie, "history", "kie/balance", "--format", "json").stdout)
    ahead = found["forecast"]
    assert ahead["burn_per_hour"] == pytest.approx(25, rel=0.1)
    at = datetime.fromisoformat(ahead["at"])
    for name in ("p10", "p25", "p50", "p90"):
        end = at + timedelta(hours=ahead["runway_hours"][name])
        assert abs(datetime.fromisoformat(ahead["ends_at"][name]) - end) <= timedelta(seconds=10)
    drawn = found["pattern"]
    assert len(drawn["by_hour"]) == 24
    assert drawn["by_hour"][12] == pytest.approx(25, abs=9)
    assert drawn["since_top_up"]["amount"] == 4975
    assert drawn["since_top_up"]["spent"] == 31 * 25
    assert sum(m["spent"] for m in drawn["months"]) == 1750


def test_since_cuts_the_samples_and_what_was_before_is_not_spent(kie: Path) -> None:
    result = monitor(kie, "history", "kie/balance", "--since", "10h30m", "--format", "json")
    found = json.loads(result.stdout)
    assert len(found["samples"]) == 11
    assert found["total"]["spent"] == 11 * 25  # from where the balance stood before


def test_csv_is_at_and_balance(kie: Path) -> None:
    result = monitor(kie, "history", "kie/balance", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert list(rows[0]) == ["at", "balance"]
    assert [r["balance"] for r in rows[:2]] == ["2000", "1975"]
    assert rows[0]["at"].endswith("Z")
    assert "\r" not in result.stdout


@pytest.mark.parametrize(
    ("by", "shape"),
    [("hour", "%Y-%m-%dT%H:%M:%SZ"), ("day", "%Y-%m-%d"), ("month", "%Y-%m")],
)
def test_csv_by_a_span_is_what_went_in_it(kie: Path, by: str, shape: str) -> None:
    result = monitor(kie, "history", "kie/balance", "--format", "csv", "--by", by)
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert list(rows[0]) == ["at", "spent", "refunded", "topped_up", "adjusted"]
    assert sum(float(r["spent"]) for r in rows) == 1750
    assert sum(float(r["topped_up"]) for r in rows) == 4975
    times = [datetime.strptime(r["at"], shape) for r in rows]  # noqa: DTZ007 - its order is asked
    assert times == sorted(set(times))


def test_days_are_those_of_the_time_zone_asked_for(tmp_path: Path) -> None:
    start = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    stored(tmp_path, course([1000, 900, 800, 700], 1, start - timedelta(days=2)))
    path = configured(tmp_path)
    east = ("history", "kie/balance", "--format", "json", "--timezone", "Pacific/Kiritimati")
    found = json.loads(monitor(path, *east).stdout)  # 14 hours ahead
    day = (start - timedelta(days=1)).date().isoformat()
    assert found["timezone"] == "Pacific/Kiritimati"
    assert [(d["day"], d["spent"]) for d in found["days"]] == [(day, 300)]
    path.write_text(CONFIG + "timezone: Pacific/Pago_Pago\n")
    found = json.loads(monitor(path, "history", "kie/balance", "--format", "json").stdout)
    day = (start - timedelta(days=2)).date().isoformat()
    assert [d["day"] for d in found["days"]] == [day]


def test_text_draws_the_balance_and_marks_top_ups(kie: Path) -> None:
    result = monitor(kie, "history", "kie/balance", COLUMNS="80", PYTHONUTF8="1")
    assert result.returncode == 0, result.stderr
    assert any(0x2800 < ord(c) <= 0x28FF for c in result.stdout)
    assert "▲ 4975" in result.stdout
    assert "▲ topped up" in result.stdout
    assert "░ forecast, P10 to P90" in result.stdout
    assert "spent by weekday and hour (UTC)" in result.stdout
    assert "by 4975 credits" in result.stdout
    assert "█" in result.stdout
    assert "1750 spent" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "\x1b" not in result.stdout


def test_colour_is_shown_only_where_it_is_wanted(kie: Path) -> None:
    wanted = monitor(kie, "history", "kie/balance", FORCE_COLOR="1", PYTHONUTF8="1")
    refused = monitor(kie, "history", "kie/balance", FORCE_COLOR="1", NO_COLOR="1")
    assert "\x1b[32m" in wanted.stdout
    assert "\x1b" not in refused.stdout


def test_a_terminal_that_knows_ascii_alone_breaks_nothing(kie: Path) -> None:
    result = monitor(kie, "history", "kie/balance", PYTHONIOENCODING="ascii")
    assert result.returncode == 0, result.stderr
    assert "1750 spent" in result.stdout
    assert "?" not in result.stdout
    assert "*" in result.stdout


def test_nothing_read_within_is_said(tmp_path: Path) -> None:
    stored(tmp_path, course([5000, 4000], 1, datetime.now(UTC) - timedelta(days=30)))
    path = configured(tmp_path)
    text = monitor(path, "history", "kie/balance")
    assert (text.returncode, "nothing was read within 7d" in text.stdout) == (0, True)
    found = json.loads(monitor(path, "history", "kie/balance", "--format", "json").stdout)
    assert (found["samples"], found["days"], found["total"]) == ([], [], None)


def test_an_account_the_config_no_longer_has_is_read_too(kie: Path) -> None:
    stored(kie.parent, lately(), "gone/balance")
    result = monitor(kie, "history", "gone/balance", "--format", "json")
    assert result.returncode == 0, result.stderr
    assert len(json.loads(result.stdout)["samples"]) == 72


REFUSED = [
    (("kie/balanse",), "did you mean kie/balance?"),
    (("kie/key",), "kie/balance"),
    (("nobody/balance",), "kie/balance"),
    (("kie/balance", "--since", "long"), "--since"),
    (("kie/balance", "--format", "xml"), "xml"),
    (("kie/balance", "--by", "day"), "only with --format csv"),
    (("kie/balance", "--timezone", "Europe/Berln"), "did you mean Europe/Berlin?"),
    (("kie/balance", "--timezone", "../../etc/passwd"), "is no time zone"),
    ((), "TARGET"),
]


@pytest.mark.parametrize(("words", "why"), REFUSED, ids=str)
@pytest.mark.parametrize("with_store", [True, False])
def test_wrong_usage_is_64_and_names_what_there_is(
    tmp_path: Path, words: tuple[str, ...], why: str, with_store: bool
) -> None:
    if with_store:
        stored(tmp_path, lately())
    result = monitor(configured(tmp_path), "history", *words)
    assert result.returncode == 64
    assert why in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_no_database_is_65_and_none_is_made(tmp_path: Path) -> None:
    result = monitor(configured(tmp_path), "history", "kie/balance")
    assert result.returncode == 65
    assert "database" in result.stderr
    assert not (tmp_path / "monitor.db").exists()


def test_it_reads_beside_the_running_daemon(tmp_path: Path) -> None:
    with world_in_thread() as world:
        path = config(world, tmp_path)
        with daemon(path) as living:

            def read() -> bool:
                result = monitor(path, "history", "kie/balance", "--format", "json")
                return result.returncode == 0 and len(json.loads(result.stdout)["samples"]) >= 2

            living.until(read)
            assert living.stop() == 0


# -- samples and the hours before them ------------------------------------------------------


def folded(samples: Sequence[Sample]) -> list[Hour]:
    """The hours of samples, as they are kept."""
    found = history("x", samples, a_book(), since=samples[0].at - timedelta(days=1))
    return list(found.hours)


def month_of_burning() -> list[Sample]:
    """30 days up to now, 25 an hour, twice topped up, every 20 minutes."""
    now = datetime.now(UTC).replace(microsecond=0)
    steps = 30 * 72
    balances = [20000 - 25 * (n // 3) + 5000 * (n // 800) for n in range(steps)]
    return course(balances, 1 / 3, now - timedelta(hours=(steps - 1) / 3))


def test_hours_fill_in_where_the_samples_are_gone_and_nothing_counts_twice(
    tmp_path: Path,
) -> None:
    samples = month_of_burning()
    hours, kept = folded(samples), samples[-500:]
    stored(tmp_path, kept, hours=hours)
    path = configured(tmp_path)
    asked = ("history", "kie/balance", "--since", "60d", "--format", "json")
    found = json.loads(monitor(path, *asked).stdout)
    whole = history("x", samples, a_book(), since=samples[0].at - timedelta(days=1)).total
    assert whole is not None
    assert found["total"]["spent"] == whole.spent
    assert found["total"]["topped_up"] == whole.topped_up
    assert found["total"]["adjusted"] == 0
    assert (found["start"], found["end"]) == (20000, samples[-1].balance)
    assert sum(d["spent"] for d in found["days"]) == whole.spent
    seam = datetime.fromisoformat(found["samples"][0]["at"])
    last = datetime.fromisoformat(found["hours"][-1]["at"])
    assert last + timedelta(hours=1) <= seam < last + timedelta(hours=2)
    assert found["hours"][0]["low"] <= found["hours"][0]["high"] <= 20000
    text = monitor(path, "history", "kie/balance", "--since", "60d", PYTHONUTF8="1").stdout
    assert f"{len(found['hours'])} hours and {len(found['samples'])} samples" in text


def test_where_the_samples_reach_back_far_enough_no_hour_is_used(tmp_path: Path) -> None:
    samples = month_of_burning()
    stored(tmp_path, samples, hours=folded(samples))
    asked = ("history", "kie/balance", "--since", "7d", "--format", "json")
    found = json.loads(monitor(configured(tmp_path), *asked).stdout)
    assert found["hours"] == []
    assert len(found["samples"]) == 7 * 72


def test_the_pattern_looks_further_back_than_the_chart(tmp_path: Path) -> None:
    samples = month_of_burning()
    stored(tmp_path, samples[-100:], hours=folded(samples))
    asked = ("history", "kie/balance", "--since", "3h", "--format", "json")
    found = json.loads(monitor(configured(tmp_path), *asked).stdout)
    assert len(found["samples"]) == 9
    assert None not in found["pattern"]["by_hour"]
    assert found["pattern"]["since_top_up"]["amount"] > 4900
    whole = history("x", samples, a_book(), since=samples[0].at - timedelta(days=1)).total
    assert whole is not None
    assert sum(m["spent"] for m in found["pattern"]["months"]) == whole.spent


def test_samples_from_before_they_are_asked_for_only_teach_and_hours_stand_for_them() -> None:
    samples = month_of_burning()
    cut = samples[-1].at - timedelta(days=2)
    found = history(
        "x", samples, a_book(), since=samples[0].at - timedelta(days=1),
        kept=folded(samples), samples_from=cut,
    )  # fmt: skip
    assert found.samples[0].at >= cut
    assert found.older[-1].at == hour_of(cut)
    assert_adds_up(found)


def assert_adds_up(found: History) -> None:
    """The law of the ledger, for the whole and for any spans of it."""
    total = found.total
    if total is None:
        assert found.start is None
        assert found.end is None
        return
    assert found.start is not None
    change = total.refunded + total.topped_up + total.adjusted - total.spent
    assert found.start + change == found.end
    for begin_of in (midnight, first_of_month):
        spans = found.by(begin_of)
        assert len({s.at for s in spans}) == len(spans)
        assert sum((s.spent for s in spans), Decimal(0)) == total.spent
        assert sum((s.topped_up for s in spans), Decimal(0)) == total.topped_up


def test_what_an_hour_and_the_next_one_disagree_on_was_adjusted() -> None:
    hours = [
        Hour(MIDNIGHT + timedelta(hours=n), 1, 0, *[Decimal(last)] * 3, spent=Decimal(spent))
        for n, (last, spent) in enumerate([(1000, 10), (900, 100), (950, 20)])
    ]
    found = history("x", [], a_book(), since=MIDNIGHT, kept=hours)
    assert (found.start, found.end) == (1010, 950)
    assert [h.adjusted for h in found.hours] == [0, 0, 70]
    assert_adds_up(found)


def test_what_hours_and_samples_disagree_on_at_the_seam_was_adjusted() -> None:
    last = Decimal(900)
    hours = [Hour(MIDNIGHT + timedelta(hours=n), 1, 0, last, last, last) for n in range(3)]
    samples = course([800, 790, 780], 1, MIDNIGHT + timedelta(hours=2, minutes=30))
    found = history("x", samples, a_book(), since=MIDNIGHT, kept=hours)
    assert (found.start, found.end) == (900, 780)
    assert found.total is not None
    assert (found.total.spent, found.total.adjusted) == (20, -100)
    assert len(found.samples) == 2
    assert_adds_up(found)


def test_the_last_of_several_top_ups_is_the_one_since_which_is_counted() -> None:
    samples = month_of_burning()
    found = history("x", samples, a_book(), since=samples[0].at - timedelta(days=1))
    first, last = found.top_ups
    assert first.at < last.at
    assert first.spent > last.spent == 25 * 186
    assert a_past(found, samples[0].at).pattern.top_up == last


steps = st.lists(
    st.tuples(
        st.integers(1, 5),
        st.one_of(st.none(), st.decimals(-1000, 1000, places=2)),
        st.decimals(0, 500, places=2),
    ),
    max_size=30,
)
balances = st.lists(
    st.one_of(st.none(), st.decimals(-1000, 100000, places=2)), min_size=1, max_size=40
)


@given(steps, balances, st.integers(1, 200), st.integers(-30, 60), st.integers(-20, 90))
def test_whatever_the_hours_say_the_whole_adds_up(
    said: list[tuple[int, Decimal | None, Decimal]],
    values: list[Decimal | None],
    minutes: int,
    offset: int,
    before: int,
) -> None:
    at, kept = MIDNIGHT, []
    for gap, last, spent in said:
        at += timedelta(hours=gap)
        kept.append(Hour(at, 1, int(last is None), last, last, last, spent=spent))
    start = MIDNIGHT + timedelta(hours=offset)
    samples = [Sample(start + timedelta(minutes=minutes * n), v) for n, v in enumerate(values)]
    since = MIDNIGHT + timedelta(hours=before)
    found = history("kie/balance", samples, a_book(), since=since, kept=kept)
    assert_adds_up(found)
    assert not found.samples or not found.older or (
        found.samples[0].at >= found.older[-1].at + timedelta(hours=1)
    )  # fmt: skip
    json.dumps(document(a_past(found, since)), allow_nan=False)


# -- the pure parts -------------------------------------------------------------------------


def a_book() -> Book:
    return Book(floor=Decimal(0), job_max=Decimal(135), planned_burn=Decimal(0))


def a_past(found: History, since: datetime, **more: object) -> Past:
    facts = {"since": since, "now": since + timedelta(days=7), "outlook": None, **more}
    return past(found, (), **facts)  # type: ignore[arg-type]  # a test names fields it knows


def test_a_day_has_what_was_seen_on_it() -> None:
    start = MIDNIGHT - timedelta(hours=2)
    samples = course([1000, 900, 800, 935, 5800, 5700], 1, start)
    found = history("kie/balance", samples, a_book(), since=start - timedelta(seconds=1))
    by_day = [(f"{d.at:%Y-%m-%d}", d.spent, d.refunded, d.topped_up) for d in found.days]
    assert by_day == [
        ("2026-11-19", Decimal(100), Decimal(0), Decimal(0)),
        ("2026-11-20", Decimal(200), Decimal(135), Decimal(4865)),
    ]


def test_what_was_before_since_teaches_but_does_not_count() -> None:
    samples = course([1000, 900, 800, 700], 1, MIDNIGHT)
    found = history("kie/balance", samples, a_book(), since=MIDNIGHT + timedelta(hours=1))
    assert [s.balance for s in found.samples] == [Decimal(800), Decimal(700)]
    assert (found.start, found.end) == (Decimal(900), Decimal(700))
    assert found.total is not None
    assert found.total.spent == 200


@given(balances, st.integers(1, 2000), st.integers(0, 40))
def test_start_and_all_days_together_make_the_end(
    values: list[Decimal | None], minutes: int, before: int
) -> None:
    samples = [Sample(MIDNIGHT + timedelta(minutes=minutes * n), v) for n, v in enumerate(values)]
    since = MIDNIGHT + timedelta(minutes=minutes * before - 1)
    found = history("kie/balance", samples, a_book(), since=since)
    assert_adds_up(found)
    json.dumps(document(a_past(found, since)), allow_nan=False)


@pytest.mark.parametrize(
    ("hours", "ends"),
    [
        (5.0, MIDNIGHT + timedelta(hours=5)),
        (0.0, MIDNIGHT),
        (None, None),
        (math.inf, None),
        (1e12, None),
    ],
)
def test_a_runway_ends_at_a_time_or_not_within_the_calendar(
    hours: float | None, ends: datetime | None
) -> None:
    assert ends_at(hours, MIDNIGHT) == ends


# -- drawn ----------------------------------------------------------------------------------


def is_dots(character: str) -> bool:
    return 0x2800 < ord(character) <= 0x28FF


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.decimals(-(10**6), 10**9, places=2)),
        min_size=1,
        max_size=300,
    ),
    st.integers(1, 400),
    st.decimals(0, 10**6, places=4).map(float),
    st.one_of(
        st.none(),
        st.tuples(*[st.one_of(st.just(math.inf), st.floats(0, 1e9))] * 3).map(sorted),
    ),
)
def test_a_chart_fits_and_is_never_empty(
    values: list[tuple[int, Decimal]], width: int, floor: float, ends: list[float] | None
) -> None:
    points = [(MIDNIGHT + timedelta(seconds=s), float(v)) for s, v in sorted(values)]
    ahead = None if ends is None else Ahead(*ends)
    lines = chart(Scene(points, floor, points[-1][0], (), ahead), width=width)
    assert len(lines) == 12
    assert any(is_dots(c) for line in lines for c in line)
    assert max(map(len, lines)) <= max(width, 70)


def test_a_dip_between_many_points_is_drawn() -> None:
    values = [1000.0] * 5000
    values[2500] = 0.0
    points = [(MIDNIGHT + timedelta(minutes=n), v) for n, v in enumerate(values)]
    lines = chart(Scene(points, 0.0, points[-1][0]), width=80)
    assert any(is_dots(c) for c in lines[9])


def falling(hours: int = 48) -> Scene:
    """100 an hour for two days, topped up after one, and as much again in sight."""
    points = [
        (MIDNIGHT + timedelta(hours=n), 6000.0 - 100 * n + (2000 if n >= 24 else 0))
        for n in range(hours + 1)
    ]
    top_up = MIDNIGHT + timedelta(hours=24)
    return Scene(points, 200.0, points[-1][0], (top_up,), Ahead(20.0, 30.0, 40.0))


def test_the_forecast_stands_right_of_now_between_its_percentiles_and_reaches_the_floor() -> None:
    lines = chart(falling(), width=100)
    body = lines[1:-2]
    (now,) = {line.index("┊") for line in body}
    for line in body:
        assert not any(is_dots(c) for c in line[now:])
        assert not any(c in "░▒" for c in line[:now])
        shades = [c for c in line[now + 1 :] if c in "░▒"]
        assert "".join(shades).strip("░").replace("▒", "") == ""  # P50 lies within
    assert body[-1].rstrip().endswith("▒")
    assert any("▒" in line for line in body[:-1])
    assert lines[-1].strip().startswith("2026-11-20 00:00")
    assert lines[-1].index("now") == now


def test_the_median_lies_between_the_edges_of_its_band() -> None:
    body = chart(falling(), width=100, height=20)[1:-2]
    columns = ["".join(c).strip() for c in zip(*[f"{x:<100}" for x in body], strict=True)]
    assert any(c.startswith("░") and "▒" in c and c.endswith("░") for c in columns)


def test_a_balance_of_a_minute_ago_does_not_run_its_beginning_into_now() -> None:
    points = [(MIDNIGHT, 500.0), (MIDNIGHT + timedelta(minutes=1), 500.0)]
    scene = Scene(points, 0.0, points[-1][0], (), Ahead(10.0, 15.0, 26.0))
    assert chart(scene, width=100)[-1].split() == [
        "now,", "2026-11-20", "00:01", "2026-11-21", "00:01",
    ]  # fmt: skip


def test_a_balance_stands_where_it_was_until_now() -> None:
    scene = Scene([(MIDNIGHT, 500.0)], 0.0, MIDNIGHT + timedelta(hours=9))
    assert sum(is_dots(c) for line in chart(scene, width=80) for c in line) >= 70


def test_a_top_up_is_marked_above_the_rise() -> None:
    lines = chart(falling(), width=100)
    at = lines[0].index("▲")
    body = lines[1:-2]
    heights = [
        next(n for n, line in enumerate(body) if is_dots(line[c])) for c in (at - 2, at + 1)
    ]
    assert heights[0] > heights[1]


@pytest.mark.parametrize("scene", [replace(falling(), ahead=None), replace(falling(), floor=9e3)])
def test_nothing_is_foretold_where_nothing_is_known_or_left(scene: Scene) -> None:
    drawn = "".join(chart(scene, width=100))
    assert "░" not in drawn
    assert "┊" not in drawn
    assert "forecast" not in legend(scene, painter(False))


def test_what_never_ends_runs_level_to_the_edge() -> None:
    scene = replace(falling(), ahead=Ahead(math.inf, math.inf, math.inf))
    assert sum("▒" in line for line in chart(scene, width=100)) == 1


def test_in_ascii_each_character_has_one_that_stands_for_it() -> None:
    drawn = "\n".join([*chart(falling(), width=100), legend(falling(), painter(False))])
    assert in_ascii(drawn).isascii()
    assert len(in_ascii(drawn)) == len(drawn)


def said(balances: Sequence[object], width: int = 60, **more: object) -> list[str]:
    """The report of hourly balances up to now."""
    since = MIDNIGHT - timedelta(days=7)
    samples = course(balances, 1, MIDNIGHT - timedelta(hours=len(balances) - 1))
    book = a_book()
    found = history("kie/balance", samples, book, since=since, unit="credits")
    outlook = book.outlook(MIDNIGHT)
    it = a_past(found, since, outlook=outlook, now=MIDNIGHT, **more)
    return list(report(it, "7d", width=width, paint=painter(False)))


COURSES: dict[str, Sequence[object]] = {
    "falling": [9000 - 50 * n for n in range(150)],
    "one": [5000],
    "equal": [5000] * 100,
    "zero": [0] * 30,
    "negative": [100 - 3 * n for n in range(80)],
    "tiny": [Decimal("0.1") - n * Decimal("0.0005") for n in range(150)],
    "topped up": [500 - 5 * n + (9000 if n > 60 else 0) for n in range(90)],
}


@pytest.mark.parametrize("balances", COURSES.values(), ids=COURSES)
@pytest.mark.parametrize("width", [60, 80, 100, 220])
def test_a_report_is_no_wider_than_the_terminal(balances: Sequence[object], width: int) -> None:
    lines = said(balances, width)
    assert max(map(len, lines)) <= width
    assert any(is_dots(c) for line in lines for c in line)
    assert lines[-1].startswith("from ")


def test_a_hundred_days_are_not_listed_one_by_one() -> None:
    samples = course([20000 - 3 * n for n in range(100 * 24)], 1, MIDNIGHT)
    since = MIDNIGHT - timedelta(hours=1)
    found = history("x", samples, a_book(), since=since)
    lines = list(report(a_past(found, since), "200d", width=100, paint=painter(False)))
    assert "  … and 69 days before these" in lines
    assert sum(line.startswith("  ") and line[6:9] == "202" for line in lines) == 31


@pytest.mark.parametrize(
    ("outlook", "words"),
    [
        (Outlook(None, None, None, None, None), "how fast it burns is not known yet"),
        (Outlook(0.0, 900.0, math.inf, math.inf, math.inf), "nothing burns"),
        (Outlook(5.0, 0.0, 0.0, 0.0, 0.0), "nothing is left"),
        (Outlook(5.0, 9, 9, 9, 9), "burns 5 credits an hour, 120 a day"),
        (Outlook(5.0, 9, 9, 9, 9, planned=True), "burns 5 credits an hour, 120 a day (planned)"),
        (Outlook(5.0, 10.0, 30.0, 50.0, 90.0), "used up in about 30 h, 2026-11-21 06:00 (P25)"),
    ],
)
def test_what_is_ahead_is_said_in_words(outlook: Outlook, words: str) -> None:
    samples = course([100, 95], 1, MIDNIGHT - timedelta(hours=1))
    since = MIDNIGHT - timedelta(days=1)
    found = history("x", samples, a_book(), since=since)
    it = a_past(found, since, outlook=outlook, now=MIDNIGHT)
    assert words in list(report(it, "7d", width=100, paint=painter(False)))


BARS = [(0, 10, ""), (10, 10, "████"), (5, 10, "██"), (0.001, 10, "▏"), (-3, 10, ""), (0, 0, "")]


@pytest.mark.parametrize(("value", "most", "drawn"), BARS)
def test_a_bar_is_as_long_as_its_value(value: float, most: float, drawn: str) -> None:
    assert bar(value, most, 4) == drawn
