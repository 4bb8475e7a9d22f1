"""Rules that are legal and yet unwise: they never fire, or say less than they seem to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from monitor.config.context import Context
from monitor.config.faults import PathTuple
from monitor.config.references import Targets
from monitor.core.builtin import BUILTIN
from monitor.core.causes import Severity
from monitor.core.conditions import Both, Compare, Condition
from monitor.core.durations import format_duration
from monitor.core.globs import matches
from monitor.core.model import Check
from monitor.core.rules import Rule
from monitor.core.settings import Settings, TargetSettings

_QUOTAS = ("quota_used", "quota_left")
_LESS, _MORE = ("<", "<="), (">", ">=")
_BUILTIN = {rule.name: rule for rule in BUILTIN}


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of `alerts:`, what it came to (None: switched off) and what it is about."""

    at: PathTuple
    name: str
    rule: Rule | None
    names: tuple[str, ...]  # targets, derived ones as well
    asked: tuple[TargetSettings, ...]


def entries(context: Context, settings: Settings, targets: Targets) -> Iterator[Entry]:
    """Every entry of `alerts:` with its rule."""
    rules = {rule.name: rule for rule in settings.rules}
    written = context.document.get("alerts")
    for index in range(len(written) if isinstance(written, list) else 0):
        at = ("alerts", index)
        name = context.document.text(*at, "name")
        rule = rules.get(name)
        known = (*targets.active, *targets.derived)
        names = tuple(n for n in known if rule is not None and matches(rule.on, n))
        asked = tuple(t for t in settings.targets if t.target.name in names)
        yield Entry(at, name, rule, names, asked)


def doubt_rules(context: Context, settings: Settings, targets: Targets) -> None:
    """Note what is odd in `alerts:`, and in what the rules' targets are asked how often."""
    for entry in entries(context, settings, targets):
        if entry.rule is None:
            _switched_off(context, entry)
            continue
        _weakened(context, entry, entry.rule)
        for key, message in _oddities(entry, entry.rule, settings):
            context.doubt((*entry.at, key), message)


def _switched_off(context: Context, entry: Entry) -> None:
    builtin = _BUILTIN.get(entry.name)
    if builtin is not None and builtin.severity is Severity.CRITICAL:
        message = f"{entry.name} is critical, and is switched off: nobody hears when"
        context.doubt((*entry.at, "enabled"), f"{message} {builtin.summary}")


def _weakened(context: Context, entry: Entry, rule: Rule) -> None:
    builtin = _BUILTIN.get(entry.name)
    if builtin is None or rule.builtin or builtin.severity is not Severity.CRITICAL:
        return
    if rule.severity is not Severity.CRITICAL:
        message = (
            f"takes the place of a critical built-in rule with severity {rule.severity.value}"
        )
        context.doubt((*entry.at, "name"), message)


def _oddities(entry: Entry, rule: Rule, settings: Settings) -> Iterator[tuple[str, str]]:
    if not entry.names:
        yield "on", f"{rule.on!r} is only of accounts that are disabled: this rule never fires"
        return
    if not isinstance(rule.when, Compare):
        return
    when = rule.when
    for message in (*_quota(when, entry), *_floor(when, entry, settings), *_latency(when, entry)):
        yield "when", message
    if rule.clear is not None and _without_effect(when, rule.clear):
        yield "clear", "has no effect: it holds already where `when` does not"
    if rule.clear is not None and _the_same_way(when, rule.clear):
        yield (
            "clear",
            "goes the same way as `when`: it ends as it gets worse, not when it is over",
        )


def _quota(when: Compare, entry: Entry) -> Iterator[str]:
    if when.measure not in _QUOTAS:
        return
    if not any(t.target.check is Check.QUOTA for t in entry.asked):
        yield f"{when.measure} is of a quota, and no target of this rule has one: it never fires"
    elif _beyond(when):
        yield f"{when.text} is beyond the whole of a quota: it hardly ever fires"


def _beyond(when: Compare) -> bool:
    """A share over all of it; less than nothing left."""
    if when.measure == "quota_used":
        most = when.value > 1 or (when.value == 1 and when.op == ">")
        return when.share and when.op in _MORE and most
    return when.op == "<" and when.value == 0


def _floor(when: Compare, entry: Entry, settings: Settings) -> Iterator[str]:
    """At the floor an account is useless: `credits-exhausted` has spoken already."""
    if when.measure != "balance" or when.op not in _LESS:
        return
    known = {a.name: a.floor for a in settings.accounts}
    balances = (t.target.account for t in entry.asked if t.target.check is Check.BALANCE)
    floors = [known[name] for name in balances if name in known]
    if floors and all(when.value <= floor for floor in floors):
        yield (
            f"{when.text} is not above the floor of {min(floors):f}: credits-exhausted is told "
            "before it"
        )


def _latency(when: Compare, entry: Entry) -> Iterator[str]:
    longest = max((t.timeout for t in entry.asked), default=0.0)
    if when.measure == "latency" and when.op in _MORE and entry.asked and when.value >= longest:
        yield (
            f"a probe ends after its timeout of {format_duration(longest)}: it is never as slow "
            f"as {when.text}"
        )


def _without_effect(when: Compare, clear: Condition) -> bool:
    """A threshold to be over on the wrong side of the one to fire."""
    if not isinstance(clear, Compare) or not _alike(when, clear):
        return False
    if when.op in _LESS and clear.op in _MORE:
        return clear.value < when.value
    return when.op in _MORE and clear.op in _LESS and clear.value > when.value


def _the_same_way(when: Compare, clear: Condition) -> bool:
    """Both want less, or both more."""
    if not isinstance(clear, Compare) or not _alike(when, clear):
        return False
    return (when.op in _LESS) == (clear.op in _LESS)


def _alike(one: Compare, other: Compare) -> bool:
    return _kind(one) == _kind(other)


def _kind(it: Compare) -> tuple[object, ...]:
    return it.measure, it.argument, it.share, it.times_usual


def shortest_runway(settings: Settings, name: str) -> tuple[Rule, float] | None:
    """The rule that speaks latest of a balance's runway, and its threshold in seconds."""
    found = [
        (rule, value)
        for rule in settings.rules
        if matches(rule.on, name)
        for value in _runways(rule.when)
    ]
    return min(found, key=lambda pair: pair[1], default=None)


def _runways(when: Condition) -> Iterable[float]:
    parts = (when.first, when.second) if isinstance(when, Both) else (when,)
    compared = [part for part in parts if isinstance(part, Compare)]
    return [c.value for c in compared if c.measure == "runway" and c.op in _LESS]
