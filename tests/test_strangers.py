"""What a stranger does to the command line ends in words and the right exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from living import environment

from monitor.cli import main

CONFIG = "accounts: {kie: {key: key-planted-0001, base_url: 'http://127.0.0.1:1'}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path


def run(folder: Path, shell: str) -> subprocess.CompletedProcess[str]:
    """A line of shell in which `monitor` is the command line; `rc` ends up as its exit code."""
    env = environment(folder)
    line = shell.replace("monitor", f"{sys.executable} -m monitor", 1)
    found = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in found.stderr
    assert "Exception ignored" not in found.stderr
    return found


FULL = "the output cannot be written: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full: this is not Linux")
@pytest.mark.parametrize("words", ["--help", "--once", "providers --format json"])
def test_a_full_disk_under_the_output_is_said(folder: Path, words: str) -> None:
    found = run(folder, f"monitor {words} > /dev/full")
    assert (found.returncode, found.stderr) == (65, FULL)


@pytest.mark.parametrize(("words", "code"), [("schema", 0), ("check-config", 0), ("--once", 3)])
def test_a_reader_that_has_seen_enough_is_no_fault(folder: Path, words: str, code: int) -> None:
    found = run(folder, f"{{ monitor {words}; echo $? > code; }} | true")
    assert found.stderr.replace(":1:1: receivers: warning:", "").count("\n") <= 1
    assert (folder / "code").read_text() == f"{code}\n"


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_fault(folder: Path, closed: str) -> None:
    assert run(folder, f"monitor check-config {closed}").returncode == 0


def test_a_result_file_is_whole_or_not_there_and_a_device_stays_one(folder: Path) -> None:
    (folder / "old.prom").write_text("old")
    found = run(folder, "monitor --once --format prometheus --output old.prom")
    assert (found.returncode, found.stdout) == (3, "")
    assert "monitor_probe_success" in (folder / "old.prom").read_text()
    assert sorted(p.name for p in folder.iterdir()) == ["config.yaml", "old.prom"]
    missing = run(folder, "monitor --once --output none/report.txt")
    assert (missing.returncode, missing.stderr) == (
        65, "--output none/report.txt: No such file or directory\n",
    )  # fmt: skip
    assert "kie/balance" in run(folder, "monitor --once --output /dev/stdout").stdout
    assert "kie/balance" in run(folder, "monitor --once --output -").stdout


def test_nagios_shows_why_nothing_could_be_asked(folder: Path) -> None:
    (folder / "config.yaml").write_text("accounts:\n  kie: {intervall: 5m, flor: '|'}\n")
    found = run(folder, "monitor --once --format nagios")
    assert found.returncode == 78
    assert found.stdout == (
        "MONITOR UNKNOWN - config.yaml:2:9: accounts.kie.intervall: unknown key, did you mean "
        "interval? (and 1 more)\n"
    )
    assert len(found.stderr.splitlines()) == 2


WRONG = [
    ("--once --timeout 0", 64, "--timeout: a run takes longer than 0s\n"),
    ("--once --timeout soon", 64, "--timeout: 'soon' is not a duration such as '30s', '5m' or "
     "'1h30m'\n"),
    ("--timeout 5s", 64, "--timeout: only with --once\n"),
    ("check-config --effective --quiet", 64,
     "--effective: neither with --quiet nor with another --format\n"),
    ("status --watch=x", 64, "--watch: 'x' is not a duration such as '30s', '5m' or '1h30m'\n"),
    ("status --watch x", 64, "--watch: 'x' is not a duration such as '30s', '5m' or '1h30m'\n"),
    ("status --watch -1", 64, "--watch: '-1' is not a duration such as '30s', '5m' or '1h30m'\n"),
    ("status --watch y", 64, "--watch: 'y' is not a duration such as '30s', '5m' or '1h30m'\n"),
    ("status --watch 0", 64, "--watch: 0 is not between 0.2s and 1d\n"),
    ("status --watch 1y", 64, "--watch: 1y is not between 0.2s and 1d\n"),
    ("explain kei/balance", 64, "no target 'kei/balance', did you mean kie/balance? there are:\n"
     "  kie/balance\n"),
    ("--once --only kei/bal*", 64, "--only kei/bal* matches no target, did you mean kie/balance? "
     "there are:\n  kie/balance\n"),
    ("test-receiver oncal", 64, "no receiver 'oncal' in the config; there are: none\n"),
    ("replay kie/balnce", 65, "kie/balnce: there is no such file, and it is no target, did you "
     "mean kie/balance?\n"),
    ("replay kie.balance", 65, "kie.balance: there is no such file, and it is no target, did you "
     "mean kie/balance?\n"),
    ("init --provider huggin --output -", 64, "--provider: 'huggin' is no provider, did you mean "
     "huggingface?\n"),
    ("plan --job foo=3", 64, "--job: 'foo=3' is not a planned usage such as "
     "sora-2-720p-10s=40/day\n"),
    ("init --provider kie --output .", 64, ". is a directory: name a file, such as config.yaml\n"),
    ("status --watch --format json", 64,
     "--watch: only with --format text; a script asks again by itself\n"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "code", "said"), WRONG)
def test_wrong_usage_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], words: str, code: int, said: str
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--config", str(folder / "config.yaml"), *words.split(" ")])
    assert (end.value.code, *capsys.readouterr()) == (code, "", said)


@pytest.mark.parametrize(
    ("word", "how"),
    [("reload", "The daemon reloads its config on SIGHUP: `systemctl reload monitor`."),
     ("stop", "The daemon ends on SIGTERM: `systemctl stop monitor`."),
     ("run", "`monitor` without a command is the daemon.")],
)  # fmt: skip
def test_what_is_no_command_because_it_is_done_otherwise_says_how(
    capsys: pytest.CaptureFixture[str], word: str, how: str
) -> None:
    with pytest.raises(SystemExit) as end:
        main([word])
    assert end.value.code == 64
    assert capsys.readouterr().err.endswith(f"Error: No such command '{word}'. {how}\n")


@pytest.mark.parametrize("what", ["directory", "text"])
def test_what_is_no_database_is_named_with_its_place_and_left_alone(
    folder: Path, what: str
) -> None:
    path = folder / "mine"
    path.mkdir() if what == "directory" else path.write_text("my notes\n")
    with (folder / "config.yaml").open("a") as config:
        config.write("database: mine\n")
    line = len((folder / "config.yaml").read_text().splitlines())
    status = run(folder, "monitor status")
    assert (status.returncode, status.stdout) == (65, "")
    place, why = status.stderr.splitlines()
    assert place.startswith(f"config.yaml:{line}:11: database: warning: ")
    assert why.startswith(f"database {path}: it is ")
    once = run(folder, "monitor --once")
    assert "the database cannot be read: no runway is known" in once.stderr
    assert path.is_dir() or path.read_text() == "my notes\n"


@pytest.mark.parametrize("words", ["--once --format nagios", ""])
def test_what_is_not_installed_is_missed_at_once_and_is_our_fault(
    folder: Path, words: str
) -> None:
    """A probe that fails for want of it would blame a provider; Python's own code says WARNING."""
    code = f"""
import sys
sys.modules["httptools"] = None
from monitor.cli import main
main({words.split()!r})
"""
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder, env=environment(folder), capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert (found.returncode, found.stdout) == (70, "")
    assert found.stderr.splitlines()[-1] == "monitor is not installed whole: httptools is missing"


def test_what_nobody_foresaw_is_our_fault_and_no_warning(folder: Path) -> None:
    code = """
import sys, typing
import monitor.once
def broken(*words: object, **more: object) -> typing.NoReturn:
    raise LookupError("unforeseen")
monitor.once.__dict__.update(probe_once=broken)
from monitor.cli import main
main(["--once"])
"""
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder, env=environment(folder), capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert found.returncode == 70
    assert found.stderr.splitlines()[-1] == "this is a defect of monitor"


def test_an_option_that_cannot_be_is_named_with_what_can_be(folder: Path) -> None:
    found = run(folder, "monitor --once --format jnit")
    assert (found.returncode, found.stdout) == (64, "")
    last = found.stderr.splitlines()[-1]
    assert last.startswith("Error: Invalid value for '--format': 'jnit' is not one of 'text',")


def test_without_a_config_the_way_to_one_is_named(folder: Path) -> None:
    (folder / "config.yaml").unlink()
    found = run(folder, "monitor --once")
    assert found.returncode == 78
    assert "monitor init" in found.stderr


def test_check_config_quietly_says_what_is_wrong_alone(folder: Path) -> None:
    found = run(folder, "monitor check-config --quiet")
    assert (found.returncode, found.stdout) == (0, "")
    assert found.stderr.startswith("config.yaml:1:1: receivers: warning: there are none")
    whole = run(folder, "monitor check-config --effective")
    assert whole.stdout.startswith("accounts:\n")


def test_check_config_speaks_to_programs_and_to_pull_requests(folder: Path) -> None:
    (folder / "config.yaml").write_text("accounts: {kie: {key: x, balance: {interval: 1s}}}\n")
    found = run(folder, "monitor check-config --format json")
    document = json.loads(found.stdout)
    assert (found.returncode, document["sound"], document["faults"]) == (0, True, [])
    assert [(w["line"], w["path"]) for w in document["warnings"]] == [
        (1, "receivers"), (1, "accounts.kie.balance.interval"),
    ]  # fmt: skip
    (folder / "web.yml").write_text(f"basic_auth_users: {{ada: $2b$13${'a' * 53}}}\n")
    (folder / "config.yaml").write_text(
        "accounts: {kie: {key: x}}\nweb: {config_file: web.yml}\n"
        "receivers: {r: {webhook: {url: 'https://hook.example.com/x'}}}\n"
    )
    found = run(folder, "monitor check-config --format json")
    (warning,) = json.loads(found.stdout)["warnings"]
    assert (Path(warning["file"]).name, warning["line"]) == ("web.yml", 1)
    (folder / "config.yaml").write_text("accounts:\n  kie: {intervall: 5m}\n")
    found = run(folder, "monitor check-config --format github")
    assert (found.returncode, found.stderr) == (78, "")
    assert found.stdout == (
        "::error file=config.yaml,line=2,col=9::accounts.kie.intervall: unknown key, did you mean "
        "interval?\n"
    )
