"""Named conditions, and what they say of a target: judge(rule, view) to a judgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.core.causes import Cause, Severity


@dataclass(frozen=True, slots=True)
class Compare:
    """`MEASURE OP VALUE`: the value is in the measure's base unit (credits, seconds, share)."""

    measure: str  # balance burn runway jobs_left quota_left quota_used failures latency age
    op: str  # < <= > >=
    value: float
    argument: str = ""  # the job of jobs_left, the percentile of runway ("p25")
    times_usual: bool = False  # burn > 3x usual
    text: str = ""  # the value as the user wrote it


@dataclass(frozen=True, slots=True)
class CauseIn:
    """`cause is NAME`, `cause in [A, B]`."""

    causes: frozenset[Cause]


@dataclass(frozen=True, slots=True)
class Unavailable:
    """`unavailable`: the target is unusable."""


@dataclass(frozen=True, slots=True)
class Both:
    """For built-in rules only: two conditions at once. A user's rule has one condition."""

    first: Compare
    second: Compare


@dataclass(frozen=True, slots=True)
class Special:
    """A built-in rule over more than one target, named for the function that judges it."""

    name: str


Condition = Compare | CauseIn | Unavailable | Both | Special


@dataclass(frozen=True, slots=True)
class Rule:
    """A named condition on targets."""

    name: str
    on: str  # a target or a glob
    when: Condition
    severity: Severity = Severity.WARNING
    clear: Condition | None = None  # else: when `when` no longer holds
    for_seconds: float = 0.0
    keep_firing_for: float = 0.0
    after: int = 1  # breaching readings in a row
    after_by_cause: Mapping[Cause, int] = field(default_factory=dict)
    builtin: bool = False
    summary: str = ""  # fixed words of a built-in rule
