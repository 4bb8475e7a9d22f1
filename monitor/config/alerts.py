"""Alerts: the built-in rules, replaced, removed and extended by the user's."""

from __future__ import annotations

import re
from dataclasses import replace

from monitor.config.blocks import AlertBlock
from monitor.config.context import Context
from monitor.config.faults import PathTuple
from monitor.config.readers import did_you_mean
from monitor.config.references import Targets
from monitor.core.builtin import BUILTIN, EVERY, NOTICES
from monitor.core.causes import Severity
from monitor.core.model import Check
from monitor.core.rules import Compare, Condition, Rule
from monitor.core.when import parse_when

NAME = re.compile(r"[A-Za-z0-9._-]+")
_OF_A_BALANCE = frozenset({"balance", "burn", "runway", "jobs_left"})


def read_alerts(
    context: Context, blocks: list[tuple[PathTuple, AlertBlock]], targets: Targets
) -> tuple[Rule, ...]:
    """The rules in force: built-in ones first, each replaced in its place.

    An optional one is in force where an entry names it.
    """
    rules: dict[str, Rule | None] = {rule.name: rule for rule in BUILTIN}
    seen: set[str] = set()
    for at, block in blocks:
        name = _name(context, at, block, seen)
        if name is None:
            continue
        rule = _rule(context, at, block, targets)
        rules[name] = None if block.enabled is False else rule
    return tuple(rule for rule in rules.values() if rule)


def _name(context: Context, at: PathTuple, block: AlertBlock, seen: set[str]) -> str | None:
    if block.name is None:
        context.missing(at, "name")
        return None
    if not NAME.fullmatch(block.name):
        context.fault((*at, "name"), "the name of an alert is [A-Za-z0-9._-]+")
    if block.name in seen:
        context.fault((*at, "name"), "an alert has this name already")
    seen.add(block.name)
    return block.name


def _rule(context: Context, at: PathTuple, block: AlertBlock, targets: Targets) -> Rule | None:
    """One rule; None where it cannot be made, or need not be."""
    if block.enabled is False and not context.written((*at, "on"), (*at, "when")):
        _check_builtin(context, at, block.name or "")
        return None
    once = NOTICES.get(block.name or "")
    if once is not None and not context.written((*at, "when")):
        return _notice(context, at, block, once, targets)
    for name in ("on", "when"):
        context.missing(at, name)
    found = targets.resolve(context, (*at, "on"), block.on) if block.on else ()
    when = _condition(context, (*at, "when"), block.when, found, targets)
    clear = _condition(context, (*at, "clear"), block.clear, found, targets)
    if when is None or block.on is None or block.name is None:
        return None
    return Rule(
        block.name,
        block.on,
        when,
        block.severity or Severity.WARNING,
        clear=clear,
        for_seconds=block.for_ or 0.0,
        keep_firing_for=block.keep_firing_for or 0.0,
        after=block.after or 1,
        clear_after=block.clear_after or 1,
    )


def _notice(
    context: Context, at: PathTuple, block: AlertBlock, rule: Rule, targets: Targets
) -> Rule:
    """A rule of what happens once: an entry may say how it is routed, and need not."""
    for name in ("clear", "for", "keep_firing_for", "after", "clear_after"):
        if context.written((*at, name)):
            message = f"{rule.name} is told once and is never open: it has no {name}"
            context.fault((*at, name), message, at_key=True)
    if block.on is not None:
        found = targets.resolve(context, (*at, "on"), block.on)
        wanted = Check.KEY if rule.on == "*/key" else Check.BALANCE
        if found and not any(targets.checks.get(name) is wanted for name in found):
            those = f"{_those(found)} {'none' if len(found) == 1 else 'one'}"
            context.fault((*at, "on"), f"{rule.name} is of a {wanted.value}, and {those}")
    return replace(rule, on=block.on or rule.on, severity=block.severity or rule.severity)


def _check_builtin(context: Context, at: PathTuple, name: str) -> None:
    names = [rule.name for rule in EVERY]
    if name not in names:
        shown = context.document.shown(*at, "name")
        near = did_you_mean(name, names) or "; an alert of yours needs on and when"
        context.fault((*at, "name"), f"{shown} is no built-in rule{near}")


def _condition(
    context: Context, at: PathTuple, text: str | None, found: tuple[str, ...], targets: Targets
) -> Condition | None:
    if text is None or at in context.document.unset:
        return None
    try:
        condition = parse_when(text)
    except ValueError as error:
        shown = context.document.shown(*at)
        literal = not shown.startswith("the value of")
        context.fault(at, str(error) if literal else f"{shown} is not a condition: {_SHAPE}")
        return None
    if isinstance(condition, Compare) and found:
        _check_measure(context, at, condition, found, targets)
    return condition


_SHAPE = "write one comparison such as balance < 10000"


def _check_measure(
    context: Context, at: PathTuple, condition: Compare, found: tuple[str, ...], targets: Targets
) -> None:
    """A measure of a balance on targets without one would stay silent for ever."""
    if condition.measure not in _OF_A_BALANCE:
        return
    balances = [name for name in found if targets.checks.get(name) is Check.BALANCE]
    if not balances:
        context.fault(at, f"{condition.measure} is of a balance, and {_those(found)} no balance")
    elif condition.measure == "jobs_left":
        _check_job(context, at, condition.argument, balances, targets)


def _those(found: tuple[str, ...]) -> str:
    return f"{found[0]} is" if len(found) == 1 else "none of its targets is"


def _check_job(
    context: Context, at: PathTuple, job: str, balances: list[str], targets: Targets
) -> None:
    jobs = [name for target in balances for name in targets.accounts[target].jobs]
    if job not in jobs:
        account = targets.accounts[balances[0]].name
        message = f"unknown job {job!r}: accounts.{account}.jobs has no price for it"
        context.fault(at, f"{message}{did_you_mean(job, jobs)}")
