"""The command line as people meet it: help, completion, what is drawn, what is typed."""

from __future__ import annotations

import asyncio
import io
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from living import environment
from terminal import terminal
from typer.main import get_command
from typer.testing import CliRunner
from understood import understood

from monitor.cli import complete_watch
from monitor.cli.commands import app
from monitor.cli.examples import EXAMPLES, ROOT
from monitor.cli.formats import render
from monitor.cli.spark import spark
from monitor.cli.terminal import choose_colour, colour
from monitor.cli.watch import cropped, fitted
from monitor.core.hours import Hour, hour_of
from monitor.core.model import Silence, TargetRecord
from monitor.store import Batch
from monitor.store.sqlite import SqliteStore

CONFIG = """
accounts:
  kie: {key: key-planted-0001, jobs: {video: 135}, balance: {interval: 1m}}
  huggingface: {key: hf_planted-0001, models: [a/b]}
receivers: {oncall: {webhook: {url: "http://127.0.0.1:9/"}}}
"""
NOW = datetime.now(UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "config.yaml"
    found.write_text(CONFIG)
    return found


def stored(folder: Path, balances: Sequence[int], *silences: Silence) -> None:
    """A day of a balance from hour to hour up to now, and silences."""
    first = hour_of(NOW) - timedelta(hours=len(balances) - 1)
    hours = [
        Hour(first + timedelta(hours=n), 1, 0, Decimal(b), Decimal(b), Decimal(b))
        for n, b in enumerate(balances)
    ]

    async def write() -> None:
        store = SqliteStore(folder / "monitor.db")
        record = TargetRecord("kie/balance", None, unit="credits")
        kept = tuple(("kie/balance", hour) for hour in hours)
        await store.commit(Batch(targets=(record,), hours=kept, silences=silences))
        await store.close()

    asyncio.run(write())


# -- help -----------------------------------------------------------------------------------


def examples() -> Iterator[str]:
    for text in (ROOT, *EXAMPLES.values()):
        yield from text.replace("\\\n", " ").splitlines()


@pytest.mark.parametrize("line", list(examples()))
def test_every_example_of_the_help_is_understood(line: str) -> None:
    understood(line)


def test_every_command_has_examples_and_stands_in_a_group() -> None:
    text = CliRunner().invoke(app, ["--help"], prog_name="monitor").output
    assert "\nCommands:\n" not in text
    for command in get_command(app).commands:
        shown = CliRunner().invoke(app, [command, "--help"], prog_name="monitor").output
        assert f"Examples:\n  monitor {command}" in shown, command


def test_help_costs_no_more_than_the_parser_of_the_command_line(tmp_path: Path) -> None:
    code = (
        "import sys; from monitor.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'httpx', 'pydantic', 'yaml', 'rich', 'structlog', 'sqlite3', 'asyncio', "
        "'monitor.core.model'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    words = [sys.executable, "-c", code]
    found = subprocess.run(words, capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"


# -- completion -----------------------------------------------------------------------------

COMPLETED = [
    ("monitor sta", ["status"]),
    ("monitor --config FILE history k", ["kie/balance"]),
    ("monitor --config FILE explain huggingface/m", ["huggingface/model/a/b"]),
    ("monitor --config FILE silence kie/", ["kie/balance", "kie/*"]),
    ("monitor --config FILE --once --only kie/b", ["kie/balance"]),
    ("monitor --config FILE ack x --alert key-r", ["key-rejected"]),
    ("monitor --config FILE test-receiver o", ["oncall"]),
    ("monitor --config FILE plan --job v", ["video="]),
    ("monitor --config FILE unsilence ", ["01SILENCE"]),
    ("monitor --config BROKEN unsilence ", ["01SILENCE"]),
    ("monitor --config BROKEN history k", []),
    ("monitor --config nowhere.yaml history k", []),
    ("monitor init --provider hu", ["huggingface"]),
    ("monitor --once --format na", ["nagios"]),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "offered"), COMPLETED)
def test_a_shell_completes_names_of_the_config_and_the_store(
    path: Path, typed: str, offered: list[str]
) -> None:
    if "unsilence" in typed:
        words = {"author": "ada", "comment": "known", "alert": None}
        now = datetime.now(UTC)
        over = Silence("01OVER", "*", starts_at=now - timedelta(2), ends_at=now - timedelta(1),
                       **words)  # fmt: skip
        lasting = Silence("01SILENCE", "*", starts_at=now, ends_at=now + timedelta(1), **words)
        stored(path.parent, [], over, lasting)
    broken = path.with_name("broken.yaml")
    broken.write_text(f"{path.read_text()}nonsense: true\n")
    typed = typed.replace("FILE", str(path)).replace("BROKEN", str(broken))
    env = {
        "_MONITOR_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split(" ")) - 1),
    }
    result = CliRunner().invoke(app, [], env=env, prog_name="monitor")
    assert result.output.split() == offered
    assert result.exit_code == 0


# -- status ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([5.0], "▄"),
        ([7.0, 7.0], "▄▄"),
        ([0.0, 7.0], "▁█"),
        ([7.0, None, 0.0], "█ ▁"),
        ([8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0], "█▇▆▅▄▃▂▁"),
    ],
)
def test_a_course_is_drawn_between_its_lowest_and_its_highest(
    values: list[float | None], drawn: str
) -> None:
    assert spark(values) == drawn


def monitor_status(path: Path, *words: str, **more: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "monitor", *words, "--config", str(path), "status"],
        env=environment(path.parent, **more),
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_status_draws_the_last_day_of_a_balance_where_that_can_be_shown(path: Path) -> None:
    stored(path.parent, [800, 700, 600, 500, 400, 300, 200, 100])
    assert "last 24 h █▇▆▅▄▃▂▁\n" in monitor_status(path)
    plain = monitor_status(path, "--color", "always", PYTHONIOENCODING="ascii", NO_COLOR="1")
    assert "last 24 h" not in plain
    assert "\x1b[" in plain


@pytest.mark.parametrize(
    ("choice", "given", "coloured"),
    [
        ("auto", {}, False),
        ("auto", {"FORCE_COLOR": "1"}, True),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ("always", {"NO_COLOR": "1"}, True),
        ("never", {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colour_is_as_the_option_says_and_else_as_the_environment_does(
    monkeypatch: pytest.MonkeyPatch, choice: str, given: dict[str, str], coloured: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):  # whatever becomes of them is undone at the end
        monkeypatch.setenv(name, given.get(name, ""))
    choose_colour(choice)
    assert colour(io.StringIO()) is coloured


def test_a_course_is_in_the_text_alone() -> None:
    document = {"status": "ok", "targets": [{"target": "a/balance", "status": "ok"}]}
    text = render(document, "text", colour=False, width=0, courses={"a/balance": "▁█"})
    assert "            last 24 h ▁█\n" in text


# -- --once on a terminal -------------------------------------------------------------------


def test_progress_is_drawn_whatever_a_model_is_called_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        at = f"http://127.0.0.1:{silent.getsockname()[1]}"
        urls = f"base_url: {at}, router_url: {at}, status_url: {at}"
        path = tmp_path / "config.yaml"
        path.write_text(f"""
accounts:
  huggingface: {{key: hf_x, models: ["[/red]/[b]"], checks: [model], {urls}, timeout: 2s}}
  kie: {{key: key-planted-0001, base_url: "{at}", timeout: 60s}}
""")
        words = ["--config", str(path), "--once"]
        with terminal(words, tmp_path, environment(tmp_path)) as seen:
            seen.until("huggingface/model/[/red]/[b]")
            seen.type("\x03")
            assert seen.ended() == 130
    assert "Traceback" not in seen.drawn
    assert "UNKNOWN" not in seen.drawn  # no half of a result


# -- status --watch -------------------------------------------------------------------------


def test_watching_draws_in_place_and_gives_the_screen_back(path: Path) -> None:
    stored(path.parent, [800, 100])
    words = ["--config", str(path), "status", "--watch", "0.2"]
    with terminal(words, path.parent, environment(path.parent), columns=50, rows=8) as seen:
        first = seen.until("more lines")
        assert first.startswith("\x1b[?1049h\x1b[?25l\x1b[H")
        again = seen.until("more lines")
        assert again.startswith("\x1b[H")
        assert "\x1b[?1049h" not in again
        assert len(again.split("\r\n")) == 8
        seen.type("\x03")
        assert seen.ended() == 130
    assert seen.drawn.endswith("\x1b[?25h\x1b[?1049l")


def test_watching_without_a_terminal_prints_one_text_after_the_other(path: Path) -> None:
    words = [sys.executable, "-m", "monitor", "--config", str(path), "status", "--watch=200ms"]
    with subprocess.Popen(
        words, env=environment(path.parent), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert b"there is none yet" in process.stdout.readline()  # a daemon may still come
        stored(path.parent, [800, 100])
        while b"kie/balance" not in (line := process.stdout.readline()):
            assert b"\x1b" not in line
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ([], []),
        (["status", "--watch"], ["status", "--watch=2s"]),
        (["status", "--watch", "5"], ["status", "--watch", "5"]),
        (["status", "--watch=5", "x"], ["status", "--watch=5", "x"]),
        (["status", "--watch", "-1"], ["status", "--watch", "-1"]),
        (["status", "--watch", "--format", "text"], ["status", "--watch=2s", "--format", "text"]),
    ],
)
def test_watch_may_stand_without_a_value(words: list[str], completed: list[str]) -> None:
    assert complete_watch(words) == completed


@pytest.mark.parametrize(
    ("line", "columns", "shown"),
    [
        ("short", 10, "short"),
        ("too long", 3, "too"),
        ("\x1b[32mOK\x1b[0m fine", 4, "\x1b[32mOK\x1b[0m f"),
        ("\x1b[32mOKAY\x1b[0m", 2, "\x1b[32mOK\x1b[0m"),
        ("日本語", 5, "日本"),
        ("é́x", 1, "é́"),
    ],
)
def test_a_line_is_cut_by_what_it_takes_on_the_screen(line: str, columns: int, shown: str) -> None:
    assert cropped(line, columns) == shown


def test_what_does_not_fit_is_counted() -> None:
    assert fitted(list("abc"), 80, 3) == ["a", "b", "c"]
    assert fitted(list("abcde"), 80, 3) == [
        "a", "b", "... 3 more lines: make the window higher",
    ]  # fmt: skip
