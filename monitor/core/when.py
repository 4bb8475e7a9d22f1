"""The `when` grammar: one comparison, or a cause, or `unavailable`. Two conditions are two rules.

balance < 10000          burn > 500/h, burn > 3x usual     runway < 24h, runway(p50) < 8h
jobs_left(NAME) < 20     quota_left < 20%                  quota_used >= 80%
failures >= 3            latency > 5s                      age > 1h
cause is NAME            cause in [A, B]                   unavailable
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from monitor.core.causes import Cause
from monitor.core.conditions import Both, CauseIn, Compare, Condition, Either, Unavailable
from monitor.core.durations import parse_duration

PERCENTILES: Final = ("p10", "p25", "p50", "p90")
_NUMBER: Final = r"[0-9]+(?:\.[0-9]+)?"
_COMPARE: Final = re.compile(r"([^\s(<>=!]+)\s*(?:\(([^()]*)\))?\s*([<>=!]+)\s*(.*)")
_SECOND: Final = re.compile(r"[<>=!&|;]|\b(?:and|or)\b", re.IGNORECASE)
_PER: Final[Mapping[str, float]] = {"h": 1.0, "hour": 1.0, "d": 24.0, "day": 24.0}


@dataclass(frozen=True, slots=True)
class _Value:
    """A value in its measure's base unit, and as it is written."""

    number: float
    text: str
    times_usual: bool = False
    share: bool = False


def _credits(text: str) -> _Value | None:
    return _Value(float(text), text) if re.fullmatch("-?" + _NUMBER, text) else None


def _rate(text: str) -> _Value | None:
    if usual := re.fullmatch(rf"({_NUMBER})\s*x\s+usual", text):
        factor = float(usual[1])
        return _Value(factor, f"{usual[1]}x usual", times_usual=True) if factor > 0 else None
    if rate := re.fullmatch(rf"({_NUMBER})\s*/\s*(hour|h|day|d)", text):
        return _Value(float(rate[1]) / _PER[rate[2]], f"{rate[1]}/{rate[2]}")
    return None


def _duration(text: str) -> _Value | None:
    try:
        return _Value(parse_duration(text), text)
    except ValueError:
        return None


def _count(text: str) -> _Value | None:
    return _Value(float(text), text) if re.fullmatch("[0-9]+", text) else None


def _quota(text: str) -> _Value | None:
    if part := re.fullmatch(rf"({_NUMBER})\s*%", text):
        return _Value(float(part[1]) / 100, f"{part[1]}%", share=True)
    return _Value(float(text), text) if re.fullmatch(_NUMBER, text) else None


@dataclass(frozen=True, slots=True)
class _Measure:
    """How the value of one measure is read, and what is said where it cannot be."""

    read: Callable[[str], _Value | None]
    wants: str


_TIME: Final = "a duration such as"
_MEASURES: Final[Mapping[str, _Measure]] = {
    "balance": _Measure(_credits, "a plain number in the account's unit such as 10000"),
    "burn": _Measure(_rate, "a rate such as 500/h or 12000/day, or 3x usual"),
    "runway": _Measure(_duration, f"{_TIME} 24h"),
    "jobs_left": _Measure(_count, "a whole number of jobs such as 20"),
    "quota_left": _Measure(_quota, "a share such as 20%, or a number"),
    "quota_used": _Measure(_quota, "a share such as 80%, or a number"),
    "failures": _Measure(_count, "a whole number of probes such as 3"),
    "latency": _Measure(_duration, f"{_TIME} 5s"),
    "age": _Measure(_duration, f"{_TIME} 1h"),
}
MEASURES: Final = tuple(_MEASURES)


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word.lower(), list(known), n=1)
    return f", did you mean {close[0]}?" if close else ""


def _cause(word: str) -> Cause:
    names = [c.value for c in Cause]
    if word not in names:
        raise ValueError(f"unknown cause {word!r}{_did_you_mean(word, names)}")
    return Cause(word)


def _causes(text: str) -> CauseIn:
    if found := re.fullmatch(r"cause\s+is\s+([^\s\[\],]+)", text):
        return CauseIn(frozenset({_cause(found[1])}))
    if found := re.fullmatch(r"cause\s+in\s*\[([^\[\]]*)\]", text):
        words = [word.strip() for word in found[1].split(",")]
        if all(words):
            return CauseIn(frozenset(_cause(word) for word in words))
    raise ValueError(f"{text!r} is not `cause is NAME` or `cause in [A, B]`")


def _argument(name: str, argument: str | None, jobs: Collection[str] | None) -> str:
    if name == "runway":
        percentile = "p25" if argument is None else argument.lower()
        if percentile not in PERCENTILES:
            raise ValueError(f"runway({argument}) is not known: it takes {', '.join(PERCENTILES)}")
        return percentile
    if name != "jobs_left":
        if argument is not None:
            raise ValueError(f"{name} takes nothing in parentheses")
        return ""
    if not argument:
        raise ValueError("jobs_left wants the name of a job: jobs_left(NAME) < 20")
    if jobs is not None and argument not in jobs:
        hint = _did_you_mean(argument, jobs) or " has no price in `jobs`"
        raise ValueError(f"jobs_left: unknown job {argument!r}{hint}")
    return argument


def _comparison(text: str, jobs: Collection[str] | None) -> Compare:
    found = _COMPARE.fullmatch(text)
    word = re.split(r"[\s(<>=!]", text, maxsplit=1)[0]
    if word not in _MEASURES:
        hint = _did_you_mean(word, [*MEASURES, "cause", "unavailable"])
        raise ValueError(f"unknown measure {word!r}{hint or ': one of ' + ', '.join(MEASURES)}")
    if found is None:
        raise ValueError(f"{text!r} is not a comparison such as {word} < VALUE")
    name, argument, op, rest = found.groups()
    if op not in ("<", "<=", ">", ">="):
        raise ValueError(f"{op!r} is not a comparison: use <, <=, > or >=")
    if _SECOND.search(rest):
        raise ValueError(f"{text!r} holds more than one condition: two conditions are two rules")
    argument = _argument(name, argument.strip() if argument is not None else None, jobs)
    value = _MEASURES[name].read(rest)
    if value is None:
        raise ValueError(f"{name} is compared with {_MEASURES[name].wants}, not {rest!r}")
    return Compare(
        name, op, value.number, argument, value.times_usual, value.text, share=value.share
    )


def parse_when(text: str, *, jobs: Collection[str] | None = None) -> Condition:
    """The condition that `text` says; `jobs`: the names that `jobs_left` may use, where known.

    Raises ValueError in the user's terms.
    """
    text = text.strip()
    if not text:
        raise ValueError("a condition is empty: write one such as balance < 10000")
    if text == "unavailable":
        return Unavailable()
    if re.match(r"cause\b", text):
        return _causes(text)
    return _comparison(text, jobs)


def format_condition(condition: Condition) -> str:
    """The condition as the user may write it; `parse_when` reads it back to an equal one.

    A built-in's two conditions are joined by `and` or `or`, a special one is its name.
    """
    match condition:
        case Compare():
            plain = condition.argument in ("", "p25")
            argument = "" if plain else f"({condition.argument})"
            return f"{condition.measure}{argument} {condition.op} {condition.text}"
        case CauseIn(causes):
            names = sorted(cause.value for cause in causes)
            return f"cause is {names[0]}" if len(names) == 1 else f"cause in [{', '.join(names)}]"
        case Unavailable():
            return "unavailable"
        case Both(first, second):
            return f"{format_condition(first)} and {format_condition(second)}"
        case Either(first, second):
            return f"{format_condition(first)} or {format_condition(second)}"
    return condition.name
