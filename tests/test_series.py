"""A balance in another unit begins another series: believed when it lasts, and never mixed."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from house import START, House, kie, rule, settings
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.builtin import BUILTIN, OPTIONAL
from monitor.core.causes import Cause
from monitor.core.document import document
from monitor.core.model import Finding, Sample
from monitor.core.series import Doubt, Series, differs
from monitor.core.settings import Settings
from monitor.exporter import metrics_text
from monitor.history import Archive
from monitor.notifiers._mail import text_of
from monitor.store import Batch, StoreError
from monitor.store.sqlite import SqliteStore

LOW = rule("kie-low", "kie/balance", "balance < 100")
(CHANGED,) = (r for r in BUILTIN if r.name == "unit-changed")
KIE = "kie/balance"


def config(*rules: object, floor: int = 0, **account: object) -> Settings:
    one = kie(floor=Decimal(floor), **{"jobs": {}, **account})
    chosen = rules or (CHANGED, *OPTIONAL)
    return settings((one,), rules=chosen, builtin=False)  # type: ignore[arg-type]


async def read(house: House, text: str, every: float = 300) -> None:
    """`100 USD, 720 CNY, ?`: one probe each; `?` cannot be read."""
    for part in text.split(", "):
        amount, _, unit = part.partition(" ")
        good = (
            Finding(Cause.OK, balance=Decimal(amount), unit=unit or None) if part != "?" else None
        )
        house.script.answers[KIE] = good or Finding(Cause.TIMED_OUT, "no answer")
        await house.probe(after=every)


def cause(house: House) -> Cause | None:
    return house.memory.views[KIE].cause


# -- what is believed -----------------------------------------------------------------------


@pytest.mark.parametrize(("known", "said", "other"), [
    ("USD", "CNY", True), ("USD", "usd", False), (" USD", "USD ", False), (None, "USD", False),
    ("USD", None, False), ("", "USD", False), (None, None, False), ("credits", "tokens", True),
])  # fmt: skip
def test_a_missing_unit_or_another_spelling_is_no_change(
    known: str | None, said: str | None, other: bool
) -> None:
    assert differs(known, said) is other


def believed(text: str, known: str = "U") -> list[int]:
    """The readings (from 1) at which another unit than `known` is believed, if it is read on."""
    doubt, found = Doubt(), []
    for number, said in enumerate(text, 1):
        doubt = doubt.hear(known, said)
        if doubt.run and doubt.believed:
            found.append(number)
            known, doubt = said, doubt.over()
    return found


@pytest.mark.parametrize(("said", "at"), [
    ("UUUCCC", [6]),
    ("CCC", [3]),
    ("CC", []),
    ("CCUCCC", []),
    ("CCUCCCCCC", [9]),
    ("CUCUCUCUCU", []),
    ("CDCDCD", []),
    ("CCDDD", [5]),
    ("CCCUUU", [3]),
    ("CU" + "U" * 48 + "CCC", [53]),
    ("CU" + "U" * 40 + "CCC", []),
])  # fmt: skip
def test_three_in_a_row_are_believed_and_each_run_doubles_what_the_next_one_needs(
    said: str, at: list[int]
) -> None:
    assert believed(said) == at


@given(st.integers(0, 10_000))
def test_two_machines_that_disagree_for_a_week_change_it_hardly_ever(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - no secret
    said = "".join(dice.choice("UC") for _ in range(2016))
    assert len(believed(said)) <= 4


@given(st.text("UCD", max_size=200))
def test_no_run_needs_more_than_24_and_none_is_believed_before_its_third(said: str) -> None:
    doubt = Doubt()
    for unit in said:
        doubt = doubt.hear("U", unit)
        assert 3 <= doubt.needed <= 24
        assert not doubt.believed or doubt.run >= 3
    for _ in range(24):
        doubt = doubt.hear("U", "X")
    assert doubt.believed


# -- what the house makes of it --------------------------------------------------------------


async def test_an_odd_reading_is_not_read_and_never_shown_until_the_third() -> None:
    house = await House(config()).start()
    await read(house, "100 USD, 99 USD")
    for number in (1, 2):
        await read(house, "720 CNY")
        view = house.memory.views[KIE]
        assert cause(house) is Cause.ANSWER_MALFORMED
        assert view.known_balance is None
        assert (view.balance, view.unit) == (Decimal(99), "USD")
        assert "came in CNY, this account's is in USD" in view.summary
        assert f"this is number {number}" in view.summary
        assert 'monitor_balance{account="kie"' not in metrics_text(house.memory.snapshot(START))
    await read(house, "718 CNY")
    view = house.memory.views[KIE]
    assert (cause(house), view.known_balance, view.unit) == (Cause.OK, Decimal(718), "CNY")
    assert house.mail.said == ["notice unit-changed"]


async def test_the_message_names_what_was_written_for_the_old_unit() -> None:
    rules = (CHANGED, LOW, rule("spike", KIE, "burn > 500/h"), rule("far", KIE, "runway < 2d"))
    house = await House(config(*rules, floor=5, jobs={"video": Decimal(2)})).start()
    await read(house, "1200.5 USD, 1199 USD, 8600 CNY, 8600 CNY, 8599 CNY")
    (message,) = [m for m, _ in house.mail.sent]
    assert message.subject == "[WARNING] kie: the balance is counted in CNY, before in USD"
    assert message.what.endswith("It is 8,599 CNY; it was 1,199 USD.")
    assert message.todo == (
        "`balance < 100`, `burn > 500/h`, the floor of 5 and the prices in `jobs` were written"
        " for USD: correct them in the config."
    )
    assert "A new series began at 2026-11-20 10:25 UTC" in message.how_long
    assert "Rule kie-low:" in text_of(message)
    assert "Rule far" not in text_of(message)


@pytest.mark.parametrize(("changes", "says"), [
    ({"floor": 5}, "The floor of 5 was written for USD: correct it in the config."),
    ({"jobs": {"video": Decimal(2)}},
     "The prices in `jobs` were written for USD: correct them in the config."),
    ({}, "Correct the thresholds in `alerts`: one such as `balance < 10000` was written for the"
         " old unit."),
])  # fmt: skip
async def test_the_third_line_says_what_there_is_to_correct(
    changes: dict[str, object], says: str
) -> None:
    house = await House(config(**changes)).start()  # type: ignore[arg-type]
    await read(house, "100 USD, 720 CNY, 720 CNY, 720 CNY")
    assert [m.todo for m, _ in house.mail.sent] == [says]


async def test_old_and_new_are_never_mixed() -> None:
    house = await House(config()).start()
    await read(house, "100 USD, 90 USD, 190 USD, 180 USD, 1300 CNY, 1290 CNY, 1280 CNY, 1270 CNY")
    assert house.mail.said == ["notice topped-up", "notice unit-changed"]
    totals = house.memory.books[KIE].totals
    assert (totals.start, totals.spent, totals.topped_up) == (1280, 10, 0)
    snapshot = house.memory.snapshot(house.clock.now())
    assert [value for _, value in snapshot.history[KIE]] == [1280.0, 1270.0]
    text = metrics_text(snapshot)
    assert 'monitor_balance{account="kie",provider="kie",unit="CNY"} 1270.0' in text
    assert 'monitor_spent_total{account="kie",provider="kie",unit="CNY"} 10.0' in text
    assert "USD" not in text
    (target,) = document(snapshot)["targets"]  # type: ignore[misc]  # a list of one
    assert (target["unit"], target["unit_since"]) == ("CNY", "2026-11-20T10:35:00Z")


async def test_a_change_is_no_top_up_and_the_next_top_up_forgets_the_old_unit() -> None:
    house = await House(config()).start()
    await read(house, "100 USD, 90 USD, 190 USD, 5000 CNY, 5000 CNY, 5000 CNY, 4990 CNY, 9990 CNY")
    assert house.mail.said == ["notice topped-up", "notice unit-changed", "notice topped-up"]
    last = house.mail.sent[-1][0]
    assert last.subject == "[INFO] kie: topped up by 5,000 CNY"
    assert "It is the first top-up that monitor has seen." in last.how_long


async def test_a_leap_in_another_unit_teaches_the_book_nothing_and_is_not_asked_again() -> None:
    house = await House(config()).start()
    await read(house, "100 credits, 99 credits")
    asked = len(house.script.asked)
    await read(house, "5000000 tokens, 0 tokens, 5000000 tokens")
    assert len(house.script.asked) == asked + 3
    assert house.memory.books[KIE].totals.misread == 0
    assert house.memory.views[KIE].known_balance == Decimal(5000000)


async def test_what_alternates_is_told_nobody_and_stays_the_first() -> None:
    house = await House(config()).start()
    await read(house, "100 USD")
    for _ in range(40):
        await read(house, "720 CNY, 99 USD, 720 CNY, 720 CNY, 98 USD")
    assert house.mail.said == []
    assert house.memory.views[KIE].unit == "USD"
    assert house.memory.books[KIE].totals.topped_up == 0


async def test_failures_in_between_neither_add_nor_take_away() -> None:
    house = await House(config()).start()
    await read(house, "100 USD, 720 CNY, ?, 720 CNY, ?, ?, 719 CNY")
    assert house.memory.views[KIE].unit == "CNY"


async def test_a_unit_that_is_left_out_and_a_first_unit_change_nothing() -> None:
    house = await House(config()).start()
    await read(house, "100, 99, 98 USD, 97, 96 usd")
    assert house.mail.said == []
    assert house.memory.books[KIE].totals.spent == 4
    house.script.answers[KIE] = Finding(Cause.CREDITS_EXHAUSTED, "none left", unit="tokens")
    await house.probe(after=300)
    assert house.memory.records[KIE].unit == "usd", "a refusal teaches no unit"


async def test_open_alerts_are_judged_by_the_new_figures_and_pending_ones_begin_anew() -> None:
    low = rule("kie-low", KIE, "balance < 1000")
    slow = rule("kie-slow", KIE, "balance < 200", for_seconds=900.0)
    house = await House(config(CHANGED, low, slow)).start()
    await read(house, "150 USD, 149 USD, 720 CNY, 720 CNY")
    assert house.firing() == {"kie-low": KIE}, "nothing odd opens or closes anything"
    await read(house, "150 CNY")
    since = house.memory.alerts["kie-slow", KIE].since
    assert since == house.clock.now(), "what was pending was pending in USD"
    assert house.memory.incidents[house.memory.alerts["kie-low", KIE].incident].summary == (
        "balance 150 is under 1000"
    )
    await read(house, "1500 CNY")
    assert house.firing() == {}
    assert house.mail.said[-1] == "resolved kie-low"


async def test_a_rule_that_is_off_says_nothing_and_the_series_begins_all_the_same() -> None:
    house = await House(config(LOW)).start()
    await read(house, "1000 USD, 720 CNY, 720 CNY, 720 CNY")
    assert house.mail.said == []
    assert house.memory.views[KIE].unit == "CNY"


# -- over a restart -------------------------------------------------------------------------


async def again(house: House, folder: Path) -> House:
    """The same world after a kill."""
    return await House(
        house.settings,
        store=SqliteStore(folder / "monitor.db"),
        clock=house.clock,
        script=house.script,
        mail=house.mail,
    ).start()


@pytest.mark.parametrize("checkpoint", [True, False])
async def test_samples_of_the_old_unit_are_not_folded_in_at_a_restart(
    tmp_path: Path, checkpoint: bool
) -> None:
    house = await House(config(), store=SqliteStore(tmp_path / "monitor.db")).start()
    await read(house, "100 USD, 90 USD, 80 USD, 720 CNY, 720 CNY, 719 CNY, 718 CNY, 700 CNY")
    totals = house.memory.books[KIE].totals
    trail = house.memory.trails[KIE].points()
    if not checkpoint:
        with contextlib.closing(sqlite3.connect(tmp_path / "monitor.db")) as database:
            database.execute("DELETE FROM checkpoints")
            database.commit()
    house = await again(house, tmp_path)
    assert house.memory.books[KIE].totals == totals
    assert house.memory.trails[KIE].points() == trail
    assert house.memory.views[KIE].unit_since == START + timedelta(seconds=1800)
    await read(house, "690 CNY")
    assert house.mail.said == ["notice unit-changed"]
    await house.pipeline.keeper.close()


async def test_a_checkpoint_of_the_old_unit_is_not_taken_up(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "monitor.db")
    house = await House(config(), store=store).start()
    await read(house, "100 USD, 90 USD")
    await house.pipeline.keeper.flush()
    await store.commit(
        Batch(
            series=(Series(KIE, house.clock.now() + timedelta(seconds=10), "CNY"),),
            samples=((KIE, Sample(house.clock.now() + timedelta(seconds=10), Decimal(700))),),
        )
    )
    house = await again(house, tmp_path)
    assert house.memory.books[KIE].totals.start == 700
    await house.pipeline.keeper.close()


async def test_readings_before_a_restart_count_towards_the_third(tmp_path: Path) -> None:
    house = await House(config(), store=SqliteStore(tmp_path / "monitor.db")).start()
    await read(house, "100 USD, 720 CNY")
    house = await again(house, tmp_path)
    await read(house, "720 CNY")
    house = await again(house, tmp_path)
    await read(house, "719 CNY")
    assert house.mail.said == ["notice unit-changed"]
    assert house.memory.views[KIE].unit == "CNY"
    await house.pipeline.keeper.close()


async def test_whoever_reads_the_samples_gets_those_of_the_present_series(tmp_path: Path) -> None:
    path = tmp_path / "monitor.db"
    house = await House(config(), store=SqliteStore(path)).start()
    await read(house, "100 USD, 90 USD, 720 CNY, 720 CNY, 719 CNY, 718 CNY")
    found: list[Sample] = []
    await Archive(str(path)).each(KIE, found.append, now=house.clock.now())
    assert [s.balance for s in found] == [719, 718]
    with contextlib.closing(sqlite3.connect(path)) as database:
        kept = database.execute("SELECT count(*) FROM samples").fetchone()
        assert kept == (4,), "the old series is kept, and the odd readings are not"
    await house.pipeline.keeper.close()


async def test_an_account_that_is_renamed_takes_its_present_series_along(tmp_path: Path) -> None:
    house = await House(config(), store=SqliteStore(tmp_path / "monitor.db")).start()
    await read(house, "100 USD, 90 USD, 720 CNY, 720 CNY, 719 CNY, 718 CNY")
    target = replace(kie().targets[0].target, account="video")
    renamed = kie(
        name="video", was="kie", jobs={}, floor=Decimal(0),
        targets=(replace(kie().targets[0], target=target),),
    )  # fmt: skip
    house.settings = settings((renamed,), rules=(CHANGED,), builtin=False)
    house = await again(house, tmp_path)
    assert house.memory.books["video/balance"].totals.start == 719
    assert house.memory.views["video/balance"].unit_since == START + timedelta(seconds=1500)
    await house.pipeline.keeper.close()


async def test_a_database_from_before_there_were_series_can_still_be_read(tmp_path: Path) -> None:
    path = tmp_path / "monitor.db"
    house = await House(config(), store=SqliteStore(path)).start()
    await read(house, "100 USD, 90 USD")
    await house.pipeline.keeper.close()
    with contextlib.closing(sqlite3.connect(path)) as database:
        for table in ("notices", "series", "top_ups"):
            database.execute(f"DROP TABLE {table}")
        database.commit()
    found: list[Sample] = []
    await Archive(str(path)).each(KIE, found.append, now=house.clock.now())
    assert len(found) == 2
    assert KIE in await Archive(str(path)).records(house.clock.now())


async def test_a_series_that_a_failing_disk_did_not_take_is_written_later(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "monitor.db")
    house = await House(config(), store=store).start()
    await read(house, "100 USD, 720 CNY, 720 CNY")
    commit = store.commit

    async def full(batch: Batch) -> None:
        raise StoreError("the disk is full")

    store.commit = full  # type: ignore[method-assign]  # the same store on a full disk
    await read(house, "719 CNY")
    assert house.mail.said == ["notice unit-changed"]
    store.commit = commit  # type: ignore[method-assign]
    await read(house, "718 CNY")
    house = await again(house, tmp_path)
    assert house.memory.series[KIE].unit == "CNY"
    assert house.memory.books[KIE].totals.start in (718, 719)
    await house.tell()
    assert house.mail.said == ["notice unit-changed"]
    await house.pipeline.keeper.close()
