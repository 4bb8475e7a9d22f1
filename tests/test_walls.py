"""The walls of the house: who may import what, and that the core knows no clock."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "monitor"
FILES = sorted(ROOT.rglob("*.py"))

# Value modules of the standard library: nothing that opens, waits, asks the time or the system.
CORE_MAY = {
    "__future__", "array", "bisect", "collections", "dataclasses", "datetime", "decimal",
    "difflib", "enum", "functools", "hashlib", "itertools", "math", "operator", "re", "struct",
    "typing", "zlib", "html", "string", "textwrap",
}  # fmt: skip
CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "perf_counter", "sleep"}

# Who alone may import a library.
ONLY = {
    "httpx": {"http.py", "exchange.py", "http1.py"},
    "httpcore": set(),
    "aiosmtplib": {"notifiers/_handover.py"},
    "apprise": {"notifiers/apprise.py"},
    "matplotlib": {"notifiers/_chart.py"},
    "sqlite3": "store/",
    "apscheduler": {"slots.py"},
    "prometheus_client": {"exporter.py"},
    "structlog": {"logs.py"},
    "pydantic": "config/",
    "yaml": "config/",
    "typer": "cli/",
    "rich": "cli/",
    "starlette": "web/",
    "uvicorn": "web/",
    "h11": {"demo/wire.py", "web/patience.py"},
    "httptools": {"http1.py"},
    "aiosmtpd": {"demo/postbox.py"},
    "smtplib": set(),
    "requests": set(),
    "urllib.request": set(),
}

# What each part may import of the others; what is not named here may import core alone.
PARTS = {
    "core": {"core"},
    "clock": set(),
    "http": {"core", "exchange", "http1", "reach"},
    "exchange": {"core", "meter", "reach"},  # for `http` alone
    "http1": {"dial", "line", "meter", "reach"},
    "dial": set(),
    "line": set(),
    "meter": set(),
    "reach": {"core"},
    "edge": {"http"},
    "answers": {"core", "edge", "http"},
    "sayings": {"answers", "core", "edge", "http"},
    "providers": {"core", "http", "answers", "edge", "providers", "sayings"},
    "notifiers": {"core", "edge", "http", "notifiers"},
    "store": {"core", "store"},
    "config": {"core", "config"},
    "metrics": {"core"},
    "exporter": {"core", "metrics"},
    "web": {"core", "web"},
    "heartbeat": {"core"},
    "switch": {"core"},
    "runbooks": {"core", "runbooks"},
    "logs": {"core"},
    "trail": set(),
    "state": {"core", "trail"},
    "seeing": {"core", "state"},
    "memory": {"core", "seeing", "state", "store", "trail"},
    "judging": {"core", "memory"},
    "owing": {"core", "memory", "store"},
    "hourly": {"core", "memory", "store"},
    "writing": {"core", "clock", "hourly", "memory", "owing", "store"},
    "restoring": {"core", "clock", "memory", "store", "writing"},
    "keeping": {
        "core", "clock", "hourly", "judging", "memory", "restoring", "store", "writing",
    },
    "noticing": {"core", "memory"},
    "asking": {"core", "clock", "memory"},
    "keyring": {"config", "core", "threads"},
    "promql": {"core", "http", "answers"},
    "counting": {"core", "clock", "http", "keeping", "memory", "store"},
    "refreshing": {"core", "clock", "memory", "notifiers"},
    "illustrating": {"core", "memory"},
    "errands": {"core", "notifiers"},
    "telling": {"core", "clock", "errands", "illustrating", "keeping", "memory", "notifiers"},
    "believing": {"asking", "clock", "core", "keeping", "memory", "noticing"},
    "digesting": {"clock", "core", "memory", "store"},
    "others": {"clock", "core", "memory"},
    "pipeline": {
        "asking", "believing", "core", "clock", "counting", "digesting", "judging", "keeping",
        "memory", "noticing", "others", "store", "telling",
    },
    "descriptors": set(),
    "process": {"app", "descriptors", "threads"},
    "room": set(),
    "scheduler": {"core", "clock", "room", "slots"},
    "slots": set(),
    "rounds": {"clock"},
    "reloading": {"clock", "config", "core", "heartbeat", "pipeline", "rounds", "scheduler"},
    "threads": set(),
    "lock": {"core"},
    "leading": {"core", "lock", "store"},
    "standing": {"control", "core", "leading"},
    "turn": {"core", "leading", "standing", "store", "web"},
    "control": {"core"},
    "operator": {"core", "clock", "pipeline"},
    "history": {"core", "store"},
    "recall": {"core", "history", "store"},
}  # fmt: skip


def part_of(path: Path) -> str:
    """`monitor/core/model.py` is of `core`, `monitor/http.py` of `http`."""
    relative = path.relative_to(ROOT)
    return relative.parts[0].removesuffix(".py")


def imports(path: Path) -> list[tuple[str, int]]:
    """Every module a file imports, with its line."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            module = node.module or ""
            names = [f"{module}.{a.name}" for a in node.names] if module == "monitor" else [module]
            found += [(name, node.lineno) for name in names]
    return found


def of_house(module: str) -> str | None:
    """The part a module belongs to, None for others' modules and for `monitor` itself."""
    words = module.split(".")
    if words[0] != "monitor" or len(words) < 2 or words[1].startswith("__"):
        return None
    return words[1]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    allowed = PARTS.get(part_of(path))
    if allowed is None:
        return  # the roots below: they put the parts together
    if part_of(path) != "core":
        allowed = allowed | {"logs"}
    for module, line in imports(path):
        house = of_house(module)
        assert house is None or house in allowed, f"{path}:{line} imports {module}"


def test_every_part_that_is_not_a_root_has_its_wall() -> None:
    roots = {
        "__init__", "__main__", "app", "term", "build", "channels", "explaining", "once",
        "stored", "trial", "cli", "demo",
    }  # fmt: skip
    assert {part_of(p) for p in FILES} - roots <= set(PARTS)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_library_has_one_door(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    for module, line in imports(path):
        for library, doors in ONLY.items():
            if module != library and not module.startswith(library + "."):
                continue
            inside = place.startswith(doors) if isinstance(doors, str) else place in doors
            assert inside, f"{path}:{line} imports {module}"


@pytest.mark.parametrize("path", [p for p in FILES if part_of(p) == "core"], ids=lambda p: p.name)
def test_the_core_imports_value_modules_only(path: Path) -> None:
    for module, line in imports(path):
        if of_house(module) is None:
            assert module.split(".")[0] in CORE_MAY, f"{path}:{line} imports {module}"
            assert module.split(".")[0] in sys.stdlib_module_names


@pytest.mark.parametrize("path", [p for p in FILES if part_of(p) == "core"], ids=lambda p: p.name)
def test_the_core_asks_no_clock_and_opens_nothing(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        plain = node.func.id if isinstance(node.func, ast.Name) else ""
        owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        clock = name in CLOCKS and owner in {"datetime", "time", "date", "datetime.datetime"}
        assert not clock, f"{path}:{node.lineno} asks the clock"
        assert plain not in {"open", "print", "input", "exec", "eval"}, f"{path}:{node.lineno}"
