"""Ours, the baselines, the oracle, and whatever class is named on the command line."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import cast

from benchmarks.forecast.baselines import BASELINES, Estimator
from benchmarks.forecast.oracle import CausalOracle
from benchmarks.forecast.traces import Trace

OURS, ORACLE = "monitor", "causal oracle"
ADAPTER = Path(__file__).resolve().parent.parent / "forecast_adapter.py"


class UnknownEstimator(ValueError):
    """No such name or class."""


def names() -> list[str]:
    """What can be scored without naming a file."""
    return [*BASELINES, OURS, ORACLE]


def build(name: str, files: dict[str, str], trace: Trace) -> Estimator:
    """A fresh estimator for a trace. `files`: name to PATH:CLASS. Raises UnknownEstimator."""
    if name in files:
        return _told(load(files[name]), trace)
    if name == OURS:
        return _told(load(f"{ADAPTER}:Forecaster"), trace)
    if name == ORACLE:
        return CausalOracle(trace)
    if name in BASELINES:
        return BASELINES[name](trace.dearest)
    raise UnknownEstimator(f"no estimator {name!r}; there are: {', '.join(names())}")


def _told(made: Callable[..., Estimator], trace: Trace) -> Estimator:
    """With the account's dearest price, where the class can be told one."""
    if "job_max" in signature(made).parameters:
        return made(job_max=trace.job_max)
    return made()


def load(spec: str) -> Callable[..., Estimator]:
    """The class of PATH:CLASS. Raises UnknownEstimator when there is none."""
    path, _, attribute = spec.rpartition(":")
    if not path or not Path(path).is_file():
        raise UnknownEstimator(f"{spec!r} is not PATH:CLASS of a Python file")
    key = f"scored_{abs(hash(str(Path(path).resolve())))}"
    if key not in sys.modules:
        found = importlib.util.spec_from_file_location(key, path)
        assert found is not None
        assert found.loader is not None
        sys.modules[key] = importlib.util.module_from_spec(found)
        found.loader.exec_module(sys.modules[key])
    if not hasattr(sys.modules[key], attribute):
        raise UnknownEstimator(f"{path} has no {attribute!r}")
    return cast("Callable[..., Estimator]", getattr(sys.modules[key], attribute))
