"""`monitor plan`: what a planned usage costs, when the balance ends, what to top up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from house import kie
from hypothesis import given
from hypothesis import strategies as st
from living import monitor

from monitor.core.causes import Cause
from monitor.core.model import Finding, Outlook, Reading, Sample, TargetRecord
from monitor.core.plan import (
    Past,
    Plan,
    PlanError,
    PlannedJob,
    Standing,
    parse_planned,
    planned_jobs,
    plans,
    rounded_up,
)
from monitor.store import Batch
from monitor.store.sqlite import SqliteStore

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
PRO = "sora-2-pro-720p-15s"
CONFIG = """
accounts:
  kie:
    key: ${KIE_API_KEY}
    jobs: {sora-2-720p-10s: 25, sora-2-pro-720p-15s: 135, sora-2-pro-1080p-15s: 300}
    usage: {sora-2-pro-720p-15s: 40/day}
database: monitor.db
"""


def configured(folder: Path, text: str = CONFIG) -> Path:
    path = folder / "config.yaml"
    path.write_text(text)
    return path


def read(folder: Path, balance: str, age: timedelta = timedelta(minutes=1)) -> None:
    """The store as a daemon leaves it after one probe."""
    at = datetime.now(UTC) - age
    finding = Finding(Cause.OK, balance=Decimal(balance), unit="credits")
    record = TargetRecord(
        "kie/balance", Reading("kie/balance", at, 0.1, finding), at,
        balance=Decimal(balance), unit="credits",
    )  # fmt: skip

    async def write() -> None:
        store = SqliteStore(folder / "monitor.db")
        await store.commit(Batch(targets=(record,)))
        await store.close()

    asyncio.run(write())


def lived(folder: Path, per_day: float, *, days: float = 8, end: str = "20000") -> None:
    """The store as a daemon leaves it after days of an even burn, read every ten minutes."""
    now = datetime.now(UTC).replace(microsecond=0)
    steps = int(days * 144)
    burned = [round(per_day * n / 144, 2) for n in range(steps + 1)]
    balances = [Decimal(end) + Decimal(str(burned[-1])) - Decimal(str(b)) for b in burned]
    samples = tuple(
        ("kie/balance", Sample(now - timedelta(minutes=10 * (steps - n)), balance))
        for n, balance in enumerate(balances)
    )

    async def write() -> None:
        store = SqliteStore(folder / "monitor.db")
        await store.commit(Batch(samples=samples))
        await store.close()

    read(folder, end)
    asyncio.run(write())


def plan(path: Path, *words: str) -> Mapping[str, object]:
    result = monitor(path, "plan", "--format", "json", *words)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_usage_is_the_default_plan_and_costs_videos_a_day_times_their_price(
    tmp_path: Path,
) -> None:
    path = configured(tmp_path)
    read(tmp_path, "5916.25")
    found = plan(path)
    (account,) = found["accounts"]
    assert found["days"] == 30
    assert account["jobs"] == [
        {"job": PRO, "price": 135, "jobs_per_day": 40, "cost_per_day": 5400, "cost": 162000}
    ]
    assert account["cost_per_day"] == 5400
    assert account["burn_per_hour"] == 225
    assert account["balance"] == 5916.25
    assert account["unit"] == "credits"
    assert account["days_left"] == pytest.approx((5916.25 - 135) / 5400, rel=1e-5)
    left = datetime.fromisoformat(account["ends_at"]) - datetime.fromisoformat(found["at"])
    assert left.total_seconds() == pytest.approx((5916.25 - 135) / 225 * 3600, abs=1)
    assert account["top_up"] == 5400 * 30 + 135 - 5916.25


def test_jobs_that_are_asked_for_replace_the_plan(tmp_path: Path) -> None:
    words = ("--job", f"{PRO}=2/day", "--job", "sora-2-720p-10s=1/h", "--days", "7")
    (account,) = plan(configured(tmp_path), *words)["accounts"]
    assert account["cost_per_day"] == 2 * 135 + 24 * 25
    assert account["needed"] == 7 * (2 * 135 + 24 * 25) + 135


def test_without_a_database_the_balance_is_unknown_and_the_cost_is_not(tmp_path: Path) -> None:
    (account,) = plan(configured(tmp_path))["accounts"]
    unknown = ("balance", "balance_at", "days_left", "ends_at", "top_up")
    assert [account[name] for name in unknown] == [None] * 5
    assert account["needed"] == 162135
    assert not (tmp_path / "monitor.db").exists()


def test_a_database_that_cannot_be_read_is_said_and_the_plan_is_made(tmp_path: Path) -> None:
    path = configured(tmp_path)
    (tmp_path / "monitor.db").write_bytes(b"this is no database at all" * 100)
    result = monitor(path, "plan")
    assert result.returncode == 0
    assert "the balance is unknown: database" in result.stderr
    assert "5400 credits a day" in result.stdout


def test_text_says_cost_end_and_top_up(tmp_path: Path) -> None:
    path = configured(tmp_path)
    read(tmp_path, "5916.25", timedelta(hours=5))
    result = monitor(path, "plan", "--days", "7")
    for words in (
        "kie: 5400 credits a day",
        "40 a day x 135 = 5400",
        "5916.25 credits (read about 5 h ago), floor 135",
        "in about 26 h",
        "for 7 days top up 32019 credits",
    ):
        assert words in result.stdout


# -- beside it: history ---------------------------------------------------------------------


def test_history_stands_beside_the_plan_and_the_plan_is_left_out_of_it(tmp_path: Path) -> None:
    lived(tmp_path, 2880)
    (account,) = plan(configured(tmp_path))["accounts"]
    assert account["cost_per_day"] == 5400
    past = account["history"]
    assert past["days"] == pytest.approx(7, abs=0.01)
    assert past["burned_per_day"] == pytest.approx(2880, rel=0.01)
    assert past["burn_per_hour"] == pytest.approx(120, rel=0.05)
    assert past["runway_hours"]["p50"] == pytest.approx((20000 - 135) / 120, rel=0.1)
    assert past["runway_hours"]["p25"] < past["runway_hours"]["p50"]
    assert account["ends_at"] < past["ends_early_at"] < past["ends_at"]
    assert past["top_up"] == pytest.approx(2880 * 30 + 135 - 20000, rel=0.01)
    assert past["far_off"] is True


def test_a_plan_that_is_far_from_history_is_said(tmp_path: Path) -> None:
    lived(tmp_path, 2880)
    text = monitor(configured(tmp_path), "plan").stdout
    assert "you plan 40 a day, 5400 credits; the last 7 days burned 288" in text
    assert "it ends 20" in text
    assert "as likely as not (P50)" in text
    assert "at a cautious estimate (P25) 20" in text
    assert "for 30 days at that pace top up 6" in text


def test_a_plan_that_history_bears_out_has_no_note(tmp_path: Path) -> None:
    lived(tmp_path, 5400)
    (account,) = plan(configured(tmp_path))["accounts"]
    assert account["history"]["far_off"] is False
    text = monitor(configured(tmp_path), "plan").stdout
    assert "the last 7 days burned" in text
    assert "you plan" not in text


def test_an_account_where_nothing_went_is_far_from_any_plan(tmp_path: Path) -> None:
    lived(tmp_path, 0)
    (account,) = plan(configured(tmp_path))["accounts"]
    assert account["history"]["burned_per_day"] == 0
    assert account["history"]["runway_hours"]["p50"] == "+Inf"
    assert account["history"]["ends_at"] is None
    text = monitor(configured(tmp_path), "plan").stdout
    assert "you plan 40 a day, 5400 credits; the last 7 days burned 0 a day" in text
    assert "it does not end: hardly anything burns" in text


def test_a_plan_of_nothing_never_ends_and_history_still_speaks(tmp_path: Path) -> None:
    lived(tmp_path, 2880)
    text = monitor(configured(tmp_path), "plan", "--job", f"{PRO}=0/day").stdout
    assert "kie: 0 credits a day" in text
    assert "never: the plan spends nothing" in text
    assert "for 30 days nothing has to be topped up" in text
    assert "you plan 0 a day, 0 credits; the last 7 days burned 288" in text


def test_a_balance_under_its_floor_has_ended_by_plan_and_by_history(tmp_path: Path) -> None:
    lived(tmp_path, 2880, end="100")
    (account,) = plan(configured(tmp_path))["accounts"]
    assert account["days_left"] == 0
    assert account["top_up"] == 5400 * 30 + 35
    assert account["history"]["runway_hours"] == {"p10": 0, "p25": 0, "p50": 0, "p90": 0}
    text = monitor(configured(tmp_path), "plan").stdout
    assert "now: it is at its floor or under it" in text
    assert "it has ended: it is at its floor or under it" in text


def test_a_few_hours_are_no_history(tmp_path: Path) -> None:
    lived(tmp_path, 2880, days=0.25)
    (account,) = plan(configured(tmp_path))["accounts"]
    assert account["history"]["burned_per_day"] is None
    assert account["history"]["far_off"] is False
    text = monitor(configured(tmp_path), "plan").stdout
    assert "too short to say: about 6 h watched" in text
    assert "you plan" not in text


def test_a_balance_without_samples_has_no_history(tmp_path: Path) -> None:
    read(tmp_path, "5916.25")
    (account,) = plan(configured(tmp_path))["accounts"]
    assert account["balance"] == 5916.25
    assert account["history"] is None


FAR_OFF = [
    ("100", "100", False), ("149", "100", False), ("151", "100", True), ("100", "149", False),
    ("100", "151", True), ("0", "0", False), ("0", "1", True), ("1", "0", True),
]  # fmt: skip


@pytest.mark.parametrize(("planned", "burned", "far"), FAR_OFF)
def test_half_as_much_again_is_far_off_either_way(planned: str, burned: str, far: bool) -> None:
    past = Past(Outlook(None, None, None, None, None), Decimal(burned) * 7, Decimal(7))
    made = Plan("kie", Decimal(0), (PlannedJob("v", Decimal(1), Decimal(planned)),), 30,
                Standing(Decimal(10), past=past))  # fmt: skip
    assert made.far_off is far


REFUSED = [
    (("--job", "sora-2-pro-72p-15s=4/day"), f"did you mean {PRO}?"),
    (("--job", "dall-e=4/day"), "known jobs: sora-2-720p-10s"),
    (("--job", PRO), "--job: 'sora-2-pro-720p-15s' is not a planned usage"),
    (("--job", f"{PRO}=many/day"), "is not a planned usage"),
    (("--job", f"{PRO}=-4/day"), "is not a planned usage"),
    (("--job", "=4/day"), "is not a planned usage"),
    (("--job", f"{PRO}=1/day", "--job", f"kie/{PRO}=2/day"), "planned twice"),
    (("--job", f"{PRO}=999999999999999/h"), "more than there is money"),
    (("--days", "0"), "--days"),
    (("--days", "soon"), "--days"),
    (("--format", "csv"), "csv"),
]


@pytest.mark.parametrize(("words", "why"), REFUSED, ids=str)
def test_a_plan_that_cannot_be_made_is_64(
    tmp_path: Path, words: tuple[str, ...], why: str
) -> None:
    result = monitor(configured(tmp_path), "plan", *words)
    assert result.returncode == 64
    assert why in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_nothing_planned_names_the_jobs_there_are(tmp_path: Path) -> None:
    usage = "    usage: {sora-2-pro-720p-15s: 40/day}\n"
    result = monitor(configured(tmp_path, CONFIG.replace(usage, "")), "plan")
    assert result.returncode == 64
    assert "nothing is planned" in result.stderr
    assert PRO in result.stderr


def test_no_config_is_78(tmp_path: Path) -> None:
    assert monitor(tmp_path / "none.yaml", "plan").returncode == 78


# -- the pure parts -------------------------------------------------------------------------

RATES = [
    ("video=40/day", "video", "40"),
    ("video=0.5/d", "video", "0.5"),
    ("video=2/h", "video", "48"),
    ("video=280/week", "video", "40"),
    ("kie/video = 3 / day", "kie/video", "3"),
]


@pytest.mark.parametrize(("text", "name", "per_day"), RATES)
def test_a_planned_usage_is_read(text: str, name: str, per_day: str) -> None:
    assert parse_planned(text) == (name, Decimal(per_day))


def test_a_job_of_several_accounts_has_to_be_named_with_its_account() -> None:
    accounts = (kie(), kie(name="kie-eu", jobs={"video": Decimal(150)}))
    with pytest.raises(PlanError, match="kie/video or kie-eu/video"):
        planned_jobs(accounts, [("video", Decimal(1))])
    found = planned_jobs(accounts, [("kie-eu/video", Decimal(2))])
    assert found == {"kie-eu": (PlannedJob("video", Decimal(150), Decimal(2)),)}


def test_accounts_without_a_plan_are_left_out() -> None:
    accounts = (kie(), kie(name="second", usage={"video": Decimal(3)}))
    found = plans(accounts, planned_jobs(accounts), {}, days=1)
    assert [(p.account, p.cost_per_day) for p in found] == [("second", Decimal(405))]


ENDS = [
    ("135", "0", 0.0),
    ("100", "0", 0.0),
    ("-5", "0", 0.0),
    ("405", "2", 2.0),
    (None, None, None),
]


@pytest.mark.parametrize(("balance", "left", "days"), ENDS)
def test_the_balance_ends_at_the_floor_not_at_zero(
    balance: str | None, left: str | None, days: float | None
) -> None:
    standing = Standing(None if balance is None else Decimal(balance))
    made = Plan("kie", Decimal(135), (PlannedJob("v", Decimal(135), Decimal(1)),), 30, standing)
    assert made.days_left == (None if left is None else Decimal(left))
    assert made.ends_at(NOW) == (None if days is None else NOW + timedelta(days=days))


def test_a_plan_that_spends_nothing_never_ends() -> None:
    made = Plan("kie", Decimal(0), (PlannedJob("v", Decimal(5), Decimal(0)),), 30,
                Standing(Decimal(10)))  # fmt: skip
    assert made.days_left == Decimal("Infinity")
    assert made.ends_at(NOW) is None
    assert made.top_up == 0


money = st.decimals(0, 10**6, places=2)


@given(money, money, money, st.decimals(0, 1000, places=3), st.integers(1, 3650))
def test_what_is_topped_up_lasts_for_the_days_and_never_goes_under_the_floor(
    balance: Decimal, floor: Decimal, price: Decimal, per_day: Decimal, days: int
) -> None:
    jobs = (PlannedJob("v", price, per_day),)
    made = Plan("kie", floor, jobs, days, Standing(balance))
    assert made.top_up is not None
    assert made.top_up >= 0
    after = balance + rounded_up(made.top_up) - made.cost_per_day * days
    assert after >= floor
    if made.top_up > 0:
        assert balance + made.top_up - made.cost_per_day * days == floor
