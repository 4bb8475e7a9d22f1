"""Charts are drawn by another process: bounded, without secrets, and never at the alert's cost."""

from __future__ import annotations

import asyncio
import json
import struct
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor.core.chart import Ahead, Chart
from monitor.core.model import Kind
from monitor.core.settings import Interval
from monitor.core.spec import ChannelSpec
from monitor.notifiers import Delivery, _chart
from monitor.notifiers._charts import HOW, Charts, cache_folder
from tests.house import House, Recorded, receiver, rule, settings

Hours = list[tuple[float, float]]
NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)
CHART = Chart(
    now=NOW, first=-12.0, last=8.0,
    points=((-12.0, 20000.0), (-6.0, 900.0), (-5.0, 15000.0), (0.0, 10485.25)),
    rises=((-5.0, 14100.0),), floor=135.0, ahead=Ahead(2.0, 7.0, float("inf")),
    ticks=((-10.0, "04:00"), (0.0, "14:00")), title="Balance in $x^{credits}$, times in UTC",
    now_words="10485 now", floor_words="floor 135", end_words="about 7 h", words="It falls.",
)  # fmt: skip
PNG = b"\x89PNG\r\n\x1a\nsomethingIEND\xaeB`\x82"
ANSWER = f"import sys, time; out = sys.stdout.buffer; png = {PNG!r}; "
SAY = "out.write(len(png).to_bytes(4, 'big') + png); out.flush(); "


def program(code: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-c", ANSWER + code)


def gone(pid: int) -> bool:
    """Ended, if perhaps not buried: who is to bury an orphan is not ours to say."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(10):
        while not gone(pid):  # noqa: ASYNC110 - the end of another process is no event of ours
            await asyncio.sleep(0.01)


# -- where words stand ----------------------------------------------------------------------------


def drawn(
    points: Hours, floor: float, ahead: tuple[float, ...], *rises: tuple[float, float]
) -> _chart.Order:
    """An order whose words say what it is made of."""
    return _chart.Order(
        first=-12.0, last=4.0, points=points, floor=floor, ahead=(ahead[0], ahead[1], ahead[2]),
        rises=list(rises), ticks=[(0.0, "14:00")], title="Balance in credits, times in UTC",
        now_words=f"{points[-1][1]:.0f} now", floor_words=f"floor {floor:.0f}",
        end_words=f"about {ahead[1] * 60:.0f} min",
    )  # fmt: skip


CLOSE = {
    "the end soon": drawn([(-12, 2000), (-6, 900), (0, 216)], 135, (0.5, 1.2, 3)),
    "a high floor": drawn([(-12, 1000), (-6, 900), (0, 810)], 800, (0.2, 0.4, 2)),
    "at the floor": drawn([(-12, 140), (-6, 138), (0, 136)], 135, (0.1, 0.1, 0.1)),
    "the end at the edge": drawn([(-12, 2000), (0, 216)], 135, (1, 3.9, 4)),
    "rises together": drawn(
        [(-12, 100), (-3, 1100), (-2.9, 2100), (-2.8, 3100), (-0.2, 4100), (0, 4100)], 135,
        (1, 2, 3), (-3, 1000), (-2.9, 1000), (-2.8, 1000), (-0.2, 1000),
    ),
    "a rise on the floor": drawn(
        [(-12, 20), (-11.9, 150), (0, 140)], 135, (0.2, 0.3, 3), (-11.9, 130),
    ),
}  # fmt: skip


@pytest.mark.parametrize("order", CLOSE.values(), ids=CLOSE)
def test_no_words_of_a_chart_cover_others_and_the_gravest_are_there(order: _chart.Order) -> None:
    figure = _chart.figure_of(order)
    (axes,) = figure.axes
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]  # that of Agg
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in axes.texts]
    assert {order["now_words"], order["end_words"], order["floor_words"]} <= {w for w, _ in boxes}
    for words, box in boxes:
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1, words
    for (words, box), (others, other) in combinations(boxes, 2):
        assert not box.overlaps(other), (words, others)


# -- the real one ---------------------------------------------------------------------------------


async def test_a_chart_is_a_light_picture_and_the_same_bytes_wherever_it_is_drawn() -> None:
    first, second = Charts(), Charts()
    drawn = await asyncio.gather(first.draw(CHART, 30), second.draw(CHART, 30))
    plain = await first.draw(replace(CHART, ahead=None, rises=(), floor=0.0, floor_words=""), 30)
    await asyncio.gather(first.aclose(), second.aclose())
    assert drawn[0] == drawn[1]
    for picture in (drawn[0], plain):
        assert struct.unpack(">II", picture[16:24]) == (1200, 580)
        assert len(picture) < 60_000
        assert b"tEXt" not in picture  # neither a time nor a version
        assert b"tIME" not in picture
    assert plain != drawn[0]


# -- one that does not do its work ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("time.sleep(60)", "it took over 0.5 s"),
        ("out.write(b'\\0\\0\\0'); out.flush(); time.sleep(60)", "it took over 0.5 s"),
        ("sys.stdin.buffer.read(9); sys.exit(1)", "expected bytes"),
        ("sys.exit(3)", "-m pip install 'matplotlib>=3.10'"),
        ("sys.stdin.buffer.read(9); out.write(b'\\xff' * 99); out.flush()", "a picture of"),
        ("sys.stdin.buffer.read(9); png = b'GIF89a'; " + SAY, "no picture"),
        ("sys.stdin.buffer.read(9); png = b''; " + SAY, "no picture"),
    ],
    ids=["hangs", "stops in the middle", "crashes", "no library", "too much", "garbage", "empty"],
)
async def test_without_a_picture_there_is_none_and_a_line_says_why(
    code: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    charts = Charts(program=program(code), limit=0.5 if "0.5" in why else 20)
    assert await charts.draw(CHART, 30) == b""
    assert charts.process_id is None
    assert await charts.draw(replace(CHART, first=-13.0), 30) == b""  # it rests: nothing is tried
    assert [why in record.getMessage() for record in caplog.records] == [True]
    await charts.aclose()


async def test_a_program_that_is_not_there_is_no_reason_to_fail(tmp_path: Path) -> None:
    charts = Charts(program=(str(tmp_path / "missing"),))
    await charts.expect()
    assert await charts.draw(CHART, 5) == b""
    await charts.aclose()


async def test_a_message_waits_no_longer_than_its_patience_and_the_next_is_shown_the_picture() -> (
    None
):
    charts = Charts(program=program("sys.stdin.buffer.read(9); " + SAY + "time.sleep(60)"))
    assert await charts.draw(CHART, 0) == b""
    assert await charts.draw(CHART, 30) == PNG
    assert await charts.draw(CHART, 0) == PNG  # the same picture, not another drawing
    await charts.aclose()


async def test_many_at_once_are_drawn_one_after_the_other_by_one_process() -> None:
    many = [replace(CHART, first=-10.0 - n) for n in range(20)]
    count = "import os; png = png[:8] + str(os.getpid()).encode() + png[-8:]"
    code = f"{count}\nwhile sys.stdin.buffer.read(4): sys.stdin.buffer.read1(); {SAY}"
    charts = Charts(program=program(code))
    pictures = await asyncio.gather(*(charts.draw(chart, 30) for chart in many))
    assert set(pictures) == {PNG[:8] + str(charts.process_id).encode() + PNG[-8:]}
    await charts.aclose()


async def test_who_ends_by_itself_is_not_started_again_and_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    charts = Charts(program=program("sys.exit(3)"))
    async with asyncio.timeout(10):
        while not caplog.records:
            await charts.expect()
            await asyncio.sleep(0.01)
    await charts.expect()
    assert charts.process_id is None
    assert len(caplog.records) == 1
    await charts.aclose()


async def test_nothing_is_left_behind_in_the_middle_of_a_drawing() -> None:
    charts = Charts(program=program("time.sleep(60)"), limit=60)
    drawing = asyncio.create_task(charts.draw(CHART, 60))
    await charts.expect()
    async with asyncio.timeout(10):
        while (pid := charts.process_id) is None:  # noqa: ASYNC110 - nor is its beginning
            await asyncio.sleep(0.01)
    await charts.aclose()
    assert gone(pid)
    assert await drawing == b""
    assert await charts.draw(CHART, 1) == b""  # nothing is started any more


async def test_who_is_not_needed_ends_and_another_is_started_when_one_is() -> None:
    code = "\nwhile sys.stdin.buffer.read(4): sys.stdin.buffer.read1(); " + SAY
    charts = Charts(program=program(code), warm=0.0)
    assert await charts.draw(CHART, 30) == PNG
    pid = charts.process_id
    assert pid is not None
    await until_gone(pid)
    assert await charts.draw(replace(CHART, first=-13.0), 30) == PNG
    await charts.aclose()


PARENT = """\
import asyncio
from monitor.notifiers._charts import Charts

async def live():
    charts = Charts()
    await charts.expect()
    print(charts.process_id, flush=True)
    await asyncio.sleep(60)

asyncio.run(live())
"""


async def test_it_ends_when_the_daemon_is_killed() -> None:
    daemon = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, stdout=asyncio.subprocess.PIPE
    )
    assert daemon.stdout is not None
    pid = int(await asyncio.wait_for(daemon.stdout.readline(), 30))
    assert not gone(pid)
    daemon.kill()
    await daemon.wait()
    await until_gone(pid)


async def test_it_is_given_no_secret(tmp_path: Path) -> None:
    seen = tmp_path / "environment.json"
    code = f"import os, json; open({str(seen)!r}, 'w').write(json.dumps(dict(os.environ)))"
    home = {"HOME": str(tmp_path), "KIE_API_KEY": "kie-planted-key-0001"}
    charts = Charts(program=program(code), env=home)
    await charts.draw(CHART, 30)
    await charts.aclose()
    names = set(json.loads(seen.read_text()))
    assert names <= {"PATH", "LC_ALL", "LC_CTYPE", "OPENBLAS_NUM_THREADS", "MPLCONFIGDIR"}
    assert "planted" not in seen.read_text()


@pytest.mark.parametrize(
    ("env", "folder"),
    [
        ({"CACHE_DIRECTORY": "/var/cache/monitor", "HOME": "/root"}, "/var/cache/monitor/charts"),
        ({"XDG_CACHE_HOME": "/c", "HOME": "/root"}, "/c/monitor/charts"),
        ({"HOME": "/root"}, "/root/.cache/monitor/charts"),
        ({}, None),
    ],
)
def test_its_list_of_fonts_is_kept_where_caches_are(
    env: dict[str, str], folder: str | None
) -> None:
    assert cache_folder(env).get("MPLCONFIGDIR") == folder


# -- a message and its picture --------------------------------------------------------------------


class Draughtsman:
    """Draws at once, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.expected = 0

    async def draw(self, chart: Chart, patience: float) -> bytes:
        del chart
        self.asked.append(patience)
        return PNG + str(len(self.asked)).encode()

    async def expect(self) -> None:
        self.expected += 1

    async def aclose(self) -> None:
        """Nothing to leave."""


async def drained(charts: Draughtsman, mail: Recorded, **receives: object) -> House:
    """A house whose balance has fallen under what a rule asks for."""
    config = settings(
        rules=(rule("low", "kie/balance", "balance < 5000"),),
        receivers=(receiver(**receives),), builtin=False,
    )  # fmt: skip
    house = await House(config, mail=mail, charts=charts).start()
    for balance in (9000, 8000, 7000, 4000):
        house.script.balance(balance)
        await house.probe(after=300)
    return house


def showing() -> Recorded:
    mail = Recorded()
    mail.spec = ChannelSpec("recorded", "Recorded", (), pictures=True)
    return mail


async def test_a_retry_shows_the_very_same_picture() -> None:
    charts, mail, tried = Draughtsman(), showing(), []

    def fails_once(message: object, addresses: tuple[str, ...]) -> Delivery:
        tried.append(message)
        down = Delivery(failed=dict.fromkeys(addresses, "down"))
        return Delivery(addresses) if len(tried) > 1 else down

    mail.outcome = fails_once
    house = await drained(charts, mail)
    await house.tell(after=60)
    assert len(tried) == 2
    assert tried[0] == tried[1]
    assert mail.sent[0][0].picture == PNG + b"1"
    assert len(charts.asked) == 1


async def test_news_waits_for_its_picture_less_than_a_second_the_rest_a_little_longer() -> None:
    charts, mail = Draughtsman(), showing()
    house = await drained(charts, mail, remind_every=Interval(3600.0, 3600.0))
    await house.tell(after=3700)
    house.script.balance(9000)
    await house.probe(after=60)
    assert [m.kind for m, _ in mail.sent] == [Kind.OPENED, Kind.REMINDER, Kind.RESOLVED]
    assert charts.asked[0] < 0.8
    assert charts.asked[1:] == [5.0, 5.0]


async def test_of_many_at_once_the_last_does_not_wait_for_all_the_pictures_before_it() -> None:
    """Eight are on their way at a time: each lot would wait its own seven tenths of a second."""
    mail, asked = showing(), list[float]()

    class Slow(Draughtsman):
        async def draw(self, chart: Chart, patience: float) -> bytes:
            asked.append(patience)
            house.clock.step(patience / 8)
            return b""

    rules = tuple(rule(f"low-{n}", "kie/balance", "balance < 5000") for n in range(20))
    config = settings(rules=rules, receivers=(receiver(),), builtin=False)
    house = await House(config, mail=mail, charts=Slow()).start()
    for balance in (9000, 8000, 7000, 4000):
        house.script.balance(balance)
        await house.probe(after=300)
    assert len(mail.sent) == 20
    assert asked[-1] < 0.1
    assert max(m.at for m, _ in mail.sent) - min(m.at for m, _ in mail.sent) < timedelta(seconds=1)


async def test_a_defect_in_drawing_costs_the_picture_and_not_the_alert() -> None:
    class Broken(Draughtsman):
        async def draw(self, chart: Chart, patience: float) -> bytes:
            raise RuntimeError("a defect")

    mail = showing()
    with capture_logs() as logs:
        await drained(Broken(), mail)
    assert mail.said == ["opened low"]
    assert "no chart; this is a defect of monitor" in [x["event"] for x in logs]


async def test_those_that_wait_behind_a_drawing_that_hangs_do_not_hang_as_well() -> None:
    slow = Charts(program=("/bin/sleep", "60"), limit=0.2)
    began = asyncio.get_running_loop().time()
    found = await asyncio.gather(*(slow.draw(replace(CHART, first=-n), 5.0) for n in range(1, 9)))
    assert found == [b""] * 8
    assert asyncio.get_running_loop().time() - began < 1.4  # eight times 0.2 s would be more
    await slow.aclose()


@pytest.mark.parametrize(
    ("mail", "options"), [(Recorded(), {}), (showing(), {"chart": False})], ids=["channel", "user"]
)
async def test_where_no_picture_is_wanted_none_is_drawn(
    mail: Recorded, options: dict[str, object]
) -> None:
    charts = Draughtsman()
    await drained(charts, mail, options=options)
    assert charts.asked == []
    assert mail.sent[0][0].chart is not None  # the text has it in words


async def test_it_gets_ready_while_an_alert_of_a_balance_is_pending() -> None:
    charts = Draughtsman()
    config = settings(
        rules=(rule("low", "kie/balance", "balance < 5000", for_seconds=600.0),), builtin=False
    )
    house = await House(config, charts=charts).start()
    house.script.balance(9000)
    await house.probe()
    await house.pipeline.sweep()
    assert charts.expected == 0
    house.script.balance(4000)
    await house.probe(after=300)
    await house.pipeline.sweep()
    assert charts.expected == 1


async def test_it_gets_ready_when_a_line_may_be_crossed_within_the_hour() -> None:
    charts = Draughtsman()
    low = rule("low", "kie/balance", "balance < 5000")
    house = await House(settings(rules=(low,), builtin=False), charts=charts).start()
    for step in range(30):  # 1,200 credits an hour
        house.script.balance(20_000 - 100 * step)
        await house.probe(after=300)
    await house.pipeline.sweep()
    assert charts.expected == 0
    for step in range(30, 145):
        house.script.balance(20_000 - 100 * step)
        await house.probe(after=300)
    await house.pipeline.sweep()
    assert charts.expected == 1
    assert not house.firing()


def test_the_daemon_does_not_load_what_draws() -> None:
    code = "import sys, monitor.app; print('matplotlib' in sys.modules, 'numpy' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]


CONFIG = """\
accounts: {kie: {key: kie-planted-key-0001}}
receivers:
  oncall: {email: {to: [a@example.com], from: m@example.com, smtp: {host: 127.0.0.1, port: 1}}}
  plain:
    email:
      {to: [a@example.com], from: m@example.com, chart: false, smtp: {host: 127.0.0.1, port: 1}}
"""
WITHOUT = """\
import sys
sys.modules["matplotlib"] = None
from monitor.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize(("name", "said"), [("oncall", True), ("plain", False)])
def test_who_lacks_the_library_is_told_how_to_get_it(
    tmp_path: Path, name: str, said: bool
) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    out = subprocess.run(
        [sys.executable, "-c", WITHOUT, "test-receiver", name],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert out.returncode == 1
    assert "a@example.com: failed" in out.stdout
    assert (HOW in out.stderr) is said
