"""`monitor replay`: what the present rules would have said of recorded history."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from monitor.cli import BAD_INPUT, USAGE, Refusal
from monitor.cli.balances import balances, minute, no_such_balance, write_json, write_text
from monitor.cli.formats.accuracy import forecasts, off
from monitor.cli.formats.report import accuracy
from monitor.cli.setting import Globals
from monitor.core.accuracy import Ended, Ending, Score, figures
from monitor.core.builtin import BUILTIN
from monitor.core.durations import about
from monitor.core.model import Incident, Outlook, Sample
from monitor.core.phrases import by_plan, hours
from monitor.core.replay import Replay, Replayed, document, plain_account
from monitor.core.rules import Rule
from monitor.core.settings import Account, TargetSettings
from monitor.core.words import amount
from monitor.history import Archive, BrokenLine, parse_time, read_lines

_TARGET = re.compile(r"[a-z0-9._-]+/(key|model|balance|quota|status|inference)(/.*)?")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked on the command line."""

    source: str
    target: str | None
    at: datetime | None

    @classmethod
    def of(cls, source: str, target: str | None, at: str | None) -> Asked:
        """The words as they were written. Raises Refusal for a time that is none."""
        try:
            return cls(source, target, None if at is None else parse_time(at))
        except ValueError as error:
            raise Refusal(f"--at: {error}", USAGE) from error

    @property
    def name(self) -> str:
        """What the source is called in messages."""
        return "stdin" if self.source == "-" else self.source


@dataclass(frozen=True, slots=True)
class _Scene:
    """Whose rules and prices a history is judged by."""

    name: str | None  # None: nobody's in particular
    account: Account
    target: TargetSettings
    rules: tuple[Rule, ...]


def run(options: Globals, asked: Asked, output_format: str) -> int:
    """Print what a replay has found."""
    replay, name = _replayed(options, asked)
    found = _result(replay, asked)
    if output_format == "json":
        write_json(document(name, found))
    else:
        write_text("\n".join(_lines(name, found)) + "\n")
    return 0


def _replayed(options: Globals, asked: Asked) -> tuple[Replay, str | None]:
    if asked.source == "-" or Path(asked.source).exists():
        scene = _scene(options, asked.target)
        replay = Replay(scene.account, scene.target, scene.rules)
        with _opened(asked.source) as stream:
            _feed_lines(replay, stream, asked)
        return replay, scene.name
    if not _TARGET.fullmatch(asked.source):
        near = _near(options, asked.source)
        raise Refusal(
            f"{asked.source}: there is no such file, and it is no target{near}", BAD_INPUT
        )
    return _feed_stored(options, asked)


def _near(options: Globals, name: str) -> str:
    """The balance that was probably meant, where there is a config that says which there are."""
    from monitor.config import ConfigFaults
    from monitor.config.readers import did_you_mean

    try:
        return did_you_mean(name, list(balances(options.loader(need_secrets=False)())))
    except (ConfigFaults, Refusal):
        return ""


def _scene(options: Globals, name: str | None) -> _Scene:
    """By `--target` the config's; without it floor 0 and the built-in rules, and no config."""
    if name is None:
        account = plain_account()
        return _Scene(None, account, account.targets[0], BUILTIN)
    settings = options.loader(need_secrets=False)()
    known = balances(settings)
    if name not in known:
        raise no_such_balance(name, known)
    account, target = known[name]
    return _Scene(name, account, target, settings.rules)


@contextmanager
def _opened(source: str) -> Iterator[BinaryIO]:
    if source == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(source).open("rb") as stream:
            yield stream
    except OSError as error:
        raise Refusal(f"{source}: {error.strerror}", BAD_INPUT) from error


def _feed_lines(replay: Replay, stream: BinaryIO, asked: Asked) -> None:
    try:
        _feed(replay, read_lines(stream), asked.at)
    except BrokenLine as broken:
        raise Refusal(f"{asked.name}:{broken.number}: {broken}", BAD_INPUT) from broken


def _feed(replay: Replay, samples: Iterable[Sample], until: datetime | None) -> None:
    for sample in samples:
        if until is None or sample.at <= until:
            replay.step(sample)


def _feed_stored(options: Globals, asked: Asked) -> tuple[Replay, str | None]:
    """A target's own history. What it says was confirmed by quick repeats when it was read."""
    settings = options.loader(need_secrets=False)()
    if asked.source not in balances(settings):
        raise no_such_balance(asked.source, balances(settings))
    scene = _scene(options, asked.target or asked.source)
    replay = Replay(scene.account, scene.target, scene.rules, confirmed=True)
    archive, now = Archive(settings.database), datetime.now(UTC)
    take = lambda sample: _feed(replay, (sample,), asked.at)  # noqa: E731 - one line says it
    asyncio.run(archive.each(asked.source, take, now=now))
    return replay, scene.name


def _result(replay: Replay, asked: Asked) -> Replayed:
    if replay.samples:
        return replay.result(asked.at)
    if asked.at is not None:
        raise Refusal("--at: there is no sample as old as that", USAGE)
    raise Refusal(f"{asked.name}: there are no samples to replay", BAD_INPUT)


def _lines(name: str | None, found: Replayed) -> Iterator[str]:
    if found.first is not None and found.last is not None:
        span = f"{minute(found.first)} to {minute(found.last)} UTC"
        yield f"{name or 'balance'}: {found.samples} samples, {span}"
    if name is None:
        yield "floor 0 and the built-in rules; --target ACCOUNT/balance takes them from the config"
    yield ""
    yield f"balance    {_amount(found)}, floor {amount(found.floor)}"
    yield f"burn       {_burn(found.outlook)}"
    yield f"runway     {_runway(found.outlook)}"
    totals = found.totals
    yield (
        f"became     {amount(totals.spent)} spent, {amount(totals.refunded)} refunded, "
        f"{amount(totals.topped_up)} topped up, {amount(totals.adjusted)} adjusted, "
        f"{totals.misread} misread"
    )
    yield from ("", *_alerts(found.incidents))
    if found.endings:
        yield from ("", "endings, and what had been forecast")
    for ending, warned in found.endings:
        yield from _ending(ending, warned)
    yield from forecasts(accuracy(figures(found.hindsight)))


def _amount(found: Replayed) -> str:
    return "unknown" if found.balance is None else amount(found.balance)


def _burn(outlook: Outlook) -> str:
    burn = outlook.burn_per_hour
    return "unknown" if burn is None else f"{amount(burn)} per hour{by_plan(outlook)}"


def _runway(outlook: Outlook) -> str:
    if outlook.p50 is None or outlook.p10 is None or outlook.p90 is None:
        return "unknown"
    return f"{hours(outlook.p50)} (P10 {hours(outlook.p10)}, P90 {hours(outlook.p90)})"


def _alerts(incidents: tuple[Incident, ...]) -> Iterator[str]:
    yield "would have fired" if incidents else "nothing would have fired"
    column = max((len(i.alert) for i in incidents), default=0)
    for incident in incidents:
        severity = incident.severity.value.upper()
        yield (
            f"  {severity:<8}  {incident.alert:<{column}}  "
            f"{minute(incident.opened_at)}  {_lasted(incident)}"
        )


def _lasted(incident: Incident) -> str:
    if incident.closed_at is None:
        return "still open"
    return f"for {about((incident.closed_at - incident.opened_at).total_seconds())}"


def _ending(found: Ending, warned: datetime | None) -> Iterator[str]:
    what = "ran out" if found.ended is Ended.RAN_OUT else "topped up"
    ahead = "without a warning"
    if warned is not None:
        ahead = f"warned {about((found.at - warned).total_seconds())} before"
    yield f"  {minute(found.at)}  {what:<9}  {ahead}"
    if not found.scores:
        yield "    no forecast from 4, 12 or 24 h before"
    yield from (_said(score) for score in found.scores)


def _said(score: Score) -> str:
    held = "within" if score.held else "outside"
    said = f"it said {score.said:.1f} h where {score.true:.1f} h were true"
    return f"    {score.before:>2} h before  {said} ({off(score)}), {held} P10-P90"
