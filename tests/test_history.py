"""`monitor history`: what the store knows of a balance, beside the running daemon."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from living import config, daemon, monitor, world_in_thread

from monitor.cli.drawing import bar, chart
from monitor.core.book import Book
from monitor.core.days import document, history
from monitor.core.model import Sample, TargetRecord
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


def stored(folder: Path, samples: Sequence[Sample], target: str = "kie/balance") -> None:
    record = TargetRecord(target, None, unit="credits")

    async def write() -> None:
        store = SqliteStore(folder / "monitor.db")
        await store.commit(Batch(targets=(record,), samples=tuple((target, s) for s in samples)))
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


def test_text_draws_the_balance_and_marks_top_ups(kie: Path) -> None:
    result = monitor(kie, "history", "kie/balance", COLUMNS="80", PYTHONUTF8="1")
    assert result.returncode == 0, result.stderr
    assert any(0x2800 < ord(c) <= 0x28FF for c in result.stdout)
    assert "▲ topped up 4975" in result.stdout
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


# -- the pure parts -------------------------------------------------------------------------


def a_book() -> Book:
    return Book(floor=Decimal(0), job_max=Decimal(135), planned_burn=Decimal(0))


def test_a_day_has_what_was_seen_on_it() -> None:
    start = MIDNIGHT - timedelta(hours=2)
    samples = course([1000, 900, 800, 935, 5800, 5700], 1, start)
    found = history("kie/balance", samples, a_book(), since=start - timedelta(seconds=1))
    by_day = [(str(d.day), d.spent, d.refunded, d.topped_up) for d in found.days]
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


balances = st.lists(
    st.one_of(st.none(), st.decimals(-1000, 100000, places=2)), min_size=1, max_size=40
)


@given(balances, st.integers(1, 2000), st.integers(0, 40))
def test_start_and_all_days_together_make_the_end(
    values: list[Decimal | None], minutes: int, before: int
) -> None:
    samples = [Sample(MIDNIGHT + timedelta(minutes=minutes * n), v) for n, v in enumerate(values)]
    since = MIDNIGHT + timedelta(minutes=minutes * before - 1)
    found = history("kie/balance", samples, a_book(), since=since)
    total = found.total
    if total is None:
        assert found.start is None
        assert found.end is None
    else:
        assert found.start is not None
        change = total.refunded + total.topped_up + total.adjusted - total.spent
        assert found.start + change == found.end
        assert len({d.day for d in found.days}) == len(found.days)
    json.dumps(document(found), allow_nan=False)


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.decimals(-(10**6), 10**9, places=2)),
        min_size=1,
        max_size=300,
    ),
    st.integers(1, 200),
    st.decimals(0, 10**6, places=4).map(float),
)
def test_a_chart_fits_and_is_never_empty(
    values: list[tuple[int, Decimal]], width: int, floor: float
) -> None:
    points = [(MIDNIGHT + timedelta(seconds=s), float(v)) for s, v in sorted(values)]
    lines = chart(points, floor=floor, width=width)
    assert len(lines) == 12
    assert any(0x2800 < ord(c) <= 0x28FF for line in lines for c in line)
    assert max(map(len, lines)) <= max(width, 70)


def test_a_dip_between_many_points_is_drawn() -> None:
    values = [1000.0] * 5000
    values[2500] = 0.0
    points = [(MIDNIGHT + timedelta(minutes=n), v) for n, v in enumerate(values)]
    lines = chart(points, floor=0, width=80)
    assert any(0x2800 < ord(c) <= 0x28FF for c in lines[9])


BARS = [(0, 10, ""), (10, 10, "████"), (5, 10, "██"), (0.001, 10, "▏"), (-3, 10, ""), (0, 0, "")]


@pytest.mark.parametrize(("value", "most", "drawn"), BARS)
def test_a_bar_is_as_long_as_its_value(value: float, most: float, drawn: str) -> None:
    assert bar(value, most, 4) == drawn
