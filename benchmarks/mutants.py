"""Would a test notice? Small faults are put into a core module, one at a time, in memory.

python -m benchmarks.mutants core/ledger.py

No file is touched. The tests are imported once; for each fault the process forks, the child swaps
the code of the one function or class (or the one constant) and runs the tests, quick ones first,
until one fails. What no test notices is printed.
"""

from __future__ import annotations
import __future__

import argparse
import ast
import gc
import os
import resource
import sys
import time
from types import FunctionType, ModuleType

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, Phase, settings

from benchmarks.faults import Fault, faults

NAMES = """ledger ledger_edges forecast forecast_edges book renewal plan_forecast ledger_wild
    runway_laws forecast_lives crossing cadence"""
TESTS = [f"tests/test_{name}.py" for name in NAMES.split()]
ALIVE, KILLED, TIMED_OUT = 0, 1, 2


def apply(module: ModuleType, mutant: Fault) -> None:
    """Swap the code, or the constant and what is made of it, as everyone has imported it."""
    mutant.put()
    ast.fix_missing_locations(mutant.top)
    space, flag = dict(vars(module)), __future__.annotations.compiler_flag
    later = mutant.module.body[mutant.module.body.index(mutant.top) :]
    for top in later if isinstance(mutant.top, ast.Assign) else [mutant.top]:
        before = dict(space)
        code = compile(ast.Module([top], []), str(module.__file__), "exec", flag)
        exec(code, space)  # noqa: S102 - what it is for
        for name in [n for n, new in space.items() if n in before and new is not before[n]]:
            space[name] = _take(name, before[name], space[name])


def _take(name: str, old: object, new: object) -> object:
    """Bring in what a statement has made; returns what the name stands for from then on."""
    if isinstance(old, FunctionType | type):
        _swap(old, new)
        return old
    for other in [
        m for n, m in sys.modules.items() if n.startswith(("monitor", "tests", "test_"))
    ]:
        if vars(other).get(name) is old:
            setattr(other, name, new)
    return new


def _swap(old: object, new: object) -> None:
    """Give what everyone holds the code of its changed twin."""
    if isinstance(old, FunctionType) and isinstance(new, FunctionType):
        old.__defaults__, old.__kwdefaults__ = new.__defaults__, new.__kwdefaults__
        old.__code__ = new.__code__
        if old.__name__ == "__init__":  # a dataclass's: it holds the factories of its fields
            for ours, theirs in zip(old.__closure__ or (), new.__closure__ or (), strict=True):
                ours.cell_contents = theirs.cell_contents
    elif isinstance(old, type):
        for name, member in vars(old).items():
            _swap(member, vars(new).get(name))
    elif isinstance(old, property) and isinstance(new, property):
        _swap(old.fget, new.fget)
    elif isinstance(old, classmethod | staticmethod):
        _swap(old.__func__, new.__func__)  # type: ignore[attr-defined]


class Runner:
    """A pytest plugin that runs the collected tests for each mutant instead of once."""

    def __init__(self, a: argparse.Namespace, lines: range) -> None:
        self.file, self.jobs, self.trace, self.under = a.file, a.jobs, a.killers, a.under
        self.lines = lines
        self.found: dict[int, list[str]] = {ALIVE: [], KILLED: [], TIMED_OUT: []}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        module = sys.modules["monitor." + self.file.removesuffix(".py").replace("/", ".")]
        seconds = {item: self._timed(item) for item in session.items}
        self.items = [
            i for i in sorted(seconds, key=lambda i: seconds[i]) if seconds[i] < self.under
        ]
        self.limit = int(3 * sum(seconds[i] for i in self.items)) + 5
        with open(str(module.__file__), encoding="utf-8") as source:
            every = list(faults(ast.parse(source.read())))
        gc.freeze()
        running: dict[int, str] = {}
        for mutant in every:
            if int(mutant.text.split(":")[0]) in self.lines:
                self._reap(running, self.jobs - 1)
                running[self._start(module, mutant)] = mutant.text
        self._reap(running, 0)
        return True

    def _timed(self, item: pytest.Item) -> float:
        began = time.process_time()
        if any(r.failed for r in runtestprotocol(item, log=False)):
            raise pytest.UsageError(f"{item.nodeid} fails without any fault")
        return time.process_time() - began

    def _start(self, module: ModuleType, mutant: Fault) -> int:
        pid = os.fork()
        if pid:
            return pid
        resource.setrlimit(resource.RLIMIT_CPU, (self.limit, self.limit))
        if not self.trace:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        code = KILLED
        try:
            apply(module, mutant)
            code = self._verdict(mutant)
        except Exception as fault:  # noqa: BLE001 - it cannot even be imported
            print(f"{mutant.text}   [{fault!r}]", flush=True)
        finally:
            os._exit(code)

    def _verdict(self, mutant: Fault) -> int:
        for item in self.items:
            if any(r.failed for r in runtestprotocol(item, log=False)):
                if self.trace:
                    print(f"{mutant.text}   [{item.nodeid}]", flush=True)
                return KILLED
        return ALIVE

    def _reap(self, running: dict[int, str], most: int) -> None:
        while len(running) > most:
            pid, status = os.wait()
            code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else TIMED_OUT
            text = running.pop(pid)
            self.found[code].append(text)
            if code != KILLED:
                print(f"{'timed out' if code else 'survived'}  {self.file}:{text}", flush=True)


def main() -> int:
    """Run; 1 where a fault was not noticed."""
    p = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    p.add_argument("file", help="below monitor/, as core/ledger.py")
    p.add_argument("--tests", nargs="+", default=TESTS)
    p.add_argument("--lines", default="1-99999", help="only these, as 80-95")
    p.add_argument("--under", type=float, default=1e9, help="only tests of so many seconds")
    p.add_argument("--jobs", type=int, default=1)
    p.add_argument("--killers", action="store_true", help="say which test noticed each")
    a = p.parse_args()
    settings.register_profile(
        "mutants", max_examples=40, derandomize=True, database=None, deadline=None,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    settings.load_profile("mutants")
    first, last = (int(n) for n in a.lines.split("-"))
    runner = Runner(a, range(first, last + 1))
    off = [x for name in ("randomly", "xdist", "cacheprovider") for x in ("-p", f"no:{name}")]
    failed = pytest.main(
        ["-q", "-s", "--assert=plain", "-o", "addopts=", *off, *a.tests], plugins=[runner]
    )
    alive, killed, late = (len(runner.found[code]) for code in (ALIVE, KILLED, TIMED_OUT))
    print(
        f"{a.file}: {alive + killed + late} mutants, {killed} killed, {late} timed out,", end=" "
    )
    print(f"{alive} survived")
    return int(failed) or int(alive > 0)


if __name__ == "__main__":
    sys.exit(main())
