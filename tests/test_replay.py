"""`monitor replay`: recorded history through the present rules, by the real command line."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import tracemalloc
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import zygote
from house import kie, rule
from hypothesis import given
from hypothesis import strategies as st
from living import environment

from monitor.core.builtin import BUILTIN
from monitor.core.model import Sample
from monitor.core.replay import Replay, concerning, document, plain_account
from monitor.core.rules import Rule
from monitor.history import BrokenLine, parse_time, read_lines
from monitor.store import Batch
from monitor.store.sqlite import SqliteStore

START = datetime(2026, 11, 1, tzinfo=UTC)
CONFIG = """
accounts:
  kie:
    key: ${KIE_API_KEY}
    jobs: {sora-2-pro-720p-15s: 135}
    usage: {sora-2-pro-720p-15s: 40/day}
    balance: {interval: 5m}
alerts:
  - {name: kie-credits-low, on: kie/balance, when: balance < 10000, clear: balance >= 12000}
  - {name: unreachable, on: kie/balance, when: failures >= 2, severity: info}
database: monitor.db
"""


def samples(
    balances: Iterable[object], minutes: float = 5, start: datetime = START
) -> list[Sample]:
    return [
        Sample(start + timedelta(minutes=minutes * n), None if b is None else Decimal(str(b)))
        for n, b in enumerate(balances)
    ]


def lines(found: Iterable[Sample]) -> str:
    return "".join(
        json.dumps(
            {"at": s.at.isoformat(), "balance": None if s.balance is None else float(s.balance)}
        )
        + "\n"
        for s in found
    )


def run(folder: Path, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return zygote.run(words, environment(folder), cwd=str(folder), stdin=stdin)


def replayed(folder: Path, found: Iterable[Sample], *words: str) -> dict[str, object]:
    path = folder / "trace.jsonl"
    path.write_text(lines(found))
    result = run(folder, "replay", str(path), "--format", "json", *words)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout, parse_constant=lambda word: pytest.fail(word))


def fired(found: dict[str, object]) -> list[tuple[str, bool]]:
    """Alert, and whether it is still open."""
    return [(a["alert"], a["closed"] is None) for a in found["alerts"]]


def configured(folder: Path) -> Path:
    (folder / "config.yaml").write_text(CONFIG)
    return folder


def falling(count: int, start: float = 20000, by: float = 45) -> list[float]:
    return [max(0.0, start - by * n) for n in range(count)]


# -- the document ---------------------------------------------------------------------------


def test_without_any_config_the_built_in_rules_and_floor_0_apply(tmp_path: Path) -> None:
    found = replayed(tmp_path, samples(falling(400)))
    assert found["target"] is None
    assert found["floor"] == 0
    assert found["samples"] == 400
    assert (found["from"], found["to"]) == ("2026-11-01T00:00:00Z", "2026-11-02T09:15:00Z")
    assert found["balance"] == 20000 - 45 * 399
    assert found["spent"] == 45 * 399
    assert found["burn_per_hour"] == pytest.approx(540, rel=0.1)
    assert ("runway-short", True) in fired(found)
    assert ("runway-critical", True) in fired(found)
    assert set(found["runway_hours"]) == {"p10", "p25", "p50", "p90"}


def test_with_target_the_configs_floor_rules_and_plan_apply(tmp_path: Path) -> None:
    found = replayed(configured(tmp_path), samples([5000]), "--target", "kie/balance")
    assert found["target"] == "kie/balance"
    assert found["floor"] == 135
    assert found["burn_per_hour"] == 225
    assert found["runway_hours"]["p50"] == pytest.approx((5000 - 135) / 225, rel=0.01)
    assert fired(found) == [("kie-credits-low", True)]


def test_without_target_a_config_that_is_there_is_not_even_read(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("nonsense: [")
    found = replayed(tmp_path, samples([5000, 4990]))
    assert found["floor"] == 0
    assert found["alerts"] == []


def test_secrets_are_not_needed(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG.replace("KIE_API_KEY", "NO_SUCH_VARIABLE"))
    assert replayed(tmp_path, samples([5000]), "--target", "kie/balance")["floor"] == 135


def test_at_or_under_the_floor_all_of_the_runway_is_0(tmp_path: Path) -> None:
    found = replayed(
        configured(tmp_path), samples([500, 365, 230, 135]), "--target", "kie/balance"
    )
    assert found["runway_hours"] == {"p10": 0, "p25": 0, "p50": 0, "p90": 0}


def test_what_does_not_burn_lasts_without_end(tmp_path: Path) -> None:
    found = replayed(tmp_path, samples([5000] * 50, minutes=60))
    assert found["burn_per_hour"] == 0
    assert found["runway_hours"]["p50"] == "+Inf"
    assert found["runway_hours"]["p90"] == "+Inf"


def test_what_was_never_read_is_null_and_raises_its_own_alert(tmp_path: Path) -> None:
    found = replayed(tmp_path, samples([None, None, None, None]))
    assert found["balance"] is None
    assert found["runway_hours"] is None
    assert found["burn_per_hour"] is None
    assert fired(found) == [("balance-unreadable", True)]


def test_a_top_up_is_no_burn_and_a_misread_value_opens_nothing(tmp_path: Path) -> None:
    trace = [*falling(100, 9000, 25), 0, *falling(100, 16500, 25)]
    found = replayed(tmp_path, samples(trace))
    assert found["misread"] == 1
    assert found["spent"] == 25 * 99 * 2
    assert found["topped_up"] == 16500 - (9000 - 25 * 99)
    assert ("credits-exhausted", False) not in fired(found)
    assert ("credits-exhausted", True) not in fired(found)


def test_alerts_open_and_close_at_the_time_of_their_sample(tmp_path: Path) -> None:
    trace = [12500, 9990, 9900, 11000, 12000, 12100]
    found = replayed(configured(tmp_path), samples(trace), "--target", "kie/balance")
    low = next(a for a in found["alerts"] if a["alert"] == "kie-credits-low")
    assert low == {
        "alert": "kie-credits-low",
        "severity": "warning",
        "opened": "2026-11-01T00:05:00Z",
        "closed": "2026-11-01T00:20:00Z",
    }


def test_an_unread_probe_closes_nothing_and_counts_as_a_failure(tmp_path: Path) -> None:
    trace = [9000, None, None, None, 8990]
    found = replayed(configured(tmp_path), samples(trace), "--target", "kie/balance")
    assert fired(found) == [
        ("kie-credits-low", True),
        ("unreachable", False),
        ("balance-unreadable", False),
    ]


def test_now_is_at_and_what_comes_later_is_not_known_yet(tmp_path: Path) -> None:
    trace = samples(falling(400))
    early = replayed(tmp_path, trace, "--at", "2026-11-01T12:00:00+01:00")
    assert early["at"] == "2026-11-01T11:00:00Z"
    assert early["samples"] == 11 * 12 + 1
    late = replayed(tmp_path, trace, "--at", "2026-11-02T10:15:00Z")
    last = replayed(tmp_path, trace)
    assert late["runway_hours"]["p50"] == pytest.approx(last["runway_hours"]["p50"] - 1, abs=0.05)


def test_hourly_samples_raise_what_two_readings_in_a_row_raise(tmp_path: Path) -> None:
    """A coarse recording must not let pending alerts lapse between its samples."""
    found = replayed(tmp_path, samples(falling(40, 20000, 540), minutes=60))
    assert "runway-short" in [name for name, _ in fired(found)]


def test_it_says_how_wrong_the_forecasts_were_once_the_balance_has_run_out(
    tmp_path: Path,
) -> None:
    found = replayed(tmp_path, samples(falling(460)))
    (ending,) = found["endings"]
    assert (ending["at"], ending["ended"]) == ("2026-11-02T13:05:00Z", "ran_out")
    assert list(ending["forecasts"]) == ["24h", "12h", "4h"]
    for name, score in ending["forecasts"].items():
        assert score["true_hours"] == pytest.approx(int(name[:-1]), abs=0.75)
        assert score["ratio"] == pytest.approx(score["said_hours"] / score["true_hours"], rel=1e-4)
        assert 0.7 < score["ratio"] < 1.4
    assert ending["warned"] is not None


def test_of_a_top_up_it_says_how_long_the_forecasts_gave_what_was_spent(tmp_path: Path) -> None:
    found = replayed(tmp_path, samples([*falling(200), *falling(200)]))
    (ending,) = found["endings"]
    assert ending["ended"] == "topped_up"
    assert list(ending["forecasts"]) == ["12h", "4h"]  # 24 h before, nothing was watched
    for name, score in ending["forecasts"].items():
        assert 0.7 < score["ratio"] < 1.4
        assert found["forecast_accuracy"][name]["last"]["said_hours"] == score["said_hours"]


def test_text_tells_the_same(tmp_path: Path) -> None:
    (tmp_path / "trace.jsonl").write_text(lines(samples(falling(460))))
    result = run(tmp_path, "replay", "trace.jsonl")
    assert result.returncode == 0
    for words in ("460 samples", "CRITICAL  runway-critical", "still open", "ran out", "warned",
                  "24 h before", "forecasts: 24 h before it ran out on 2026-11-02"):  # fmt: skip
        assert words in result.stdout
    assert "\x1b" not in result.stdout


# -- what is broken -------------------------------------------------------------------------

GOOD = '{"at": "2026-11-01T00:00:00Z", "balance": 1}'
BROKEN = [
    ("nonsense", "JSON"),
    ("[1]", "object"),
    ("null", "object"),
    ('{"at": "2026-11-01T00:00:00Z"}', "missing"),
    ('{"balance": 5}', "missing"),
    ('{"at": 5, "balance": 5}', "'at'"),
    ('{"at": "yesterday", "balance": 5}', "yesterday"),
    ('{"at": "2026-11-01", "balance": 5}', "not a time"),
    ('{"at": "2026-11-01T00:00:00", "balance": 5}', "zone"),
    ('{"at": "2026-02-30T00:00:00Z", "balance": 5}', "no time there is"),
    ('{"at": "0001-01-01T00:00:00+14:00", "balance": 5}', "no time there is"),
    ('{"at": "2026-10-31T23:59:59Z", "balance": 5}', "order"),
    ('{"at": "2026-11-01T00:00:00+01:00", "balance": 5}', "order"),
    ('{"at": "2026-11-01T00:01:00Z", "balance": NaN}', "NaN"),
    ('{"at": "2026-11-01T00:01:00Z", "balance": -Infinity}', "Infinity"),
    ('{"at": "2026-11-01T00:01:00Z", "balance": 1e999}', "1e15"),
    ('{"at": "2026-11-01T00:01:00Z", "balance": 1e99999999999999999999}', "bounds"),
    ('{"at": "2026-11-01T00:01:00Z", "balance": "5"}', "number"),
    ('{"at": "2026-11-01T00:01:00Z", "balance": true}', "number"),
    ('{"at": "2026-11-01T00:01:00Z", "balance": [5]}', "number"),
    ('{"at": "2026-11-01T00:01:00Z", "balance": 5} {}', "JSON"),
    ('{"at": "2026-11-01T00:01:00Z", "balance"', "JSON"),
    ("[" * 60000, "deep"),
    ('{"at": "' + "x" * 70000 + '", "balance": 5}', "longer"),
    ("\udcff", "UTF-8"),
]


@pytest.mark.parametrize(("line", "why"), BROKEN, ids=lambda text: text[:40])
def test_a_broken_line_is_named_with_its_number_and_the_reason(line: str, why: str) -> None:
    text = f"{GOOD}\n\n{line}\n{GOOD}\n".encode("utf-8", "surrogateescape")
    with pytest.raises(BrokenLine) as caught:
        list(read_lines(io.BytesIO(text)))
    assert caught.value.number == 3
    assert why in str(caught.value)


@pytest.mark.parametrize("source", ["-", "trace.jsonl"])
def test_a_broken_line_is_65_and_prints_no_result(tmp_path: Path, source: str) -> None:
    text = f"{GOOD}\nnonsense\n"
    (tmp_path / "trace.jsonl").write_text(text)
    result = run(tmp_path, "replay", source, "--format", "json", stdin=text)
    assert result.returncode == 65
    assert result.stdout == ""
    assert ":2: " in result.stderr
    assert "Traceback" not in result.stderr


def test_a_line_broken_after_now_is_broken_all_the_same(tmp_path: Path) -> None:
    result = run(
        tmp_path, "replay", "-", "--at", "2026-11-01T00:00:00Z", stdin=f"{GOOD}\nnonsense\n"
    )
    assert result.returncode == 65


REFUSED = [
    (("nosuch.jsonl",), 65, "no such file"),
    (("-",), 65, "no samples"),
    ((".",), 65, "directory"),
    (("trace.jsonl", "--at", "yesterday"), 64, "--at"),
    (("trace.jsonl", "--at", "2026-11-01T00:00:00"), 64, "zone"),
    (("trace.jsonl", "--at", "2020-01-01T00:00:00Z"), 64, "--at"),
    (("trace.jsonl", "--format", "csv"), 64, "csv"),
    (("trace.jsonl", "--target", "kie/balanse"), 64, "did you mean kie/balance?"),
    (("trace.jsonl", "--target", "kie/key"), 64, "kie/balance"),
    (("other/balance",), 64, "kie/balance"),
    (("kie/balance",), 65, "database"),
    ((), 64, "FILE|TARGET"),
]


@pytest.mark.parametrize(("words", "code", "why"), REFUSED, ids=str)
def test_what_cannot_be_replayed_is_refused_with_its_code(
    tmp_path: Path, words: tuple[str, ...], code: int, why: str
) -> None:
    (configured(tmp_path) / "trace.jsonl").write_text(GOOD + "\n")
    result = run(tmp_path, "replay", *words)
    assert result.returncode == code
    assert why in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_target_without_any_config_is_78(tmp_path: Path) -> None:
    (tmp_path / "trace.jsonl").write_text(GOOD + "\n")
    assert run(tmp_path, "replay", "trace.jsonl", "--target", "kie/balance").returncode == 78


TIMES = [
    ("2026-11-20T10:31:28Z", "2026-11-20T10:31:28+00:00"),
    ("2026-11-20t10:31:28.5z", "2026-11-20T10:31:28.500000+00:00"),
    ("2026-11-20 10:31:28+01:00", "2026-11-20T09:31:28+00:00"),
    ("2026-11-20T10:31:28.123456789-05:30", "2026-11-20T16:01:28.123456+00:00"),
]


@pytest.mark.parametrize(("text", "at"), TIMES)
def test_every_spelling_of_rfc_3339_is_a_time(text: str, at: str) -> None:
    assert parse_time(text).isoformat() == at


@pytest.mark.parametrize("text", ["", "2026", "20261120T103128Z", "2026-W47-5T10:31:28Z", "now"])
def test_what_is_not_rfc_3339_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        parse_time(text)


# -- the store ------------------------------------------------------------------------------


def stored(folder: Path, target: str, found: list[Sample]) -> None:
    async def write() -> None:
        store = SqliteStore(folder / "monitor.db")
        await store.commit(Batch(samples=tuple((target, s) for s in found)))
        await store.close()

    asyncio.run(write())


def test_a_targets_own_history_is_replayed_from_the_store(tmp_path: Path) -> None:
    trace = samples(falling(400, 20000, 45), start=datetime(2026, 1, 20, tzinfo=UTC))
    stored(configured(tmp_path), "kie/balance", trace)
    result = run(tmp_path, "replay", "kie/balance", "--format", "json")
    assert result.returncode == 0, result.stderr
    from_store = json.loads(result.stdout)
    assert from_store["samples"] == 400
    assert from_store == replayed(tmp_path, trace, "--target", "kie/balance")


def test_what_the_store_holds_was_confirmed_when_it_was_read(tmp_path: Path) -> None:
    """A balance at nothing is told at once: the daemon had asked again before it kept it."""
    trace = samples([5000, 4990, 0])
    stored(configured(tmp_path), "kie/balance", trace)
    result = run(tmp_path, "replay", "kie/balance", "--format", "json")
    assert ("credits-exhausted", True) in fired(json.loads(result.stdout))
    from_file = replayed(tmp_path, trace, "--target", "kie/balance")
    assert ("credits-exhausted", True) not in fired(from_file)


# -- the pure parts -------------------------------------------------------------------------


def through(found: Iterable[Sample], *rules: Rule) -> Replay:
    account = kie()
    replay = Replay(account, account.targets[0], (*BUILTIN, *rules))
    for sample in found:
        replay.step(sample)
    return replay


def test_only_rules_that_a_balance_can_tell_of_are_judged() -> None:
    users = (
        rule("slow", "*", "latency > 5s"),
        rule("mine", "*", "failures >= 3"),
        rule("other", "else/balance", "balance < 5"),
        rule("cause", "*", "cause is timed_out"),
        rule("gone", "*", "unavailable"),
    )
    assert [r.name for r in concerning((*BUILTIN, *users), "kie/balance")] == [
        "credits-exhausted", "runway-short", "runway-critical", "burn-spike",
        "balance-unreadable", "mine", "gone",
    ]  # fmt: skip


def test_nothing_replayed_has_no_now_of_its_own() -> None:
    account = plain_account()
    replay = Replay(account, account.targets[0], BUILTIN)
    with pytest.raises(ValueError, match="nothing was replayed"):
        replay.result()


def test_a_pending_alert_lapses_over_an_outage() -> None:
    low = rule("low", "*", "balance < 100", after=2)
    before, after = samples([500, 400, 90]), samples([80], start=START + timedelta(days=2))
    opened = through([*before, *after], low).result().incidents
    assert "low" not in [i.alert for i in opened]


steps = st.lists(
    st.one_of(
        st.none(),
        st.decimals(-100, 100000, places=2),
        st.sampled_from([Decimal(0), Decimal(-1), Decimal(99999999)]),
    ),
    min_size=1,
    max_size=40,
)


@given(steps, st.integers(1, 4000))
def test_whatever_was_recorded_the_ledger_adds_up_and_the_document_is_strict(
    balances: list[Decimal | None], minutes: int
) -> None:
    found = through(samples(balances, minutes)).result()
    totals = found.totals
    became = totals.start - totals.spent + totals.refunded + totals.topped_up + totals.adjusted
    assert became == totals.end
    made = json.loads(json.dumps(document("kie/balance", found), allow_nan=False))
    assert made["spent"] >= 0
    assert made["burn_per_hour"] is None or made["burn_per_hour"] >= 0
    for incident in found.incidents:
        assert incident.opened_at >= START
        assert incident.closed_at is None or incident.closed_at >= incident.opened_at


@given(steps)
def test_an_alert_has_one_open_incident_at_most(balances: list[Decimal | None]) -> None:
    open_ones = [i.alert for i in through(samples(balances)).result().incidents if i.open]
    assert len(open_ones) == len(set(open_ones))


@given(steps, st.integers(0, 39))
def test_what_came_later_changes_nothing_of_what_was_opened(
    balances: list[Decimal | None], cut: int
) -> None:
    trace = samples(balances)
    whole, part = through(trace).result(), through(trace[: cut + 1]).result()
    opened = [(i.alert, i.opened_at) for i in whole.incidents]
    assert [(i.alert, i.opened_at) for i in part.incidents] == opened[: len(part.incidents)]


def test_a_file_is_streamed_not_held(tmp_path: Path) -> None:
    class Endless(io.RawIOBase):
        """Lines that are made as they are asked for."""

        def __init__(self, count: int) -> None:
            self.lines: Iterator[bytes] = (
                json.dumps({"at": f"{START + timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ}",
                            "balance": 1e9 - n}).encode() + b"\n"
                for n in range(count)
            )  # fmt: skip

        def readline(self, size: int | None = -1, /) -> bytes:
            return next(self.lines, b"")

    account = plain_account()
    replay = Replay(account, account.targets[0], BUILTIN)
    found = read_lines(Endless(6000))  # type: ignore[arg-type]  # all that is asked of it
    for _ in range(1000):
        replay.step(next(found))
    tracemalloc.start()
    try:
        for sample in found:
            replay.step(sample)
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert replay.samples == 6000
    assert grown < 200_000  # bytes: 5,000 samples held would be a million and more


def test_an_ending_is_warned_of_before_and_taken_back_by_a_refund() -> None:
    trace = falling(443, 20000, 45)  # to 110, under the floor of 135
    ((ending, warned),) = through(samples(trace)).result().endings
    assert warned is not None
    assert warned < ending.at
    assert through(samples([*trace, 150])).result().endings == ()
