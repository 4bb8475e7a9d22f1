"""What a start loads, and what it leaves to whoever needs it. How long that takes: benchmarks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.start import Imported, config, kie, profile
from monitor.core.spec import OnDemand

LISTS = """
import json, sys
from monitor.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    sys.stderr.write(json.dumps([end.code, sorted(sys.modules)]))
"""
COLLECTS = """
import gc
usual = gc.get_threshold()
from monitor.cli import garbage
garbage.start()
rarely = gc.get_threshold()
garbage.stay()
print(rarely[0] > 100 * usual[0], gc.isenabled(), gc.get_threshold() == usual)
"""
# Libraries that only some of the commands, formats or channels need.
FOR_OTHERS = {
    "aiosmtpd", "aiosmtplib", "anyio", "apprise", "apscheduler", "bcrypt", "jinja2", "matplotlib",
    "prometheus_client", "starlette", "structlog", "uvicorn", "xml.etree.ElementTree",
    "rich.traceback", "typer.rich_utils",  # the rest of rich comes with httpx
}  # fmt: skip
OF_OURS = {
    "monitor.app", "monitor.channels", "monitor.cli.formats.junit", "monitor.demo",
    "monitor.exporter", "monitor.metrics", "monitor.runbooks", "monitor.scheduler",
    "monitor.telling", "monitor.web",
}  # fmt: skip
WEBHOOK = """
receivers:
  ops: {webhook: {url: "http://127.0.0.1:9/nobody"}}
"""


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with kie() as found:
        yield found


def loaded(*words: str) -> tuple[int, set[str]]:
    """The exit code of a command, and every module that it has loaded."""
    asked = [sys.executable, "-c", LISTS, *words]
    env = {k: v for k, v in os.environ.items() if not k.startswith("MONITOR")}
    result = subprocess.run(asked, env=env, capture_output=True, text=True, check=False)
    code, modules = json.loads(result.stderr.splitlines()[-1])
    return code, set(modules)


def files_in(package: str, modules: set[str]) -> set[str]:
    """The modules of a package that are a provider or a channel."""
    names = {m.removeprefix(f"{package}.") for m in modules if m.startswith(f"{package}.")}
    return {name for name in names if not name.startswith("_")}


def test_one_account_loads_its_provider_and_nothing_that_others_need(
    origin: str, tmp_path: Path
) -> None:
    code, modules = loaded("--once", "--config", str(config(tmp_path, origin)))
    assert code == 0
    assert files_in("monitor.providers", modules) == {"kie"}
    assert files_in("monitor.notifiers", modules) == set()
    assert modules & (FOR_OTHERS | OF_OURS) == set()
    assert "monitor.store.sqlite" not in modules  # there is no database to remember anything of


def test_who_is_told_loads_the_channels_of_the_config_alone(origin: str, tmp_path: Path) -> None:
    path = config(tmp_path, origin)
    path.write_text(path.read_text(encoding="utf-8") + WEBHOOK, encoding="utf-8")
    _, looked = loaded("--once", "--config", str(path))
    assert files_in("monitor.notifiers", looked) == {"webhook"}
    assert "monitor.telling" not in looked
    _, told = loaded("--once", "--notify", "--config", str(path))
    assert files_in("monitor.notifiers", told) == {"webhook"}
    assert "monitor.telling" in told


def test_a_config_is_checked_without_what_asks_or_tells(origin: str, tmp_path: Path) -> None:
    code, modules = loaded("check-config", "--config", str(config(tmp_path, origin)))
    assert code == 0
    assert files_in("monitor.providers", modules) == {"kie"}
    others = {*FOR_OTHERS, "httpx", "sqlite3", "monitor.pipeline", "monitor.telling"}
    assert modules & others == set()


def test_what_is_there_on_demand_is_known_by_name_and_made_when_looked_up_once() -> None:
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name.upper()

    found = OnDemand(("a", "b"), make)
    assert (list(found), len(found), "a" in found, "c" in found, found.get("c")) == (
        ["a", "b"], 2, True, False, None,
    )  # fmt: skip
    assert made == []
    assert (found["b"], found["b"], made) == ("B", "B", ["b"])
    with pytest.raises(KeyError):
        found["c"]


def test_who_lives_on_collects_garbage_as_python_does_by_itself() -> None:
    asked = [sys.executable, "-c", COLLECTS]
    result = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["True", "True", "True"]


def test_the_profile_counts_each_module_once_for_its_package() -> None:
    modules = [Imported("rich.text", 2.0, 2.0), Imported("rich", 1.0, 3.0),
               Imported("monitor.core.model", 4.0, 9.0)]  # fmt: skip
    lines = list(profile(modules))
    assert lines[0] == "3 modules, 7 ms under the profiler"
    assert lines[2:4] == ["| monitor.core | 1 | 4.0 |", "| rich | 2 | 3.0 |"]
    assert lines[5] == "| monitor.core.model | 9.0 |"
