"""Whatever is read, nobody is woken for nothing, and nobody sleeps through the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
import zygote
from house import START as HOUSE_START
from house import House, kie, settings
from living import environment

from monitor.core.book import Book
from monitor.core.causes import Cause
from monitor.core.model import Finding, Sample

START = HOUSE_START
STEP = timedelta(minutes=10)
DAY = 144  # steps
WEEK = 7 * DAY
PLENTY, SHORT = 200_000, 18_000  # credits; at 135 an hour the latter end after 133 h
END = START + timedelta(hours=133)
HOUR = timedelta(hours=1)

Series = list[Sample]
Spoil = Callable[[Series], Series]


def honest(start: int) -> Series:
    """An even burn of 45 credits every 20 minutes, down to nothing."""
    values = (max(0, start - 45 * (n // 2)) for n in range(WEEK))
    return [Sample(START + n * STEP, Decimal(v)) for n, v in enumerate(values)]


def now_and_then(value: str | None, run: int = 1) -> Spoil:
    """One answer in about thirty is another value, `run` times in a row."""

    def spoil(series: Series) -> Series:
        random, found = Random(7), list(series)  # noqa: S311 - the same every time
        for n in range(40, len(series) - 40, 30):
            at = n + random.randrange(20)
            for k in range(at, at + run):
                found[k] = Sample(series[k].at, None if value is None else Decimal(value))
        return found

    return spoil


def twice(series: Series) -> Series:
    return [s for sample in series for s in (sample, sample)]


def replicas(series: Series) -> Series:
    """Two replicas answer in turn, one of them 30 minutes behind."""
    late = [series[max(0, n - 3)].balance for n in range(len(series))]
    return [Sample(s.at, late[n] if n % 2 else s.balance) for n, s in enumerate(series)]


def silent(series: Series) -> Series:
    return [Sample(s.at, None) if DAY <= n < 3 * DAY else s for n, s in enumerate(series)]


def gap(series: Series) -> Series:
    return [s for n, s in enumerate(series) if not DAY <= n < 3 * DAY]


def frozen(series: Series) -> Series:
    """A cache that holds its answer for three hours at a time."""
    return [Sample(s.at, series[n - n % 18].balance) for n, s in enumerate(series)]


def scaled(factor: str) -> Spoil:
    by = Decimal(factor)
    return lambda series: [Sample(s.at, (s.balance or 0) * by) for s in series]


def dust(series: Series) -> Series:
    """Fractions of a billionth come and go."""
    return [
        Sample(s.at, (s.balance or 0) + Decimal("1e-9") * (n % 7)) for n, s in enumerate(series)
    ]


STREAMS: dict[str, Spoil] = {
    "honest": list,
    "duplicates": twice,
    "replicas": replicas,
    "zeros": now_and_then("0"),
    "zeros twice": now_and_then("0", 2),
    "minus one": now_and_then("-1"),
    "minus one twice": now_and_then("-1", 2),
    "sentinel": now_and_then("99999999"),
    "sentinel thrice": now_and_then("99999999", 3),
    "the largest": now_and_then("9e14"),
    "the smallest": now_and_then("1e-9"),
    "nulls": now_and_then(None),
    "nulls for days": silent,
    "a gap of days": gap,
    "frozen": frozen,
    "tiny": scaled("1e-9"),
    "huge": scaled("4e9"),
    "dust": dust,
}
UNREADABLE = {"nulls for days": {"balance-unreadable"}}
MONEY = ("runway-short", "runway-critical", "credits-exhausted")


@dataclass(frozen=True)
class Fired:
    """One alert of a stream."""

    alert: str
    opened: datetime
    is_open: bool


def check_quiet(name: str, fired: Iterable[Fired]) -> None:
    assert {f.alert for f in fired} == UNREADABLE.get(name, set())


def check_warned(name: str, fired: Iterable[Fired]) -> None:
    """Hours ahead, in order of how bad it is; what is over stays told."""
    fired = list(fired)
    first = {f.alert: f.opened for f in reversed(fired)}
    assert set(first) == {*MONEY, *UNREADABLE.get(name, ())}
    assert END - 60 * HOUR < first["runway-short"] < END - 12 * HOUR
    assert END - 12 * HOUR < first["runway-critical"] < END - HOUR
    assert END - 1.5 * HOUR < first["credits-exhausted"] < END + 4 * HOUR
    open_ones = {f.alert for f in fired if f.is_open}
    assert {"runway-short", "runway-critical"} <= open_ones


# -- the command line -----------------------------------------------------------------------


def lines(series: Iterable[Sample]) -> str:
    return "".join(
        f'{{"at": "{s.at.isoformat()}", '
        f'"balance": {"null" if s.balance is None else s.balance}}}\n'
        for s in series
    )


def replay(folder: Path, text: str | bytes, *words: str) -> subprocess.CompletedProcess[str]:
    path = folder / "trace.jsonl"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return run_replay(folder, str(path), *words)


def run_replay(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return zygote.run(("replay", *words), environment(folder), cwd=str(folder))


def fired_in(folder: Path, series: Iterable[Sample]) -> list[Fired]:
    result = replay(folder, lines(series), "--format", "json")
    assert (result.returncode, result.stderr) == (0, "")
    found = json.loads(result.stdout, parse_constant=lambda word: pytest.fail(word))
    return [
        Fired(a["alert"], datetime.fromisoformat(a["opened"]), a["closed"] is None)
        for a in found["alerts"]
    ]


@pytest.mark.parametrize("name", STREAMS)
def test_a_replay_of_an_honest_burn_fires_nothing_whatever_is_mixed_in(
    tmp_path: Path, name: str
) -> None:
    check_quiet(name, fired_in(tmp_path, STREAMS[name](honest(PLENTY))))


@pytest.mark.parametrize("name", STREAMS)
def test_a_replay_of_a_true_end_fires_in_time_whatever_is_mixed_in(
    tmp_path: Path, name: str
) -> None:
    check_warned(name, fired_in(tmp_path, STREAMS[name](honest(SHORT))))


def reset_up(series: Series) -> Series:
    return [Sample(s.at, Decimal(PLENTY - 45 * (n % 288 // 2))) for n, s in enumerate(series)]


def moved(by: int) -> Spoil:
    return lambda series: [
        Sample(s.at, (s.balance or 0) + (by if n >= 500 else 0)) for n, s in enumerate(series)
    ]


def first(value: str | None) -> Spoil:
    return lambda series: [
        Sample(series[0].at, None if value is None else Decimal(value)),
        *series[1:],
    ]


FAIR = {
    "a quota that is filled up again": reset_up,
    "a top-up": moved(15_000),
    "a large top-up": moved(1_500_000),
    "a quota that is cut to a quarter": moved(-150_000),
    "a quota that is cut by a third": moved(-65_000),
    "a first value of nines": first("99999999"),
    "a first value of the largest": first("9e14"),
    "a first value of nearly nothing": first("1e-9"),
    "a first probe that failed": first(None),
}


@pytest.mark.parametrize("name", FAIR)
def test_what_moves_a_balance_by_itself_is_no_burn_and_fires_nothing(
    tmp_path: Path, name: str
) -> None:
    assert fired_in(tmp_path, FAIR[name](honest(PLENTY))) == []


def test_a_first_value_of_zero_is_believed_until_the_next_one(tmp_path: Path) -> None:
    """Nothing speaks against it: an empty account is told at once, and taken back at once."""
    (only,) = fired_in(tmp_path, first("0")(honest(PLENTY)))
    assert (only.alert, only.opened, only.is_open) == ("credits-exhausted", START, False)


@pytest.mark.parametrize("value", ["0", "-1", "-5000"])
def test_an_account_that_only_ever_was_empty_is_told_at_once(tmp_path: Path, value: str) -> None:
    fired = fired_in(tmp_path, [Sample(s.at, Decimal(value)) for s in honest(0)])
    assert fired[0] == Fired("credits-exhausted", START, True)
    assert {f.alert for f in fired} == set(MONEY)


def test_a_balance_that_goes_on_under_zero_is_told_once(tmp_path: Path) -> None:
    """An overdraft: 135 an hour from 18000 to minus thousands."""
    overdraft = [Sample(s.at, Decimal(SHORT - 45 * (n // 2))) for n, s in enumerate(honest(0))]
    fired = fired_in(tmp_path, overdraft)
    check_warned("overdraft", fired)
    assert len(fired) == 3


def test_what_was_never_read_says_only_that(tmp_path: Path) -> None:
    fired = fired_in(tmp_path, [Sample(s.at, None) for s in honest(0)])
    assert [(f.alert, f.is_open) for f in fired] == [("balance-unreadable", True)]


# -- files as people and editors leave them -------------------------------------------------


GOOD = lines(honest(PLENTY)[:6]).splitlines()


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf" + "\n".join(GOOD).encode(),
        "\r\n".join(GOOD).encode() + b"\r\n",
        b"\n\n  \n" + "\n\n".join(GOOD).encode() + b"\n\t\n\n",
        "\n".join(GOOD).encode(),
    ],
    ids=["BOM", "CRLF", "blank lines", "no newline at the end"],
)
def test_a_file_is_read_as_editors_leave_it(tmp_path: Path, text: bytes) -> None:
    result = replay(tmp_path, text, "--format", "json")
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout)["samples"] == 6


def with_line(number: int, line: str) -> str:
    return "\n".join([*GOOD[: number - 1], line, *GOOD[number - 1 :]])


AT = '{"at": "2026-11-20T10:25:00Z", "balance": %s}'
BROKEN = {
    "cut in the middle": GOOD[3][:20],
    "no JSON": "balance=5",
    "not a number": AT % "NaN",
    "without end": AT % "Infinity",
    "too large": AT % "1e15",
    "far too large": AT % "1e999999999999999999999",
    "text": AT % '"5"',
    "true": AT % "true",
    "a list": "[1, 2]",
    "no balance": '{"at": "2026-11-20T10:25:00Z"}',
    "no zone": '{"at": "2026-11-20T10:25:00", "balance": 5}',
    "no day": '{"at": "2026-02-30T10:25:00Z", "balance": 5}',
    "out of order": '{"at": "2026-11-20T10:05:00Z", "balance": 5}',
    "a clock set back": '{"at": "2026-11-20T09:25:00Z", "balance": 5}',
    "deep": "[" * 60_000,
    "control characters": "\x00\x1b[31m",
    "not UTF-8": "\udcff",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_line_is_65_with_its_number_and_one_line_of_words(
    tmp_path: Path, name: str
) -> None:
    text = with_line(4, BROKEN[name]).encode(errors="surrogateescape")
    result = replay(tmp_path, text)
    assert result.returncode == 65
    assert result.stdout == ""
    assert "trace.jsonl:4: " in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert len(result.stderr) < 600
    assert "Traceback" not in result.stderr
    assert "\x1b" not in result.stderr


# Half a gigabyte of addresses: who holds the line does not get that far.
CRAMPED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))
sys.argv = ["monitor", *sys.argv[1:]]
runpy.run_module("monitor", run_name="__main__")
"""


def test_a_line_of_a_gigabyte_is_cut_and_refused_without_being_held(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(GOOD[0] + "\n")
    os.truncate(path, 1 << 30)  # sparse: it takes no room on the disk
    result = subprocess.run(
        [sys.executable, "-c", CRAMPED, "replay", str(path)],
        cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert (result.returncode, result.stdout) == (65, "")
    assert "trace.jsonl:2: it is longer than 65536 bytes" in result.stderr


# -- the daemon -----------------------------------------------------------------------------


class Asked:
    """A provider that gives each spoiled value to one question; asked again it tells the truth."""

    def __init__(self, house: House, start: int) -> None:
        self._house, self._truth = house, honest(start)
        self._answer: Decimal | None = None
        self._fresh = False
        house.script.answers["kie/balance"] = self._found
        self.step = 0

    def _found(self) -> Finding:
        balance = self._answer if self._fresh else self._truth[self.step].balance
        self._fresh = False
        if balance is None:
            return Finding(Cause.ANSWER_MALFORMED, "no number in it")
        return Finding(Cause.OK, balance=balance, unit="credits")

    async def tell(self, sample: Sample) -> None:
        self.step = round((sample.at - START) / STEP)
        self._answer, self._fresh = sample.balance, True
        wait = (sample.at - self._house.clock.now()).total_seconds()
        self._house.clock.step(max(0.0, wait))
        await self._house.pipeline.observe("kie/balance")


async def lived(series: Series, start: int) -> House:
    house = await House(settings((kie(floor=Decimal(0), jobs={}),))).start()
    asked = Asked(house, start)
    for sample in series:
        await asked.tell(sample)
    return house


def fired_of(house: House) -> list[Fired]:
    found = sorted(house.memory.incidents.values(), key=lambda i: i.opened_at)
    return [Fired(i.alert, i.opened_at, i.open) for i in found]


@pytest.mark.parametrize("name", sorted(STREAMS.keys() - {"tiny", "huge"}))
async def test_the_daemon_stays_quiet_on_an_honest_burn(name: str) -> None:
    check_quiet(name, fired_of(await lived(STREAMS[name](honest(PLENTY)), PLENTY)))


@pytest.mark.parametrize("name", sorted(STREAMS.keys() - {"tiny", "huge"}))
async def test_the_daemon_warns_of_a_true_end(name: str) -> None:
    check_warned(name, fired_of(await lived(STREAMS[name](honest(SHORT)), SHORT)))


@pytest.mark.parametrize("jump", [-7200.0, -60.0, 7200.0, -86400.0])
@pytest.mark.parametrize("start", [PLENTY, SHORT])
async def test_a_clock_that_is_set_wakes_nobody_and_hides_nothing(jump: float, start: int) -> None:
    house = await House(settings((kie(floor=Decimal(0), jobs={}),))).start()
    series = honest(start)
    for n, sample in enumerate(series):
        if n == 3 * DAY:
            house.clock.jump(jump)
        assert sample.balance is not None
        house.script.balance(str(sample.balance))
        await house.pipeline.observe("kie/balance")
        house.clock.step(STEP.total_seconds())
    if start == PLENTY:
        assert fired_of(house) == []
    else:
        assert {f.alert for f in fired_of(house) if f.is_open} == set(MONEY)


# -- ten years ------------------------------------------------------------------------------


def test_ten_years_of_hours_take_no_more_room_than_one() -> None:
    book = Book(floor=Decimal(0), job_max=None, planned_burn=Decimal(0))
    random, at, balance = Random(3), datetime(2026, 1, 1, tzinfo=UTC), Decimal(50_000)  # noqa: S311 - the same
    year, sizes, traced = 8766, [], []
    try:
        for hour in range(10 * year):
            balance -= random.choice((0, 0, 25, 135, 300))
            balance += 50_000 if balance < 1_000 else 0
            book.update(at + hour * HOUR, None if hour % 97 == 0 else balance)
            if hour % year == year - 1:
                sizes.append(len(book.dump()))
            if hour == 10 * year - 720:
                tracemalloc.start()  # the last month: tracing all of it would take minutes
            if hour >= 10 * year - 600 and hour % 100 == 0:
                book.outlook(at + hour * HOUR)
                traced.append(tracemalloc.get_traced_memory()[0])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert max(sizes) < 8_192
    assert max(sizes[5:]) < max(sizes[:5]) + 256
    assert traced[-1] < traced[0] + 16_384
    assert peak < traced[0] + 65_536
